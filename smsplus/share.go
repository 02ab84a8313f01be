package smsplus

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/smsplus/smsplus-go/channel"
)

// share is a dispatcher's part of a rate that all dispatchers on the store keep together.
//
// A dispatcher announces its part in its heartbeat. Then it reads what the others announce, and
// uses no more than they leave of the rate. It uses less before it announces less. So the parts in
// use never exceed the rate together: of the dispatchers that use one, the last to read has seen
// what each of the others uses, or more. As many as run announce equal parts, so that all parts
// fit after each has read the heartbeats once more.
//
// A part lasts as long as the heartbeat that announced it. Its dispatcher uses it for a quarter less.
type share struct {
	perSecond float64       // of all dispatchers together
	burst     int           // likewise
	poll      time.Duration // Config.Poll: when a share that is missing is looked for again

	mu    sync.Mutex
	used  float64   // of perSecond
	until time.Time // zero: without end
}

// hasTurns reports whether the share lets anything be sent. A limit that is not shared does.
func (s *share) hasTurns(now time.Time) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used > 0 && (s.until.IsZero() || now.Before(s.until))
}

// setUse reports whether the use changed.
func (s *share) setUse(perSecond float64, until time.Time) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.used != perSecond
	s.used, s.until = perSecond, until
	return changed
}

// useShare limits the channel to so many sends a second until the given time, if its limit is
// shared. The zero time is no end.
func (o *outlet) useShare(now time.Time, perSecond float64, until time.Time) {
	if o.share == nil || !o.share.setUse(perSecond, until) {
		return
	}
	if perSecond > 0 {
		o.limiter.SetLimitAt(now, rate.Limit(perSecond))
		o.limiter.SetBurstAt(now, max(1, int(float64(o.share.burst)*perSecond/o.share.perSecond)))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		l.resize(perSecond)
		l.capacity = l.minCapacity
		l.signalCapacity()
	}
}

// useWholeRate is useShare for a dispatcher that does not run.
func (o *outlet) useWholeRate(now time.Time) {
	if o.share != nil {
		o.useShare(now, o.share.perSecond, time.Time{})
	}
}

// planShares returns the shares that this dispatcher is to announce next, by what the others
// announce. It uses what h announces and they leave, and no more than it is to announce. Without a
// shared limit it does nothing.
func (d *Dispatcher) planShares(ctx context.Context, h Heartbeat) (next map[channel.Name]float64, err error) {
	var alive []Heartbeat
	for name, o := range d.outlets {
		if o.share == nil {
			continue
		}
		if next == nil {
			next = make(map[channel.Name]float64)
			err := d.callStore(ctx, "Heartbeats", func(ctx context.Context) (err error) {
				alive, err = d.cfg.Store.Heartbeats(ctx, d.now())
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		left, dispatchers := o.share.perSecond, 1
		for _, other := range alive {
			if part, ok := other.Shares[name]; ok && other.ID != h.ID {
				left -= part
				dispatchers++
			}
		}
		next[name] = o.share.perSecond / float64(dispatchers)
		o.useShare(d.now(), max(0, min(h.Shares[name], next[name], left)), h.Until.Add(-h.Until.Sub(h.At)/heartbeatsPerLease))
	}
	return next, nil
}

// lesserShares returns the lesser share of each channel of a.
func lesserShares(a, b map[channel.Name]float64) map[channel.Name]float64 {
	lesser := make(map[channel.Name]float64, len(a))
	for name, part := range a {
		lesser[name] = min(part, b[name])
	}
	return lesser
}
