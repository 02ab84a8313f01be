package smsplus

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
)

func TestSplitConflicts_KeepsTheOrderAndLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.IntRange(0, 3)).Draw(t, "keys")
		batch := make([]*groupcommit.Entry[int], len(keys))
		for i, k := range keys {
			batch[i] = &groupcommit.Entry[int]{Item: k}
		}
		seen := map[int]bool{}
		first, later := splitConflicts(batch, func(e *groupcommit.Entry[int]) bool {
			fits := !seen[e.Item]
			seen[e.Item] = true
			return fits
		})
		require.Len(t, first, len(seen))
		require.Len(t, batch, len(first)+len(later))
		at := func(e *groupcommit.Entry[int]) int { return slices.Index(batch, e) }
		for _, part := range [][]*groupcommit.Entry[int]{first, later} {
			require.True(t, slices.IsSortedFunc(part, func(a, b *groupcommit.Entry[int]) int { return at(a) - at(b) }))
		}
	})
}

// storeRefusing stores the entries of a batch in calls that fail if refuse says so. It
// returns the errors by item, and the number of calls.
func storeRefusing(n int, refuse func(part []*groupcommit.Entry[int]) error) (errs []error, calls int) {
	batch := make([]*groupcommit.Entry[int], n)
	for i := range batch {
		batch[i] = &groupcommit.Entry[int]{Item: i}
	}
	storeParts(batch, func(part []*groupcommit.Entry[int]) error {
		calls++
		err := refuse(part)
		for _, e := range part {
			e.Err = err
		}
		return err
	})
	for _, e := range batch {
		errs = append(errs, e.Err)
	}
	return errs, calls
}

func TestStoreParts_OnlyTheRefusedItemFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for _, n := range []int{1, 2, 3, 7, 64, 100, 256} {
		for culprit := range n {
			errs, calls := storeRefusing(n, func(part []*groupcommit.Entry[int]) error {
				if slices.ContainsFunc(part, func(e *groupcommit.Entry[int]) bool { return e.Item == culprit }) {
					return refused
				}
				return nil
			})
			for i, err := range errs {
				if i == culprit {
					require.ErrorIs(t, err, refused)
				} else {
					require.NoError(t, err, "item %d of %d, beside %d", i, n, culprit)
				}
			}
			require.LessOrEqual(t, calls, 2*bits.Len(uint(n))+1)
		}
	}
}

func TestStoreParts_DoesNotAskAStoreThatIsDownForEachItem(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 100, 256} {
		down := errors.New("down")
		errs, calls := storeRefusing(n, func([]*groupcommit.Entry[int]) error { return down })
		require.LessOrEqual(t, calls, 2*bits.Len(uint(n))+1)
		for _, err := range errs {
			require.ErrorIs(t, err, down)
		}

		errs, calls = storeRefusing(n, func([]*groupcommit.Entry[int]) error { return context.DeadlineExceeded })
		require.Equal(t, 1, calls, "a store that hangs is not asked again")
		for _, err := range errs {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
	}
}
