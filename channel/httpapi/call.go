package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// maxAnswerBytes bounds what is read of an answer, in bytes. Providers answer in a few
// hundred.
const maxAnswerBytes = 1 << 20

// Over HTTP/2 all calls share a connection, and one that the network dropped without a
// word would swallow each until its deadline. One that is silent that long is asked,
// and given up that long after.
const (
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second
)

// NewClient returns a client for the calls of one adapter: it keeps as many idle
// connections to a host as sends may be under way, where http.DefaultClient keeps
// two, and leaves HTTP/2 connections that are dead. Deadlines come from the contexts
// of the calls.
func NewClient() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.MaxIdleConnsPerHost = 64
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout}
	return &http.Client{Transport: t}
}

// Answer is what a provider said.
type Answer struct {
	Code   int // of HTTP
	Header http.Header
	Body   []byte
}

// Do makes one call and reads the whole answer. Its error is a [*channel.Error]:
// temporary if nothing of the request was written, in doubt if it was and no whole
// answer came. A transport other than [http.Transport] has to tell
// [httptrace.ClientTrace] of the connection it gets and of what it writes, as one does
// that passes the request on; of any other, every failure is in doubt.
//
// The error's words hold nothing of the request and of the answer, nor the URL. A
// redirect is an answer like any other: followed, it could send twice. So could a
// GET, which net/http repeats by itself when a connection breaks that was kept: send
// with POST.
func Do(client *http.Client, req *http.Request) (Answer, error) {
	if err := req.Context().Err(); err != nil {
		return Answer{}, channel.Temporary(err, 0)
	}
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	// From the first header on, bytes may be on their way, whatever the write reports:
	// over HTTP/2, WroteHeaders comes only after them.
	var written, traced atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn:          func(string) { traced.Store(true) },
		WroteHeaderField: func(string, []string) { written.Store(true) },
		WroteHeaders:     func() { written.Store(true) },
	}
	resp, err := direct.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		fault := describeError(err)
		if written.Load() || !traced.Load() && !reportsWrites(client.Transport) {
			return Answer{}, channel.InDoubt(fault)
		}
		return Answer{}, channel.Temporary(fault, 0)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read, or given up
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return Answer{}, channel.InDoubt(describeError(err))
	}
	if len(body) > maxAnswerBytes {
		return Answer{}, channel.InDoubt(errors.New("the answer is too long"))
	}
	return Answer{Code: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// reportsWrites reports whether a transport is one that tells of all that it writes, even if
// it came to no connection.
func reportsWrites(t http.RoundTripper) bool {
	if t == nil {
		t = http.DefaultTransport
	}
	_, ok := t.(*http.Transport)
	return ok
}

// callError is a failed call in words of ours: those of net/http quote the URL, and
// those of its parser what the provider sent. It keeps what errors.Is may look for.
type callError struct {
	words string
	cause error
}

func (f *callError) Error() string { return f.words }
func (f *callError) Unwrap() error { return f.cause }

func describeError(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return &callError{"no answer: " + end.Error(), end}
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return &callError{"no connection: " + errno.Error(), errno}
	}
	switch {
	case isType[*net.DNSError](err):
		return &callError{"no connection: the host's name is not known", nil}
	case isType[*tls.CertificateVerificationError](err):
		return &callError{"no connection: the host's certificate is not trusted", nil}
	case isType[net.Error](err):
		return &callError{"no answer: the network failed", nil}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &callError{"no answer: the connection was closed", io.ErrUnexpectedEOF}
	default:
		return &callError{"no answer that makes sense", nil}
	}
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Verdict returns what the answer's code says by itself, for answers whose own
// vocabulary is not known (RFC 9110, section 15). A server error is in doubt, since
// it may come from a proxy before a provider that did its work; a 503 that names a
// time to come back at is not.
func (a Answer) Verdict() channel.Verdict {
	switch {
	case a.Code/100 == 2:
		return channel.Verdict{Status: status.Accepted}
	case a.Code == http.StatusRequestTimeout, a.Code == http.StatusTooManyRequests,
		a.Code == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
		return channel.Verdict{}
	case a.Code/100 == 5:
		return channel.Verdict{Reason: status.InDoubt}
	case a.Code == http.StatusUnauthorized:
		return channel.Verdict{Status: status.Undeliverable, Reason: status.Authorization}
	case a.Code == http.StatusPaymentRequired:
		return channel.Verdict{Status: status.Undeliverable, Reason: status.QuotaExceeded}
	case a.Code == http.StatusForbidden:
		return channel.Verdict{Status: status.Undeliverable, Reason: status.Permission}
	default:
		return channel.Verdict{Status: status.Failed, Reason: status.SystemError}
	}
}

// maxRetryAfter bounds what a provider can ask for: beyond it, its clock is wrong.
const maxRetryAfter = 24 * time.Hour

// RetryAfter returns how long the provider asks to be left alone, at most a day, or
// zero. A date counts from the answer's own Date, so that no clock but the
// provider's matters (RFC 9110, section 10.2.3).
func (a Answer) RetryAfter() time.Duration {
	value := a.Header.Get("Retry-After")
	wait := maxRetryAfter
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		if seconds < uint64(maxRetryAfter/time.Second) {
			wait = time.Duration(seconds) * time.Second
		}
		return wait
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	from, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return 0
	}
	return min(wait, max(0, at.Sub(from)))
}
