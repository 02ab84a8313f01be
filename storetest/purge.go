package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// all is a limit above what any rule stores, and no more than a store may make
// room for beforehand.
const all = 10_000

func purgeBefore(t *testing.T, s smsplus.Store) {
	µs := time.Microsecond
	exactly, justBefore := ended(10), ended(11)
	justBefore.TriggeredAt = at(10).Add(-µs)
	open, waiting := message(2), message(3)
	open.Status, waiting.Status = status.Delivered, status.Failed // it is the due time that says when it ends
	waiting.DueAt = at(1_000)
	failed := ended(4)
	failed.Status = status.Failed
	insert(t, s, ended(1), open, waiting, failed, exactly, justBefore)
	old, oldJust, recent := receipt(5, sms("5")), receipt(10, sms("6")), receipt(10, sms("7"))
	oldJust.At = oldJust.At.Add(-µs)
	park(t, s, old, oldJust, recent)

	require.Equal(t, 5, purge(t, s, at(10), all), "Purge returns how many messages and receipts it dropped")
	require.ElementsMatch(t, ids([]smsplus.Message{open, waiting, exactly}), ids(records(t, s, smsplus.Filter{})),
		"Purge drops messages that ended and were triggered before the time, and no other")
	sameReceipts(t, s, []channel.Receipt{recent}, []channel.Ref{old.Ref(), oldJust.Ref(), recent.Ref()},
		"Purge drops receipts from before the time, and no other")
	require.Zero(t, purge(t, s, at(10), all), "Purge returns zero when there is nothing to drop")
}

func purgeOldest(t *testing.T, s smsplus.Store) {
	// Messages and receipts are by turns the oldest.
	insert(t, s, ended(6), ended(0), ended(4), ended(2), message(-1))
	var refs []channel.Ref
	var rs []channel.Receipt
	for _, n := range []int{5, 1, 7, 3} {
		ref := sms(string(rune('a' + n)))
		refs = append(refs, ref)
		rs = append(rs, receipt(n, ref))
	}
	park(t, s, rs...)
	left := func(from int, rule string) {
		t.Helper()
		want := []smsplus.Message{message(-1)}
		for n := from + from%2; n <= 6; n += 2 {
			want = append(want, ended(n))
		}
		slices.SortFunc(want, newestFirst)
		require.Equal(t, ids(want), ids(records(t, s, smsplus.Filter{})), rule)
		kept := slices.DeleteFunc(slices.Clone(rs), func(r channel.Receipt) bool { return r.At.Before(at(from)) })
		sameReceipts(t, s, kept, refs, "%s", rule)
	}
	for n := range 3 {
		require.Equal(t, 1, purge(t, s, at(100), 1), "Purge drops as many as its limit")
		left(n+1, "Purge drops the oldest first, be it message or receipt")
	}
	require.Equal(t, 3, purge(t, s, at(100), 3), "the limit counts messages and receipts together")
	left(6, "Purge drops the oldest of both")
	require.Equal(t, 2, purge(t, s, at(100), 3), "Purge drops what there is when that is less than its limit")
	left(8, "Purge leaves what has not ended")
}

func purgeWhole(t *testing.T, s smsplus.Store) {
	gone, stays := full(1), full(2)
	gone.DueAt, stays.DueAt = time.Time{}, at(1_000)
	insert(t, s, gone, stays)
	park(t, s, receipt(1, sms("1")))
	require.Equal(t, 2, purge(t, s, at(100), all))

	missing(t, s, gone.ID, "a purged message is not held any more")
	for _, a := range gone.Attempts {
		ref := channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}
		require.Empty(t, named(t, s, ref), "a purged message's provider IDs find nothing")
	}
	for _, f := range []smsplus.Filter{
		{},
		{Template: "otp"},
		{Channel: channel.WhatsApp},
		{Phone: gone.To.Phone},
		{CountryCode: "886"},
		{Group: status.Sent},
		{From: at(0), To: at(3)},
	} {
		same(t, []smsplus.Message{stays}, records(t, s, f), "a purged message is in no record: %+v", f)
		requireStats(t, s, []smsplus.Message{stays}, f)
	}
	stale, err := s.Update(t.Context(), []smsplus.Message{gone})
	require.NoError(t, err)
	require.Len(t, stale, 1, "an update of a purged message is stale")
	missing(t, s, gone.ID, "an update does not bring a purged message back")

	again := message(3)
	again.Key = gone.Key
	insert(t, s, again)
	taken, err := s.Insert(t.Context(), []smsplus.Message{keyed(4, gone.Key), keyed(5, stays.Key)})
	require.NoError(t, err)
	require.Equal(t, again.ID, taken[gone.Key].ID, "a purged message's key is free again")
	require.Equal(t, stays.ID, taken[stays.Key].ID, "the key of a message that stays is not")
	park(t, s, receipt(1, sms("1")))
	sameReceipts(t, s, []channel.Receipt{receipt(1, sms("1"))}, []channel.Ref{sms("1")},
		"a purged receipt may be parked again")

	stays.DueAt, again.DueAt = time.Time{}, time.Time{}
	update(t, s, stays, again)
	require.Equal(t, 3, purge(t, s, at(100), all), "what ends later is purged later")
	require.Empty(t, records(t, s, smsplus.Filter{}), "a store may be purged to the last message")
	require.Empty(t, stats(t, s, smsplus.Filter{}), "a template that has no message any more has no row")
}
