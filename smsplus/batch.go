package smsplus

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
)

// insertRequest is a message to insert, and the one that holds its key already.
type insertRequest struct {
	message  *Message
	existing *Message
}

// storeInsert stores a message together with those that come at the same time. It
// returns the message that holds the key, if there is one.
func (d *Dispatcher) storeInsert(m *Message) (taken *Message, err error) {
	i, err := d.inserts.Do(insertRequest{message: m})
	return i.existing, err
}

// flushInserts stores a batch. A key that is taken, or wanted twice in the batch,
// takes rounds: the store adds all or none.
func (d *Dispatcher) flushInserts(batch []*groupcommit.Entry[insertRequest], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		var keys map[string]bool
		first, later := splitConflicts(batch, func(t *groupcommit.Entry[insertRequest]) bool {
			key := t.Item.message.Key
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
			ms = append(ms, *t.Item.message)
		}
		var taken map[string]Message
		err := d.callStore(context.Background(), "Insert", func(ctx context.Context) (err error) {
			taken, err = d.cfg.Store.Insert(ctx, ms)
			return err
		})
		for _, t := range first {
			switch {
			case err != nil:
				t.Err = err
			case len(taken) > 0:
				if holder, ok := taken[t.Item.message.Key]; ok && t.Item.message.Key != "" {
					t.Item.existing = &holder
				} else {
					later = append(later, t)
				}
			}
		}
		batch = later
	}
}

// splitConflicts splits off those of a batch that cannot go into one call with the others.
func splitConflicts[T any](batch []*groupcommit.Entry[T], fits func(*groupcommit.Entry[T]) bool) (first, later []*groupcommit.Entry[T]) {
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

// updateRequest is a message to update, and what came of it.
type updateRequest struct {
	message    *Message
	completion *completion // of one that is handed over
	// lookupRefs are the names under which a receipt may have been parked because they were
	// not stored, and parked is what was there after they were.
	lookupRefs []channel.Ref
	parked     []channel.Receipt
	// stale: another update, or a claim, came first and nothing was stored.
	stale bool
}

// storeUpdate stores what became of a message together with the updates that come at
// the same time. On success m has the version that is stored.
func (d *Dispatcher) storeUpdate(m *Message) (stale bool, err error) {
	u, err := d.updates.Do(updateRequest{message: m})
	return u.stale, err
}

// flushUpdates stores a batch, and looks at what is parked for it. A message that is
// in it twice takes rounds: the second update will be stale, and its caller looks again.
func (d *Dispatcher) flushUpdates(batch []*groupcommit.Entry[updateRequest], ms []Message) {
	for len(batch) > 0 {
		ms = ms[:0]
		ids := make(map[uuid.UUID]bool, len(batch))
		first, later := splitConflicts(batch, func(t *groupcommit.Entry[updateRequest]) bool {
			if ids[t.Item.message.ID] {
				return false
			}
			ids[t.Item.message.ID] = true
			ms = append(ms, *t.Item.message)
			return true
		})
		var stale []uuid.UUID
		err := d.callStore(context.Background(), "Update", func(ctx context.Context) (err error) {
			stale, err = d.cfg.Store.Update(ctx, ms)
			return err
		})
		var look []channel.Ref
		for _, t := range first {
			u := &t.Item
			t.Err, u.stale = err, slices.Contains(stale, u.message.ID)
			if err == nil && !u.stale {
				u.message.Version++
				u.message.Claims = 0
				look = append(look, u.lookupRefs...)
			}
		}
		if len(look) > 0 {
			d.distributeParked(first, look)
		}
		batch = later
	}
}

// distributeParked gives updates that are stored what is parked under the names that they
// brought. An error was told, and what is parked is looked at again before the
// message moves on.
func (d *Dispatcher) distributeParked(batch []*groupcommit.Entry[updateRequest], look []channel.Ref) {
	rs, err := d.loadParked(context.Background(), look)
	if err != nil || len(rs) == 0 {
		return
	}
	for _, t := range batch {
		u := &t.Item
		for _, r := range rs {
			if !u.stale && slices.Contains(u.lookupRefs, r.Ref()) {
				u.parked = append(u.parked, r)
			}
		}
	}
}
