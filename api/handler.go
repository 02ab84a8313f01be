package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/loglimit"
)

// handler answers the requests of the API.
type handler struct {
	config      Config
	crossOrigin *http.CrossOriginProtection
	inFlight    atomic.Int64 // bytes of bodies
	failures    loglimit.Limiter[problemCode]
}

// New returns a handler of the API, or every mistake in the config, each named by its field.
// Its paths are relative to where it is mounted. The handler is safe for concurrent use.
func New(c Config) (http.Handler, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &handler{config: c, crossOrigin: http.NewCrossOriginProtection()}, nil
}

// call is one request.
type call struct {
	*handler

	r      *http.Request
	ctx    context.Context
	caller string
	// id is the message that the path names.
	id uuid.UUID
	// parameters are those of the URL, each with one value.
	parameters url.Values
	// reveal says that personal data is shown.
	reveal bool
}

// answer is what a request is answered.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// operation is what a method does on a path.
type operation struct {
	// id is the operationId in the document.
	id, method, path string
	// known are the names of the parameters that the URL may have.
	known   []string
	hasBody bool
	// serve answers a call. The writer is for the connection's deadlines alone.
	serve func(c *call, w http.ResponseWriter) (answer, error)
}

// operations are all that there is. Of two that match, the first one counts.
var operations = []operation{
	{"getDocument", "GET", "/openapi.json", nil, false, (*call).getDocument},
	{"trigger", "POST", "/messages", nil, true, (*call).triggerOne},
	{"triggerMany", "POST", "/messages/batch", nil, true, (*call).triggerMany},
	{"listMessages", "GET", "/messages", append(listFields(), "reveal"), false, (*call).listMessages},
	{"searchMessages", "POST", "/messages/search", []string{"reveal"}, true, (*call).searchMessages},
	{"getMessage", "GET", "/messages/{id}", []string{"reveal"}, false, (*call).getMessage},
	{"cancelMessage", "POST", "/messages/{id}/cancel", nil, false, (*call).cancelMessage},
	{"confirmMessage", "POST", "/messages/{id}/confirm", nil, false, (*call).confirmMessage},
	{"resendMessage", "POST", "/messages/{id}/resend", nil, false, (*call).resendMessage},
	{"find", "POST", "/find", []string{"reveal"}, true, (*call).findMessages},
	{"getStatistics", "GET", "/statistics", statisticsFields(), false, (*call).getStatistics},
	{"searchStatistics", "POST", "/statistics/search", nil, true, (*call).searchStatistics},
}

// fixedHeaders hold for every answer.
var fixedHeaders = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
}

// ServeHTTP answers a request. No path is looked at before the request is authorized.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.config.Timeout)
	defer cancel()
	c := &call{handler: h, r: r, ctx: ctx}
	a, err := c.answerRequest(w)
	if err != nil {
		a = c.answerError(err)
	}
	maps.Copy(w.Header(), a.header)
	for name, value := range fixedHeaders {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body) // fails if the caller has left
}

// answerRequest authorizes the request and answers it.
func (c *call) answerRequest(w http.ResponseWriter) (answer, error) {
	caller, err := c.config.Authorize(c.r)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return answer{}, newProblem(codeUnauthenticated, "")
	case err != nil:
		return answer{}, newProblem(codeForbidden, "")
	}
	c.caller = caller
	if c.crossOrigin.Check(c.r) != nil {
		return answer{}, newProblem(codeCrossOrigin, "")
	}
	op, id, err := findOperation(c.r.Method, c.r.URL.Path)
	if err != nil {
		return answer{}, err
	}
	if strings.Contains(op.path, "{id}") {
		if c.id, err = parseID(id); err != nil {
			return answer{}, err
		}
	}
	if c.parameters, err = parseParameters(c.r.URL.RawQuery, op.known); err != nil {
		return answer{}, err
	}
	if err := c.setReveal(); err != nil {
		return answer{}, err
	}
	if !op.hasBody {
		if err := c.requireNoBody(w); err != nil {
			return answer{}, err
		}
	}
	a, err := op.serve(c, w)
	if err != nil && c.ctx.Err() != nil { // a store's error need not say so
		err = fmt.Errorf("%w: %w", c.ctx.Err(), err)
	}
	if err != nil {
		if p := problemOf(err); p.Status >= http.StatusInternalServerError {
			c.logFailure(op.id, p.Code, err)
		}
	}
	return a, err
}

