package api_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestNew_NamesEveryField(t *testing.T) {
	t.Parallel()
	allow := func(*http.Request) (string, error) { return "", nil }
	for want, c := range map[string]api.Config{
		"Config.Store is required":                    {Authorize: allow},
		"Config.Authorize is required":                {Store: memstore.New()},
		"Config.Audit is required with Config.Reveal": {Store: memstore.New(), Authorize: allow, Reveal: func(*http.Request) bool { return true }},
		"Config.Challenge must be printable ASCII":    {Store: memstore.New(), Authorize: allow, Challenge: "Bearer\r\nX: y"},
		`Config.Region is no country: "XX"`:           {Store: memstore.New(), Authorize: allow, Region: "XX"},
		"Config.Months is negative: -1":               {Store: memstore.New(), Authorize: allow, Months: -1},
		"Config.MaxTriggers is negative: -1":          {Store: memstore.New(), Authorize: allow, MaxTriggers: -1},
		"Config.Timeout is negative: -1":              {Store: memstore.New(), Authorize: allow, Timeout: -1},
		"Config.MaxInFlight is below Config.MaxBody":  {Store: memstore.New(), Authorize: allow, MaxBody: 100 << 20},
	} {
		_, err := api.New(c)
		require.ErrorContains(t, err, "api: "+want)
	}
	_, err := api.New(api.Config{Months: -1})
	require.Len(t, strings.Split(err.Error(), "\n"), 3, "all mistakes come at once")
}

// TestAuthorize_ComesFirst proves that a caller who is refused learns nothing, also not which
// paths there are.
func TestAuthorize_ComesFirst(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber)).String()
	for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS", "HEAD"} {
		for _, path := range []string{"/openapi.json", "/messages", "/messages/" + id, "/nothing", "/", "/messages?phone=1"} {
			for caller, want := range map[string]int{"": http.StatusUnauthorized, blocked: http.StatusForbidden} {
				w := s.do(t, method, path, "", "Authorization: "+caller)
				require.Equal(t, want, w.Code, method+path)
				require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
				require.NotContains(t, w.Body.String(), personNumber)
				require.Equal(t, want == http.StatusUnauthorized, w.Header().Get("WWW-Authenticate") == "Bearer")
			}
		}
	}
}

func TestAllow_DefaultsToReading(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber)).String()
	actions := []exchange{
		{method: "POST", path: "/messages", body: otp},
		{method: "POST", path: "/messages/batch", body: `{"triggers":[` + otp + `]}`},
		{method: "POST", path: "/messages/" + id + "/cancel"},
		{method: "POST", path: "/messages/" + id + "/resend"},
		{method: "POST", path: "/messages/" + id + "/confirm"},
	}
	without := newService(t, func(c *api.Config) { c.Dispatcher = nil })
	silent := newService(t, func(c *api.Config) { c.Allow, c.Reveal, c.Audit = nil, nil, nil })
	for _, e := range actions {
		for _, w := range []*httptest.ResponseRecorder{
			s.do(t, e.method, e.path, e.body, "Authorization: "+reader), without.do(t, e.method, e.path, e.body), silent.do(t, e.method, e.path, e.body),
		} {
			require.Equal(t, http.StatusForbidden, w.Code)
			require.Equal(t, "not_allowed", decode(t, w)["code"])
		}
	}
	require.Equal(t, http.StatusForbidden, silent.do(t, "GET", "/messages?reveal=true", "").Code)
	require.Equal(t, http.StatusOK, silent.do(t, "GET", "/messages", "").Code)
	require.Empty(t, s.entries())
}

func TestRequest_OfAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber)).String()
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"} {
		for _, e := range []exchange{{path: "/messages", body: otp}, {path: "/messages/" + id + "/cancel"}} {
			w := s.do(t, "POST", e.path, e.body, header)
			require.Equal(t, http.StatusForbidden, w.Code)
			require.Equal(t, "cross_origin", decode(t, w)["code"])
		}
	}
	require.Empty(t, s.entries())
}

