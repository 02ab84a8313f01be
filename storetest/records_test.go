package storetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
)

func TestFilters_CombineEveryThreeFields(t *testing.T) {
	t.Parallel()
	all := filters()
	for _, fields := range [][]filterChanges{recordFields(), attemptFields()} {
		for i := range fields {
			for j := range i {
				for k := range j {
					for _, f := range combineFilters(fields[i], fields[j], fields[k]) {
						require.True(t, slices.ContainsFunc(all, func(g smsplus.Filter) bool {
							return agree(f, g, fields[i]) && agree(f, g, fields[j]) && agree(f, g, fields[k])
						}), "%+v, with whatever else", f)
					}
				}
			}
		}
	}
}

// agree reports whether two filters have the same one of the changes of a field, or both none.
func agree(f, g smsplus.Filter, field filterChanges) bool {
	for _, change := range field {
		changedF, changedG := f, g
		change(&changedF)
		change(&changedG)
		if (changedF == f) != (changedG == g) {
			return false
		}
	}
	return true
}
