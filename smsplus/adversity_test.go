package smsplus_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestAFullLaneDoesNotHoldBackWhatLeavesIt(t *testing.T) {
	var released chan struct{}
	var first atomic.Bool
	first.Store(true)
	bubble(t, []step{
		{channel.LINENotify, func(context.Context, channel.Envelope) (channel.Result, error) {
			if first.CompareAndSwap(true, false) {
				return channel.Result{Status: status.Accepted, ProviderID: "1"}, nil
			}
			<-released
			return channel.Result{}, errors.New("down")
		}, smsplus.Step{Wait: time.Hour}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		released = make(chan struct{})
		c.Batch = 1
		c.Limits = map[channel.Name]smsplus.Limit{channel.LINENotify: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		sleep(time.Second)
		require.Equal(t, status.Accepted, w.message(id).Status)
		for range 5 { // the provider hangs now
			w.sendOnly(t)
		}
		sleep(2 * time.Hour)
		got := statuses(w.message(id))
		close(released)
		sleep(time.Second)
		require.Equal(t, "delivered: line_notify=accepted sms=delivered", got)
	})
}

func TestABacklogDoesNotHoldBackWhatLeavesTheLane(t *testing.T) {
	var first atomic.Bool
	first.Store(true)
	bubble(t, []step{
		{channel.LINENotify, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
			if first.CompareAndSwap(true, false) {
				return channel.Result{Status: status.Accepted, ProviderID: "1"}, nil
			}
			select {
			case <-ctx.Done():
			case <-time.After(19 * time.Second):
			}
			return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
		}, smsplus.Step{Wait: time.Hour}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Batch = 2
		c.Limits = map[channel.Name]smsplus.Limit{channel.LINENotify: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		sleep(time.Second)
		for range 1000 {
			w.sendOnly(t)
		}
		sleep(time.Hour + 5*time.Minute)
		require.Equal(t, "delivered: line_notify=accepted sms=delivered", statuses(w.message(id)))
	})
}

func TestAReceiverDropsNoOthersParkedReceipt(t *testing.T) {
	t.Parallel()
	var w *world
	var hook func(method string)
	w = newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}}, {"letter", says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Batch = 1 // two updates at a time
		c.Store = &storetest.Faulty{Store: c.Store, After: func(m string) error {
			if hook != nil {
				hook(m)
			}
			return nil
		}}
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	ref := providerID(smsplus.AttemptID(id, 0))
	r1 := channel.Receipt{Channel: channel.SMS, ProviderID: ref, Status: status.Accepted, At: start}
	r2 := channel.Receipt{Channel: channel.SMS, ProviderID: ref, Status: status.Delivered, At: start}
	// Receive(r1) parks; then Receive(r2) runs as a whole (parked too); then the send's outcome is stored,
	// and before its dispatcher looks at what is parked, Receive(r1) goes on.
	parks, updates := 0, 0
	both, goOn, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	hook = func(m string) {
		switch {
		case m == "Park" && parks == 0:
			parks++
			if err := w.Receive(t.Context(), r2); err != nil {
				t.Error(err)
			}
			close(both)
			<-goOn
		case m == "Update" && updates == 0:
			updates++
			close(goOn)
			<-done
		}
	}
	go func() {
		defer close(done)
		if err := w.Receive(t.Context(), r1); err != nil {
			t.Error(err)
		}
	}()
	<-both
	w.tick()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestWhatIsParkedUnderAnIDFiledAtTheEndIsFound(t *testing.T) {
	t.Parallel()
	var w *world
	var hook func(method string)
	w = newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, After: func(m string) error {
			if hook != nil {
				hook(m)
			}
			return nil
		}}
	})
	tr := w.trigger()
	tr.TTL = 30 * time.Second
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	_, err = w.store.Claim(t.Context(), smsplus.Claim{Now: w.clock.Now(), Lease: time.Minute, Limit: 1}) // sent, and the dispatcher died
	require.NoError(t, err)
	r := channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered, At: start}
	hook = func(m string) {
		if m == "Parked" {
			hook = nil
			w.receive(r) // right after the look at what is parked
		}
	}
	w.pass(time.Minute)
	w.pass(100 * time.Hour)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestAFailedLookDoesNotLoseAReceiptOfADoubt(t *testing.T) {
	t.Parallel()
	var w *world
	fail := false
	w = newWorld(t, []step{{channel.SMS, fails(channel.InDoubt(errors.New("no answer"))), smsplus.Step{InDoubt: smsplus.Forward}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Parked" && fail {
				fail = false
				return errors.New("down")
			}
			return nil
		}}
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered, At: start})
	fail = true
	w.tick()
	w.pass(100 * time.Hour)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestAProvidersExpiredForwards(t *testing.T) {
	t.Parallel()
	for _, reason := range []status.Reason{status.Expired, status.Canceled} {
		w := newWorld(t, []step{
			{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
			{"letter", says(status.Delivered), smsplus.Step{}},
		})
		id := w.send()
		w.clock.Add(time.Hour)
		w.receive(receipt(w.message(id), 0, status.Undeliverable, func(r *channel.Receipt) { r.Reason = reason }))
		w.pass(wait)
		require.Equal(t, status.Delivered, w.message(id).Status, statuses(w.message(id)))
	}
}

func TestALowRateStillSends(t *testing.T) {
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 0.01}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		w.sendOnly(t)
		sleep(24 * time.Hour)
		require.Equal(t, 2, w.sends(channel.SMS))
		require.Empty(t, open(t, w.store))
	})
}

