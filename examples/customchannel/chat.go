package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// maxText is how many characters the service accepts in a message.
const maxText = 500

// Chat is a channel that posts to a chat service, whose members have an ID there and need no
// number. It is a [channel.Receiver] and a [channel.ContentChecker].
type Chat struct {
	url, token string
	secret     []byte
	client     *http.Client
}

// NewChat returns a channel that posts to the service at the URL. The service identifies
// the sender by the token, and signs its calls with the secret.
func NewChat(url, token, secret string) *Chat {
	return &Chat{url: url, token: token, secret: []byte(secret), client: &http.Client{
		// A redirect would send the text, and perhaps the token, to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name returns the channel's name.
func (c *Chat) Name() channel.Name { return "chat" }

// Traits returns the channel's traits: the service remembers the IDs of messages,
// and drops a message that expires.
func (c *Chat) Traits() channel.Traits {
	return channel.Traits{Idempotent: true, Reads: true, Expires: true, Validity: 7 * 24 * time.Hour}
}

// CheckContent returns an error for content that is no [channel.Text], or that is longer
// than the service accepts even before its variables have their values.
func (c *Chat) CheckContent(content channel.Content) error {
	text, ok := content.(channel.Text)
	if !ok {
		return fmt.Errorf("chat: content is a %T, want a channel.Text", content)
	}
	if n := utf8.RuneCountInString(string(text)); n > maxText {
		return fmt.Errorf("chat: content has %d characters, more than %d", n, maxText)
	}
	return nil
}

// post is the body of a call to the service.
type post struct {
	ID        string `json:"id"` // a second post with the same ID is not shown again
	To        string `json:"to"`
	Text      string `json:"text"`
	ExpiresAt string `json:"expires_at,omitempty"`
}

// answer is the body of the service's response.
type answer struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Error string `json:"error"`
}

// Send posts the message.
func (c *Chat) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if err := c.CheckContent(e.Content); err != nil {
		return channel.Result{}, channel.Failed(status.TemplateConfig, err.Error())
	}
	member := e.To.IDs[c.Name()]
	if member == "" {
		return channel.Result{}, channel.Undeliverable(status.NoContact, "the recipient has no chat ID")
	}
	text, _ := e.Content.(channel.Text) // CheckContent has checked the type
	p := post{ID: e.AttemptID.String(), To: member, Text: string(text)}
	if !e.Expires.IsZero() {
		p.ExpiresAt = e.Expires.Format(time.RFC3339)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "the message cannot be encoded")
	}

	// A call that fails may be repeated only if the service cannot have read the message.
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return channel.Result{}, channel.Failed(status.SystemError, "the URL of the service is wrong")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	req.GetBody = nil // without it the transport cannot send again: only the engine repeats a send
	res, err := c.client.Do(req)
	switch {
	case err != nil && written.Load():
		return channel.Result{}, channel.InDoubt(withoutURL(err))
	case err != nil:
		return channel.Result{}, channel.Temporary(withoutURL(err), 0)
	}
	defer func() { _ = res.Body.Close() }() // an error here changes nothing
	return resultOf(res)
}

// withoutURL returns the error of a call without the URL, because only the operator may
// know that.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("chat: %w", err)
}

// resultOf returns the result, or the error, that an answer means.
func resultOf(res *http.Response) (channel.Result, error) {
	var a answer
	err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&a)
	detail := "http " + strconv.Itoa(res.StatusCode)
	if errorCode.MatchString(a.Error) {
		detail += " " + a.Error
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusAccepted:
		s := states[a.State]
		if err != nil || a.ID == "" || s < status.Accepted {
			// The service has accepted something. A post with the same ID is safe to repeat.
			return channel.Result{}, channel.InDoubt(errors.New("chat: " + detail + ": the answer makes no sense"))
		}
		return channel.Result{Status: s, ProviderID: a.ID, Reason: reasons[s]}, nil
	case http.StatusNotFound:
		return channel.Result{}, channel.Undeliverable(status.NoContact, detail)
	case http.StatusConflict:
		return channel.Result{}, channel.Undeliverable(status.Blocked, detail)
	case http.StatusUnauthorized, http.StatusForbidden:
		return channel.Result{}, channel.Undeliverable(status.Authorization, detail)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		wait := time.Duration(min(max(seconds, 0), 3600)) * time.Second
		return channel.Result{}, channel.Temporary(errors.New("chat: "+detail), wait)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return channel.Result{}, channel.Failed(status.TemplateConfig, detail)
	}
	if res.StatusCode >= 500 {
		return channel.Result{}, channel.InDoubt(errors.New("chat: " + detail))
	}
	return channel.Result{}, channel.Failed(status.SystemError, detail)
}

// errorCode matches an error code of the service. Other text is left out of errors,
// because it may repeat the message.
var errorCode = regexp.MustCompile(`^[a-z]{1,12}(_[a-z]{1,12})?$`)

// states maps the service's states to statuses.
var states = map[string]status.Status{
	"queued": status.Accepted, "delivered": status.Delivered, "read": status.Delivered, "dropped": status.Undeliverable,
}

// reasons maps a status to its reason: the service drops a message that expires.
var reasons = map[status.Status]status.Reason{status.Undeliverable: status.Expired}

// report is the body of the service's call about a message.
type report struct {
	ID    string    `json:"id"`
	State string    `json:"state"`
	At    time.Time `json:"at"`
}

// maxReport is the largest size of a call in bytes.
const maxReport = 64 << 10

// ReceiptHandler returns the handler of the service's calls.
func (c *Chat) ReceiptHandler(sink channel.Sink) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
		if err != nil {
			why := http.StatusBadRequest
			if _, large := errors.AsType[*http.MaxBytesError](err); large {
				why = http.StatusRequestEntityTooLarge
			}
			writeError(w, why)
			return
		}
		signature, err := hex.DecodeString(r.Header.Get("X-Chat-Signature"))
		if err != nil || !hmac.Equal(signature, sign(c.secret, body)) {
			writeError(w, http.StatusUnauthorized)
			return
		}
		var p report
		if err := json.Unmarshal(body, &p); err != nil || p.ID == "" || p.State == "" {
			writeError(w, http.StatusBadRequest)
			return
		}
		s := states[p.State] // a state to come is Preparing, which says nothing new
		err = sink(r.Context(), channel.Receipt{
			Channel: c.Name(), ProviderID: p.ID, Status: s, Reason: reasons[s], Read: p.State == "read", At: p.At,
		})
		if err != nil {
			writeError(w, http.StatusServiceUnavailable) // the service calls again
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func writeError(w http.ResponseWriter, code int) { http.Error(w, http.StatusText(code), code) }

// sign returns the signature of a call.
func sign(secret, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return mac.Sum(nil)
}
