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

// noLimit is a limit above what any rule stores, and no more than a store may make
// room for beforehand.
const noLimit = 10_000

func testPurgeBefore(t *testing.T, s smsplus.Store) {
	µs := time.Microsecond
	exactly, justBefore := endedMessage(10), endedMessage(11)
	justBefore.TriggeredAt = atMinute(10).Add(-µs)
	open, waiting := newMessage(2), newMessage(3)
	open.Status, waiting.Status = status.Delivered, status.Failed // it is the due time that says when it ends
	waiting.DueAt = atMinute(1_000)
	failed := endedMessage(4)
	failed.Status = status.Failed
	mustInsert(t, s, endedMessage(1), open, waiting, failed, exactly, justBefore)
	old, oldJust, recent := newReceipt(5, smsRef("5")), newReceipt(10, smsRef("6")), newReceipt(10, smsRef("7"))
	oldJust.At = oldJust.At.Add(-µs)
	mustPark(t, s, old, oldJust, recent)

	require.Equal(t, 5, mustPurge(t, s, atMinute(10), noLimit), "Purge returns how many messages and receipts it dropped")
	require.ElementsMatch(t, ids([]smsplus.Message{open, waiting, exactly}), ids(mustListAll(t, s, smsplus.Filter{})),
		"Purge drops messages that ended and were triggered before the time, and no other")
	requireReceipts(t, s, []channel.Receipt{recent}, []channel.Ref{old.Ref(), oldJust.Ref(), recent.Ref()},
		"Purge drops receipts from before the time, and no other")
	require.Zero(t, mustPurge(t, s, atMinute(10), noLimit), "Purge returns zero when there is nothing to drop")
}

func testPurgeOldest(t *testing.T, s smsplus.Store) {
	// Messages and receipts are by turns the oldest.
	mustInsert(t, s, endedMessage(6), endedMessage(0), endedMessage(4), endedMessage(2), newMessage(-1))
	var refs []channel.Ref
	var rs []channel.Receipt
	for _, n := range []int{5, 1, 7, 3} {
		ref := smsRef(string(rune('a' + n)))
		refs = append(refs, ref)
		rs = append(rs, newReceipt(n, ref))
	}
	mustPark(t, s, rs...)
	left := func(from int, rule string) {
		t.Helper()
		want := []smsplus.Message{newMessage(-1)}
		for n := from + from%2; n <= 6; n += 2 {
			want = append(want, endedMessage(n))
		}
		slices.SortFunc(want, newestFirst)
		require.Equal(t, ids(want), ids(mustListAll(t, s, smsplus.Filter{})), rule)
		kept := slices.DeleteFunc(slices.Clone(rs), func(r channel.Receipt) bool { return r.At.Before(atMinute(from)) })
		requireReceipts(t, s, kept, refs, "%s", rule)
	}
	for n := range 3 {
		require.Equal(t, 1, mustPurge(t, s, atMinute(100), 1), "Purge drops as many as its limit")
		left(n+1, "Purge drops the oldest first, be it message or receipt")
	}
	require.Equal(t, 3, mustPurge(t, s, atMinute(100), 3), "the limit counts messages and receipts together")
	left(6, "Purge drops the oldest of both")
	require.Equal(t, 2, mustPurge(t, s, atMinute(100), 3), "Purge drops what there is when that is less than its limit")
	left(8, "Purge leaves what has not ended")
}

func testPurgeWhole(t *testing.T, s smsplus.Store) {
	gone, stays := fullMessage(1), fullMessage(2)
	gone.DueAt, stays.DueAt = time.Time{}, atMinute(1_000)
	mustInsert(t, s, gone, stays)
	mustPark(t, s, newReceipt(1, smsRef("1")))
	require.Equal(t, 2, mustPurge(t, s, atMinute(100), noLimit))

	requireNotFound(t, s, gone.ID, "a purged message is not held any more")
	for _, a := range gone.Attempts {
		ref := channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}
		require.Empty(t, mustFindByProviderID(t, s, ref), "a purged message's provider IDs find nothing")
	}
	for _, f := range []smsplus.Filter{
		{},
		{Template: "otp"},
		{Channel: channel.WhatsApp},
		{Phone: gone.To.Phone},
		{CountryCode: "886"},
		{Group: status.Sent},
		{From: atMinute(0), To: atMinute(3)},
	} {
		requireMessages(t, []smsplus.Message{stays}, mustListAll(t, s, f), "a purged message is in no record: %+v", f)
		requireStats(t, s, []smsplus.Message{stays}, f)
	}
	stale, err := s.Update(t.Context(), []smsplus.Message{gone})
	require.NoError(t, err)
	require.Len(t, stale, 1, "an update of a purged message is stale")
	requireNotFound(t, s, gone.ID, "an update does not bring a purged message back")

	again := newMessage(3)
	again.Key = gone.Key
	mustInsert(t, s, again)
	taken, err := s.Insert(t.Context(), []smsplus.Message{messageWithKey(4, gone.Key), messageWithKey(5, stays.Key)})
	require.NoError(t, err)
	require.Equal(t, again.ID, taken[gone.Key].ID, "a purged message's key is free again")
	require.Equal(t, stays.ID, taken[stays.Key].ID, "the key of a message that stays is not")
	mustPark(t, s, newReceipt(1, smsRef("1")))
	requireReceipts(t, s, []channel.Receipt{newReceipt(1, smsRef("1"))}, []channel.Ref{smsRef("1")},
		"a purged receipt may be parked again")

	stays.DueAt, again.DueAt = time.Time{}, time.Time{}
	mustUpdate(t, s, stays, again)
	require.Equal(t, 3, mustPurge(t, s, atMinute(100), noLimit), "what ends later is purged later")
	require.Empty(t, mustListAll(t, s, smsplus.Filter{}), "a store may be purged to the last message")
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "a template that has no message any more has no row")
}
