package smsplus

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

const (
	sweepEvery = time.Minute
	sweepPage  = 1000
)

// sweep is the place in the parked receipts up to which they were looked through. A receipt
// whose message has become known may still be parked. A dispatcher died, or the store failed,
// between the update that stored a provider ID and the look at its parked receipts.
type sweep struct {
	mu     sync.Mutex
	nextAt time.Time // of the next page
	after  string    // the store's cursor
	// unmatched counts what this pass has found so far.
	unmatched unmatched
}

// sweepParked applies one page of parked receipts if it is time for one. An error is
// reported by the call and does no harm: a later sweep meets them again.
func (d *Dispatcher) sweepParked(ctx context.Context) {
	s := &d.sweep
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	now := d.now()
	if now.Before(s.nextAt) {
		return
	}
	s.nextAt = now.Add(sweepEvery)
	var rs []channel.Receipt
	var next string
	err := d.callStore(ctx, "ListParked", func(ctx context.Context) (err error) {
		rs, next, err = d.cfg.Store.ListParked(ctx, s.after, sweepPage)
		return err
	})
	if err != nil {
		return
	}
	if s.after == "" {
		s.unmatched = make(unmatched)
	}
	s.after = next
	if len(rs) == 0 {
		d.reportUnmatched(ctx, s)
		return
	}
	unknown, err := d.applyKnown(ctx, rs)
	if err != nil {
		return
	}
	left := make(map[channel.Ref]bool, len(unknown))
	for _, r := range unknown {
		left[r.Ref()] = true
		s.unmatched.add(r, now)
	}
	d.reportUnmatched(ctx, s)
	// The page may be older than receipts that were parked before their message was known.
	d.checkParked(ctx, slices.DeleteFunc(refsOf(rs), func(ref channel.Ref) bool { return left[ref] })...)
}

// reportUnmatched reports what a pass has found, if its last page was looked through.
func (d *Dispatcher) reportUnmatched(ctx context.Context, s *sweep) {
	if s.after != "" {
		return
	}
	for _, e := range s.unmatched {
		d.reportEvent(ctx, *e)
	}
}
