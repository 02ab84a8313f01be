package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

func request(ctx context.Context, t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/secret-path", strings.NewReader("to=886912345678"))
	require.NoError(t, err)
	return req
}

func provider(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// rawServer is a provider that reads a request and then passes its connection to a
// function.
func rawServer(t *testing.T, then func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = l.Close() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // a client may dial once more than it needs to, and stay silent
				_, _ = conn.Read(make([]byte, 4096))
				then(conn)
				_ = conn.Close()
			}()
		}
	})
	return "http://" + l.Addr().String()
}

func TestDo_KnowsWhetherRequestWasWritten(t *testing.T) {
	t.Parallel()
	refused := provider(t, nil)
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewTLSServer(nil)
	t.Cleanup(secure.Close)
	plain := strings.Replace(refused, "http:", "https:", 1)

	for name, tt := range map[string]struct {
		url     string
		inDoubt bool
		words   string
	}{
		"refused":               {gone.URL, false, "no connection: connection refused"},
		"no such host":          {"http://no-such-host.invalid", false, "no connection: the host's name is not known"},
		"a foreign certificate": {secure.URL, false, "no connection: the host's certificate is not trusted"},
		"no TLS":                {plain, false, "no answer that makes sense"},
		"closed":                {rawServer(t, func(net.Conn) {}), true, "no answer: the connection was closed"},
		"no HTTP":               {rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, "to=886912345678\r\n\r\n") }), true, "no answer that makes sense"},
		"half an answer": {rawServer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
		}), true, "no answer: the connection was closed"},
		"an endless answer": {provider(t, func(w http.ResponseWriter, _ *http.Request) {
			for w := io.Writer(w); ; {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), true, "the answer is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpapi.Do(httpapi.NewClient(), request(t.Context(), t, tt.url))
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.words, e.Detail())
			require.Equal(t, tt.inDoubt, e.InDoubt())
		})
	}
}

func TestDo_ContextEndIsInDoubtOnlyAfterWrite(t *testing.T) {
	t.Parallel()
	var asked int
	ctx, cancel := context.WithCancel(t.Context())
	url := provider(t, func(_ http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := httpapi.Do(httpapi.NewClient(), request(ctx, t, url))
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.InDoubt())
	require.ErrorIs(t, err, context.Canceled)

	_, err = httpapi.Do(httpapi.NewClient(), request(ctx, t, url))
	require.ErrorAs(t, err, &e)
	require.False(t, e.InDoubt())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, asked)
}

func TestDo_ReturnsRedirectAsAnswer(t *testing.T) {
	t.Parallel()
	asked := 0
	url := provider(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	})
	answer, err := httpapi.Do(httpapi.NewClient(), request(t.Context(), t, url))
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, answer.Code)
	require.Equal(t, 1, asked, "a followed redirect sends twice")
}

func TestNewClient_ReusesConnections(t *testing.T) {
	t.Parallel()
	opened := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened++
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	client := httpapi.NewClient()
	for range 20 {
		_, err := httpapi.Do(client, request(t.Context(), t, s.URL))
		require.NoError(t, err)
	}
	require.Equal(t, 1, opened)
}

func TestVerdict_FollowsHTTPStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]channel.Verdict{
		200: {Status: status.Accepted},
		202: {Status: status.Accepted},
		302: {Status: status.Failed, Reason: status.SystemError},
		400: {Status: status.Failed, Reason: status.SystemError},
		401: {Status: status.Undeliverable, Reason: status.Authorization},
		402: {Status: status.Undeliverable, Reason: status.QuotaExceeded},
		403: {Status: status.Undeliverable, Reason: status.Permission},
		404: {Status: status.Failed, Reason: status.SystemError},
		408: {},
		421: {},
		425: {},
		429: {},
		500: {Reason: status.InDoubt},
		502: {Reason: status.InDoubt},
		503: {Reason: status.InDoubt},
		504: {Reason: status.InDoubt},
	} {
		require.Equal(t, want, httpapi.Answer{Code: code}.Verdict(), code)
	}
	later := http.Header{"Retry-After": {"5"}}
	require.Equal(t, channel.Verdict{}, httpapi.Answer{Code: 503, Header: later}.Verdict())
	require.Equal(t, channel.Verdict{Reason: status.InDoubt}, httpapi.Answer{Code: 502, Header: later}.Verdict())
}

func TestRetryAfter_ReadsBothForms(t *testing.T) {
	t.Parallel()
	const noon = "Tue, 24 Nov 2026 12:00:00 GMT"
	for _, tt := range []struct {
		after, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"30", "", 30 * time.Second},
		{"0", "", 0},
		{"-1", "", 0},
		{"86400000", "", 24 * time.Hour},
		{"soon", noon, 0},
		{"Tue, 24 Nov 2026 12:00:30 GMT", noon, 30 * time.Second},
		{"Tue, 24 Nov 2026 11:00:00 GMT", noon, 0},
		{"Tue, 24 Nov 2099 12:00:00 GMT", noon, 24 * time.Hour},
		{"Tue, 24 Nov 2026 12:00:30 GMT", "", 0},
	} {
		a := httpapi.Answer{Header: http.Header{"Retry-After": {tt.after}, "Date": {tt.date}}}
		require.Equal(t, tt.want, a.RetryAfter(), "%q at %q", tt.after, tt.date)
	}
}

func TestDo_ErrorRevealsNothingOfCall(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, url := range []string{
		gone.URL, // net/http quotes the URL, and the parts of an answer that it cannot parse
		rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, "secret-path 886912345678\r\n\r\n") }),
	} {
		_, err := httpapi.Do(httpapi.NewClient(), request(t.Context(), t, url))
		require.Error(t, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			said := fmt.Sprintf("%v %+v %#v", e, e, e)
			require.NotContains(t, said, "secret-path")
			require.NotContains(t, said, "912345678")
		}
	}
}

// Over HTTP/2 a request without a body is complete before its write returns.
func TestDo_PartialWriteIsInDoubt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	var http2 http.Protocols
	http2.SetUnencryptedHTTP2(true)
	s.Config.Protocols = &http2
	s.Start()
	t.Cleanup(s.Close)

	answered := make(chan struct{})
	transport := &http.Transport{Protocols: &http2, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return slowHeadersConn{conn, answered}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, nil)
	require.NoError(t, err)
	_, err = httpapi.Do(&http.Client{Transport: transport}, req)
	close(answered)
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.InDoubt())
}

// slowHeadersConn is a connection whose write of a HEADERS frame reaches the provider long
// before the write returns.
type slowHeadersConn struct {
	net.Conn
	until <-chan struct{}
}

func (s slowHeadersConn) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if len(b) > 3 && b[3] == 1 {
		<-s.until
	}
	return n, err
}

func TestDo_UntracedTransportIsInDoubt(t *testing.T) {
	t.Parallel()
	var asked int
	for name, tt := range map[string]struct {
		transport http.RoundTripper
		inDoubt   bool
	}{
		"tells nothing": {transport(func(*http.Request) (*http.Response, error) {
			asked++
			return nil, errors.New("lost")
		}), true},
		"passes on": {transport(http.DefaultTransport.RoundTrip), false},
	} {
		gone := httptest.NewServer(nil)
		gone.Close()
		_, err := httpapi.Do(&http.Client{Transport: tt.transport}, request(t.Context(), t, gone.URL))
		var e *channel.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, tt.inDoubt, e.InDoubt(), name)
	}
	require.Equal(t, 1, asked)
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
