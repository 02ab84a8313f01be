package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// meteredReader counts the bytes that it has read towards those of all requests.
type meteredReader struct {
	source io.Reader
	used   *atomic.Int64
	limit  int64
	taken  int64
}

var errBusy = errors.New("api: the bodies of other requests take all the memory")

func (m *meteredReader) Read(p []byte) (int, error) {
	n, err := m.source.Read(p)
	m.taken += int64(n)
	if m.used.Add(int64(n)) > m.limit {
		return 0, errBusy
	}
	return n, err
}

// release gives the bytes back, once the request was answered.
func (m *meteredReader) release() { m.used.Add(-m.taken) }

// readBody returns the body of a request that is JSON. The caller calls release when it needs
// the body no more.
func (c *call) readBody(w http.ResponseWriter) (body []byte, release func(), err error) {
	if err := checkMediaType(c.r.Header); err != nil {
		return nil, nil, err
	}
	if c.r.Body == nil {
		return nil, nil, newProblem(codeInvalidJSON, "there is no body")
	}
	if c.r.ContentLength > c.config.MaxBody {
		return nil, nil, newProblem(codeTooLarge, "")
	}
	// A context does not end the reading of a body, so the connection gets a deadline. The
	// error is ignored, because a test's recorder has no deadlines.
	connection := http.NewResponseController(w)
	deadline, _ := c.ctx.Deadline()
	_ = connection.SetReadDeadline(deadline)
	m := &meteredReader{source: http.MaxBytesReader(w, c.r.Body, c.config.MaxBody), used: &c.inFlight, limit: c.config.MaxInFlight}
	body, err = io.ReadAll(m)
	if err == nil {
		// The server continues to read in order to see whether the caller leaves. It takes a
		// passed deadline for a caller that left.
		_ = connection.SetReadDeadline(time.Time{})
		return body, m.release, nil
	}
	m.release()
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return nil, nil, newProblem(codeTooLarge, "")
	case errors.Is(err, errBusy):
		return nil, nil, newProblem(codeUnavailable, "too many requests are under way; "+repeatLater)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, newProblem(codeUnavailable, "the body did not arrive in time; "+repeatLater)
	}
	return nil, nil, newProblem(codeInvalidJSON, "the body ended early")
}

// checkMediaType returns an error unless the header says that the body is JSON in UTF-8, as it
// is. A web page cannot send that to another origin without asking first.
func checkMediaType(h http.Header) error {
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return newProblem(codeMediaType, "")
	}
	name, parameters, err := mime.ParseMediaType(types[0])
	charset, hasCharset := parameters["charset"]
	if err != nil || name != "application/json" || hasCharset && !strings.EqualFold(charset, "utf-8") {
		return newProblem(codeMediaType, "")
	}
	for _, encoding := range h.Values("Content-Encoding") {
		if !strings.EqualFold(encoding, "identity") {
			return newProblem(codeMediaType, "the body must not be compressed")
		}
	}
	return nil
}

// requireNoBody returns an error if a request that takes no body has one.
func (c *call) requireNoBody(w http.ResponseWriter) error {
	if c.r.Body == nil || c.r.Body == http.NoBody || c.r.ContentLength == 0 {
		return nil
	}
	if c.r.ContentLength < 0 { // its length is not known yet
		connection := http.NewResponseController(w)
		deadline, _ := c.ctx.Deadline()
		_ = connection.SetReadDeadline(deadline)
		if n, err := c.r.Body.Read(make([]byte, 1)); n == 0 && errors.Is(err, io.EOF) {
			_ = connection.SetReadDeadline(time.Time{})
			return nil
		}
	}
	return newProblem(codeInvalidRequest, "the request takes no body")
}
