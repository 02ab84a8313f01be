package smsplus

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/status"
)

// Cancel sees to it that nothing further is started for a message. What a provider
// has already accepted cannot be called back: its attempt stays open until its
// receipt, or its wait, ends it. A message that has not been sent ends Undeliverable
// with the reason canceled. Canceling twice is no error; canceling a message that
// has ended is [ErrEnded].
func (d *Dispatcher) Cancel(ctx context.Context, id uuid.UUID) error {
	for {
		m, err := d.Message(ctx, id)
		if err != nil {
			return err
		}
		if !m.CanceledAt.IsZero() {
			return nil
		}
		if m.DueAt.IsZero() {
			return ErrEnded
		}
		before := d.copyForObserver(&m)
		now := d.now()
		switch a := m.current(); {
		case m.Claims > 0:
			// Whoever holds the lease finds out when it stores its outcome; if it is this
			// dispatcher, before it sends.
			d.canceledLeases.add(m.ID, m.DueAt, now)
			d.applyUnderLease(&m, now, func() { m.CanceledAt = now })
		case a == nil:
			m.CanceledAt = now
			m.closeUnsent(0, status.Canceled, now)
		default:
			m.CanceledAt = now
			if a.Status == status.Preparing && a.Reason != status.InDoubt {
				a.merge(evidence{status: status.Undeliverable, reason: status.Canceled, at: now})
			}
			d.derive(&m, now)
		}
		stale, err := d.storeUpdate(&m)
		if err != nil {
			return fmt.Errorf("smsplus: cancel: %w", err)
		}
		if !stale {
			d.reportChanges(ctx, before, &m)
			return nil
		}
	}
}

// canceledLeases are messages that were canceled under a lease. If it is their dispatcher's
// own, they wait in a lane, and are looked at once more before they are sent.
type canceledLeases struct {
	nonEmpty atomic.Bool // whether there may be any, so that a send need not lock
	mu       sync.Mutex
	leases   map[uuid.UUID]time.Time // their ends: then nobody sends under them
}

func (r *canceledLeases) add(id uuid.UUID, lease, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.leases, func(_ uuid.UUID, lease time.Time) bool { return lease.Before(now) })
	if r.leases == nil {
		r.leases = make(map[uuid.UUID]time.Time)
	}
	r.leases[id] = lease
	r.nonEmpty.Store(true)
}

// consume reports whether a message was recalled, and forgets it.
func (r *canceledLeases) consume(id uuid.UUID) bool {
	if !r.nonEmpty.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.leases[id]
	delete(r.leases, id)
	r.nonEmpty.Store(len(r.leases) > 0)
	return ok
}
