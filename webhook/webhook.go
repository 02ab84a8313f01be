// Package webhook is where providers call in: one handler for the receipts of all
// channels.
//
//	mux.Handle("/receipts/", webhook.New(dispatcher, webhook.Options{Prefix: "/receipts"}))
//
// Each registered [channel.Receiver] has the path of its name, and all below it:
//
//	/receipts/whatsapp        the channel "whatsapp"
//	/receipts/sms/twilio      the channel "sms", which has several providers
//	/receipts/mitake/5f3c9a   the channel "mitake", whose calls are known by a secret path
//
// A call is handed on as it came, path and query and headers, for that is what its
// signature covers. Behind a proxy that changes them, see what the adapter says. A name
// that holds a slash has no path.
//
// # Who answers for what
//
// The adapter verifies a call before it reads anything out of it, hands all of its
// receipts to the sink together, and answers in its provider's way: 401 for a wrong
// signature, 400 for a call that makes no sense. The sink is the dispatcher's Receive,
// so a receipt of a message that is not known is parked and answered 200. Whatever the
// adapter does, this package sees to the rest:
//
//	code  when
//	404   no channel has the name, or it has no webhook
//	405   the method is none of GET, HEAD and POST
//	413   the body is longer than Options.MaxBody; the adapter is not asked
//	500   the adapter panicked: it is logged, and the server goes on
//	503   receipts were not stored, or the call took longer than Options.Timeout
//
// A call answered 503 has a Retry-After, so that the provider makes it again. Nothing is
// answered before the adapter is done, and what it has begun goes on until Options.Timeout
// even if the caller leaves. None of these answers has a body: nothing repeats what was
// sent. What is logged is the channel, the code and the duration; never a path, a query
// or a body, all of which may hold secrets or a person's data.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Options are how providers call in. The zero Options will do.
type Options struct {
	// Prefix is what stands in the path before a channel's name, such as "/receipts".
	// Defaults to nothing.
	Prefix string
	// MaxBody is the longest body in bytes; adapters have tighter limits of their own.
	// Zero or less means the default of 4 MiB.
	MaxBody int64
	// Timeout is how long a call may take, from its first byte of body to its receipts in
	// the store. It takes the place of the server's ReadTimeout. Zero or less means the
	// default of 10 s.
	Timeout time.Duration
	// Logger gets a line at debug level for each call, and one at error level for a panic
	// and for receipts that make no sense. Defaults to none.
	Logger *slog.Logger
	// Observe is told of each call after it was answered, for metrics. It must be safe for
	// concurrent use and return soon. Defaults to none.
	Observe func(Call)
}

// Call is what became of one call.
type Call struct {
	// Channel is the one that was called, or "" if no channel with a webhook was.
	Channel channel.Name
	// Code is the status code of the answer.
	Code int
	// Took is how long the answer took.
	Took time.Duration
}

const (
	// WhatsApp's calls have up to 3 MB (WhatsApp Business Platform, Cloud API, Webhooks),
	// the most that a known provider announces.
	defaultMaxBody = 4 << 20
	defaultTimeout = 10 * time.Second

	// retryAfter is the Retry-After of a call to be made again, in seconds.
	retryAfter = "30"
)

// New returns the handler of the webhooks of every registered channel that has one.
func New(d *smsplus.Dispatcher, o Options) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Prefix = strings.Trim(o.Prefix, "/"); o.Prefix != "" {
		o.Prefix = "/" + o.Prefix
	}
	h := &handler{options: o, channels: make(map[channel.Name]http.Handler)}
	for c := range d.Channels() {
		if r, ok := c.(channel.Receiver); ok {
			h.channels[c.Name()] = r.ReceiptHandler(h.wrapSink(c.Name(), d.Receive))
		}
	}
	return h
}

type handler struct {
	options  Options
	channels map[channel.Name]http.Handler
}

// sinkFailedKey is the key of a call's *atomic.Bool, which says that the sink refused something.
type sinkFailedKey struct{}

