package webhook

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// budget counts the bytes that calls under way hold.
type budget struct {
	limit int64
	used  atomic.Int64
}

// countedBody is the body of a call. The adapter reads it, after it has refused what it can refuse
// without it. Its bytes count towards the budget until the adapter has returned. A nil body
// is one of no bytes.
type countedBody struct {
	source io.ReadCloser // limited to Options.MaxBody
	budget *budget
	resume func() // the connection's read deadline is no longer needed

	mu    sync.Mutex
	taken int64 // bytes that the adapter has read
	code  int   // the answer to a body that could not be read, or 0
	ended bool  // the body was read, or its call was answered
}

var errBusy = errors.New("webhook: the bodies of other calls take all the memory")

// newBody returns the body of a call, or nil if it has none.
func (h *Handler) newBody(w http.ResponseWriter, r *http.Request, deadline time.Time) *countedBody {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	// A context does not end the reading of a body, so the connection gets a deadline. The
	// error is ignored, because a test's recorder has no deadlines.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(deadline)
	return &countedBody{
		source: http.MaxBytesReader(nil, r.Body, h.options.MaxBody), // the adapter may outlive w
		budget: &h.inFlight,
		// The server continues to read in order to see whether the caller leaves. It takes a
		// passed deadline for a caller that left, and would cancel the contexts of later
		// requests on the connection.
		resume: func() { _ = connection.SetReadDeadline(time.Time{}) },
	}
}

// Read reads from the body, if the budget has room for what it reads.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.source.Read(p)
	used := b.budget.used.Add(int64(n))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken += int64(n)
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	switch {
	case used > b.budget.limit:
		b.code = http.StatusServiceUnavailable
		return 0, errBusy
	case errors.Is(err, io.EOF):
		if !b.ended {
			b.ended = true
			b.resume()
		}
	case tooLong:
		b.code = http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.code = http.StatusServiceUnavailable
	case err != nil:
		b.code = http.StatusBadRequest
	}
	return n, err
}

// Close closes the body.
func (b *countedBody) Close() error { return b.source.Close() }

// failure returns the code of the answer to a body that could not be read, or 0.
func (b *countedBody) failure() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.code
}

// endCall leaves the connection to the server, whether or not the adapter still reads.
func (b *countedBody) endCall() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// release gives the bytes back to the budget, once the adapter has returned.
func (b *countedBody) release() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.budget.used.Add(-b.taken)
	b.taken = 0
}
