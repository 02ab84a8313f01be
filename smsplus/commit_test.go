package smsplus

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRoundsKeepTheOrderAndLoseNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.IntRange(0, 3)).Draw(t, "keys")
		batch := make([]*ticket[int], len(keys))
		for i, k := range keys {
			batch[i] = &ticket[int]{item: k}
		}
		seen := map[int]bool{}
		first, later := rounds(batch, func(t *ticket[int]) bool {
			fits := !seen[t.item]
			seen[t.item] = true
			return fits
		})
		require.Len(t, first, len(seen))
		require.Len(t, batch, len(first)+len(later))
		at := func(tk *ticket[int]) int { return slices.Index(batch, tk) }
		for _, part := range [][]*ticket[int]{first, later} {
			require.True(t, slices.IsSortedFunc(part, func(a, b *ticket[int]) int { return at(a) - at(b) }))
		}
	})
}
