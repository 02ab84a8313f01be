package simulated

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

const (
	// batch is how many receipts one call of the sink gets at most.
	batch = 100
	// pause is how long Listen waits before it repeats what the sink refused.
	pause = time.Second
)

// receipt is a receipt on its way, with the time it comes and its place among
// those of the same time.
type receipt struct {
	channel.Receipt
	due   time.Time
	place uint64
}

// line is the receipts on their way: a heap, the earliest due first.
type line []*receipt

func (l line) Len() int      { return len(l) }
func (l line) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l line) Less(i, j int) bool {
	return cmp.Or(l[i].due.Compare(l[j].due), cmp.Compare(l[i].place, l[j].place)) < 0
}
func (l *line) Push(x any) { *l = append(*l, x.(*receipt)) }
func (l *line) Pop() any {
	last := len(*l) - 1
	r := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return r
}

// receipts makes the receipts of events.
func (c *Channel) receipts(id uuid.UUID, events []event) []*receipt {
	rs := make([]*receipt, len(events))
	for i, ev := range events {
		rs[i] = &receipt{due: ev.told, Receipt: channel.Receipt{
			Channel:    c.config.Name,
			ProviderID: id.String(),
			Status:     ev.status,
			Reason:     ev.reason,
			Read:       ev.read,
			At:         ev.at,
		}}
	}
	return rs
}

// queue puts receipts in line and wakes who listens.
func (c *Channel) queue(rs ...*receipt) {
	if len(rs) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range rs {
		if r.place == 0 {
			c.queued++
			r.place = c.queued
		}
		heap.Push(&c.pending, r)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// tell hands a receipt to the sink that was connected last, and reports whether
// it took it.
func (c *Channel) tell(ctx context.Context, r *receipt) bool {
	c.mu.Lock()
	var s *channel.Sink
	if n := len(c.sinks); n > 0 {
		s = c.sinks[n-1]
	}
	c.mu.Unlock()
	return s != nil && (*s)(ctx, r.Receipt) == nil
}

// due takes the receipts that are due by now out of the line, one batch at most.
func (c *Channel) due(now time.Time) []*receipt {
	c.mu.Lock()
	defer c.mu.Unlock()
	var due []*receipt
	for len(due) < batch && len(c.pending) > 0 && !c.pending[0].due.After(now) {
		due = append(due, heap.Pop(&c.pending).(*receipt))
	}
	return due
}

// Next returns when the next receipt is due, which may be past. Zero means that
// none is on its way.
func (c *Channel) Next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		return time.Time{}
	}
	return c.pending[0].due
}

// Deliver hands every receipt that is due by now to the sink, in the caller's
// goroutine, and returns how many the sink took. Those that it refuses stay due
// and come again with the next Deliver.
func (c *Channel) Deliver(ctx context.Context, s channel.Sink) (int, error) {
	now := c.config.Clock.Now()
	for n := 0; ; {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		due := c.due(now)
		if len(due) == 0 {
			return n, nil
		}
		rs := make([]channel.Receipt, len(due))
		for i, r := range due {
			rs[i] = r.Receipt
		}
		if err := s(ctx, rs...); err != nil {
			c.queue(due...)
			return n, fmt.Errorf("simulated: the sink refused %d receipts: %w", len(due), err)
		}
		n += len(due)
	}
}

// Connect gives the sink the receipts that come before their answer
// ([ReceiptFirst]), from inside Send, until disconnect is called. Listen connects
// its own; while nobody is connected, they wait like the others.
func (c *Channel) Connect(s channel.Sink) (disconnect func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sinks = append(c.sinks, &s)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sinks = slices.DeleteFunc(c.sinks, func(p *channel.Sink) bool { return p == &s })
	}
}

// Listen hands receipts to the sink, each at its time, until ctx ends. What the
// sink refuses comes again.
func (c *Channel) Listen(ctx context.Context, s channel.Sink) error {
	defer c.Connect(s)()
	var (
		alarm <-chan time.Time
		set   time.Time // what alarm is set to; a mock clock keeps every alarm, so set few
	)
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()

		_, err := c.Deliver(ctx, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			select {
			case <-c.config.Clock.After(pause):
			case <-ctx.Done():
			}
			continue
		}
		if next := c.Next(); !next.Equal(set) {
			// The clock may have been moved meanwhile, so look again before waiting.
			set = next
			alarm = nil
			if !next.IsZero() {
				alarm = c.config.Clock.After(next.Sub(c.config.Clock.Now()))
			}
			continue
		}
		select {
		case <-alarm:
			set = time.Time{}
		case <-changed:
		case <-ctx.Done():
		}
	}
}
