package smsplus_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// events is an Observer that remembers.
type events struct {
	mu      sync.Mutex
	seen    []smsplus.Event
	retryAt time.Time
}

func (e *events) Observe(_ context.Context, ev smsplus.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, ok := ev.(smsplus.Lag); ok && l.Behind > 0 {
		e.retryAt = start.Add(24*time.Hour + time.Minute - l.Behind)
	}
	e.seen = append(e.seen, ev)
}

func (e *events) list() []smsplus.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]smsplus.Event(nil), e.seen...)
}

func TestReceiptsCommute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]channel.Name{channel.SMS, channel.LINENotify, channel.WhatsApp, channel.LINEPush, "fax"}).Draw(rt, "channel")
		first := status.Accepted
		if name == channel.LINEPush {
			first = status.Undeliverable
		}
		forward := rapid.SampledFrom([]smsplus.Policy{smsplus.Stop, smsplus.Forward}).Draw(rt, "on failed")
		a := newWorld(t, []step{{name, says(first), smsplus.Step{Wait: wait, OnFailed: forward}}, {"letter", says(status.Delivered), smsplus.Step{}}})
		b := newWorld(t, []step{{name, says(first), smsplus.Step{Wait: wait, OnFailed: forward}}, {"letter", says(status.Delivered), smsplus.Step{}}})
		if name == channel.LINEPush { // it must not move on before the receipts are in
			for _, w := range []*world{a, b} {
				w.config.Templates[0].Route = w.config.Templates[0].Route[:1]
				w.Dispatcher = w.another()
			}
		}
		idA, idB := a.send(), b.send()
		set := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) channel.Receipt {
			return channel.Receipt{
				Status: rapid.SampledFrom(status.Statuses()).Draw(rt, "status"),
				Reason: rapid.SampledFrom([]status.Reason{"", status.CarrierError, status.Blocked}).Draw(rt, "reason"),
				Detail: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "detail"),
				Read:   rapid.Bool().Draw(rt, "read"),
				At:     start.Add(time.Duration(rapid.IntRange(0, 4).Draw(rt, "at")) * time.Minute),
			}
		}), 1, 6).Draw(rt, "receipts")
		other := rapid.Permutation(append(set, rapid.SliceOf(rapid.SampledFrom(set)).Draw(rt, "repeats")...)).Draw(rt, "order")
		// The clocks stand still: how the set is cut into calls does not matter either.
		give := func(w *world, m smsplus.Message, rs []channel.Receipt) {
			for len(rs) > 0 {
				n := rapid.IntRange(1, len(rs)).Draw(rt, "call")
				var call []channel.Receipt
				for _, r := range rs[:n] {
					r.Channel, r.ProviderID = name, m.Attempts[0].ProviderID
					call = append(call, r)
				}
				w.receive(call...)
				rs = rs[n:]
			}
		}
		give(a, a.message(idA), set)
		give(b, b.message(idB), other)
		require.Equal(rt, normal(a.message(idA)), normal(b.message(idB)))
	})
}

// normal takes off what tells apart two messages with the same story.
func normal(m smsplus.Message) smsplus.Message {
	m.ID, m.Version = [16]byte{}, 0
	for i := range m.Attempts {
		m.Attempts[i].ID, m.Attempts[i].ProviderID = [16]byte{}, ""
	}
	return m
}

func TestAReceiptThatSaysNothingNewChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.LINEPush, says(status.Delivered), smsplus.Step{}}})
	id := w.send()
	before := w.message(id)
	w.clock.Add(time.Hour)
	for _, st := range status.Statuses() {
		w.receive(receipt(before, 0, st))
	}
	require.Equal(t, before, w.message(id))
}

func TestAReadReceiptImpliesDelivery(t *testing.T) {
	t.Parallel()
	for name, reads := range map[channel.Name]bool{channel.WhatsApp: true, channel.SMS: false} {
		w := newWorld(t, []step{{name, says(status.Accepted), smsplus.Step{}}})
		id := w.send()
		at := start.Add(time.Minute)
		w.receive(receipt(w.message(id), 0, status.Preparing, func(r *channel.Receipt) { r.Read, r.At = true, at }))
		m := w.message(id)
		require.Equal(t, status.Delivered, m.Status)
		require.Equal(t, at, m.DeliveredAt)
		require.Equal(t, reads, !m.ReadAt.IsZero(), "only a channel whose traits say so has reads")
	}
}

