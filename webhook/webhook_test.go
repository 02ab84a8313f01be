package webhook_test

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
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
	"github.com/smsplus/smsplus-go/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is an application in a test: a dispatcher, its store and its webhooks.
type app struct {
	*smsplus.Dispatcher
	store *storetest.Faulty
	hooks http.Handler
	log   *logBuffer
	calls *callRecorder
}

// newApp returns an app with the channels. A test may set the faults of its store before
// the first call.
func newApp(t *testing.T, o webhook.Options, channels ...channel.Channel) *app {
	t.Helper()
	h := &app{store: &storetest.Faulty{Store: memstore.New()}, log: new(logBuffer), calls: new(callRecorder)}
	d, err := smsplus.New(smsplus.Config{Store: h.store, Channels: channels})
	require.NoError(t, err)
	o.Logger = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Observe = h.calls.observe
	h.Dispatcher, h.hooks = d, webhook.New(d, o)
	return h
}

// serve returns the answer to a call.
func (h *app) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.hooks.ServeHTTP(w, r)
	return w
}

func (h *app) parked(t *testing.T, refs ...channel.Ref) []channel.Receipt {
	t.Helper()
	rs, err := h.store.Parked(t.Context(), refs)
	require.NoError(t, err)
	return rs
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// callRecorder records the observed calls.
type callRecorder struct {
	mu  sync.Mutex
	all []webhook.Call
}

func (c *callRecorder) observe(call webhook.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, call)
}

func (c *callRecorder) list() []webhook.Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// funcReceiver is a channel whose webhook is a func.
type funcReceiver struct {
	name   channel.Name
	handle func(sink channel.Sink, w http.ResponseWriter, r *http.Request)
}

func (c funcReceiver) Name() channel.Name   { return c.name }
func (funcReceiver) Traits() channel.Traits { return channel.Traits{} }
func (funcReceiver) Send(context.Context, channel.Envelope) (channel.Result, error) {
	return channel.Result{}, errors.New("funcReceiver sends nothing")
}

func (c funcReceiver) ReceiptHandler(sink channel.Sink) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.handle(sink, w, r) })
}

// withoutWebhook is a channel that has no webhook.
type withoutWebhook struct{ channel.Channel }

func (withoutWebhook) Name() channel.Name     { return "no_webhook" }
func (withoutWebhook) Traits() channel.Traits { return channel.Traits{} }

const secret = "secret-9a1e"

// signedReceiver is a channel whose provider signs its calls. A call lists the IDs of
// delivered messages.
var signedReceiver = funcReceiver{"hook", func(sink channel.Sink, w http.ResponseWriter, r *http.Request) {
	httpapi.Webhook{
		SignatureHeader: "X-Signature",
		MaxBody:         1 << 10,
		Verify: func(r *http.Request, body []byte) bool {
			mac, err := hex.DecodeString(r.Header.Get("X-Signature"))
			return err == nil && httpapi.Signed(sha256.New, []string{secret}, body, mac)
		},
		Receipts: func(_ *http.Request, body []byte) (rs []channel.Receipt, err error) {
			var ids []string
			err = json.Unmarshal(body, &ids)
			for _, id := range ids {
				rs = append(rs, channel.Receipt{Channel: "hook", ProviderID: id, Status: status.Delivered})
			}
			return rs, err
		},
	}.Handler(sink).ServeHTTP(w, r)
}}

// signedPost returns a call that signedReceiver accepts.
func signedPost(url, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, url, strings.NewReader(body))
	r.Header.Set("X-Signature", sign(body))
	return r
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// codeReceiver returns a channel whose webhook answers with the code.
func codeReceiver(code int) funcReceiver {
	return funcReceiver{"says", func(_ channel.Sink, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }}
}

