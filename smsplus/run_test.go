package smsplus_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// runInBubble runs f in a synctest bubble with a dispatcher on the real clock that runs
// until f returns, and must then drain.
func runInBubble(t *testing.T, steps []step, change func(*smsplus.Config), f func(t *testing.T, w *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, steps, func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			if change != nil {
				change(c)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		f(t, w)
		cancel()
		require.NoError(t, <-ran)
	})
}

// sendOnly triggers a message and leaves it to the running dispatcher.
func (w *world) sendOnly(t *testing.T, change ...func(*smsplus.Trigger)) uuid.UUID {
	t.Helper()
	tr := w.trigger()
	for _, c := range change {
		c(&tr)
	}
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	return id
}

// sleep lets time pass in the bubble.
func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestRun_SendsAtOnceAndForwardsInTime(t *testing.T) {
	runInBubble(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, nil, func(t *testing.T, w *world) {
		began := time.Now()
		id := w.sendOnly(t)
		synctest.Wait()
		require.Equal(t, "accepted: line_notify=accepted", statuses(w.message(id)))
		sleep(wait + time.Millisecond)
		m := w.message(id)
		require.Equal(t, "delivered: line_notify=accepted sms=delivered", statuses(m))
		require.Less(t, m.DeliveredAt.Sub(began), wait+10*time.Millisecond, "the loop wakes when the message is due, not at the next poll")
	})
}

func TestRun_TwiceIsAnError(t *testing.T) {
	runInBubble(t, nil, func(c *smsplus.Config) { c.Templates = nil }, func(t *testing.T, w *world) {
		require.ErrorIs(t, w.Run(t.Context()), smsplus.ErrRunning)
	})
}

func TestRun_MayBeCalledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newSMSWorld(t, func(c *smsplus.Config) { c.Clock, c.NewID = nil, uuid.New })
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- w.Run(ctx) }()
			synctest.Wait()
			id := w.sendOnly(t)
			synctest.Wait()
			require.Equal(t, status.Delivered, w.message(id).Status)
			cancel()
			require.NoError(t, <-ran)
		}
	})
}

func TestRun_TakesMessagesThatOthersStored(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, nil, func(t *testing.T, w *world) {
		id, err := w.newDispatcher().Send(t.Context(), w.trigger())
		require.NoError(t, err)
		sleep(1100 * time.Millisecond) // the poll, with its jitter
		require.Equal(t, status.Delivered, w.message(id).Status)
	})
}

// notifyingStore is a store whose sessions do what a test tells them.
type notifyingStore struct {
	smsplus.Store
	steps    chan func() error // of a session; an error ends it
	sessions atomic.Int64
}

