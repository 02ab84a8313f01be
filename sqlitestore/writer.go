package sqlitestore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// call is a change that waits to be made.
type call struct {
	change func(*writer) error
	state  atomic.Int32 // waiting, taken or left
	done   chan error   // has room for one
}

const (
	waiting int32 = iota
	taken
	left
)

// maxCalls is how many calls share a transaction at most.
const maxCalls = 256

// queue holds the calls that wait for the writer.
type queue struct {
	mu     sync.Mutex
	calls  []*call
	closed bool
	wake   chan struct{} // has room for one
}

func (q *queue) put(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.calls = append(q.calls, c)
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// wait returns true when there are calls, and false when there will be none.
func (q *queue) wait() bool {
	for {
		q.mu.Lock()
		n, closed := len(q.calls), q.closed
		q.mu.Unlock()
		if n > 0 || closed {
			return n > 0
		}
		<-q.wake
	}
}

// take returns the calls whose turn it is, without those whose callers have left.
func (q *queue) take() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.calls), maxCalls)
	var calls []*call
	for _, c := range q.calls[:n] {
		if c.state.CompareAndSwap(waiting, taken) {
			calls = append(calls, c)
		}
	}
	q.calls = append(q.calls[:0:0], q.calls[n:]...)
	return calls
}

// write has a change made and returns what it returned once that is stored, or an
// error when ctx ends. The change may then still be made, so it must use nothing that
// is the caller's.
func write[T any](ctx context.Context, s *Store, change func(*writer) (T, error)) (T, error) {
	var result, none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	c := &call{done: make(chan error, 1)}
	c.change = func(w *writer) (err error) {
		result, err = change(w)
		return err
	}
	if err := s.queue.put(c); err != nil {
		return none, err
	}
	select {
	case err := <-c.done:
		return result, err
	case <-ctx.Done():
		c.state.CompareAndSwap(waiting, left)
		return none, ctx.Err()
	}
}

// writer is the one connection that writes, and the transaction that it is in. It
// belongs to one goroutine.
type writer struct {
	*conn
	store *Store
	fresh []entry // names that the transaction added
	moves []move  // what it changed of what is counted
}

// unstoppable is the context of the writer's statements: they serve many callers, and
// one whose context ends leaves by itself.
var unstoppable = context.Background()

// transact makes the changes that wait, in one transaction.
func (w *writer) transact() {
	w.fresh, w.moves = w.fresh[:0], w.moves[:0]
	err := w.begin()
	calls := w.store.queue.take() // only now: while the file was locked, more may have come
	errs := make([]error, len(calls))
	for i := 0; i < len(calls) && err == nil; i++ {
		errs[i], err = w.try(calls[i].change)
	}
	if err == nil {
		err = w.count()
	}
	if err == nil {
		err = w.exec(unstoppable, "COMMIT")
	}
	if err != nil {
		// There may be no transaction any more: the database ends it by itself when the
		// disk is full.
		_ = w.exec(unstoppable, "ROLLBACK")
	} else {
		for _, e := range w.fresh {
			e.in.learn(e.text, e.number)
		}
	}
	for i, c := range calls {
		if errs[i] == nil {
			errs[i] = err
		}
		c.done <- errs[i]
	}
}

// begin waits for the file's lock, and then looks whether the schema is still ours.
func (w *writer) begin() error {
	if err := w.exec(unstoppable, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	have, err := w.number(unstoppable, selectVersion)
	if err != nil {
		return err
	}
	return fits(int(have))
}

// try makes one change. If that fails, it leaves nothing behind, and the others go on;
// broken is an error that ends them all.
func (w *writer) try(change func(*writer) error) (failed, broken error) {
	if err := w.exec(unstoppable, "SAVEPOINT call"); err != nil {
		return nil, err
	}
	fresh, moves := len(w.fresh), len(w.moves)
	failed = change(w)
	if failed != nil {
		w.fresh, w.moves = w.fresh[:fresh], w.moves[:moves]
		if err := w.exec(unstoppable, "ROLLBACK TO call"); err != nil {
			return nil, errors.Join(failed, err)
		}
	}
	err := w.exec(unstoppable, "RELEASE call")
	return failed, err
}

// numberOf returns the number of a text, which gets one if it has none.
func (w *writer) numberOf(d *dictionary, text string) (int64, error) {
	n, ok, err := d.find(unstoppable, w.conn, w.fresh, text)
	if ok || err != nil {
		return n, err
	}
	e, err := d.add(unstoppable, w.conn, text)
	if err == nil {
		w.fresh = append(w.fresh, e)
	}
	return e.number, err
}
