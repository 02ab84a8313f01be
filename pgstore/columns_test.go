package pgstore

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

func TestColumns_MigrationsHaveThem(t *testing.T) {
	t.Parallel()
	for name, partitioned := range map[string]bool{"without partitions": false, "partitioned by month": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, o := pgtest.Pool(t, nil), Options{Schema: pgtest.Schema(t), PartitionByMonth: partitioned}
			require.NoError(t, Migrate(t.Context(), pool, o))
			columns := func(relation string) columnList {
				rows, err := pool.Query(t.Context(), "SELECT attname FROM pg_catalog.pg_attribute "+
					"WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum", o.qualifier()+relation)
				require.NoError(t, err)
				names, err := pgx.CollectRows(rows, pgx.RowTo[string])
				require.NoError(t, err)
				return columnList(names)
			}
			for _, composite := range []compositeType{newMessageType, newStateType} {
				require.Equal(t, composite.columns, columns(composite.name), composite.name)
			}
			// The tables have them in another order. No statement depends on it.
			require.ElementsMatch(t, stateColumns, columns("smsplus_state"))
			require.ElementsMatch(t, insertColumns, columns("smsplus_message"))
		})
	}
}
