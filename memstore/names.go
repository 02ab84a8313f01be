package memstore

import (
	"strings"
	"sync"
)

// names numbers the few texts that many records share: IDs of templates, names of
// channels, country codes, routes. Numbers count from 0 and are never taken back.
//
// It has a lock of its own because messages are encoded before the store's lock
// is taken.
type names struct {
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
	n.mu.RLock()
	i, ok := n.numbers[string(text)]
	n.mu.RUnlock()
	if ok {
		return i
	}
	return n.add(string(text))
}

func (n *names) find(text string) (uint32, bool) {
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
	return i
}

// all returns the texts in the order of their numbers. It stays right while
// others add: what is there never changes.
func (n *names) all() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.texts
}
