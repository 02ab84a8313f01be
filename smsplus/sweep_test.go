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

// sweepInterval is how often a dispatcher looks through the parked receipts.
const sweepInterval = time.Minute

// parkedCount returns how many receipts the store has parked.
func parkedCount(t *testing.T, store smsplus.Store) int {
	t.Helper()
	rs, next, err := store.ListParked(t.Context(), "", 1<<20)
	require.NoError(t, err)
	require.Empty(t, next)
	return len(rs)
}

// A delivery is parked because it is faster than the answer to the send. The look at it
// fails, and then another receipt ends the message.
func TestSweep_AppliesAReceiptThatAFailedLookMissed(t *testing.T) {
	t.Parallel()
	var w *world
	fail, failed := false, false
	w = newWorld(t, []step{{channel.SMS, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		r := channel.Receipt{Channel: channel.SMS, ProviderID: providerID(e.AttemptID), Status: status.Delivered}
		w.receive(r)
		fail = true
		return channel.Result{Status: status.Accepted, ProviderID: r.ProviderID}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Parked" && fail {
				fail, failed = false, true
				return errors.New("a hiccup")
			}
			return nil
		}}
	})
	w.advance(sweepInterval) // the next sweep is a minute away
	id := w.send()
	require.True(t, failed)
	require.Equal(t, "accepted: sms=accepted", statuses(w.message(id)))
	w.receive(receipt(w.message(id), 0, status.Undeliverable, func(r *channel.Receipt) { r.Reason = status.CarrierError }))
	m := w.message(id)
	require.Equal(t, "undeliverable: sms=undeliverable(carrier_error)", statuses(m))
	require.True(t, m.DueAt.IsZero(), "an ended message is not made due again")
	w.advance(sweepInterval)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	require.Zero(t, parkedCount(t, w.store))
}

// A receipt under the attempt's own ID is parked just before that ID is stored, in the
// update that ends the message. Then the dispatcher dies.
func TestSweep_AppliesAReceiptParkedBeforeItsDispatcherDied(t *testing.T) {
	t.Parallel()
	var w *world
	var healthy *smsplus.Dispatcher
	var id uuid.UUID
	var armed, dead bool
	gone := errors.New("gone")
	w = newWorld(t, []step{{channel.SMS, inTurn(noAnswer, fails(channel.Failed(status.TemplateConfig, ""))), smsplus.Step{}}}, func(c *smsplus.Config) {
		d, err := smsplus.New(*c)
		require.NoError(t, err)
		healthy = d
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if dead {
				return gone
			}
			if armed && method == "Update" {
				return c.Store.Park(t.Context(), []channel.Receipt{
					{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered, At: start},
				})
			}
			return nil
		}, After: func(method string) error {
			if armed && method == "Update" {
				dead = true
				return gone
			}
			return nil
		}}
	})
	id = w.sendOnly(t)
	w.tick()
	w.clock.Add(time.Minute)
	armed = true
	_, err := w.Tick(t.Context())
	require.ErrorIs(t, err, gone)
	for range 2 {
		w.clock.Add(sweepInterval)
		_, err = healthy.Tick(t.Context())
		require.NoError(t, err)
	}
	m, err := healthy.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status.Delivered, m.Status, statuses(m))
}

// A sweep goes through all parked receipts, page after page, and again from the start.
// Receipts whose message is not known stay parked.
func TestSweep_PagesThroughWhatIsParked(t *testing.T) {
	t.Parallel()
	const unknown, page = 2500, 1000
	lists := 0
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: 1000 * time.Hour}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "ListParked" {
				lists++
			}
			return nil
		}}
	})
	id := w.send()
	rs := []channel.Receipt{receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = start })}
	for i := range unknown {
		rs = append(rs, channel.Receipt{Channel: channel.SMS, ProviderID: fmt.Sprintf("unknown-%04d", i), Status: status.Delivered, At: start})
	}
	require.NoError(t, w.store.Park(t.Context(), rs))
	lists = 0
	for range unknown/page + 1 {
		w.advance(sweepInterval)
	}
	require.Equal(t, status.Delivered, w.message(id).Status)
	require.Equal(t, unknown, parkedCount(t, w.store))
	require.LessOrEqual(t, lists, unknown/page+2, "a page at each time, and the test's own look")
}

