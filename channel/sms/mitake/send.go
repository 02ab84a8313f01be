package mitake

import (
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

// maxValidity is how long Mitake goes on trying, and the most that may be asked of it: of
// what is valid longer, carriers may not report the end (the specification, SmSend,
// vldtime).
const maxValidity = 24 * time.Hour

// Send hands the message over. The errors' details hold Mitake's statuscode and words.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	form, err := c.requestForm(e)
	if err != nil {
		return channel.Result{}, err
	}
	s := c.setup()
	select {
	case s.callSlots <- struct{}{}:
		defer func() { <-s.callSlots }()
	case <-ctx.Done():
		return channel.Result{}, channel.Temporary(ctx.Err(), 0)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.smSend, strings.NewReader(form.Encode()))
	if err != nil {
		return channel.Result{}, channel.Failed(status.SystemError, "Config.URL makes no request")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := httpapi.Do(s.Client, req)
	if err != nil {
		return channel.Result{}, err
	}
	return c.resultOf(answer, e.AttemptID.String(), form)
}

// requestForm returns what SmSend is to be told, or why the message cannot be sent.
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
		"password": {c.setup().Password},
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
		// As seconds from now, so that no time zone matters.
		form.Set("vldtime", strconv.Itoa(int(min(left, maxValidity)/time.Second)))
	}
	return form, nil
}

// destination returns a number as the specification likes it best: a mobile number of
// Taiwan in its national form, one of another country by its digits.
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

// resultOf says what an answer means. The HTTP status is 200 for refusals, too, so it
// speaks only for answers that are not Mitake's.
func (c *Channel) resultOf(answer httpapi.Answer, attempt string, form url.Values) (channel.Result, error) {
	said, err := parseAnswer(answer.Body)
	if err != nil {
		if verdict := answer.Verdict(); verdict.Status != status.Accepted {
			return channel.Result{}, verdict.Error(fmt.Sprintf("HTTP %d", answer.Code), answer.RetryAfter())
		}
		return channel.Result{}, channel.InDoubt(err)
	}
	verdict, known := c.setup().Codes[said.code]
	switch {
	case known:
	case said.msgID != "": // which a message that was refused does not get
		verdict = channel.Verdict{Status: status.Accepted}
	default:
		verdict = channel.Verdict{Reason: status.InDoubt}
	}
	text := strings.ReplaceAll(form.Get("smbody"), lineBreak, "\n")
	words := httpapi.Words(said.words, text, c.setup().Username, c.setup().Password, form.Get("response"))
	err = verdict.Error(strings.TrimSpace("statuscode="+said.code+" "+words), answer.RetryAfter())
	if err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Status: verdict.Status, ProviderID: attempt}, nil
}
