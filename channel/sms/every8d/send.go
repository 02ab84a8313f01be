package every8d

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/channel/sms"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// maxValidity is how long Every8D keeps trying without a RETRYTIME, and the longest that a
// message asks for (the specification, sendSMS).
const maxValidity = 24 * time.Hour

// Send hands the message to Every8D. The result's ProviderID is the batch ID.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	form, err := c.requestForm(e)
	if err != nil {
		return channel.Result{}, err
	}
	answer, err := c.call(ctx, "sendSMS.ashx", form)
	if err != nil {
		return channel.Result{}, err
	}
	return c.resultOf(answer, e, form)
}

// call posts a form to a method of the API. So the password is in no URL.
func (c *Channel) call(ctx context.Context, method string, form url.Values) (httpapi.Answer, error) {
	s := c.setup()
	form.Set("UID", s.UserID)
	form.Set("PWD", s.Password.Reveal())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.BaseURL+"/API21/HTTP/"+method, strings.NewReader(form.Encode()))
	if err != nil {
		return httpapi.Answer{}, channel.Failed(status.SystemError, "Config.BaseURL makes no request")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return httpapi.Do(s.Client, req)
}

// requestForm returns the form of a message, or the error of one that cannot be sent.
func (c *Channel) requestForm(e channel.Envelope) (url.Values, error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return nil, channel.Failed(status.TemplateConfig, "the content is no channel.Text")
	}
	if problem := c.textProblem(string(text)); problem != "" {
		return nil, channel.Undeliverable(status.ContentRejected, problem)
	}
	if err := c.checkNumber(e.To.Phone); err != nil {
		return nil, err
	}
	form := url.Values{"MSG": {string(text)}, "DEST": {e.To.Phone.E164()}}
	if !e.Expires.IsZero() {
		left := e.Expires.Sub(c.setup().Clock.Now())
		if left < time.Second {
			return nil, channel.Undeliverable(status.Expired, "not sent: its time was over")
		}
		minutes := int(min(left, maxValidity) / time.Minute)
		form.Set("RETRYTIME", strconv.Itoa(max(1, minutes)))
	}
	return form, nil
}

