package smsplus

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// batcher is a group commit without a timer. The first caller that finds nobody
// flushing flushes; those that come meanwhile wait, and one of them then flushes
// for all. An idle store is called at once, a busy one gets batches as large as
// its calls are slow, and nobody returns before what it brought is stored.
type batcher[T any] struct {
	max   int
	flush func(batch []*ticket[T], room []Message) // room is empty and has max places

	mu      sync.Mutex
	busy    bool
	waiting []*ticket[T]
	batch   []*ticket[T] // the leader's, and its room, kept for their memory
	room    []Message
}

// ticket is one caller's place in a batch.
type ticket[T any] struct {
	item T
	err  error
	turn chan turn // has room for one
}

// turn is what a waiting caller is told.
type turn bool

const (
	lead   turn = false // flush for those waiting, yourself included
	stored turn = true
)

func newTicket[T any]() *ticket[T] { return &ticket[T]{turn: make(chan turn, 1)} }

// do returns when t was in a batch that was flushed.
func (b *batcher[T]) do(t *ticket[T]) {
	b.mu.Lock()
	b.waiting = append(b.waiting, t)
	if b.busy {
		b.mu.Unlock()
		if <-t.turn == stored {
			return
		}
		b.mu.Lock()
	}
	b.busy = true
	n := min(len(b.waiting), b.max)
	b.batch = append(b.batch[:0], b.waiting[:n]...)
	b.waiting = slices.Delete(b.waiting, 0, n)
	b.mu.Unlock()

	b.flush(b.batch, b.room[:0])
	clear(b.room[:n])

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.batch {
		if o != t {
			o.turn <- stored
		}
	}
	if len(b.waiting) > 0 {
		b.waiting[0].turn <- lead
	} else {
		b.busy = false
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
	t, _ := d.tickets.inserts.Get().(*ticket[insertion])
	if t == nil {
		t = newTicket[insertion]()
	}
	t.item = insertion{m: m}
	d.inserts.do(t)
	taken, err = t.item.taken, t.err
	t.item, t.err = insertion{}, nil
	d.tickets.inserts.Put(t)
	return taken, err
}

// flushInserts stores a batch. A key that is taken, or wanted twice in the batch,
// takes rounds: the store adds all or none.
func (d *Dispatcher) flushInserts(batch []*ticket[insertion], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		var now, later []*ticket[insertion] // of a batch with keys
		var keys map[string]bool
		for _, t := range batch {
			if key := t.item.m.Key; key != "" {
				if keys[key] {
					later = append(later, t)
					continue
				}
				if keys == nil {
					keys = make(map[string]bool)
				}
				keys[key] = true
			}
			now = append(now, t)
			ms = append(ms, *t.item.m)
		}
		var taken map[string]Message
		err := d.call(context.Background(), "Insert", func(ctx context.Context) (err error) {
			taken, err = d.cfg.Store.Insert(ctx, ms)
			return err
		})
		for _, t := range now {
			if err != nil {
				t.err = err
			} else if holder, ok := taken[t.item.m.Key]; ok && t.item.m.Key != "" {
				t.item.taken = &holder
			} else if len(taken) > 0 {
				later = append(later, t)
			}
		}
		batch = later
	}
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
	t, _ := d.tickets.updates.Get().(*ticket[update])
	if t == nil {
		t = newTicket[update]()
	}
	t.item = update{m: m}
	d.updates.do(t)
	stale, err = t.item.stale, t.err
	t.item, t.err = update{}, nil
	d.tickets.updates.Put(t)
	if err == nil && !stale {
		m.Version++
		m.Claims = 0
	}
	return stale, err
}

// flushUpdates stores a batch. A message that is in it twice takes rounds: the
// second update will be stale, and its caller looks again.
func (d *Dispatcher) flushUpdates(batch []*ticket[update], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		var now, later []*ticket[update]
		for _, t := range batch {
			if holds(ms, t.item.m.ID) {
				later = append(later, t)
				continue
			}
			now = append(now, t)
			ms = append(ms, *t.item.m)
		}
		var stale []uuid.UUID
		err := d.call(context.Background(), "Update", func(ctx context.Context) (err error) {
			stale, err = d.cfg.Store.Update(ctx, ms)
			return err
		})
		for _, t := range now {
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
