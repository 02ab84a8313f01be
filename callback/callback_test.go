package callback_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/callback"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/internal/interop"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)

// endpoint is an application's webhook, which keeps the calls that it gets.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter)
	calls  []call
}

type call struct {
	header http.Header
	body   string
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		e.mu.Lock()
		e.calls = append(e.calls, call{r.Header, string(body)})
		answer := e.answer
		e.mu.Unlock()
		if answer != nil {
			answer(w)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) list() []call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]call(nil), e.calls...)
}

func (e *endpoint) answerWith(code int, header ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// key is a secret of 32 bytes.
func key(b byte) secret.Text {
	return secret.New("whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32))))
}

func newSender(t *testing.T, e *endpoint, change ...func(*callback.Config)) (*callback.Sender, *clock.Mock) {
	t.Helper()
	mock := clock.NewMock()
	mock.Set(start)
	c := callback.Config{URL: secret.New(e.URL + "/hooks?token=hidden"), Secrets: []secret.Text{key('n')}, Clock: mock, Client: e.Client()}
	for _, f := range change {
		f(&c)
	}
	s, err := callback.New(c)
	require.NoError(t, err)
	return s, mock
}

// outcome returns one whose message has every kind of personal data.
func outcome() smsplus.Outcome {
	id := uuid.MustParse("0195939e-4c80-7000-8000-000000000001")
	return smsplus.Outcome{
		ID: uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), Kind: smsplus.OutcomeEnded, At: start, Try: 1,
		Message: smsplus.Message{
			ID: id, Key: "key-912345678", Reference: "reference-912345678", Template: "otp", Scenario: "OTP",
			To:   channel.Recipient{Phone: simulated.Number(0, 0, 0), IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}},
			Vars: map[string]string{"code": "498172"}, Metadata: map[string]string{"tenant": "metadata-912345678"},
			Attempts: []smsplus.Attempt{{
				ID: smsplus.AttemptID(id, 0), Channel: channel.SMS, Status: status.Undeliverable, Reason: status.CarrierError,
				Detail: "detail-912345678", ProviderID: "provider-912345678",
			}},
			Status: status.Undeliverable, Channel: channel.SMS, TriggeredAt: start.Add(-time.Minute), ConfirmedAt: start,
		},
	}
}

const wantBody = `{"type":"message.ended","timestamp":"2026-11-30T16:00:00Z","data":{` +
	`"message_id":"0195939e-4c80-7000-8000-000000000001","template":"otp","scenario":"OTP","status":"undeliverable","channel":"sms",` +
	`"reason":"carrier_error","triggered_at":"2026-11-30T15:59:00Z","confirmed_at":"2026-11-30T16:00:00Z",` +
	`"attempts":[{"id":"ATTEMPT","channel":"sms","status":"undeliverable","reason":"carrier_error"}]}}`

func TestPublish_CallsByTheSpecification(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s, _ := newSender(t, e, func(c *callback.Config) { c.Secrets = []secret.Text{key('n'), key('o')} })
	require.NoError(t, s.Publish(t.Context(), outcome()))
	calls := e.list()
	require.Len(t, calls, 1)
	h, body := calls[0].header, calls[0].body
	require.JSONEq(t, strings.Replace(wantBody, "ATTEMPT", outcome().Message.Attempts[0].ID.String(), 1), body)
	require.Equal(t, "application/json", h.Get("Content-Type"))
	require.Equal(t, outcome().ID.String(), h.Get("webhook-id"))
	require.Equal(t, "1796054400", h.Get("webhook-timestamp"))
	var want []string
	for _, b := range []string{"n", "o"} {
		mac := hmac.New(sha256.New, []byte(strings.Repeat(b, 32)))
		mac.Write([]byte(outcome().ID.String() + ".1796054400." + body))
		want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	require.Equal(t, strings.Join(want, " "), h.Get("webhook-signature"), "one of each secret, while they rotate")
}

// The library of the specification's authors accepts a call with either secret, and no other.
func TestPublish_IsAcceptedByTheLibraryForNode(t *testing.T) {
	t.Parallel()
	peer := interop.Node(t, "standard-webhooks.js")
	e := newEndpoint(t)
	s, mock := newSender(t, e, func(c *callback.Config) { c.Secrets = []secret.Text{key('n'), key('o')} })
	mock.Set(time.Now()) // the library refuses old calls
	require.NoError(t, s.Publish(t.Context(), outcome()))
	c := e.list()[0]
	headers := map[string]string{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers[name] = c.header.Get(name)
	}
	ask := func(with secret.Text, body string) (answer struct {
		Data  *callback.Data
		Error string
	},
	) {
		line, err := json.Marshal(map[string]any{"secret": with.Reveal(), "headers": headers, "body": body})
		require.NoError(t, err)
		peer.Tell(t, string(line))
		require.NoError(t, json.Unmarshal([]byte(peer.Next(t)), &answer))
		return answer
	}
	for _, b := range []byte{'n', 'o'} {
		got := ask(key(b), c.body)
		require.Empty(t, got.Error)
		require.Equal(t, callback.NewData(outcome()), *got.Data)
	}
	require.NotEmpty(t, ask(key('x'), c.body).Error)
	require.NotEmpty(t, ask(key('n'), c.body+" ").Error)
}

func TestPublish_LeavesPersonalDataOut(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s, _ := newSender(t, e)
	require.NoError(t, s.Publish(t.Context(), outcome()))
	body := e.list()[0].body
	for _, personal := range []string{"912345678", "+886", "U4af", "498172"} {
		require.NotContains(t, body, personal)
	}
	s, _ = newSender(t, e, func(c *callback.Config) {
		c.Data = func(o smsplus.Outcome) any {
			return struct {
				callback.Data
				Key string `json:"key"`
			}{callback.NewData(o), o.Message.Key}
		}
	})
	require.NoError(t, s.Publish(t.Context(), outcome()))
	require.Contains(t, e.list()[1].body, `"key":"key-912345678"`, "unless the application adds some")
}

// open returns a dispatcher with the sender, on an empty store.
func open(t *testing.T, s *callback.Sender, mock *clock.Mock) *smsplus.Dispatcher {
	t.Helper()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Outcomes: s, Channels: []channel.Channel{simulated.SMS(mock)},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("hi")}}}},
	})
	require.NoError(t, err)
	return d
}

