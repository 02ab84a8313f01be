package sqlitestore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// A change is a function that runs on the writer's connection. submitWrite queues it as a
// request, and the writer goroutine runs it: see Store.runWriter. The requests that are
// pending when a transaction begins share it, each in a savepoint of its own:
//
//	BEGIN IMMEDIATE
//	SAVEPOINT request; …; RELEASE request                        a change that succeeds
//	SAVEPOINT request; …; ROLLBACK TO request; RELEASE request   a change that fails
//	…                                                            the counts of all
//	COMMIT
//	the check that the file is still the one of its name
//
// So a slow disk makes transactions larger, not callers slower in proportion, and a
// request that fails undoes no other. A caller returns after the check.
//
// Requests that only fill the cache share no transaction with others. So a disk that becomes
// full fails no change of a message for the cache's sake.

// writeRequest is a change that a caller waits for.
type writeRequest struct {
	change func(*writer) error
	state  atomic.Int32 // requestPending, then one of the others for good
	done   chan error   // buffered, because an abandoned request has no receiver

	fillsCache bool // it changes no messages
}

const (
	requestPending   int32 = iota // in the queue
	requestTaken                  // by the writer, which runs it even if the caller leaves
	requestAbandoned              // by the caller, before the writer took it
)

// maxBatch is the maximum number of requests that share a transaction.
const maxBatch = 256

// writeQueue holds the requests for the writer in their order.
type writeQueue struct {
	mu      sync.Mutex
	pending []*writeRequest // grows only while closed is false
	closed  bool

	// wake has a value if pending or closed may have changed since the writer looked. Its
	// buffer is one, because the writer looks at both after each value.
	wake chan struct{}
}

func (q *writeQueue) enqueue(r *writeRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.pending = append(q.pending, r)
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

// enqueueIfIdle is enqueue, unless the writer is so busy that most requests or more are pending.
func (q *writeQueue) enqueueIfIdle(r *writeRequest, most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed && len(q.pending) < most {
		q.pending = append(q.pending, r)
		q.signal()
	}
}

// waitPending returns true as soon as requests are pending, and false if the queue is
// closed and empty.
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

// takeBatch removes the first requests from the queue and returns them, except abandoned
// ones. Either all of them fill the cache, or none does.
func (q *writeQueue) takeBatch() []*writeRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < min(len(q.pending), maxBatch) && q.pending[n].fillsCache == q.pending[0].fillsCache {
		n++
	}
	var batch []*writeRequest
	for _, r := range q.pending[:n] {
		if r.state.CompareAndSwap(requestPending, requestTaken) {
			batch = append(batch, r)
		}
	}
	q.pending = append(q.pending[:0:0], q.pending[n:]...)
	return batch
}

// submitWrite has the writer run change, and returns its result once it is committed. It
// returns early if ctx ends. A change that the writer has taken then still runs, so change
// must not use memory that the caller may reuse.
func submitWrite[T any](ctx context.Context, s *Store, change func(*writer) (T, error)) (T, error) {
	var result, none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	r := &writeRequest{done: make(chan error, 1)}
	r.change = func(w *writer) (err error) {
		result, err = change(w)
		return err
	}
	if err := s.queue.enqueue(r); err != nil {
		return none, err
	}
	select {
	case err := <-r.done:
		return result, err
	case <-ctx.Done():
		r.state.CompareAndSwap(requestPending, requestAbandoned)
		return none, ctx.Err()
	}
}

// writer is the only connection that writes, with the state of its transaction. It
// belongs to the writer goroutine.
type writer struct {
	*conn
	store *Store

	// Both grow within a transaction, are cut back when a savepoint is rolled back, and are
	// emptied when the next transaction begins.
	uncommitted []uncommittedText // texts that the transaction interned
	countDeltas []countDelta      // changes that storeCounts applies before COMMIT

	hasSession bool // a committed transaction began the process's session: see beginSession
}

// writerCtx is the context of the writer's statements. They serve many callers, so no
// caller's context may stop them: a caller whose context ends returns by itself.
var writerCtx = context.Background()

// runTransaction runs the pending requests in one transaction and sends each its result.
func (w *writer) runTransaction() {
	w.uncommitted, w.countDeltas = w.uncommitted[:0], w.countDeltas[:0]
	err := w.beginTransaction()
	batch := w.store.queue.takeBatch() // after the lock, because requests may have arrived while waiting for it
	changesMessages := len(batch) > 0 && !batch[0].fillsCache
	if err == nil && changesMessages {
		err = w.beginSession()
	}
	errs := make([]error, len(batch))
	for i := 0; i < len(batch) && err == nil; i++ {
		errs[i], err = w.runInSavepoint(batch[i].change)
	}
	if err == nil {
		err = w.storeCounts()
	}
	if err == nil {
		err = w.exec(writerCtx, "COMMIT")
	}
	if err == nil {
		err = w.store.watch.check()
	}
	if err != nil {
		// SQLite may have ended the transaction already, as it does when the disk is full, or
		// COMMIT did. ROLLBACK fails then.
		_ = w.exec(writerCtx, "ROLLBACK")
	} else {
		w.hasSession = w.hasSession || changesMessages
		for _, t := range w.uncommitted {
			t.owner.cache(t.text, t.number)
		}
	}
	for i, r := range batch {
		if errs[i] == nil {
			errs[i] = err
		}
		r.done <- errs[i]
	}
}

// beginTransaction waits for the file's lock. It checks the schema each time, because
// another process may have migrated the file.
func (w *writer) beginTransaction() error {
	if w.store.watch.replaced.Load() {
		return ErrReplaced
	}
	if err := w.exec(writerCtx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	have, err := w.queryInt(writerCtx, selectVersion)
	if err != nil {
		return err
	}
	return checkVersion(int(have))
}

// runInSavepoint runs one change. A change that failed is rolled back, and the
// transaction continues. The error broken ends the transaction.
func (w *writer) runInSavepoint(change func(*writer) error) (failed, broken error) {
	if err := w.exec(writerCtx, "SAVEPOINT request"); err != nil {
		return nil, err
	}
	uncommitted, countDeltas := len(w.uncommitted), len(w.countDeltas)
	failed = change(w)
	if failed != nil {
		w.uncommitted, w.countDeltas = w.uncommitted[:uncommitted], w.countDeltas[:countDeltas]
		if err := w.exec(writerCtx, "ROLLBACK TO request"); err != nil {
			return nil, errors.Join(failed, err)
		}
	}
	err := w.exec(writerCtx, "RELEASE request")
	return failed, err
}

// internText returns the number of a text, and inserts the text if it is new.
func (w *writer) internText(table *internTable, text string) (int64, error) {
	n, ok, err := table.lookup(writerCtx, w.conn, w.uncommitted, text)
	if ok || err != nil {
		return n, err
	}
	t, err := table.insertText(writerCtx, w.conn, text)
	if err == nil {
		w.uncommitted = append(w.uncommitted, t)
	}
	return t.number, err
}
