package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestNew_ReportsSchemaVersion(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	_, err := pgstore.New(t.Context(), pool, o)
	var version *pgstore.SchemaError
	require.ErrorAs(t, err, &version)
	require.Zero(t, version.Have)
	need := version.Want
	require.Positive(t, need)

	require.NoError(t, pgstore.Migrate(t.Context(), pool, o))
	_, err = pool.Exec(t.Context(), "INSERT INTO "+pgx.Identifier{o.Schema, "smsplus_migration"}.Sanitize()+" VALUES (99, 'later')")
	require.NoError(t, err)
	for _, err := range []error{pgstore.Migrate(t.Context(), pool, o), secondOf(pgstore.New(t.Context(), pool, o))} {
		require.ErrorAs(t, err, &version)
		require.Equal(t, pgstore.SchemaError{Have: 99, Want: need}, *version)
	}
}

func secondOf[T any](_ T, err error) error { return err }

func TestNew_ReportsInvalidOptions(t *testing.T) {
	t.Parallel()
	_, err := pgstore.New(t.Context(), nil, pgstore.Options{Timeout: -1, Unsealed: true})
	require.ErrorContains(t, err, "a pool is required")
	require.ErrorContains(t, err, "Options.Timeout is negative")
	require.ErrorContains(t, err, "Options.Unsealed is set without a Sealer")
}

func TestMigrate_ConcurrentCallsWait(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	var group errgroup.Group
	for range 6 {
		group.Go(func() error { return pgstore.Migrate(t.Context(), pool, o) })
	}
	require.NoError(t, group.Wait())
	insertAll(t, openStore(t, pool, o), fullMessage(1))
	require.NoError(t, pgstore.Migrate(t.Context(), pool, o), "a schema that is there is left as it is")
}

func TestMigrate_FailureLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	_, err := pool.Exec(t.Context(), "CREATE TABLE "+pgx.Identifier{o.Schema, "smsplus_total"}.Sanitize()+" ()")
	require.NoError(t, err)
	require.Error(t, pgstore.Migrate(t.Context(), pool, o), "the last table is in the way")
	var tables int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = $1", o.Schema).Scan(&tables))
	require.Equal(t, 1, tables)
}

func TestMigrationSQL_EqualsMigrate(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	sql, err := pgstore.MigrationSQL(0, o)
	require.NoError(t, err)
	pgtest.Exec(t, sql)
	s, err := pgstore.New(t.Context(), pool, o)
	require.NoError(t, err)
	insertAll(t, s, fullMessage(1))
	require.NoError(t, s.Close())

	sql, err = pgstore.MigrationSQL(newestSchema, o)
	require.NoError(t, err)
	require.Empty(t, sql)
	_, err = pgstore.MigrationSQL(99, o)
	require.ErrorAs(t, err, new(*pgstore.SchemaError))
}

func TestOptions_NoSchemaMeansSearchPath(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	pool := pgtest.Pool(t, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	})
	s := openStore(t, pool, pgstore.Options{})
	insertAll(t, s, fullMessage(1))
	m, err := openStore(t, pgtest.Pool(t, nil), pgstore.Options{Schema: schema}).Message(t.Context(), fullMessage(1).ID)
	require.NoError(t, err)
	require.Equal(t, fullMessage(1), m)
	_, err = s.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
}
