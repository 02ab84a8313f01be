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
)

// The step's success is taken back while the end that it made is published.
func TestOutcomes_AMessageThatContinuesDuringTheCallHasNotEnded(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]func(w *world, id uuid.UUID){
		"it is not resent": func(w *world, id uuid.UUID) {
			_, err := w.Resend(w.t.Context(), id)
			require.ErrorIs(w.t, err, smsplus.ErrNotFinal)
		},
		"it can be canceled": func(w *world, id uuid.UUID) {
			require.NoError(w.t, w.Cancel(w.t.Context(), id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heard recordingOutcomes
			w := newWorld(t, []step{
				{channel.WhatsApp, says(status.Accepted), smsplus.Step{Until: smsplus.UntilAccepted}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			}, withOutcomes(&heard))
			heard.setFails(func(_ context.Context, o smsplus.Outcome) error {
				heard.setFails(nil)
				w.receive(receipt(o.Message, 0, status.Undeliverable))
				m := w.message(o.Message.ID)
				require.False(t, m.HasEnded())
				during(w, m.ID)
				return nil
			})
			id := w.send()
			w.tick()
			want := "delivered: whatsapp=undeliverable(carrier_error) sms=delivered"
			if m := w.message(id); !m.CanceledAt.IsZero() {
				want = "undeliverable: whatsapp=undeliverable(carrier_error)"
			}
			require.Equal(t, want, statuses(w.message(id)))
			require.Zero(t, w.message(id).DueAt)
		})
	}
}

// A provider takes back its word while another send of the step is under way, and then the
// dispatcher dies.
func TestUntilAccepted_ASuccessTakenBackUnderAHolderThatDiesIsNotLost(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*smsplus.Config){
		"without outcomes": func(*smsplus.Config) {},
		"with outcomes":    withOutcomes(&recordingOutcomes{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *world
			var id uuid.UUID
			w = newWorld(t, []step{
				{channel.WhatsApp, inTurn(fails(channel.InDoubt(errors.New("cut"))), func(context.Context, channel.Envelope) (channel.Result, error) {
					m := w.message(id)
					w.receive(receipt(m, 0, status.Accepted))
					w.receive(receipt(m, 0, status.Undeliverable))
					return channel.Result{}, errCrash
				}), smsplus.Step{Until: smsplus.UntilAccepted}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			}, change)
			id = w.send()
			m := w.message(id)
			m.Attempts[0].ProviderID = "p" // as a Query finds it out
			stale, err := w.store.Update(t.Context(), []smsplus.Message{m})
			require.NoError(t, err)
			require.Empty(t, stale)
			w.clock.Add(time.Hour)
			w.crash()
			w.advance(time.Hour)
			require.Equal(t, "delivered: whatsapp=undeliverable(carrier_error) sms=delivered", statuses(w.message(id)))
		})
	}
}

func TestOutcomes_WaitForTheAnswerOfASendUnderWay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer answer
		want   string
	}{
		"accepted":  {says(status.Accepted), "delivered: whatsapp=accepted"},
		"refused":   {fails(channel.Undeliverable(status.Blocked, "")), "delivered: whatsapp=undeliverable(blocked)"},
		"try again": {fails(channel.Temporary(errors.New("busy"), time.Hour)), "delivered: whatsapp=preparing(system_error)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heard recordingOutcomes
			var w *world
			var id uuid.UUID
			w = newWorld(t, []step{{channel.WhatsApp, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
				require.NoError(t, w.Confirm(ctx, id))
				_, err := w.newDispatcher().Tick(ctx)
				require.NoError(t, err)
				return tt.answer(ctx, e)
			}, smsplus.Step{Wait: 24 * time.Hour}}}, withOutcomes(&heard))
			var err error
			id, err = w.Send(t.Context(), w.trigger())
			require.NoError(t, err)
			w.tick()
			require.Equal(t, tt.want, statuses(w.message(id)))
			require.Equal(t, "ended delivered, confirmed", heard.of(id), "at once, and not after the back-off of the send")
			require.Equal(t, tt.want, statuses(heard.taken[0].Message))
		})
	}
}

// The template is paused, and the message confirmed, while the message waits behind another one.
func TestOutcomes_AreNotHeldBackByAPause(t *testing.T) {
	t.Parallel()
	var heard recordingOutcomes
	var w *world
	var id uuid.UUID
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		require.NoError(t, w.Pause(ctx, smsplus.Pause{Template: "t"}))
		require.NoError(t, w.Confirm(ctx, id))
		return says(status.Delivered)(ctx, e)
	}, smsplus.Step{}}}, withOutcomes(&heard))
	_, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.clock.Add(time.Second)
	id, err = w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.tick()
	require.Equal(t, 1, w.sends(channel.SMS))
	require.Equal(t, "ended delivered, confirmed", heard.of(id))
	require.Equal(t, "delivered:", statuses(w.message(id)), "no send was made that could be in doubt")
}
