package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// campaign is a number of bulk messages that are due, and codes that come meanwhile.
type campaign struct {
	bulk, codes int
	perSecond   float64
}

// providerCalls is a channel that notes when it was called for codes, and counts other calls.
type providerCalls struct {
	mu      sync.Mutex
	codes   map[string]time.Time // by the attempt's ID
	others  int
	arrived chan struct{} // receives when it was called for a code
}

func (*providerCalls) Name() channel.Name     { return channel.SMS }
func (*providerCalls) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (p *providerCalls) Send(_ context.Context, e channel.Envelope) (channel.Result, error) {
	at := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Template != "otp" {
		p.others++
		return channel.Result{Status: status.Delivered}, nil
	}
	p.codes[e.AttemptID.String()] = at
	p.arrived <- struct{}{}
	return channel.Result{Status: status.Delivered}, nil
}

// printUrgent prints the time from the trigger of an urgent message to the provider's call,
// while bulk messages wait for the same channel.
func printUrgent(ctx context.Context, out io.Writer, c campaign, grow func(ctx context.Context, n int) (filledStore, error)) (err error) {
	s, err := grow(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), s.drop()) }()
	calls := &providerCalls{codes: make(map[string]time.Time), arrived: make(chan struct{}, c.codes)}
	d, err := smsplus.New(smsplus.Config{
		Store: s.Store, Channels: []channel.Channel{calls},
		Templates: []smsplus.Template{
			{ID: "otp", Class: smsplus.Urgent, Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")}}},
			{ID: "offer", Class: smsplus.Bulk, Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("An offer: {{code}}")}}},
		},
		Limits: map[channel.Name]smsplus.Limit{channel.SMS: {Rate: c.perSecond}},
	})
	if err != nil {
		return err
	}
	if err := c.fill(ctx, d); err != nil {
		return err
	}

	running, stop := context.WithCancel(ctx)
	var run errgroup.Group
	run.Go(func() error { return d.Run(running) })
	defer run.Wait() //nolint:errcheck // the caller returns the error that stops the run
	defer stop()
	began := time.Now()
	triggered := make(map[string]time.Time, c.codes)
	for range c.codes {
		// Half of the turns stay for bulk.
		time.Sleep(rand.N(time.Duration(4 / c.perSecond * float64(time.Second))))
		at := time.Now()
		id, err := d.Send(ctx, newTrigger(0))
		if err != nil {
			return err
		}
		triggered[smsplus.AttemptID(id, 0).String()] = at
	}
	for range c.codes {
		select {
		case <-calls.arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	calls.mu.Lock()
	defer calls.mu.Unlock()
	var took []time.Duration
	for id, at := range calls.codes {
		took = append(took, at.Sub(triggered[id]))
	}
	slices.Sort(took)
	fmt.Fprintf(out, "%s, GOMAXPROCS %d; %d codes behind %d bulk messages, %g a second; from the trigger to the provider's call, in ms\n\n",
		runtime.Version(), runtime.GOMAXPROCS(0), c.codes, c.bulk, c.perSecond)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "p50\tp90\tp99\tmost\tbulk a second meanwhile\t")
	for _, of := range []int{50, 90, 99, 100} {
		fmt.Fprintf(table, "%.1f\t", milliseconds(took[(len(took)*of+99)/100-1]))
	}
	fmt.Fprintf(table, "%.0f\t\n", float64(calls.others)/time.Since(began).Seconds())
	return table.Flush()
}

// fill triggers the bulk messages.
func (c campaign) fill(ctx context.Context, d *smsplus.Dispatcher) error {
	const batch = 1000
	trs := make([]smsplus.Trigger, 0, batch)
	for i := range c.bulk {
		tr := newTrigger(i)
		tr.Template = "offer"
		if trs = append(trs, tr); len(trs) == batch || i == c.bulk-1 {
			if _, err := d.SendMany(ctx, trs); err != nil {
				return err
			}
			trs = trs[:0]
		}
	}
	return nil
}
