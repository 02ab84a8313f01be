package smpp

import (
	"sync"

	"github.com/smsplus/smsplus-go/status"
)

// PartReceipts says which parts of a long text ask for a receipt, and which receipts count.
type PartReceipts uint8

const (
	// LastPart asks for the last part's receipt. The ID of the last part is the message's.
	// Receipts for other parts, which some SMSCs send all the same, count as the message's.
	// After a part was refused, no other part's receipt delivers the message.
	LastPart PartReceipts = iota
	// FirstPart is LastPart with the first part. It is for SMSCs that report on the first
	// part alone, or give all receipts its ID.
	FirstPart
	// EachPart asks for each part's receipt. The message is delivered when all parts are,
	// and refused when one is. Use it only if one process has all binds of the account,
	// because only the process that sent the message knows the parts.
	EachPart
)

// wantsReceipt reports whether the part with that index, of so many, asks for a receipt.
func (p PartReceipts) wantsReceipt(i, parts int) bool {
	switch p {
	case FirstPart:
		return i == 0
	case EachPart:
		return true
	default:
		return i == parts-1
	}
}

// wholeID returns the ID of a message whose parts have those IDs.
func (p PartReceipts) wholeID(ids []string) string {
	if p == FirstPart {
		return ids[0]
	}
	return ids[len(ids)-1]
}

// partGroup is a message of several parts. A message of one part has none.
type partGroup struct {
	mu      sync.Mutex
	id      string          // the message's ID, "" until all parts were taken
	sending bool            // a Send is taking the parts to the SMSC
	parts   int             // how many parts there are
	ids     []string        // the parts' IDs, nil until all were taken
	arrived map[string]bool // the parts that were delivered
	refused string          // the part that was refused, or ""
}

// addPart records that the SMSC took the call's next part under that ID.
func (c *Channel) addPart(k *call, id string) {
	id = c.normalizeSubmitted(id)
	k.ids = append(k.ids, id)
	if len(k.parts) == 1 {
		return
	}
	if k.group == nil {
		k.group = &partGroup{sending: true, parts: len(k.parts), arrived: make(map[string]bool)}
	}
	if len(k.ids) == len(k.parts) {
		c.completeGroup(k.group, k.ids)
	} else {
		c.partGroups.put(id, k.group)
	}
}

// completeGroup records that the SMSC took all parts, under those IDs. It returns the
// message's ID.
func (c *Channel) completeGroup(g *partGroup, ids []string) string {
	message := c.config.PartReceipts.wholeID(ids)
	if g == nil {
		return message
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id, g.ids = message, ids
	c.partGroups.put(ids[len(ids)-1], g)
	return message
}

func (g *partGroup) beginSend() { g.setSending(true) }
func (g *partGroup) endSend()   { g.setSending(false) }

func (g *partGroup) setSending(sending bool) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sending = sending
}

// partReceipt takes a receipt for a message ID. It returns the ID of the message that the
// receipt is about, and whether the receipt counts for it. ok is false while a Send is still
// sending the parts, and the message has no ID yet.
func (c *Channel) partReceipt(id string, s status.Status) (message string, counts, ok bool) {
	g, found := c.partGroups.get(id)
	if !found {
		return id, true, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.id == "" && g.sending {
		return id, true, false
	}
	switch s {
	case status.Undeliverable, status.Failed:
		g.refused = id
	case status.Delivered:
		g.arrived[id] = true
		if g.refused == id {
			g.refused = "" // a late delivery
		}
	default: // it is on its way
	}
	if g.id == "" { // the next Send takes the other parts
		return id, true, true
	}
	all := c.config.PartReceipts != EachPart || len(g.arrived) == g.parts
	return g.id, s != status.Delivered || g.refused == "" && all, true
}

// memory is a map that holds at least the capacity latest entries. When recent is full it
// becomes older, and the entries in older are forgotten.
type memory[K comparable, V any] struct {
	mu            sync.Mutex
	capacity      int
	recent, older map[K]V
}

func newMemory[K comparable, V any](capacity int) *memory[K, V] {
	return &memory[K, V]{capacity: capacity, recent: make(map[K]V)}
}

func (m *memory[K, V]) get(k K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.recent[k]
	if !ok {
		v, ok = m.older[k]
	}
	return v, ok
}

func (m *memory[K, V]) put(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.recent) >= m.capacity {
		m.recent, m.older = make(map[K]V), m.recent
	}
	m.recent[k] = v
}

// take removes and returns an entry.
func (m *memory[K, V]) take(k K) (V, bool) {
	v, ok := m.get(k)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.recent, k)
	delete(m.older, k)
	return v, ok
}
