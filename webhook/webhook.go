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

// Options configure the handler. The zero Options are valid.
type Options struct {
	// Prefix is the part of the path before a channel's name, such as "/receipts".
	// Defaults to "".
	Prefix string
	// MaxBody is the maximum length of a body in bytes. Adapters have lower limits of their
	// own. Zero or less means the default of 4 MiB.
	MaxBody int64
	// Timeout is the maximum duration of a call, from the first byte of its body until its
	// receipts are stored. It replaces the server's ReadTimeout. Zero or less means the
	// default of 10 s.
	Timeout time.Duration
	// Logger logs each call at debug level. It logs panics and invalid receipts at error
	// level. Defaults to none.
	Logger *slog.Logger
	// Observe is called after each call was answered, for metrics. It must be safe for
	// concurrent use and return soon. Defaults to none.
	Observe func(Call)
}

// Call describes one answered call.
type Call struct {
	// Channel is the called channel, or "" if the path is no channel's webhook.
	Channel channel.Name
	// Code is the status code of the answer.
	Code int
	// Took is the time until the answer was written.
	Took time.Duration
}

const (
	// defaultMaxBody exceeds the largest documented calls of a known provider: WhatsApp's
	// have up to 3 MB (WhatsApp Business Platform, Cloud API, Webhooks).
	defaultMaxBody = 4 << 20
	defaultTimeout = 10 * time.Second

	// retryAfter is the Retry-After of a 503, in seconds.
	retryAfter = "30"
)

// New returns the handler for the webhooks of the dispatcher's channels.
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

// sinkFailedKey is the context key of a call's *atomic.Bool. It is set when the sink returns
// an error.
type sinkFailedKey struct{}

// wrapSink returns a sink that calls next and records a failure in the call's context. An
// adapter that ignores the sink's error must not lose receipts.
func (h *handler) wrapSink(name channel.Name, next channel.Sink) channel.Sink {
	return func(ctx context.Context, rs ...channel.Receipt) error {
		err := next(ctx, rs...)
		if err == nil {
			return nil
		}
		if failed, ok := ctx.Value(sinkFailedKey{}).(*atomic.Bool); ok {
			failed.Store(true)
		}
		if errors.Is(err, smsplus.ErrInvalidReceipt) { // the dispatcher reports the store's errors
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

// findChannel returns the channel that has the path, or "" and nil.
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

// respond checks the call, reads its body and has the adapter answer it. It returns by the
// deadline.
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
	// A context does not end the reading of a body, so the connection gets a deadline. The
	// error is ignored, because a test's recorder has no deadlines.
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
	// The server continues to read in order to see whether the caller leaves. It takes a
	// passed deadline for a caller that left, and would cancel the contexts of later requests
	// on the connection.
	_ = connection.SetReadDeadline(time.Time{})

	var failed atomic.Bool
	// The call continues when its caller leaves. The caller would repeat the call and leave
	// again, and nothing would ever be stored.
	parent := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithDeadline(context.WithValue(parent, sinkFailedKey{}, &failed), deadline)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	// The adapter runs in a goroutine of its own, because an adapter or a store may ignore
	// its context.
	answered := make(chan *response, 1)
	go func() { answered <- h.callAdapter(r, name, adapter) }()
	select {
	case a := <-answered:
		if failed.Load() || ctx.Err() != nil { // an adapter may answer 400 when its context ends
			return newResponse(http.StatusServiceUnavailable)
		}
		return a
	case <-ctx.Done():
		return newResponse(http.StatusServiceUnavailable)
	}
}

// callAdapter returns the adapter's answer, or a 500 if it panics. It logs only the type of
// the panic's value, because the value may hold secrets.
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

// response is an http.ResponseWriter that holds the answer in memory, so that another may
// replace it.
type response struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func newResponse(c int) *response { return &response{header: make(http.Header), code: c} }

// Header returns the answer's header.
func (a *response) Header() http.Header { return a.header }

// WriteHeader sets the code, if it is final and none is set. It panics for an invalid code,
// as the server's does.
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
	_, _ = w.Write(a.body.Bytes()) // fails if the caller has left
}