func TestAReceiptBeforeTheAnswerIsParkedAndPickedUp(t *testing.T) {
	t.Parallel()
	var w *world
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		early := channel.Receipt{Channel: channel.SMS, ProviderID: providerID(e.AttemptID), Status: status.Delivered}
		return channel.Result{Status: status.Accepted, ProviderID: early.ProviderID}, w.Receive(ctx, early, early)
	}, smsplus.Step{}}})
	m := w.message(w.send())
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	left, err := w.store.Parked(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: m.Attempts[0].ProviderID}})
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAParkedReceiptWhoseDispatcherDiedIsFoundBeforeTheMessageMovesOn(t *testing.T) {
	t.Parallel()
	// The receipt was parked, the answer stored, and then nobody looked.
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	r := receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = start.Add(time.Minute) })
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{r}))
	w.pass(wait)
	require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)))
	require.Equal(t, r.At, w.message(id).DeliveredAt)
	require.Zero(t, w.sends(channel.SMS))
	left, err := w.store.Parked(t.Context(), []channel.Ref{r.Ref()})
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestReceiveReturnsNilOnlyWhenAllIsAppliedOrParked(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for _, method := range []string{"ByProviderID", "Update", "Park"} {
		var broken bool
		w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
				if broken && m == method {
					return down
				}
				return nil
			}}
		})
		id := w.send()
		rs := []channel.Receipt{
			{Channel: channel.SMS, ProviderID: "unknown", Status: status.Delivered},
			receipt(w.message(id), 0, status.Delivered),
		}
		broken = true
		require.ErrorIs(t, w.Receive(t.Context(), rs...), down, method)
		broken = false
		w.receive(rs...)
		require.Equal(t, status.Delivered, w.message(id).Status)
		parked, err := w.store.Parked(t.Context(), []channel.Ref{rs[0].Ref()})
		require.NoError(t, err)
		require.Len(t, parked, 1)
	}
}

func TestABadReceiptIsAnErrorThatNamesTheField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}})
	for field, r := range map[string]channel.Receipt{
		"Receipt.Channel":    {ProviderID: "1"},
		"Receipt.ProviderID": {Channel: channel.SMS},
		"Receipt.Status":     {Channel: channel.SMS, ProviderID: "1", Status: 9},
		"must be UTF-8":      {Channel: channel.SMS, ProviderID: "\x00"},
	} {
		err := w.Receive(t.Context(), r)
		require.ErrorIs(t, err, smsplus.ErrInvalidReceipt)
		require.ErrorContains(t, err, field)
	}
	require.NoError(t, w.Receive(t.Context()))
}

func TestAReceiptOfAnUndeliverableForwardsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	w.clock.Add(time.Minute)
	w.receive(receipt(w.message(id), 0, status.Undeliverable, func(r *channel.Receipt) { r.Reason = status.TemplateMismatch }))
	require.Equal(t, status.Preparing, w.message(id).Status)
	require.Equal(t, 1, w.tick())
	require.Equal(t, "delivered: whatsapp=undeliverable(template_mismatch) sms=delivered", statuses(w.message(id)))
}

func TestAParkedReceiptIsNotDroppedWithACopyThatWentStale(t *testing.T) {
	t.Parallel()
	// The parked receipt is taken into the claimed copy, which another receipt then
	// overtakes.
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	w.pass(wait)
	m := w.message(id)
	parked := receipt(m, 1, status.Undeliverable, func(r *channel.Receipt) { r.Reason, r.At = status.CarrierError, w.clock.Now() })
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{parked}))
	w.config.Store = &hookedStore{Store: w.store, afterClaim: func() {
		w.receive(receipt(m, 0, status.Undeliverable))
	}}
	w.clock.Add(wait)
	d := w.another()
	_, err := d.Tick(t.Context())
	require.NoError(t, err)
	left, err := w.store.Parked(t.Context(), []channel.Ref{parked.Ref()})
	require.NoError(t, err)
	if len(left) == 0 {
		require.Equal(t, status.CarrierError, w.message(id).Attempts[1].Reason, "dropped before it was stored")
	}
}

func TestAReceiptThatIsParkedWhileItsIDIsStoredIsApplied(t *testing.T) {
	t.Parallel()
	// The provider's ID is stored after Receive looked for it, and before it parks:
	// whoever stored it has then looked in vain at what is parked.
	var w *world
	var early channel.Receipt
	armed := false
	w = newWorld(t, []step{{channel.SMS, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		early = channel.Receipt{Channel: channel.SMS, ProviderID: providerID(e.AttemptID), Status: status.Delivered}
		return channel.Result{Status: status.Accepted, ProviderID: early.ProviderID}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if armed && method == "Park" {
				armed = false
				w.tick()
			}
			return nil
		}}
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	early = channel.Receipt{Channel: channel.SMS, ProviderID: providerID(smsplus.AttemptID(id, 0)), Status: status.Delivered}
	armed = true
	w.receive(early)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	left, err := w.store.Parked(t.Context(), []channel.Ref{early.Ref()})
	require.NoError(t, err)
	require.Empty(t, left)
}

// Receipts that come one by one at the same time are looked up together, and each
// finds its message, those of one message too.
func TestReceiptsAtTheSameTimeShareALookUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		var looks atomic.Int64
		slow := make(chan struct{})
		w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}}}, func(c *smsplus.Config) {
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
				if method == "ByProviderID" {
					looks.Add(1)
					<-slow
				}
				return nil
			}}
		})
		var ids []uuid.UUID
		var group errgroup.Group
		for range n {
			m := w.message(w.send())
			ids = append(ids, m.ID)
			for _, read := range []bool{false, true} {
				r := receipt(m, 0, status.Delivered, func(r *channel.Receipt) { r.Read = read })
				group.Go(func() error { return w.Receive(t.Context(), r) })
			}
		}
		synctest.Wait()
		require.EqualValues(t, 1, looks.Load(), "the others wait for the first")
		close(slow)
		require.NoError(t, group.Wait())
		for _, id := range ids {
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
		require.LessOrEqual(t, looks.Load(), int64(2+n), "one for all others, and one for each whose message the other one changed")
	})
}
