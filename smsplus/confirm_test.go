package smsplus_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfirm_StopsTheRouteFromAnyState(t *testing.T) {
	t.Parallel()
	later := func(tr *smsplus.Trigger) { tr.SendAt = start.Add(time.Hour) }
	for name, tt := range map[string]struct {
		first  answer
		change func(*smsplus.Trigger)
		before func(w *world, id uuid.UUID)
		want   string
	}{
		"not sent yet":             {first: says(status.Accepted), change: later, want: "delivered:"},
		"it waits for its receipt": {first: says(status.Accepted), want: "delivered: line_notify=accepted"},
		"it waits for a retry":     {first: fails(errors.New("down")), want: "delivered: line_notify=preparing(system_error)"},
		"it waits to move on":      {first: fails(channel.Undeliverable(status.NoMatch, "")), want: "delivered: line_notify=undeliverable(no_match)"},
		"it failed":                {first: fails(channel.Failed(status.Authorization, "")), want: "delivered: line_notify=failed(authorization)"},
		"it was delivered":         {first: says(status.Delivered), want: "delivered: line_notify=delivered"},
		"it was canceled": {first: says(status.Accepted), before: func(w *world, id uuid.UUID) {
			require.NoError(w.t, w.Cancel(w.t.Context(), id))
		}, want: "delivered: line_notify=accepted"},
		"it was canceled before it was sent": {first: says(status.Accepted), change: later, before: func(w *world, id uuid.UUID) {
			require.NoError(w.t, w.Cancel(w.t.Context(), id))
		}, want: "delivered: line_notify=undeliverable(canceled)"},
		"its dispatcher died in the send": {first: crashes, want: "delivered: line_notify=preparing(in_doubt)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.LINENotify, tt.first, smsplus.Step{Wait: wait}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			})
			var id uuid.UUID
			if name == "its dispatcher died in the send" {
				id = w.sendAndCrash()
			} else if tt.change == nil {
				id = w.send()
			} else {
				id = w.send(tt.change)
			}
			if tt.before != nil {
				tt.before(w, id)
			}
			sends := w.sends(channel.LINENotify)
			w.clock.Add(time.Second)
			require.NoError(t, w.Confirm(t.Context(), id))
			m := w.message(id)
			require.Equal(t, tt.want, statuses(m))
			require.Equal(t, start.Add(time.Second), m.ConfirmedAt)
			require.False(t, m.DeliveredAt.IsZero())
			require.Zero(t, m.DueAt)
			w.clock.Add(time.Second)
			require.NoError(t, w.Confirm(t.Context(), id), "twice is no error")
			require.Equal(t, m, w.message(id), "and changes nothing")
			w.advance(72 * time.Hour)
			require.Equal(t, sends, w.sends(channel.LINENotify))
			require.Zero(t, w.sends(channel.SMS))
			require.ErrorIs(t, w.Cancel(t.Context(), id), canceledOr(m, smsplus.ErrEnded))
		})
	}
}

// canceledOr returns nil for a message that was canceled, because canceling twice is no error.
func canceledOr(m smsplus.Message, err error) error {
	if !m.CanceledAt.IsZero() {
		return nil
	}
	return err
}

func TestConfirm_OfAnUnknownMessageIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}})
	require.ErrorIs(t, w.Confirm(t.Context(), uuid.New()), smsplus.ErrNotFound)
}

func TestConfirm_LeavesTheAttemptsToTheirReceipts(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{}},
	}, func(c *smsplus.Config) { c.Observer = &seen })
	id := w.send()
	w.advance(wait)
	w.clock.Add(time.Minute)
	require.NoError(t, w.Confirm(t.Context(), id))
	require.Equal(t, 1, countEvents[smsplus.Ended](&seen))
	confirmedAt := w.clock.Now()
	m := w.message(id)
	require.Equal(t, channel.SMS, m.Channel, "until a provider says which")
	require.Equal(t, confirmedAt, m.DeliveredAt)

	w.clock.Add(time.Minute)
	w.receive(receipt(m, 1, status.Undeliverable))
	require.Equal(t, "delivered: line_notify=accepted sms=undeliverable(carrier_error)", statuses(w.message(id)))
	w.receive(receipt(m, 0, status.Delivered, func(r *channel.Receipt) { r.At = confirmedAt.Add(-time.Minute) }))
	m = w.message(id)
	require.Equal(t, "delivered: line_notify=delivered sms=undeliverable(carrier_error)", statuses(m))
	require.Equal(t, channel.LINENotify, m.Channel)
	require.Equal(t, confirmedAt.Add(-time.Minute), m.DeliveredAt, "the earliest proof counts")
	require.Equal(t, confirmedAt, m.ConfirmedAt)
	require.Zero(t, m.DueAt)
}

func TestConfirm_DuringASendKeepsItsAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first answer
		want  string
	}{
		{says(status.Accepted), "delivered: line_notify=accepted"},
		{fails(errors.New("down")), "delivered: line_notify=preparing(system_error)"},
		{fails(channel.Undeliverable(status.NoMatch, "")), "delivered: line_notify=undeliverable(no_match)"},
	} {
		var w *world
		var id uuid.UUID
		w = newWorld(t, []step{
			{channel.LINENotify, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
				require.NoError(t, w.Confirm(ctx, id))
				return tt.first(ctx, e)
			}, smsplus.Step{Wait: wait}},
			{channel.SMS, says(status.Delivered), smsplus.Step{}},
		})
		var err error
		id, err = w.Send(t.Context(), w.trigger())
		require.NoError(t, err)
		w.tick()
		require.Equal(t, tt.want, statuses(w.message(id)))
		require.Zero(t, w.message(id).Claims)
		w.advance(24 * time.Hour)
		require.Equal(t, 1, w.sends(channel.LINENotify))
		require.Zero(t, w.sends(channel.SMS))
	}
}

func TestConfirm_StopsAMessageThatWaitsInItsLane(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(10 * time.Second)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		id := w.sendOnly(t)
		synctest.Wait()
		require.NoError(t, w.Confirm(t.Context(), id))
		sleep(time.Minute)
		require.Equal(t, 1, w.sends(channel.SMS))
		require.Equal(t, "delivered:", statuses(w.message(id)), "no attempt of a send that was not made")
	})
}
