package every8d_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/every8d"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	userID   = "user-2c61"
	password = "password-5f3c"
)

// noonClock is a Clock that always shows noon.
type noonClock struct{}

func (noonClock) Now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// server is an Every8D as the specification describes it. It answers as testdata has it.
type server struct {
	reply func(form url.Values) string // to a send; nil: it is taken

	mu       sync.Mutex
	sent     []url.Values
	states   map[string]string // by batch ID
	requests int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	switch {
	case err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "":
		w.WriteHeader(http.StatusBadRequest)
	case form.Get("UID") != userID || form.Get("PWD") != password:
		_, _ = io.WriteString(w, "-2, API 帳號或密碼錯誤")
	case r.URL.Path == "/API21/HTTP/sendSMS.ashx" && s.reply != nil:
		_, _ = io.WriteString(w, s.reply(form))
	case r.URL.Path == "/API21/HTTP/sendSMS.ashx":
		s.sent = append(s.sent, form)
		batch := uuid.NewString()
		s.states[batch] = "0"
		_, _ = io.WriteString(w, "1230.00,1,1,0,"+batch)
	case r.URL.Path == "/API21/HTTP/getDeliveryStatus.ashx" && s.states[form.Get("BID")] == "":
		_, _ = io.WriteString(w, "0\n")
	case r.URL.Path == "/API21/HTTP/getDeliveryStatus.ashx":
		_, _ = fmt.Fprintf(w, "1\r\n\t+886912345678\t2026/11/24 20:00:01\t1\t%s\r\n", s.states[form.Get("BID")])
	default:
		http.NotFound(w, r)
	}
}

// setState sets the state of every message that was sent.
func (s *server) setState(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for batch := range s.states {
		s.states[batch] = state
	}
}

// open returns a channel to a server that answers sends like that.
func open(t *testing.T, reply func(url.Values) string, change ...func(*every8d.Config)) (*every8d.Channel, *server) {
	t.Helper()
	s := &server{reply: reply, states: make(map[string]string)}
	return openServer(t, s, change...), s
}

// openServer returns a channel to any server.
func openServer(t *testing.T, h http.Handler, change ...func(*every8d.Config)) *every8d.Channel {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := every8d.Config{BaseURL: s.URL, UserID: userID, Password: secret.New(password), Client: s.Client(), Clock: noonClock{}}
	for _, f := range change {
		f(&c)
	}
	ch, err := every8d.New(c)
	require.NoError(t, err)
	return ch
}

// says answers every call with a text.
func says(text string) func(url.Values) string { return func(url.Values) string { return text } }

// answers returns a server that answers every call with a text.
func answers(code int, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	})
}

func readVector(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(b)
}

func number(t testing.TB, e164 string) phone.Number {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

func envelope(t testing.TB, text string) channel.Envelope {
	t.Helper()
	return channel.Envelope{
		AttemptID: uuid.New(), To: channel.Recipient{Phone: number(t, "+886912345678")}, Content: channel.Text(text), Try: 1,
	}
}
