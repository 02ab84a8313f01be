package smsplus_test

import (
	"context"
	"errors"
	"fmt"
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

func TestClaim_TakesMessagesThatLeaveAFullLane(t *testing.T) {
	var released chan struct{}
	var first atomic.Bool
	first.Store(true)
	runInBubble(t, []step{
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

func TestClaim_TakesMessagesThatLeaveALaneWithABacklog(t *testing.T) {
	var first atomic.Bool
	first.Store(true)
	runInBubble(t, []step{
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

func TestClaim_IsNotStarvedByTheFastPath(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
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

func TestClaim_LeavesNothingInDoubtAtShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cancel context.CancelFunc
		armed := false
		w := newWorld(t, []step{
			{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: smsplus.Forward}},
		}, func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			c.Store = &storeCancelingCaller{Store: memstore.New(), after: func() {
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

// storeCancelingCaller is a store over a network. It commits, and then the caller's context
// ends.
type storeCancelingCaller struct {
	smsplus.Store
	after func()
}

func (s *storeCancelingCaller) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	got, err := s.Store.Claim(ctx, c)
	if err == nil && len(got.Messages) > 0 {
		s.after()
	}
	if ctx.Err() != nil {
		return smsplus.Claimed{}, ctx.Err()
	}
	return got, err
}

func TestClaim_IsNotMadeSmallByALaneWithALowRate(t *testing.T) {
	var claims atomic.Int64
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Channels = append(c.Channels, fakeChannel("slow", says(status.Delivered)))
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

// storeIgnoringLanes is a store whose Claim takes from all the given lanes, whatever
// Claim.Only says.
type storeIgnoringLanes struct {
	smsplus.Store
	lanes []channel.Name
}

func (s storeIgnoringLanes) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	c.Only = s.lanes
	return s.Store.Claim(ctx, c)
}

// Messages that only end need no lane: they do not wait while every lane is slow or full.
func TestClaim_EndsMessagesWhileNoFastLaneHasRoom(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: time.Hour}}}, rateLimited, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		sleep(time.Hour + 5*time.Second)
		require.Equal(t, "undeliverable: sms=undeliverable(no_receipt)", statuses(w.message(id)))
	})
}

func TestClaim_PutsBackMessagesOfAFullLane(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(time.Second)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store, c.Batch = storeIgnoringLanes{c.Store, []channel.Name{channel.SMS, ""}}, 2
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		for range 30 {
			w.sendOnly(t)
		}
		sleep(2 * time.Minute)
		require.Empty(t, openMessages(t, w.store))
		require.Equal(t, 30, w.sends(channel.SMS))
	})
}

// Stores keep microseconds. A wait that is not whole ends at the next one.
func TestTick_EndsWithAWaitOfNanoseconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: time.Hour + time.Nanosecond}},
		{channel.WhatsApp, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	require.Zero(t, w.advance(time.Hour))
	require.Equal(t, 1, w.advance(time.Microsecond))
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// Tick says that the store failed, whichever call it was, and puts the message back: the
// next Tick sends it, once.
func TestTick_ReturnsTheStoresFirstError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		call   string // the nth call of a method
		nth    int
		policy smsplus.Policy
	}{
		{"Claim", 1, smsplus.Resend},
		{"Parked", 1, smsplus.Resend},  // after the claim
		{"Message", 1, smsplus.Resend}, // the last look before the send
		{"Claim", 2, smsplus.Resend},   // after the last message
	} {
		t.Run(fmt.Sprintf("%s %d", tt.call, tt.nth), func(t *testing.T) {
			t.Parallel()
			down := errors.New("down")
			left := 0
			w := newWorld(t, []step{
				{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
				{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: tt.policy}},
			}, func(c *smsplus.Config) {
				c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
					if m == tt.call {
						if left--; left == 0 {
							return down
						}
					}
					return nil
				}}
			})
			id := w.send()
			w.clock.Add(wait)
			left = tt.nth
			_, err := w.Tick(t.Context())
			require.ErrorIs(t, err, down)
			require.LessOrEqual(t, left, 0)
			w.advance(2 * time.Second) // more than a poll, and less than a lease
			m := w.message(id)
			require.Equal(t, "delivered: line_notify=accepted sms=delivered", statuses(m))
			require.Equal(t, 1, w.sends(channel.SMS))
			require.Equal(t, 1, m.Attempts[1].Tries)
		})
	}
}

// A message whose outcome could not be stored did not advance.
func TestTick_ReturnsThatAnOutcomeIsNotStored(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	fail := true
	w := newSMSWorld(t, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Update" && fail {
				fail = false
				return down
			}
			return nil
		}}
	})
	w.sendOnly(t)
	n, err := w.Tick(t.Context())
	require.ErrorIs(t, err, down)
	require.Zero(t, n)
}

func TestTick_ReturnsThatItsContextEnded(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	w.sendOnly(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Tick(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, w.sends(channel.SMS))
}

// The claim of messages that no dispatcher can send may fail too.
func TestTick_ReturnsTheErrorOfTheClaimOfOverdueMessages(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	claims := 0
	w := newSMSWorld(t)
	w.sendOnly(t)
	old := w.newOtherDispatcher(func(c *smsplus.Config) {
		withoutChannels(c)
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Claim" {
				claims++
			}
			if claims == 2 {
				return down
			}
			return nil
		}}
	})
	w.clock.Add(2 * time.Minute)
	_, err := old.Tick(t.Context())
	require.ErrorIs(t, err, down)
}

// In Run, a look at parked receipts that fails delays a message by a poll, and not by a
// lease, after which its step would be in doubt.
func TestClaim_FailedLookDelaysByAPoll(t *testing.T) {
	var failing atomic.Int64
	runInBubble(t, []step{
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
		failing.Store(3)
		sleep(time.Hour + 10*time.Second)
		require.Negative(t, failing.Load())
		m := w.message(id)
		require.Equal(t, "delivered: line_notify=accepted sms=delivered", statuses(m))
		require.Equal(t, 1, m.Attempts[1].Tries)
	})
}