func TestALowRateStillSendsWithAShortLease(t *testing.T) {
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Lease = 31 * time.Second
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 1.0 / 15}} // 4 a minute
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		w.sendOnly(t)
		sleep(24 * time.Hour)
		require.Equal(t, 2, w.sends(channel.SMS))
	})
}

func TestTheFastPathDoesNotStarveWhatIsStored(t *testing.T) {
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(time.Second)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Batch = 4
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		trs := make([]smsplus.Trigger, 20)
		for i := range trs {
			trs[i] = w.trigger()
		}
		old, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		synctest.Wait()
		for range 600 { // as many as the channel can take
			w.sendOnly(t)
			sleep(time.Second)
		}
		n := 0
		for _, id := range old {
			if w.message(id).Status != status.Delivered {
				n++
			}
		}
		require.Zero(t, n, "of the 20 oldest are not sent after ten minutes; sent in all: %d", w.sends(channel.SMS))
	})
}

func TestCancelStopsWhatWaitsInItsLane(t *testing.T) {
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(10 * time.Second)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		id := w.sendOnly(t)
		synctest.Wait()
		require.NoError(t, w.Cancel(t.Context(), id))
		sleep(time.Minute)
		require.Equal(t, 1, w.sends(channel.SMS), "sent nine seconds after Cancel returned: %s", statuses(w.message(id)))
	})
}

// A dispatcher knows what it has canceled itself, without a look at the store.
func TestCancelStopsAtOnceWhatWaitsInItsLane(t *testing.T) {
	var busy chan struct{}
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-busy
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		busy = make(chan struct{}) // of the bubble
		var ids []uuid.UUID
		for range 4 {
			ids = append(ids, w.sendOnly(t))
		}
		synctest.Wait()
		require.NoError(t, w.Cancel(t.Context(), ids[1]))
		require.NoError(t, w.Cancel(t.Context(), ids[3]))
		close(busy)
		synctest.Wait()
		require.Equal(t, 2, w.sends(channel.SMS))
		require.Equal(t, status.Undeliverable, w.message(ids[1]).Status)
		require.Equal(t, status.Delivered, w.message(ids[2]).Status)
		require.Equal(t, status.Undeliverable, w.message(ids[3]).Status)
	})
}

type bomb struct{}

func (bomb) Vars() []string { return nil }
func (bomb) Render(map[string]string) (channel.Content, error) {
	panic("render")
}

func TestAPanickingContentFailsItsAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Templates[0].Route[0].Content = bomb{}
	})
	tr := w.trigger()
	tr.Vars = nil
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	require.NotPanics(t, func() { w.tick() })
	require.Equal(t, status.Failed, w.message(id).Status)
}

func TestATypedNilErrorFailsItsAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		var err *channel.Error
		return channel.Result{Status: status.Delivered}, err
	}, smsplus.Step{}}})
	_, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	require.NotPanics(t, func() { w.tick() })
}

