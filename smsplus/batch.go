package smsplus

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
)

// insertRequest is a message to insert. Existing is the message that holds its key, if
// there is one.
type insertRequest struct {
	message  *Message
	existing *Message
}

// storeInsert stores a message together with those of concurrent callers. It returns the
// message that holds the key, if there is one. If ctx ends first, the error says whether
// the message may be stored; the caller must not use m then.
func (d *Dispatcher) storeInsert(ctx context.Context, m *Message) (existing *Message, err error) {
	i, err := d.inserts.Do(ctx, insertRequest{message: m})
	return i.existing, callerError(err)
}

// storeUpdate stores a changed message together with those of concurrent callers. On
// success m has the stored version. If ctx ends first, the caller must not use m then.
func (d *Dispatcher) storeUpdate(ctx context.Context, m *Message) (stale bool, err error) {
	u, err := d.updates.Do(ctx, updateRequest{message: m})
	return u.stale, callerError(err)
}

// callerError adds to an error whether the call may take effect.
func callerError(err error) error {
	if err == nil || errors.Is(err, groupcommit.ErrWithdrawn) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrMaybeStored, err)
}

// insertBatch stores a batch of inserts. A store adds all messages or none, so a key that
// is taken, or wanted twice in the batch, needs further rounds.
func (d *Dispatcher) insertBatch(ctx context.Context, batch []*groupcommit.Entry[insertRequest], scratch []Message) {
	for len(batch) > 0 {
		keys := make(map[string]bool)
		first, later := splitConflicts(batch, func(e *groupcommit.Entry[insertRequest]) bool {
			key := e.Item.message.Key
			if key == "" {
				return true
			}
			wanted := keys[key]
			keys[key] = true
			return !wanted
		})
		storeParts(first, func(part []*groupcommit.Entry[insertRequest]) error {
			ms := scratch[:0]
			for _, e := range part {
				ms = append(ms, *e.Item.message)
			}
			taken, err := d.insertAll(ctx, ms)
			for _, e := range part {
				e.Err = err
				if len(taken) == 0 {
					continue
				}
				if m, ok := taken[e.Item.message.Key]; ok && e.Item.message.Key != "" {
					existing := m // only here: it escapes
					e.Item.existing = &existing
				} else {
					later = append(later, e)
				}
			}
			return err
		})
		batch = later
	}
}

// insertAll calls the store's Insert.
func (d *Dispatcher) insertAll(ctx context.Context, ms []Message) (taken map[string]Message, err error) {
	err = d.callStore(ctx, "Insert", func(ctx context.Context) (err error) {
		taken, err = d.cfg.Store.Insert(ctx, ms)
		return err
	})
	return taken, err
}

// storeParts stores a batch with one call of store. If the call fails, the batch is tried
// again in halves, so that only an item fails that the store does not take. The search for
// one such item fails less than limit times in a row. After limit failures the store is taken
// to be down: the rest of the batch is not tried, and keeps the error of its last call.
func storeParts[T any](batch []*groupcommit.Entry[T], store func([]*groupcommit.Entry[T]) error) {
	failures, limit := 0, 2*bits.Len(uint(len(batch)))+1
	parts := [][]*groupcommit.Entry[T]{batch}
	for len(parts) > 0 && failures < limit {
		part := parts[len(parts)-1]
		parts = parts[:len(parts)-1]
		err := store(part)
		switch {
		case err == nil:
			failures = 0
		case errors.Is(err, context.DeadlineExceeded):
			return
		default:
			failures++
			if half := len(part) / 2; half > 0 {
				parts = append(parts, part[half:], part[:half])
			}
		}
	}
}

// splitConflicts splits a batch into the entries that fit into one call and the others.
func splitConflicts[T any](batch []*groupcommit.Entry[T], fits func(*groupcommit.Entry[T]) bool) (first, later []*groupcommit.Entry[T]) {
	for i, e := range batch {
		switch {
		case !fits(e):
			if later == nil {
				first = append(first, batch[:i]...)
			}
			later = append(later, e)
		case later != nil:
			first = append(first, e)
		}
	}
	if later == nil {
		first = batch
	}
	return first, later
}

// updateRequest is a message to update, and the result.
type updateRequest struct {
	message    *Message
	completion *completion // of an update that no caller waits for
	// lookupRefs are the provider IDs that this update makes known. Receipts may have
	// been parked under them; parked holds those found after the update.
	lookupRefs []channel.Ref
	parked     []channel.Receipt
	// stale says that another update, or a claim, came first and nothing was stored.
	stale bool
	// outcomesDue is when the message's outcomes fell due, if the update claims the message to
	// publish them.
	outcomesDue time.Time
}

// updateBatch stores a batch of updates, and looks up the receipts that are parked for
// it. A message that is in it twice needs a second round: there its update is stale.
func (d *Dispatcher) updateBatch(ctx context.Context, batch []*groupcommit.Entry[updateRequest], scratch []Message) {
	for len(batch) > 0 {
		ids := make(map[uuid.UUID]bool, len(batch))
		first, later := splitConflicts(batch, func(e *groupcommit.Entry[updateRequest]) bool {
			wanted := ids[e.Item.message.ID]
			ids[e.Item.message.ID] = true
			return !wanted
		})
		d.preclaimOutcomes(first)
		var refs []channel.Ref
		storeParts(first, func(part []*groupcommit.Entry[updateRequest]) error {
			ms := scratch[:0]
			for _, e := range part {
				ms = append(ms, *e.Item.message)
			}
			var stale []uuid.UUID
			err := d.callStore(ctx, "Update", func(ctx context.Context) (err error) {
				stale, err = d.cfg.Store.Update(ctx, ms)
				return err
			})
			for _, e := range part {
				u := &e.Item
				e.Err, u.stale = err, slices.Contains(stale, u.message.ID)
				if err == nil && !u.stale {
					u.message.Version++
					refs = append(refs, u.lookupRefs...)
				}
			}
			return err
		})
		d.startPreclaimed(first)
		if len(refs) > 0 {
			d.distributeParked(ctx, first, refs)
		}
		batch = later
	}
}

// distributeParked gives stored updates the receipts that are parked under the provider
// IDs that they made known. An error is reported by the call; the sweep finds the
// receipts later.
func (d *Dispatcher) distributeParked(ctx context.Context, batch []*groupcommit.Entry[updateRequest], refs []channel.Ref) {
	rs, err := d.loadParked(ctx, refs)
	if err != nil || len(rs) == 0 {
		return
	}
	for _, e := range batch {
		u := &e.Item
		for _, r := range rs {
			if e.Err == nil && !u.stale && slices.Contains(u.lookupRefs, r.Ref()) {
				u.parked = append(u.parked, r)
			}
		}
	}
}
