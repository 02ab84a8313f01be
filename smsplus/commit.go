package smsplus

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// batcher is a group commit without a timer. A caller that finds a flusher free
// flushes at once; those that come while all are busy wait, and the first of them
// then flushes for all. An idle store is called at once, a busy one gets batches as
// large as its calls are slow, and nobody returns before what it brought is stored.
type batcher[T any] struct {
	max   int
	flush func(batch []*ticket[T], room []Message) // room is empty and has max places

	tickets sync.Pool // of *ticket[T], not in use

	mu      sync.Mutex
	free    []*flusher[T]
	waiting []*ticket[T]
}

// flushers is how many batches are on their way to the store at once: one forms its
// round trip while the other is being stored. More would only make them smaller.
const flushers = 2

// flusher is the right to flush, and the memory for it.
type flusher[T any] struct {
	batch []*ticket[T]
	room  []Message
}

// ticket is one caller's place in a batch.
type ticket[T any] struct {
	item T
	err  error

	state atomic.Int32 // waiting, told or parked
	turn  *flusher[T]  // what it was told: see wait
	wake  chan struct{}
}

const (
	waiting int32 = iota
	told
	parked
)

// yields is how often a waiting caller lets others run before it parks. A store in
// memory has answered by then, which saves waking it up (a fifth of a message's
// whole life, where that was measured); one on a disk has not, and the yields are
// a few microseconds beside its milliseconds.
const yields = 32

// wait returns a flusher if the caller is to flush its batch, of which it is the
// first; and nil once its item is stored.
func (t *ticket[T]) wait() *flusher[T] {
	for range yields {
		if t.state.Load() == told {
			break
		}
		runtime.Gosched()
	}
	if t.state.CompareAndSwap(waiting, parked) {
		<-t.wake
	}
	t.state.Store(waiting)
	return t.turn
}

func (t *ticket[T]) tell(f *flusher[T]) {
	t.turn = f
	if !t.state.CompareAndSwap(waiting, told) {
		t.wake <- struct{}{}
	}
}

func newTicket[T any]() *ticket[T] { return &ticket[T]{wake: make(chan struct{}, 1)} }

func newBatcher[T any](most int, flush func([]*ticket[T], []Message)) *batcher[T] {
	b := &batcher[T]{max: most, flush: flush}
	for range flushers {
		b.free = append(b.free, &flusher[T]{room: make([]Message, most)})
	}
	return b
}

// put stores an item and returns it as the flush left it.
func (b *batcher[T]) put(item T) (T, error) {
	t, _ := b.tickets.Get().(*ticket[T])
	if t == nil {
		t = newTicket[T]()
	}
	t.item = item
	b.do(t)
	item, err := t.item, t.err
	var none T
	t.item, t.err = none, nil
	b.tickets.Put(t)
	return item, err
}

// do returns when t was in a batch that was flushed.
func (b *batcher[T]) do(t *ticket[T]) {
	var f *flusher[T]
	b.mu.Lock()
	if n := len(b.free); n > 0 { // then nobody waits
		f, b.free = b.free[n-1], b.free[:n-1]
		f.batch = append(f.batch, t)
		b.mu.Unlock()
	} else {
		b.waiting = append(b.waiting, t)
		b.mu.Unlock()
		if f = t.wait(); f == nil {
			return
		}
	}

	b.flush(f.batch, f.room[:0])
	clear(f.room[:len(f.batch)])
	for _, o := range f.batch {
		if o != t {
			o.tell(nil)
		}
	}
	f.batch = f.batch[:0]

	b.mu.Lock()
	defer b.mu.Unlock()
	if n := min(len(b.waiting), b.max); n > 0 {
		f.batch = append(f.batch, b.waiting[:n]...)
		b.waiting = slices.Delete(b.waiting, 0, n)
		f.batch[0].tell(f)
	} else {
		b.free = append(b.free, f)
	}
}

// insertion is a message to insert, and the one that holds its key already.
type insertion struct {
	m     *Message
	taken *Message
}

// insert stores a message together with those that come at the same time. It
// returns the message that holds the key, if there is one.
func (d *Dispatcher) insert(m *Message) (taken *Message, err error) {
	i, err := d.inserts.put(insertion{m: m})
	return i.taken, err
}

// flushInserts stores a batch. A key that is taken, or wanted twice in the batch,
// takes rounds: the store adds all or none.
func (d *Dispatcher) flushInserts(batch []*ticket[insertion], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		var keys map[string]bool
		first, later := rounds(batch, func(t *ticket[insertion]) bool {
			key := t.item.m.Key
			if key == "" {
				return true
			}
			if keys == nil {
				keys = make(map[string]bool)
			}
			wanted := keys[key]
			keys[key] = true
			return !wanted
		})
		for _, t := range first {
			ms = append(ms, *t.item.m)
		}
		var taken map[string]Message
		err := d.call(context.Background(), "Insert", func(ctx context.Context) (err error) {
			taken, err = d.cfg.Store.Insert(ctx, ms)
			return err
		})
		for _, t := range first {
			switch {
			case err != nil:
				t.err = err
			case len(taken) > 0:
				if holder, ok := taken[t.item.m.Key]; ok && t.item.m.Key != "" {
					t.item.taken = &holder
				} else {
					later = append(later, t)
				}
			}
		}
		batch = later
	}
}

// rounds splits off those of a batch that cannot go into one call with the others.
func rounds[T any](batch []*ticket[T], fits func(*ticket[T]) bool) (first, later []*ticket[T]) {
	for i, t := range batch {
		switch {
		case !fits(t):
			if later == nil {
				first = append(first, batch[:i]...)
			}
			later = append(later, t)
		case later != nil:
			first = append(first, t)
		}
	}
	if later == nil {
		first = batch
	}
	return first, later
}

// update is a message to update, and whether another update came first.
type update struct {
	m     *Message
	stale bool
}

// update stores what became of a message together with the updates that come at
// the same time. On success m has the version that is stored; stale means that
// another update, or a claim, came first and nothing was stored.
func (d *Dispatcher) update(m *Message) (stale bool, err error) {
	u, err := d.updates.put(update{m: m})
	if err == nil && !u.stale {
		m.Version++
		m.Claims = 0
	}
	return u.stale, err
}

// flushUpdates stores a batch. A message that is in it twice takes rounds: the
// second update will be stale, and its caller looks again.
func (d *Dispatcher) flushUpdates(batch []*ticket[update], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		first, later := rounds(batch, func(t *ticket[update]) bool {
			if holds(ms, t.item.m.ID) {
				return false
			}
			ms = append(ms, *t.item.m)
			return true
		})
		var stale []uuid.UUID
		err := d.call(context.Background(), "Update", func(ctx context.Context) (err error) {
			stale, err = d.cfg.Store.Update(ctx, ms)
			return err
		})
		for _, t := range first {
			t.err, t.item.stale = err, slices.Contains(stale, t.item.m.ID)
		}
		batch = later
	}
}

func holds(ms []Message, id uuid.UUID) bool {
	for i := range ms {
		if ms[i].ID == id {
			return true
		}
	}
	return false
}
