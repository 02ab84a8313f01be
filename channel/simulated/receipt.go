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
	// maxBatch is the maximum number of receipts in one call of the sink.
	maxBatch = 100
	// retryPause is how long Listen waits before it repeats refused receipts.
	retryPause = time.Second
)

// pendingReceipt is a receipt that is not yet stored. Receipts that are due at the same
// time keep the order of their sequence, which is 0 until they are queued.
type pendingReceipt struct {
	channel.Receipt
	due      time.Time
	sequence uint64
}

// receiptHeap holds the pending receipts as a heap, the earliest due first.
type receiptHeap []*pendingReceipt

func (l receiptHeap) Len() int      { return len(l) }
func (l receiptHeap) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l receiptHeap) Less(i, j int) bool {
	return cmp.Or(l[i].due.Compare(l[j].due), cmp.Compare(l[i].sequence, l[j].sequence)) < 0
}
func (l *receiptHeap) Push(x any) { *l = append(*l, x.(*pendingReceipt)) }
func (l *receiptHeap) Pop() any {
	last := len(*l) - 1
	r := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return r
}

// newReceipts returns the receipts of events.
func (c *Channel) newReceipts(id uuid.UUID, events []event) []*pendingReceipt {
	rs := make([]*pendingReceipt, len(events))
	for i, ev := range events {
		rs[i] = &pendingReceipt{due: ev.reportedAt, Receipt: channel.Receipt{
			Channel:    c.config.Name,
			ProviderID: id.String(),
			Status:     ev.status,
			Reason:     ev.reason,
			Read:       ev.read,
			At:         ev.happenedAt,
		}}
	}
	return rs
}

// enqueueReceipts adds receipts to the heap and wakes Listen.
func (c *Channel) enqueueReceipts(rs ...*pendingReceipt) {
	if len(rs) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range rs {
		if r.sequence == 0 {
			c.lastSequence++
			r.sequence = c.lastSequence
		}
		heap.Push(&c.pending, r)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// deliverNow hands a receipt to the sink that was connected last, and reports whether the
// sink took it.
func (c *Channel) deliverNow(ctx context.Context, r *pendingReceipt) bool {
	c.mu.Lock()
	var s *channel.Sink
	if n := len(c.sinks); n > 0 {
		s = c.sinks[n-1]
	}
	c.mu.Unlock()
	return s != nil && (*s)(ctx, r.Receipt) == nil
}

// takeDue removes the receipts that are due by now from the heap, one batch at most.
func (c *Channel) takeDue(now time.Time) []*pendingReceipt {
	c.mu.Lock()
	defer c.mu.Unlock()
	var due []*pendingReceipt
	for len(due) < maxBatch && len(c.pending) > 0 && !c.pending[0].due.After(now) {
		due = append(due, heap.Pop(&c.pending).(*pendingReceipt))
	}
	return due
}

// Next returns when the next receipt is due, which may be in the past. Zero means that no
// receipt is pending.
func (c *Channel) Next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		return time.Time{}
	}
	return c.pending[0].due
}

// Deliver hands every receipt that is due by now to the sink, in the caller's goroutine,
// and returns how many the sink took. Refused receipts stay due and come again with the
// next Deliver.
func (c *Channel) Deliver(ctx context.Context, s channel.Sink) (int, error) {
	now := c.config.Clock.Now()
	for n := 0; ; {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		due := c.takeDue(now)
		if len(due) == 0 {
			return n, nil
		}
		rs := make([]channel.Receipt, len(due))
		for i, r := range due {
			rs[i] = r.Receipt
		}
		if err := s(ctx, rs...); err != nil {
			c.enqueueReceipts(due...)
			return n, fmt.Errorf("simulated: the sink refused %d receipts: %w", len(due), err)
		}
		n += len(due)
	}
}

// Connect gives the sink the receipts that come before their answer ([ReceiptFirst]), from
// inside Send, until disconnect is called. Listen connects its own sink. While no sink is
// connected, these receipts wait like the others.
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

// Listen hands receipts to the sink, each at its time, until ctx ends. It repeats receipts
// that the sink refuses.
func (c *Channel) Listen(ctx context.Context, s channel.Sink) error {
	defer c.Connect(s)()
	var (
		alarm <-chan time.Time
		set   time.Time // the time that alarm is set to; a mock clock keeps every alarm, so set few
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
			case <-c.config.Clock.After(retryPause):
			case <-ctx.Done():
			}
			continue
		}
		if next := c.Next(); !next.Equal(set) {
			// The clock may have moved meanwhile, so deliver again before waiting.
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
