package smsplus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// newFailingWorld has a channel whose first message does not arrive.
func newFailingWorld(t *testing.T, change ...func(*smsplus.Config)) *world {
	return newWorld(t, []step{{
		channel.SMS, inTurn(fails(channel.Undeliverable(status.CarrierError, "")), says(status.Delivered)), smsplus.Step{},
	}}, change...)
}

func TestResend_SendsTheSameToTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newFailingWorld(t)
	old := w.send(func(tr *smsplus.Trigger) {
		tr.Key, tr.Reference, tr.Metadata = "order/17", "order 17", map[string]string{"shop": "5"}
	})
	id, err := w.Resend(t.Context(), old)
	require.NoError(t, err)
	w.tick()
	first, again := w.message(old), w.message(id)
	require.Equal(t, "undeliverable: sms=undeliverable(carrier_error)", statuses(first))
	require.Equal(t, "delivered: sms=delivered", statuses(again))
	require.Equal(t, id, first.ResentAs)
	require.Equal(t, old, again.ResendOf)
	require.Empty(t, again.Key)
	for _, m := range []smsplus.Message{first, again} {
		require.Equal(t, w.trigger().To, m.To)
		require.Equal(t, w.trigger().Vars, m.Vars)
		require.Equal(t, "order 17", m.Reference)
		require.Equal(t, map[string]string{"shop": "5"}, m.Metadata)
	}
}

func TestResend_IsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer answer
		before func(*world)
		want   error
	}{
		"delivered":        {says(status.Delivered), nil, smsplus.ErrDelivered},
		"under way":        {says(status.Accepted), nil, smsplus.ErrNotFinal},
		"without template": {fails(channel.Undeliverable(status.Blocked, "")), func(w *world) { require.NoError(w.t, w.SetTemplates(nil)) }, smsplus.ErrInvalidTrigger},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{{channel.SMS, tt.answer, smsplus.Step{}}})
			id := w.send()
			if tt.before != nil {
				tt.before(w)
			}
			before := w.message(id)
			_, err := w.Resend(t.Context(), id)
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, before, w.message(id))
		})
	}
	w := newFailingWorld(t)
	_, err := w.Resend(t.Context(), uuid.New())
	require.ErrorIs(t, err, smsplus.ErrNotFound)
}

// However often it is called, by however many, a message is resent once.
func TestResend_SendsOnce(t *testing.T) {
	t.Parallel()
	w := newFailingWorld(t)
	old := w.send()
	var group errgroup.Group
	ids := make([]uuid.UUID, 20)
	for i := range ids {
		group.Go(func() (err error) {
			ids[i], err = w.Resend(t.Context(), old)
			return err
		})
	}
	require.NoError(t, group.Wait())
	w.advance(time.Hour)
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	require.Len(t, w.channels[channel.SMS].SendCalls(), 2)
}

// Any call to the store may be lost, before or after its effect. A Resend that is repeated
// then makes one message, which is sent once, and the two name each other.
func TestResend_LostAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	errLost := errors.New("the answer was lost")
	for _, method := range []string{"Message", "Insert", "Update"} {
		for _, before := range []bool{true, false} {
			t.Run(method, func(t *testing.T) {
				t.Parallel()
				lose := false
				hook := func(m string) error {
					if lose && m == method {
						lose = false
						return errLost
					}
					return nil
				}
				w := newFailingWorld(t, func(c *smsplus.Config) {
					f := &storetest.Faulty{Store: c.Store}
					if before {
						f.Before = hook
					} else {
						f.After = hook
					}
					c.Store = f
				})
				old := w.send()
				lose = true
				id, err := w.Resend(t.Context(), old)
				if err != nil {
					require.ErrorIs(t, err, errLost)
					id, err = w.Resend(t.Context(), old)
				}
				require.NoError(t, err)
				w.advance(time.Hour)
				require.Equal(t, id, w.message(old).ResentAs)
				require.Equal(t, old, w.message(id).ResendOf)
				require.Equal(t, status.Delivered, w.message(id).Status)
				require.Len(t, w.channels[channel.SMS].SendCalls(), 2)
			})
		}
	}
}

func TestAttempt_TellsTheContentThatWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, inTurn(fails(channel.Temporary(nil, 0)), says(status.Accepted)), smsplus.Step{}}})
	id := w.send()
	require.Equal(t, smsplus.HashContent(text), w.message(id).Attempts[0].Content)
	other := channel.Text("{{code}}!")
	require.NoError(t, w.SetTemplates([]smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: other}}}}))
	w.advance(time.Minute)
	require.Equal(t, smsplus.HashContent(other), w.message(id).Attempts[0].Content)
	require.NoError(t, w.Receive(t.Context(), receipt(w.message(id), 0, status.Delivered)))
	require.Equal(t, smsplus.HashContent(other), w.message(id).Attempts[0].Content, "a receipt does not change it")
}