func (s *notifyingStore) NotifyDue(ctx context.Context, wake func()) error {
	s.sessions.Add(1)
	for {
		select {
		case do := <-s.steps:
			if err := do(); err != nil {
				return err
			}
			wake()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestNotifyDue_WakesTheClaimLoop(t *testing.T) {
	var seen recordingObserver
	var s *notifyingStore
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		s = &notifyingStore{Store: c.Store, steps: make(chan func() error)}
		c.Store, c.Poll, c.Observer = s, time.Hour, &seen
	}, func(t *testing.T, w *world) {
		hears := func() {
			t.Helper()
			id, err := w.newDispatcher().Send(t.Context(), w.trigger())
			require.NoError(t, err)
			synctest.Wait()
			require.Equal(t, status.Preparing, w.message(id).Status, "it is not notified yet")
			s.steps <- func() error { return nil }
			synctest.Wait()
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
		hears()
		s.steps <- func() error { return errors.New("broken") }
		synctest.Wait()
		require.Equal(t, int64(1), s.sessions.Load(), "a session that breaks is begun again after a pause")
		require.Contains(t, seen.list(), smsplus.StoreFailed{Op: "NotifyDue", Err: errors.New("broken")})
		sleep(time.Second)
		require.Equal(t, int64(2), s.sessions.Load())
		s.steps <- func() error { panic("a bug of the store's") }
		sleep(2 * time.Second)
		require.Equal(t, int64(3), s.sessions.Load())
		hears()
	})
}

func TestRun_SlowChannelHoldsUpNoOther(t *testing.T) {
	slow := func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		select {
		case <-time.After(10 * time.Second):
			return channel.Result{Status: status.Delivered}, nil
		case <-ctx.Done():
			return channel.Result{}, ctx.Err()
		}
	}
	runInBubble(t, []step{{"slow", slow, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Channels = append(c.Channels, fakeChannel(channel.SMS, says(status.Delivered)))
		c.Templates = append(c.Templates, smsplus.Template{ID: "fast", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}})
		c.Limits = map[channel.Name]smsplus.Limit{"slow": {Concurrency: 2}}
		c.Batch = 4
	}, func(t *testing.T, w *world) {
		var slow []uuid.UUID
		for range 50 {
			slow = append(slow, w.sendOnly(t))
		}
		for range 50 {
			id := w.sendOnly(t, func(tr *smsplus.Trigger) { tr.Template = "fast" })
			sleep(0)
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
		sleep(260 * time.Second) // 50 messages, two at once, 10 s each
		for _, id := range slow {
			require.Equal(t, status.Delivered, w.message(id).Status)
			require.Equal(t, 1, w.message(id).Attempts[0].Tries, "none lost its lease in the lane")
		}
	})
}

func TestRun_HangingChannelLosesOnlyItsLease(t *testing.T) {
	var released chan struct{} // made inside the bubble
	runInBubble(t, []step{{channel.SMS, inTurn(func(context.Context, channel.Envelope) (channel.Result, error) {
		<-released
		return channel.Result{Status: status.Accepted, ProviderID: "late"}, nil
	}, says(status.Accepted)), smsplus.Step{}}}, func(*smsplus.Config) { released = make(chan struct{}) }, func(t *testing.T, w *world) {
		hung := w.sendOnly(t)
		sleep(0)
		other := w.sendOnly(t)
		synctest.Wait()
		require.Equal(t, status.Accepted, w.message(other).Status)
		sleep(62 * time.Second) // the lease
		m := w.message(hung)
		require.Equal(t, "accepted: sms=accepted", statuses(m))
		require.Equal(t, 2, w.sends(channel.SMS)-1, "sent again")
		require.Equal(t, 1, m.Attempts[0].Tries, "the call that hangs is not answered, and has not timed out")
		require.Zero(t, m.Attempts[0].Doubts, "the answer settled the doubt")
		close(released)
		sleep(0)
		late := w.message(hung).Attempts[0]
		late.StartedAt = m.Attempts[0].StartedAt // the first send knows an earlier one
		require.Equal(t, m.Attempts[0], late, "the late answer adds nothing")
	})
}

func TestDrain_FinishesSendsAndPutsBackTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, []step{{channel.SMS, func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
			<-time.After(5 * time.Second)
			return channel.Result{Status: status.Delivered}, ctx.Err()
		}, smsplus.Step{}}}, func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		first, second := w.sendOnly(t), w.sendOnly(t)
		sleep(time.Millisecond)
		cancel()
		require.NoError(t, <-ran)
		require.Equal(t, status.Delivered, w.message(first).Status)
		m := w.message(second)
		require.Equal(t, "preparing: sms=preparing", statuses(m))
		require.Equal(t, m.TriggeredAt, m.Attempts[0].StartedAt, "its wait goes on")
		require.Zero(t, m.Attempts[0].Tries)
		require.False(t, m.DueAt.After(time.Now()), "due at once, for any dispatcher")
		require.Zero(t, m.Claims)
		third := w.sendOnly(t) // without Run, Send only inserts
		require.Equal(t, "preparing:", statuses(w.message(third)))
	})
}

// While the store is down, a message of a lane cannot be put back. Run gives it up when the
// drain is over: it falls due when its lease ends.
func TestDrain_GivesUpWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		w := newWorld(t, []step{{channel.SMS, hangs, smsplus.Step{}}}, func(c *smsplus.Config) {
			c.Clock, c.NewID, c.DrainTimeout = nil, uuid.New, time.Second
			c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
				if down.Load() && method == "Update" {
					return errors.New("down")
				}
				return nil
			}}
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		w.sendOnly(t)
		waiting := w.sendOnly(t)
		synctest.Wait()
		lease := w.message(waiting).DueAt
		down.Store(true)
		began := time.Now()
		cancel()
		require.NoError(t, <-ran)
		require.Less(t, time.Since(began), 2*time.Second)
		require.Equal(t, lease, w.message(waiting).DueAt)
	})
}

func TestDrain_CutsSendsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	for _, obeys := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			released := make(chan struct{})
			w := newWorld(t, []step{{channel.SMS, func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
				select {
				case <-released:
				case <-map[bool]<-chan struct{}{true: ctx.Done()}[obeys]:
				}
				return channel.Result{}, errors.New("cut off")
			}, smsplus.Step{}}}, func(c *smsplus.Config) {
				c.Clock, c.NewID, c.DrainTimeout = nil, uuid.New, time.Second
			})
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- w.Run(ctx) }()
			synctest.Wait()
			id := w.sendOnly(t)
			synctest.Wait()
			cancel()
			err := <-ran
			if obeys {
				require.NoError(t, err)
				require.Equal(t, "preparing: sms=preparing(in_doubt)", statuses(w.message(id)))
			} else {
				require.ErrorContains(t, err, "gave up on 1 sends")
			}
			close(released)
			synctest.Wait()
		})
	}
}

// breakingListener is a channel whose first two sessions for receipts break.
type breakingListener struct {
	*ChannelMock
	sessions atomic.Int64
	receipts chan channel.Receipt
}

func (l *breakingListener) Listen(ctx context.Context, s channel.Sink) error {
	switch l.sessions.Add(1) {
	case 1:
		return errors.New("broken")
	case 2:
		panic("broken")
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-l.receipts:
			if err := s(ctx, r); err != nil {
				return err
			}
		}
	}
}

