package smsplus

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/smsplus/smsplus-go/channel"
)

// rateShare is a dispatcher's share of a rate limit that all dispatchers on the store keep
// together.
//
// A dispatcher announces its share in its heartbeat: the rate, divided by the number of
// dispatchers. Then it reads the heartbeats of the others, and uses only what their shares leave
// of the rate. To announce less, it first uses less. So all shares can be used once each
// dispatcher has read the heartbeats again.
//
// Invariants while Run runs:
//   - used is at most the share that the stored heartbeat announces
//   - the dispatchers' used together are at most the rate, because the last one to read has
//     subtracted at least what each other one uses
//
// A share is valid until its heartbeat ends. Its dispatcher stops to use it a quarter of that
// time earlier.
type rateShare struct {
	perSecond float64       // of all dispatchers together
	burst     int           // likewise
	poll      time.Duration // Config.Poll: how long to wait before a missing share is looked for again

	mu    sync.Mutex
	used  float64   // sends a second
	until time.Time // end of the use; zero: none
}

// isUsable reports whether the share permits any send. A limit that is not shared does.
func (s *rateShare) isUsable(now time.Time) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used > 0 && (s.until.IsZero() || now.Before(s.until))
}

// setUse reports whether the use changed.
func (s *rateShare) setUse(perSecond float64, until time.Time) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.used != perSecond
	s.used, s.until = perSecond, until
	return changed
}

// useShare limits the channel to so many sends a second until the given time, if its limit is
// shared. The zero time is no end.
func (o *outlet) useShare(now time.Time, perSecond float64, until time.Time) {
	if o.rateShare == nil || !o.rateShare.setUse(perSecond, until) {
		return
	}
	if perSecond > 0 {
		o.limiter.SetLimitAt(now, rate.Limit(perSecond))
		o.limiter.SetBurstAt(now, max(1, int(float64(o.rateShare.burst)*perSecond/o.rateShare.perSecond)))
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
	if o.rateShare != nil {
		o.useShare(now, o.rateShare.perSecond, time.Time{})
	}
}

// planShares reads the other dispatchers' shares, and returns the ones to announce next. It
// begins to use the least of three: what h announces, what comes next, and what the others
// leave. Without a shared limit it does nothing.
func (d *Dispatcher) planShares(ctx context.Context, h Heartbeat) (next map[channel.Name]float64, err error) {
	var alive []Heartbeat
	for name, o := range d.outlets {
		if o.rateShare == nil {
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
		left, dispatchers := o.rateShare.perSecond, 1
		for _, other := range alive {
			if share, ok := other.Shares[name]; ok && other.ID != h.ID {
				left -= share
				dispatchers++
			}
		}
		next[name] = o.rateShare.perSecond / float64(dispatchers)
		o.useShare(d.now(), max(0, min(h.Shares[name], next[name], left)), h.Until.Add(-h.Until.Sub(h.At)/heartbeatsPerLease))
	}
	return next, nil
}

// lesserShares returns the lesser share of each channel of a.
func lesserShares(a, b map[channel.Name]float64) map[channel.Name]float64 {
	lesser := make(map[channel.Name]float64, len(a))
	for name, share := range a {
		lesser[name] = min(share, b[name])
	}
	return lesser
}