func TestADispatcherWithoutTheChannelKeepsTheDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.SMS, says(status.Delivered), smsplus.Step{Wait: wait, InDoubt: smsplus.Forward}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	_, err = w.store.Claim(t.Context(), smsplus.Claim{Now: w.clock.Now(), Lease: time.Minute, Limit: 1}) // sent, and no more was heard
	require.NoError(t, err)
	w.clock.Add(time.Minute)
	old := w.config
	w.config.Templates, w.config.Channels = nil, nil
	_, err = w.another().Tick(t.Context())
	require.NoError(t, err)
	w.config = old
	w.pass(time.Minute)
	require.Zero(t, w.sends(channel.SMS), "at most once on this step: %s", statuses(w.message(id)))
}

func TestASendAndItsUpdateFitIntoTheLease(t *testing.T) {
	t.Parallel()
	var w *world
	var other *smsplus.Dispatcher
	n := 0
	sentTo := map[uuid.UUID]int{}
	w = newWorld(t, []step{{channel.SMS, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		n++
		sentTo[e.AttemptID]++
		switch n {
		case 1:
			w.clock.Add(40 * time.Second) // several slow ones before
		case 2:
			w.clock.Add(19 * time.Second) // within SendTimeout
		}
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Update" && n == 2 {
				n++
				w.clock.Add(2 * time.Second) // within StoreTimeout
				_, err := other.Tick(t.Context())
				return err
			}
			return nil
		}}
	})
	w.config.Store = w.store.(*storetest.Faulty).Store
	other = w.another()
	for range 2 {
		_, err := w.Send(t.Context(), w.trigger())
		require.NoError(t, err)
	}
	w.tick()
	for _, times := range sentTo {
		require.Equal(t, 1, times, "sent twice though the send kept SendTimeout and the store StoreTimeout")
	}
}

func hungWorld(t *testing.T, released *chan struct{}) *world {
	w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-*released
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Clock, c.NewID, c.DrainTimeout = nil, uuid.New, time.Second
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	})
	return w
}

func TestADrainPutsBackWhatWaitsBehindAHungSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		w := hungWorld(t, &released)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		w.sendOnly(t)
		synctest.Wait()
		second := w.sendOnly(t)
		synctest.Wait()
		cancel()
		err := <-ran
		m := w.message(second)
		close(released)
		synctest.Wait()
		require.Error(t, err)
		require.Zero(t, m.Claims, "nobody ever tried it, and it will be in doubt")
	})
}

func TestRunAgainAfterAFailedDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		defer func() { close(released); synctest.Wait() }()
		w := hungWorld(t, &released)
		w.channels[channel.SMS].SendFunc = inTurn(w.channels[channel.SMS].SendFunc, says(status.Delivered)) // only the first hangs
		for i := range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- w.Run(ctx) }()
			synctest.Wait()
			if i == 0 {
				w.sendOnly(t)
				synctest.Wait()
				w.sendOnly(t)
				synctest.Wait()
			}
			cancel()
			err := <-ran
			if i == 1 {
				require.NoError(t, err, "the second run has nothing under way")
			}
		}
	})
}

func TestAShutdownDuringAClaimLeavesNothingInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cancel context.CancelFunc
		armed := false
		w := newWorld(t, []step{
			{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: smsplus.Forward}},
		}, func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			c.Store = &dying{Store: memstore.New(), after: func() {
				if armed {
					armed = false
					cancel()
				}
			}}
		})
		_, err := w.SendMany(t.Context(), []smsplus.Trigger{w.trigger()}) // not claimed
		require.NoError(t, err)
		armed = true
		var ctx context.Context
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		require.NoError(t, w.Run(ctx))
		page, err := w.store.Records(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		require.Zero(t, page.Messages[0].Claims, "claimed, never tried, and in doubt when the lease ends: skipped")
	})
}

// dying is a store over a network: it commits, and then the caller's context ends.
type dying struct {
	smsplus.Store
	after func()
}

func (s *dying) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	got, err := s.Store.Claim(ctx, c)
	if err == nil && len(got.Messages) > 0 {
		s.after()
	}
	if ctx.Err() != nil {
		return smsplus.Claimed{}, ctx.Err()
	}
	return got, err
}

func TestNoDetailHoldsACutNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, fails(errors.New(strings.Repeat("x", 490) + "886912345678")), smsplus.Step{}}})
	require.NotContains(t, w.message(w.send()).Attempts[0].Detail, "88691234")
}

