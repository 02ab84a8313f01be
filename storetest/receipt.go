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

func testByProviderID(t *testing.T, s smsplus.Store) {
	twice := fullMessage(1) // two attempts, each with a provider ID
	a, b := sentMessage(2, channel.SMS, "shared"), sentMessage(3, channel.SMS, "shared")
	c := sentMessage(4, channel.SMS, "c")
	mustInsert(t, s, twice, a, b, c, newMessage(5))

	require.Empty(t, mustFindByProviderID(t, s, smsRef("unknown")), "a ref that no message has finds nothing")
	requireMessages(t, []smsplus.Message{c}, mustFindByProviderID(t, s, smsRef("c")), "a ref finds its message")
	requireMessages(t, []smsplus.Message{c}, mustFindByProviderID(t, s, smsRef("unknown"), smsRef("c"), smsRef("c")),
		"a message is found once, also with repeated and unknown refs")
	last := channel.Ref{Channel: channel.WhatsApp, ProviderID: "whatsapp 1"}
	requireMessages(t, []smsplus.Message{twice}, mustFindByProviderID(t, s, last), "the ref of a later attempt finds the message")
	first := channel.Ref{Channel: channel.LINEPush, ProviderID: "line 1"}
	requireMessages(t, []smsplus.Message{twice}, mustFindByProviderID(t, s, first, last), "a message that has two of the refs is returned once")

	want := cloneAll([]smsplus.Message{a, b})
	if byID(want[0], want[1]) > 0 {
		want[0], want[1] = want[1], want[0]
	}
	requireMessages(t, want, mustFindByProviderID(t, s, smsRef("shared")), "a ref finds every message that has it")
	require.Len(t, mustFindByProviderID(t, s, smsRef("shared"), smsRef("c"), first), 4, "refs find all their messages together")
}

func testByProviderIDChannel(t *testing.T, s smsplus.Store) {
	a, b := sentMessage(1, channel.SMS, "1"), sentMessage(2, channel.WhatsApp, "1")
	c := sentMessage(3, channel.SMS, "2")
	mustInsert(t, s, a, b, c)
	requireMessages(t, []smsplus.Message{a}, mustFindByProviderID(t, s, smsRef("1")), "two channels may have the same provider ID")
	crossed := mustFindByProviderID(t, s, smsRef("x"), channel.Ref{Channel: channel.WhatsApp, ProviderID: "2"})
	require.Empty(t, crossed, "a ref's channel and provider ID must match together")
}

func testByProviderIDUpdate(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessage(1))
	m := sentMessage(1, channel.SMS, "first")
	mustUpdate(t, s, m)
	require.Len(t, mustFindByProviderID(t, s, smsRef("first")), 1, "a provider ID that an update adds is found")
	m.Version++
	m.Attempts[0].ProviderID = "second"
	mustUpdate(t, s, m)
	require.Len(t, mustFindByProviderID(t, s, smsRef("second")), 1, "a provider ID that an update changes is found")
	require.Empty(t, mustFindByProviderID(t, s, smsRef("first")), "a provider ID that an update replaced is not found any more")
	m.Version++
	m.Status = status.Delivered
	mustUpdate(t, s, m)
	require.Len(t, mustFindByProviderID(t, s, smsRef("second")), 1, "a provider ID that an update keeps is still found")
	stale, err := s.Update(t.Context(), []smsplus.Message{sentMessage(1, channel.SMS, "stale")})
	require.NoError(t, err)
	require.Len(t, stale, 1)
	require.Empty(t, mustFindByProviderID(t, s, smsRef("stale")), "a provider ID of a stale update is not found")
}

func testParkWhole(t *testing.T, s smsplus.Store) {
	r := channel.Receipt{
		Channel: channel.WhatsApp, ProviderID: "wamid.1", Status: status.Undeliverable,
		Reason: status.NoMatch, Detail: "131026: 無法送達", At: noon,
	}
	read := channel.Receipt{
		Channel: channel.WhatsApp, ProviderID: "wamid.1", Status: status.Delivered, Read: true, At: atMinute(1),
	}
	bare := channel.Receipt{Channel: channel.WhatsApp, ProviderID: "wamid.1", At: atMinute(2)}
	mustPark(t, s, r, read, bare)
	requireReceipts(t, s, []channel.Receipt{r, read, bare}, []channel.Ref{r.Ref()}, "every field of a receipt is kept")
}

