package smsplus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const wait = 2 * time.Hour

func TestRoute_ForwardsAtOnceWhenAChannelCannotDeliver(t *testing.T) {
	t.Parallel()
	for _, first := range []channel.Name{channel.LINEPush, channel.SMS, channel.WhatsApp, "fax"} {
		w := newWorld(t, []step{
			{first, fails(channel.Undeliverable(status.NoContact, "nobody")), smsplus.Step{Wait: wait}},
			{"letter", says(status.Delivered), smsplus.Step{}},
		})
		m := w.message(w.send())
		require.Equal(t, "delivered: "+string(first)+"=undeliverable(no_contact) letter=delivered", statuses(m))
		require.Equal(t, channel.Name("letter"), m.Channel)
		require.Equal(t, "nobody", m.Attempts[0].Detail)
		require.Equal(t, start, m.DeliveredAt)
		require.True(t, m.DueAt.IsZero())
	}
}

func TestRoute_WaitsUniformlyOnLINENotification(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]answer{
		"accepted":      says(status.Accepted),
		"undeliverable": fails(channel.Undeliverable(status.NoMatch, "")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.LINENotify, first, smsplus.Step{Wait: wait}},
				{channel.SMS, says(status.Accepted), smsplus.Step{}},
			})
			id := w.send()
			require.Equal(t, start.Add(wait), w.message(id).DueAt)
			require.Equal(t, 0, w.advance(wait-time.Microsecond))
			require.Zero(t, w.sends(channel.SMS))
			require.Equal(t, 1, w.advance(time.Microsecond))
			require.Equal(t, 1, w.sends(channel.SMS))
			require.Equal(t, channel.SMS, w.message(id).Channel)
			require.Equal(t, status.Accepted, w.message(id).Status)
		})
	}
}

func TestStatus_IsPreparingUntilTheMessageForwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINENotify, fails(channel.Undeliverable(status.NoMatch, "")), smsplus.Step{Wait: wait}},
		{channel.SMS, fails(channel.Undeliverable(status.InvalidNumber, "")), smsplus.Step{}},
	})
	id := w.send()
	require.Equal(t, "preparing: line_notify=undeliverable(no_match)", statuses(w.message(id)))
	w.advance(wait)
	require.Equal(t, "undeliverable: line_notify=undeliverable(no_match) sms=undeliverable(invalid_number)", statuses(w.message(id)))
}

func TestRoute_StopsOnADeliveryWithinTheWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{}},
	})
	id := w.send()
	w.clock.Add(time.Hour)
	w.receive(receipt(w.message(id), 0, status.Delivered))
	m := w.message(id)
	require.Equal(t, "delivered: line_notify=delivered", statuses(m))
	require.Equal(t, start.Add(time.Hour), m.DeliveredAt)
	require.True(t, m.DueAt.IsZero())
	require.Zero(t, w.advance(24*time.Hour))
	require.Zero(t, w.sends(channel.SMS))
}

func TestRoute_KeepsALateDeliveryAndTheLaterStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{}},
	})
	id := w.send()
	w.advance(wait)
	m := w.message(id)
	w.clock.Add(time.Minute)
	w.receive(receipt(m, 0, status.Delivered))
	require.Equal(t, "delivered: line_notify=delivered sms=accepted", statuses(w.message(id)))
	require.Equal(t, channel.LINENotify, w.message(id).Channel)
	w.clock.Add(time.Minute)
	w.receive(receipt(m, 1, status.Delivered))
	m = w.message(id)
	require.Equal(t, "delivered: line_notify=delivered sms=delivered", statuses(m))
	require.Equal(t, channel.LINENotify, m.Channel, "the first delivery is the message's")

	stats, err := w.store.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{{Template: "t", Triggered: 1, Delivered: 1, DeliveredTwice: 1}}, stats)
}

func TestStatus_IsDeliveredAfterALateDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}}})
	id := w.send()
	w.advance(wait)
	require.Equal(t, "undeliverable: sms=undeliverable(no_receipt)", statuses(w.message(id)))
	w.receive(receipt(w.message(id), 0, status.Delivered))
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestRoute_EndsWhenTheLastProviderStaysSilent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name channel.Name
		wait time.Duration
		want time.Duration
	}{
		{channel.SMS, wait, wait},
		{channel.SMS, 0, 48 * time.Hour},
		{channel.LINENotify, 0, 24 * time.Hour},
		{"fax", 0, smsplus.DefaultWait},
	} {
		w := newWorld(t, []step{{tt.name, says(status.Accepted), smsplus.Step{Wait: tt.wait}}})
		id := w.send()
		require.Zero(t, w.advance(tt.want-time.Second))
		require.Equal(t, status.Accepted, w.message(id).Status)
		require.Equal(t, 1, w.advance(time.Second))
		m := w.message(id)
		require.Equal(t, status.Undeliverable, m.Status)
		require.Equal(t, status.NoReceipt, m.Attempts[0].Reason)
		require.Equal(t, start.Add(tt.want), m.Attempts[0].EndedAt)
	}
}

func TestRoute_StopsAfterFailedUnlessTheStepForwards(t *testing.T) {
	t.Parallel()
	for policy, want := range map[smsplus.Policy]string{
		smsplus.Stop:    "failed: line_notify=failed(template_config)",
		smsplus.Forward: "delivered: line_notify=failed(template_config) sms=delivered",
	} {
		w := newWorld(t, []step{
			{channel.LINENotify, fails(channel.Failed(status.TemplateConfig, "no such template")), smsplus.Step{Wait: wait, OnFailed: policy}},
			{channel.SMS, says(status.Delivered), smsplus.Step{}},
		})
		require.Equal(t, want, statuses(w.message(w.send())))
	}
}

