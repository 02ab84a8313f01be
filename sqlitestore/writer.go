package sqlitestore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// writeRequest is a change that waits to be made.
type writeRequest struct {
	change func(*writer) error
	state  atomic.Int32 // waiting, taken or left
	done   chan error   // has room for one
}

const (
	requestPending int32 = iota
	requestTaken
	requestAbandoned
)

// maxBatch is how many calls share a transaction at most.
const maxBatch = 256

// writeQueue holds the calls that wait for the writer.
type writeQueue struct {
	mu      sync.Mutex
	pending []*writeRequest
	closed  bool
	wake    chan struct{} // has room for one
}

func (q *writeQueue) enqueue(c *writeRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.pending = append(q.pending, c)
	q.signal()
	return nil
}

func (q *writeQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *writeQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// waitPending returns true when there are calls, and false when there will be none.
func (q *writeQueue) waitPending() bool {
	for {
		q.mu.Lock()
		n, closed := len(q.pending), q.closed
		q.mu.Unlock()
		if n > 0 || closed {
			return n > 0
		}
		<-q.wake
	}
}

// takeBatch returns the calls whose turn it is, without those whose callers have left.
func (q *writeQueue) takeBatch() []*writeRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.pending), maxBatch)
	var calls []*writeRequest
	for _, c := range q.pending[:n] {
		if c.state.CompareAndSwap(requestPending, requestTaken) {
			calls = append(calls, c)
		}
	}
	q.pending = append(q.pending[:0:0], q.pending[n:]...)
	return calls
}

// submitWrite has a change made and returns what it returned once that is stored, or an
// error when ctx ends. The change may then still be made, so it must use nothing that
// is the caller's.
func submitWrite[T any](ctx context.Context, s *Store, change func(*writer) (T, error)) (T, error) {
	var result, none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	c := &writeRequest{done: make(chan error, 1)}
	c.change = func(w *writer) (err error) {
		result, err = change(w)
		return err
	}
	if err := s.queue.enqueue(c); err != nil {
		return none, err
	}
	select {
	case err := <-c.done:
		return result, err
	case <-ctx.Done():
		c.state.CompareAndSwap(requestPending, requestAbandoned)
		return none, ctx.Err()
	}
}

// writer is the one connection that writes, and the transaction that it is in. It
// belongs to one goroutine.
type writer struct {
	*conn
	store       *Store
	uncommitted []uncommittedText // names that the transaction added
	countDeltas []countDelta      // what it changed of what is counted
}

// writerCtx is the context of the writer's statements: they serve many callers, and
// one whose context ends leaves by itself.
var writerCtx = context.Background()

// runTransaction makes the changes that wait, in one transaction.
func (w *writer) runTransaction() {
	w.uncommitted, w.countDeltas = w.uncommitted[:0], w.countDeltas[:0]
	err := w.beginTransaction()
	calls := w.store.queue.takeBatch() // only now: while the file was locked, more may have come
	errs := make([]error, len(calls))
	for i := 0; i < len(calls) && err == nil; i++ {
		errs[i], err = w.runInSavepoint(calls[i].change)
	}
	if err == nil {
		err = w.storeCounts()
	}
	if err == nil {
		err = w.exec(writerCtx, "COMMIT")
	}
	if err != nil {
		// There may be no transaction any more: the database ends it by itself when the
		// disk is full.
		_ = w.exec(writerCtx, "ROLLBACK")
	} else {
		for _, e := range w.uncommitted {
			e.owner.cache(e.text, e.number)
		}
	}
	for i, c := range calls {
		if errs[i] == nil {
			errs[i] = err
		}
		c.done <- errs[i]
	}
}

// beginTransaction waits for the file's lock, and then looks whether the schema is still ours.
func (w *writer) beginTransaction() error {
	if err := w.exec(writerCtx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	have, err := w.queryInt(writerCtx, selectVersion)
	if err != nil {
		return err
	}
	return checkVersion(int(have))
}

// runInSavepoint makes one change. If that fails, it leaves nothing behind, and the others go on;
// broken is an error that ends them all.
func (w *writer) runInSavepoint(change func(*writer) error) (failed, broken error) {
	if err := w.exec(writerCtx, "SAVEPOINT call"); err != nil {
		return nil, err
	}
	fresh, moves := len(w.uncommitted), len(w.countDeltas)
	failed = change(w)
	if failed != nil {
		w.uncommitted, w.countDeltas = w.uncommitted[:fresh], w.countDeltas[:moves]
		if err := w.exec(writerCtx, "ROLLBACK TO call"); err != nil {
			return nil, errors.Join(failed, err)
		}
	}
	err := w.exec(writerCtx, "RELEASE call")
	return failed, err
}

// internText returns the number of a text, which gets one if it has none.
func (w *writer) internText(d *internTable, text string) (int64, error) {
	n, ok, err := d.lookup(writerCtx, w.conn, w.uncommitted, text)
	if ok || err != nil {
		return n, err
	}
	e, err := d.insertText(writerCtx, w.conn, text)
	if err == nil {
		w.uncommitted = append(w.uncommitted, e)
	}
	return e.number, err
}
