package memstore

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// internTable numbers the few texts that many records share: IDs of templates, names of
// channels, country codes, routes. Numbers count from 0 and are never taken back.
//
// It is apart from the store's lock because messages are encoded before that is
// taken. Readers look into a published copy first, for which they need no lock:
// even a read lock would have them pass its cache line to and fro.
type internTable struct {
	published atomic.Pointer[map[string]uint32]

	mu           sync.RWMutex
	numberOfText map[string]uint32
	textOfNumber []string
}

// intern returns the text's number, a new one if it has none.
func (n *internTable) intern(text string) uint32 {
	if i, ok := n.lookup(text); ok {
		return i
	}
	return n.add(text)
}

// internBytes is number for a text in a buffer: it copies only what is new.
func (n *internTable) internBytes(text []byte) uint32 {
	if p := n.published.Load(); p != nil {
		if i, ok := (*p)[string(text)]; ok {
			return i
		}
	}
	return n.intern(string(text))
}

func (n *internTable) lookup(text string) (uint32, bool) {
	if p := n.published.Load(); p != nil {
		if i, ok := (*p)[text]; ok {
			return i, true
		}
	}
	n.mu.RLock()
	i, ok := n.numberOfText[text]
	n.mu.RUnlock()
	return i, ok
}

func (n *internTable) add(text string) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i, ok := n.numberOfText[text]; ok {
		return i
	}
	if n.numberOfText == nil {
		n.numberOfText = map[string]uint32{}
	}
	text = strings.Clone(text) // the caller's may be a piece of something long
	i := uint32(len(n.textOfNumber))
	n.numberOfText[text] = i
	n.textOfNumber = append(n.textOfNumber, text)
	// A few names are published one by one, many only now and then: in all that
	// copies each a constant number of times.
	if p := n.published.Load(); p == nil || len(n.textOfNumber) <= 64 || len(n.textOfNumber) >= 2*len(*p) {
		numbers := maps.Clone(n.numberOfText)
		n.published.Store(&numbers)
	}
	return i
}

// allTexts returns the texts in the order of their numbers. It stays right while
// others add: what is there never changes.
func (n *internTable) allTexts() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.textOfNumber
}
