package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func byProviderID(t *testing.T, s smsplus.Store) {
	twice := full(1) // has attempts under two provider IDs
	a, b := sent(2, channel.SMS, "shared"), sent(3, channel.SMS, "shared")
	c := sent(4, channel.SMS, "c")
	insert(t, s, twice, a, b, c, message(5))

	require.Empty(t, named(t, s, sms("unknown")), "a ref that no message has finds nothing")
	same(t, []smsplus.Message{c}, named(t, s, sms("c")), "a ref finds its message")
	same(t, []smsplus.Message{c}, named(t, s, sms("unknown"), sms("c"), sms("c")),
		"a message is found once, whatever is asked besides")
	last := channel.Ref{Channel: channel.WhatsApp, ProviderID: "whatsapp 1"}
	same(t, []smsplus.Message{twice}, named(t, s, last), "an attempt that is not the first has its ref too")
	first := channel.Ref{Channel: channel.LINEPush, ProviderID: "line 1"}
	same(t, []smsplus.Message{twice}, named(t, s, first, last), "a message that two refs find is returned once")

	want := clones([]smsplus.Message{a, b})
	if byID(want[0], want[1]) > 0 {
		want[0], want[1] = want[1], want[0]
	}
	same(t, want, named(t, s, sms("shared")), "a ref finds every message that has it")
	require.Len(t, named(t, s, sms("shared"), sms("c"), first), 4, "refs find all their messages together")
}

func byProviderIDChannel(t *testing.T, s smsplus.Store) {
	a, b := sent(1, channel.SMS, "1"), sent(2, channel.WhatsApp, "1")
	c := sent(3, channel.SMS, "2")
	insert(t, s, a, b, c)
	same(t, []smsplus.Message{a}, named(t, s, sms("1")), "two providers may use one ID, each on its channel")
	crossed := named(t, s, sms("x"), channel.Ref{Channel: channel.WhatsApp, ProviderID: "2"})
	require.Empty(t, crossed, "a ref's channel and ID belong together")
}

func byProviderIDUpdate(t *testing.T, s smsplus.Store) {
	insert(t, s, message(1))
	m := sent(1, channel.SMS, "first")
	update(t, s, m)
	require.Len(t, named(t, s, sms("first")), 1, "an ID that an update brings is found")
	m.Version++
	m.Attempts[0].ProviderID = "second"
	update(t, s, m)
	require.Len(t, named(t, s, sms("second")), 1, "an ID that an update changes is found")
	require.Empty(t, named(t, s, sms("first")), "an ID that an update replaced is found no more")
	m.Version++
	m.Status = status.Delivered
	update(t, s, m)
	require.Len(t, named(t, s, sms("second")), 1, "an ID that an update leaves is still found")
	stale, err := s.Update(t.Context(), []smsplus.Message{sent(1, channel.SMS, "stale")})
	require.NoError(t, err)
	require.Len(t, stale, 1)
	require.Empty(t, named(t, s, sms("stale")), "an ID that a stale update would bring is not found")
}

func parkWhole(t *testing.T, s smsplus.Store) {
	r := channel.Receipt{
		Channel: channel.WhatsApp, ProviderID: "wamid.1", Status: status.Undeliverable,
		Reason: status.NoMatch, Detail: "131026: 無法送達", At: noon,
	}
	read := channel.Receipt{
		Channel: channel.WhatsApp, ProviderID: "wamid.1", Status: status.Delivered, Read: true, At: at(1),
	}
	bare := channel.Receipt{Channel: channel.WhatsApp, ProviderID: "wamid.1", At: at(2)}
	park(t, s, r, read, bare)
	sameReceipts(t, s, []channel.Receipt{r, read, bare}, []channel.Ref{r.Ref()}, "every field of a receipt is kept")
}

func parkOnce(t *testing.T, s smsplus.Store) {
	r := receipt(1, sms("1"))
	other := []channel.Receipt{r, r, r, r, r, r, r, r}
	other[0].Channel = channel.WhatsApp
	other[1].ProviderID = "2"
	other[2].Status = status.Failed
	other[3].Reason = status.CarrierError
	other[4].Detail = "detail"
	other[5].Read = true
	other[6].At = r.At.Add(time.Microsecond)
	other[7].Reason, other[7].Detail = "", string(status.CarrierError)
	all := append([]channel.Receipt{r}, other...)
	park(t, s, r)
	park(t, s, all...)
	park(t, s, append(other, r, r)...)
	refs := []channel.Ref{r.Ref(), other[0].Ref(), other[1].Ref()}
	sameReceipts(t, s, all, refs, "a receipt that is equal to a parked one is not kept twice, and any other is")
	sameReceipts(t, s, all, append(refs, refs...), "a ref that is asked twice answers once")
	unpark(t, s, refs...)
	park(t, s, r)
	sameReceipts(t, s, []channel.Receipt{r}, refs, "a receipt that was dropped may be parked again")
}

