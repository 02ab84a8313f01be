package memstore

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHashIndex_AgreesWithMapOfSlices(t *testing.T) {
	t.Parallel()
	timeOf := func(h handle) int64 { return int64(h) / 2 }
	entryOf := func(h handle) entry { return entry{timeOf(h), h} }
	rapid.Check(t, func(t *rapid.T) {
		// Tags with equal low bits belong into one slot, some at the end of the table.
		hash := rapid.Custom(func(t *rapid.T) uint64 {
			return rapid.Uint64Range(0, 1).Draw(t, "shard")<<56 | rapid.SampledFrom([]uint64{0, 6, 7}).Draw(t, "home") |
				rapid.Uint64Range(0, 15).Draw(t, "rest")<<5
		})
		var m hashIndex
		model := map[uint64][]handle{}
		next := handle(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				k := hash.Draw(t, "hash")
				next++
				m.add(k, entryOf(next), handleOrder(next), timeOf)
				model[k] = append(model[k], next)
			},
			"remove": func(t *rapid.T) {
				k := hash.Draw(t, "hash")
				if len(model[k]) == 0 {
					t.Skip("none")
				}
				i := rapid.IntRange(0, len(model[k])-1).Draw(t, "which")
				h := model[k][i]
				m.remove(k, entryOf(h), handleOrder(h))
				model[k] = slices.Delete(model[k], i, i+1)
			},
			"find": func(t *rapid.T) {
				k := hash.Draw(t, "hash")
				require.ElementsMatch(t, model[k], slices.Collect(m.handles(k)))
				l := m.list(k, timeOf)
				require.Equal(t, len(model[k]), l.length)
				var hs []handle
				for e := range l.ascend() {
					require.Equal(t, entryOf(e.handle), e)
					hs = append(hs, e.handle)
				}
				require.ElementsMatch(t, model[k], hs)
			},
		})
	})
}
