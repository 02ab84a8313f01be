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
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestRelease_LeavesAnotherHoldersRetryAlone(t *testing.T) {
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
	other = w.newDispatcher()
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
			require.Equal(t, 1, m.Attempts[0].Tries, "a claim without a send is no try")
		}
	}
}

// rateLimited allows one SMS in 100 s, which is longer than a lease: a second message that is
// due is put back.
func rateLimited(c *smsplus.Config) {
	c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 0.01}}
}

// A database that can be read and not written (a full disk, a standby) refuses every intent.
func TestIntent_IsRepeatedWithBackOff(t *testing.T) {
	var refusing atomic.Bool
	var refused atomic.Int64
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Update" && refusing.Load() && refused.Add(1) < 10_000 {
				return errors.New("read-only")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		due := time.Now().Add(time.Minute)
		id := w.send(func(tr *smsplus.Trigger) { tr.SendAt = due })
		lost, err := w.store.Claim(t.Context(), smsplus.Claim{
			Now: due, Lease: time.Minute, Limit: 1, Holder: 1, Only: []channel.Name{channel.SMS},
		})
		require.NoError(t, err)
		require.Len(t, lost.Messages, 1, "the next claim's send needs an intent of its own")
		refusing.Store(true)
		sleep(2*time.Minute + 10*time.Second)
		require.Positive(t, refused.Load())
		require.Less(t, refused.Load(), int64(100))
		require.Zero(t, w.sends(channel.SMS))
		refusing.Store(false)
		sleep(10 * time.Minute)
		require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
		require.Equal(t, 1, w.sends(channel.SMS))
	})
}

// A message that changed while it was put back is put back all the same.
func TestRelease_RepeatsAStaleUpdate(t *testing.T) {
	t.Parallel()
	var duringRelease func()
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, rateLimited, beforeOnce("Update", &duringRelease))
	other := w.newDispatcher()
	w.send()
	w.advance(time.Second)
	id := w.send()
	w.clock.Add(wait - time.Second)
	w.tick() // sends the first, which takes the turn
	w.clock.Add(time.Second)
	duringRelease = func() {
		require.NoError(t, other.Receive(t.Context(), receipt(w.message(id), 0, status.Undeliverable)))
	}
	w.tick()
	require.Nil(t, duringRelease)
	m := w.message(id)
	require.Equal(t, "preparing: line_notify=undeliverable(carrier_error) sms=preparing", statuses(m))
	require.Zero(t, m.Claims)
	require.Equal(t, w.clock.Now().Add(99*time.Second), m.DueAt, "its turn comes then")
	w.advance(99 * time.Second)
	require.Equal(t, 2, w.sends(channel.SMS))
}

// In Run, a message is put back although the store fails some calls. Otherwise the next
// claim would find its step in doubt.
func TestRelease_RepeatsAFailedUpdate(t *testing.T) {
	var failing atomic.Int64
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: smsplus.Forward}}}, func(c *smsplus.Config) {
		rateLimited(c)
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Update" && failing.Add(-1) >= 0 {
				return errors.New("a hiccup")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		sleep(time.Second)
		failing.Store(2)
		id := w.sendOnly(t)
		sleep(2 * time.Second)
		require.Negative(t, failing.Load())
		m := w.message(id)
		require.Zero(t, m.Claims)
		require.Zero(t, m.Attempts[0].Doubts)
		sleep(100 * time.Second)
		require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	})
}

// Tick never waits: a message that cannot be put back falls due when its lease ends.
func TestRelease_DoesNotWaitInTick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where a wait for the mock clock is a deadlock
		fail := false
		w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, rateLimited, func(c *smsplus.Config) {
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
				if method == "Update" && fail {
					fail = false
					return errors.New("a hiccup")
				}
				return nil
			}}
		})
		w.send()
		id := w.sendOnly(t)
		fail = true
		w.tick()
		require.False(t, fail)
		require.Equal(t, start.Add(time.Minute), w.message(id).DueAt)
		w.advance(100 * time.Second)
		require.Equal(t, status.Delivered, w.message(id).Status)
	})
}