func TestHandler_StatusCodes(t *testing.T) {
	t.Parallel()
	const long = 2 << 10
	forged := signedPost("/hook", `["1"]`)
	forged.Header.Set("X-Signature", sign("another"))
	endless := signedPost("/hook", "")
	endless.Body, endless.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", long+1))), -1
	announced := signedPost("/hook", "")
	announced.Body, announced.ContentLength = io.NopCloser(failingReader{}), long+1 // the body is never read
	broken := signedPost("/hook", "")
	broken.Body, broken.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("x"), failingReader{})), -1
	for name, tt := range map[string]struct {
		call *http.Request
		code int
	}{
		"stored":                          {signedPost("/hook", `["1"]`), 200},
		"a longer path":                   {signedPost("/hook/5f3c9a", `["1"]`), 200},
		"with a query":                    {signedPost("/hook?token=5f3c9a", `["1"]`), 200},
		"a forged signature":              {forged, 401},
		"no signature":                    {httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(`["1"]`)), 401},
		"not JSON":                        {signedPost("/hook", `["1"`), 400},
		"a body that breaks off":          {broken, 400},
		"an empty ID":                     {signedPost("/hook", `[""]`), 400},
		"longer than the adapter's limit": {signedPost("/hook", strings.Repeat("x", 1<<10+1)), 413},
		"longer than MaxBody":             {announced, 413},
		"longer than MaxBody, in chunks":  {endless, 413},
		"another method":                  {httptest.NewRequest(http.MethodDelete, "/hook", nil), 405},
		"a method for the adapter":        {httptest.NewRequest(http.MethodGet, "/hook", nil), 405},
		"a HEAD request":                  {httptest.NewRequest(http.MethodHead, "/says", nil), 204},
		"an unknown channel":              {signedPost("/fax", `["1"]`), 404},
		"a channel without webhook":       {signedPost("/no_webhook", `["1"]`), 404},
		"a longer name":                   {signedPost("/hooked", `["1"]`), 404},
		"a name after another":            {signedPost("/receipts/hook", `["1"]`), 404},
		"an escaped path":                 {signedPost("/%68ook", `["1"]`), 200},
		"a path with dots":                {signedPost("/../hook", `["1"]`), 404},
		"the root":                        {signedPost("/", `["1"]`), 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newApp(t, webhook.Options{MaxBody: long}, signedReceiver, codeReceiver(204), withoutWebhook{codeReceiver(200)})
			w := h.serve(tt.call)
			require.Equal(t, tt.code, w.Code)
			require.Empty(t, w.Body.String(), "the answer repeats nothing of the call")
			stored := len(h.parked(t, channel.Ref{Channel: "hook", ProviderID: "1"}))
			require.Equal(t, tt.code == 200, stored == 1)
			require.Equal(t, tt.code == 405, w.Header().Get("Allow") != "")
			require.Empty(t, w.Header().Get("Retry-After"))
			require.Len(t, h.calls.list(), 1)
			require.Equal(t, tt.code, h.calls.list()[0].Code)
		})
	}
}

// failingReader fails every read.
type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestPrefix_IsBeforeChannelName(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"receipts/v1", "/receipts/v1", "/receipts/v1/"} {
		h := newApp(t, webhook.Options{Prefix: prefix}, signedReceiver)
		require.Equal(t, 200, h.serve(signedPost("/receipts/v1/hook", `["1"]`)).Code)
		require.Equal(t, 200, h.serve(signedPost("/receipts/v1/hook/x/y", `["1"]`)).Code)
		for _, path := range []string{"/hook", "/receipts/hook", "/receipts/v1", "/receipts/v1hook", "/receipts/v1//hook"} {
			require.Equal(t, 404, h.serve(signedPost(path, `["1"]`)).Code, path)
		}
	}
}

func TestHandler_PassesRequestUnchanged(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	h := newApp(t, webhook.Options{Prefix: "receipts"}, funcReceiver{"sms", func(_ channel.Sink, w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && string(body) == "a=b" && r.ContentLength == -1 && r.ParseForm() == nil {
			seen <- r
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusEarlyHints) // not final, so ignored
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot) // the second code, so ignored
		_, _ = io.WriteString(w, "<Response/>")
	}})
	call := httptest.NewRequest(http.MethodPost, "https://example.com/receipts/sms/5f3c?x=y", strings.NewReader("a=b"))
	call.ContentLength = -1 // in chunks
	call.Header.Set("X-Twilio-Signature", "s")
	w := h.serve(call)
	require.Equal(t, http.StatusAccepted, w.Code)
	require.Equal(t, "<Response/>", w.Body.String())
	require.Equal(t, "text/xml", w.Header().Get("Content-Type"))
	r := <-seen
	require.Equal(t, "https://example.com/receipts/sms/5f3c?x=y", r.URL.String())
	require.Equal(t, call.RequestURI, r.RequestURI)
	require.Equal(t, call.Header, r.Header)
}

