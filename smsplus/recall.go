package smsplus

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// recalled are messages that were canceled under a lease. If it is their dispatcher's
// own, they wait in a lane, and are looked at once more before they are sent.
type recalled struct {
	some   atomic.Bool // whether there may be any, so that a send need not lock
	mu     sync.Mutex
	leases map[uuid.UUID]time.Time // their ends: then nobody sends under them
}

func (r *recalled) add(id uuid.UUID, lease, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.leases, func(_ uuid.UUID, lease time.Time) bool { return lease.Before(now) })
	if r.leases == nil {
		r.leases = make(map[uuid.UUID]time.Time)
	}
	r.leases[id] = lease
	r.some.Store(true)
}

// take reports whether a message was recalled, and forgets it.
func (r *recalled) take(id uuid.UUID) bool {
	if !r.some.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.leases[id]
	delete(r.leases, id)
	r.some.Store(len(r.leases) > 0)
	return ok
}
