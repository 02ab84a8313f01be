package line_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/phone"
)

func userNo(i int) string { return fmt.Sprintf("U%032x", i) }

// entry is a user of a directory.
type entry struct {
	line.Contact
	Numbers []phone.Number
}

func entries(d *line.Directory) []entry {
	var all []entry
	for c, numbers := range d.All() {
		slices.SortFunc(numbers, func(a, b phone.Number) int { return cmp.Compare(a.E164(), b.E164()) })
		all = append(all, entry{c, numbers})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.UserID, b.UserID) })
	return all
}

func TestDirectory_LinksNumbersAndUsers(t *testing.T) {
	t.Parallel()
	d := line.NewDirectory()
	a, b := number(t, e164), number(t, "+886912345678")
	byPhone := func(n phone.Number) []string {
		found, err := d.ByPhone(t.Context(), n)
		require.NoError(t, err)
		var ids []string
		for _, c := range found {
			ids = append(ids, c.UserID)
		}
		return ids
	}
	require.Empty(t, byPhone(a))
	for range 2 { // the second time changes nothing
		require.NoError(t, d.Link(a, userNo(1)))
		require.NoError(t, d.Link(b, userNo(1)))
		require.NoError(t, d.Link(b, userNo(2)))
	}
	require.Equal(t, []string{userNo(1)}, byPhone(a))
	require.Equal(t, []string{userNo(1), userNo(2)}, byPhone(b))

	d.Unlink(b, userNo(1))
	d.Unlink(b, userNo(9))
	require.Equal(t, []string{userNo(2)}, byPhone(b))
	d.Forget(userNo(2))
	d.Forget(userNo(9))
	require.Empty(t, byPhone(b))
	require.Equal(t, []entry{{line.Contact{UserID: userNo(1)}, []phone.Number{a}}}, entries(d))

	require.ErrorContains(t, d.Link(phone.Number{}, user), "the number is zero")
	for _, id := range []string{"", "@shop", user + "0", "U4AF4980629BA1E1D3C2F6A57C1B1C9D2", "C4af4980629ba1e1d3c2f6a57c1b1c9d2"} {
		require.ErrorContains(t, d.Link(a, id), "no LINE user ID")
	}
}

func TestDirectory_KnowsBlockedUsers(t *testing.T) {
	t.Parallel()
	d := line.NewDirectory()
	n := number(t, e164)
	require.NoError(t, d.Link(n, user))
	at := time.UnixMilli(1650591346705).UTC()
	update := func(blocked bool, at time.Time) {
		require.NoError(t, d.Update(t.Context(), line.Contact{UserID: user, Blocked: blocked, At: at}))
	}
	requireBlocked := func(want bool) {
		t.Helper()
		found, err := d.ByPhone(t.Context(), n)
		require.NoError(t, err)
		require.Equal(t, want, found[0].Blocked)
		blocked, err := d.Blocked(t.Context(), user)
		require.NoError(t, err)
		require.Equal(t, want, blocked)
	}
	requireBlocked(false)
	update(true, at)
	requireBlocked(true)
	update(false, at.Add(-time.Millisecond)) // late
	requireBlocked(true)
	update(false, at.Add(time.Millisecond))
	requireBlocked(false)
	update(true, at) // again
	requireBlocked(false)
}

func TestDirectory_UpdateOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		contact := rapid.Custom(func(t *rapid.T) line.Contact {
			c := line.Contact{UserID: userNo(rapid.IntRange(0, 2).Draw(t, "user")), Blocked: rapid.Bool().Draw(t, "blocked")}
			if ms := rapid.Int64Range(0, 4).Draw(t, "at"); ms > 0 {
				c.At = time.UnixMilli(ms).UTC()
			}
			return c
		})
		told := rapid.SliceOf(contact).Draw(t, "told")
		again := slices.Concat(told, rapid.SliceOf(rapid.SampledFrom(append(told, line.Contact{UserID: userNo(0)}))).Draw(t, "repeats"))
		one, other := line.NewDirectory(), line.NewDirectory()
		for _, c := range append(told, line.Contact{UserID: userNo(0)}) {
			_ = one.Update(context.Background(), c)
		}
		_ = other.Update(context.Background(), rapid.Permutation(append(again, line.Contact{UserID: userNo(0)})).Draw(t, "order")...)
		if a, b := entries(one), entries(other); !slices.EqualFunc(a, b, func(a, b entry) bool { return a.Contact == b.Contact }) {
			t.Fatalf("%v\n%v", a, b)
		}
	})
}

func TestDirectory_CanBeSavedAndRestored(t *testing.T) {
	t.Parallel()
	d := line.NewDirectory()
	at := time.UnixMilli(1650591346705).UTC()
	for i := range 20 {
		require.NoError(t, d.Link(number(t, fmt.Sprintf("+8869000000%02d", i)), userNo(i%15)))
		require.NoError(t, d.Update(t.Context(), line.Contact{UserID: userNo(i), Blocked: i%3 == 0, At: at.Add(time.Duration(i))}))
	}
	restored := line.NewDirectory()
	for c, numbers := range d.All() {
		require.NoError(t, restored.Update(t.Context(), c))
		for _, n := range numbers {
			require.NoError(t, restored.Link(n, c.UserID))
		}
		d.Forget(c.UserID) // a loop may change the directory that it ranges over
		if c.UserID == userNo(3) {
			require.NoError(t, d.Link(number(t, e164), userNo(3)))
		}
	}
	require.Len(t, entries(restored), 20)
	require.Len(t, entries(d), 1)
	for range restored.All() {
		break
	}
	require.Equal(t, entry{line.Contact{UserID: userNo(16), At: at.Add(16)}, nil}, entries(restored)[16])
	require.Equal(t, entry{
		line.Contact{UserID: userNo(3), Blocked: true, At: at.Add(3)},
		[]phone.Number{number(t, "+886900000003"), number(t, "+886900000018")},
	}, entries(restored)[3])
}

func TestDirectory_IsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	d := line.NewDirectory()
	n := number(t, e164)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				id := userNo(j % 10)
				_ = d.Link(n, id)
				_ = d.Update(t.Context(), line.Contact{UserID: id, Blocked: i%2 == 0, At: time.UnixMilli(int64(j))})
				found, _ := d.ByPhone(t.Context(), n)
				for range d.All() {
					found = append(found, line.Contact{})
				}
				_, _ = d.Blocked(t.Context(), id)
				if i == 0 {
					d.Unlink(n, id)
					d.Forget(userNo(9))
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, len(entries(d)), 10)
}
