package smsplus

import (
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRoundsKeepTheOrderAndLoseNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.IntRange(0, 3)).Draw(t, "keys")
		batch := make([]*groupcommit.Entry[int], len(keys))
		for i, k := range keys {
			batch[i] = &groupcommit.Entry[int]{Item: k}
		}
		seen := map[int]bool{}
		first, later := splitConflicts(batch, func(t *groupcommit.Entry[int]) bool {
			fits := !seen[t.Item]
			seen[t.Item] = true
			return fits
		})
		require.Len(t, first, len(seen))
		require.Len(t, batch, len(first)+len(later))
		at := func(tk *groupcommit.Entry[int]) int { return slices.Index(batch, tk) }
		for _, part := range [][]*groupcommit.Entry[int]{first, later} {
			require.True(t, slices.IsSortedFunc(part, func(a, b *groupcommit.Entry[int]) int { return at(a) - at(b) }))
		}
	})
}
