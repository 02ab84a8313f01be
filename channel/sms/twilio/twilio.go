package twilio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// Channel sends texts through Twilio. It is a [channel.Receiver], a [channel.Querier], a
// [channel.ContentChecker] and a [channel.Sizer], and safe for concurrent use.
type Channel struct {
	// setup returns the settings that New made of its Config. It is a function because fmt
	// prints a function as an address, with any verb.
	setup func() *setup
}

type setup struct {
	Config
	callback callbackURL
}

// New returns a channel, or all mistakes in the Config at once. It makes no call.
func New(c Config) (*Channel, error) {
	c = c.withDefaults()
	callback, err := parseCallbackURL(c.StatusCallback)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	s := &setup{c, callback}
	return &Channel{func() *setup { return s }}, nil
}

// Name returns Config.Name.
func (c *Channel) Name() channel.Name { return c.setup().Name }

// Traits returns status.SMS as the machine, and a validity of 48 hours. Twilio drops a
// queued message after ten hours, and carriers drop theirs after about two days. Expires is
// false although Envelope.Expires is passed on, because it does not reach the carriers: a
// step that is left early may still deliver. Twilio takes no idempotency key.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Machine: status.SMS, Validity: 48 * time.Hour}
}

// Send creates a message. The channel takes a [channel.Text] alone; see
// [Channel.CheckContent]. A message whose Envelope.Expires is less than a second away is
// not sent: Undeliverable, expired. The result's ProviderID is the message's SID.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "the content is no channel.Text")
	}
	form, err := c.requestForm(e, text)
	if err != nil {
		return channel.Result{}, err
	}
	answer, err := c.postMessage(ctx, form)
	if err != nil {
		return channel.Result{}, err
	}
	if answer.Code/100 != 2 {
		return channel.Result{}, c.readRefusal(answer, text)
	}
	return c.readCreated(answer, e)
}

// The bounds of ValidityPeriod. Twilio advises against less than 5 seconds, but 5 seconds
// could outlive the message.
const (
	minValidity = time.Second
	maxValidity = 36_000 * time.Second
)

// requestForm returns the form to post, or the error of a message that cannot be sent.
func (c *Channel) requestForm(e channel.Envelope, text channel.Text) (url.Values, error) {
	s := c.setup()
	if err := c.checkText(text); err != nil {
		return nil, channel.Undeliverable(status.ContentRejected, err.Error())
	}
	if e.To.Phone.IsZero() {
		return nil, channel.Undeliverable(status.InvalidNumber, "no phone number")
	}
	form := url.Values{
		"To":             {e.To.Phone.E164()},
		"Body":           {string(text)},
		"StatusCallback": {s.callback.forAttempt(e.AttemptID)},
	}
	if s.From != "" {
		form.Set("From", s.From)
	} else {
		form.Set("MessagingServiceSid", s.MessagingServiceSID)
	}
	if !e.Expires.IsZero() {
		left := e.Expires.Sub(s.Clock.Now())
		if left < minValidity {
			return nil, channel.Undeliverable(status.Expired, "not sent: its time was over")
		}
		form.Set("ValidityPeriod", strconv.Itoa(int(min(left, maxValidity)/time.Second)))
	}
	return form, nil
}

// postMessage posts to the Messages resource.
func (c *Channel) postMessage(ctx context.Context, form url.Values) (httpapi.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.messagesURL()+".json", strings.NewReader(form.Encode()))
	if err != nil {
		return httpapi.Answer{}, channel.Failed(status.SystemError, "no request can be made")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.call(req)
}

// messagesURL returns the address of the Messages resource, without ".json".
func (c *Channel) messagesURL() string {
	s := c.setup()
	return s.BaseURL + "/2010-04-01/Accounts/" + s.AccountSID + "/Messages"
}

// call makes a request in the name of the account.
func (c *Channel) call(req *http.Request) (httpapi.Answer, error) {
	s := c.setup()
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(cmp.Or(s.APIKeySID, s.AccountSID), cmp.Or(s.APIKeySecret.Reveal(), s.AuthTokens[0].Reveal()))
	return httpapi.Do(s.Client, req)
}

// readCreated returns the result of an answer to a message that was created. Twilio makes
// no callback for the status in the answer. An answer with a SID means that the message was
// created, whatever else it says.
func (c *Channel) readCreated(answer httpapi.Answer, e channel.Envelope) (channel.Result, error) {
	message, _ := httpapi.ParseFields(answer.Body) // an answer that is not JSON has no fields
	sid, word, code := message.Text("sid"), message.Text("status"), codeIn(message, "error_code")
	if sid == "" {
		return channel.Result{}, channel.InDoubt(fmt.Errorf("HTTP %d without a message", answer.Code))
	}
	v := c.statusVerdict(word, code)
	result := channel.Result{
		Status:     cmp.Or(v.Status, status.Accepted),
		ProviderID: sid,
		Reason:     v.Reason,
	}
	if !isMessageSID(sid) { // it may be anything
		result.ProviderID = e.AttemptID.String()
	}
	if v.Reason != "" {
		result.Detail = detailOf(word, code, sid)
	}
	return result, nil
}

// readRefusal returns the error of an answer to a message that was not created, or may not
// have been.
func (c *Channel) readRefusal(answer httpapi.Answer, text channel.Text) error {
	fault, _ := httpapi.ParseFields(answer.Body)
	code := codeIn(fault, "code")
	detail := fmt.Sprintf("HTTP %d", answer.Code)
	if isCode(code) {
		hidden := append(secret.RevealAll(c.setup().AuthTokens), c.setup().APIKeySecret.Reveal(), string(text))
		detail = strings.TrimSpace(fmt.Sprintf("error %d %s", code, httpapi.Words(fault.Text("message"), hidden...)))
	}
	return c.answerVerdict(answer, code).Error(detail, answer.RetryAfter())
}