func testParkOnce(t *testing.T, s smsplus.Store) {
	r := newReceipt(1, smsRef("1"))
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
	mustPark(t, s, r)
	mustPark(t, s, all...)
	mustPark(t, s, append(other, r, r)...)
	refs := []channel.Ref{r.Ref(), other[0].Ref(), other[1].Ref()}
	requireReceipts(t, s, all, refs, "a receipt that equals a parked one is not kept twice, and every different one is kept")
	requireReceipts(t, s, all, append(refs, refs...), "a repeated ref returns its receipts once")
	mustUnpark(t, s, refs...)
	mustPark(t, s, r)
	requireReceipts(t, s, []channel.Receipt{r}, refs, "a receipt that was dropped may be parked again")
}

func testParkedRefs(t *testing.T, s smsplus.Store) {
	a, b := newReceipt(1, smsRef("a")), newReceipt(2, smsRef("b"))
	c := newReceipt(3, channel.Ref{Channel: channel.WhatsApp, ProviderID: "a"})
	mustPark(t, s, a, b)
	mustPark(t, s, c)
	requireReceipts(t, s, nil, []channel.Ref{smsRef("unknown")}, "nothing is parked under an unknown ref")
	requireReceipts(t, s, []channel.Receipt{a}, []channel.Ref{smsRef("a")}, "Parked returns only the receipts of its refs")
	requireReceipts(t, s, []channel.Receipt{b, c}, []channel.Ref{c.Ref(), smsRef("b"), smsRef("unknown")},
		"Parked returns the receipts of all its refs")
	crossed := channel.Ref{Channel: channel.WhatsApp, ProviderID: "b"}
	requireReceipts(t, s, []channel.Receipt{a}, []channel.Ref{smsRef("a"), crossed}, "a ref's channel and provider ID must match together")
	requireReceipts(t, s, []channel.Receipt{a, b, c}, []channel.Ref{smsRef("a"), smsRef("b"), c.Ref()}, "Parked drops nothing")
}

func testUnparkRefs(t *testing.T, s smsplus.Store) {
	a, again, b := newReceipt(1, smsRef("a")), newReceipt(2, smsRef("a")), newReceipt(3, smsRef("b"))
	c := newReceipt(4, channel.Ref{Channel: channel.WhatsApp, ProviderID: "a"})
	crossed := channel.Ref{Channel: channel.WhatsApp, ProviderID: "b"}
	refs := []channel.Ref{smsRef("a"), smsRef("b"), c.Ref()}
	mustPark(t, s, a, again, b, c)
	mustUnpark(t, s, smsRef("unknown"), crossed)
	requireReceipts(t, s, []channel.Receipt{a, again, b, c}, refs, "Unpark of a ref that has none drops nothing")
	mustUnpark(t, s, smsRef("a"))
	requireReceipts(t, s, []channel.Receipt{b, c}, refs, "Unpark drops all receipts of its refs, and no other")
	mustUnpark(t, s, smsRef("b"), c.Ref(), smsRef("a"))
	requireReceipts(t, s, nil, refs, "Unpark drops the receipts of all its refs")
}

// mustListParked returns the receipts of all pages. It calls between before each page but
// the first.
func mustListParked(t testingT, s smsplus.Store, limit int, between func(seen []channel.Receipt)) []channel.Receipt {
	t.Helper()
	var seen []channel.Receipt
	for pages, after := 0, ""; ; pages++ {
		require.Less(t, pages, 1_000, "the list ends")
		rs, next, err := s.ListParked(t.Context(), after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(rs), limit, "a page holds no more than the limit")
		seen = append(seen, rs...)
		if next == "" {
			return seen
		}
		require.NotEmpty(t, rs, "a page that is not the last holds receipts")
		after = next
		between(seen)
	}
}

// countReceipts returns how often each receipt is in the list, with its time in UTC.
func countReceipts(rs []channel.Receipt) map[channel.Receipt]int {
	counts := map[channel.Receipt]int{}
	for _, r := range rs {
		r.At = r.At.UTC()
		counts[r]++
	}
	return counts
}

func testListParked(t *testing.T, s smsplus.Store) {
	nothing := func([]channel.Receipt) {}
	require.Empty(t, mustListParked(t, s, 1, nothing), "without receipts the list is empty")
	var rs []channel.Receipt
	for n := range 12 {
		ref := smsRef(fmt.Sprint(n % 5))
		if n%2 == 0 {
			ref.Channel = channel.WhatsApp
		}
		r := newReceipt(n/4, ref) // several have one time, and several have one ref
		r.Reason, r.Detail, r.Read = status.NoMatch, fmt.Sprint("無法送達 ", n), n%3 == 0
		rs = append(rs, r)
	}
	mustPark(t, s, rs...)
	for limit := 1; limit <= len(rs)+1; limit++ {
		require.Equal(t, countReceipts(rs), countReceipts(mustListParked(t, s, limit, nothing)),
			"pages of %d hold every receipt once, with every field", limit)
	}
	got, _, err := s.ListParked(t.Context(), "", 1)
	require.NoError(t, err)
	require.Equal(t, time.UTC, got[0].At.Location(), "a receipt's time is returned in UTC")
	refs := make([]channel.Ref, len(rs))
	for i, r := range rs {
		refs[i] = r.Ref()
	}
	requireReceipts(t, s, rs, refs, "ListParked drops nothing")
}