func TestPath_HasItsMethods(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for path, allow := range map[string]string{
		"/messages": "GET, HEAD, POST", "/messages/batch": "GET, HEAD, POST", "/openapi.json": "GET, HEAD", "/find": "POST",
		"/messages/" + uuid.NewString() + "/cancel": "POST", "/statistics": "GET, HEAD",
	} {
		w := s.do(t, "PUT", path, "")
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, path)
		require.Equal(t, allow, w.Header().Get("Allow"), path)
		require.Equal(t, "method_not_allowed", decode(t, w)["code"])
	}
	for _, path := range []string{"/", "/messages/a/b", "/messages//", "//messages", "/statistics/", "/openapi.yaml", "/sms-plus/messages"} {
		w := s.do(t, "GET", path, "")
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), path)
	}
	w := s.do(t, "GET", "/messages", otp)
	require.Equal(t, http.StatusBadRequest, w.Code, "a GET has no body")
}

// TestAnswer_RepeatsNothing proves that no part of a request that may be personal is in an answer,
// a header or a line of the log. No line break that the caller chose is there either.
func TestAnswer_RepeatsNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newService(t, func(c *api.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s.store.fail()
	const mark = "<0987654321>\r\nX-Injected: 1"
	bodies := []string{
		`{"template":"<0987654321>\r\nX-Injected: 1","to":{"phone":"<0987654321>\r\n"},"<0987654321>\r\nX-Injected: 1":1}`,
		`{"template":"otp","to":{"phone":"+886912345678"},"vars":{"<0987654321>\r\nX-Injected: 1":"x"},"reference":"<0987654321>"}`,
		`{"text":"<0987654321>\r\nX-Injected: 1"}`,
		`{"phone":"<0987654321>","key":"<0987654321>","by":["<0987654321>"]}`, "<0987654321>",
	}
	paths := []string{"/messages", "/messages/batch", "/messages/search", "/find", "/statistics/search", "/messages/%3C0987654321%3E%0D%0AX-Injected:%201"}
	query := "?%3C0987654321%3E%0D%0AX-Injected:%201=%3C0987654321%3E&tab=%3C0987654321%3E"
	for _, body := range bodies {
		for _, path := range paths {
			for _, path := range []string{path, path + query} {
				for _, method := range []string{"GET", "POST"} {
					w := s.do(t, method, path, body, "Idempotency-Key: <0987654321>", "X-Mark: <0987654321>")
					text := fmt.Sprint(w.Header(), w.Body)
					require.NotContains(t, text, "0987654321")
					require.NotContains(t, text, "987654321")
					require.NotContains(t, text, "<")
					require.NotContains(t, w.Header(), "X-Injected")
				}
			}
		}
	}
	require.NotEmpty(t, log.String())
	require.NotContains(t, log.String(), "0987654321")
	require.NotContains(t, log.String(), strings.TrimPrefix(mark, "<0987654321>"))
}

func TestAnswer_HasHeadersOfAnAPI(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, w := range []*httptest.ResponseRecorder{s.do(t, "GET", "/messages", ""), s.do(t, "GET", "/nothing", ""), s.do(t, "POST", "/messages", otp)} {
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
		require.Empty(t, w.Header().Values("Access-Control-Allow-Origin"))
	}
}

func TestRequest_EndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	s := newService(t, func(c *api.Config) {
		c.Timeout = 50 * time.Millisecond
		c.Store = hangingStore{Store: memstore.New()}
	})
	w := s.do(t, "GET", "/messages", "")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "unavailable", decode(t, w)["code"])
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

