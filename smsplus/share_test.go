package smsplus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// sharedRate is the rate that the dispatchers of a sharedWorld keep together, in sends a second.
const sharedRate = 100

// sharedWorld is a store with more messages than its dispatchers can send.
type sharedWorld struct {
	t      *testing.T
	store  smsplus.Store
	config smsplus.Config

	mu    sync.Mutex
	sends []time.Time
}

func newSharedWorld(t *testing.T, l smsplus.Limit) *sharedWorld {
	t.Helper()
	w := &sharedWorld{t: t, store: memstore.New()}
	l.Rate, l.Shared = sharedRate, true
	w.config = smsplus.Config{
		Store: w.store,
		Channels: []channel.Channel{fakeChannel(channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.sends = append(w.sends, time.Now())
			return channel.Result{Status: status.Delivered}, nil
		})},
		Templates: []smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: text, Wait: 24 * time.Hour}}}},
		Limits:    map[channel.Name]smsplus.Limit{channel.SMS: l},
	}
	return w
}

// fill triggers messages with a dispatcher that does not run.
func (w *sharedWorld) fill(n int) {
	w.t.Helper()
	d, err := smsplus.New(w.config)
	require.NoError(w.t, err)
	trs := make([]smsplus.Trigger, n)
	for i := range trs {
		trs[i] = smsplus.Trigger{Template: "t", To: channel.Recipient{Phone: number(w.t, "+886912345678")}, Vars: map[string]string{"code": "1"}}
	}
	_, err = d.SendMany(w.t.Context(), trs)
	require.NoError(w.t, err)
}

// run runs one more dispatcher. kill stops it without another call to the store.
func (w *sharedWorld) run() (stop, kill func()) {
	w.t.Helper()
	var mu sync.Mutex
	var dead error
	c := w.config
	c.Store = &storetest.Faulty{Store: w.store, Before: func(string) error {
		mu.Lock()
		defer mu.Unlock()
		return dead
	}}
	d, err := smsplus.New(c)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(w.t.Context())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(w.t, <-ran)
	})
	w.t.Cleanup(stop)
	return stop, func() {
		mu.Lock()
		dead = errors.New("dead")
		mu.Unlock()
		stop()
	}
}

// rate returns the sends a second in the last d.
func (w *sharedWorld) rate(d time.Duration) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, at := range w.sends {
		if time.Since(at) < d {
			n++
		}
	}
	return float64(n) / d.Seconds()
}

// most returns the most sends that began within a second.
func (w *sharedWorld) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	most, first := 0, 0
	for i, at := range w.sends {
		for at.Sub(w.sends[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func (w *sharedWorld) requireRate(want float64, says string) {
	w.t.Helper()
	require.InDelta(w.t, want, w.rate(10*time.Second), 0.05*sharedRate, says)
}

func TestSharedLimit_HoldsForAllDispatchers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newSharedWorld(t, smsplus.Limit{})
		w.fill(40_000)
		stop, _ := w.run()
		sleep(11 * time.Second)
		w.requireRate(sharedRate, "the only dispatcher has the whole rate")
		_, kill := w.run()
		w.run()
		w.run()
		sleep(13 * time.Second)
		w.requireRate(sharedRate, "four dispatchers share it within a few polls")
		stop()
		sleep(13 * time.Second)
		w.requireRate(sharedRate, "the share of one that stops goes to the others")
		kill()
		sleep(11 * time.Second)
		w.requireRate(sharedRate*2/3.0, "the share of one that died is not used")
		sleep(time.Minute)
		w.requireRate(sharedRate, "its share goes to the others within a lease")
		require.LessOrEqual(t, w.most(), sharedRate+4, "at no time more than the rate, and a burst of one for each")
	})
}

// What a dispatcher knows of the others ends with its heartbeat.
func TestSharedLimit_EndsWhereTheStoreCannotBeAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newSharedWorld(t, smsplus.Limit{})
		var beats sync.Map
		w.store = &storetest.Faulty{Store: w.store, Before: func(method string) error {
			if _, lost := beats.Load(method); lost {
				return errors.New("lost")
			}
			return nil
		}}
		w.fill(40_000)
		w.run()
		w.run()
		sleep(20 * time.Second)
		w.requireRate(sharedRate, "")
		for _, method := range []string{"Beat", "Heartbeats"} {
			beats.Store(method, true)
			sleep(25 * time.Second)
			w.requireRate(sharedRate, method+" fails, and the shares last")
			sleep(30 * time.Second)
			beats.Clear()
			require.Zero(t, w.rate(5*time.Second), "they ended")
			sleep(20 * time.Second)
			w.requireRate(sharedRate, "they are back")
		}
		require.LessOrEqual(t, w.most(), sharedRate+2)
	})
}