func TestNoDetailHoldsAPartOfALongerValue(t *testing.T) {
	t.Parallel()
	for range 20 {
		w := newWorld(t, []step{{channel.SMS, fails(errors.New("bad code 49817255")), smsplus.Step{}}}, func(c *smsplus.Config) {
			c.Templates[0].Route[0].Content = channel.Text("{{a}} {{b}}")
		})
		m := w.message(w.send(func(tr *smsplus.Trigger) { tr.Vars = map[string]string{"a": "4981", "b": "49817255"} }))
		require.Equal(t, "bad code ***", m.Attempts[0].Detail)
	}
}

func TestALatePutBackLeavesAnothersRetryAlone(t *testing.T) {
	t.Parallel()
	var w *world
	var other *smsplus.Dispatcher
	n := 0
	w = newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		n++
		if n == 1 {
			w.clock.Add(61 * time.Second)
			_, err := other.Tick(t.Context())
			require.NoError(t, err)
			return channel.Result{Status: status.Delivered}, nil
		}
		return channel.Result{}, channel.Temporary(errors.New("429"), time.Hour)
	}, smsplus.Step{}}})
	other = w.another()
	var ids []uuid.UUID
	for range 2 {
		id, err := w.Send(t.Context(), w.trigger())
		require.NoError(t, err)
		ids = append(ids, id)
	}
	w.tick()
	for _, id := range ids {
		if m := w.message(id); m.Status == status.Preparing {
			require.Equal(t, start.Add(61*time.Second+time.Hour), m.DueAt, "the provider said: in an hour")
			require.Equal(t, 2, m.Attempts[0].Tries, "the send that never was counts as one whose outcome is not known")
		}
	}
}

func TestALowRateLaneDoesNotMakeClaimsSmall(t *testing.T) {
	var claims atomic.Int64
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Channels = append(c.Channels, fake("slow", says(status.Delivered)))
		c.Limits = map[channel.Name]smsplus.Limit{"slow": {Rate: 0.05}}
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Claim" {
				claims.Add(1)
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		trs := make([]smsplus.Trigger, 256)
		for i := range trs {
			trs[i] = w.trigger()
		}
		before := claims.Load()
		_, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		synctest.Wait()
		require.Less(t, claims.Load()-before, int64(20))
	})
}

type touchy struct{}

func (o *touchy) Observe(_ context.Context, e smsplus.Event) {
	if _, ok := e.(smsplus.Triggered); ok {
		panic("observer")
	}
}

func TestAPanickingObserverDoesNotBlockTheDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := sms(t, func(c *smsplus.Config) { c.Clock, c.NewID, c.Observer = nil, uuid.New, &touchy{} })
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		func() {
			defer func() { _ = recover() }() // as net/http does
			_, _ = w.Send(t.Context(), w.trigger())
		}()
		cancel()
		require.NoError(t, <-ran)
	})
}

type sulky struct{}

func (sulky) Observe(_ context.Context, e smsplus.Event) {
	if _, ok := e.(smsplus.StoreFailed); ok {
		panic("observer")
	}
}

func TestAPanickingObserverDoesNotStopTheBatcher(t *testing.T) {
	t.Parallel()
	down := true
	w := sms(t, func(c *smsplus.Config) {
		c.Observer = sulky{}
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(string) error {
			if down {
				return errors.New("down")
			}
			return nil
		}}
	})
	for range 2 {
		func() {
			defer func() { _ = recover() }()
			_, _ = w.Send(t.Context(), w.trigger())
		}()
	}
	down = false
	done := make(chan error, 1)
	go func() { _, err := w.Send(t.Context(), w.trigger()); done <- err }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(2 * time.Second):
		t.Fatal("Send hangs for ever")
	}
}