// wrapSink hands on to the dispatcher and leaves a note in the call if that fails: what an
// adapter makes of the sink's error must not lose receipts.
func (h *handler) wrapSink(name channel.Name, next channel.Sink) channel.Sink {
	return func(ctx context.Context, rs ...channel.Receipt) error {
		err := next(ctx, rs...)
		if err == nil {
			return nil
		}
		if failed, ok := ctx.Value(sinkFailedKey{}).(*atomic.Bool); ok {
			failed.Store(true)
		}
		if errors.Is(err, smsplus.ErrInvalidReceipt) { // of the store's errors the dispatcher tells
			h.options.Logger.LogAttrs(ctx, slog.LevelError, "webhook: the channel's receipts make no sense",
				slog.String("channel", string(name)), slog.Any("error", err))
		}
		return err
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	name, adapter := h.findChannel(r.URL.Path)
	a := h.respond(w, r, name, adapter, began.Add(h.options.Timeout))
	a.writeTo(w)
	took := time.Since(began)
	h.options.Logger.LogAttrs(r.Context(), slog.LevelDebug, "webhook: called",
		slog.String("channel", string(name)), slog.Int("code", a.code), slog.Duration("took", took))
	if h.options.Observe != nil {
		h.options.Observe(Call{name, a.code, took})
	}
}

// findChannel returns the channel whose path it is, or "" and nil.
func (h *handler) findChannel(path string) (channel.Name, http.Handler) {
	rest, ok := strings.CutPrefix(path, h.options.Prefix+"/")
	if !ok {
		return "", nil
	}
	part, _, _ := strings.Cut(rest, "/")
	name := channel.Name(part)
	if h.channels[name] == nil {
		return "", nil
	}
	return name, h.channels[name]
}

// respond has the adapter answer, if the call is fit for one, and by the deadline.
func (h *handler) respond(w http.ResponseWriter, r *http.Request, name channel.Name, adapter http.Handler, deadline time.Time) *response {
	if adapter == nil {
		return newResponse(http.StatusNotFound)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		a := newResponse(http.StatusMethodNotAllowed)
		a.header.Set("Allow", "GET, HEAD, POST")
		return a
	}
	if r.ContentLength > h.options.MaxBody {
		return newResponse(http.StatusRequestEntityTooLarge)
	}
	// A body that never ends is no matter for contexts. A test's recorder has no deadlines.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(deadline)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.options.MaxBody))
	if err != nil {
		_, tooLong := errors.AsType[*http.MaxBytesError](err)
		switch {
		case tooLong:
			return newResponse(http.StatusRequestEntityTooLarge)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return newResponse(http.StatusServiceUnavailable)
		default:
			return newResponse(http.StatusBadRequest)
		}
	}
	// The server goes on reading, to see whether the caller leaves. It would take a deadline
	// that passes for that, and end the context of whatever comes over the connection later.
	_ = connection.SetReadDeadline(time.Time{})

	var failed atomic.Bool
	// A caller that leaves before the answer calls again, and would leave again: what it
	// began is brought to its end.
	begun := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithDeadline(context.WithValue(begun, sinkFailedKey{}, &failed), deadline)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	// An adapter, or a store, that ignores its context goes on alone.
	answered := make(chan *response, 1)
	go func() { answered <- h.callAdapter(r, name, adapter) }()
	select {
	case a := <-answered:
		if failed.Load() || ctx.Err() != nil { // what is said because time is up blames nobody
			return newResponse(http.StatusServiceUnavailable)
		}
		return a
	case <-ctx.Done():
		return newResponse(http.StatusServiceUnavailable)
	}
}

// callAdapter lets the adapter answer. What panics has failed; the panic's value may hold
// anything, so only its type is told.
func (h *handler) callAdapter(r *http.Request, name channel.Name, adapter http.Handler) (a *response) {
	defer func() {
		if p := recover(); p != nil {
			h.options.Logger.LogAttrs(r.Context(), slog.LevelError, "webhook: channel panicked",
				slog.String("channel", string(name)), slog.String("type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
			a = newResponse(http.StatusInternalServerError)
		}
	}()
	a = &response{header: make(http.Header)}
	adapter.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	return a
}

// response is an answer that is kept until it is certain to be given.
type response struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func newResponse(c int) *response { return &response{header: make(http.Header), code: c} }

// Header returns the answer's header.
func (a *response) Header() http.Header { return a.header }

// WriteHeader keeps the code, if it is the first and final. It panics, as the server's
// does, at one that is none.
func (a *response) WriteHeader(code int) {
	if code < 100 || code > 999 {
		panic(fmt.Sprintf("webhook: invalid code %d", code))
	}
	if a.code == 0 && code >= http.StatusOK {
		a.code = code
	}
}

func (a *response) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *response) writeTo(w http.ResponseWriter) {
	if a.code == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
		a.header.Set("Retry-After", retryAfter)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body.Bytes()) // the caller may have left
}
