package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

// site is the handler of all pages.
type site struct {
	config    Config // with its defaults
	store     smsplus.Store
	shared    *sharedStore
	streams   atomic.Int64 // that are open
	tokens    tokenKey
	assets    *assets
	templates map[string]templateSet // by the code of the language
	exports   exportList
	routes    http.Handler
}

// New returns a handler of the pages, or every mistake in the config, each named by its
// field. The handler is safe for concurrent use.
func New(c Config) (http.Handler, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &site{
		config: c, store: timedStore{c.Store, c.Timeout}, shared: newSharedStore(c.Store, c.Clock, c.Timeout), assets: loadAssets(),
	}
	if s.tokens, err = newTokenKey(c.Secret); err != nil {
		return nil, fmt.Errorf("console: Config.Secret: %w", err)
	}
	if s.templates, err = s.parseTemplates(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	s.routes = s.newRoutes()
	return s, nil
}

// timedStore is a store whose calls that lists are read by have a deadline each. Other calls
// have the deadline of their page.
type timedStore struct {
	smsplus.Store

	timeout time.Duration
}

// Records calls the store's method with a deadline.
func (s timedStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	p, err := s.Store.Records(ctx, f)
	return p, withCause(ctx, err)
}

// withCause returns an error that says that ctx ended, if it did. A store's error need not say
// so.
func withCause(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// action answers a visit. If it returns an error, it has not begun to answer.
type action func(v *visit, w http.ResponseWriter) error

// newRoutes returns the pages by their paths. A cross-origin request that would change
// anything is refused.
func (s *site) newRoutes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, a action) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+s.path(path), s.serve(a))
	}
	handle("GET /{$}", (*visit).redirectToTemplates)
	handle("GET /templates", (*visit).showStatistics)
	handle("GET /templates.csv", (*visit).sendStatistics)
	handle("GET /records", (*visit).showRecords)
	handle("POST /records/search", (*visit).searchRecords)
	handle("GET /records/{id}", (*visit).showRecord)
	handle("GET /records/{id}/row", (*visit).showRow)
	handle("GET /records.csv", (*visit).sendCSV)
	handle("GET /records.ndjson", (*visit).sendNDJSON)
	handle("GET /exports/{job}", (*visit).showProgress)
	handle("GET /why", (*visit).showFailures)
	handle("GET /providers", (*visit).showProviders)
	handle("GET /operations", (*visit).showOperations)
	handleActions(handle)
	handle("GET /meaning", (*visit).showMeaning)
	handle("GET /robots.txt", (*visit).denyRobots)
	handle("GET /assets/{name}", (*visit).sendAsset)
	handle("POST /preferences", (*visit).savePreferences)
	handle("GET /", (*visit).showNotFound)
	s.handleLive(mux)
	return http.NewCrossOriginProtection().Handler(mux)
}

// securityHeaders hold for every answer. The referrer policy is not "no-referrer", which
// would make browsers send "Origin: null" with the pages' own forms.
var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Referrer-Policy":              "same-origin",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"X-Robots-Tag":                 "noindex, nofollow",
	"Cache-Control":                "no-store",
}

// userKey is the key of the user's name in a request's context.
type userKey struct{}

// maxBody is the largest body of a form.
const maxBody = 64 << 10

// ServeHTTP answers a request. No page is chosen before the request is authorized.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range securityHeaders {
		w.Header().Set(name, value)
	}
	user, err := s.config.Authorize(r)
	if err != nil {
		text := catalogueFor(r).text("error.forbidden")
		if errors.Is(err, errNotLoopback) {
			text = catalogueFor(r).text("error.loopback")
		}
		http.Error(w, text, http.StatusForbidden)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if base := s.config.BasePath; r.URL.Path != base && !strings.HasPrefix(r.URL.Path, base+"/") {
		u := *r.URL // a proxy has stripped the base path
		u.Path, u.RawPath = base+"/"+strings.TrimPrefix(u.Path, "/"), ""
		r.URL = &u
	}
	if r.URL.Path == s.config.BasePath {
		http.Redirect(w, r, s.path("/"), http.StatusMovedPermanently)
		return
	}
	s.routes.ServeHTTP(w, r)
}