func TestAnOutcomeIsNotStoredInABusyLoop(t *testing.T) {
	var calls atomic.Int64
	var broken atomic.Bool
	var w0 *world
	var id uuid.UUID
	bubble(t, []step{{channel.SMS, func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		if err := w0.Cancel(ctx, id); err != nil { // makes the outcome stale
			return channel.Result{}, err
		}
		broken.Store(true)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		id = uuid.New()
		c.NewID = func() uuid.UUID { return id }
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Message" && broken.Load() && calls.Add(1) < 10000 {
				return errors.New("down")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		w0 = w
		w.sendOnly(t)
		sleep(time.Second)
		require.Less(t, calls.Load(), int64(100), "calls to a store that is down, in one second")
	})
}

// One read that fails, or one put-back that fails, and the step is skipped unsent.
func TestOneFailedReadIsNoDoubt(t *testing.T) {
	for _, method := range []string{"Message"} {
		fail := false
		w := newWorld(t, []step{
			{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
			{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: smsplus.Forward}},
		}, func(c *smsplus.Config) {
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
				if m == method && fail {
					fail = false
					return errors.New("a hiccup")
				}
				return nil
			}}
		})
		id := w.send()
		w.clock.Add(wait)
		fail = true
		_, err := w.Tick(t.Context())
		require.Error(t, err)
		w.pass(time.Minute)
		w.pass(100 * time.Hour)
		require.Equal(t, 1, w.sends(channel.SMS), statuses(w.message(id)))
	}
}

func TestALateDeliveryIsLegalOnEveryMachine(t *testing.T) {
	m, err := status.NewMachine(status.Preparing,
		status.Edge{From: status.Preparing, To: status.Accepted}, status.Edge{From: status.Accepted, To: status.Undeliverable})
	require.NoError(t, err)
	w := newWorld(t, []step{{"fax", says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Channels[0].(*ChannelMock).TraitsFunc = func() channel.Traits { return channel.Traits{Machine: m} }
	})
	id := w.send()
	w.receive(receipt(w.message(id), 0, status.Undeliverable))
	w.receive(receipt(w.message(id), 0, status.Delivered))
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// The doubt of a drained send whose receipt came first.
func TestAReceiptBeforeADrainsCutSettlesTheDoubt(t *testing.T) {
	var w *world
	ctx, cancel := context.WithCancel(t.Context())
	w = newWorld(t, []step{{channel.SMS, func(c context.Context, e channel.Envelope) (channel.Result, error) {
		r := channel.Receipt{Channel: channel.SMS, ProviderID: e.AttemptID.String(), Status: status.Delivered, At: start}
		if err := w.Receive(context.Background(), r); err != nil {
			return channel.Result{}, err
		}
		cancel()
		return channel.Result{}, c.Err()
	}, smsplus.Step{InDoubt: smsplus.Forward}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	_, _ = w.Tick(ctx)
	w.pass(100 * time.Hour)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

// A template's route is the caller's slice.
func TestCallersRoutesAreTheirs(t *testing.T) {
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.config.Templates[0].Route[0].Content = channel.Text("changed")
	w.tick()
	require.Equal(t, channel.Text("Your code is 498172"), w.channels[channel.SMS].SendCalls()[0].E.Content)
	_ = id
}

func TestADoubtThatAReceiptSettledIsNotForwarded(t *testing.T) {
	for _, policy := range []smsplus.Policy{smsplus.Resend, smsplus.Forward} {
		var w *world
		w = newWorld(t, []step{
			{channel.WhatsApp, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
				w.receive(channel.Receipt{Channel: channel.WhatsApp, ProviderID: e.AttemptID.String(), Status: status.Accepted})
				return channel.Result{}, channel.InDoubt(errors.New("no answer"))
			}, smsplus.Step{InDoubt: policy, Wait: wait}},
			{channel.SMS, says(status.Delivered), smsplus.Step{}},
		})
		id := w.send()
		require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(id)), policy)
	}
}

func TestAParkedDeliveryStopsARetryOfALaterStep(t *testing.T) {
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, inTurn(fails(errors.New("503")), says(status.Accepted)), smsplus.Step{}},
	})
	id := w.send()
	w.pass(wait)
	m := w.message(id)
	require.Equal(t, "preparing: whatsapp=accepted sms=preparing(system_error)", statuses(m))
	// Parked, and its dispatcher died (as in TestAParkedReceiptWhoseDispatcherDied…).
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{
		receipt(m, 0, status.Delivered, func(r *channel.Receipt) { r.At = w.clock.Now() }),
	}))
	w.pass(time.Minute)
	require.Equal(t, 1, w.sends(channel.SMS), statuses(w.message(id)))
	require.True(t, w.message(id).DueAt.IsZero())
}

