package memstore

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// names numbers the few texts that many records share: IDs of templates, names of
// channels, country codes, routes. Numbers count from 0 and are never taken back.
//
// It is apart from the store's lock because messages are encoded before that is
// taken. Readers look into a published copy first, for which they need no lock:
// even a read lock would have them pass its cache line to and fro.
type names struct {
	published atomic.Pointer[map[string]uint32]

	mu      sync.RWMutex
	numbers map[string]uint32
	texts   []string
}

// number returns the text's number, a new one if it has none.
func (n *names) number(text string) uint32 {
	if i, ok := n.find(text); ok {
		return i
	}
	return n.add(text)
}

// numberOf is number for a text in a buffer: it copies only what is new.
func (n *names) numberOf(text []byte) uint32 {
	if p := n.published.Load(); p != nil {
		if i, ok := (*p)[string(text)]; ok {
			return i
		}
	}
	return n.number(string(text))
}

func (n *names) find(text string) (uint32, bool) {
	if p := n.published.Load(); p != nil {
		if i, ok := (*p)[text]; ok {
			return i, true
		}
	}
	n.mu.RLock()
	i, ok := n.numbers[text]
	n.mu.RUnlock()
	return i, ok
}

func (n *names) add(text string) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i, ok := n.numbers[text]; ok {
		return i
	}
	if n.numbers == nil {
		n.numbers = map[string]uint32{}
	}
	text = strings.Clone(text) // the caller's may be a piece of something long
	i := uint32(len(n.texts))
	n.numbers[text] = i
	n.texts = append(n.texts, text)
	// A few names are published one by one, many only now and then: in all that
	// copies each a constant number of times.
	if p := n.published.Load(); p == nil || len(n.texts) <= 64 || len(n.texts) >= 2*len(*p) {
		numbers := maps.Clone(n.numbers)
		n.published.Store(&numbers)
	}
	return i
}

// all returns the texts in the order of their numbers. It stays right while
// others add: what is there never changes.
func (n *names) all() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.texts
}
