package main

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// noop is a channel that delivers each message immediately.
type noop struct {
	sent, target atomic.Int64
	reached      chan struct{} // receives when a send reaches the target
}

func newNoop() *noop { return &noop{reached: make(chan struct{}, 1)} }

func (*noop) Name() channel.Name     { return channel.SMS }
func (*noop) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (n *noop) Send(context.Context, channel.Envelope) (channel.Result, error) {
	if n.sent.Add(1) == n.target.Load() {
		n.reached <- struct{}{}
	}
	return channel.Result{Status: status.Delivered}, nil
}

// engine is smsplus over a store, with a number of concurrent callers. They call Send, or
// SendMany if batch is more than 1.
type engine struct {
	store   smsplus.Store
	callers int
	batch   int
}

// deliver takes n messages through their full life: checked, rendered, stored, sent, and
// stored as delivered in records and statistics. It has the form of the engine's
// BenchmarkLife. A tenth as many messages go first, to warm up.
func (e engine) deliver(ctx context.Context, n int, timed stopwatch) error {
	ch := newNoop()
	d, err := newDispatcher(smsplus.Config{}, e.store, ch)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var run errgroup.Group
	run.Go(func() error { return d.Run(running) })
	defer run.Wait() //nolint:errcheck // the caller returns the error that stops the run
	defer stop()

	done := 0
	deliver := func(n int) error {
		done += n
		ch.target.Store(int64(done))
		if err := runParallel(e.callers, n, e.batch, func(first, end int) error { return e.send(ctx, d, first, end) }); err != nil {
			return err
		}
		select {
		case <-ch.reached:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return pollUntil(ctx, func() (bool, error) {
			delivered, err := countDelivered(ctx, e.store)
			return delivered >= done, err
		})
	}
	if err := deliver(n/10 + 1); err != nil {
		return err
	}
	return timed(func() error { return deliver(n) })
}

// newDispatcher returns a Dispatcher with the template of newTrigger.
func newDispatcher(c smsplus.Config, store smsplus.Store, ch channel.Channel) (*smsplus.Dispatcher, error) {
	c.Store, c.Channels = store, []channel.Channel{ch}
	c.Templates = []smsplus.Template{{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
		{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
	}}}
	return smsplus.New(c)
}

func (e engine) send(ctx context.Context, d *smsplus.Dispatcher, first, end int) error {
	if e.batch == 1 {
		_, err := d.Send(ctx, newTrigger(first))
		return err
	}
	triggers := make([]smsplus.Trigger, 0, e.batch)
	for i := first; i < end; i++ {
		triggers = append(triggers, newTrigger(i))
	}
	_, err := d.SendMany(ctx, triggers)
	return err
}

func newTrigger(i int) smsplus.Trigger {
	to := recipients()
	return smsplus.Trigger{
		Template: "otp", To: channel.Recipient{Phone: to[i%len(to)]}, Vars: map[string]string{"code": "498172"},
	}
}

// countDelivered returns how many messages the statistics count as delivered. They are
// written together with the records.
func countDelivered(ctx context.Context, store smsplus.Store) (delivered int, err error) {
	rows, err := store.Stats(ctx, smsplus.Filter{})
	for _, row := range rows {
		delivered += row.Delivered
	}
	return delivered, err
}
