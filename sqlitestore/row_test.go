package sqlitestore

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/status"
)

func TestMarksComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := marks{read: rapid.Bool().Draw(t, "read")}
		for range rapid.IntRange(0, 4).Draw(t, "attempts") {
			m := mark{
				channel: rapid.Int64Range(0, math.MaxInt64).Draw(t, "channel"),
				status:  rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
				read:    rapid.Bool().Draw(t, "read"),
			}
			if m.named = rapid.Bool().Draw(t, "named"); m.named {
				m.ref = rapid.Int64().Draw(t, "ref")
			}
			want.attempts = append(want.attempts, m)
		}
		got, err := decodeMarks(want.encode(), nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func FuzzDecodeMarks(f *testing.F) {
	f.Add([]byte{})
	f.Add(marks{read: true, attempts: []mark{{channel: 300, status: status.Delivered, named: true, ref: -1}, {channel: 1}}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		ms, err := decodeMarks(b, nil)
		if err != nil {
			require.ErrorIs(t, err, rowcodec.ErrCorrupt)
			return
		}
		again, err := decodeMarks(ms.encode(), nil)
		require.NoError(t, err)
		require.Equal(t, ms, again)
	})
}

func TestATallyComesBackFromItsKind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := tally{
			channel:  rapid.Int64Range(0, 1000).Draw(t, "channel"),
			template: rapid.Int64Range(0, 1000).Draw(t, "template"),
			group:    status.Group(rapid.IntRange(1, int(status.FailedGroup)).Draw(t, "group")),
			status:   rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
			read:     rapid.Bool().Draw(t, "read"), twice: rapid.Bool().Draw(t, "twice"),
		}
		k := want.kind()
		require.Less(t, k, kind(kinds))
		require.Equal(t, want, k.tally(place{channel: want.channel, part: want.template / part}))
	})
}

func TestCountsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := counts(rapid.MapOf(rapid.Custom(func(t *rapid.T) kind { return kind(rapid.IntRange(0, kinds-1).Draw(t, "kind")) }),
			rapid.Int64Range(1, math.MaxInt64)).Draw(t, "counts"))
		got := make(counts)
		require.NoError(t, decodeCounts(want.encode(), func(k kind, n int64) { got[k] += n }))
		require.Equal(t, want, got)
	})
}

func FuzzDecodeCounts(f *testing.F) {
	f.Add([]byte{})
	f.Add(counts{0: 1, 77: 300, kinds - 1: math.MaxInt64}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		cs := make(counts)
		err := decodeCounts(b, func(k kind, n int64) {
			require.Less(t, k, kind(kinds))
			require.Positive(t, n)
			cs[k] = n
		})
		if err != nil {
			require.ErrorIs(t, err, rowcodec.ErrCorrupt)
			return
		}
		again := make(counts)
		require.NoError(t, decodeCounts(cs.encode(), func(k kind, n int64) { again[k] = n }))
		require.Equal(t, cs, again)
	})
}

func TestHoursBefore1970AreCountedToo(t *testing.T) {
	t.Parallel()
	for us, want := range map[int64]int64{0: 0, hour - 1: 0, hour: 1, -1: -1, -hour: -1, -hour - 1: -2} {
		require.Equal(t, want, floorDiv(us, hour), us)
	}
}
