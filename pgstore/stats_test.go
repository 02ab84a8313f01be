package pgstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSplitRange_CoversEachTimeOnce(t *testing.T) {
	t.Parallel()
	edge := rapid.Custom(func(t *rapid.T) time.Time {
		unit := rapid.SampledFrom([]time.Duration{time.Nanosecond, time.Microsecond, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "unit")
		day := time.Unix(0, 0).UTC().AddDate(0, 0, rapid.IntRange(-40, 40).Draw(t, "day"))
		return day.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "n")) * unit)
	})
	rapid.Check(t, func(t *rapid.T) {
		from, to := edge.Draw(t, "from"), edge.Draw(t, "to")
		if to.Before(from) {
			from, to = to, from
		}
		whole, cuts := splitRange(from, to)
		tiers := whole.spanRanges()
		times := func(at time.Time) (n int) {
			for _, c := range cuts {
				if !at.Before(c.from) && at.Before(c.to) {
					n++
				}
			}
			for _, tier := range tiers {
				if i := spanIndex(hourOf(at), tier.span); tier.from <= i && i < tier.to {
					n++
				}
			}
			return n
		}
		for range 20 {
			at := edge.Draw(t, "at").Truncate(time.Microsecond)
			want := 0
			if !at.Before(from) && at.Before(to) {
				want = 1
			}
			require.Equal(t, want, times(at), "%v in %v to %v: %+v and %+v", at, from, to, tiers, cuts)
		}
	})
}

func TestSplitRange_QuarterIsFewSpans(t *testing.T) {
	t.Parallel()
	for day := range 40 {
		from := time.Date(2026, 1, day, 16, 0, 0, 0, time.UTC)
		whole, cuts := splitRange(from, from.AddDate(0, 3, 0).Add(17*time.Minute))
		require.Len(t, cuts, 1)
		n := int32(0)
		for _, tier := range whole.spanRanges() {
			require.Less(t, tier.from, tier.to)
			n += tier.to - tier.from
		}
		require.LessOrEqual(t, n, int32(12+2*7+2*23))
	}
}

func TestSplitRange_NoBoundCoversAllTimes(t *testing.T) {
	t.Parallel()
	whole, cuts := splitRange(time.Time{}, time.Time{})
	require.Empty(t, cuts)
	require.Len(t, whole.spanRanges(), 1)
	for _, at := range []time.Time{time.Unix(-1<<40, 0), time.Unix(1<<40, 0)} {
		require.Less(t, whole.from, hourOf(at))
		require.Greater(t, whole.to, hourOf(at))
	}
}