func (*breakingListener) ReceiptHandler(channel.Sink) http.Handler { return http.NotFoundHandler() }

func TestListen_IsStartedAgainWithBackoff(t *testing.T) {
	l := &breakingListener{ChannelMock: fakeChannel(channel.SMS, says(status.Accepted))}
	var seen recordingObserver
	runInBubble(t, nil, func(c *smsplus.Config) {
		l.receipts = make(chan channel.Receipt)
		c.Channels, c.Observer = []channel.Channel{l}, &seen
		c.Templates = []smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}}
	}, func(t *testing.T, w *world) {
		require.Equal(t, int64(1), l.sessions.Load())
		sleep(time.Second)
		require.Equal(t, int64(2), l.sessions.Load())
		sleep(2 * time.Second)
		require.Equal(t, int64(3), l.sessions.Load())
		require.Contains(t, seen.list(), smsplus.ListenerStopped{channel.SMS, errors.New("broken")})

		id := w.sendOnly(t)
		synctest.Wait()
		l.receipts <- receipt(w.message(id), 0, status.Delivered)
		synctest.Wait()
		require.Equal(t, status.Delivered, w.message(id).Status)
	})
}

func TestRun_ForwardsAtOnceOnAReceipt(t *testing.T) {
	runInBubble(t, []step{
		{channel.SMS, says(status.Accepted), smsplus.Step{}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	}, nil, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		synctest.Wait()
		w.receive(receipt(w.message(id), 0, status.Undeliverable))
		sleep(time.Millisecond)
		require.Equal(t, "delivered: sms=undeliverable(carrier_error) letter=delivered", statuses(w.message(id)))
	})
}

func TestRun_SendsEachMessageOnceFromManyDispatchers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINEPush, fails(channel.Undeliverable(status.NoContact, "")), smsplus.Step{}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) { c.Clock, c.Batch, c.Poll = nil, 16, time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	var running, sending sync.WaitGroup
	ds := []*smsplus.Dispatcher{w.Dispatcher, w.newDispatcher(), w.newDispatcher()}
	for _, d := range ds {
		running.Go(func() {
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	const each = 500
	for i := range 8 {
		sending.Go(func() {
			for range each {
				if _, err := ds[i%len(ds)].Send(ctx, w.trigger()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	require.Eventually(t, func() bool { return w.sends(channel.SMS) >= 8*each }, time.Minute, time.Millisecond) // real threads have no Tick
	cancel()
	running.Wait()
	require.Equal(t, 8*each, w.sends(channel.SMS))
	require.Equal(t, 8*each, w.sends(channel.LINEPush))
	require.Empty(t, openMessages(t, w.store))
}

// A store that hangs stops sends only when as many outcomes are not stored as a crash may
// repeat.
func TestRun_SendsWhileOutcomesAreStored(t *testing.T) {
	const each, workers = 4, 2
	release := make(chan struct{})
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Batch = each
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: workers + 2}} // two wait for the store
		c.StoreTimeout = time.Hour
		c.Lease = 3 * time.Hour
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Update" {
				<-release
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		release = make(chan struct{}) // of the bubble
		trs := make([]smsplus.Trigger, 5*each)
		for i := range trs {
			trs[i] = w.trigger()
		}
		ids, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, 2*each+workers, w.sends(channel.SMS))
		close(release)
		synctest.Wait()
		for _, id := range ids {
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
	})
}

func newHungWorld(t *testing.T, released *chan struct{}) *world {
	w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-*released
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Clock, c.NewID, c.DrainTimeout = nil, uuid.New, time.Second
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	})
	return w
}

func TestDrain_PutsBackMessagesBehindAHungSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		w := newHungWorld(t, &released)
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

func TestRun_MayFollowAFailedDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		defer func() { close(released); synctest.Wait() }()
		w := newHungWorld(t, &released)
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

// A Send that is at the store while a run gives up its drain has a place in a lane. Its
// workers end when the next run begins.
func TestRun_EndsTheWorkersOfARunThatGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		atStore := make(chan struct{})
		w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
				if m == "Insert" {
					<-atStore
				}
				return nil
			}}
		})
		run := func() (stop func() error) {
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- w.Run(ctx) }()
			synctest.Wait()
			return func() error { cancel(); return <-ran }
		}
		stop := run()
		sent := make(chan error, 1)
		go func() {
			_, err := w.Send(t.Context(), w.trigger())
			sent <- err
		}()
		synctest.Wait()
		require.ErrorContains(t, stop(), "gave up")
		stop = run()
		close(atStore)
		require.ErrorIs(t, <-sent, smsplus.ErrMaybeStored)
		w.sendOnly(t)
		synctest.Wait()
		require.Equal(t, 1, w.sends(channel.SMS))
		require.NoError(t, stop())
	}) // the bubble waits for all goroutines
}