func TestAParkedDeliveryStopsTheThirdStep(t *testing.T) {
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
		{"letter", says(status.Accepted), smsplus.Step{}},
	})
	id := w.send()
	w.pass(wait)
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{
		receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = w.clock.Now() }),
	}))
	w.pass(wait)
	require.Zero(t, w.sends("letter"), statuses(w.message(id)))
	require.True(t, w.message(id).DueAt.IsZero())
}

func TestALateOutcomeLeavesAnothersLeaseAlone(t *testing.T) {
	t.Parallel()
	// The send outlives its lease, and another dispatcher has claimed the message.
	var w *world
	var lease time.Time
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		w.clock.Add(2 * time.Minute)
		c, err := w.store.Claim(ctx, smsplus.Claim{Now: w.clock.Now(), Lease: time.Minute, Limit: 1})
		if err != nil || len(c.Messages) != 1 {
			t.Errorf("%d claimed: %v", len(c.Messages), err)
		}
		lease = c.Messages[0].DueAt
		return says(status.Accepted)(ctx, e)
	}, smsplus.Step{}}})
	id := w.send()
	m := w.message(id)
	require.Equal(t, "accepted: sms=accepted", statuses(m), "what it learned is not lost")
	require.Equal(t, lease, m.DueAt)

	// The other one died. What it may have sent is the same attempt: nothing more is.
	w.pass(time.Minute)
	require.Equal(t, "accepted: sms=accepted", statuses(w.message(id)))
	require.Equal(t, start.Add(48*time.Hour), w.message(id).DueAt)
	require.Equal(t, 1, w.sends(channel.SMS))
}

// deaf is a store whose Claim does not know of Except.
type deaf struct{ smsplus.Store }

func (s deaf) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	c.Except = nil
	return s.Store.Claim(ctx, c)
}

func TestAStoreThatIgnoresExceptOnlyCostsTime(t *testing.T) {
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(time.Second)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store, c.Batch = deaf{c.Store}, 2
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		for range 30 {
			w.sendOnly(t)
		}
		sleep(2 * time.Minute)
		require.Empty(t, open(t, w.store))
		require.Equal(t, 30, w.sends(channel.SMS))
	})
}

func TestWhatIsParkedIsNotPassedOverWhileTheStoreDoesNotSay(t *testing.T) {
	var failing atomic.Int64
	bubble(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: time.Hour}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Parked" && failing.Add(-1) >= 0 {
				return errors.New("a hiccup")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		synctest.Wait()
		require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{
			receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = time.Now() }),
		}))
		failing.Store(3)
		sleep(time.Hour + time.Minute)
		require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)))
		require.Zero(t, w.sends(channel.SMS))
	})
}

func TestAMessageDoesNotEndBeforeItsNameHasBeenLookedFor(t *testing.T) {
	t.Parallel()
	// A send in doubt is tried again and fails for good. A receipt under the attempt's
	// own ID is parked just before that ID is stored, and then the dispatcher dies.
	var w *world
	var id uuid.UUID
	var healthy *smsplus.Dispatcher
	var armed, dead bool
	gone := errors.New("gone")
	store := memstore.New()
	w = newWorld(t, []step{{channel.SMS, fails(channel.Failed(status.TemplateConfig, "")), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = store
		d, err := smsplus.New(*c)
		require.NoError(t, err)
		healthy = d
		c.Store = &storetest.Faulty{Store: store, Before: func(method string) error {
			if dead {
				return gone
			}
			if armed && method == "Update" {
				return healthy.Receive(t.Context(), channel.Receipt{
					Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered,
				})
			}
			return nil
		}, After: func(method string) error {
			if armed && method == "Update" {
				dead = true
				return gone
			}
			return nil
		}}
	})
	var err error
	id, err = w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	_, err = store.Claim(t.Context(), smsplus.Claim{Now: w.clock.Now(), Lease: time.Minute, Limit: 1}) // and no more was heard of it
	require.NoError(t, err)
	w.clock.Add(time.Minute)
	armed = true
	_, err = w.Tick(t.Context())
	require.ErrorIs(t, err, gone)
	_, err = healthy.Tick(t.Context())
	require.NoError(t, err)
	m, err := healthy.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "delivered: sms=delivered", statuses(m))
}
