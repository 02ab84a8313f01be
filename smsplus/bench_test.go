package smsplus_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// deliveringChannel is a channel that delivers everything at once.
type deliveringChannel struct {
	sent   atomic.Int64
	target int64
	done   chan struct{} // closed by the send that reaches the target
}

func (*deliveringChannel) Name() channel.Name     { return channel.SMS }
func (*deliveringChannel) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (n *deliveringChannel) Send(context.Context, channel.Envelope) (channel.Result, error) {
	if n.sent.Add(1) == n.target {
		close(n.done)
	}
	return channel.Result{Status: status.Delivered}, nil
}

// BenchmarkLife is a message's full life: Send by 8 goroutines, delivered by a no-op
// channel, its record and the counters stored. It ends when the last is delivered.
func BenchmarkLife(b *testing.B) { benchmarkLife(b, nil) }

// BenchmarkLifeWithOutcomes is BenchmarkLife with Outcomes that only count. It ends when the last
// outcome is stored as published.
func BenchmarkLifeWithOutcomes(b *testing.B) { benchmarkLife(b, new(countingOutcomes)) }

type countingOutcomes struct{ count atomic.Int64 }

func (c *countingOutcomes) Publish(context.Context, smsplus.Outcome) error {
	c.count.Add(1)
	return nil
}

func benchmarkLife(b *testing.B, outcomes *countingOutcomes) {
	const senders = 8
	store, ch := memstore.New(), &deliveringChannel{}
	config := smsplus.Config{
		Store: store, Channels: []channel.Channel{ch},
		Templates: []smsplus.Template{{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}},
	}
	if outcomes != nil {
		config.Outcomes = outcomes
	}
	d, err := smsplus.New(config)
	require.NoError(b, err)
	numbers := make([]phone.Number, 1<<16)
	for i := range numbers {
		numbers[i] = number(b, fmt.Sprintf("+8869%08d", i))
	}
	ctx, cancel := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	for n := 0; n < 1; { // the lanes are open once a message gets through
		_, err := d.Send(ctx, smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: numbers[0]}, Vars: map[string]string{"code": "1"}})
		require.NoError(b, err)
		n = int(ch.sent.Load())
	}
	warm := delivered(b, store)

	var (
		wg       sync.WaitGroup
		slowest  [senders][]time.Duration
		perGroup = max(1, b.N/senders)
	)
	ch.done, ch.target = make(chan struct{}), ch.sent.Load()+int64(perGroup*senders)
	b.ReportAllocs()
	cpu := cpuTime(b)
	b.ResetTimer()
	for s := range senders {
		wg.Go(func() {
			times := make([]time.Duration, 0, perGroup/16+1)
			for i := range perGroup {
				var began time.Time
				if i%16 == 0 { // a look at the clock costs as much as a good part of a Send
					began = time.Now()
				}
				_, err := d.Send(ctx, smsplus.Trigger{
					Template: "otp", To: channel.Recipient{Phone: numbers[(s*perGroup+i)&(1<<16-1)]},
					Vars: map[string]string{"code": "498172"},
				})
				if err != nil {
					b.Error(err)
				}
				if !began.IsZero() {
					times = append(times, time.Since(began))
				}
			}
			slowest[s] = times
		})
	}
	wg.Wait()
	<-ch.done
	for delivered(b, store)-warm < perGroup*senders {
		runtime.Gosched() // the last updates are under way
	}
	for outcomes != nil && outcomes.count.Load() < int64(delivered(b, store)) {
		runtime.Gosched()
	}
	b.StopTimer()
	cancel()
	require.NoError(b, <-ran)
	if all := slices.Concat(slowest[:]...); len(all) > 0 {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)*99/100])/1e3, "p99-µs/Send")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lives/s")
	if spent := cpuTime(b) - cpu; spent > 0 {
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
}

func delivered(b *testing.B, store smsplus.Store) int {
	stats, err := store.Stats(b.Context(), smsplus.Filter{})
	require.NoError(b, err)
	n := 0
	for _, s := range stats {
		n += s.Delivered
	}
	return n
}
