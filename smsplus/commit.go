package smsplus

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

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

// update is a message to update, and what came of it.
type update struct {
	m *Message
	c *conclusion // of one that is handed over
	// look are the names under which a receipt may have been parked because they were
	// not stored, and parked is what was there after they were.
	look   []channel.Ref
	parked []channel.Receipt
	// stale: another update, or a claim, came first and nothing was stored.
	stale bool
}

// update stores what became of a message together with the updates that come at
// the same time. On success m has the version that is stored.
func (d *Dispatcher) update(m *Message) (stale bool, err error) {
	u, err := d.updates.put(update{m: m})
	return u.stale, err
}

// flushUpdates stores a batch, and looks at what is parked for it. A message that is
// in it twice takes rounds: the second update will be stale, and its caller looks again.
func (d *Dispatcher) flushUpdates(batch []*ticket[update], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		ids := make(map[uuid.UUID]bool, len(batch))
		first, later := rounds(batch, func(t *ticket[update]) bool {
			if ids[t.item.m.ID] {
				return false
			}
			ids[t.item.m.ID] = true
			ms = append(ms, *t.item.m)
			return true
		})
		var stale []uuid.UUID
		err := d.call(context.Background(), "Update", func(ctx context.Context) (err error) {
			stale, err = d.cfg.Store.Update(ctx, ms)
			return err
		})
		var look []channel.Ref
		for _, t := range first {
			u := &t.item
			t.err, u.stale = err, slices.Contains(stale, u.m.ID)
			if err == nil && !u.stale {
				u.m.Version++
				u.m.Claims = 0
				look = append(look, u.look...)
			}
		}
		if len(look) > 0 {
			d.shareParked(first, look)
		}
		batch = later
	}
}

// shareParked gives updates that are stored what is parked under the names that they
// brought. An error was told, and what is parked is looked at again before the
// message moves on.
func (d *Dispatcher) shareParked(batch []*ticket[update], look []channel.Ref) {
	rs, err := d.parked(context.Background(), look)
	if err != nil || len(rs) == 0 {
		return
	}
	for _, t := range batch {
		u := &t.item
		for _, r := range rs {
			if !u.stale && slices.Contains(u.look, r.Ref()) {
				u.parked = append(u.parked, r)
			}
		}
	}
}
