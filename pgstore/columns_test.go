package pgstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

// fragmentColumns returns the columns that a fragment of sql/_shared.sql lists.
func fragmentColumns(t *testing.T, fragment string) []string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, templates.ExecuteTemplate(&b, fragment, params{}))
	columns := strings.Split(b.String(), ",")
	for i, c := range columns {
		columns[i] = strings.TrimSpace(c)
	}
	return columns
}

func TestColumns_FragmentsListThemInOrder(t *testing.T) {
	t.Parallel()
	require.Equal(t, stateColumns, fragmentColumns(t, "state_columns"))
	require.Equal(t, outcomeColumns, fragmentColumns(t, "outcome_columns"))
	var read []string
	for _, c := range messageColumns {
		read = append(read, c.name)
	}
	require.Equal(t, read, fragmentColumns(t, "message_columns"))
}

func TestColumns_UpdateReplacesAllOutcomeColumns(t *testing.T) {
	t.Parallel()
	sql := layout{}.render("update", params{})
	_, set, ok := strings.Cut(sql, "\n\tSET ")
	require.True(t, ok)
	set, _, ok = strings.Cut(set, "\n)")
	require.True(t, ok)
	for _, c := range outcomeColumns {
		require.Contains(t, set, c+" = excluded."+c)
	}
}

func TestColumns_MigrationsHaveThem(t *testing.T) {
	t.Parallel()
	for name, partitioned := range map[string]bool{"without partitions": false, "partitioned by month": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, o := pgtest.Pool(t, nil), Options{Schema: pgtest.Schema(t), PartitionByMonth: partitioned}
			require.NoError(t, Migrate(t.Context(), pool, o))
			columns := func(relation string) []string {
				rows, err := pool.Query(t.Context(), "SELECT attname FROM pg_catalog.pg_attribute "+
					"WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum", o.qualifier()+relation)
				require.NoError(t, err)
				names, err := pgx.CollectRows(rows, pgx.RowTo[string])
				require.NoError(t, err)
				return names
			}
			for _, composite := range []compositeType{newMessageType, newStateType} {
				require.Equal(t, composite.columns, columns(composite.name), composite.name)
				require.True(t, slices.Contains(compositeArrayTypes, composite.name+"[]"))
			}
			// The table has them in another order. No statement depends on it.
			require.ElementsMatch(t, stateColumns, columns("smsplus_state"))
		})
	}
}
