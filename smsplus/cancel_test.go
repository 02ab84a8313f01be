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

func TestCancel_StopsTheRoute(t *testing.T) {
	t.Parallel()
	route := func(first answer) []step {
		return []step{
			{channel.LINENotify, first, smsplus.Step{Wait: wait}},
			{channel.SMS, says(status.Delivered), smsplus.Step{}},
		}
	}
	t.Run("before the first step ends the message", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(says(status.Accepted)))
		id := w.send(func(tr *smsplus.Trigger) { tr.SendAt = start.Add(time.Hour) })
		require.NoError(t, w.Cancel(t.Context(), id))
		require.NoError(t, w.Cancel(t.Context(), id), "twice is no error")
		require.Zero(t, w.advance(24*time.Hour))
		require.Equal(t, "undeliverable: line_notify=undeliverable(canceled)", statuses(w.message(id)))
		require.Equal(t, start, w.message(id).CanceledAt)
		require.Zero(t, w.sends(channel.LINENotify))
	})
	t.Run("while it waits for a retry ends the message", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(fails(errors.New("down"))))
		id := w.send()
		require.NoError(t, w.Cancel(t.Context(), id))
		require.Zero(t, w.advance(24*time.Hour))
		require.Equal(t, "undeliverable: line_notify=undeliverable(canceled)", statuses(w.message(id)))
	})
	t.Run("after the provider took it only stops the route", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(says(status.Accepted)))
		id := w.send()
		require.NoError(t, w.Cancel(t.Context(), id))
		require.Equal(t, "accepted: line_notify=accepted", statuses(w.message(id)))
		w.advance(wait)
		require.Equal(t, "undeliverable: line_notify=undeliverable(no_receipt)", statuses(w.message(id)))
		require.Zero(t, w.sends(channel.SMS))
		w.receive(receipt(w.message(id), 0, status.Delivered))
		require.Equal(t, status.Delivered, w.message(id).Status)
	})
	t.Run("while it waits to move on ends the message", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(fails(channel.Undeliverable(status.NoMatch, ""))))
		id := w.send()
		require.NoError(t, w.Cancel(t.Context(), id))
		require.Equal(t, "undeliverable: line_notify=undeliverable(no_match)", statuses(w.message(id)))
		require.Zero(t, w.advance(24*time.Hour))
	})
	t.Run("during the send lets it come to its own end, with no retry", func(t *testing.T) {
		t.Parallel()
		for _, tt := range []struct {
			first answer
			want  string
		}{
			{says(status.Accepted), "accepted: line_notify=accepted"},
			{fails(errors.New("down")), "undeliverable: line_notify=undeliverable(canceled)"},
			{fails(channel.Undeliverable(status.NoMatch, "")), "undeliverable: line_notify=undeliverable(no_match)"},
		} {
			var w *world
			var id uuid.UUID
			w = newWorld(t, route(func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
				require.NoError(t, w.Cancel(ctx, id))
				return tt.first(ctx, e)
			}))
			var err error
			id, err = w.Send(t.Context(), w.trigger())
			require.NoError(t, err)
			w.tick()
			require.Equal(t, tt.want, statuses(w.message(id)))
			w.advance(24 * time.Hour)
			require.Equal(t, 1, w.sends(channel.LINENotify))
			require.Zero(t, w.sends(channel.SMS))
		}
	})
	t.Run("of an ended message is an error", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(says(status.Delivered)))
		require.ErrorIs(t, w.Cancel(t.Context(), w.send()), smsplus.ErrEnded)
		require.ErrorIs(t, w.Cancel(t.Context(), uuid.New()), smsplus.ErrNotFound)
	})
}

func TestCancel_StopsAMessageThatWaitsInItsLane(t *testing.T) {
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(10 * time.Second)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		id := w.sendOnly(t)
		synctest.Wait()
		require.NoError(t, w.Cancel(t.Context(), id))
		sleep(time.Minute)
		require.Equal(t, 1, w.sends(channel.SMS), "sent nine seconds after Cancel returned: %s", statuses(w.message(id)))
	})
}

// A dispatcher knows what it has canceled itself, without a look at the store.
func TestCancel_IsKnownToItsOwnDispatcherAtOnce(t *testing.T) {
	var busy chan struct{}
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-busy
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	}, func(t *testing.T, w *world) {
		busy = make(chan struct{}) // of the bubble
		var ids []uuid.UUID
		for range 4 {
			ids = append(ids, w.sendOnly(t))
		}
		synctest.Wait()
		require.NoError(t, w.Cancel(t.Context(), ids[1]))
		require.NoError(t, w.Cancel(t.Context(), ids[3]))
		close(busy)
		synctest.Wait()
		require.Equal(t, 2, w.sends(channel.SMS))
		require.Equal(t, status.Undeliverable, w.message(ids[1]).Status)
		require.Equal(t, status.Delivered, w.message(ids[2]).Status)
		require.Equal(t, status.Undeliverable, w.message(ids[3]).Status)
	})
}