func TestHandler_Answers503IfSinkFails(t *testing.T) {
	t.Parallel()
	answer := func(code int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "the receipt of +886912345678")
		}
	}
	for name, tt := range map[string]func(http.ResponseWriter){
		"the adapter answers 503":                  answer(503),
		"the adapter answers 503 with Retry-After": answer(503, "Retry-After", "30"),
		"the adapter ignores the error":            answer(200),
		"the adapter does not answer":              func(http.ResponseWriter) {},
		"the adapter answers 400":                  answer(400),
		"the adapter panics":                       func(http.ResponseWriter) { panic("the store is down") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newApp(t, webhook.Options{}, funcReceiver{"sms", func(sink channel.Sink, w http.ResponseWriter, r *http.Request) {
				if sink(r.Context(), channel.Receipt{Channel: "sms", ProviderID: "1", Status: status.Delivered}) != nil {
					tt(w)
				}
			}})
			down := true
			h.store.Before = func(string) error {
				if down {
					return errors.New("the store is down")
				}
				return nil
			}
			w := h.serve(signedPost("/sms", ""))
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.Equal(t, "30", w.Header().Get("Retry-After"))
			require.Empty(t, w.Body.String())
			down = false
			require.Empty(t, h.parked(t, channel.Ref{Channel: "sms", ProviderID: "1"}))
			require.Equal(t, 200, h.serve(signedPost("/sms", "")).Code)
			require.Len(t, h.parked(t, channel.Ref{Channel: "sms", ProviderID: "1"}), 1)
		})
	}
}

func TestHandler_Adds503RetryAfter(t *testing.T) {
	t.Parallel()
	require.Equal(t, "30", newApp(t, webhook.Options{}, codeReceiver(503)).serve(signedPost("/says", "")).Header().Get("Retry-After"))
	own := funcReceiver{"says", func(_ channel.Sink, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	}}
	require.Equal(t, "7", newApp(t, webhook.Options{}, own).serve(signedPost("/says", "")).Header().Get("Retry-After"))
}

func TestSink_LogsInvalidReceipts(t *testing.T) {
	t.Parallel()
	h := newApp(t, webhook.Options{}, funcReceiver{"sms", func(sink channel.Sink, _ http.ResponseWriter, r *http.Request) {
		_ = sink(r.Context(), channel.Receipt{Channel: "sms", Status: status.Delivered})
	}})
	require.Equal(t, http.StatusServiceUnavailable, h.serve(signedPost("/sms", "")).Code)
	require.Contains(t, h.log.String(), "level=ERROR msg=\"webhook: the channel's receipts make no sense\" channel=sms")
}

func TestHandler_RecoversPanic(t *testing.T) {
	t.Parallel()
	h := newApp(t, webhook.Options{}, signedReceiver, funcReceiver{"sms", func(_ channel.Sink, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_, _ = io.Copy(w, r.Body)
		panic("of +886912345678")
	}})
	w := h.serve(signedPost("/sms/5f3c?token=4711", "the text"))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Empty(t, w.Body.String())
	text := h.log.String()
	require.Contains(t, text, "level=ERROR msg=\"webhook: channel panicked\" channel=sms type=string stack=")
	require.Contains(t, text, "TestHandler_RecoversPanic.func1", "the log has the stack")
	for _, secret := range []string{"912345678", "5f3c", "4711", "the text"} {
		require.NotContains(t, text, secret)
	}
	require.Equal(t, 200, h.serve(signedPost("/hook", `["1"]`)).Code)
}

// TestResponse_PanicsOnInvalidCode proves that an adapter that sets an invalid code never
// answers 200.
func TestResponse_PanicsOnInvalidCode(t *testing.T) {
	t.Parallel()
	for _, code := range []int{-1, 0, 99, 1000} {
		h := newApp(t, webhook.Options{}, codeReceiver(code))
		require.Equal(t, http.StatusInternalServerError, h.serve(signedPost("/says", "")).Code, code)
		require.Contains(t, h.log.String(), "webhook: channel panicked")
	}
}

