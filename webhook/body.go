package webhook

import (
	"context"
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

// longBody is the length from which on a body waits for a turn, in bytes. It has about a
// thousand receipts.
const longBody = 256 << 10

// countedBody is the body of a call. The adapter reads it, after it has refused what it can refuse
// without it. Its bytes count towards the budget until the adapter has returned. A nil body
// is one of no bytes.
//
// The end of a long body waits for one of the turns. Work on all of them at once would end none
// by its deadline, and the calls would be repeated. The call has its turn until it is answered.
type countedBody struct {
	source io.ReadCloser // limited to Options.MaxBody
	budget *budget
	turns  chan struct{}   // one place for each call that has a turn
	call   context.Context // ends when the call is answered
	resume func()          // the connection's read deadline is no longer needed

	mu      sync.Mutex
	taken   int64 // bytes that the adapter has read
	code    int   // the answer to a body that could not be read, or 0
	ended   bool  // the body was read, or its call was answered
	hasTurn bool
}

var errBusy = errors.New("webhook: other calls take all the memory, or all the turns")

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
		turns:  h.turns,
		call:   r.Context(),
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
		if !b.takeTurn() {
			b.code = http.StatusServiceUnavailable
			return 0, errBusy
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

// takeTurn waits for a turn of a long body. It returns false if the call was answered before. The
// caller holds b.mu, which no other goroutine needs until the call is answered.
func (b *countedBody) takeTurn() bool {
	if b.taken < longBody || b.hasTurn {
		return true
	}
	select {
	case b.turns <- struct{}{}:
	case <-b.call.Done():
		return false
	}
	if deadline, ok := b.call.Deadline(); b.call.Err() != nil || ok && !time.Now().Before(deadline) { // it is too late
		<-b.turns
		return false
	}
	b.hasTurn = true
	return true
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

// endCall leaves the connection to the server, and the turn to another call, whether or not the
// adapter still reads or works.
func (b *countedBody) endCall() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.hasTurn {
		b.hasTurn = false
		<-b.turns
	}
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
