package smsplus

import (
	"context"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// heartbeatsPerLease is how many heartbeats a dispatcher stores while one of its leases
// lasts, unless Poll is longer than the time between them.
const heartbeatsPerLease = 4

// defaultName returns the host's name and the process ID.
func defaultName() string {
	host, err := os.Hostname()
	if err != nil || !validText(host) {
		host = "unknown host"
	}
	pid := ":" + strconv.Itoa(os.Getpid())
	return host[:min(len(host), maxID-len(pid))] + pid
}

// heartbeatLoop stores heartbeats until ctx ends, and takes the last one back. Next to the
// heartbeats it keeps the shares of rate limits. It has a goroutine of its own, so that nothing
// that takes long ends a share.
func (d *Dispatcher) heartbeatLoop(ctx context.Context) {
	h := Heartbeat{ID: uuid.New(), Name: d.cfg.Name, StartedAt: d.now()}
	for name := range d.outlets {
		h.Channels = append(h.Channels, name)
	}
	slices.Sort(h.Channels)
	every := max(d.cfg.Poll, d.cfg.Lease/heartbeatsPerLease)
	for next := h.StartedAt; ctx.Err() == nil; {
		shares, err := d.planShares(ctx, h)
		if err != nil {
			shares = h.Shares
		}
		if now := d.now(); !now.Before(next) || !maps.Equal(shares, h.Shares) {
			if h, err = d.beat(ctx, h, shares, every); err == nil {
				next = now.Add(every)
				_, _ = d.planShares(ctx, h) // the error is reported; the next pass repeats it
			}
		}
		d.sleepFor(ctx, d.jitterPoll())
	}
	h.At = d.now()
	for _, o := range d.outlets {
		o.useShare(h.At, 0, h.At)
	}
	h.Until = h.At
	_ = d.storeHeartbeat(context.WithoutCancel(ctx), h) // the error is reported; without it the heartbeat ends by itself
}

// beat stores the next heartbeat after h, and returns it, or after an error h with what both
// certainly say.
func (d *Dispatcher) beat(ctx context.Context, h Heartbeat, shares map[channel.Name]float64, every time.Duration) (Heartbeat, error) {
	next := h
	next.At = d.now()
	next.Until = next.At.Add(heartbeatsPerLease * every)
	next.Templates = slices.Sorted(maps.Keys(*d.templates.Load()))
	next.Shares = shares
	if err := d.storeHeartbeat(ctx, next); err != nil {
		h.Shares = lesserShares(h.Shares, shares)
		return h, err
	}
	return next, nil
}

func (d *Dispatcher) storeHeartbeat(ctx context.Context, h Heartbeat) error {
	return d.callStore(ctx, "Beat", func(ctx context.Context) error { return d.cfg.Store.Beat(ctx, h) })
}