// checkNumber returns the error of a number that Every8D would refuse.
func (c *Channel) checkNumber(n phone.Number) error {
	if n.IsZero() {
		return channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	national, isTaiwan := strings.CutPrefix(n.E164(), "+886")
	switch {
	case isTaiwan && (len(national) != 9 || national[0] != '9'):
		return channel.Undeliverable(status.InvalidNumber, "no mobile number of Taiwan")
	case !isTaiwan && !c.setup().International:
		return channel.Undeliverable(status.Permission, "the number is not of Taiwan, and Config.International is false")
	default:
		return nil
	}
}

// textProblem returns why a text cannot be sent, or "".
func (c *Channel) textProblem(text string) string {
	switch n := sms.Count(text).Segments; {
	case strings.TrimSpace(text) == "":
		return "the text is empty"
	case !utf8.ValidString(text):
		return "the text is no valid UTF-8"
	case n > c.setup().MaxSegments:
		return fmt.Sprintf("the text takes %d segments, and Config.MaxSegments is %d", n, c.setup().MaxSegments)
	default:
		return ""
	}
}

// CheckContent returns an error for content that is no [channel.Text], and for a text that is
// empty or too long without its variables.
func (c *Channel) CheckContent(content channel.Content) error {
	text, ok := content.(channel.Text)
	if !ok {
		return errors.New("every8d: the content is no channel.Text")
	}
	none := make(map[string]string)
	for _, name := range text.Vars() {
		none[name] = ""
	}
	rendered, err := text.Render(none)
	if err != nil {
		return err
	}
	least, _ := rendered.(channel.Text)
	if strings.TrimSpace(string(least)) == "" && len(none) > 0 {
		return nil // its values are its text
	}
	if problem := c.textProblem(string(least)); problem != "" {
		return errors.New("every8d: " + problem)
	}
	return nil
}

// Size returns the number of segments of a text. Every8D counts in the same steps for texts in
// Chinese (70, 134, 201 characters, and so on).
func (c *Channel) Size(content channel.Content) int {
	text, _ := content.(channel.Text)
	return max(1, sms.Count(string(text)).Segments)
}

// reply is an answer of sendSMS (the specification, sendSMS). A message that was taken has
//
//	CREDIT,SENDED,COST,UNSEND,BATCH_ID
//
// and one that was refused has a negative code and words:
//
//	-99, 主機端發生不明錯誤，請與廠商窗口聯繫。
type reply struct {
	code         int // negative, or 0
	words        string
	credit       float64
	sent, unsent int
	batchID      string
}

var errMalformed = errors.New("the answer makes no sense")

// parseReply parses an answer of sendSMS.
func parseReply(body []byte) (r reply, err error) {
	line, _, _ := strings.Cut(strings.TrimSpace(string(bytes.TrimPrefix(body, []byte("\uFEFF")))), "\n")
	if code, words, ok := parseRefusal(line); ok {
		return reply{code: code, words: words}, nil
	}
	fields := strings.Split(strings.TrimSpace(line), ",")
	if len(fields) < 5 {
		return reply{}, errMalformed
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	var bad [3]error
	r.credit, bad[0] = strconv.ParseFloat(fields[0], 64)
	r.sent, bad[1] = strconv.Atoi(fields[1])
	r.unsent, bad[2] = strconv.Atoi(fields[3])
	if errors.Join(bad[:]...) != nil || r.sent < 0 || r.unsent < 0 || r.sent+r.unsent == 0 {
		return reply{}, errMalformed
	}
	if isBatchID(fields[4]) {
		r.batchID = fields[4]
	}
	return r, nil
}

// parseRefusal parses a negative code and the words behind it.
func parseRefusal(line string) (code int, words string, ok bool) {
	number, words, _ := strings.Cut(line, ",")
	code, err := strconv.Atoi(strings.TrimSpace(number))
	return code, strings.TrimSpace(words), err == nil && -10_000 < code && code < 0
}

// isBatchID reports whether s can be a batch ID, which is a UUID.
func isBatchID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(strings.ToLower(s), "0123456789abcdefghijklmnopqrstuvwxyz-") == ""
}

// resultOf returns the result of an answer. The HTTP status counts only if the answer is not
// Every8D's, which refuses with 200, too.
func (c *Channel) resultOf(answer httpapi.Answer, e channel.Envelope, form url.Values) (channel.Result, error) {
	r, err := parseReply(answer.Body)
	if err != nil || answer.Code != http.StatusOK {
		if v := answer.Verdict(); v.Status != status.Accepted {
			return channel.Result{}, v.Error(fmt.Sprintf("HTTP %d", answer.Code), answer.RetryAfter())
		}
		return channel.Result{}, channel.InDoubt(errMalformed)
	}
	switch {
	case r.code != 0:
		v, known := c.setup().Codes[r.code]
		if !known {
			v = carrierError
		}
		words := httpapi.Words(r.words, form.Get("MSG"), c.setup().UserID, c.setup().Password.Reveal())
		if err := v.Error(strings.TrimSpace(fmt.Sprintf("code %d %s", r.code, words)), answer.RetryAfter()); err != nil {
			return channel.Result{}, err
		}
	case r.sent == 0 && r.credit < 1:
		return channel.Result{}, channel.Undeliverable(status.QuotaExceeded, "not sent: the account has no credit")
	case r.sent == 0:
		return channel.Result{}, channel.Undeliverable(status.CarrierError, "not sent, without a code")
	}
	if r.batchID == "" {
		r.batchID = e.AttemptID.String() // it cannot be asked about
	}
	return channel.Result{Status: status.Accepted, ProviderID: r.batchID}, nil
}
