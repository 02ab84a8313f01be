package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
)

func messageWithKey(n int, key string) smsplus.Message {
	m := newMessage(n)
	m.Key = key
	return m
}

func testInsertAllOrNone(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, messageWithKey(1, "a"), newMessage(2))
	requireMessage(t, s, newMessage(2), "Insert adds every message")

	taken, err := s.Insert(t.Context(), []smsplus.Message{newMessage(3), messageWithKey(4, "b"), messageWithKey(5, "a"), messageWithKey(6, "c")})
	require.NoError(t, err, "a taken key is no error")
	require.Len(t, taken, 1, "the taken key is returned, and no other")
	for n := 3; n <= 6; n++ {
		requireNotFound(t, s, messageID(n), "nothing is added if a key is taken")
	}
	require.Len(t, mustListAll(t, s, smsplus.Filter{}), 2, "no record is added if a key is taken")
	require.Equal(t, 2, totalTriggered(mustStats(t, s, smsplus.Filter{})), "nothing is counted if a key is taken")
	mustInsert(t, s, messageWithKey(4, "b"), messageWithKey(6, "c"))
}

func testInsertTakenKeys(t *testing.T, s smsplus.Store) {
	first := fullMessage(1)
	first.Key = "a"
	mustInsert(t, s, first, messageWithKey(2, "b"), messageWithKey(3, "c"))
	taken, err := s.Insert(t.Context(), []smsplus.Message{messageWithKey(4, "a"), messageWithKey(5, "free"), messageWithKey(6, "c")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "c"}, slices.Sorted(maps.Keys(taken)), "every taken key is returned, and no other")
	requireMessages(t, []smsplus.Message{first, messageWithKey(3, "c")}, []smsplus.Message{taken["a"], taken["c"]},
		"a taken key comes with the message that has it")

	mustUpdate(t, s, first)
	taken, err = s.Insert(t.Context(), []smsplus.Message{messageWithKey(4, "a")})
	require.NoError(t, err)
	require.Equal(t, first.Version+1, taken["a"].Version, "a taken key comes with the current state of its message")
}

func testInsertWithoutKey(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 4)...)
	mustInsert(t, s, newMessages(4, 6)...)
	require.Len(t, mustListAll(t, s, smsplus.Filter{}), 5, "messages without a key never collide")
}

func testInsertExactKeys(t *testing.T, s smsplus.Store) {
	for n, text := range trickyTexts {
		mustInsert(t, s, messageWithKey(n, text))
	}
	for n, text := range trickyTexts {
		taken, err := s.Insert(t.Context(), []smsplus.Message{messageWithKey(-1, text)})
		require.NoError(t, err)
		require.Equal(t, []string{text}, slices.Collect(maps.Keys(taken)), "a taken key is returned unchanged")
		require.Equal(t, messageID(n), taken[text].ID, "key %q is taken by its own message", text)
	}
}

func testInsertClaimed(t *testing.T, s smsplus.Store) {
	m := newMessage(1)
	m.Claims, m.Version, m.DueAt = 1, 1, atMinute(2)
	mustInsert(t, s, m)
	claimed := mustClaim(t, s, smsplus.Claim{Now: m.DueAt.Add(-time.Microsecond), Lease: time.Minute, Limit: 1})
	require.Empty(t, claimed.Messages, "a message that was inserted claimed is not claimed again before its lease ends")
	require.Equal(t, m.DueAt, claimed.Next, "the end of the lease that it was inserted with is its due time")
	claimed = mustClaim(t, s, smsplus.Claim{Now: m.DueAt, Lease: time.Minute, Limit: 1})
	require.Len(t, claimed.Messages, 1, "a message that was inserted claimed is due when its lease ends")
	require.Equal(t, 2, claimed.Messages[0].Claims, "the claim that it was inserted with counts")
	require.EqualValues(t, 2, claimed.Messages[0].Version, "the version that it was inserted with counts")
}

func testInsertCanceled(t *testing.T, s smsplus.Store) {
	for i := range 20 {
		ms := newMessages(100*i, 100*i+20)
		for j := range ms {
			ms[j].Template = fmt.Sprint(i)
		}
		_, err := s.Insert(newCancelAfterN(t.Context(), 3*i), ms)
		got := mustListAll(t, s, smsplus.Filter{Template: fmt.Sprint(i)})
		if len(got) > 0 || err == nil {
			require.Len(t, got, len(ms), "an Insert whose context ends adds all messages or none (its error: %v)", err)
		}
	}
	require.Equal(t, len(mustListAll(t, s, smsplus.Filter{})), totalTriggered(mustStats(t, s, smsplus.Filter{})),
		"an Insert whose context ends counts the messages that it adds")
}

// cancelAfterN is a context that the call of Err after the first N calls cancels. With
// rising N, it cancels a store's call at each place where the store checks it.
type cancelAfterN struct {
	context.Context
	remaining atomic.Int64
	cancel    func()
}

func newCancelAfterN(ctx context.Context, n int) *cancelAfterN {
	f := &cancelAfterN{}
	f.Context, f.cancel = context.WithCancel(ctx)
	f.remaining.Store(int64(n))
	return f
}

func (f *cancelAfterN) Err() error {
	if f.remaining.Add(-1) < 0 {
		f.cancel()
	}
	return f.Context.Err()
}

func testInsertRace(t *testing.T, s smsplus.Store) {
	const rounds, callers = 10, 6
	for round := range rounds {
		a, b := fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round)
		n := func(i int) int { return 1000*round + 10*i }
		var takens [callers]map[string]smsplus.Message
		concurrently(t, callers, func(i int) error {
			ms := []smsplus.Message{messageWithKey(n(i), a), messageWithKey(n(i)+1, b)}
			if i%2 == 1 { // two calls that lock keys in the given order would deadlock
				ms = []smsplus.Message{messageWithKey(n(i)+1, b), messageWithKey(n(i), a)}
			}
			var err error
			takens[i], err = s.Insert(t.Context(), ms)
			return err
		})
		winner := slices.IndexFunc(takens[:], func(taken map[string]smsplus.Message) bool { return len(taken) == 0 })
		require.NotEqual(t, -1, winner, "of concurrent inserts with one key, one wins")
		for i, taken := range takens {
			if i == winner {
				continue
			}
			require.Len(t, taken, 2, "of concurrent inserts with one key, only one wins")
			require.Equal(t, messageID(n(winner)), taken[a].ID, "the others get the message that has the key")
			require.Equal(t, messageID(n(winner)+1), taken[b].ID, "the others get the message that has the key")
			requireNotFound(t, s, messageID(n(i)), "the others add nothing")
		}
		mustGet(t, s, messageID(n(winner)))
	}
	require.Equal(t, 2*rounds, totalTriggered(mustStats(t, s, smsplus.Filter{})), "only added messages are counted")
}