// The look at parked receipts after an intent is not the last look at the row: a delivery
// that was stored between the two stops the send.
func TestIntent_DeliveryBeforeTheLookAfterItStopsTheSend(t *testing.T) {
	t.Parallel()
	store := &storetest.Faulty{}
	w := newWorld(t, []step{{channel.WhatsApp, inTurn(crashes, says(status.Accepted)), smsplus.Step{}}}, func(c *smsplus.Config) {
		store.Store, c.Store = c.Store, store
	})
	other := w.newDispatcher()
	id := w.sendAndCrash()
	var last string
	store.Before = func(method string) error {
		if last == "Update" && method == "Parked" {
			store.Before = nil
			quoted := channel.Receipt{Channel: channel.WhatsApp, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered}
			require.NoError(t, other.Receive(t.Context(), quoted))
		}
		last = method
		return nil
	}
	w.advance(time.Minute)
	require.Nil(t, store.Before, "there was a look after the intent")
	require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
	require.Equal(t, 1, w.sends(channel.WhatsApp))
}

// A message that changed under its holder is decided again. If the look at its parked
// receipts fails then, it is put back for a poll, and not left until its lease ends.
func TestConfirm_FailedLookAtAChangedMessagePutsItBack(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	store := &storetest.Faulty{}
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) { store.Store, c.Store = c.Store, store })
	other := w.newDispatcher()
	id := w.send()
	changed := false
	store.Before = func(method string) error {
		switch {
		case method == "Message" && !changed:
			changed = true
			require.NoError(t, other.Receive(t.Context(), receipt(w.message(id), 0, status.Undeliverable)))
		case method == "Parked" && changed:
			store.Before = nil
			return down
		}
		return nil
	}
	w.clock.Add(wait)
	_, err := w.Tick(t.Context())
	require.ErrorIs(t, err, down)
	w.advance(2 * time.Second) // more than a poll, and less than a lease
	m := w.message(id)
	require.Equal(t, "delivered: line_notify=undeliverable(carrier_error) sms=delivered", statuses(m))
	require.Equal(t, 1, w.sends(channel.SMS))
}

// A call to the store that fails between a claim and a send leaves no doubt: the step is
// sent once, and not given up.
func TestConfirm_FailedCallIsNoDoubt(t *testing.T) {
	t.Parallel()
	for policy, methods := range map[smsplus.Policy][]string{
		smsplus.Resend:  {"Claim", "Parked", "Message"},
		smsplus.Forward: {"Claim", "Parked", "Update"}, // the update stores the intent
	} {
		for _, method := range methods {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, answer lost %v, policy %d", method, lost, policy), func(t *testing.T) {
					t.Parallel()
					fail := false
					failOnce := func(m string) error {
						if m == method && fail {
							fail = false
							return errors.New("a hiccup")
						}
						return nil
					}
					w := newWorld(t, []step{
						{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
						{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: policy}},
					}, func(c *smsplus.Config) {
						if lost {
							c.Store = &storetest.Faulty{Store: c.Store, After: failOnce}
						} else {
							c.Store = &storetest.Faulty{Store: c.Store, Before: failOnce}
						}
					})
					id := w.send()
					w.clock.Add(wait)
					fail = true
					_, _ = w.Tick(t.Context()) // it may report the failure
					require.False(t, fail)
					w.advance(time.Minute)
					w.advance(100 * time.Hour)
					m := w.message(id)
					require.Equal(t, "delivered: line_notify=accepted sms=delivered", statuses(m))
					require.Equal(t, 1, w.sends(channel.SMS))
					require.Equal(t, 1, m.Attempts[1].Tries)
				})
			}
		}
	}
}
