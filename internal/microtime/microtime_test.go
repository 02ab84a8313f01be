package microtime_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/internal/microtime"
)

func TestHourOf_NumbersHoursBefore1970Negatively(t *testing.T) {
	t.Parallel()
	const hour = microtime.Hour
	for us, want := range map[int64]int64{0: 0, hour - 1: 0, hour: 1, -1: -1, -hour: -1, -hour - 1: -2} {
		require.Equal(t, want, microtime.HourOf(us), us)
	}
}

func TestCeil_OrdersStoredTimesAsTheBoundDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bound := time.Unix(0, rapid.Int64Range(-5000, 5000).Draw(t, "bound"))
		stored := rapid.Int64Range(-6, 6).Draw(t, "stored")
		require.Equal(t, microtime.Time(stored).Before(bound), stored < microtime.Ceil(bound))
	})
}

func TestTime_IsInverseOfOf(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)} {
		require.Equal(t, at, microtime.Time(microtime.Of(at)))
	}
	require.True(t, microtime.Time(microtime.Never).IsZero())
}

// lengths of tiers, as the stores use them.
var lengths = [][]int64{{1}, {1, 24}, {1, 24, 8 * 24}}

func TestTiers_CoverRangeOnceAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.Custom(func(t *rapid.T) int64 {
			return rapid.Int64Range(-1000, 1000).Draw(t, "hour")*microtime.Hour + rapid.SampledFrom([]int64{0, 0, -1, 1, 42}).Draw(t, "rest")
		})
		r := microtime.Range{From: edge.Draw(t, "from"), To: edge.Draw(t, "to")}
		lengths := rapid.SampledFrom(lengths).Draw(t, "lengths")

		hours, edges := microtime.WholeHours(r)
		var parts []microtime.Range
		if len(edges) > 0 && edges[0].From == r.From {
			parts, edges = append(parts, edges[0]), edges[1:]
		}
		for _, tier := range microtime.Tiers(hours, lengths...) {
			require.Contains(t, lengths, tier.Hours)
			require.False(t, tier.Empty())
			length := tier.Hours * microtime.Hour
			parts = append(parts, microtime.Range{From: tier.From * length, To: tier.To * length})
		}
		parts = append(parts, edges...)

		if r.Empty() {
			require.Empty(t, parts)
			return
		}
		at := r.From
		for _, part := range parts {
			require.False(t, part.Empty())
			require.Equal(t, at, part.From)
			at = part.To
		}
		require.Equal(t, r.To, at)
	})
}

func TestTiers_PreferLongPeriods(t *testing.T) {
	t.Parallel()
	const day = 24
	require.Equal(t, []microtime.Tier{
		{1, microtime.Range{From: 7*day + 23, To: 8 * day}},
		{8 * day, microtime.Range{From: 1, To: 2}},
		{day, microtime.Range{From: 16, To: 17}},
		{1, microtime.Range{From: 17 * day, To: 17*day + 2}},
	}, microtime.Tiers(microtime.Range{From: 7*day + 23, To: 17*day + 2}, 1, day, 8*day))
}

func TestRangeOf_UnboundedHasNoEdges(t *testing.T) {
	t.Parallel()
	hours, edges := microtime.WholeHours(microtime.RangeOf(time.Time{}, time.Time{}))
	require.Empty(t, edges)
	require.LessOrEqual(t, hours.To, int64(math.MaxInt32))
	require.GreaterOrEqual(t, hours.From, int64(math.MinInt32))
	for _, lengths := range lengths {
		require.Len(t, microtime.Tiers(hours, lengths...), 1)
	}
}

func TestRangeOf_RoundsBoundsUp(t *testing.T) {
	t.Parallel()
	require.Equal(t, microtime.Range{From: 2, To: 3}, microtime.RangeOf(time.Unix(0, 1001), time.Unix(0, 3000)))
}
