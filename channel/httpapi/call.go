package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/neterror"
	"github.com/smsplus/smsplus-go/status"
)

// maxAnswerBytes limits how much of an answer is read. Providers answer in a few hundred
// bytes.
const maxAnswerBytes = 1 << 20

// The connection checks of HTTP/2. All calls share one connection, and a connection that
// the network dropped silently would hold each call until its deadline. A connection that
// is silent for pingAfter gets a ping, and is closed after pingTimeout without an answer.
const (
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second
)

// NewClient returns a client for the calls of one adapter. It keeps up to 64 idle
// connections to a host, where http.DefaultClient keeps two, so that concurrent sends reuse
// connections. It closes dead HTTP/2 connections. The contexts of the calls set the
// deadlines.
func NewClient() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.MaxIdleConnsPerHost = 64
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout}
	return &http.Client{Transport: t}
}

// Answer is a provider's answer.
type Answer struct {
	Code   int // the HTTP status code
	Header http.Header
	Body   []byte
}

// Do makes one call and reads the whole answer. Its error is a [*channel.Error]: temporary
// if nothing of the request was written, in doubt if something was written and no whole
// answer came.
//
// A transport other than [http.Transport] has to report its connection and its writes to
// [httptrace.ClientTrace]. A transport that passes the request on to an http.Transport
// does. Every failure of any other transport is in doubt.
//
// The error's words hold nothing of the request and of the answer, nor the URL.
//
// Do returns a redirect as an answer, because following it could send twice. Send with
// POST: net/http repeats a GET by itself when a reused connection breaks, and that could
// send twice, too.
func Do(client *http.Client, req *http.Request) (Answer, error) {
	if err := req.Context().Err(); err != nil {
		return Answer{}, channel.Temporary(err, 0)
	}
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	// Bytes may be on their way from the first header on, whatever the write reports. Over
	// HTTP/2, WroteHeaders comes only after the headers were written.
	var written, traced atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn:          func(string) { traced.Store(true) },
		WroteHeaderField: func(string, []string) { written.Store(true) },
		WroteHeaders:     func() { written.Store(true) },
	}
	resp, err := direct.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		fault := neterror.Describe(err)
		if written.Load() || !traced.Load() && !reportsWrites(client.Transport) {
			return Answer{}, channel.InDoubt(fault)
		}
		return Answer{}, channel.Temporary(fault, 0)
	}
	defer resp.Body.Close() //nolint:errcheck // the body was read, or the call failed
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return Answer{}, channel.InDoubt(neterror.Describe(err))
	}
	if len(body) > maxAnswerBytes {
		return Answer{}, channel.InDoubt(errors.New("the answer is too long"))
	}
	return Answer{Code: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// reportsWrites reports whether a transport is known to report all writes, even if it got
// no connection.
func reportsWrites(t http.RoundTripper) bool {
	if t == nil {
		t = http.DefaultTransport
	}
	_, ok := t.(*http.Transport)
	return ok
}

// Verdict returns the meaning of the HTTP status code alone, for answers whose own
// vocabulary is not known (RFC 9110, section 15). A server error is in doubt, because it
// may come from a proxy in front of a provider that did its work. A 503 with a Retry-After
// is temporary. So are a 421 and a 425, whose request was not processed. It came over a
// connection that was not for it, or too early (RFC 8470, section 5.2).
func (a Answer) Verdict() channel.Verdict {
	switch {
	case a.Code/100 == 2:
		return channel.Verdict{Status: status.Accepted}
	case a.Code == http.StatusRequestTimeout, a.Code == http.StatusTooManyRequests,
		a.Code == http.StatusMisdirectedRequest, a.Code == http.StatusTooEarly,
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

// maxRetryAfter limits the wait that a provider can ask for. A longer one means that its
// clock is wrong.
const maxRetryAfter = 24 * time.Hour

// RetryAfter returns how long the provider asks the sender to wait, at most a day, or zero.
// A date counts from the answer's own Date, so that only the provider's clock matters (RFC
// 9110, section 10.2.3).
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
