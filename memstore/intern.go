package memstore

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// internTable gives numbers to the few texts that many records share: IDs of templates,
// names of channels, country codes, routes. Numbers count from 0, and a number is never
// given back or used for another text.
//
// It has its own lock, because messages are encoded before the store's lock is taken. A
// lookup first reads a published copy without any lock: even a read lock would make
// processors pass its cache line to each other.
type internTable struct {
	published atomic.Pointer[map[string]uint32]

	mu           sync.RWMutex
	numberOfText map[string]uint32
	textOfNumber []string
}

// intern returns the number of the text, a new one if it has none.
func (n *internTable) intern(text string) uint32 {
	if i, ok := n.lookup(text); ok {
		return i
	}
	return n.add(text)
}

// internBytes is intern for a text in a buffer. It copies the text only if it is new.
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
	text = strings.Clone(text) // the text may be a substring of a long one
	i := uint32(len(n.textOfNumber))
	n.numberOfText[text] = i
	n.textOfNumber = append(n.textOfNumber, text)
	// While there are few texts, each new one is published at once. Later the copy is
	// published whenever their number has doubled, so that each text is copied a constant
	// number of times on average.
	if p := n.published.Load(); p == nil || len(n.textOfNumber) <= 64 || len(n.textOfNumber) >= 2*len(*p) {
		numbers := maps.Clone(n.numberOfText)
		n.published.Store(&numbers)
	}
	return i
}

// allTexts returns the texts by their numbers. The slice stays valid while others
// intern, because its elements never change.
func (n *internTable) allTexts() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.textOfNumber
}

// decodedTable interns encoded values, and decodes each of them once.
type decodedTable[T any] struct {
	internTable

	decoding sync.Mutex          // serializes the writers of decoded
	decoded  atomic.Pointer[[]T] // by number, perhaps without the latest ones
}

// allDecoded returns the values by their numbers. The slice stays valid as that of allTexts
// does.
func (t *decodedTable[T]) allDecoded(decode func(text string) T) []T {
	texts := t.allTexts()
	if p := t.decoded.Load(); p != nil && len(*p) >= len(texts) {
		return *p
	}
	t.decoding.Lock()
	defer t.decoding.Unlock()
	var values []T
	if p := t.decoded.Load(); p != nil {
		values = *p
	}
	for i := len(values); i < len(texts); i++ {
		values = append(values, decode(texts[i]))
	}
	t.decoded.Store(&values)
	return values
}

// routeTable interns encoded routes.
type routeTable struct{ decodedTable[decodedRoute] }

// allRoutes returns the routes by their numbers.
func (t *routeTable) allRoutes() []decodedRoute { return t.allDecoded(decodeRoute) }
