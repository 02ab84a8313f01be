package smsplus

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Cancel stops a message: no further step is sent. A send that a provider has accepted
// cannot be called back. Its attempt stays open until a receipt, or its wait, ends it. A
// message that has not been sent ends Undeliverable with the reason canceled. Canceling
// twice is no error; canceling a message that has ended is [ErrEnded].
func (d *Dispatcher) Cancel(ctx context.Context, id uuid.UUID) error {
	return d.stopRoute(ctx, "cancel", id, func(m *Message, now time.Time) (changed bool, err error) {
		switch {
		case !m.CanceledAt.IsZero():
			return false, nil
		case m.HasEnded() || m.succeeded(): // a recall at most is left
			return false, ErrEnded
		}
		d.canceled(m, now)
		return true, nil
	})
}

// stopRoute applies a change, after which no further step is sent, to a stored message. It
// repeats it on the message of then, if another update comes first. A change that changes nothing
// ends it with its error.
func (d *Dispatcher) stopRoute(ctx context.Context, op string, id uuid.UUID, change func(m *Message, now time.Time) (changed bool, err error)) error {
	for {
		m, err := d.Message(ctx, id)
		if err != nil {
			return err
		}
		before, held, lease, now := d.copyForObserver(&m), m.Claims > 0, m.DueAt, d.now()
		if changed, err := change(&m, now); !changed {
			return err
		}
		if held {
			// Another dispatcher learns of it when it stores its outcome. This one checks
			// before it sends.
			d.canceledLeases.add(m.ID, lease, now)
		}
		stale, err := d.storeUpdate(ctx, &m)
		if err != nil {
			return fmt.Errorf("smsplus: %s: %w", op, err)
		}
		if !stale {
			d.reportChanges(ctx, before, &m)
			return nil
		}
	}
}

// canceledLeases holds messages that this process canceled or confirmed while they were leased.
// One that waits in a lane of this dispatcher is checked again before its send.
type canceledLeases struct {
	nonEmpty atomic.Bool // false: leases is empty, and a send need not lock
	mu       sync.Mutex
	leases   map[uuid.UUID]time.Time // the leases' ends; no send begins after them
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

// consume reports whether a message was canceled under its lease, and removes it.
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
