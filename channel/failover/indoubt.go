package failover

import (
	"slices"
	"sync"

	"github.com/google/uuid"
)

// doubts remembers the providers of each attempt in doubt, the latest one last. recent holds
// at most capacity attempts. When it is full it becomes older, and the attempts in older are
// forgotten.
type doubts struct {
	mu            sync.Mutex
	capacity      int
	recent, older map[uuid.UUID][]*provider
}

func newDoubts(capacity int) *doubts {
	return &doubts{capacity: capacity, recent: make(map[uuid.UUID][]*provider)}
}

// providerOf returns the latest provider of an attempt in doubt, or nil.
func (d *doubts) providerOf(attempt uuid.UUID) *provider {
	d.mu.Lock()
	defer d.mu.Unlock()
	ps := d.providers(attempt)
	if len(ps) == 0 {
		return nil
	}
	return ps[len(ps)-1]
}

// mayHave reports whether a provider may have taken an attempt. It is false only if others
// are known to be in doubt.
func (d *doubts) mayHave(attempt uuid.UUID, p *provider) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ps := d.providers(attempt)
	return len(ps) == 0 || slices.Contains(ps, p)
}

// providers returns the providers of an attempt. It is called with d.mu held.
func (d *doubts) providers(attempt uuid.UUID) []*provider {
	if ps := d.recent[attempt]; ps != nil {
		return ps
	}
	return d.older[attempt]
}

func (d *doubts) remember(attempt uuid.UUID, p *provider) {
	d.mu.Lock()
	defer d.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(d.providers(attempt)), func(q *provider) bool { return q == p })
	if len(d.recent) >= d.capacity {
		d.recent, d.older = make(map[uuid.UUID][]*provider), d.recent
	}
	d.recent[attempt] = append(others, p)
}

func (d *doubts) forget(attempt uuid.UUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.recent, attempt)
	delete(d.older, attempt)
}
