package smsplus_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestLimit_BoundsConcurrency(t *testing.T) {
	var now, most atomic.Int64
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		most.Store(max(most.Load(), now.Add(1)))
		<-time.After(time.Second)
		now.Add(-1)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 3}}
	}, func(t *testing.T, w *world) {
		for range 30 {
			w.sendOnly(t)
		}
		sleep(11 * time.Second)
		require.Empty(t, openMessages(t, w.store))
		require.Equal(t, int64(3), most.Load())
	})
}

func TestLimit_KeepsTheRate(t *testing.T) {
	var mu sync.Mutex
	var at []time.Time
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Now())
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 10}}
	}, func(t *testing.T, w *world) {
		trs := make([]smsplus.Trigger, 1000)
		for i := range trs {
			trs[i] = w.trigger()
		}
		_, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		sleep(102 * time.Second)
		require.Empty(t, openMessages(t, w.store))
		require.Len(t, at, 1000)
		for i := range at {
			if i > 0 {
				require.GreaterOrEqual(t, at[i].Sub(at[i-1]), 99*time.Millisecond)
			}
		}
		require.InDelta(t, 100, at[999].Sub(at[0]).Seconds(), 2, "and it is used")
	})
}

func TestTick_KeepsTheRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 1, Burst: 2}}
	})
	for range 5 {
		_, err := w.Send(t.Context(), w.trigger())
		require.NoError(t, err)
	}
	require.Equal(t, 2, w.tick())
	require.Equal(t, 1, w.advance(time.Second))
	require.Equal(t, 1, w.advance(time.Second))
	require.Equal(t, 1, w.advance(time.Second))
	require.Equal(t, 0, w.advance(time.Hour))
	require.Equal(t, 5, w.sends(channel.SMS))
}

func TestLimit_SendsAtALowRate(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 0.01}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		w.sendOnly(t)
		sleep(24 * time.Hour)
		require.Equal(t, 2, w.sends(channel.SMS))
		require.Empty(t, openMessages(t, w.store))
	})
}

func TestLimit_SendsAtALowRateWithAShortLease(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Lease = 41 * time.Second
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 1.0 / 15}} // 4 a minute
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		w.sendOnly(t)
		sleep(24 * time.Hour)
		require.Equal(t, 2, w.sends(channel.SMS))
	})
}

// Turns of a rate such as 3/s end between two microseconds. A message is due again at the
// next whole one, so that Tick does not find it due for ever.
func TestTick_EndsAtRatesThatDivideNoMicrosecond(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.7, 3, 6, 7, 15, 30, 60, 300, 7000} {
		claims := 0
		w := newSMSWorld(t, func(c *smsplus.Config) {
			c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: rate}}
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
				if method == "Claim" {
					claims++
				}
				if claims > 1000 {
					return errors.New("Tick does not end")
				}
				return nil
			}}
		})
		const messages = 20
		for range messages {
			w.sendOnly(t)
		}
		turn := time.Duration(float64(time.Second) / rate)
		for range 3 * messages {
			w.advance(turn)
		}
		require.Equal(t, messages, w.sends(channel.SMS), "rate %v", rate)
	}
}

// sizedChannel is a channel whose provider counts a message as many times as its size.
type sizedChannel struct {
	channel.Channel
	size func(channel.Content) int
}

func (c sizedChannel) Size(content channel.Content) int { return c.size(content) }

// withSize gives the first channel a size, and a limit that counts it.
func withSize(l smsplus.Limit, size func(channel.Content) int) func(*smsplus.Config) {
	return func(c *smsplus.Config) {
		c.Channels[0] = sizedChannel{c.Channels[0], size}
		l.CountSegments = true
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: l}
	}
}

// bySize is the size of a content whose variable holds it: "Your code is 3".
func bySize(content channel.Content) int {
	s := string(content.(channel.Text))
	size, _ := strconv.Atoi(s[len("Your code is "):])
	return size
}

func (w *world) sendOfSize(sizes ...int) {
	w.t.Helper()
	for _, size := range sizes {
		tr := w.trigger()
		tr.Vars["code"] = strconv.Itoa(size)
		_, err := w.Send(w.t.Context(), tr)
		require.NoError(w.t, err)
	}
}

func TestTick_CountsSegments(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t, withSize(smsplus.Limit{Rate: 1, Burst: 2}, bySize))
	w.sendOfSize(5) // begins with two, and owes three
	require.Equal(t, 1, w.tick())
	w.sendOfSize(1)
	require.Equal(t, 0, w.advance(3*time.Second), "three are paid back")
	require.Equal(t, 1, w.advance(time.Second))
	w.sendOfSize(2)
	require.Equal(t, 0, w.advance(time.Second))
	require.Equal(t, 1, w.advance(time.Second))
	w.advance(time.Minute)
	w.sendOfSize(1, 1, 1)
	require.Equal(t, 2, w.tick(), "no more than the burst is saved up")
}

func TestTick_SendsWhatIsLargerThanTheBurst(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t, withSize(smsplus.Limit{Rate: 10}, bySize))
	w.sendOfSize(100)
	require.Equal(t, 1, w.tick())
}

func TestLimit_KeepsTheRateOfSegments(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}},
		withSize(smsplus.Limit{Rate: 30}, func(channel.Content) int { return 3 }),
		func(t *testing.T, w *world) {
			began := time.Now()
			for range 200 {
				w.sendOnly(t)
			}
			for w.sends(channel.SMS) < 200 {
				sleep(time.Second)
			}
			require.InDelta(t, 20, time.Since(began).Seconds(), 2)
		})
}

func TestLimit_SizeThatFailsCountsOnce(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]func(channel.Content) int{
		"panics":   func(channel.Content) int { panic("size") },
		"negative": func(channel.Content) int { return -1 },
		"zero":     func(channel.Content) int { return 0 },
	} {
		w := newSMSWorld(t, withSize(smsplus.Limit{Rate: 1}, size))
		w.sendOfSize(1, 1)
		require.Equal(t, 1, w.tick(), name)
		require.Equal(t, 1, w.advance(time.Second), name)
	}
}

func TestNew_RefusesToCountSegmentsThatItCannot(t *testing.T) {
	t.Parallel()
	c := smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{fakeChannel(channel.SMS, says(status.Delivered)), fakeChannel(channel.WhatsApp, says(status.Delivered))},
		Limits:   map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 1, CountSegments: true}},
	}
	_, err := smsplus.New(c)
	require.EqualError(t, err, `smsplus: Config.Limits["sms"].CountSegments: the channel is no channel.Sizer (*smsplus_test.ChannelMock)`)

	c.Channels[0] = sizedChannel{c.Channels[0], bySize}
	_, err = smsplus.New(c)
	require.NoError(t, err)

	c.Limits[channel.SMS] = smsplus.Limit{CountSegments: true}
	_, err = smsplus.New(c)
	require.EqualError(t, err, `smsplus: Config.Limits["sms"].CountSegments: there is no Rate`)
}