func send(t *testing.T, d *smsplus.Dispatcher) uuid.UUID {
	t.Helper()
	id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)}})
	require.NoError(t, err)
	tick(t, d)
	return id
}

func tick(t *testing.T, d *smsplus.Dispatcher) {
	t.Helper()
	_, err := d.Tick(t.Context())
	require.NoError(t, err)
}

func TestSender_CallsADeadEndpointForThreeDaysByTheScheduleAndThenDaily(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.answerWith(http.StatusBadGateway)
	s, mock := newSender(t, e)
	d := open(t, s, mock)
	id := send(t, d)
	for i, wait := range callback.Schedule() {
		require.Len(t, e.list(), i+1)
		mock.Add(wait - time.Second)
		tick(t, d)
		require.Len(t, e.list(), i+1, "not before %v", wait)
		mock.Add(time.Second)
		tick(t, d)
	}
	require.Len(t, e.list(), 10)
	require.Greater(t, mock.Now().Sub(start), 72*time.Hour)
	mock.Add(24 * time.Hour)
	tick(t, d)
	require.Len(t, e.list(), 11, "its outcomes are kept")
	e.answerWith(http.StatusNoContent)
	mock.Add(24 * time.Hour)
	tick(t, d)
	calls := e.list()
	require.Len(t, calls, 12)
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, m.DueAt)
	for _, c := range calls {
		require.Equal(t, calls[0].header.Get("webhook-id"), c.header.Get("webhook-id"), "a receiver recognizes repeats")
		require.Equal(t, calls[0].body, c.body)
	}
	require.NotEqual(t, calls[0].header.Get("webhook-timestamp"), calls[1].header.Get("webhook-timestamp"), "which is the call's")
}

func TestPublish_WaitsAsLongAsTheEndpointAsks(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s, _ := newSender(t, e)
	for header, want := range map[string]time.Duration{
		"120":                           2 * time.Minute,
		"1":                             5 * time.Second, // the schedule's wait is longer
		"9999999999":                    24 * time.Hour,
		"Mon, 30 Nov 2026 17:00:00 GMT": time.Hour,
		"Mon, 30 Nov 2020 17:00:00 GMT": 5 * time.Second,
		"soon":                          5 * time.Second,
	} {
		e.answerWith(http.StatusTooManyRequests, "Retry-After", header)
		var retry *smsplus.RetryError
		require.ErrorAs(t, s.Publish(t.Context(), outcome()), &retry)
		require.Equal(t, want, retry.After, header)
	}
}

func TestOnChange_NoticesADeadEndpoint(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	var changes []callback.Change
	s, mock := newSender(t, e, func(c *callback.Config) {
		c.OnChange = func(_ context.Context, ch callback.Change) { changes = append(changes, ch) }
	})
	publish := func() { _ = s.Publish(t.Context(), outcome()) }
	publish()
	e.answerWith(http.StatusInternalServerError)
	publish()
	mock.Add(time.Minute)
	publish()
	require.Empty(t, changes, "a minute is not an outage")
	mock.Add(4 * time.Minute)
	publish()
	require.Equal(t, callback.Down, s.State())
	require.Len(t, changes, 1)
	require.Equal(t, callback.Change{From: callback.Up, To: callback.Down, Since: start, Err: changes[0].Err}, changes[0])
	require.EqualError(t, changes[0].Err, "callback: the endpoint answered 500")
	publish()
	e.answerWith(http.StatusOK)
	publish()
	require.Equal(t, callback.Up, s.State())
	require.Equal(t, []callback.Change{{From: callback.Down, To: callback.Up}}, changes[1:])
}

