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

// noLimit is a limit above the number of messages that any rule stores.
const noLimit = 10_000

func testPurgeBefore(t *testing.T, s smsplus.Store) {
	µs := time.Microsecond
	exactly, justBefore := endedMessage(10), endedMessage(11)
	justBefore.TriggeredAt = atMinute(10).Add(-µs)
	open, waiting := newMessage(2), newMessage(3)
	open.Status, waiting.Status = status.Delivered, status.Failed // a final status does not end a message with a due time
	waiting.DueAt = atMinute(1_000)
	failed := endedMessage(4)
	failed.Status = status.Failed
	mustInsert(t, s, endedMessage(1), open, waiting, failed, exactly, justBefore)
	old, oldJust, recent := newReceipt(5, smsRef("5")), newReceipt(10, smsRef("6")), newReceipt(10, smsRef("7"))
	oldJust.At = oldJust.At.Add(-µs)
	mustPark(t, s, old, oldJust, recent)

	require.Equal(t, 5, mustPurge(t, s, atMinute(10), noLimit), "Purge returns how many messages and receipts it dropped")
	require.ElementsMatch(t, ids([]smsplus.Message{open, waiting, exactly}), ids(mustListAll(t, s, smsplus.Filter{})),
		"Purge drops ended messages that were triggered before the time, and no others")
	requireReceipts(t, s, []channel.Receipt{recent}, []channel.Ref{old.Ref(), oldJust.Ref(), recent.Ref()},
		"Purge drops receipts from before the time, and no others")
	require.Zero(t, mustPurge(t, s, atMinute(10), noLimit), "Purge returns zero when there is nothing to drop")
}

func testPurgeOldest(t *testing.T, s smsplus.Store) {
	// By age, messages and receipts alternate.
	mustInsert(t, s, endedMessage(6), endedMessage(0), endedMessage(4), endedMessage(2), newMessage(-1))
	var refs []channel.Ref
	var rs []channel.Receipt
	for _, n := range []int{5, 1, 7, 3} {
		ref := smsRef(string(rune('a' + n)))
		refs = append(refs, ref)
		rs = append(rs, newReceipt(n, ref))
	}
	mustPark(t, s, rs...)
	requireLeft := func(from int, rule string) {
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
		requireLeft(n+1, "Purge drops the oldest first, message or receipt")
	}
	require.Equal(t, 3, mustPurge(t, s, atMinute(100), 3), "the limit counts messages and receipts together")
	requireLeft(6, "Purge drops the oldest of both")
	require.Equal(t, 2, mustPurge(t, s, atMinute(100), 3), "Purge drops the rest when that is less than its limit")
	requireLeft(8, "Purge keeps messages that have not ended")
}

func testPurgeWhole(t *testing.T, s smsplus.Store) {
	purged, kept := fullMessage(1), fullMessage(2)
	purged.DueAt, kept.DueAt = time.Time{}, atMinute(1_000)
	mustInsert(t, s, purged, kept)
	mustPark(t, s, newReceipt(1, smsRef("1")))
	require.Equal(t, 2, mustPurge(t, s, atMinute(100), noLimit))

	requireNotFound(t, s, purged.ID, "a purged message is not found any more")
	for _, a := range purged.Attempts {
		ref := channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}
		require.Empty(t, mustFindByProviderID(t, s, ref), "a purged message's provider IDs find nothing")
	}
	for _, f := range []smsplus.Filter{
		{},
		{Template: "otp"},
		{Channel: channel.WhatsApp},
		{Phone: purged.To.Phone},
		{RecipientID: purged.To.IDs[channel.LINEPush]},
		{CountryCode: "886"},
		{Group: status.Sent},
		{From: atMinute(0), To: atMinute(3)},
	} {
		requireMessages(t, []smsplus.Message{kept}, mustListAll(t, s, f), "a purged message is in no record: %+v", f)
		requireStats(t, s, []smsplus.Message{kept}, f)
	}
	stale, err := s.Update(t.Context(), []smsplus.Message{purged})
	require.NoError(t, err)
	require.Len(t, stale, 1, "an update of a purged message is stale")
	requireNotFound(t, s, purged.ID, "an update does not bring a purged message back")

	again := newMessage(3)
	again.Key = purged.Key
	mustInsert(t, s, again)
	taken, err := s.Insert(t.Context(), []smsplus.Message{messageWithKey(4, purged.Key), messageWithKey(5, kept.Key)})
	require.NoError(t, err)
	require.Equal(t, again.ID, taken[purged.Key].ID, "a purged message's key is free again")
	require.Equal(t, kept.ID, taken[kept.Key].ID, "the key of a message that was not purged is still taken")
	mustPark(t, s, newReceipt(1, smsRef("1")))
	requireReceipts(t, s, []channel.Receipt{newReceipt(1, smsRef("1"))}, []channel.Ref{smsRef("1")},
		"a purged receipt may be parked again")

	kept.DueAt, again.DueAt = time.Time{}, time.Time{}
	mustUpdate(t, s, kept, again)
	require.Equal(t, 3, mustPurge(t, s, atMinute(100), noLimit), "messages that end later can be purged later")
	require.Empty(t, mustListAll(t, s, smsplus.Filter{}), "a store can be purged to the last message")
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "a template without messages has no row")
}
