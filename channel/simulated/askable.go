package simulated

import (
	"context"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
)

// Askable is a simulated channel whose provider can also be asked for the outcome of messages,
// as a [channel.Querier]. It shows what happens while receipts stay away:
//
//	sms := simulated.Askable{Channel: simulated.SMS(mock)}
type Askable struct{ *Channel }

// Query returns what has happened to the attempts by now, apart from what receipts have reported.
func (a Askable) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := a.config.Clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	var answers []channel.Receipt
	for _, r := range a.pending {
		if slices.Contains(refs, r.Ref()) && !r.At.After(now) {
			answers = append(answers, r.Receipt)
		}
	}
	return answers, nil
}
