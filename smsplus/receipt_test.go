package smsplus_test

import (
	"context"
	"errors"
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

func TestReceive_Commutes(t *testing.T) {
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
				w.Dispatcher = w.newDispatcher()
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

func TestReceive_ChangesNothingWithoutNewEvidence(t *testing.T) {
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

func TestReceive_ReadImpliesDelivery(t *testing.T) {
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

func TestReceive_ReturnsNilOnlyWhenAllIsAppliedOrParked(t *testing.T) {
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

func TestReceive_NamesTheWrongField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}})
	for field, r := range map[string]channel.Receipt{
		"Receipt.Channel":    {ProviderID: "1"},
		"Receipt.ProviderID": {Channel: channel.SMS},
		"Receipt.Status":     {Channel: channel.SMS, ProviderID: "1", Status: 9},
		"Receipt.At":         {Channel: channel.SMS, ProviderID: "1", At: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"Receipt.At is not":  {Channel: channel.SMS, ProviderID: "1", At: time.Unix(start.UnixNano(), 0)}, // a unit mixed up
		"the years 1 to":     {Channel: channel.SMS, ProviderID: "1", At: time.Unix(-1<<60, 0)},
	} {
		err := w.Receive(t.Context(), r)
		require.ErrorIs(t, err, smsplus.ErrInvalidReceipt)
		require.ErrorContains(t, err, field)
	}
	require.NoError(t, w.Receive(t.Context()))
}

func TestReceive_UndeliverableForwardsAtOnce(t *testing.T) {
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

// Receipts that come one by one at the same time are looked up together, and each
// finds its message, those of one message too.
func TestReceive_SharesALookup(t *testing.T) {
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

func TestReceive_TakesALateDeliveryOnEveryMachine(t *testing.T) {
	m, err := status.NewMachine(status.Preparing,
		status.Edge{From: status.Preparing, To: status.Accepted}, status.Edge{From: status.Accepted, To: status.Undeliverable})
	require.NoError(t, err)
	w := newWorld(t, []step{{"fax", says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Channels[0].(*ChannelMock).TraitsFunc = func() channel.Traits { return channel.Traits{Machine: m} }
	})
	id := w.send()
	w.receive(receipt(w.message(id), 0, status.Undeliverable))
	w.receive(receipt(w.message(id), 0, status.Delivered))
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// A resend after a doubt may give one attempt two names, and one call may bring both, or a
// receipt without the new name.
func TestReceive_TakesReceiptsAfterANewNameInTheSameCall(t *testing.T) {
	t.Parallel()
	for _, secondName := range []string{"", "p-2"} {
		w := newWorld(t, []step{{channel.SMS, fails(channel.InDoubt(errors.New("no answer"))), smsplus.Step{}}})
		id := w.send()
		first := channel.Receipt{
			Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), NewID: "p-1", Status: status.Accepted,
		}
		second := first
		second.NewID, second.Status = secondName, status.Delivered
		w.receive(first, second)
		m := w.message(id)
		require.Equal(t, "delivered: sms=delivered", statuses(m))
		require.Equal(t, "p-1", m.Attempts[0].ProviderID)
	}
}

// Providers may tell a person's ID instead of the number.
func TestReceive_ToIDDecidesBetweenMessagesOfOneProviderID(t *testing.T) {
	t.Parallel()
	sameID := func(context.Context, channel.Envelope) (channel.Result, error) {
		return channel.Result{Status: status.Accepted, ProviderID: "7"}, nil
	}
	w := newWorld(t, []step{{channel.SMS, sameID, smsplus.Step{}}})
	sendTo := func(id string) uuid.UUID {
		return w.send(func(tr *smsplus.Trigger) {
			tr.To = channel.Recipient{}
			if id != "" {
				tr.To.IDs = map[channel.Name]string{channel.SMS: id}
			} else {
				tr.To.Phone = number(t, "+886912345679")
			}
		})
	}
	ann, bob, unnamed := sendTo("ann"), sendTo("bob"), sendTo("")
	tell := func(id string, st status.Status) {
		w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "7", Status: st, ToID: id})
	}
	tell("ann", status.Delivered)
	require.Equal(t, status.Delivered, w.message(ann).Status)
	require.Equal(t, status.Accepted, w.message(bob).Status)
	tell("bob", status.Undeliverable)
	require.Equal(t, "undeliverable: sms=undeliverable(carrier_error)", statuses(w.message(bob)))
	tell("carl", status.Delivered)
	require.Equal(t, status.Delivered, w.message(unnamed).Status, "whose ID is not known may be meant")
	require.Equal(t, status.Delivered, w.message(ann).Status)
}

// What is parked names no recipient.
func TestReceive_ParksNoRecipient(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	r := channel.Receipt{Channel: channel.SMS, ProviderID: "8", Status: status.Delivered, To: number(t, "+886912345679"), ToID: "ann"}
	w.receive(r)
	parked, err := w.store.Parked(t.Context(), []channel.Ref{r.Ref()})
	require.NoError(t, err)
	require.Len(t, parked, 1)
	require.True(t, parked[0].To.IsZero())
	require.Empty(t, parked[0].ToID)
}

// A provider uses an ID again. Its receipt comes before the ID of the newer message is
// stored, and names the number: it is not about the older message.
func TestReceive_KeepsAReceiptToANumberForItsMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		return channel.Result{Status: status.Accepted, ProviderID: "7"}, nil
	}, smsplus.Step{}}})
	older := w.send()
	w.receive(receipt(w.message(older), 0, status.Delivered))
	to := number(t, "+886912345679")
	newer := w.sendOnly(t, func(tr *smsplus.Trigger) { tr.To.Phone = to })
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "7", Status: status.Undeliverable, To: to})
	w.tick()
	require.Equal(t, "undeliverable: sms=undeliverable(carrier_error)", statuses(w.message(newer)))
	require.Equal(t, status.Delivered, w.message(older).Status)
}

