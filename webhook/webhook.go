package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/loglimit"
	"github.com/smsplus/smsplus-go/internal/mask"
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
	// MaxInFlight is the maximum number of bytes of bodies that all calls under way may hold.
	// A call that would exceed it is answered with 503. Zero or less means the default of
	// 64 MiB.
	MaxInFlight int64
	// Timeout is the maximum duration of a call, from the first byte of its body until its
	// receipts are stored. The server's ReadHeaderTimeout limits the time before. Zero or less
	// means the default of 1.5 s, because LINE gives up after 2 s ("Check webhook error causes
	// and statistics"). A provider that gives up repeats the call while it is being served.
	Timeout time.Duration
	// Logger logs the paths that the handler serves at info level, and each call at debug
	// level. It logs answers of 401 and 404 at warn level, at most one of each a second. It
	// logs panics, invalid receipts and receipts of another channel at error level. Defaults
	// to none.
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
	defaultMaxBody     = 4 << 20
	defaultMaxInFlight = 64 << 20
	defaultTimeout     = 1500 * time.Millisecond

	// retryAfter is the Retry-After of a 503, in seconds.
	retryAfter = "30"
)

// New returns the handler for the webhooks of the dispatcher's channels.
func New(d *smsplus.Dispatcher, o Options) *Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = defaultMaxInFlight
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Prefix = strings.Trim(o.Prefix, "/"); o.Prefix != "" {
		o.Prefix = "/" + o.Prefix
	}
	h := &Handler{options: o, inFlight: budget{limit: o.MaxInFlight}, turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	for c := range d.Channels() {
		r, ok := c.(channel.Receiver)
		if !ok {
			continue
		}
		adapter := r.ReceiptHandler(h.wrapSink(c.Name(), d.Receive))
		if !strings.Contains(string(c.Name()), "/") {
			h.routes = append(h.routes, route{o.Prefix + "/" + string(c.Name()), c.Name(), adapter})
		}
		if own, ok := c.(interface{ WebhookPath() string }); ok {
			if path := strings.TrimSuffix(own.WebhookPath(), "/"); path != "" {
				h.routes = append(h.routes, route{path, c.Name(), adapter})
			}
		}
	}
	o.Logger.LogAttrs(context.Background(), slog.LevelInfo, "webhook: serves", slog.Any("paths", h.Paths()))
	return h
}

// Handler serves the webhooks of all channels.
type Handler struct {
	options  Options
	routes   []route
	inFlight budget
	turns    chan struct{}         // of calls with long bodies
	refusals loglimit.Limiter[int] // by code
}

// route is a channel's path. All paths below it are the channel's too.
type route struct {
	path    string
	name    channel.Name
	adapter http.Handler
}

// Paths returns the paths that the handler serves: those of the channels' names, and those of
// other URLs that channels give to their providers.
func (h *Handler) Paths() []string {
	paths := make([]string, len(h.routes))
	for i, r := range h.routes {
		paths[i] = r.path
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// sinkFailedKey is the context key of a call's *atomic.Bool. It is set when the sink returns
// an error.
type sinkFailedKey struct{}

// wrapSink returns a sink that calls next with the channel's own receipts, and records a
// failure in the call's context. A provider's call must not mark another channel's attempts,
// and an adapter that ignores the sink's error must not lose receipts.
func (h *Handler) wrapSink(name channel.Name, next channel.Sink) channel.Sink {
	return func(ctx context.Context, rs ...channel.Receipt) error {
		own := make([]channel.Receipt, 0, len(rs))
		for _, r := range rs {
			if r.Channel == name {
				own = append(own, r)
			}
		}
		if len(own) < len(rs) {
			h.options.Logger.LogAttrs(ctx, slog.LevelError, "webhook: the channel has receipts of another one; they are dropped",
				slog.String("channel", string(name)), slog.Int("receipts", len(rs)-len(own)))
		}
		err := next(ctx, own...)
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

// ServeHTTP answers a call.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	name, adapter := h.findChannel(r.URL.Path)
	a := h.respondTo(w, r, name, adapter, began.Add(h.options.Timeout))
	a.writeTo(w)
	took := time.Since(began)
	h.logCall(r.Context(), Call{name, a.code, took})
	if h.options.Observe != nil {
		h.options.Observe(Call{name, a.code, took})
	}
}

// logCall logs a call. Refusals are worth a warning, because a wrong path or secret loses
// every receipt. They come from the whole internet, so their rate is limited.
func (h *Handler) logCall(ctx context.Context, c Call) {
	attrs := []slog.Attr{slog.String("channel", string(c.Channel)), slog.Int("code", c.Code), slog.Duration("took", c.Took)}
	if c.Code == http.StatusUnauthorized || c.Code == http.StatusNotFound {
		if others, due := h.refusals.Allow(c.Code, time.Now()); due {
			attrs = append(attrs, slog.Int("others", others))
			h.options.Logger.LogAttrs(ctx, slog.LevelWarn, "webhook: refused", attrs...)
			return
		}
	}
	h.options.Logger.LogAttrs(ctx, slog.LevelDebug, "webhook: called", attrs...)
}

// findChannel returns the channel that has the path, or "" and nil. Of several routes the
// longest counts.
func (h *Handler) findChannel(path string) (channel.Name, http.Handler) {
	var found route
	for _, r := range h.routes {
		rest, ok := strings.CutPrefix(path, r.path)
		if ok && (rest == "" || rest[0] == '/') && len(r.path) > len(found.path) {
			found = r
		}
	}
	return found.name, found.adapter
}

// respondTo checks the call and has the adapter answer it. It returns by the deadline.
func (h *Handler) respondTo(w http.ResponseWriter, r *http.Request, name channel.Name, adapter http.Handler, deadline time.Time) *response {
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
	var failed atomic.Bool
	// The call continues when its caller leaves. The caller would repeat the call and leave
	// again, and nothing would ever be stored.
	parent := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithDeadline(context.WithValue(parent, sinkFailedKey{}, &failed), deadline)
	defer cancel()
	r = r.WithContext(ctx)
	body := h.newBody(w, r, deadline)
	if body != nil {
		r.Body = body
		defer body.endCall()
	}
	// The adapter runs in a goroutine of its own, because an adapter or a store may ignore
	// its context.
	answered := make(chan *response, 1)
	go func() {
		defer body.release()
		answered <- h.callAdapter(r, name, adapter)
	}()
	select {
	case a := <-answered:
		switch code := body.failure(); {
		case failed.Load(), ctx.Err() != nil: // an adapter may answer 400 when its context ends
			return newResponse(http.StatusServiceUnavailable)
		case code != 0:
			return newResponse(code)
		}
		return a
	case <-ctx.Done():
		return newResponse(http.StatusServiceUnavailable)
	}
}

// callAdapter returns the adapter's answer, or a 500 if it panics. It logs only the type of
// the panic's value, because the value may hold secrets.
func (h *Handler) callAdapter(r *http.Request, name channel.Name, adapter http.Handler) (a *response) {
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

// Format writes no part of the handler, whatever the verb: its Dispatcher holds messages.
func (*Handler) Format(f fmt.State, _ rune) { mask.Write(f, "webhook.Handler{…}") }
