package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const (
	// callTimeout is the timeout of each call to a channel and to the store, in the
	// machine's time.
	callTimeout = 5 * time.Second
	// pollInterval is how often the program checks its progress, in the machine's time.
	pollInterval = 100 * time.Millisecond
)

// simulate triggers all messages at their times, and returns a Reader of their records
// when every message has ended and no provider has a receipt left. With the store of an
// interrupted run it continues that run.
func simulate(ctx context.Context, c *clock, store smsplus.Store, triggers []trigger,
	show func(ended int, now time.Time),
) (*query.Reader, error) {
	providers := providers(c)
	if err := checkEnds(triggers, providers); err != nil {
		return nil, err
	}
	records := query.New(store, query.Options{Clock: c, Location: taipei})
	if err := resume(ctx, c, records, providers); err != nil {
		return nil, err
	}
	d, err := smsplus.New(smsplus.Config{
		Store:     store,
		Channels:  channels(providers),
		Templates: templates,
		Clock:     c,

		// A call's timeout is in the machine's time, and a lease is in the clock's. An
		// hour of the lease passes while a call takes a second. If the lease ended
		// before the call, the message would be sent again.
		SendTimeout:  callTimeout,
		StoreTimeout: callTimeout,
		Lease:        4 * c.fromMachine(callTimeout),
		// With the default of one second, the claim loop would poll thousands of times
		// in a second of the machine's time.
		Poll: c.fromMachine(pollInterval),
	})
	if err != nil {
		return nil, err
	}

	group, running := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(running)
	defer stop()
	sent := make(chan struct{})
	group.Go(func() error { return d.Run(running) })
	group.Go(func() error {
		defer close(sent)
		return sendTriggers(running, c, d, triggers)
	})
	group.Go(func() error {
		defer stop()
		return waitForEnd(running, c, records, providers, sent, show)
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	// The program may have stopped while a receipt was being stored. Then the provider
	// has to send it again. A service does not stop, and needs no such call.
	for _, p := range providers {
		if _, err := p.Deliver(ctx, d.Receive); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// providers returns the simulated channels. Their late receipts come after the fallback
// times of LINE Notification and WhatsApp, so that some people get a message twice, but
// within the fallback time of SMS.
func providers(c *clock) []*simulated.Channel {
	var all []*simulated.Channel
	for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS} {
		all = append(all, simulated.New(simulated.Config{
			Name: name, Clock: c,
			Delay:      2 * time.Minute,
			Late:       2*time.Hour + 30*time.Minute,
			Slow:       10 * time.Minute, // less than callTimeout at any speed
			RetryAfter: 10 * time.Minute,
		}))
	}
	return all
}

func channels(providers []*simulated.Channel) []channel.Channel {
	var all []channel.Channel
	for _, p := range providers {
		all = append(all, p)
	}
	return all
}

// checkEnds refuses triggers that would keep the program from ending: a provider that hangs
// blocks a worker forever.
func checkEnds(triggers []trigger, providers []*simulated.Channel) error {
	for _, t := range triggers {
		for _, p := range providers {
			if p.Outcome(t.To) == simulated.Hangs {
				return fmt.Errorf("line %d: phone: its digits make %s hang, and the program with it", t.line, p.Name())
			}
		}
	}
	return nil
}

// sendTriggers triggers each message at its time, as the requests of an application would.
func sendTriggers(ctx context.Context, c *clock, d *smsplus.Dispatcher, triggers []trigger) error {
	for _, t := range triggers {
		if wait := c.begin.Add(t.after).Sub(c.Now()); wait > 0 {
			select {
			case <-c.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		t.Metadata = map[string]string{beganKey: c.begin.Format(time.RFC3339)}
		if _, err := d.Send(ctx, t.Trigger); err != nil {
			return fmt.Errorf("line %d: %w", t.line, err)
		}
	}
	return nil
}

// waitForEnd shows how many messages have ended, and returns when all have ended and no
// receipt is left. A message that has ended may still get receipts: a late delivery, and
// a read.
func waitForEnd(ctx context.Context, c *clock, records *query.Reader, providers []*simulated.Channel,
	sent <-chan struct{}, show func(ended int, now time.Time),
) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		tabs, err := records.CountByGroup(ctx, smsplus.Filter{})
		if err != nil {
			return err
		}
		show(tabs[status.All]-tabs[status.Sending], c.Now())
		select {
		case <-sent:
			more := slices.ContainsFunc(providers, func(p *simulated.Channel) bool { return !p.Next().IsZero() })
			if tabs[status.Sending] == 0 && !more {
				return nil
			}
		default:
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