// answerError returns the answer to a request that failed.
func (c *call) answerError(err error) answer {
	p := problemOf(err)
	a := p.answer()
	if p.Code == codeUnauthenticated {
		a.header.Set("WWW-Authenticate", c.config.Challenge)
	}
	if p.Code == codeMethod {
		a.header.Set("Allow", strings.Join(methodsOf(c.r.URL.Path), ", "))
	}
	return a
}

// findOperation returns the operation of a method on a path, and the part of the path that
// stands for the message.
func findOperation(method, path string) (op operation, id string, err error) {
	if method == http.MethodHead {
		method = http.MethodGet // the server leaves the body out
	}
	code := codeNotFound
	for _, op := range operations {
		id, ok := matchPath(op.path, path)
		if ok && op.method == method {
			return op, id, nil
		}
		if ok {
			code = codeMethod
		}
	}
	return operation{}, "", newProblem(code, "")
}

// methodsOf returns the methods of a path.
func methodsOf(path string) []string {
	var all []string
	for _, op := range operations {
		if _, ok := matchPath(op.path, path); ok {
			all = append(all, op.method)
			if op.method == http.MethodGet {
				all = append(all, http.MethodHead)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// matchPath reports whether a path has a pattern, and returns the segment at "{id}".
func matchPath(pattern, path string) (id string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return "", false
	}
	for i := range want {
		if want[i] == "{id}" {
			id = have[i]
		} else if want[i] != have[i] {
			return "", false
		}
	}
	return id, true
}

// parseID returns the ID of a message in a path. It takes the usual form alone, so that a
// message has one URL.
func parseID(text string) (uuid.UUID, error) {
	const length = len("00000000-0000-0000-0000-000000000000")
	id, err := uuid.Parse(text)
	if err != nil || len(text) != length {
		return uuid.UUID{}, newProblem(codeMessageNotFound, "")
	}
	return id, nil
}

// parseParameters returns the parameters of a URL. An unknown one is refused, because a filter
// that is not known would select too much. So is an empty one.
func parseParameters(query string, known []string) (url.Values, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return nil, newProblem(codeInvalidRequest, "the query of the URL is malformed")
	}
	var all []mistake
	for _, name := range slices.Sorted(maps.Keys(q)) {
		detail := ""
		switch {
		case slices.Contains(personalFields, name):
			detail = "may name a person, and must not stand in a URL; send it in the body of a search"
		case !slices.Contains(known, name):
			detail = "is no parameter of this operation"
		case len(q[name]) > 1:
			detail = "occurs more than once"
		case q.Get(name) == "":
			detail = "must not be empty; leave it out"
		}
		if detail != "" && len(all) < maxMistakes {
			all = append(all, mistakeAt(name, false, detail))
		}
	}
	if len(all) > 0 {
		return nil, newProblem(codeInvalidRequest, "", all...)
	}
	return q, nil
}

// setReveal sets whether personal data is shown.
func (c *call) setReveal() error {
	switch c.parameters.Get("reveal") {
	case "", "false":
		return nil
	case "true":
		if !c.config.Reveal(c.r) {
			return newProblem(codeNotAllowed, "the caller may not take this action: "+string(Reveal))
		}
		c.reveal = true
		return nil
	}
	return newProblem(codeInvalidRequest, "", mistake{Parameter: "reveal", Detail: "must be true or false"})
}

// readObject returns the object in the body.
func (c *call) readObject(w http.ResponseWriter) (o *object, release func(), err error) {
	body, release, err := c.readBody(w)
	if err != nil {
		return nil, nil, err
	}
	if o, err = parseObject(body); err != nil {
		release()
		return nil, nil, err
	}
	return o, release, nil
}
