package memstore

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
)

// parkedReceipts holds the receipts of unknown messages, by their refs and in order of
// time.
type parkedReceipts struct {
	slab         slab[channel.Receipt]
	handlesByRef map[channel.Ref][]handle
	byTime       list
}

func (p *parkedReceipts) add(r channel.Receipt) {
	r.At = r.At.UTC().Truncate(time.Microsecond)
	for _, h := range p.handlesByRef[r.Ref()] {
		if *p.slab.get(h) == r {
			return
		}
	}
	h := p.slab.add(r)
	if p.handlesByRef == nil {
		p.handlesByRef = map[channel.Ref][]handle{}
	}
	p.handlesByRef[r.Ref()] = append(p.handlesByRef[r.Ref()], h)
	p.byTime.add(entry{microtime.Of(r.At), h}, handleOrder(h))
}

func (p *parkedReceipts) receipts(refs []channel.Ref) []channel.Receipt {
	var hs []handle
	for _, ref := range refs {
		hs = append(hs, p.handlesByRef[ref]...)
	}
	slices.Sort(hs)
	var rs []channel.Receipt
	for _, h := range slices.Compact(hs) { // refs may hold a ref twice
		rs = append(rs, *p.slab.get(h))
	}
	return rs
}

// page returns up to limit receipts from the given position on, and the cursor of the
// next page, or "".
func (p *parkedReceipts) page(from entry, limit int) (rs []channel.Receipt, next string) {
	for e := range p.byTime.ascendFrom(from.at, handleOrder(from.handle)) {
		if len(rs) == limit {
			return rs, parkedCursor(e)
		}
		rs = append(rs, *p.slab.get(e.handle))
	}
	return rs, ""
}

// parkedCursor returns the cursor of a page that starts at e.
func parkedCursor(e entry) string { return fmt.Sprintf("%d.%d", e.at, e.handle) }

func parseParkedCursor(cursor string) (from entry, err error) {
	if cursor == "" {
		return entry{at: math.MinInt64}, nil
	}
	if n, err := fmt.Sscanf(cursor, "%d.%d", &from.at, &from.handle); n != 2 {
		return entry{}, fmt.Errorf("memstore: bad cursor of parked receipts: %w", err)
	}
	return from, nil
}

// remove removes the receipts of a ref.
func (p *parkedReceipts) remove(ref channel.Ref) {
	for _, h := range p.handlesByRef[ref] {
		p.byTime.remove(entry{microtime.Of(p.slab.get(h).At), h}, handleOrder(h))
		p.slab.free(h)
	}
	delete(p.handlesByRef, ref)
}

// removeOldest removes the receipt with the earliest At.
func (p *parkedReceipts) removeOldest() {
	h := p.byTime.takeFirst().handle
	ref := p.slab.get(h).Ref()
	p.handlesByRef[ref] = slices.DeleteFunc(p.handlesByRef[ref], func(o handle) bool { return o == h })
	if len(p.handlesByRef[ref]) == 0 {
		delete(p.handlesByRef, ref)
	}
	p.slab.free(h)
}
