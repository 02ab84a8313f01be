package storetest

import (
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func testUpdateReplaces(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessage(1))
	m := mustClaim(t, s, smsplus.Claim{Now: atMinute(1), Lease: time.Minute, Limit: 1}).Messages[0]
	m.Attempts = fullMessage(1).Attempts
	m.Status, m.Channel = status.Delivered, channel.WhatsApp
	m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt, m.DueAt = atMinute(2), atMinute(3), atMinute(4), atMinute(5), atMinute(6)
	m.Claims, m.Sending, m.Holder = 0, 2, 0
	mustUpdate(t, s, m)
	m.Version++
	requireMessage(t, s, m, "Update replaces the message and raises its version")

	m.Attempts, m.Sending = nil, -1
	mustUpdate(t, s, m)
	m.Version++
	requireMessage(t, s, m, "Update replaces the attempts")
}

func testUpdateKeepsHold(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessage(1))
	m := mustClaim(t, s, smsplus.Claim{Now: atMinute(1), Lease: time.Minute, Limit: 1, Holder: math.MaxInt64}).Messages[0]
	require.Equal(t, int64(math.MaxInt64), m.Holder, "a claim sets the holder")
	m.Sending = 1
	mustUpdate(t, s, m)
	m.Version++
	requireMessage(t, s, m, "Update stores Claims, Sending, Holder and DueAt as they are")
	held := mustClaim(t, s, smsplus.Claim{Now: m.DueAt.Add(-time.Microsecond), Lease: time.Minute, Limit: 1})
	require.Empty(t, held.Messages, "a message whose holder updated it is not claimed before its lease ends")
	require.Equal(t, m.DueAt, held.Next, "an update that keeps the lease keeps its end")

	next := mustClaim(t, s, smsplus.Claim{Now: m.DueAt, Lease: time.Minute, Limit: 1, Holder: 2}).Messages
	m.DueAt, m.Claims, m.Holder, m.Version = m.DueAt.Add(time.Minute), 2, 2, m.Version+1
	requireMessages(t, []smsplus.Message{m}, next, "a claim counts on from the claims that were kept, and leaves Sending alone")

	m.Claims, m.Sending, m.Holder, m.DueAt = 1, 0, -1, atMinute(5)
	mustUpdate(t, s, m)
	m.Version++
	requireMessage(t, s, m, "Update stores any Claims, Sending and Holder")
}

func testUpdateStale(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 6)...)
	mustUpdate(t, s, newMessage(2))
	mustClaim(t, s, smsplus.Claim{Now: atMinute(1), Lease: time.Minute, Limit: 1})
	before := []smsplus.Message{mustGet(t, s, messageID(1)), mustGet(t, s, messageID(2))}

	batch := append(newMessages(1, 6), newMessage(99))
	for i := range batch {
		batch[i].Status = status.Failed
	}
	batch[4].Version++ // a version ahead of the stored one is stale too
	stale, err := s.Update(t.Context(), batch)
	require.NoError(t, err, "a stale message is no error")
	require.ElementsMatch(t, []uuid.UUID{messageID(1), messageID(2), messageID(5), messageID(99)}, stale,
		"the stale messages are those with another stored version and those that the store does not hold")
	for _, m := range append(before, newMessage(5)) {
		requireMessage(t, s, m, "a stale message is left alone")
	}
	for n := 3; n <= 4; n++ {
		require.Equal(t, status.Failed, mustGet(t, s, messageID(n)).Status, "the others of the batch are updated")
	}
	require.Equal(t, 2, totalTriggered(mustStats(t, s, smsplus.Filter{Group: status.FailedGroup})), "stale updates are not counted")
}

func testUpdateUnknown(t *testing.T, s smsplus.Store) {
	stale, err := s.Update(t.Context(), newMessages(1, 2))
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{messageID(1)}, stale, "a message that the store does not hold is stale")
	requireNotFound(t, s, messageID(1), "Update does not add a message")
	require.Empty(t, mustListAll(t, s, smsplus.Filter{}), "Update does not add a record")
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "Update does not count a message that it does not add")
}

func testUpdateKeepsTrigger(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, fullMessage(1))
	m := mustGet(t, s, messageID(1))
	m.Status = status.Failed
	m.Attempts = m.Attempts[:1]
	mustUpdate(t, s, m)
	m = mustGet(t, s, messageID(1))
	want := fullMessage(1)
	want.Status, want.Attempts, want.Version, want.Claims = m.Status, m.Attempts, m.Version, m.Claims
	requireMessages(t, []smsplus.Message{want}, []smsplus.Message{m}, "an update keeps the fields that the trigger fixed")
	taken, err := s.Insert(t.Context(), []smsplus.Message{messageWithKey(2, want.Key)})
	require.NoError(t, err)
	require.Len(t, taken, 1, "a key stays taken after an update")
}

func testUpdateRace(t *testing.T, s smsplus.Store) {
	const rounds, callers = 20, 6
	mustInsert(t, s, newMessage(1))
	for round := range rounds {
		var wins atomic.Int32
		concurrently(t, callers, func(int) error {
			m := newMessage(1)
			m.Version = int64(round)
			m.Status = status.Statuses()[round%2]
			stale, err := s.Update(t.Context(), []smsplus.Message{m})
			if err == nil && len(stale) == 0 {
				wins.Add(1)
			}
			return err
		})
		require.EqualValues(t, 1, wins.Load(), "of concurrent updates of one version, exactly one wins")
	}
	require.EqualValues(t, rounds, mustGet(t, s, messageID(1)).Version, "only the winners raise the version")
	require.Equal(t, 1, totalTriggered(mustStats(t, s, smsplus.Filter{})), "a message is counted once, however many update it")
}

func testUpdateLockOrder(t *testing.T, s smsplus.Store) {
	const n, rounds, callers = 20, 8, 4
	mustInsert(t, s, newMessages(0, n)...)
	for round := range rounds {
		var lost atomic.Int32
		concurrently(t, callers, func(i int) error {
			ms := newMessages(0, n)
			for j := range ms {
				ms[j].Version = int64(round)
			}
			if i%2 == 1 { // two calls that lock messages in the given order would deadlock
				slices.Reverse(ms)
			}
			stale, err := s.Update(t.Context(), ms)
			lost.Add(int32(len(stale)))
			return err
		})
		require.EqualValues(t, n*(callers-1), lost.Load(), "of concurrent updates of a message, exactly one wins")
	}
}
