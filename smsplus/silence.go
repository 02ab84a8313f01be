package smsplus

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

const (
	// silenceEvery is how often a dispatcher checks whether channels have fallen silent.
	silenceEvery = time.Minute
	// silencePage is how many messages a check reads at once.
	silencePage = 2000
	// minUnanswered is the minimum number of attempts in a row without a receipt in a silence.
	// minAnswered is the minimum number of attempts with a receipt before them.
	minUnanswered, minAnswered = 20, 20
	// minUsual is the minimum of ChannelReceipts.Usual.
	minUsual = time.Minute
)

// silenceLookBacks are the distances of further pages from the oldest message of the first page. A
// check reads them in turn until it finds what is normal on a channel.
var silenceLookBacks = []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// ChannelReceipts says how the receipts of a channel come, as [CheckReceipts] finds it in the
// store.
type ChannelReceipts struct {
	Channel channel.Name
	// LastAt is when the latest result happened that a receipt reported, or zero. Receipts of the
	// latest 2000 messages count.
	LastAt time.Time
	// Usual is how long a receipt may take here: twice the 95th percentile, and a minute at
	// least. Zero means that fewer than 20 receipts are known.
	Usual time.Duration
	// Unanswered counts the latest attempts in a row without a receipt that were accepted longer
	// ago than Usual, or than a minute if Usual is zero.
	Unanswered int
	// Silent says that the receipts have stopped: at least 20 attempts in a row are unanswered.
	// Of the attempts before them, at least half, and at least 20, have a receipt.
	Silent bool
}

// CheckReceipts returns how the receipts of each channel come, in order of the channels. It
// reads the latest 2000 messages of the store. If a channel has too few receipts among them, it
// reads as many from an hour before, then from four hours, a day and a week before. It stops
// when it knows what is normal there. So its cost does not grow with the store.
//
// A channel with too few messages, or one that sends no receipts, is never silent. Answers of a
// provider that was asked count as receipts. So Silent says nothing of a channel whose provider
// is polled (Traits.PollEvery), and a Dispatcher reports none.
func CheckReceipts(ctx context.Context, s Store, now time.Time) ([]ChannelReceipts, error) {
	page, err := s.Records(ctx, Filter{Limit: silencePage})
	if err != nil {
		return nil, err
	}
	byChannel := acceptancesOf(page.Messages)
	out := make([]ChannelReceipts, 0, len(byChannel))
	for _, name := range slices.Sorted(maps.Keys(byChannel)) {
		out = append(out, receiptsOf(name, byChannel[name], nil, now))
	}
	if len(page.Messages) == 0 {
		return out, nil
	}
	oldest := page.Messages[len(page.Messages)-1].TriggeredAt
	for _, back := range silenceLookBacks {
		if page.Next == "" || !slices.ContainsFunc(out, ChannelReceipts.lacksNormal) {
			return out, nil
		}
		earlier, err := s.Records(ctx, Filter{To: oldest.Add(-back), Limit: silencePage})
		if err != nil {
			return nil, err
		}
		before := acceptancesOf(earlier.Messages)
		for i := range out {
			if out[i].lacksNormal() {
				out[i] = receiptsOf(out[i].Channel, byChannel[out[i].Channel], before[out[i].Channel], now)
			}
		}
		if len(earlier.Messages) == 0 {
			break
		}
	}
	return out, nil
}

// lacksNormal reports whether a channel may be silent, and too few receipts tell what is normal.
func (c ChannelReceipts) lacksNormal() bool {
	return c.Usual == 0 && c.Unanswered >= minUnanswered
}

// acceptance is an attempt that a provider accepted, and its receipt.
type acceptance struct {
	acceptedAt time.Time
	receiptAt  time.Time // zero: there is none
}

// acceptancesOf returns the accepted attempts of messages by channel, the latest first.
func acceptancesOf(ms []Message) map[channel.Name][]acceptance {
	all := make(map[channel.Name][]acceptance)
	for i := range ms {
		for j := range ms[i].Attempts {
			if a := &ms[i].Attempts[j]; !a.AcceptedAt.IsZero() {
				name := channel.Name(strings.Clone(string(a.Channel))) // it may be a part of a whole row
				all[name] = append(all[name], acceptance{a.AcceptedAt, a.receiptAt()})
			}
		}
	}
	for _, as := range all {
		slices.SortStableFunc(as, func(a, b acceptance) int { return b.acceptedAt.Compare(a.acceptedAt) })
	}
	return all
}

