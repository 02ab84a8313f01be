package smsplus_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// A channel that hangs hurts itself only: a message whose lane has no room for it within
// the wait of its step moves on.
func TestWait_CountsFromWhenTheStepFellDue(t *testing.T) {
	for name, failures := range map[string]int{"without a breaker": -1, "with a breaker": 0} {
		t.Run(name, func(t *testing.T) {
			const firstWait, people = 30 * time.Second, 300
			runInBubble(t, []step{
				{channel.LINEPush, hangs, smsplus.Step{Wait: firstWait, OnFailed: smsplus.Forward, InDoubt: smsplus.Forward}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			}, func(c *smsplus.Config) {
				c.Channels[0].(*ChannelMock).TraitsFunc = func() channel.Traits { return channel.Traits{} } // not idempotent
				c.Breaker.Failures = failures
				c.Batch = 4
				c.Limits = map[channel.Name]smsplus.Limit{channel.LINEPush: {Concurrency: 2}}
				c.Templates[0].TTL = 5 * time.Minute
			}, func(t *testing.T, w *world) {
				var ids []uuid.UUID
				for range people {
					ids = append(ids, w.sendOnly(t))
				}
				sleep(4 * time.Minute)
				require.Equal(t, people, w.sends(channel.SMS), "each person has the SMS")
				for _, id := range ids {
					m := w.message(id)
					require.Equal(t, status.Delivered, m.Status, statuses(m))
					require.Less(t, m.DeliveredAt.Sub(m.TriggeredAt), firstWait+time.Minute, statuses(m))
					require.Equal(t, m.TriggeredAt, m.Attempts[0].StartedAt)
				}
			})
		})
	}
}

// A channel that ignores its context fills its lane for good. The messages behind it leave
// the step when the wait is over, and not when the lane moves again.
func TestWait_OverBehindAStuckLaneMovesOn(t *testing.T) {
	const firstWait, people, inLane = 10 * time.Second, 100, 1 + 2*20
	var released chan struct{} // made inside the bubble
	runInBubble(t, []step{
		{channel.LINEPush, func(context.Context, channel.Envelope) (channel.Result, error) {
			<-released
			return channel.Result{Status: status.Delivered}, nil
		}, smsplus.Step{Wait: firstWait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		released = make(chan struct{})
		c.Breaker.Failures = -1
		c.Batch = 20
		c.Limits = map[channel.Name]smsplus.Limit{channel.LINEPush: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		for range people {
			w.sendOnly(t)
		}
		sleep(firstWait / 2)
		require.Zero(t, w.sends(channel.SMS))
		sleep(firstWait/2 + 10*time.Second)
		moved := w.sends(channel.SMS)
		close(released)
		sleep(time.Second)
		require.GreaterOrEqual(t, moved, people-inLane)
	})
}

// A step that was never sent ends with the reason congested, and is no try.
func TestWait_OverBeforeTheSendIsCongested(t *testing.T) {
	t.Parallel()
	for name, want := range map[channel.Name]string{
		channel.SMS:        "delivered: sms=undeliverable(congested) letter=delivered",
		channel.LINENotify: "delivered: line_notify=undeliverable(congested) letter=delivered",
	} {
		w := newWorld(t, []step{
			{name, says(status.Delivered), smsplus.Step{Wait: wait}},
			{"letter", says(status.Delivered), smsplus.Step{}},
		})
		id := w.sendOnly(t)
		w.advance(wait)
		m := w.message(id)
		require.Equal(t, want, statuses(m))
		require.Zero(t, m.Attempts[0].Tries)
		require.Zero(t, w.sends(name))
		require.Equal(t, start, m.Attempts[0].StartedAt)
		require.Equal(t, start.Add(wait), m.Attempts[1].StartedAt, "the next step's wait begins now")
	}
}

// The last step of a route is sent however late.
func TestWait_OverOnTheLastStepSendsAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{Wait: wait}}})
	id := w.sendOnly(t)
	w.advance(10 * wait)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

// A step that was sent has its whole wait, and its retries have what is left of it.
func TestWait_RetriesHaveTheRestOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.SMS, inTurn(fails(channel.Temporary(nil, time.Hour)), says(status.Accepted)), smsplus.Step{Wait: wait}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	w.advance(time.Hour)
	require.Equal(t, "accepted: sms=accepted", statuses(w.message(id)))
	require.Equal(t, start.Add(wait), w.message(id).DueAt)
}

// A message that is put back because its turn comes late has waited since it fell due.
func TestWait_KeepsItsStartWhenAMessageIsPutBack(t *testing.T) {
	runInBubble(t, []step{
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: time.Hour}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 0.01}} // one in 100 s, longer than a lease
	}, func(t *testing.T, w *world) {
		var ids []uuid.UUID
		for range 5 {
			ids = append(ids, w.sendOnly(t))
		}
		sleep(10 * time.Minute)
		for _, id := range ids {
			m := w.message(id)
			require.Equal(t, "accepted: sms=accepted", statuses(m))
			require.Equal(t, m.TriggeredAt, m.Attempts[0].StartedAt)
			require.Equal(t, 1, m.Attempts[0].Tries)
		}
	})
}
