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

func TestAttempt_RetriesATemporaryErrorWithBackoff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, inTurn(fails(errors.New("503")), fails(errors.New("503")), says(status.Delivered)), smsplus.Step{}}})
	id := w.send()
	m := w.message(id)
	require.Equal(t, "preparing: sms=preparing(system_error)", statuses(m))
	require.Equal(t, "503", m.Attempts[0].Detail)
	require.Equal(t, 1, m.Attempts[0].Tries)
	require.WithinRange(t, m.DueAt, start.Add(time.Second/2), start.Add(time.Second))

	require.Equal(t, 1, w.advance(time.Second))
	second := w.clock.Now()
	require.WithinRange(t, w.message(id).DueAt, second.Add(time.Second), second.Add(2*time.Second))

	require.Equal(t, 1, w.advance(2*time.Second))
	m = w.message(id)
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	require.Equal(t, 3, m.Attempts[0].Tries)
	require.Equal(t, start, m.Attempts[0].StartedAt)
	var tries []int
	for _, c := range w.channels[channel.SMS].SendCalls() {
		tries = append(tries, c.E.Try)
		require.Equal(t, m.Attempts[0].ID, c.E.AttemptID)
	}
	require.Equal(t, []int{1, 2, 3}, tries)
}

func TestAttempt_WaitsForTheProvidersRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, fails(channel.Temporary(errors.New("429"), time.Hour)), smsplus.Step{}}})
	require.Equal(t, start.Add(time.Hour), w.message(w.send()).DueAt)
}

func TestAttempt_FailsWhenItsTriesOrItsWaitAreUsedUp(t *testing.T) {
	t.Parallel()
	down := fails(errors.New("503"))
	t.Run("tries", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, []step{{channel.SMS, down, smsplus.Step{}}}, func(c *smsplus.Config) { c.Retry.Tries = 3 })
		id := w.send()
		w.advance(time.Minute)
		require.Equal(t, status.Preparing, w.message(id).Status)
		w.advance(time.Minute)
		require.Equal(t, "failed: sms=failed(system_error)", statuses(w.message(id)))
		require.Equal(t, 3, w.sends(channel.SMS))
	})
	t.Run("wait", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, []step{
			{channel.SMS, fails(channel.Temporary(errors.New("429"), time.Hour)), smsplus.Step{Wait: time.Minute, OnFailed: smsplus.Forward}},
			{"letter", says(status.Delivered), smsplus.Step{}},
		})
		require.Equal(t, "delivered: sms=failed(system_error) letter=delivered", statuses(w.message(w.send())))
	})
}

func TestAttempt_FailsOnAnAnswerThatItsMachineDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   channel.Name
		answer status.Status
	}{
		{channel.LINEPush, status.Accepted},
		{channel.LINEPush, status.Preparing},
		{channel.SMS, status.Preparing},
		{channel.WhatsApp, status.Preparing},
		{channel.SMS, status.Status(9)},
	} {
		w := newWorld(t, []step{{tt.name, says(tt.answer), smsplus.Step{}}})
		require.Equal(t, fmt.Sprintf("failed: %s=failed(system_error)", tt.name), statuses(w.message(w.send())), tt.answer)
	}
	w := newWorld(t, []step{{channel.WhatsApp, says(status.Accepted), smsplus.Step{}}})
	require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(w.send())), "the initial status is an answer")
}

func TestAttempt_HasAReasonWhenItsAnswerHasNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer answer
		want   string
	}{
		"undeliverable, an error":  {fails(channel.Undeliverable("", "words")), "undeliverable: sms=undeliverable(carrier_error)"},
		"undeliverable, an answer": {says(status.Undeliverable), "undeliverable: sms=undeliverable(carrier_error)"},
		"failed, an error":         {fails(channel.Failed("", "words")), "failed: sms=failed(system_error)"},
		"failed, an answer":        {says(status.Failed), "failed: sms=failed(system_error)"},
		"its own":                  {fails(channel.Failed(status.Permission, "")), "failed: sms=failed(permission)"},
	} {
		w := newWorld(t, []step{{channel.SMS, tt.answer, smsplus.Step{}}})
		require.Equal(t, tt.want, statuses(w.message(w.send())), name)
	}
}

func TestAttempt_FailsAloneWhenItsChannelPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		if e.To.Phone.E164() == "+886912345678" {
			panic(e.To.Phone.E164())
		}
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}})
	bad := w.send()
	good := w.send(func(tr *smsplus.Trigger) { tr.To.Phone = number(t, "+886912345679") })
	require.Equal(t, "failed: sms=failed(system_error)", statuses(w.message(bad)))
	require.Equal(t, "the channel or its content panicked (string)", w.message(bad).Attempts[0].Detail)
	require.Equal(t, status.Delivered, w.message(good).Status)
}