func TestSweep_IsOnceAMinute(t *testing.T) {
	t.Parallel()
	lists := 0
	w := newSMSWorld(t, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "ListParked" {
				lists++
			}
			return nil
		}}
	})
	for range 600 {
		w.advance(time.Second)
	}
	require.InDelta(t, 10, lists, 1)
}

func TestSweep_MayFail(t *testing.T) {
	t.Parallel()
	down := true
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: 1000 * time.Hour}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "ListParked" && down {
				return errors.New("down")
			}
			return nil
		}}
	})
	id := w.send()
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = start })}))
	w.advance(sweepInterval)
	require.Equal(t, status.Accepted, w.message(id).Status)
	down = false
	w.advance(sweepInterval)
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// A receipt that is parked after the sweep has read its page, and before the message is
// known, is not dropped with the receipts of the page.
func TestSweep_DropsNothingThatItHasNotRead(t *testing.T) {
	t.Parallel()
	var afterPage func()
	w := newSMSWorld(t, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, After: func(m string) error {
			if run := afterPage; run != nil && m == "ListParked" {
				afterPage = nil
				run()
			}
			return nil
		}}
	})
	id := w.sendOnly(t)
	m := w.claimAndDie()
	r := channel.Receipt{Channel: channel.SMS, ProviderID: "p-1", Status: status.Accepted}
	w.receive(r)
	afterPage = func() {
		r.Status = status.Delivered
		w.receive(r)
		// The holder stores its outcome, and dies before it looks at what is parked.
		m.Attempts = []smsplus.Attempt{{
			ID: smsplus.AttemptID(id, 0), Channel: channel.SMS, Status: status.Accepted, ProviderID: r.ProviderID, Tries: 1,
			StartedAt: start, AcceptedAt: start,
		}}
		m.Status, m.Claims, m.Holder, m.DueAt, m.Lane, m.Sending = status.Accepted, 0, 0, start.Add(48*time.Hour), "", -1
		_, err := w.store.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
	}
	w.tick()
	require.Nil(t, afterPage)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	require.Zero(t, parkedCount(t, w.store))
}

func TestSweep_CountsWhatFindsNoMessage(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) { c.Observer = &seen })
	const old = 1500 // two pages
	for i := range old {
		w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: fmt.Sprint("old-", i), Status: status.Delivered})
	}
	w.receive(channel.Receipt{Channel: channel.WhatsApp, ProviderID: "another", Status: status.Delivered})
	w.clock.Add(time.Hour)
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "young", Status: status.Delivered})
	w.tick()
	require.Empty(t, unmatchedEvents(&seen), "the pass is not over")
	w.advance(sweepInterval)
	counts := make(map[channel.Name]int)
	for _, e := range unmatchedEvents(&seen) {
		counts[e.Channel] = e.Count
		require.GreaterOrEqual(t, e.Behind, time.Hour)
		require.LessOrEqual(t, e.Behind, time.Hour+sweepInterval)
	}
	require.Equal(t, map[channel.Name]int{channel.SMS: old, channel.WhatsApp: 1}, counts)
	require.NoError(t, w.store.Unpark(t.Context(), []channel.Ref{{Channel: channel.WhatsApp, ProviderID: "another"}}))
	for range 2 {
		w.advance(sweepInterval)
	}
	last := unmatchedEvents(&seen)
	require.Len(t, last, 3, "nothing is reported of a channel that has none")
	require.Equal(t, old, last[2].Count, "each pass counts anew")
}

func unmatchedEvents(o *recordingObserver) (es []smsplus.ReceiptsUnmatched) {
	for _, e := range o.list() {
		if u, ok := e.(smsplus.ReceiptsUnmatched); ok {
			es = append(es, u)
		}
	}
	return es
}
