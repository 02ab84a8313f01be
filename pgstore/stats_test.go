package pgstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/microtime"
)

func TestSpans_QuarterIsFew(t *testing.T) {
	t.Parallel()
	for day := range 40 {
		from := time.Date(2026, 1, day, 16, 0, 0, 0, time.UTC)
		whole, edges := microtime.WholeHours(microtime.RangeOf(from, from.AddDate(0, 3, 0).Add(17*time.Minute)))
		require.Len(t, edges, 1)
		n := int64(0)
		for _, tier := range microtime.Tiers(whole, spans...) {
			require.False(t, tier.Empty())
			n += tier.To - tier.From
		}
		require.LessOrEqual(t, n, int64(12+2*7+2*23))
	}
}
