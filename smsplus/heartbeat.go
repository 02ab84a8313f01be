package smsplus

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"

	"github.com/google/uuid"
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

// operationsLoop reads the pauses once per Poll until ctx ends, and ends paused messages whose time
// to live is over. It stores heartbeats, and takes the last one back at the end. It runs
// next to the claim loop, so that a slow claim delays no pause.
func (d *Dispatcher) operationsLoop(ctx context.Context) {
	h := Heartbeat{ID: uuid.New(), Name: d.cfg.Name, StartedAt: d.now()}
	for name := range d.outlets {
		h.Channels = append(h.Channels, name)
	}
	slices.Sort(h.Channels)
	every := max(d.cfg.Poll, d.cfg.Lease/heartbeatsPerLease)
	for next := h.StartedAt; ctx.Err() == nil; {
		if now := d.now(); !now.Before(next) {
			h.At, h.Until = now, now.Add(heartbeatsPerLease*every)
			h.Templates = slices.Sorted(maps.Keys(*d.templates.Load()))
			if d.storeHeartbeat(ctx, h) == nil {
				next = now.Add(every)
			}
		}
		d.sleepFor(ctx, d.cfg.Poll-rand.N(d.cfg.Poll/5+1)) // so that many dispatchers spread out
		if ctx.Err() == nil {
			d.watchReceipts(ctx)
		}
		if ctx.Err() == nil && d.loadPauses(ctx) == nil {
			_ = d.endExpired(ctx, false) // the error is reported; the next pass repeats it
		}
	}
	h.At = d.now()
	h.Until = h.At
	_ = d.storeHeartbeat(context.WithoutCancel(ctx), h) // the error is reported; without it the heartbeat ends by itself
}

func (d *Dispatcher) storeHeartbeat(ctx context.Context, h Heartbeat) error {
	return d.callStore(ctx, "Beat", func(ctx context.Context) error { return d.cfg.Store.Beat(ctx, h) })
}
