package sqlitestore

import (
	"database/sql/driver"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestColumns_AreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "smsplus.db")
	require.NoError(t, Migrate(t.Context(), path))
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	var columns []string
	err = s.withReader(t.Context(), func(c *conn) error {
		return c.query(t.Context(), "SELECT name FROM pragma_table_info('smsplus_message')", nil, func(row []driver.Value) error {
			columns = append(columns, text(row[0]))
			return nil
		})
	})
	require.NoError(t, err)
	require.ElementsMatch(t, columns, slices.Concat([]string{"number"}, fixedColumns, stateColumns))
	read := regexp.MustCompile(`m\.(\w+)`).FindAllStringSubmatch(writableColumns, -1)
	unread := slices.DeleteFunc(columns, func(name string) bool {
		return slices.ContainsFunc(read, func(match []string) bool { return match[1] == name })
	})
	require.ElementsMatch(t, []string{"tab", "country", "recipient_ids", "reference", "reasons"}, unread)
}

func TestMessageSummary_RoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := messageSummary{read: rapid.Bool().Draw(t, "read")}
		for range rapid.IntRange(0, 4).Draw(t, "attempts") {
			m := attemptSummary{
				channel: rapid.Int64Range(0, math.MaxInt64).Draw(t, "channel"),
				status:  rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
				read:    rapid.Bool().Draw(t, "read"),
			}
			if m.hasProviderID = rapid.Bool().Draw(t, "named"); m.hasProviderID {
				m.ref = rapid.Int64().Draw(t, "ref")
			}
			want.attempts = append(want.attempts, m)
		}
		got, err := decodeSummary(want.encode(), nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func FuzzDecodeSummary(f *testing.F) {
	f.Add([]byte{})
	f.Add(messageSummary{read: true, attempts: []attemptSummary{{channel: 300, status: status.Delivered, hasProviderID: true, ref: -1}, {channel: 1}}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		ms, err := decodeSummary(b, nil)
		if err != nil {
			require.ErrorIs(t, err, rowcodec.ErrCorrupt)
			return
		}
		again, err := decodeSummary(ms.encode(), nil)
		require.NoError(t, err)
		require.Equal(t, ms, again)
	})
}

func TestCountSlot_RoundTripsUnit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := countUnit{
			channel:  rapid.Int64Range(0, 1000).Draw(t, "channel"),
			template: rapid.Int64Range(0, 1000).Draw(t, "template"),
			group:    status.Group(rapid.IntRange(1, int(status.FailedGroup)).Draw(t, "group")),
			Count: smsplus.Count{
				Status: rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
				Read:   rapid.Bool().Draw(t, "read"), DeliveredTwice: rapid.Bool().Draw(t, "delivered twice"),
			},
		}
		k := want.slot()
		require.Less(t, k, countSlot(countSlots))
		require.Equal(t, want, k.unit(countKey{channel: want.channel, block: want.template / blockSize}))
	})
}

func TestSlotCounts_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := slotCounts(rapid.MapOf(rapid.Custom(func(t *rapid.T) countSlot { return countSlot(rapid.IntRange(0, countSlots-1).Draw(t, "kind")) }),
			rapid.Int64Range(1, math.MaxInt64)).Draw(t, "counts"))
		got := make(slotCounts)
		require.NoError(t, decodeCounts(want.encode(), func(k countSlot, n int64) { got[k] += n }))
		require.Equal(t, want, got)
	})
}

func FuzzDecodeCounts(f *testing.F) {
	f.Add([]byte{})
	f.Add(slotCounts{0: 1, 77: 300, countSlots - 1: math.MaxInt64}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		cs := make(slotCounts)
		err := decodeCounts(b, func(k countSlot, n int64) {
			require.Less(t, k, countSlot(countSlots))
			require.Positive(t, n)
			cs[k] = n
		})
		if err != nil {
			require.ErrorIs(t, err, rowcodec.ErrCorrupt)
			return
		}
		again := make(slotCounts)
		require.NoError(t, decodeCounts(cs.encode(), func(k countSlot, n int64) { again[k] = n }))
		require.Equal(t, cs, again)
	})
}
