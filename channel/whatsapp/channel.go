package whatsapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// Channel sends from one business phone number. It is a [channel.Receiver] and a
// [channel.ContentChecker], and safe for concurrent use.
type Channel struct {
	url           string
	phoneNumberID string
	codes         map[int]channel.Verdict
	validity      time.Duration
	client        *http.Client

	// These functions hold the secrets, because fmt prints a function as an address.
	token         func() string
	isSigned      func(body, mac []byte) bool
	isVerifyToken func(word string) bool
}

func newChannel(c Config) *Channel {
	return &Channel{
		url:           c.BaseURL + "/" + c.Version + "/" + c.PhoneNumberID + "/messages",
		phoneNumberID: c.PhoneNumberID,
		codes:         maps.Clone(c.Codes),
		validity:      c.Validity,
		client:        c.Client,
		token:         func() string { return strings.TrimSpace(c.Token()) },
		isSigned:      signatureChecker(c.AppSecrets),
		isVerifyToken: tokenChecker(c.VerifyTokens),
	}
}

// Name returns channel.WhatsApp.
func (c *Channel) Name() channel.Name { return channel.WhatsApp }

// Traits returns the channel's traits: not idempotent, with read receipts, valid for
// Config.Validity. A message cannot pass its own limit on.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Machine: status.WhatsApp, Reads: true, Validity: c.validity}
}

// CheckContent returns an error for content that is not a [Template].
func (c *Channel) CheckContent(content channel.Content) error {
	switch content.(type) {
	case Template:
		return nil
	case channel.Text:
		return errors.New("whatsapp: content is a channel.Text, want a whatsapp.Template: " +
			"free text may only be sent within 24 hours of the person's last message")
	default:
		return fmt.Errorf("whatsapp: content is a %T, want a whatsapp.Template", content)
	}
}

// Send hands a [Template] to Meta. The ProviderID is the attempt's ID.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	t, ok := e.Content.(Template)
	if !ok {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "the content is no whatsapp.Template")
	}
	if mistakes := t.formErrors(); len(mistakes) > 0 {
		return channel.Result{}, channel.Failed(status.TemplateConfig, mistakes[0].Error())
	}
	if e.To.Phone.IsZero() {
		return channel.Result{}, channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	if blank := t.missingValue(); blank != "" {
		return channel.Result{}, channel.Undeliverable(status.TemplateMismatch, "no value for "+blank)
	}
	token := c.token()
	if token == "" {
		return channel.Result{}, channel.Undeliverable(status.Authorization, "there is no access token")
	}
	req, err := c.newRequest(ctx, newMessage(e, t), token)
	if err != nil {
		return channel.Result{}, channel.Failed(status.SystemError, "the request cannot be made")
	}
	answer, err := httpapi.Do(c.client, req)
	if err != nil {
		return channel.Result{}, err
	}
	return c.readAnswer(answer, e.AttemptID, append(t.hiddenValues(), token)...)
}

func (c *Channel) newRequest(ctx context.Context, m message, token string) (*http.Request, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// minHiddenRunes is the length from which on Meta's words must not repeat a value. Shorter
// values occur in too many words.
const minHiddenRunes = 4

// hiddenValues returns the texts that Meta's words must not repeat.
func (t Template) hiddenValues() []string {
	var all []string
	for _, p := range t.allTexts() {
		if utf8.RuneCountInString(string(*p.text)) >= minHiddenRunes {
			all = append(all, string(*p.text))
		}
	}
	return all
}

// pairRetryAfter is the pause after too many messages to one person.
const pairRetryAfter = 6 * time.Second

// readAnswer returns the result of Meta's answer.
func (c *Channel) readAnswer(a httpapi.Answer, attempt uuid.UUID, hidden ...string) (channel.Result, error) {
	var response struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
		Error *errorBody `json:"error"`
	}
	_ = json.Unmarshal(a.Body, &response) // an answer that is not JSON has no fields
	switch {
	case a.Code/100 == 2 && len(response.Messages) > 0 && response.Messages[0].ID != "":
		return channel.Result{Status: status.Accepted, ProviderID: attempt.String()}, nil
	case response.Error != nil:
		return channel.Result{}, c.errorOf(a, *response.Error, hidden)
	case a.Code/100 == 2:
		return channel.Result{}, channel.InDoubt(fmt.Errorf("HTTP %d, and no message is named", a.Code))
	default:
		return channel.Result{}, a.Verdict().Error(fmt.Sprintf("HTTP %d", a.Code), a.RetryAfter())
	}
}

// errorOf returns the error of an answer that names one.
func (c *Channel) errorOf(a httpapi.Answer, p errorBody, hidden []string) error {
	code, named := p.code()
	v, known := channel.Verdict{}, false
	if named {
		v, known = c.codeVerdict(code)
	}
	if !known {
		v = a.Verdict()
	}
	pause := a.RetryAfter()
	if code == pairLimit {
		pause = max(pause, pairRetryAfter)
	}
	words := p.detail(hidden...)
	if err := v.Error(words, pause); err != nil {
		return err
	}
	return channel.InDoubt(errors.New("success with an error: " + words))
}
