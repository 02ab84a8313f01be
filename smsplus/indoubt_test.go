package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// noAnswer is the answer of an adapter that got none.
var noAnswer = fails(channel.InDoubt(errors.New("no answer")))

// doubts are the ways in which a send ends without a known outcome.
var doubts = map[string]answer{
	"the adapter says so": noAnswer,
	"the call is cut off": func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		<-ctx.Done()
		return channel.Result{}, fmt.Errorf("post: %w", ctx.Err())
	},
	"the dispatcher dies": crashes,
}

// tickOrCrash does what is due. The dispatcher may die in it.
func (w *world) tickOrCrash() {
	w.t.Helper()
	_, err := w.Tick(w.t.Context())
	if !w.crashed.Load() {
		require.NoError(w.t, err)
		return
	}
	w.restart()
}

// quoting is a receipt of a provider that quotes the ID of the message's attempt.
func quoting(m smsplus.Message, step int, st status.Status) channel.Receipt {
	return channel.Receipt{Channel: m.Plan[step].Channel, ProviderID: smsplus.AttemptID(m.ID, step).String(), Status: st}
}

func TestInDoubt_FollowsThePolicyOfTheStep(t *testing.T) {
	t.Parallel()
	for how, first := range doubts {
		for _, tt := range []struct {
			name   channel.Name
			policy smsplus.Policy
			want   string
		}{
			{channel.SMS, smsplus.Resend, "delivered: sms=delivered"},
			{channel.SMS, smsplus.Forward, "delivered: sms=undeliverable(in_doubt) letter=delivered"},
			{channel.LINEPush, smsplus.Forward, "delivered: line_push=delivered"}, // idempotent: no doubt remains
		} {
			t.Run(fmt.Sprintf("%s, %s, policy %d", how, tt.name, tt.policy), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, []step{
					{tt.name, inTurn(first, says(status.Delivered)), smsplus.Step{Wait: wait, InDoubt: tt.policy}},
					{"letter", says(status.Delivered), smsplus.Step{}},
				}, func(c *smsplus.Config) { c.SendTimeout = time.Millisecond })
				id := w.sendOnly(t)
				w.tickOrCrash()
				w.advance(time.Minute)
				m := w.message(id)
				require.Equal(t, tt.want, statuses(m))
				for _, c := range w.channels[tt.name].SendCalls() {
					require.Equal(t, m.Attempts[0].ID, c.E.AttemptID)
				}
			})
		}
	}
}

func TestInDoubt_ForwardWaitsUniformly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINENotify, noAnswer, smsplus.Step{Wait: wait, InDoubt: smsplus.Forward}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	require.Equal(t, start.Add(wait), w.message(id).DueAt)
	w.advance(time.Hour)
	w.receive(quoting(w.message(id), 0, status.Delivered))
	w.advance(wait)
	require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)))
	require.Zero(t, w.sends(channel.SMS))
}

func TestInDoubt_IsSettledByAReceiptThatQuotesTheAttempt(t *testing.T) {
	t.Parallel()
	for how, first := range doubts {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.SMS, inTurn(first, says(status.Delivered)), smsplus.Step{Wait: wait}},
				{"letter", says(status.Delivered), smsplus.Step{}},
			}, func(c *smsplus.Config) { c.SendTimeout = time.Millisecond })
			id := w.sendOnly(t)
			w.tickOrCrash()
			w.receive(quoting(w.message(id), 0, status.Delivered))
			w.advance(time.Hour)
			require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
			require.Equal(t, 1, w.sends(channel.SMS), "nothing is sent again")
		})
	}
}

func TestInDoubt_IsSettledByAReceiptBeforeADrainCutsTheSend(t *testing.T) {
	t.Parallel()
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
	id := w.sendOnly(t)
	_, _ = w.Tick(ctx) // its error is that of ctx
	w.advance(100 * time.Hour)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestInDoubt_SettledByAReceiptIsNotForwarded(t *testing.T) {
	t.Parallel()
	for _, policy := range []smsplus.Policy{smsplus.Resend, smsplus.Forward} {
		var w *world
		w = newWorld(t, []step{
			{channel.WhatsApp, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
				w.receive(channel.Receipt{Channel: channel.WhatsApp, ProviderID: e.AttemptID.String(), Status: status.Accepted})
				return channel.Result{}, channel.InDoubt(errors.New("no answer"))
			}, smsplus.Step{InDoubt: policy, Wait: wait}},
			{channel.SMS, says(status.Delivered), smsplus.Step{}},
		})
		require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(w.send())), policy)
	}
}

// A message that kills each dispatcher that sends it ends.
func TestInDoubt_FailsAfterTooManySendsInARow(t *testing.T) {
	t.Parallel()
	for _, resends := range []int{1, 2, 5} {
		w := newWorld(t, []step{{channel.SMS, crashes, smsplus.Step{Wait: 240 * time.Hour}}}, func(c *smsplus.Config) { c.Retry.InDoubt = resends })
		id := w.sendAndCrash()
		for range resends {
			w.clock.Add(time.Minute)
			w.crash()
		}
		require.Equal(t, 1, w.advance(time.Minute))
		m := w.message(id)
		require.Equal(t, "failed: sms=failed(system_error)", statuses(m))
		require.Equal(t, "no send had a known outcome", m.Attempts[0].Detail)
		require.Equal(t, 1+resends, w.sends(channel.SMS))
		require.Equal(t, 1+resends, m.Attempts[0].Doubts)
		require.Zero(t, m.Attempts[0].Tries, "no send was answered, and none timed out")
	}
}

