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
	// silenceEvery is how often a dispatcher looks for channels that have fallen silent.
	silenceEvery = time.Minute
	// silencePage is how many messages one look reads.
	silencePage = 2000
	// leastUnanswered is the least number of attempts in a row without a receipt that are a
	// silence, and leastAnswered how many there must be before them.
	leastUnanswered, leastAnswered = 20, 20
	// leastUsual is the least time that a receipt is given.
	leastUsual = time.Minute
)

// silenceLooksBack are how long before the oldest message of a look it reads on, until it finds
// what was normal on a channel. The last one is as far as it looks.
var silenceLooksBack = []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// ChannelReceipts says how the receipts of a channel come, as [CheckReceipts] finds it in the
// store.
type ChannelReceipts struct {
	Channel channel.Name
	// LastAt is when the last receipt happened that tells of a result, or zero. Receipts of the
	// latest 2000 messages count.
	LastAt time.Time
	// Usual is how long a receipt may take here: twice the time within which 95 of 100 came, and
	// a minute at least. Zero means that too few came to tell.
	Usual time.Duration
	// Unanswered counts the latest attempts in a row that were accepted for longer than Usual, and
	// have no receipt.
	Unanswered int
	// Silent says that the receipts have stopped: at least 20 attempts in a row are unanswered,
	// and of the attempts before them, at least 20, half have a receipt.
	Silent bool
}

// CheckReceipts returns how the receipts of each channel come, in order of the channels. It
// reads the latest 2000 messages of the store. If a channel has no receipts among them, it
// reads as many from an hour, four hours, a day and a week before, until it finds what is
// normal there. So its cost does not grow with the store. A channel with too few messages, or
// one that sends no receipts, is never silent. Answers of a provider that was asked count as
// receipts. So Silent says nothing of a channel whose provider is polled (Traits.PollEvery),
// and a Dispatcher reports none.
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
	for _, back := range silenceLooksBack {
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
	return c.Usual == 0 && c.Unanswered >= leastUnanswered
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
	settled := cmp.Or(c.Usual, leastUsual)
	isSettled := func(a acceptance) bool { return now.Sub(a.acceptedAt) > settled }
	first := slices.IndexFunc(latest, isSettled)
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
		c.Unanswered = 0 // it speaks again
	}
	before := all[first+c.Unanswered:]
	answered := 0
	for _, a := range before {
		if !a.receiptAt.IsZero() {
			answered++
		}
	}
	c.Silent = c.Unanswered >= leastUnanswered && answered >= leastAnswered && 2*answered >= len(before)
	return c
}

// usualWait returns twice the time within which 95 of 100 receipts came, or zero if there are too
// few.
func usualWait(as []acceptance) time.Duration {
	var took []time.Duration
	for _, a := range as {
		if !a.receiptAt.IsZero() {
			took = append(took, a.receiptAt.Sub(a.acceptedAt))
		}
	}
	if len(took) < leastAnswered {
		return 0
	}
	slices.Sort(took)
	return max(leastUsual, 2*took[len(took)*95/100])
}

// silence is what a dispatcher knows of channels that have fallen silent.
type silence struct {
	mu     sync.Mutex
	nextAt time.Time
	silent map[channel.Name]bool
}

// watchReceipts reports channels whose receipts have stopped or come again, if it is time to look.
// An error is reported by the call, and the next look repeats it.
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
		speaks := c.Unanswered == 0 && !c.LastAt.IsZero()
		if c.Silent == s.silent[c.Channel] || !c.Silent && !speaks || !d.expectsReceipts(c.Channel) {
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
