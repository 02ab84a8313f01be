package memstore

import (
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

// parked holds the receipts that no message is known for, by what they name and in
// order of time.
type parked struct {
	places map[channel.Ref][]handle
	slots  []channel.Receipt
	free   []handle
	order  list
}

func (p *parked) add(r channel.Receipt) {
	r.At = r.At.UTC().Truncate(time.Microsecond)
	for _, h := range p.places[r.Ref()] {
		if p.slots[h] == r {
			return
		}
	}
	var h handle
	if n := len(p.free); n > 0 {
		h, p.free = p.free[n-1], p.free[:n-1]
		p.slots[h] = r
	} else {
		h = handle(len(p.slots))
		p.slots = append(p.slots, r)
	}
	if p.places == nil {
		p.places = map[channel.Ref][]handle{}
	}
	p.places[r.Ref()] = append(p.places[r.Ref()], h)
	p.order.add(entry{micros(r.At), h}, handleOrder(h))
}

func (p *parked) of(refs []channel.Ref) []channel.Receipt {
	var hs []handle
	for _, ref := range refs {
		hs = append(hs, p.places[ref]...)
	}
	slices.Sort(hs)
	var rs []channel.Receipt
	for _, h := range slices.Compact(hs) { // a ref may stand there twice
		rs = append(rs, p.slots[h])
	}
	return rs
}

// remove drops what is parked under a ref.
func (p *parked) remove(ref channel.Ref) {
	for _, h := range p.places[ref] {
		p.order.remove(entry{micros(p.slots[h].At), h}, handleOrder(h))
		p.dropSlot(h)
	}
	delete(p.places, ref)
}

// takeOldest drops the receipt with the earliest At.
func (p *parked) takeOldest() {
	h := p.order.takeFirst().handle
	ref := p.slots[h].Ref()
	p.places[ref] = slices.DeleteFunc(p.places[ref], func(o handle) bool { return o == h })
	if len(p.places[ref]) == 0 {
		delete(p.places, ref)
	}
	p.dropSlot(h)
}

func (p *parked) dropSlot(h handle) {
	p.slots[h] = channel.Receipt{}
	p.free = append(p.free, h)
}
