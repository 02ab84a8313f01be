package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
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
