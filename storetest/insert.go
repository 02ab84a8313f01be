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

func keyed(n int, key string) smsplus.Message {
	m := message(n)
	m.Key = key
	return m
}

func insertAllOrNone(t *testing.T, s smsplus.Store) {
	insert(t, s, keyed(1, "a"), message(2))
	holds(t, s, message(2), "Insert adds every message")

	taken, err := s.Insert(t.Context(), []smsplus.Message{message(3), keyed(4, "b"), keyed(5, "a"), keyed(6, "c")})
	require.NoError(t, err, "a taken key is no error")
	require.Len(t, taken, 1, "the key that is taken is named")
	for n := 3; n <= 6; n++ {
		missing(t, s, id(n), "nothing is added if a key is taken")
	}
	require.Len(t, records(t, s, smsplus.Filter{}), 2, "no record is added if a key is taken")
	require.Equal(t, 2, countOf(stats(t, s, smsplus.Filter{})), "nothing is counted if a key is taken")
	insert(t, s, keyed(4, "b"), keyed(6, "c"))
}

func insertTaken(t *testing.T, s smsplus.Store) {
	first := full(1)
	first.Key = "a"
	insert(t, s, first, keyed(2, "b"), keyed(3, "c"))
	taken, err := s.Insert(t.Context(), []smsplus.Message{keyed(4, "a"), keyed(5, "free"), keyed(6, "c")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "c"}, slices.Sorted(maps.Keys(taken)), "every taken key is named, and no other")
	same(t, []smsplus.Message{first, keyed(3, "c")}, []smsplus.Message{taken["a"], taken["c"]},
		"a taken key comes with the message that has it")

	update(t, s, first)
	taken, err = s.Insert(t.Context(), []smsplus.Message{keyed(4, "a")})
	require.NoError(t, err)
	require.Equal(t, first.Version+1, taken["a"].Version, "a taken key comes with its message as it is now")
}

func insertWithoutKey(t *testing.T, s smsplus.Store) {
	insert(t, s, messages(1, 4)...)
	insert(t, s, messages(4, 6)...)
	require.Len(t, records(t, s, smsplus.Filter{}), 5, "messages without a key never collide")
}

func exactKeys(t *testing.T, s smsplus.Store) {
	for n, text := range texts {
		insert(t, s, keyed(n, text))
	}
	for n, text := range texts {
		taken, err := s.Insert(t.Context(), []smsplus.Message{keyed(-1, text)})
		require.NoError(t, err)
		require.Equal(t, []string{text}, slices.Collect(maps.Keys(taken)), "a key is taken under its own name")
		require.Equal(t, id(n), taken[text].ID, "key %q is taken by its own message", text)
	}
}

func insertClaimed(t *testing.T, s smsplus.Store) {
	m := message(1)
	m.Claims, m.Version, m.DueAt = 1, 1, at(2)
	insert(t, s, m)
	claimed := claim(t, s, smsplus.Claim{Now: m.DueAt.Add(-time.Microsecond), Lease: time.Minute, Limit: 1})
	require.Empty(t, claimed.Messages, "a message that came claimed is nobody else's before its lease ends")
	require.Equal(t, m.DueAt, claimed.Next, "the lease that it came with is its due time")
	claimed = claim(t, s, smsplus.Claim{Now: m.DueAt, Lease: time.Minute, Limit: 1})
	require.Len(t, claimed.Messages, 1, "a message that came claimed falls due when its lease ends")
	require.Equal(t, 2, claimed.Messages[0].Claims, "the claim that it came with counts")
	require.EqualValues(t, 2, claimed.Messages[0].Version, "the version that it came with counts")
}

func insertCutOff(t *testing.T, s smsplus.Store) {
	for i := range 20 {
		ms := messages(100*i, 100*i+20)
		for j := range ms {
			ms[j].Template = fmt.Sprint(i)
		}
		_, err := s.Insert(newFuse(t.Context(), 3*i), ms)
		got := records(t, s, smsplus.Filter{Template: fmt.Sprint(i)})
		if len(got) > 0 || err == nil {
			require.Len(t, got, len(ms), "an Insert that is cut off adds all or none (its error: %v)", err)
		}
	}
	require.Equal(t, len(records(t, s, smsplus.Filter{})), countOf(stats(t, s, smsplus.Filter{})),
		"an Insert that is cut off counts what it adds")
}

// fuse is a context that ends when it has been asked often enough, so that a call
// is cut off at each place where it looks.
type fuse struct {
	context.Context
	left   atomic.Int64
	cancel func()
}

func newFuse(ctx context.Context, asks int) *fuse {
	f := &fuse{}
	f.Context, f.cancel = context.WithCancel(ctx)
	f.left.Store(int64(asks))
	return f
}

func (f *fuse) Err() error {
	if f.left.Add(-1) < 0 {
		f.cancel()
	}
	return f.Context.Err()
}

func insertRace(t *testing.T, s smsplus.Store) {
	const rounds, callers = 10, 6
	for round := range rounds {
		a, b := fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round)
		n := func(i int) int { return 1000*round + 10*i }
		var takens [callers]map[string]smsplus.Message
		together(t, callers, func(i int) error {
			ms := []smsplus.Message{keyed(n(i), a), keyed(n(i)+1, b)}
			if i%2 == 1 { // taken in this order, two calls would wait for each other
				ms = []smsplus.Message{keyed(n(i)+1, b), keyed(n(i), a)}
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
			require.Equal(t, id(n(winner)), taken[a].ID, "the others are told whose the key is")
			require.Equal(t, id(n(winner)+1), taken[b].ID, "the others are told whose the key is")
			missing(t, s, id(n(i)), "the others add nothing")
		}
		get(t, s, id(n(winner)))
	}
	require.Equal(t, 2*rounds, countOf(stats(t, s, smsplus.Filter{})), "only what was added is counted")
}
