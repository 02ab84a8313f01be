package mitake

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// maxValidity is how long Mitake keeps trying, and the longest validity that a message asks
// for. Carriers may not report the end of a longer one (the specification, SmSend,
// vldtime).
const maxValidity = 24 * time.Hour

// Send hands the message to Mitake. The result's ProviderID is Mitake's msgid, without a "#"
// before it. The errors' details hold Mitake's statuscode and words.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	form, err := c.requestForm(e)
	if err != nil {
		return channel.Result{}, err
	}
	answer, err := c.call(ctx, c.setup().smSend, form)
	if err != nil {
		return channel.Result{}, err
	}
	return c.resultOf(answer, e.AttemptID.String(), form)
}

// call posts a form to a method of the API, on one of the account's connections.
func (c *Channel) call(ctx context.Context, method string, form url.Values) (httpapi.Answer, error) {
	s := c.setup()
	select {
	case s.callSlots <- struct{}{}:
		defer func() { <-s.callSlots }()
	case <-ctx.Done():
		return httpapi.Answer{}, channel.Temporary(ctx.Err(), 0)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, method, strings.NewReader(form.Encode()))
	if err != nil {
		return httpapi.Answer{}, channel.Failed(status.SystemError, "Config.URL makes no request")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return httpapi.Do(s.Client, req)
}

// requestForm returns the form of an SmSend call, or the error of a message that cannot be
// sent.
func (c *Channel) requestForm(e channel.Envelope) (url.Values, error) {
	content, ok := e.Content.(channel.Text)
	if !ok {
		return nil, channel.Failed(status.TemplateConfig, "the content is no channel.Text")
	}
	text := normalizeLines(content)
	if isBlank(text) {
		return nil, channel.Undeliverable(status.ContentRejected, "the text is empty")
	}
	if problem := c.lengthProblem(text); problem != "" {
		return nil, channel.Undeliverable(status.ContentRejected, problem)
	}
	to, err := c.destination(e.To.Phone)
	if err != nil {
		return nil, err
	}
	form := url.Values{
		"username": {c.setup().Username},
		"password": {c.setup().Password.Reveal()},
		"dstaddr":  {to},
		"smbody":   {strings.ReplaceAll(text, "\n", lineBreak)},
		"clientid": {e.AttemptID.String()},
	}
	if c.setup().CallbackURL != "" {
		form.Set("response", c.callbackURL(e.AttemptID.String()))
	}
	if !e.Expires.IsZero() {
		left := e.Expires.Sub(c.setup().Clock.Now())
		if left < time.Second {
			return nil, channel.Undeliverable(status.Expired, "the message is no longer wanted")
		}
		// The validity is relative, in seconds, so that no time zone matters.
		form.Set("vldtime", strconv.Itoa(int(min(left, maxValidity)/time.Second)))
	}
	return form, nil
}

// destination returns a number in the form that the specification prefers: a mobile number
// of Taiwan in its national form, a number of another country by its digits.
func (c *Channel) destination(n phone.Number) (string, error) {
	if n.IsZero() {
		return "", channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	digits := n.E164()[1:]
	if national, ok := strings.CutPrefix(digits, "886"); ok {
		if len(national) != 9 || national[0] != '9' {
			return "", channel.Undeliverable(status.InvalidNumber, "no mobile number of Taiwan")
		}
		return "0" + national, nil
	}
	if !c.setup().International {
		return "", channel.Undeliverable(status.Permission, "the number is not of Taiwan, and Config.International is false")
	}
	return digits, nil
}

// resultOf returns the result of an answer. The HTTP status counts only if the answer is
// not Mitake's, because Mitake refuses with 200, too.
func (c *Channel) resultOf(answer httpapi.Answer, attempt string, form url.Values) (channel.Result, error) {
	parsed, err := parseAnswer(answer.Body)
	if err != nil {
		if verdict := answer.Verdict(); verdict.Status != status.Accepted {
			return channel.Result{}, verdict.Error(fmt.Sprintf("HTTP %d", answer.Code), answer.RetryAfter())
		}
		return channel.Result{}, channel.InDoubt(err)
	}
	verdict, known := c.setup().Codes[parsed.code]
	switch {
	case known:
	case parsed.msgID != "": // a refused message gets no msgid
		verdict = channel.Verdict{Status: status.Accepted}
	default:
		verdict = channel.Verdict{Reason: status.InDoubt}
	}
	text := strings.ReplaceAll(form.Get("smbody"), lineBreak, "\n")
	words := httpapi.Words(parsed.words, text, c.setup().Username, c.setup().Password.Reveal(), form.Get("response"))
	err = verdict.Error(strings.TrimSpace("statuscode="+parsed.code+" "+words), answer.RetryAfter())
	if err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Status: verdict.Status, ProviderID: cmp.Or(messageNumber(parsed.msgID), attempt)}, nil
}
