package line_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
)

const (
	token         = "channel-access-token-4f1c"
	signingSecret = "channel-secret-9a77"
	user          = "U4af4980629ba1e1d3c2f6a57c1b1c9d2"
	e164          = "+818000001234"
	// hash is the hash of e164 in "Technical specifications of the LINE notification
	// messages API", section "Phone number hashing".
	hash = "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c"
)

func number(t testing.TB, s string) phone.Number {
	t.Helper()
	n, err := phone.Parse(s)
	require.NoError(t, err)
	return n
}

// request is a request that LINE got.
type request struct {
	Method, Path string
	Header       http.Header
	Body         string
}

// fakeLINE is LINE as its reference describes it.
type fakeLINE struct {
	URL string

	mu       sync.Mutex
	requests []request
	accepted map[string]bool // the retry keys
}

// newFakeLINE starts a LINE that accepts every request for whose path answers has no
// handler.
func newFakeLINE(t testing.TB, answers map[string]http.HandlerFunc) *fakeLINE {
	t.Helper()
	f := &fakeLINE{accepted: make(map[string]bool)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.requests = append(f.requests, request{r.Method, r.URL.EscapedPath(), r.Header.Clone(), string(body)})
		f.mu.Unlock()
		if answer := answers[r.URL.Path]; answer != nil {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			answer(w, r)
			return
		}
		f.accept(w, r)
	}))
	t.Cleanup(s.Close)
	f.URL = s.URL
	return f
}

func (f *fakeLINE) accept(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.Header.Get("X-Line-Retry-Key")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == pushPath && f.accepted[key]:
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"message":"The retry key is already accepted","sentMessages":[{"id":"461230966842064897"}]}`)
	case r.URL.Path == pushPath:
		f.accepted[key] = true
		_, _ = io.WriteString(w, `{"sentMessages":[{"id":"461230966842064897"}]}`)
	case key != "": // taken for push alone
		w.WriteHeader(http.StatusBadRequest)
	case r.URL.Path == templatedPath:
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{}`)
	default:
		_, _ = io.WriteString(w, `{}`)
	}
}

// sentRequests returns the requests that LINE got.
func (f *fakeLINE) sentRequests() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// onlyRequest returns the one request that LINE got.
func (f *fakeLINE) onlyRequest(t testing.TB) request {
	t.Helper()
	all := f.sentRequests()
	require.Len(t, all, 1)
	return all[0]
}

const (
	pushPath      = "/v2/bot/message/push"
	flexiblePath  = "/bot/pnp/push"
	templatedPath = "/v2/bot/message/pnp/templated/push"
	profilePath   = "/v2/bot/profile/" + user
)

// echoError answers with a code and LINE's form of an error, and repeats the request. A
// provider that does so is the worst case for secrets.
func echoError(code int, message, property, detail string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		echo := fmt.Sprintf(" %s %s %v", body, r.URL.Path, r.Header)
		answer, _ := json.Marshal(map[string]any{
			"message": message + echo,
			"details": []map[string]string{{"property": property, "message": detail + echo}},
		})
		w.Header().Set("Retry-After", "30")
		w.Header().Set("X-Line-Request-Id", "123e4567-e89b-12d3-a456-426655440002")
		w.WriteHeader(code)
		_, _ = w.Write(answer)
	}
}

// refuseWith answers with a code and a body, and repeats nothing.
func refuseWith(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Line-Request-Id", "123e4567-e89b-12d3-a456-426655440002")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func account(url string) line.Account {
	return line.Account{Token: secret.New(token), Secrets: secret.NewAll(signingSecret), BaseURL: url}
}

func newPush(t testing.TB, c line.PushConfig) *line.Push {
	t.Helper()
	p, err := line.NewPush(c)
	require.NoError(t, err)
	return p
}

func newNotification(t testing.TB, c line.NotificationConfig) *line.Notification {
	t.Helper()
	n, err := line.NewNotification(c)
	require.NoError(t, err)
	return n
}

// envelope returns a message for a person with a number and a LINE user ID.
func envelope(t testing.TB, c channel.Content) channel.Envelope {
	t.Helper()
	return channel.Envelope{
		AttemptID: uuid.New(), Content: c, Try: 1,
		To: channel.Recipient{Phone: number(t, e164), IDs: map[channel.Name]string{channel.LINEPush: user}},
	}
}

func sign(signingSecret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// call returns a call of LINE's.
func call(body, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/line", strings.NewReader(body))
	r.Header.Set("X-Line-Signature", signature)
	return r
}

func delivery(data ...string) string {
	var events []string
	for _, tag := range data {
		events = append(events, fmt.Sprintf(`{"type":"delivery","delivery":{"data":%q},"timestamp":1650591346705,"mode":"active",`+
			`"webhookEventId":"01G17EJCGAVV66J5WNA7ZCTF6H","deliveryContext":{"isRedelivery":false}}`, tag))
	}
	return `{"destination":"U00000000000000000000000000000000","events":[` + strings.Join(events, ",") + `]}`
}

func follow(kind, userID string, at int64) string {
	return fmt.Sprintf(`{"destination":"U00000000000000000000000000000000","events":[{"type":%q,`+
		`"source":{"type":"user","userId":%q},"timestamp":%d,"mode":"active","webhookEventId":"01G17EJCGAVV66J5WNA7ZCTF6H",`+
		`"deliveryContext":{"isRedelivery":false}}]}`, kind, userID, at)
}