func TestPublish_StopsWhenTheEndpointIsGone(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.answerWith(http.StatusGone)
	var changes []callback.Change
	s, mock := newSender(t, e, func(c *callback.Config) {
		c.OnChange = func(_ context.Context, ch callback.Change) { changes = append(changes, ch) }
	})
	d := open(t, s, mock)
	id := send(t, d)
	require.Equal(t, callback.Gone, s.State())
	require.Len(t, changes, 1)
	e.answerWith(http.StatusOK)
	for range 30 {
		mock.Add(24 * time.Hour)
		tick(t, d)
	}
	require.Len(t, e.list(), 1, "it is not called any more")
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, smsplus.OutcomeLane, m.Lane, "and its outcomes are kept")
	s.Enable()
	mock.Add(24 * time.Hour)
	tick(t, d)
	require.Len(t, e.list(), 2)
	require.Equal(t, callback.Up, s.State())
}

func TestPublish_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	other, e := newEndpoint(t), newEndpoint(t)
	e.answerWith(http.StatusTemporaryRedirect, "Location", other.URL)
	s, _ := newSender(t, e)
	require.ErrorContains(t, s.Publish(t.Context(), outcome()), "callback: the endpoint answered 307")
	require.Empty(t, other.list())
}

func TestPublish_ErrorsDoNotRepeatTheURL(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s, _ := newSender(t, e)
	e.Close()
	err := s.Publish(t.Context(), outcome())
	require.ErrorContains(t, err, "callback: no connection")
	require.NotContains(t, err.Error(), "hidden")
	require.NotContains(t, err.Error(), "/hooks")
}

// The words of net/http quote an answer that is malformed.
func TestPublish_ErrorsDoNotRepeatTheAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer l.Close() //nolint:errcheck // the test is over
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<16))
			_, _ = io.WriteString(conn, "HTTP/1.1 886912345678 no\r\n\r\n")
			_ = conn.Close()
		}
	})
	s, err := callback.New(callback.Config{URL: secret.New("http://" + l.Addr().String()), Secrets: []secret.Text{callback.NewSecret()}})
	require.NoError(t, err)
	require.ErrorContains(t, s.Publish(t.Context(), outcome()), "callback: no answer that makes sense")
}

func TestPublish_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	release := make(chan struct{})
	e.answer = func(http.ResponseWriter) { <-release }
	s, mock := newSender(t, e, func(c *callback.Config) { c.DownAfter = time.Nanosecond })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Publish(ctx, outcome()) }()
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	close(release)
	mock.Add(time.Hour)
	require.Equal(t, callback.Up, s.State(), "the endpoint is not to blame")
}

func TestPublish_DataThatDoesNotEncodeIsAnError(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s, _ := newSender(t, e, func(c *callback.Config) { c.Data = func(smsplus.Outcome) any { return func() {} } })
	require.ErrorContains(t, s.Publish(t.Context(), outcome()), "callback: the data does not encode")
	require.Empty(t, e.list())
}

func TestNew_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := callback.New(callback.Config{
		URL: secret.New("http://example.com/?hidden"), Secrets: secret.NewAll("hidden", "whsec_hidden!", "whsec_aGlkZGVu", key('n').Reveal()),
		Schedule: []time.Duration{time.Second, 0}, DownAfter: -1,
	})
	require.EqualError(t, err, strings.Join([]string{
		`callback: Config.URL has the scheme "http": want https`,
		"callback: Config.Secrets[0]: it does not begin with whsec_",
		"callback: Config.Secrets[1]: the rest is no base64",
		"callback: Config.Secrets[2]: it has 6 bytes: want 24 to 64",
		"callback: Config.Schedule[1] is 0s: want a wait",
		"callback: Config.DownAfter is negative (-1ns)",
	}, "\n"))
	_, err = callback.New(callback.Config{})
	require.EqualError(t, err, "callback: Config.URL is required\ncallback: Config.Secrets is required")
	_, err = callback.New(callback.Config{URL: secret.New("://hidden"), Secrets: []secret.Text{callback.NewSecret()}})
	require.EqualError(t, err, "callback: Config.URL is no absolute URL")
	_, err = callback.New(callback.Config{URL: secret.New("https://example.com"), Secrets: []secret.Text{callback.NewSecret()}})
	require.NoError(t, err)
}

func TestNewSecret_IsRandom(t *testing.T) {
	t.Parallel()
	first, second := callback.NewSecret(), callback.NewSecret()
	require.NotEqual(t, first.Reveal(), second.Reveal())
}

func TestState_PrintsAsAWord(t *testing.T) {
	t.Parallel()
	for s, want := range map[callback.State]string{callback.Up: "up", callback.Down: "down", callback.Gone: "gone", 7: "state(7)"} {
		text, err := s.MarshalText()
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
}
