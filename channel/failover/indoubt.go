package failover

import (
	"sync"

	"github.com/google/uuid"
)

// doubts remembers the provider of each attempt in doubt. recent holds at most capacity
// attempts. When it is full it becomes older, and the attempts in older are forgotten.
type doubts struct {
	mu            sync.Mutex
	capacity      int
	recent, older map[uuid.UUID]*provider
}

func newDoubts(capacity int) *doubts {
	return &doubts{capacity: capacity, recent: make(map[uuid.UUID]*provider)}
}

// providerOf returns the provider of an attempt in doubt, or nil.
func (d *doubts) providerOf(attempt uuid.UUID) *provider {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.recent[attempt]; p != nil {
		return p
	}
	return d.older[attempt]
}

func (d *doubts) remember(attempt uuid.UUID, p *provider) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.recent) >= d.capacity {
		d.recent, d.older = make(map[uuid.UUID]*provider), d.recent
	}
	d.recent[attempt] = p
}

func (d *doubts) forget(attempt uuid.UUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.recent, attempt)
	delete(d.older, attempt)
}