// The codes below 200 are not final: the answer is 200 unless another code follows.
func TestResponse_TakesEveryFinalCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]int{100: 200, 103: 200, 199: 200, 200: 200, 204: 204, 500: 500, 998: 998, 999: 999} {
		h := newApp(t, webhook.Options{}, codeReceiver(code))
		require.Equal(t, want, h.serve(signedPost("/says", "")).Code, code)
		require.NotContains(t, h.log.String(), "panicked", code)
	}
}

// An adapter that reads its sink's error, under any context, learns of lost receipts.
func TestSink_ReturnsTheStoresError(t *testing.T) {
	t.Parallel()
	errDown := errors.New("the store is down")
	var seen error
	h := newApp(t, webhook.Options{}, funcReceiver{"hook", func(sink channel.Sink, w http.ResponseWriter, _ *http.Request) {
		seen = sink(context.Background(), channel.Receipt{Channel: "hook", ProviderID: "1", Status: status.Delivered})
		w.WriteHeader(http.StatusOK)
	}})
	h.store.Before = func(string) error { return errDown }
	h.serve(signedPost("/hook", "")) // with another context, the handler does not know of it
	require.ErrorIs(t, seen, errDown)
}

func TestHandler_AnswersByDeadline(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(w http.ResponseWriter, r *http.Request){
		"an adapter that ignores its context": func(http.ResponseWriter, *http.Request) { <-time.After(time.Hour) },
		"an adapter that answers 400": func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusBadRequest)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newApp(t, webhook.Options{}, funcReceiver{"sms", func(_ channel.Sink, w http.ResponseWriter, r *http.Request) { serve(w, r) }})
				w := h.serve(signedPost("/sms", ""))
				require.Equal(t, []webhook.Call{{Channel: "sms", Code: http.StatusServiceUnavailable, Took: 1500 * time.Millisecond}}, h.calls.list())
				require.Equal(t, http.StatusServiceUnavailable, w.Code)
				require.Equal(t, "30", w.Header().Get("Retry-After"))
				<-time.After(time.Hour)
			})
		})
	}
}

func TestHandler_Answers503IfStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newApp(t, webhook.Options{Timeout: 3 * time.Second}, signedReceiver)
		h.store.Before = func(string) error {
			<-time.After(time.Minute)
			return errors.New("too late")
		}
		w := h.serve(signedPost("/hook", `["1"]`))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, 3*time.Second, h.calls.list()[0].Took)
		<-time.After(time.Hour)
	})
}

// TestHandler_FinishesAfterCallerLeft proves that a call continues without its caller. A
// provider with a short timeout leaves a slow store and repeats its call. If that canceled
// the call, nothing would ever be stored.
func TestHandler_FinishesAfterCallerLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newApp(t, webhook.Options{Timeout: 10 * time.Second}, funcReceiver{"sms", func(sink channel.Sink, w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(5 * time.Second): // a slow store
			case <-r.Context().Done():
			}
			if r.Context().Err() != nil || sink(r.Context(), channel.Receipt{Channel: "sms", ProviderID: "1", Status: status.Delivered}) != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		require.Equal(t, http.StatusOK, h.serve(signedPost("/sms", "").WithContext(ctx)).Code)
		require.Len(t, h.parked(t, channel.Ref{Channel: "sms", ProviderID: "1"}), 1)
	})
}

