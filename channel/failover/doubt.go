package failover

import (
	"sync"

	"github.com/google/uuid"
)

// doubts remembers which provider each attempt in doubt was handed to. The young are as
// many as there is room for; then they are the old, and the old are forgotten.
type doubts struct {
	mu         sync.Mutex
	room       int
	young, old map[uuid.UUID]*provider
}

func newDoubts(room int) *doubts {
	return &doubts{room: room, young: make(map[uuid.UUID]*provider)}
}

// of returns the provider that an attempt is in doubt with, or nil.
func (d *doubts) of(attempt uuid.UUID) *provider {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.young[attempt]; p != nil {
		return p
	}
	return d.old[attempt]
}

func (d *doubts) remember(attempt uuid.UUID, p *provider) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.young) >= d.room {
		d.young, d.old = make(map[uuid.UUID]*provider), d.young
	}
	d.young[attempt] = p
}

func (d *doubts) forget(attempt uuid.UUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.young, attempt)
	delete(d.old, attempt)
}
