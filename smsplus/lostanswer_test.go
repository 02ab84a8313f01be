package smsplus_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// losingAnswers returns a change of a config after which the store takes each call, and
// loses the answers of a method while lose is true.
func losingAnswers(method string, lose *atomic.Bool) func(*smsplus.Config) {
	return func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, After: func(m string) error {
			if lose.Load() && m == method {
				return errors.New("the answer was lost")
			}
			return nil
		}}
	}
}

// singleStep returns a step that is sent under a policy, and one to forward to.
func singleStep(policy smsplus.Policy) []step {
	return []step{
		{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: policy, Wait: 1000 * time.Hour}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	}
}

var policies = map[string]smsplus.Policy{"at least once": smsplus.Resend, "at most once": smsplus.Forward}

func TestClaim_LostAnswerIsNotATry(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lose atomic.Bool
			w := newWorld(t, singleStep(policy), losingAnswers("Claim", &lose))
			id := w.sendOnly(t)
			lose.Store(true)
			for range 100 { // more than Retry.Tries, and than Retry.InDoubt
				_, err := w.Tick(t.Context())
				require.Error(t, err)
				w.clock.Add(time.Minute)
			}
			lose.Store(false)
			w.tick()
			m := w.message(id)
			require.Equal(t, "delivered: sms=delivered", statuses(m))
			require.Equal(t, 1, w.sends(channel.SMS))
			require.Equal(t, 1, m.Attempts[0].Tries)
		})
	}
}

// A claim whose answer was lost, after a send in doubt, adds no doubt.
func TestClaim_LostAnswerAddsNoSecondDoubt(t *testing.T) {
	t.Parallel()
	var lose atomic.Bool
	w := newWorld(t, []step{{channel.SMS, inTurn(crashes, says(status.Delivered)), smsplus.Step{Wait: 1000 * time.Hour}}}, losingAnswers("Claim", &lose))
	id := w.sendAndCrash()
	lose.Store(true)
	for range 100 {
		w.clock.Add(time.Minute)
		_, err := w.Tick(t.Context())
		require.Error(t, err)
	}
	lose.Store(false)
	w.advance(time.Minute)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	require.Equal(t, 2, w.sends(channel.SMS))
}

// A trigger with a key may be repeated until Send succeeds, however many answers of the
// store are lost. Then the message is sent once.
func TestInsert_LostAnswerIsNotATry(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		for kind, send := range map[string]func(w *world, tr smsplus.Trigger) (uuid.UUID, error){
			"Send": func(w *world, tr smsplus.Trigger) (uuid.UUID, error) { return w.Send(w.t.Context(), tr) },
			"SendMany": func(w *world, tr smsplus.Trigger) (uuid.UUID, error) {
				ids, err := w.SendMany(w.t.Context(), []smsplus.Trigger{tr})
				if err != nil {
					return uuid.UUID{}, err
				}
				return ids[0], nil
			},
		} {
			t.Run(fmt.Sprintf("%s, %s", kind, name), func(t *testing.T) {
				var lose atomic.Bool
				runInBubble(t, singleStep(policy), losingAnswers("Insert", &lose), func(t *testing.T, w *world) {
					tr := w.trigger()
					tr.Key = "order-7"
					lose.Store(true)
					_, err := send(w, tr)
					require.ErrorIs(t, err, smsplus.ErrMaybeStored)
					lose.Store(false)
					id, err := send(w, tr)
					require.NoError(t, err)
					sleep(3 * time.Minute) // the lease of the first call
					m := w.message(id)
					require.Equal(t, "delivered: sms=delivered", statuses(m))
					require.Equal(t, 1, w.sends(channel.SMS))
					require.Equal(t, 1, m.Attempts[0].Tries)
				})
			})
		}
	}
}

// A dispatcher whose update took effect without an answer finds its own word in the row.
func TestUpdate_LostAnswerRepeatsNothing(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			var lose atomic.Bool
			runInBubble(t, singleStep(policy), losingAnswers("Update", &lose), func(t *testing.T, w *world) {
				lose.Store(true)
				id := w.sendOnly(t)
				sleep(30 * time.Second)
				lose.Store(false)
				sleep(5 * time.Minute)
				m := w.message(id)
				require.Equal(t, "delivered: sms=delivered", statuses(m))
				require.Equal(t, 1, w.sends(channel.SMS))
				require.Equal(t, 1, m.Attempts[0].Tries)
				require.Zero(t, m.Claims)
			})
		})
	}
}

// A dispatcher whose lease another one has taken sends nothing.
func TestClaim_LostLeaseSendsNothing(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
				{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: policy}},
			})
			id := w.send()
			slow := w.newOtherDispatcher(func(c *smsplus.Config) {
				c.Store = &storeWithClaimHook{Store: w.store, afterClaim: func() {
					w.clock.Add(time.Minute)
					w.claimAndDie()
				}}
			})
			w.clock.Add(wait)
			_, err := slow.Tick(t.Context())
			require.NoError(t, err)
			require.Zero(t, w.sends(channel.SMS))
			require.Equal(t, int64(1), w.message(id).Holder, "the other holder keeps its lease")
		})
	}
}
