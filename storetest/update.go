package storetest

import (
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

func updateReplaces(t *testing.T, s smsplus.Store) {
	insert(t, s, message(1))
	m := claim(t, s, smsplus.Claim{Now: at(1), Lease: time.Minute, Limit: 1}).Messages[0]
	m.Attempts = full(1).Attempts
	m.Status, m.Channel = status.Delivered, channel.WhatsApp
	m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt, m.DueAt = at(2), at(3), at(4), at(5), at(6)
	update(t, s, m)
	m.Version++
	m.Claims = 0
	holds(t, s, m, "Update replaces the message, raises its version and resets its claims")

	m.Attempts = nil
	m.Claims = 7
	update(t, s, m)
	m.Version++
	m.Claims = 0
	holds(t, s, m, "Update replaces the attempts and resets the claims")
}

func updateStale(t *testing.T, s smsplus.Store) {
	insert(t, s, messages(1, 6)...)
	update(t, s, message(2))
	claim(t, s, smsplus.Claim{Now: at(1), Lease: time.Minute, Limit: 1})
	before := []smsplus.Message{get(t, s, id(1)), get(t, s, id(2))}

	batch := append(messages(1, 6), message(99))
	for i := range batch {
		batch[i].Status = status.Failed
	}
	batch[4].Version++ // ahead of the store is no less wrong than behind it
	stale, err := s.Update(t.Context(), batch)
	require.NoError(t, err, "a stale message is no error")
	require.ElementsMatch(t, []uuid.UUID{id(1), id(2), id(5), id(99)}, stale,
		"stale are those that a claim or an update moved on, or that the store does not hold, and no others")
	for _, m := range append(before, message(5)) {
		holds(t, s, m, "what is stale is left alone")
	}
	for n := 3; n <= 4; n++ {
		require.Equal(t, status.Failed, get(t, s, id(n)).Status, "the others of the batch are updated")
	}
	require.Equal(t, 2, countOf(stats(t, s, smsplus.Filter{Group: status.FailedGroup})), "what is stale is not counted")
}

func updateUnknown(t *testing.T, s smsplus.Store) {
	stale, err := s.Update(t.Context(), messages(1, 2))
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{id(1)}, stale, "a message that the store does not hold is stale")
	missing(t, s, id(1), "Update does not add a message")
	require.Empty(t, records(t, s, smsplus.Filter{}), "Update does not add a record")
	require.Empty(t, stats(t, s, smsplus.Filter{}), "Update does not count a message that it does not add")
}

func updateKeepsTrigger(t *testing.T, s smsplus.Store) {
	insert(t, s, full(1))
	m := get(t, s, id(1))
	m.Status = status.Failed
	m.Attempts = m.Attempts[:1]
	update(t, s, m)
	m = get(t, s, id(1))
	want := full(1)
	want.Status, want.Attempts, want.Version, want.Claims = m.Status, m.Attempts, m.Version, m.Claims
	same(t, []smsplus.Message{want}, []smsplus.Message{m}, "what the trigger fixed outlives an update")
	taken, err := s.Insert(t.Context(), []smsplus.Message{keyed(2, want.Key)})
	require.NoError(t, err)
	require.Len(t, taken, 1, "a key stays taken over an update")
}

func updateRace(t *testing.T, s smsplus.Store) {
	const rounds, callers = 20, 6
	insert(t, s, message(1))
	for round := range rounds {
		var wins atomic.Int32
		together(t, callers, func(int) error {
			m := message(1)
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
	require.EqualValues(t, rounds, get(t, s, id(1)).Version, "only the winners raise the version")
	require.Equal(t, 1, countOf(stats(t, s, smsplus.Filter{})), "a message is counted once, however many update it")
}

func updateOrders(t *testing.T, s smsplus.Store) {
	const n, rounds, callers = 20, 8, 4
	insert(t, s, messages(0, n)...)
	for round := range rounds {
		var lost atomic.Int32
		together(t, callers, func(i int) error {
			ms := messages(0, n)
			for j := range ms {
				ms[j].Version = int64(round)
			}
			if i%2 == 1 { // locked in this order, two calls would wait for each other
				slices.Reverse(ms)
			}
			stale, err := s.Update(t.Context(), ms)
			lost.Add(int32(len(stale)))
			return err
		})
		require.EqualValues(t, n*(callers-1), lost.Load(), "of concurrent updates, exactly one wins each message")
	}
}