// A provider uses an ID again, and its receipt names no number: the message without a result
// is meant, even if the other one is newer.
func TestReceive_PrefersTheMessageWithoutAResult(t *testing.T) {
	t.Parallel()
	for _, openFirst := range []bool{true, false} {
		w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
			return channel.Result{Status: status.Accepted, ProviderID: "7"}, nil
		}, smsplus.Step{}}})
		ended := func(tr *smsplus.Trigger) { tr.To.Phone = number(t, "+886912345679") }
		var open, final uuid.UUID
		if openFirst {
			open = w.send()
			w.clock.Add(time.Minute)
			final = w.send(ended)
		} else {
			final = w.send(ended)
			w.clock.Add(time.Minute)
			open = w.send()
		}
		w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "7", Status: status.Undeliverable, To: number(t, "+886912345679")})
		require.Equal(t, status.Undeliverable, w.message(final).Status)
		w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "7", Status: status.Delivered})
		require.Equal(t, status.Delivered, w.message(open).Status, "the open one first: %v", openFirst)
		require.Equal(t, status.Undeliverable, w.message(final).Status)
	}
}

// Two steps were delivered at the same time. The message has the same channel in whatever
// order their receipts came.
func TestReceive_CommutesForDeliveriesAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		w := newWorld(t, []step{
			{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
			{channel.SMS, says(status.Accepted), smsplus.Step{}},
		})
		id := w.send()
		w.advance(wait)
		m := w.message(id)
		for _, step := range order {
			w.receive(receipt(m, step, status.Delivered, func(r *channel.Receipt) { r.At = start.Add(wait) }))
		}
		m = w.message(id)
		require.Equal(t, "delivered: line_notify=delivered sms=delivered", statuses(m))
		require.Equal(t, channel.LINENotify, m.Channel, "order %v", order)
		require.Equal(t, start.Add(wait), m.DeliveredAt)
	}
}
