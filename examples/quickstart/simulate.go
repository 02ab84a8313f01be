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
	// callTimeout is the deadline of each call to a channel and to the store, by
	// the machine's time.
	callTimeout = 5 * time.Second
	// look is how often, by the machine's time, the program looks how far it is.
	look = 100 * time.Millisecond
)

// simulate triggers all messages at their times, and returns a Reader of their
// records once every message has ended and no provider has anything more to say. With
// a store that another run has left it goes on.
func simulate(ctx context.Context, c *clock, store smsplus.Store, triggers []trigger,
	show func(ended int, now time.Time),
) (*query.Reader, error) {
	providers := providers(c)
	if err := check(triggers, providers); err != nil {
		return nil, err
	}
	records := query.New(store, query.Options{Clock: c, Location: taipei})
	if err := goOn(ctx, c, records, providers); err != nil {
		return nil, err
	}
	d, err := smsplus.New(smsplus.Config{
		Store:     store,
		Channels:  channels(providers),
		Templates: templates,
		Clock:     c,

		// The deadlines of calls run on the machine's time, and a lease on the
		// clock's: while a call takes a second, an hour of its lease goes by. A
		// lease that ended before the call did would have the message sent again.
		SendTimeout:  callTimeout,
		StoreTimeout: callTimeout,
		Lease:        4 * c.of(callTimeout),
		// At its default of one second the claim loop would look thousands of
		// times in a second of the machine's.
		Poll: c.of(look),
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
		return send(running, c, d, triggers)
	})
	group.Go(func() error {
		defer stop()
		return watch(running, c, records, providers, sent, show)
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	// A service runs on. This program stopped, perhaps while a receipt was being
	// stored; the provider then has it to tell again.
	for _, p := range providers {
		if _, err := p.Deliver(ctx, d.Receive); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// providers returns the simulated channels. What is late with them comes after the
// fallback times of LINE Notification and WhatsApp, so that some people get a
// message twice, and within that of SMS.
func providers(c *clock) []*simulated.Channel {
	var all []*simulated.Channel
	for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS} {
		all = append(all, simulated.New(simulated.Config{
			Name: name, Clock: c,
			Delay:      2 * time.Minute,
			Late:       2*time.Hour + 30*time.Minute,
			Slow:       10 * time.Minute, // which at any speed is less than callTimeout
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

// check refuses what would keep the program from ending: a provider that hangs
// keeps a worker for good.
func check(triggers []trigger, providers []*simulated.Channel) error {
	for _, t := range triggers {
		for _, p := range providers {
			if p.Outcome(t.To) == simulated.Hangs {
				return fmt.Errorf("line %d: phone: its digits make %s hang, and the program with it", t.line, p.Name())
			}
		}
	}
	return nil
}

// send triggers each message at its time, as an application's requests would.
func send(ctx context.Context, c *clock, d *smsplus.Dispatcher, triggers []trigger) error {
	for _, t := range triggers {
		if wait := c.begin.Add(t.after).Sub(c.Now()); wait > 0 {
			select {
			case <-c.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		t.Metadata = map[string]string{began: c.begin.Format(time.RFC3339)}
		if _, err := d.Send(ctx, t.Trigger); err != nil {
			return fmt.Errorf("line %d: %w", t.line, err)
		}
	}
	return nil
}

// watch shows how many messages have ended, and returns when there is nothing left
// to wait for. Receipts may come for messages that have ended: a delivery that was
// given up, and a read.
func watch(ctx context.Context, c *clock, records *query.Reader, providers []*simulated.Channel,
	sent <-chan struct{}, show func(ended int, now time.Time),
) error {
	ticker := time.NewTicker(look)
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