func TestHandler_LogsChannelCodeAndDurationOnly(t *testing.T) {
	t.Parallel()
	h := newApp(t, webhook.Options{}, signedReceiver)
	h.serve(signedPost("/hook/5f3c?token=4711", `["1234"]`))
	h.serve(signedPost("/fax/5f3c?token=4711", "1234"))
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^time=\S+ level=INFO msg="webhook: serves" paths=\[/hook\]$`, lines[0])
	require.Regexp(t, `^time=\S+ level=DEBUG msg="webhook: called" channel=hook code=200 took=\S+$`, lines[1])
	require.Regexp(t, `^time=\S+ level=WARN msg="webhook: refused" channel="" code=404 took=\S+ others=0$`, lines[2])
	require.Equal(t, channel.Name("hook"), h.calls.list()[0].Channel)
	require.Empty(t, h.calls.list()[1].Channel)
}

func TestHandler_WarnsOfRefusalsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newApp(t, webhook.Options{}, signedReceiver)
		for range 2 {
			for range 100 {
				h.serve(signedPost("/fax", ""))
				h.serve(httptest.NewRequest(http.MethodPost, "/hook", nil))
			}
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's
		}
		log := h.log.String()
		require.Equal(t, 4, strings.Count(log, "level=WARN"))
		require.Equal(t, 2, strings.Count(log, "code=404 took=0s others="))
		require.Equal(t, 2, strings.Count(log, "others=99"))
		require.Equal(t, 396, strings.Count(log, "level=DEBUG"))
	})
}

// pathReceiver is a channel that gives its provider a URL of its own.
type pathReceiver struct {
	funcReceiver
	path string
}

func (c pathReceiver) WebhookPath() string { return c.path }

func TestPaths_AreServed(t *testing.T) {
	t.Parallel()
	twilio := pathReceiver{codeReceiver(204), "/receipts/twilio"}
	d, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: []channel.Channel{twilio, signedReceiver, withoutWebhook{}}})
	require.NoError(t, err)
	h := webhook.New(d, webhook.Options{Prefix: "/receipts"})
	require.Equal(t, []string{"/receipts/hook", "/receipts/says", "/receipts/twilio"}, h.Paths())
	for path, code := range map[string]int{
		"/receipts/says": 204, "/receipts/twilio": 204, "/receipts/twilio/5f3c": 204, "/receipts/twilios": 404, "/twilio": 404, "/receipts": 404,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		require.Equal(t, code, w.Code, path)
	}
}

func TestSink_DropsReceiptsOfOtherChannels(t *testing.T) {
	t.Parallel()
	h := newApp(t, webhook.Options{}, funcReceiver{"sms", func(sink channel.Sink, w http.ResponseWriter, r *http.Request) {
		err := sink(r.Context(), channel.Receipt{Channel: "hook", ProviderID: "1", Status: status.Delivered},
			channel.Receipt{Channel: "sms", ProviderID: "1", Status: status.Delivered})
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}}, signedReceiver)
	require.Equal(t, 200, h.serve(signedPost("/sms", "")).Code)
	require.Empty(t, h.parked(t, channel.Ref{Channel: "hook", ProviderID: "1"}))
	require.Len(t, h.parked(t, channel.Ref{Channel: "sms", ProviderID: "1"}), 1)
	require.Contains(t, h.log.String(), "receipts of another one")
}

// An unsigned call is refused before its body is read.
func TestBody_IsNotReadOfRefusedCall(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*http.Request)
		code   int
	}{
		"no signature":            {func(r *http.Request) { r.Header.Del("X-Signature") }, 401},
		"a method for no adapter": {func(r *http.Request) { r.Method = http.MethodPut }, 405},
		"a method for another":    {func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"the adapter's limit":     {func(r *http.Request) { r.ContentLength = 1<<10 + 1 }, 413},
		"a path of no channel":    {func(r *http.Request) { r.URL.Path = "/fax" }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newApp(t, webhook.Options{}, signedReceiver)
			r := signedPost("/hook", "")
			r.Body, r.ContentLength = io.NopCloser(panickingReader{}), 10
			tt.change(r)
			require.Equal(t, tt.code, h.serve(r).Code)
		})
	}
}

// panickingReader panics when it is read.
type panickingReader struct{}

func (panickingReader) Read([]byte) (int, error) { panic("the body is read") }

// Bodies under way have 1000 bytes together at most, and an answered call has none.
func TestBody_BytesInFlightAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		holding := make(chan struct{})
		h := newApp(t, webhook.Options{MaxInFlight: 1000, Timeout: time.Minute},
			funcReceiver{"sms", func(_ channel.Sink, _ http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err == nil && r.Header.Get("X-Hold") != "" {
					<-holding
				}
			}})
		post := func(size int, hold string) int {
			r := httptest.NewRequest(http.MethodPost, "/sms", strings.NewReader(strings.Repeat("x", size)))
			r.Header.Set("X-Hold", hold)
			return h.serve(r).Code
		}
		var held sync.WaitGroup
		held.Go(func() { require.Equal(t, 200, post(900, "yes")) })
		synctest.Wait()
		require.Equal(t, 503, post(101, ""))
		require.Equal(t, 200, post(100, ""))
		require.Equal(t, 200, post(100, ""), "an answered call holds nothing")
		close(holding)
		held.Wait()
		require.Equal(t, 200, post(1000, ""))
		require.Equal(t, 503, post(1001, ""))
		require.Equal(t, 200, post(1000, ""))
	})
}

// Calls with long bodies take the processor's time. If all were worked on at once, none would
// be done by its deadline, however often they were repeated.
func TestBody_LongOnesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var working atomic.Int64
		turn := make(chan struct{})
		h := newApp(t, webhook.Options{}, funcReceiver{"sms", func(_ channel.Sink, w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if len(body) < 1000 {
				return
			}
			working.Add(1)
			<-turn
			working.Add(-1)
		}})
		post := func(size int) int {
			return h.serve(httptest.NewRequest(http.MethodPost, "/sms", strings.NewReader(strings.Repeat("x", size)))).Code
		}
		atOnce := runtime.GOMAXPROCS(0)
		codes := make(chan int, 3*atOnce)
		for range 3 * atOnce {
			go func() { codes <- post(1 << 20) }()
		}
		synctest.Wait()
		require.EqualValues(t, atOnce, working.Load())
		require.Equal(t, 200, post(100), "short calls need no turn")
		for range 2 * atOnce {
			turn <- struct{}{}
			require.Equal(t, 200, <-codes)
			synctest.Wait()
			require.EqualValues(t, atOnce, working.Load())
		}
		for range atOnce {
			require.Equal(t, 503, <-codes, "the deadline ends a call that works")
		}

		// A call that outlives its deadline keeps no turn.
		go func() { codes <- post(1 << 20) }()
		synctest.Wait()
		require.EqualValues(t, atOnce+1, working.Load())
		for range atOnce + 1 {
			turn <- struct{}{}
		}
		require.Equal(t, 200, <-codes)

		for range 2 * atOnce {
			go func() { codes <- post(1 << 20) }()
		}
		for range 2 * atOnce {
			require.Equal(t, 503, <-codes, "the deadline ends the wait for a turn too")
		}
		for range atOnce {
			turn <- struct{}{}
		}
		synctest.Wait()
		require.Zero(t, working.Load(), "a call without a turn is not worked on")
	})
}

func TestHandler_PassesReceiptsInOneBatch(t *testing.T) {
	t.Parallel()
	h := newApp(t, webhook.Options{}, signedReceiver)
	parks := 0
	h.store.Before = func(method string) error {
		if method == "Park" {
			parks++
		}
		return nil
	}
	ids, refs := make([]string, 100), make([]channel.Ref, 100)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
		refs[i] = channel.Ref{Channel: "hook", ProviderID: ids[i]}
	}
	body, err := json.Marshal(ids)
	require.NoError(t, err)
	require.Equal(t, 200, h.serve(signedPost("/hook", string(body))).Code)
	require.Equal(t, 1, parks)
	require.Len(t, h.parked(t, refs...), 100)
}

func FuzzCall(f *testing.F) {
	f.Add("POST", "/receipts/hook", `["1"]`, true)
	f.Add("GET", "/receipts/hook/5f3c", "", false)
	f.Add("PUT", "/receipts//hook", "x", true)
	f.Add("HEAD", "/", strings.Repeat("x", 3000), true)
	d, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: []channel.Channel{signedReceiver, withoutWebhook{signedReceiver}}})
	require.NoError(f, err)
	hooks := webhook.New(d, webhook.Options{Prefix: "receipts", MaxBody: 2 << 10})
	f.Fuzz(func(t *testing.T, method, path, body string, signed bool) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL.Path = method, path
		if signed {
			r.Header.Set("X-Signature", sign(body))
		}
		w := httptest.NewRecorder()
		hooks.ServeHTTP(w, r)
		require.Empty(t, w.Body.String())
		known := path == "/receipts/hook" || strings.HasPrefix(path, "/receipts/hook/")
		switch {
		case !known:
			require.Equal(t, http.StatusNotFound, w.Code)
		case method != http.MethodPost:
			require.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge}, w.Code)
		case len(body) > 2<<10: // the handler's limit
			require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		case !signed: // refused before the adapter looks at its own limit
			require.Equal(t, http.StatusUnauthorized, w.Code)
		case len(body) > 1<<10:
			require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		default:
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code)
		}
	})
}
