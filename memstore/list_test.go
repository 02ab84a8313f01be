package memstore

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func entryOrder(a, b entry) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.handle, b.handle))
}

func TestList_AgreesWithSortedSlice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var l list
		sorted := []entry{}
		next := handle(0)
		add := func(at int64) {
			next++
			e := entry{at, next}
			l.add(e, handleOrder(e.handle))
			i, _ := slices.BinarySearchFunc(sorted, e, entryOrder)
			sorted = slices.Insert(sorted, i, e)
		}
		remove := func(i int) {
			l.remove(sorted[i], handleOrder(sorted[i].handle))
			sorted = slices.Delete(sorted, i, i+1)
		}
		amount := rapid.IntRange(1, 3*runSize)
		t.Repeat(map[string]func(*rapid.T){
			"add at the end": func(t *rapid.T) {
				for range amount.Draw(t, "n") {
					add(int64(next))
				}
			},
			"add anywhere": func(t *rapid.T) {
				for range amount.Draw(t, "n") {
					add(int64(uint32(next) * 2654435761 >> 20))
				}
			},
			"add at one time": func(t *rapid.T) {
				at := rapid.Int64Range(0, 4096).Draw(t, "at")
				for range amount.Draw(t, "n") {
					add(at)
				}
			},
			"remove here and there": func(t *rapid.T) {
				for range min(amount.Draw(t, "n"), len(sorted)) {
					remove(int(uint32(len(sorted))*2654435761>>4) % len(sorted))
				}
			},
			"remove a stretch": func(t *rapid.T) {
				if len(sorted) == 0 {
					t.Skip("empty")
				}
				from := rapid.IntRange(0, len(sorted)-1).Draw(t, "from")
				for range min(amount.Draw(t, "n"), len(sorted)-from) {
					remove(from)
				}
			},
			"take the first": func(t *rapid.T) {
				for range min(amount.Draw(t, "n"), len(sorted)) {
					require.Equal(t, sorted[0], l.takeFirst())
					sorted = sorted[1:]
				}
			},
			"descend": func(t *rapid.T) {
				from := entry{rapid.Int64Range(-1, 4096).Draw(t, "at"), handle(rapid.IntRange(0, int(next)+1).Draw(t, "handle"))}
				i, _ := slices.BinarySearchFunc(sorted, from, entryOrder)
				want := slices.Clone(sorted[:i])
				slices.Reverse(want)
				require.Equal(t, want, slices.AppendSeq([]entry{}, l.descend(from.at, handleOrder(from.handle))))
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(sorted), l.length)
				require.True(t, slices.Equal(sorted, slices.Collect(l.ascend())))
				if len(sorted) > 0 {
					require.Equal(t, sorted[0], l.first())
				}
				// Removing keeps the runs filled, because short ones are merged.
				require.LessOrEqual(t, len(l.runs), 1+2*len(sorted)/mergeBelow)
			},
		})
	})
}

func TestList_FillsRunsWhenAppending(t *testing.T) {
	t.Parallel()
	var l list
	for i := range 10 * runSize {
		l.add(entry{int64(i / 3), handle(i)}, handleOrder(handle(i)))
	}
	require.Len(t, l.runs, 10)
}
