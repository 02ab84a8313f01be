package smsplus_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// whatsappThenSMS is a route whose first channel accepts, and reports what is read.
func whatsappThenSMS(until smsplus.Until) []step {
	return []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: time.Hour, Until: until}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}
}

func wasRead(r *channel.Receipt) { r.Read = true }

func TestUntilRead_ForwardsWhatIsNotReadWithinItsWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, whatsappThenSMS(smsplus.UntilRead))
	id := w.send()
	w.clock.Add(time.Minute)
	w.receive(receipt(w.message(id), 0, status.Delivered))
	m := w.message(id)
	require.Equal(t, status.Delivered, m.Status)
	require.Equal(t, start.Add(time.Hour), m.DueAt, "the wait counts from the step's start")
	w.advance(59*time.Minute - time.Second)
	require.Zero(t, w.sends(channel.SMS))
	w.advance(time.Second)
	m = w.message(id)
	require.Equal(t, "delivered: whatsapp=delivered sms=delivered", statuses(m))
	require.Equal(t, start.Add(time.Minute), m.DeliveredAt)
	require.Zero(t, m.DueAt)
}

func TestUntilRead_EndsWhenItIsRead(t *testing.T) {
	t.Parallel()
	for name, receipts := range map[string][]status.Status{
		"delivered, then read":        {status.Delivered},
		"read without a receipt more": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, whatsappThenSMS(smsplus.UntilRead))
			id := w.send()
			for _, st := range receipts {
				w.receive(receipt(w.message(id), 0, st))
			}
			w.receive(receipt(w.message(id), 0, status.Accepted, wasRead))
			require.Zero(t, w.message(id).DueAt)
			w.advance(48 * time.Hour)
			require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
			require.Zero(t, w.sends(channel.SMS))
		})
	}
}

// The next step is in doubt, or fails: the message stays delivered.
func TestUntilRead_LaterStepTakesNothingBack(t *testing.T) {
	t.Parallel()
	steps := whatsappThenSMS(smsplus.UntilRead)
	steps[1].answer = fails(channel.Failed(status.Authorization, ""))
	w := newWorld(t, steps)
	id := w.send()
	w.receive(receipt(w.message(id), 0, status.Delivered))
	w.advance(time.Hour)
	require.Equal(t, "delivered: whatsapp=delivered sms=failed(authorization)", statuses(w.message(id)))
	require.Zero(t, w.message(id).DueAt)
	w.receive(receipt(w.message(id), 0, status.Accepted, wasRead))
	require.False(t, w.message(id).ReadAt.IsZero())
}

func TestUntilRead_EndsWithItsRoute(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		steps  int
		change func(*smsplus.Trigger)
		stop   func(*world, smsplus.Message)
	}{
		"the last step":  {steps: 1},
		"a TTL":          {steps: 2, change: func(tr *smsplus.Trigger) { tr.TTL = 30 * time.Minute }},
		"a cancellation": {steps: 2, stop: func(w *world, m smsplus.Message) { require.NoError(w.t, w.Cancel(w.t.Context(), m.ID)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, whatsappThenSMS(smsplus.UntilRead)[:tt.steps])
			if tt.change == nil {
				tt.change = func(*smsplus.Trigger) {}
			}
			id := w.send(tt.change)
			w.receive(receipt(w.message(id), 0, status.Delivered))
			if tt.stop != nil {
				tt.stop(w, w.message(id))
			}
			w.advance(48 * time.Hour)
			require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
			require.Zero(t, w.message(id).DueAt)
		})
	}
}

func TestUntilAccepted_EndsWithoutAReceipt(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newWorld(t, whatsappThenSMS(smsplus.UntilAccepted), func(c *smsplus.Config) { c.Observer = &seen })
	id := w.send()
	require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(id)))
	require.Zero(t, w.message(id).DueAt)
	require.Equal(t, 1, countEvents[smsplus.Ended](&seen))
	w.advance(48 * time.Hour)
	require.Zero(t, w.sends(channel.SMS))
	w.receive(receipt(w.message(id), 0, status.Delivered))
	require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
}

func TestUntilAccepted_MovesOnFromWhatDidNotArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, whatsappThenSMS(smsplus.UntilAccepted))
	id := w.send()
	w.receive(receipt(w.message(id), 0, status.Undeliverable))
	w.advance(time.Second)
	require.Equal(t, "delivered: whatsapp=undeliverable(carrier_error) sms=delivered", statuses(w.message(id)))
}

func TestUntil_PrintsAndMarshalsAsWords(t *testing.T) {
	t.Parallel()
	for u, want := range map[smsplus.Until]string{smsplus.UntilDelivered: "delivered", smsplus.UntilAccepted: "accepted", smsplus.UntilRead: "read"} {
		require.Equal(t, want, u.String())
		text, err := json.Marshal(smsplus.PlannedStep{Until: u})
		require.NoError(t, err)
		require.Contains(t, string(text), `"Until":"`+want+`"`)
		var got smsplus.PlannedStep
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, u, got.Until)
	}
	var u smsplus.Until
	require.NoError(t, u.UnmarshalText(nil))
	require.Error(t, u.UnmarshalText([]byte("sent")))
	_, err := smsplus.Until(9).MarshalText()
	require.Error(t, err)
	require.Equal(t, "until(9)", smsplus.Until(9).String())
}

func TestNew_RefusesASuccessThatIsNeverReported(t *testing.T) {
	t.Parallel()
	open := func(until smsplus.Until) error {
		_, err := smsplus.New(smsplus.Config{
			Store: memstore.New(), Channels: []channel.Channel{fakeChannel(channel.SMS, says(status.Accepted))},
			Templates: []smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: text, Until: until}}}},
		})
		return err
	}
	require.NoError(t, open(smsplus.UntilAccepted))
	require.EqualError(t, open(smsplus.UntilRead), `smsplus: Config.Templates[0].Route[0].Until is read: receipts of channel "sms" never report that`)
	require.EqualError(t, open(7), `smsplus: Config.Templates[0].Route[0].Until is until(7): want UntilDelivered (the default), UntilAccepted or UntilRead`)
}

// The provider accepts the message under a holder that dies, and then says that it did not arrive.
func TestUntilAccepted_ContinuesAlthoughItsHolderDied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.WhatsApp, fails(channel.InDoubt(errors.New("no answer"))), smsplus.Step{Until: smsplus.UntilAccepted}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	w.clock.Add(time.Second)
	require.Equal(t, id, w.claimAndDie().ID)
	w.receive(receipt(w.message(id), 0, status.Accepted))
	require.Zero(t, w.message(id).DueAt)
	w.receive(receipt(w.message(id), 0, status.Undeliverable))
	require.Zero(t, w.tick(), "the holder may live")
	w.advance(time.Minute)
	require.Equal(t, "delivered: whatsapp=undeliverable(carrier_error) sms=delivered", statuses(w.message(id)))
	require.Zero(t, w.message(id).Claims)
}