func TestAttempt_FailsWhenItsContentCannotBeRendered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.config.Templates[0].Route[0].Content = channel.Text("{{code}} and {{another}}")
	_, err = w.newDispatcher().Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, "failed: sms=failed(template_config)", statuses(w.message(id)))
	require.Contains(t, w.message(id).Attempts[0].Detail, "another")
}

func TestAttempt_IsNotStartedAfterAStoredDelivery(t *testing.T) {
	t.Parallel()
	// The receipt comes between the claim and the send of the next step.
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	m := w.message(id)
	w.config.Store = &storeWithClaimHook{Store: w.store, afterClaim: func() { w.receive(receipt(m, 0, status.Delivered)) }}
	w.clock.Add(wait)
	_, err := w.newDispatcher().Tick(t.Context())
	require.NoError(t, err)
	require.Zero(t, w.sends(channel.SMS))
	require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)), "no record of an attempt that never was")
}

// storeWithClaimHook lets a test do something just after a claim.
type storeWithClaimHook struct {
	smsplus.Store
	afterClaim func()
}

func (s *storeWithClaimHook) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	if len(claimed.Messages) > 0 {
		s.afterClaim()
	}
	return claimed, err
}

type panickingContent struct{}

func (panickingContent) Vars() []string { return nil }

func (panickingContent) Render(map[string]string) (channel.Content, error) {
	panic("render")
}

func TestAttempt_FailsWhenItsContentPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Templates[0].Route[0].Content = panickingContent{}
	})
	tr := w.trigger()
	tr.Vars = nil
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	require.NotPanics(t, func() { w.tick() })
	require.Equal(t, status.Failed, w.message(id).Status)
}

func TestAttempt_EndsOnATypedNilError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		var err *channel.Error
		return channel.Result{Status: status.Delivered}, err
	}, smsplus.Step{}}})
	_, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	require.NotPanics(t, func() { w.tick() })
}

func TestAttempt_FitsIntoItsLease(t *testing.T) {
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
	other = w.newDispatcher()
	for range 2 {
		_, err := w.Send(t.Context(), w.trigger())
		require.NoError(t, err)
	}
	w.tick()
	for _, times := range sentTo {
		require.Equal(t, 1, times, "sent twice though the send kept SendTimeout and the store StoreTimeout")
	}
}

// slowStore returns a change of a config after which the store takes its time to look at a
// message and to update it.
func slowStore(w *world, by time.Duration) func(*smsplus.Config) {
	return func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Message" || method == "Update" {
				w.clock.Add(by)
			}
			return nil
		}}
	}
}

func TestAttempt_TimeIsReadAfterTheLastStoreCall(t *testing.T) {
	t.Parallel()
	for _, policy := range []smsplus.Policy{smsplus.Resend, smsplus.Forward} {
		t.Run(fmt.Sprintf("the TTL ends in the last call, policy %d", policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
				{channel.SMS, says(status.Delivered), smsplus.Step{InDoubt: policy}},
			})
			id := w.send(func(tr *smsplus.Trigger) { tr.TTL = wait + time.Second })
			slow := w.newOtherDispatcher(slowStore(w, 2*time.Second))
			w.clock.Add(wait)
			_, err := slow.Tick(t.Context())
			require.NoError(t, err)
			m := w.message(id)
			require.Equal(t, status.Undeliverable, m.Status, statuses(m))
			require.Zero(t, w.sends(channel.SMS))
			require.True(t, m.DueAt.IsZero())
		})
		t.Run(fmt.Sprintf("the lease has no room for the send, policy %d", policy), func(t *testing.T) {
			t.Parallel()
			var w *world
			claims, claimsAtSend, paused := 0, 0, false
			w = newWorld(t, []step{
				{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
				{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
					claimsAtSend = claims
					return says(status.Delivered)(ctx, e)
				}, smsplus.Step{InDoubt: policy}},
			})
			id := w.send()
			slow := w.newOtherDispatcher(func(c *smsplus.Config) {
				c.Store = &storetest.Faulty{Store: c.Store, After: func(method string) error {
					if method == "Claim" {
						claims++
					} else if !paused && (method == "Message" || method == "Update") {
						paused = true
						w.clock.Add(31 * time.Second) // of 60, and a send and its update may take 30
					}
					return nil
				}}
			})
			w.clock.Add(wait)
			_, err := slow.Tick(t.Context())
			require.NoError(t, err)
			require.True(t, paused)
			require.Equal(t, 2, claimsAtSend, "the first claim puts the message back, because the send and its update could outlive it")
			require.Equal(t, 1, w.sends(channel.SMS))
			m := w.message(id)
			require.Equal(t, "delivered: line_notify=accepted sms=delivered", statuses(m))
			require.Equal(t, 1, m.Attempts[1].Tries)
		})
	}
}
