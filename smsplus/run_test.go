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
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// bubble runs f in a synctest bubble with a dispatcher on the real clock that runs
// until f returns, and must then drain.
func bubble(t *testing.T, steps []step, change func(*smsplus.Config), f func(t *testing.T, w *world)) {
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

func TestRunSendsAtOnceAndForwardsInTime(t *testing.T) {
	bubble(t, []step{
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

func TestRunTwiceIsAnError(t *testing.T) {
	bubble(t, nil, func(c *smsplus.Config) { c.Templates = nil }, func(t *testing.T, w *world) {
		require.ErrorIs(t, w.Run(t.Context()), smsplus.ErrRunning)
	})
}

func TestRunMayBeCalledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := sms(t, func(c *smsplus.Config) { c.Clock, c.NewID = nil, uuid.New })
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

func TestRunTakesUpWhatOthersStored(t *testing.T) {
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, nil, func(t *testing.T, w *world) {
		id, err := w.another().Send(t.Context(), w.trigger())
		require.NoError(t, err)
		sleep(1100 * time.Millisecond) // the poll, with its jitter
		require.Equal(t, status.Delivered, w.message(id).Status)
	})
}

// waking is a store that hears of messages through a channel.
type waking struct {
	smsplus.Store
	heard    chan func() error // what a session does next; an error ends it
	sessions atomic.Int64
}

func (s *waking) NotifyDue(ctx context.Context, wake func()) error {
	s.sessions.Add(1)
	for {
		select {
		case do := <-s.heard:
			if err := do(); err != nil {
				return err
			}
			wake()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestAStoreWakesTheDispatcher(t *testing.T) {
	var seen events
	var s *waking
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		s = &waking{Store: c.Store, heard: make(chan func() error)}
		c.Store, c.Poll, c.Observer = s, time.Hour, &seen
	}, func(t *testing.T, w *world) {
		hears := func() {
			t.Helper()
			id, err := w.another().Send(t.Context(), w.trigger())
			require.NoError(t, err)
			synctest.Wait()
			require.Equal(t, status.Preparing, w.message(id).Status, "nobody said so yet")
			s.heard <- func() error { return nil }
			synctest.Wait()
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
		hears()
		s.heard <- func() error { return errors.New("broken") }
		synctest.Wait()
		require.Equal(t, int64(1), s.sessions.Load(), "a session that breaks is begun again after a pause")
		require.Contains(t, seen.list(), smsplus.StoreFailed{Op: "NotifyDue", Err: errors.New("broken")})
		sleep(time.Second)
		require.Equal(t, int64(2), s.sessions.Load())
		s.heard <- func() error { panic("a bug of the store's") }
		sleep(2 * time.Second)
		require.Equal(t, int64(3), s.sessions.Load())
		hears()
	})
}

func TestASlowChannelHoldsUpNoOther(t *testing.T) {
	slow := func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		select {
		case <-time.After(10 * time.Second):
			return channel.Result{Status: status.Delivered}, nil
		case <-ctx.Done():
			return channel.Result{}, ctx.Err()
		}
	}
	bubble(t, []step{{"slow", slow, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Channels = append(c.Channels, fake(channel.SMS, says(status.Delivered)))
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
		sleep(260 * time.Second) // 50 messages, two at a time, 10 s each
		for _, id := range slow {
			require.Equal(t, status.Delivered, w.message(id).Status)
			require.Equal(t, 1, w.message(id).Attempts[0].Tries, "none lost its lease in the lane")
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	var now, most atomic.Int64
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
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
		require.Empty(t, open(t, w.store))
		require.Equal(t, int64(3), most.Load())
	})
}

func TestTheRateLimitIsKept(t *testing.T) {
	var mu sync.Mutex
	var at []time.Time
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
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
		require.Empty(t, open(t, w.store))
		require.Len(t, at, 1000)
		for i := range at {
			if i > 0 {
				require.GreaterOrEqual(t, at[i].Sub(at[i-1]), 99*time.Millisecond)
			}
		}
		require.InDelta(t, 100, at[999].Sub(at[0]).Seconds(), 2, "and it is used")
	})
}

func TestAHangingChannelLosesItsLeaseAndNothingElse(t *testing.T) {
	var released chan struct{} // made inside the bubble
	bubble(t, []step{{channel.SMS, inTurn(func(context.Context, channel.Envelope) (channel.Result, error) {
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
		require.Equal(t, 2, m.Attempts[0].Tries)
		close(released)
		sleep(0)
		require.Equal(t, m.Attempts[0].ProviderID, w.message(hung).Attempts[0].ProviderID, "what came late adds nothing")
	})
}

func TestDrainFinishesWhatIsUnderWayAndPutsBackTheRest(t *testing.T) {
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
		synctest.Wait()
		cancel()
		require.NoError(t, <-ran)
		require.Equal(t, status.Delivered, w.message(first).Status)
		m := w.message(second)
		require.Equal(t, "preparing:", statuses(m))
		require.False(t, m.DueAt.After(time.Now()), "due at once, for whoever runs")
		require.Zero(t, m.Claims)
		third := w.sendOnly(t) // without Run, Send only inserts
		require.Equal(t, "preparing:", statuses(w.message(third)))
	})
}

func TestDrainCutsSendsThatTakeTooLong(t *testing.T) {
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

func TestAWorkerStoresItsOutcomeHoweverLongTheStoreIsDown(t *testing.T) {
	var down atomic.Bool
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		down.Store(true)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: memstore.New(), Before: func(string) error {
			if down.Load() {
				return errors.New("down")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		sleep(40 * time.Second)
		down.Store(false)
		sleep(6 * time.Second)
		require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
		require.Equal(t, 1, w.sends(channel.SMS))
	})
}

// listening is a channel with a session for receipts that breaks now and then.
type listening struct {
	*ChannelMock
	sessions atomic.Int64
	receipts chan channel.Receipt
}

func (l *listening) Listen(ctx context.Context, s channel.Sink) error {
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

func (*listening) ReceiptHandler(channel.Sink) http.Handler { return http.NotFoundHandler() }

func TestListenersRunAndAreStartedAgainWithBackoff(t *testing.T) {
	l := &listening{ChannelMock: fake(channel.SMS, says(status.Accepted))}
	var seen events
	bubble(t, nil, func(c *smsplus.Config) {
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

func TestAReceiptForwardsAtOnceWhileRunning(t *testing.T) {
	bubble(t, []step{
		{channel.SMS, says(status.Accepted), smsplus.Step{}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	}, nil, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		synctest.Wait()
		w.receive(receipt(w.message(id), 0, status.Undeliverable))
		sleep(time.Millisecond)
		require.Equal(t, "delivered: sms=undeliverable letter=delivered", statuses(w.message(id)))
	})
}

func TestManySendersAndDispatchersSendEachMessageOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINEPush, fails(channel.Undeliverable(status.NoContact, "")), smsplus.Step{}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) { c.Clock, c.Batch, c.Poll = nil, 16, time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	var running, sending sync.WaitGroup
	ds := []*smsplus.Dispatcher{w.Dispatcher, w.another(), w.another()}
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
	require.Empty(t, open(t, w.store))
}

// A store that hangs holds up what is on its way to it, and sends go on until that is
// as much as a crash may repeat.
func TestSendsGoOnWhileTheirOutcomesAreStored(t *testing.T) {
	const each, workers = 4, 2
	release := make(chan struct{})
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Batch = each
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: workers + 2}} // two wait for the store
		c.StoreTimeout = time.Hour
		c.Lease = 2 * time.Hour
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

func TestSendManyGoesToTheWorkersAtOnce(t *testing.T) {
	claims := 0
	bubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Claim" {
				claims++
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		before := claims
		trs := []smsplus.Trigger{w.trigger(), w.trigger(), w.trigger()}
		trs[1].SendAt = time.Now().Add(time.Hour)
		trs[2].Key = "order 17"
		ids, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, status.Delivered, w.message(ids[0]).Status)
		require.Equal(t, status.Preparing, w.message(ids[1]).Status)
		require.Equal(t, status.Delivered, w.message(ids[2]).Status)

		again, err := w.SendMany(t.Context(), trs[2:])
		require.NoError(t, err)
		require.Equal(t, ids[2:], again)
		_, err = w.SendMany(t.Context(), []smsplus.Trigger{w.trigger(), {Template: "t", To: trs[2].To, Key: trs[2].Key, Vars: map[string]string{"code": "1"}}})
		require.ErrorIs(t, err, smsplus.ErrKeyReused)
		synctest.Wait()
		require.Equal(t, 2, w.sends(channel.SMS), "all or nothing")
		require.LessOrEqual(t, claims-before, 2, "one for what comes later, and one for the room that the sends left")
	})
}

// Whoever sends more than a fast lane gets done is held back a little, and so the
// messages do not pile up in the store.
func TestSendManyKeepsPaceWithAFastLane(t *testing.T) {
	const workers, each = 64, 500
	var claimed atomic.Int64
	bubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(5 * time.Millisecond)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: workers}}
		c.Store = countingClaims{c.Store, &claimed}
	}, func(t *testing.T, w *world) {
		send := func(n int) {
			trs := make([]smsplus.Trigger, n)
			for i := range trs {
				trs[i] = w.trigger()
			}
			_, err := w.SendMany(t.Context(), trs)
			require.NoError(t, err)
		}
		const first = 6000
		send(first)
		sleep(300 * time.Millisecond)
		for range 30 {
			send(each)
		}
		sleep(time.Minute)
		require.Equal(t, first+30*each, w.sends(channel.SMS))
		require.Less(t, claimed.Load(), int64(first+30*each/10))
	})
}

// countingClaims counts the messages that claims bring.
type countingClaims struct {
	smsplus.Store
	n *atomic.Int64
}

func (s countingClaims) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	s.n.Add(int64(len(claimed.Messages)))
	return claimed, err
}