// verdictReasons are the reasons of the engine's own verdicts.
var verdictReasons = []status.Reason{
	status.Expired, status.Canceled, status.Recalled, status.NoReceipt, status.Congested, status.InDoubt,
}

// receiptAt returns when the attempt's result happened according to its provider, or zero.
func (a *Attempt) receiptAt() time.Time {
	if slices.Contains(verdictReasons, a.Reason) {
		return time.Time{}
	}
	return cmp.Or(a.DeliveredAt, a.EndedAt)
}

// receiptsOf says how the receipts of a channel come. Latest are its attempts, and earlier are
// older ones, for what is normal.
func receiptsOf(name channel.Name, latest, earlier []acceptance, now time.Time) ChannelReceipts {
	c := ChannelReceipts{Channel: name}
	for _, a := range latest {
		if a.receiptAt.After(c.LastAt) {
			c.LastAt = a.receiptAt
		}
	}
	all := slices.Concat(latest, earlier)
	c.Usual = usualWait(all)
	wait := cmp.Or(c.Usual, minUsual)
	first := slices.IndexFunc(latest, func(a acceptance) bool { return now.Sub(a.acceptedAt) > wait })
	if first < 0 {
		return c
	}
	for _, a := range latest[first:] {
		if !a.receiptAt.IsZero() {
			break
		}
		c.Unanswered++
	}
	if slices.ContainsFunc(latest[:first], func(a acceptance) bool { return !a.receiptAt.IsZero() }) {
		c.Unanswered = 0 // receipts come again
	}
	before := all[first+c.Unanswered:]
	answered := 0
	for _, a := range before {
		if !a.receiptAt.IsZero() {
			answered++
		}
	}
	c.Silent = c.Unanswered >= minUnanswered && answered >= minAnswered && 2*answered >= len(before)
	return c
}

// usualWait returns twice the 95th percentile of the times that receipts took, or zero if there
// are too few.
func usualWait(as []acceptance) time.Duration {
	var took []time.Duration
	for _, a := range as {
		if !a.receiptAt.IsZero() {
			took = append(took, a.receiptAt.Sub(a.acceptedAt))
		}
	}
	if len(took) < minAnswered {
		return 0
	}
	slices.Sort(took)
	return max(minUsual, 2*took[len(took)*95/100])
}

// silence is what a dispatcher knows of channels that have fallen silent.
type silence struct {
	mu     sync.Mutex            // held during a check; guards the fields below
	nextAt time.Time             // no check begins earlier
	silent map[channel.Name]bool // as reported last
}

// watchReceipts reports channels whose receipts have stopped or come again, once per
// silenceEvery. An error is reported by the call, and the next check repeats it.
func (d *Dispatcher) watchReceipts(ctx context.Context) {
	s := &d.silence
	if d.cfg.Observer == nil || !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	now := d.now()
	if now.Before(s.nextAt) {
		return
	}
	s.nextAt = now.Add(silenceEvery)
	var all []ChannelReceipts
	err := d.callStore(ctx, "Records", func(ctx context.Context) (err error) {
		all, err = CheckReceipts(ctx, d.cfg.Store, now)
		return err
	})
	if err != nil {
		return
	}
	for _, c := range all {
		hasReceipts := c.Unanswered == 0 && !c.LastAt.IsZero()
		if c.Silent == s.silent[c.Channel] || !c.Silent && !hasReceipts || !d.expectsReceipts(c.Channel) {
			continue
		}
		if s.silent == nil {
			s.silent = make(map[channel.Name]bool)
		}
		s.silent[c.Channel] = c.Silent
		e := SilenceChanged{Channel: c.Channel, Silent: c.Silent, Unanswered: c.Unanswered, Usual: c.Usual}
		if !c.LastAt.IsZero() {
			e.Behind = max(0, now.Sub(c.LastAt))
		}
		d.reportEvent(ctx, e)
	}
}

// expectsReceipts reports whether the dispatcher has the channel, and its provider sends receipts
// by itself: answers to polls come when the poll does.
func (d *Dispatcher) expectsReceipts(name channel.Name) bool {
	return d.outlets[name] != nil && d.traits[name].PollEvery == 0
}
