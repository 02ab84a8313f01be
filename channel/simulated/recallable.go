package simulated

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// Recallable is a simulated channel whose provider can also take messages back, as a
// [channel.Recaller]. It shows what happens to a copy when another one is on its way:
//
//	sms := simulated.Recallable{Channel: simulated.SMS(mock)}
type Recallable struct{ *Channel }

// Recall takes the copies of an attempt back that have not reached their person, with the receipts
// of what has not happened. It is too late when one has, or when the attempt has ended.
func (r Recallable) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := r.config.Clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := uuid.Parse(ref.ProviderID)
	a := r.attempts[id]
	if err != nil || a == nil || ref.Channel != r.config.Name {
		return channel.Impossible, nil
	}
	isLater := func(at time.Time) bool { return at.After(now) }
	ends := func(p *pendingReceipt) bool { return p.Ref() == ref && p.Status.Final() && !isLater(p.At) }
	if slices.ContainsFunc(a.copies, func(c Copy) bool { return !isLater(c.At) }) || slices.ContainsFunc(r.pending, ends) {
		return channel.TooLate, nil
	}
	a.copies = nil
	r.pending = slices.DeleteFunc(r.pending, func(p *pendingReceipt) bool { return p.Ref() == ref && isLater(p.At) })
	heap.Init(&r.pending)
	return channel.Recalled, nil
}