func TestInDoubt_IsForgottenWithAnAnswer(t *testing.T) {
	t.Parallel()
	busy := fails(errors.New("503"))
	w := newWorld(t, []step{{channel.SMS, inTurn(crashes, busy, crashes, busy, crashes, busy, says(status.Delivered)), smsplus.Step{}}},
		func(c *smsplus.Config) { c.Retry.InDoubt = 1 })
	id := w.sendAndCrash()
	for range 3 {
		w.advance(time.Minute)
		m := w.message(id)
		require.Equal(t, "preparing: sms=preparing(system_error)", statuses(m))
		require.Zero(t, m.Attempts[0].Doubts)
		w.clock.Add(time.Minute)
		w.tickOrCrash()
	}
	m := w.message(id)
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	require.Equal(t, 4, m.Attempts[0].Tries, "three that were busy, and the last")
}

// Sends without a known outcome are counted in Doubts. Tries counts calls that were
// answered or timed out.
func TestInDoubt_IsCountedApartFromTries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers         []answer
		beforeLeaseEnds func(w *world, m smsplus.Message)
		want            string
		tries, doubts   int
		sends           int
	}{
		"a crash, then an answer": {
			answers: []answer{crashes, says(status.Delivered)}, want: "delivered: sms=delivered", tries: 1, sends: 2,
		},
		"a time-out, then an answer": {
			answers: []answer{noAnswer, says(status.Delivered)}, want: "delivered: sms=delivered", tries: 2, sends: 2,
		},
		"a time-out, a crash, then an answer": {
			answers: []answer{noAnswer, crashes, says(status.Delivered)}, want: "delivered: sms=delivered", tries: 2, sends: 3,
		},
		"a crash, then a receipt": {
			answers:         []answer{crashes},
			beforeLeaseEnds: func(w *world, m smsplus.Message) { w.receive(quoting(m, 0, status.Delivered)) },
			want:            "delivered: sms=delivered", doubts: 1, sends: 1,
		},
		"a crash, then a Cancel": {
			answers:         []answer{crashes},
			beforeLeaseEnds: func(w *world, m smsplus.Message) { require.NoError(w.t, w.Cancel(w.t.Context(), m.ID)) },
			want:            "undeliverable: sms=undeliverable(canceled)", doubts: 1, sends: 1,
		},
		"a time-out, a crash, then a receipt": {
			answers:         []answer{noAnswer, crashes},
			beforeLeaseEnds: func(w *world, m smsplus.Message) { w.receive(receipt(m, 0, status.Delivered)) },
			want:            "delivered: sms=delivered", tries: 1, doubts: 1, sends: 2,
		},
		"a time-out, a crash, then a Cancel": {
			answers:         []answer{noAnswer, crashes},
			beforeLeaseEnds: func(w *world, m smsplus.Message) { require.NoError(w.t, w.Cancel(w.t.Context(), m.ID)) },
			want:            "undeliverable: sms=undeliverable(canceled)", tries: 1, doubts: 2, sends: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{{channel.SMS, inTurn(tt.answers...), smsplus.Step{}}})
			id := w.sendOnly(t)
			for range tt.answers {
				w.tickOrCrash()
				if tt.beforeLeaseEnds != nil && w.sends(channel.SMS) == len(tt.answers) {
					tt.beforeLeaseEnds(w, w.message(id))
				}
				w.clock.Add(time.Minute)
			}
			w.tick()
			m := w.message(id)
			require.Equal(t, tt.want, statuses(m))
			require.Equal(t, tt.tries, m.Attempts[0].Tries, "tries")
			require.Equal(t, tt.doubts, m.Attempts[0].Doubts, "doubts")
			require.Equal(t, tt.sends, w.sends(channel.SMS), "sends")
		})
	}
}

// A receipt may come after a dispatcher claimed the message for a second send, and before
// its intent is stored. Then the send never begins.
func TestTries_DoNotCountASendThatNeverBegan(t *testing.T) {
	t.Parallel()
	for _, st := range []status.Status{status.Delivered, status.Undeliverable} {
		store := &storetest.Faulty{}
		w := newWorld(t, []step{{channel.SMS, noAnswer, smsplus.Step{}}}, func(c *smsplus.Config) {
			store.Store = c.Store
			c.Store = store
		})
		other := w.newDispatcher()
		m := w.message(w.send())
		require.Equal(t, 1, m.Attempts[0].Tries)
		store.Before = func(method string) error {
			if method == "Update" { // the intent of the second send
				store.Before = nil
				return other.Receive(t.Context(), receipt(m, 0, st))
			}
			return nil
		}
		w.advance(time.Minute)
		require.Nil(t, store.Before)
		m = w.message(m.ID)
		require.Equal(t, st, m.Status)
		require.Equal(t, 1, w.sends(channel.SMS))
		require.Equal(t, 1, m.Attempts[0].Tries)
		require.Equal(t, 1, m.Attempts[0].Doubts)
	}
}
