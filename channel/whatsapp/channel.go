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

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// Channel sends from one business phone number. It is a [channel.Receiver] and a
// [channel.ContentChecker], and safe for concurrent use.
type Channel struct {
	name          channel.Name
	url           string
	phoneNumberID string
	codeOverrides map[int]channel.Verdict
	validity      time.Duration
	client        *http.Client

	// These functions hold the secrets, because fmt prints a function as an address.
	token         func() string
	isSigned      func(body, mac []byte) bool
	isVerifyToken func(word string) bool
}

func newChannel(c Config) *Channel {
	return &Channel{
		name:          c.Name,
		url:           c.BaseURL + "/" + c.Version + "/" + c.PhoneNumberID + "/messages",
		phoneNumberID: c.PhoneNumberID,
		codeOverrides: maps.Clone(c.Codes),
		validity:      c.Validity,
		client:        c.Client,
		token:         func() string { return strings.TrimSpace(c.Token()) },
		isSigned:      signatureChecker(secret.RevealAll(c.AppSecrets)),
		isVerifyToken: tokenChecker(secret.RevealAll(c.VerifyTokens)),
	}
}

// Name returns Config.Name.
func (c *Channel) Name() channel.Name { return c.name }

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

// Send hands a [Template] to Meta, for the number, or else for the business-scoped user ID on
// the channel's name. The ProviderID is a hash of Meta's message ID.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	t, ok := e.Content.(Template)
	if !ok {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "the content is no whatsapp.Template")
	}
	if mistakes := t.formErrors(); len(mistakes) > 0 {
		return channel.Result{}, channel.Failed(status.TemplateConfig, mistakes[0].Error())
	}
	userID := e.To.IDs[c.name]
	if e.To.Phone.IsZero() && userID == "" {
		return channel.Result{}, channel.Undeliverable(status.InvalidNumber, "there is neither a number nor a user ID")
	}
	if blank := t.missingValue(); blank != "" {
		return channel.Result{}, channel.Undeliverable(status.TemplateMismatch, "no value for "+blank)
	}
	token := c.token()
	if token == "" {
		return channel.Result{}, channel.Undeliverable(status.Authorization, "there is no access token")
	}
	req, err := c.newRequest(ctx, newMessage(e, userID, t), token)
	if err != nil {
		return channel.Result{}, channel.Failed(status.SystemError, "the request cannot be made")
	}
	answer, err := httpapi.Do(c.client, req)
	if err != nil {
		return channel.Result{}, err
	}
	return c.readAnswer(answer, append(t.hiddenValues(), token, userID)...)
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

// hiddenValues returns the texts that Meta's words must not repeat.
func (t Template) hiddenValues() []string {
	var all []string
	for _, p := range t.allTexts() {
		all = append(all, string(*p.text))
	}
	return all
}

// pairRetryAfter is the pause after too many messages to one person.
const pairRetryAfter = 6 * time.Second

// readAnswer returns the result of Meta's answer.
func (c *Channel) readAnswer(a httpapi.Answer, hidden ...string) (channel.Result, error) {
	response, _ := httpapi.ParseFields(a.Body) // an answer that is not JSON has no fields
	key := ""
	if messages, _ := response.Objects("messages"); len(messages) > 0 {
		key = messageKey(messages[0].Text("id"))
	}
	switch problem := response.Object("error"); {
	case a.Code/100 == 2 && key != "":
		return channel.Result{Status: status.Accepted, ProviderID: key}, nil
	case problem != nil:
		return channel.Result{}, c.errorOf(a, errorBody{problem}, hidden)
	case a.Code/100 == 2:
		return channel.Result{}, channel.InDoubt(fmt.Errorf("HTTP %d, and no message is named", a.Code))
	default:
		return channel.Result{}, a.Verdict().Error(fmt.Sprintf("HTTP %d", a.Code), a.RetryAfter())
	}
}

// errorOf returns the error of an answer that names one.
func (c *Channel) errorOf(a httpapi.Answer, p errorBody, hidden []string) error {
	v, pause := c.answerVerdict(a, p), a.RetryAfter()
	if code, _ := p.code(); code == pairLimit {
		pause = max(pause, pairRetryAfter)
	}
	words := p.detail(hidden...)
	if err := v.Error(words, pause); err != nil {
		return err
	}
	return channel.InDoubt(errors.New("success with an error: " + words))
}
