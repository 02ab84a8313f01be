package main

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// noop is a channel that delivers everything at once.
type noop struct {
	sent   atomic.Int64
	target atomic.Int64
	done   chan struct{} // closed by the send that reaches the target
}

func (*noop) Name() channel.Name     { return channel.SMS }
func (*noop) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (n *noop) Send(context.Context, channel.Envelope) (channel.Result, error) {
	if n.sent.Add(1) == n.target.Load() {
		close(n.done)
	}
	return channel.Result{Status: status.Delivered}, nil
}

// lives gives n messages their full life: checked, rendered and stored by Send,
// sent, and stored as delivered, so that record and statistics have them. It is
// the shape of the engine's own BenchmarkLife.
func lives(ctx context.Context, n int, to []phone.Number, timed stopwatch) error {
	store, ch := memstore.New(), &noop{done: make(chan struct{})}
	d, err := smsplus.New(smsplus.Config{
		Store: store, Channels: []channel.Channel{ch},
		Templates: []smsplus.Template{{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		return err
	}
	send := func(i int) error {
		_, err := d.Send(ctx, smsplus.Trigger{
			Template: "otp", To: channel.Recipient{Phone: to[i%len(to)]}, Vars: map[string]string{"code": "498172"},
		})
		return err
	}
	running, stop := context.WithCancel(ctx)
	var run errgroup.Group
	run.Go(func() error { return d.Run(running) })
	defer run.Wait() //nolint:errcheck // a run that is cut short says so by its own error
	defer stop()

	warm := 0
	for ; ch.sent.Load() == 0; warm++ { // the lanes are open once a message gets through
		if err := send(0); err != nil {
			return err
		}
	}
	if err := delivered(ctx, store, warm); err != nil {
		return err
	}
	ch.target.Store(int64(warm + n))
	return timed(func() error {
		var group errgroup.Group
		for s := range senders {
			group.Go(func() error {
				for i := s; i < n; i += senders {
					if err := send(i); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		select {
		case <-ch.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		return delivered(ctx, store, warm+n)
	})
}

// delivered returns when the statistics, which are written with the records, count
// n delivered messages.
func delivered(ctx context.Context, store smsplus.Store, n int) error {
	for {
		rows, err := store.Stats(ctx, smsplus.Filter{})
		if err != nil {
			return err
		}
		sum := 0
		for _, row := range rows {
			sum += row.Delivered
		}
		if sum >= n {
			return nil
		}
	}
}
