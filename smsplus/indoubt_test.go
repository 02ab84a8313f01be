package smsplus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// lost is an answer that never came.
func lost(context.Context, channel.Envelope) (channel.Result, error) {
	return channel.Result{}, channel.InDoubt(errors.New("no answer"))
}

// Whatever settles a send that a dispatcher died in, the attempt says how often it was
// tried.
func TestATryThatNobodySawTheEndOfIsCounted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(w *world, m smsplus.Message) // while the message is the dead dispatcher's
		after  []channel.Receipt
		want   string
		tries  int
	}{
		"it is sent again": {want: "delivered: sms=delivered", tries: 2},
		"a receipt was parked": {
			before: func(w *world, m smsplus.Message) {
				w.receive(channel.Receipt{
					Channel: channel.SMS, ProviderID: smsplus.AttemptID(m.ID, 0).String(), Status: status.Delivered,
				})
			},
			want: "delivered: sms=delivered", tries: 1,
		},
		"it is canceled": {
			before: func(w *world, m smsplus.Message) { require.NoError(w.t, w.Cancel(w.t.Context(), m.ID)) },
			want:   "undeliverable: sms=undeliverable(canceled)", tries: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, id := died(t, says(status.Delivered))
			if tc.before != nil {
				tc.before(w, w.message(id))
			}
			w.pass(2 * time.Minute)
			m := w.message(id)
			require.Equal(t, tc.want, statuses(m))
			require.Equal(t, tc.tries, m.Attempts[0].Tries)
			require.Equal(t, tc.tries, w.sends(channel.SMS))
		})
	}

	t.Run("a receipt comes for the try before it", func(t *testing.T) {
		t.Parallel()
		w, id := died(t, lost, says(status.Accepted))
		m := w.message(id)
		require.Equal(t, 2, w.sends(channel.SMS))
		w.receive(receipt(m, 0, status.Delivered))
		m = w.message(id)
		require.Equal(t, status.Delivered, m.Status)
		require.Equal(t, 2, m.Attempts[0].Tries)
	})

	t.Run("it is canceled after a try before it", func(t *testing.T) {
		t.Parallel()
		w, id := died(t, lost, says(status.Accepted))
		require.NoError(t, w.Cancel(t.Context(), id))
		w.pass(2 * time.Minute)
		require.Equal(t, 2, w.message(id).Attempts[0].Tries)
	})

	t.Run("it is sent again after a try before it", func(t *testing.T) {
		t.Parallel()
		w, id := died(t, lost, says(status.Accepted))
		w.pass(2 * time.Minute)
		require.Equal(t, 3, w.sends(channel.SMS))
		require.Equal(t, 3, w.message(id).Attempts[0].Tries)
	})
}

// A send that a dispatcher thought better of, since a receipt came just before it, is
// no try.
func TestATryThatNeverBeganIsNotCounted(t *testing.T) {
	t.Parallel()
	for _, st := range []status.Status{status.Delivered, status.Undeliverable} {
		store := &storetest.Faulty{}
		w := newWorld(t, []step{{channel.SMS, lost, smsplus.Step{}}}, func(c *smsplus.Config) {
			store.Store = c.Store
			c.Store = store
		})
		m := w.message(w.send())
		require.Equal(t, 1, m.Attempts[0].Tries)
		store.Before = func(method string) error {
			if method == "Message" { // the last look before the second try
				store.Before = nil
				w.receive(receipt(m, 0, st))
			}
			return nil
		}
		w.pass(time.Minute)
		require.Nil(t, store.Before)
		m = w.message(m.ID)
		require.Equal(t, st, m.Status)
		require.Equal(t, 1, w.sends(channel.SMS))
		require.Equal(t, 1, m.Attempts[0].Tries)
	}
}

// died returns a world in which a dispatcher died in the send that got the last of the
// answers, before that was stored.
func died(t *testing.T, answers ...answer) (*world, uuid.UUID) {
	t.Helper()
	store := &storetest.Faulty{}
	w := newWorld(t, []step{{channel.SMS, inTurn(answers...), smsplus.Step{}}}, func(c *smsplus.Config) {
		store.Store = c.Store
		c.Store = store
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	for range len(answers) - 1 {
		w.tick()
		w.clock.Add(30 * time.Second)
	}
	dead := false
	store.Before = func(method string) error {
		dead = dead || method == "Update"
		if dead {
			return errors.New("the dispatcher is dead")
		}
		return nil
	}
	_, err = w.Tick(t.Context())
	require.Error(t, err)
	require.Equal(t, len(answers), w.sends(channel.SMS))
	store.Before = nil
	return w, id
}
