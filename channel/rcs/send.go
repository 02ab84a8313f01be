package rcs

import (
	"bytes"
	"context"
	"encoding/json"
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

// The bounds of a message's time to live ("Set a message expiration"). The platform advises
// against less than 10 seconds, but that could outlive the message.
const (
	minTTL = time.Second
	maxTTL = 15 * 24 * time.Hour
)

// codes are the meanings of refusals by error.status (the reference, "Send messages", and
// google.rpc.Code). INVALID_ARGUMENT is also the answer for a telephone that does not have a
// feature of the message. Other words, and answers without one, mean what the HTTP status
// says.
var codes = map[string]channel.Verdict{
	"NOT_FOUND":           {Status: status.Undeliverable, Reason: status.NoContact},
	"INVALID_ARGUMENT":    {Status: status.Undeliverable, Reason: status.ContentRejected},
	"FAILED_PRECONDITION": {Status: status.Undeliverable, Reason: status.ContentRejected},
	"PERMISSION_DENIED":   {Status: status.Undeliverable, Reason: status.Permission},
	"UNAUTHENTICATED":     {Status: status.Undeliverable, Reason: status.Authorization},
	"ALREADY_EXISTS":      {Status: status.Accepted},
	"RESOURCE_EXHAUSTED":  {},
}

// Send creates an agent message whose ID is the attempt's. A message whose Envelope.Expires is
// less than a second away is not sent: Undeliverable, expired. The result's ProviderID is the
// attempt's ID.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if err := ctx.Err(); err != nil {
		return channel.Result{}, channel.Temporary(err, 0)
	}
	body, hidden, err := c.requestBody(e)
	if err != nil {
		return channel.Result{}, err
	}
	token, fresh, err := c.accessToken(ctx)
	if err != nil {
		return channel.Result{}, err
	}
	address := c.messagesURL(e.To.Phone.E164()) + "?messageId=" + e.AttemptID.String() + "&agentId=" + url.QueryEscape(c.setup().AgentID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return channel.Result{}, channel.Failed(status.SystemError, "no request can be made")
	}
	c.setup().recipients.put(e.AttemptID, e.To.Phone)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	answer, err := httpapi.Do(c.setup().Client, req)
	if err != nil {
		return channel.Result{}, err
	}
	if err := c.refusalOf(answer, token, fresh, hidden); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
}

// messagesURL returns the address of a person's agent messages.
func (c *Channel) messagesURL(e164 string) string {
	return c.setup().BaseURL + "/v1/phones/" + e164 + "/agentMessages"
}

// requestBody returns the AgentMessage of an envelope and the texts that a detail must not
// repeat, or the error of one that cannot be sent.
func (c *Channel) requestBody(e channel.Envelope) (body []byte, hidden []string, err error) {
	fields, hidden, err := payload(e.Content)
	if err != nil {
		return nil, nil, err
	}
	if e.To.Phone.IsZero() {
		return nil, nil, channel.Undeliverable(status.InvalidNumber, "no phone number")
	}
	s := c.setup()
	if s.TrafficType != "" && fields["messageTrafficType"] == nil {
		fields["messageTrafficType"] = json.RawMessage(strconv.Quote(s.TrafficType))
	}
	if !e.Expires.IsZero() {
		left := e.Expires.Sub(s.Clock.Now())
		if left < minTTL {
			return nil, nil, channel.Undeliverable(status.Expired, "not sent: its time was over")
		}
		// The time to live is relative, so that the clocks need not agree.
		fields["ttl"] = json.RawMessage(fmt.Sprintf(`"%ds"`, min(left, maxTTL)/time.Second))
	}
	if body, err = json.Marshal(fields); err != nil {
		return nil, nil, channel.Failed(status.TemplateConfig, "message: no JSON can be made of it")
	}
	if len(body) > maxBytes {
		return nil, nil, channel.Undeliverable(status.ContentRejected, fmt.Sprintf("the message has %d bytes, want at most %d", len(body), maxBytes))
	}
	return body, hidden, nil
}

// refusalOf returns the error of an answer, or nil if the platform has the message.
func (c *Channel) refusalOf(answer httpapi.Answer, token secret.Text, fresh bool, hidden []string) error {
	object, isObject := httpapi.ParseFields(answer.Body)
	if answer.Code/100 == 2 {
		if !isObject {
			return channel.InDoubt(fmt.Errorf("HTTP %d without a message", answer.Code))
		}
		return nil
	}
	fault := object.Object("error")
	word := fault.Text("status")
	v, known := c.setup().Codes[word]
	if !known {
		v, known = codes[word]
	}
	if !known || answer.Code/100 == 5 { // a server error may come after the message was taken
		word, v = knownWord(word), answer.Verdict()
	}
	if answer.Code == http.StatusUnauthorized && c.dropToken(token) && !fresh {
		return channel.Temporary(errors.New("HTTP 401: the access token is no longer valid"), 0)
	}
	hidden = append(hidden, token.Reveal())
	detail := fmt.Sprintf("HTTP %d %s %s", answer.Code, word, httpapi.Words(fault.Text("message"), hidden...))
	return v.Error(strings.Join(strings.Fields(detail), " "), answer.RetryAfter())
}

// knownWord returns the word if it looks like one of google.rpc.Code, or "". Another word might
// quote anything.
func knownWord(word string) string {
	if len(word) > len("FAILED_PRECONDITION") || !trafficTypePattern.MatchString(word) {
		return ""
	}
	return word
}