func parkedRefs(t *testing.T, s smsplus.Store) {
	a, b := receipt(1, sms("a")), receipt(2, sms("b"))
	c := receipt(3, channel.Ref{Channel: channel.WhatsApp, ProviderID: "a"})
	park(t, s, a, b)
	park(t, s, c)
	sameReceipts(t, s, nil, []channel.Ref{sms("unknown")}, "nothing is parked under an unknown ref")
	sameReceipts(t, s, []channel.Receipt{a}, []channel.Ref{sms("a")}, "Parked returns the receipts of its refs alone")
	sameReceipts(t, s, []channel.Receipt{b, c}, []channel.Ref{c.Ref(), sms("b"), sms("unknown")},
		"Parked returns the receipts of all its refs")
	crossed := channel.Ref{Channel: channel.WhatsApp, ProviderID: "b"}
	sameReceipts(t, s, []channel.Receipt{a}, []channel.Ref{sms("a"), crossed}, "a ref's channel and ID belong together")
	sameReceipts(t, s, []channel.Receipt{a, b, c}, []channel.Ref{sms("a"), sms("b"), c.Ref()}, "to look drops nothing")
}

func unparkRefs(t *testing.T, s smsplus.Store) {
	a, again, b := receipt(1, sms("a")), receipt(2, sms("a")), receipt(3, sms("b"))
	c := receipt(4, channel.Ref{Channel: channel.WhatsApp, ProviderID: "a"})
	crossed := channel.Ref{Channel: channel.WhatsApp, ProviderID: "b"}
	refs := []channel.Ref{sms("a"), sms("b"), c.Ref()}
	park(t, s, a, again, b, c)
	unpark(t, s, sms("unknown"), crossed)
	sameReceipts(t, s, []channel.Receipt{a, again, b, c}, refs, "Unpark of a ref that has none drops nothing")
	unpark(t, s, sms("a"))
	sameReceipts(t, s, []channel.Receipt{b, c}, refs, "Unpark drops all receipts of its refs, and no other")
	unpark(t, s, sms("b"), c.Ref(), sms("a"))
	sameReceipts(t, s, nil, refs, "Unpark drops the receipts of all its refs")
}

func parkRace(t *testing.T, s smsplus.Store) {
	const rounds, callers = 8, 6
	for round := range rounds {
		var shared, want []channel.Receipt
		var refs []channel.Ref
		for n := range 10 {
			ref := sms(fmt.Sprintf("%d/%d", round, n))
			refs = append(refs, ref)
			shared = append(shared, receipt(n, ref), receipt(n+1, ref))
		}
		want = append(want, shared...)
		var own [callers]channel.Receipt
		for i := range callers {
			own[i] = receipt(100+i, refs[i])
		}
		want = append(want, own[1:]...)
		together(t, callers, func(i int) error {
			if i == 0 {
				return s.Unpark(t.Context(), []channel.Ref{sms("other")})
			}
			mine := slices.Concat(shared[3*i:], own[i:i+1], shared[:3*i])
			if i%2 == 1 { // locked in this order, two calls would wait for each other
				slices.Reverse(mine)
			}
			return s.Park(t.Context(), mine)
		})
		sameReceipts(t, s, want, refs, "concurrent parking neither loses nor doubles a receipt")
	}
}

// parkUpdateRace is why parking loses no receipt: one side parks and then looks
// for the message, the other updates the message and then looks for receipts.
func parkUpdateRace(t *testing.T, s smsplus.Store) {
	const rounds = 40
	insert(t, s, messages(0, rounds)...)
	for n := range rounds {
		ref := sms(fmt.Sprint(n))
		var seen atomic.Int32
		together(t, 2, func(i int) error {
			if (i+n)%2 == 0 { // by turns the one that is likely to start first
				if err := s.Park(t.Context(), []channel.Receipt{receipt(n, ref)}); err != nil {
					return err
				}
				ms, err := s.ByProviderID(t.Context(), []channel.Ref{ref})
				seen.Add(int32(len(ms)))
				return err
			}
			if _, err := s.Update(t.Context(), []smsplus.Message{sent(n, ref.Channel, ref.ProviderID)}); err != nil {
				return err
			}
			rs, err := s.Parked(t.Context(), []channel.Ref{ref})
			seen.Add(int32(len(rs)))
			return err
		})
		require.Positive(t, seen.Load(), "a receipt and the update that names its message never miss each other")
	}
}
