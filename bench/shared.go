package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// sharers are dispatchers that keep one rate together.
type sharers struct {
	dispatchers int
	perSecond   float64
	settle, per time.Duration // before the measurement, and its length
}

// sendTimes is a channel that notes when it was called.
type sendTimes struct {
	mu  *sync.Mutex
	all *[]time.Time // of all dispatchers
	own int
}

func (*sendTimes) Name() channel.Name     { return channel.SMS }
func (*sendTimes) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (s *sendTimes) Send(context.Context, channel.Envelope) (channel.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.all = append(*s.all, time.Now())
	s.own++
	return channel.Result{Status: status.Delivered}, nil
}

// printShared prints the rate that dispatchers with a shared limit keep together, while more
// messages wait than they may send.
func printShared(ctx context.Context, out io.Writer, c sharers, grow func(ctx context.Context, n int) (filledStore, error)) (err error) {
	s, err := grow(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), s.drop()) }()
	var (
		mu       sync.Mutex
		sends    []time.Time
		channels []*sendTimes
		ds       []*smsplus.Dispatcher
	)
	for range c.dispatchers {
		ch := &sendTimes{mu: &mu, all: &sends}
		d, err := newDispatcher(smsplus.Config{
			Limits: map[channel.Name]smsplus.Limit{channel.SMS: {Rate: c.perSecond, Shared: true}},
		}, s.Store, ch)
		if err != nil {
			return err
		}
		channels, ds = append(channels, ch), append(ds, d)
	}
	for range int(1.5*c.perSecond*(c.settle+c.per).Seconds())/1000 + 1 {
		if err := (engine{batch: 1000}).send(ctx, ds[0], 0, 1000); err != nil {
			return err
		}
	}

	running, stop := context.WithCancel(ctx)
	var run errgroup.Group
	for _, d := range ds {
		run.Go(func() error { return d.Run(running) })
	}
	time.Sleep(c.settle)
	mu.Lock()
	from, before := len(sends), make([]int, len(channels))
	for i, ch := range channels {
		before[i] = ch.own
	}
	mu.Unlock()
	time.Sleep(c.per)
	mu.Lock()
	to := len(sends)
	fmt.Fprintf(out, "%d dispatchers with a shared limit of %g a second, after %v, for %v\n\n", c.dispatchers, c.perSecond, c.settle, c.per)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "a second\tmost in a second\tof each\t\n")
	fmt.Fprintf(table, "%.1f\t%d\t", float64(to-from)/c.per.Seconds(), mostInSecond(sends))
	for i, ch := range channels {
		fmt.Fprintf(table, "%.1f ", float64(ch.own-before[i])/c.per.Seconds())
	}
	fmt.Fprintln(table, "\t")
	mu.Unlock()
	stop()
	return errors.Join(run.Wait(), table.Flush())
}

// mostInSecond returns the most of the times that are within a second.
func mostInSecond(times []time.Time) (most int) {
	first := 0
	for i, at := range times {
		for at.Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