func testListParkedChanges(t *testing.T, s smsplus.Store) {
	for limit := 1; limit <= 4; limit++ {
		ref := func(n int) channel.Ref { return smsRef(fmt.Sprintf("%d/%d", limit, n)) }
		var stay []channel.Receipt
		for n := range 24 {
			r := newReceipt(n%7, ref(n))
			mustPark(t, s, r)
			if n%3 > 0 {
				stay = append(stay, r)
			}
		}
		round := 0
		seen := mustListParked(t, s, limit, func(seen []channel.Receipt) {
			// Drop the receipt of the cursor, and one that may be ahead of it.
			round++
			last := seen[len(seen)-1]
			mustUnpark(t, s, last.Ref(), ref(3*(round%8)))
			stay = slices.DeleteFunc(stay, func(r channel.Receipt) bool { return r == last })
			if round <= 8 { // park some before, among and after the others
				mustPark(t, s, newReceipt(-round, ref(1_000+round)), newReceipt(3, ref(2_000-round)), newReceipt(9, ref(3_000+round)))
			}
		})
		counts := countReceipts(seen)
		require.Len(t, counts, len(seen), "no receipt is on two pages (limit %d)", limit)
		for _, r := range stay {
			require.Contains(t, counts, r, "each receipt that stayed is on one page (limit %d)", limit)
		}
		for _, r := range mustListParked(t, s, 100, func([]channel.Receipt) {}) {
			mustUnpark(t, s, r.Ref())
		}
		require.Empty(t, mustListParked(t, s, 1, func([]channel.Receipt) {}), "dropped receipts are not listed")
	}
}

func testParkRace(t *testing.T, s smsplus.Store) {
	const rounds, callers = 8, 6
	for round := range rounds {
		var shared, want []channel.Receipt
		var refs []channel.Ref
		for n := range 10 {
			ref := smsRef(fmt.Sprintf("%d/%d", round, n))
			refs = append(refs, ref)
			shared = append(shared, newReceipt(n, ref), newReceipt(n+1, ref))
		}
		want = append(want, shared...)
		var own [callers]channel.Receipt
		for i := range callers {
			own[i] = newReceipt(100+i, refs[i])
		}
		want = append(want, own[1:]...)
		concurrently(t, callers, func(i int) error {
			if i == 0 {
				return s.Unpark(t.Context(), []channel.Ref{smsRef("other")})
			}
			mine := slices.Concat(shared[3*i:], own[i:i+1], shared[:3*i])
			if i%2 == 1 { // two calls that lock receipts in the given order would deadlock
				slices.Reverse(mine)
			}
			return s.Park(t.Context(), mine)
		})
		requireReceipts(t, s, want, refs, "concurrent parking neither loses nor duplicates a receipt")
	}
}

// testParkUpdateRace runs the two sides of the protocol that loses no receipt. One side
// parks a receipt and then looks for its message. The other side updates the message and
// then looks for parked receipts. At least one of them must find what the other stored.
func testParkUpdateRace(t *testing.T, s smsplus.Store) {
	const rounds = 40
	mustInsert(t, s, newMessages(0, rounds)...)
	for n := range rounds {
		ref := smsRef(fmt.Sprint(n))
		var seen atomic.Int32
		concurrently(t, 2, func(i int) error {
			if (i+n)%2 == 0 { // alternate, because one goroutine is likelier to start first
				if err := s.Park(t.Context(), []channel.Receipt{newReceipt(n, ref)}); err != nil {
					return err
				}
				ms, err := s.ByProviderID(t.Context(), []channel.Ref{ref})
				seen.Add(int32(len(ms)))
				return err
			}
			if _, err := s.Update(t.Context(), []smsplus.Message{sentMessage(n, ref.Channel, ref.ProviderID)}); err != nil {
				return err
			}
			rs, err := s.Parked(t.Context(), []channel.Ref{ref})
			seen.Add(int32(len(rs)))
			return err
		})
		require.Positive(t, seen.Load(), "a receipt and the update that stores its provider ID never miss each other")
	}
}