func TestTTL_NothingIsSentAfterIt(t *testing.T) {
	t.Parallel()
	ttl := func(d time.Duration) func(*smsplus.Trigger) { return func(tr *smsplus.Trigger) { tr.TTL = d } }
	route := func(first answer) []step {
		return []step{
			{channel.LINENotify, first, smsplus.Step{Wait: wait}},
			{channel.SMS, says(status.Delivered), smsplus.Step{}},
		}
	}
	t.Run("an open attempt ends", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(says(status.Accepted)))
		id := w.send(ttl(time.Hour))
		require.Equal(t, start.Add(time.Hour), w.message(id).ExpiresAt)
		require.Equal(t, 1, w.advance(time.Hour))
		require.Equal(t, "undeliverable: line_notify=undeliverable(expired)", statuses(w.message(id)))
		require.Zero(t, w.advance(48*time.Hour))
		require.Zero(t, w.sends(channel.SMS))
	})
	t.Run("a message that waits to move on says which step was not started", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(fails(channel.Undeliverable(status.NoMatch, ""))))
		id := w.send(ttl(time.Hour))
		require.Equal(t, 1, w.advance(time.Hour))
		m := w.message(id)
		require.Equal(t, "undeliverable: line_notify=undeliverable(no_match) sms=undeliverable(expired)", statuses(m))
		require.Zero(t, m.Attempts[1].Tries)
	})
	t.Run("a retry that would come too late is not made", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(fails(channel.Temporary(errors.New("down"), time.Hour))))
		id := w.send(ttl(time.Minute))
		require.Equal(t, start.Add(time.Minute), w.message(id).DueAt)
		w.advance(time.Minute)
		require.Equal(t, "undeliverable: line_notify=undeliverable(expired)", statuses(w.message(id)))
		require.Equal(t, 1, w.sends(channel.LINENotify))
	})
	t.Run("a message that was not started in time", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(says(status.Accepted)))
		tr := w.trigger()
		tr.TTL = time.Minute
		id, err := w.Send(t.Context(), tr)
		require.NoError(t, err)
		w.advance(time.Minute)
		require.Equal(t, "undeliverable: line_notify=undeliverable(expired)", statuses(w.message(id)))
		require.Zero(t, w.sends(channel.LINENotify))
	})
	t.Run("it counts from SendAt, and the trigger's overrides the template's", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, route(says(status.Accepted)), func(c *smsplus.Config) { c.Templates[0].TTL = time.Hour })
		require.Equal(t, start.Add(time.Hour), w.message(w.send()).ExpiresAt)
		id := w.send(ttl(time.Minute), func(tr *smsplus.Trigger) { tr.SendAt = start.Add(24 * time.Hour) })
		require.Equal(t, start.Add(24*time.Hour+time.Minute), w.message(id).ExpiresAt)
	})
}

func TestEnvelope_ExpiresWithTheWaitOrTheTTL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait, ttl time.Duration
		want      time.Time
	}{
		{0, 0, time.Time{}},
		{wait, 0, start.Add(wait)},
		{wait, time.Hour, start.Add(time.Hour)},
		{0, time.Hour, start.Add(time.Hour)},
	} {
		w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{Wait: tt.wait}}})
		w.send(func(tr *smsplus.Trigger) { tr.TTL = tt.ttl })
		require.Equal(t, tt.want, w.channels[channel.SMS].SendCalls()[0].E.Expires)
	}
}

func TestSendAt_IsWhenTheRouteBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id := w.send(func(tr *smsplus.Trigger) { tr.SendAt = start.Add(time.Hour) })
	require.Equal(t, "preparing:", statuses(w.message(id)))
	require.Equal(t, channel.SMS, w.message(id).Channel)
	require.Equal(t, start, w.message(id).TriggeredAt)
	require.Zero(t, w.advance(time.Hour-time.Microsecond))
	require.Equal(t, 1, w.advance(time.Microsecond))
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestRoute_ForwardsAnAttemptThatItsProviderExpired(t *testing.T) {
	t.Parallel()
	for _, reason := range []status.Reason{status.Expired, status.Canceled} {
		w := newWorld(t, []step{
			{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
			{"letter", says(status.Delivered), smsplus.Step{}},
		})
		id := w.send()
		w.clock.Add(time.Hour)
		w.receive(receipt(w.message(id), 0, status.Undeliverable, func(r *channel.Receipt) { r.Reason = reason }))
		w.advance(wait)
		require.Equal(t, status.Delivered, w.message(id).Status, statuses(w.message(id)))
	}
}

// A failed status stops the route, and an undeliverable one, which is higher, forwards. In
// whichever order the two come, the route continues.
func TestRoute_DoesNotDependOnTheOrderOfFailedAndUndeliverable(t *testing.T) {
	t.Parallel()
	for _, order := range [][]status.Status{
		{status.Failed, status.Undeliverable},
		{status.Undeliverable, status.Failed},
	} {
		w := newWorld(t, []step{
			{channel.SMS, says(status.Accepted), smsplus.Step{}},
			{channel.WhatsApp, says(status.Delivered), smsplus.Step{}},
		})
		id := w.send()
		for _, st := range order {
			w.receive(receipt(w.message(id), 0, st))
		}
		w.tick()
		require.Equal(t, "delivered: sms=undeliverable(carrier_error) whatsapp=delivered", statuses(w.message(id)))
	}
}
