package pgstore_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

// openPartitioned returns a store with partitions for noon's month and the next two. Earlier
// messages are stored in the default partition.
func openPartitioned(tb testing.TB, pool *pgxpool.Pool, o pgstore.Options) *pgstore.Store {
	tb.Helper()
	o.PartitionByMonth = true
	s := openStore(tb, pool, o)
	require.NoError(tb, s.Maintain(tb.Context(), noon))
	return s
}

func TestStore_ConformsPartitioned(t *testing.T) {
	pool := pgtest.Pool(t, nil)
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		o := pgstore.Options{Schema: pgtest.Schema(t), Changes: true}
		return damagingStore{openPartitioned(t, pool, o), pool, o.Schema, damages["without a route"]}
	})
}

func TestStore_ConformsPartitionedSealedFoldedSerializable(t *testing.T) {
	skipUnlessRequired(t)
	pool := pgtest.Pool(t, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	})
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		o := pgstore.Options{Schema: pgtest.Schema(t), Sealer: newRing(t, 2, 1)}
		return foldingStore{damagingStore{openPartitioned(t, pool, o), pool, o.Schema, withdrawKey}}
	})
}

// monthsWithPartitions returns the months that have partitions, as 2026_03.
func monthsWithPartitions(t *testing.T, pool *pgxpool.Pool, schema string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT right(tablename, 7) FROM pg_tables
		WHERE schemaname = $1 AND tablename ~ '^smsplus_state_\d' ORDER BY 1`, schema)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// countInPartition returns the number of messages in a partition.
func countInPartition(t *testing.T, pool *pgxpool.Pool, schema, partition string) (n int) {
	t.Helper()
	table := pgx.Identifier{schema, "smsplus_message_" + partition}.Sanitize()
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func TestPartitions_AreCreatedAhead(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: true}
	s := openStore(t, pool, o)
	require.Len(t, monthsWithPartitions(t, pool, o.Schema), 3, "the partitions of this month and the next two are created with the tables")
	pgtest.Exec(t, "DROP TABLE "+pgx.Identifier{o.Schema, "smsplus_state" + time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 2, 0).Format("_2006_01")}.Sanitize())
	require.Len(t, monthsWithPartitions(t, pool, o.Schema), 2)
	require.NoError(t, pgstore.Migrate(t.Context(), pool, pgstore.Options{Schema: o.Schema}))
	require.Len(t, monthsWithPartitions(t, pool, o.Schema), 3, "and by every Migrate, whatever its PartitionByMonth")

	endOfMonth := time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC)
	require.NoError(t, s.Maintain(t.Context(), endOfMonth))
	require.Subset(t, monthsWithPartitions(t, pool, o.Schema), []string{"2026_03", "2026_04", "2026_05"})
	other := openStore(t, pool, pgstore.Options{Schema: o.Schema})
	require.NoError(t, other.Maintain(t.Context(), endOfMonth.Add(2*time.Second)))
	require.NotContains(t, monthsWithPartitions(t, pool, o.Schema), "2026_06", "only the holder of the lease creates partitions")
	_, err := other.Claim(t.Context(), smsplus.Claim{Now: noon.AddDate(1, 0, 0), Lease: time.Minute, Limit: 1, Holder: 1})
	require.NoError(t, err)
	for !slices.Contains(monthsWithPartitions(t, pool, o.Schema), "2027_05") { // created in the background of the claim
		require.NoError(t, t.Context().Err())
	}

	insertAll(t, openStore(t, pool, o), fullMessage(1))
	require.Equal(t, 1, countInPartition(t, pool, o.Schema, "2026_03"))
	require.Zero(t, countInPartition(t, pool, o.Schema, "default"))
}

func TestPartitions_MonthInDefaultPartitionIsNotCreated(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: true}
	s := openStore(t, pool, o)
	insertAll(t, s, fullMessage(1))
	require.Equal(t, 1, countInPartition(t, pool, o.Schema, "default"))
	for range 2 {
		require.NoError(t, s.Maintain(t.Context(), noon))
		require.NoError(t, s.Maintain(t.Context(), noon.AddDate(0, -1, 0)))
	}
	have := monthsWithPartitions(t, pool, o.Schema)
	require.Subset(t, have, []string{"2026_02", "2026_04", "2026_05"})
	require.NotContains(t, have, "2026_03")
	insertAll(t, s, fullMessage(2))
	stale, err := s.Update(t.Context(), []smsplus.Message{fullMessage(1), fullMessage(2)})
	require.NoError(t, err)
	require.Empty(t, stale)

	n, err := s.DropMonths(t.Context(), noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	require.Zero(t, n, "messages in the default partition are not dropped")
	require.NotContains(t, monthsWithPartitions(t, pool, o.Schema), "2026_04", "an empty month is dropped")
	n, err = s.Purge(t.Context(), noon.AddDate(1, 0, 0), 10)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.NoError(t, openStore(t, pool, o).Maintain(t.Context(), noon.Add(time.Hour)))
	require.Contains(t, monthsWithPartitions(t, pool, o.Schema), "2026_03", "it is created once the default partition has none of its messages")
}

// lineChannel receives the lines of a log.
type lineChannel chan string

func (l lineChannel) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// A store without the permission to create partitions logs a warning, and loses nothing.
func TestPartitions_StoreWorksWithoutPermission(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: true}
	openStore(t, pool, o)
	schema, role := pgx.Identifier{o.Schema}.Sanitize(), pgx.Identifier{o.Schema + " sender"}.Sanitize()
	pgtest.Exec(t, "CREATE ROLE "+role, "GRANT USAGE ON SCHEMA "+schema+" TO "+role,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "+schema+" TO "+role)
	t.Cleanup(func() { pgtest.Exec(t, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	sender := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["role"] = o.Schema + " sender" })
	log := make(lineChannel, 10)
	s, err := pgstore.New(t.Context(), sender, pgstore.Options{Schema: o.Schema, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	insertAll(t, s, fullMessage(1))
	require.ErrorContains(t, s.Maintain(t.Context(), noon.AddDate(0, 1, 0)), "make months")
	require.NoError(t, s.Maintain(t.Context(), noon.AddDate(0, 1, 0).Add(time.Minute)), "it tries again in an hour")
	_, err = s.Claim(t.Context(), smsplus.Claim{Now: noon.AddDate(0, 1, 0).Add(time.Hour), Lease: time.Minute, Limit: 1, Holder: 1})
	require.NoError(t, err)
	require.Contains(t, <-log, "months to come were not made")
	stats, err := s.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, stats, 1)
	require.Equal(t, 1, countInPartition(t, pool, o.Schema, "default"))
	_, err = openStore(t, pool, o).Message(t.Context(), fullMessage(1).ID)
	require.NoError(t, err)
}

func TestMigrate_LayoutIsFinal(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	_, err := s.DropMonths(t.Context(), noon)
	require.ErrorIs(t, err, pgstore.ErrNotPartitioned)
	require.ErrorIs(t, pgstore.Migrate(t.Context(), pool, pgstore.Options{Schema: o.Schema, PartitionByMonth: true}), pgstore.ErrNotPartitioned)
	insertAll(t, openStore(t, pool, pgstore.Options{Schema: o.Schema}), fullMessage(1))
}

func TestMigrationSQL_EqualsMigratePartitioned(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	byHand, byMigrate := pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: true}, pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: true}
	text, err := pgstore.MigrationSQL(0, byHand)
	require.NoError(t, err)
	require.NotContains(t, text, "/*", "no marks are left")
	pgtest.Exec(t, text)
	openStore(t, pool, byMigrate)
	shape := func(schema string) []string {
		rows, err := pool.Query(t.Context(), `SELECT c.relname || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '') || coalesce(c.reloptions::text, '') ||
				coalesce(' ' || replace(pg_get_indexdef(i.indexrelid), $2, ''), '')
			FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
			WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) ORDER BY 1`, schema, pgx.Identifier{schema}.Sanitize())
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return lines
	}
	require.Equal(t, shape(byMigrate.Schema), shape(byHand.Schema))
	require.Greater(t, len(shape(byHand.Schema)), 60)

	text, err = pgstore.MigrationSQL(newestSchema, byHand)
	require.NoError(t, err)
	pgtest.Exec(t, text) // existing partitions are left as they are
	require.Equal(t, shape(byMigrate.Schema), shape(byHand.Schema))
	insertAll(t, openStore(t, pool, pgstore.Options{Schema: byHand.Schema}), fullMessage(1))
}

func TestPlan_UpdateReadsOnlyItsMonths(t *testing.T) {
	t.Parallel()
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	var seen recordingTracer
	s := openPartitioned(t, pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &seen }), o)
	m, later := fullMessage(1), fullMessage(2)
	later.TriggeredAt = later.TriggeredAt.AddDate(0, 1, 0)
	insertAll(t, s, m, later)
	for _, c := range []struct {
		batch []smsplus.Message
		sees  []string
	}{
		{[]smsplus.Message{m}, []string{"2026_03"}},
		{[]smsplus.Message{later}, []string{"2026_04"}},
		{[]smsplus.Message{m, later}, []string{"2026_03", "2026_04"}},
	} {
		seen.take()
		_, err := s.Update(t.Context(), c.batch)
		require.NoError(t, err)
		plan := fmt.Sprint(explain(t, seen.take()))
		for _, month := range []string{"2026_03", "2026_04", "2026_05", "default"} {
			for _, table := range []string{"state", "attempt"} {
				if name := table + "_" + month; len(c.sees) == 2 && month < "2026_05" || month == c.sees[0] {
					require.Contains(t, plan, name)
				} else {
					require.NotContains(t, plan, name)
				}
			}
		}
	}
}

func TestPlan_NoCallReadsWholePartition(t *testing.T) {
	t.Parallel()
	requireNoWholeTableScans(t, func(pool *pgxpool.Pool, o pgstore.Options) *pgstore.Store {
		o.PartitionByMonth = true
		s := openStore(t, pool, o)
		for n := range 4 {
			require.NoError(t, s.Maintain(t.Context(), quarterStart.AddDate(0, n-1, 0)))
		}
		return s
	})
}