func TestRequest_EndsWithItsCaller(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newService(t, func(c *api.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := exchange{method: "POST", path: "/messages", body: otp}.newRequest(t, "").WithContext(ctx)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "unavailable", decode(t, w)["code"])
	require.Empty(t, log.String())
	page, err := s.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Empty(t, page.Messages)
}

func TestLog_HasOneLineASecond(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newService(t, func(c *api.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s.store.fail()
	for range 3 {
		s.do(t, "GET", "/messages", "")
		s.do(t, "POST", "/messages", otp)
	}
	require.Equal(t, 1, strings.Count(log.String(), "code=unavailable"))
	require.Equal(t, 1, strings.Count(log.String(), "code=maybe_stored"))
	s.clock.Add(time.Second)
	s.do(t, "GET", "/messages", "")
	require.Contains(t, log.String(), "operation=listMessages code=unavailable")
	require.Contains(t, log.String(), "others=2")
}

// hangingStore answers a query when its context ends.
type hangingStore struct{ smsplus.Store }

func (hangingStore) Records(ctx context.Context, _ smsplus.Filter) (smsplus.Page, error) {
	<-ctx.Done()
	return smsplus.Page{}, errors.New("canceling statement due to user request")
}

// connect opens a connection to a server. The func that it returns makes a call with a body of
// which the length is announced, and returns the code of the answer.
func connect(t *testing.T, server *httptest.Server) func(length int64, body string) int {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	answers := bufio.NewReader(conn)
	return func(length int64, body string) int {
		_, err := fmt.Fprintf(conn, "POST /messages HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			sender, length, body)
		require.NoError(t, err)
		resp, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
}

func TestBody_ArrivesInTime(t *testing.T) {
	t.Parallel()
	s := newService(t, func(c *api.Config) { c.Timeout = time.Second })
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	good, bad := connect(t, server), connect(t, server)
	require.Equal(t, http.StatusAccepted, good(int64(len(otp)), otp))
	require.Equal(t, http.StatusServiceUnavailable, bad(int64(len(otp))+1, otp))
	require.Equal(t, http.StatusAccepted, good(int64(len(otp)), otp), "a connection outlives the deadline of a call")
}

// TestBody_SharesABudget proves that the bodies of all requests together are bounded, and that
// the bytes are given back.
func TestBody_SharesABudget(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	s := newService(t, func(c *api.Config) {
		c.MaxBody, c.MaxInFlight = 200, 200
		audit := c.Audit
		c.Audit = func(r *http.Request, e api.AuditEntry) error {
			if r.Header.Get("X-Wait") != "" {
				entered <- struct{}{}
				<-leave
			}
			return audit(r, e)
		}
	})
	waiting, w := exchange{method: "POST", path: "/messages", body: otp, headers: []string{"X-Wait: 1"}}.newRequest(t, ""), httptest.NewRecorder()
	first := make(chan int)
	go func() {
		s.ServeHTTP(w, waiting)
		first <- w.Code
	}()
	<-entered
	for range 3 {
		w := s.do(t, "POST", "/messages", `{"template":"otp","to":{"phone":"+886912345678"},"reference":"`+strings.Repeat("r", 80)+`"}`)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "unavailable", decode(t, w)["code"])
	}
	close(leave)
	require.Equal(t, http.StatusAccepted, <-first)
	for range 5 {
		require.Equal(t, http.StatusAccepted, s.do(t, "POST", "/messages", otp).Code)
	}
}

// TestBody_IsRefusedWithoutBeingRead proves that a body whose announced length is too large is
// not waited for.
func TestBody_IsRefusedWithoutBeingRead(t *testing.T) {
	t.Parallel()
	s := newService(t)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	require.Equal(t, http.StatusRequestEntityTooLarge, connect(t, server)(1<<40, "{"))
}

func TestBody_IsRefusedWhereThereIsNone(t *testing.T) {
	t.Parallel()
	s := newService(t)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	id := s.send(t, number(t, personNumber)).String()
	for body, want := range map[string]int{"": http.StatusNoContent, "{}": http.StatusBadRequest} {
		// A reader of unknown length makes the client send chunks.
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/messages/"+id+"/cancel", io.MultiReader(strings.NewReader(body)))
		require.NoError(t, err)
		r.Header.Set("Authorization", sender)
		resp, err := server.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, body)
	}
}