// serve returns a handler of an action. Its queries end with the deadline, or with the
// request.
func (s *site) serve(a action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.newVisit(r)
		ctx, cancel := context.WithTimeout(r.Context(), s.config.Timeout)
		defer cancel()
		v.ctx = ctx
		if err := withCause(ctx, a(v, w)); err != nil {
			v.showError(w, err)
		}
	})
}

// failure is an error that the viewer is shown.
type failure struct {
	code int
	key  string // of the text
}

func (f failure) Error() string { return fmt.Sprintf("console: %d %s", f.code, f.key) }

// failureOf returns what a viewer is shown of an error.
func failureOf(err error) failure {
	f, ok := errors.AsType[failure](err)
	switch {
	case ok:
		return f
	case errors.Is(err, errAudit):
		return failure{http.StatusInternalServerError, "error.audit"}
	case errors.Is(err, smsplus.ErrNotFound):
		return failure{http.StatusNotFound, "error.record"}
	case errors.Is(err, smsplus.ErrUnreadable):
		return failure{http.StatusInternalServerError, "error.unreadable"}
	case errors.Is(err, smsplus.ErrInvalidFilter):
		return failure{http.StatusBadRequest, "error.filter"}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{http.StatusServiceUnavailable, "error.timeout"}
	}
	return failure{http.StatusInternalServerError, "error.store"}
}

// errorPage is the content of "error.html".
type errorPage struct {
	Layout layout
	Text   string
}

// showError answers with a page that says what went wrong. The error itself is only logged:
// a store's words are not for viewers.
func (v *visit) showError(w http.ResponseWriter, err error) {
	f := failureOf(err)
	if f.code >= http.StatusInternalServerError && v.r.Context().Err() == nil {
		v.config.Logger.ErrorContext(v.ctx, "console: page failed", "page", v.page(), "err", err)
	}
	if err := v.render(w, f.code, "error", errorPage{v.layout("error.title", ""), v.text(f.key)}); err != nil {
		http.Error(w, v.text(f.key), f.code)
	}
}

func (v *visit) showNotFound(http.ResponseWriter) error {
	return failure{http.StatusNotFound, "error.page"}
}

func (v *visit) redirectToTemplates(w http.ResponseWriter) error {
	http.Redirect(w, v.r, v.path("/templates"), http.StatusSeeOther)
	return nil
}

func (v *visit) denyRobots(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("User-agent: *\nDisallow: /\n"))
	return v.logLost(err)
}

// savePreferences keeps the language and the time zone that a viewer chose.
func (v *visit) savePreferences(w http.ResponseWriter) error {
	if err := v.r.ParseForm(); err != nil {
		return failure{http.StatusBadRequest, "error.form"}
	}
	const year = 365 * 24 * 60 * 60
	save := func(name, value string) {
		http.SetCookie(w, &http.Cookie{
			Name: name, Value: url.QueryEscape(value), Path: v.path("/"), MaxAge: year, SameSite: http.SameSiteLaxMode,
			Secure: v.r.TLS != nil,
		})
	}
	for _, c := range catalogues {
		if v.r.PostForm.Get("lang") == c.code {
			save(languageCookie, c.code)
		}
	}
	if zone := v.r.PostForm.Get("zone"); zone != "" {
		if _, ok := loadZone(zone); !ok {
			return failure{http.StatusBadRequest, "error.zone"}
		}
		save(zoneCookie, zone)
	}
	http.Redirect(w, v.r, v.localURL(v.r.PostForm.Get("back")), http.StatusSeeOther)
	return nil
}

// localURL returns a URL if it is one of the pages, and the first page otherwise.
func (v *visit) localURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsAny(text, "\\\r\n") ||
		!strings.HasPrefix(u.Path, v.path("/")) || strings.HasPrefix(u.Path, "//") {
		return v.path("/")
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// render answers with a page, or with a part of one: "row" or "records#row".
func (v *visit) render(w http.ResponseWriter, code int, name string, data any) error {
	var b bytes.Buffer
	if err := v.templates[v.code].execute(&b, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.code)
	w.Header().Set("Vary", "Cookie, Accept-Language, HX-Request")
	w.WriteHeader(code)
	_, err := w.Write(b.Bytes())
	return v.logLost(err)
}

// logLost logs that an answer was lost on its way. It returns nil, because the viewer has
// left.
func (v *visit) logLost(err error) error {
	if err != nil {
		v.config.Logger.DebugContext(v.ctx, "console: answer was lost", "page", v.page(), "err", err)
	}
	return nil
}
