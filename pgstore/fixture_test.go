package pgstore_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/internal/replay"
	"github.com/smsplus/smsplus-go/pgstore"
)

// fixtures are dumps of databases that stores of each schema wrote, and the options to open
// them.
var fixtures = []struct {
	file string
	o    func(testing.TB) pgstore.Options
}{
	{"schema1.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema1_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema1_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema2.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema2_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema2_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema3.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema3_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema3_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema4.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema4_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema4_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema5.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema5_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema5_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema6.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema6_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema6_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema7.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema7_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema7_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
	{"schema8.sql", func(testing.TB) pgstore.Options { return pgstore.Options{} }},
	{"schema8_sealed.sql", func(tb testing.TB) pgstore.Options { return pgstore.Options{Sealer: newRing(tb, 1)} }},
	{"schema8_monthly.sql", func(testing.TB) pgstore.Options { return pgstore.Options{PartitionByMonth: true} }},
}

// newestSchema is the version that this release needs.
const newestSchema = 8

// newestFixtures is the number of fixtures, from the end, that have the newest schema.
const newestFixtures = 3

// schemaMark stands in a fixture before each name. The schema replaces it.
const schemaMark = "/*schema*/"

func TestMigrate_KeepsEarlierSchemasData(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	for i, fixture := range fixtures {
		t.Run(fixture.file, func(t *testing.T) {
			t.Parallel()
			path := "testdata/" + fixture.file
			o := fixture.o(t)
			if *pgstore.Update && i >= len(fixtures)-newestFixtures {
				o.Schema = pgtest.Schema(t)
				s := openStore(t, pool, o)
				require.NoError(t, replay.Fill(t.Context(), s))
				require.NoError(t, os.WriteFile(path, []byte(dumpSQL(t, pool, o)), 0o600))
			}
			o.Schema = pgtest.Schema(t)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			sql := strings.ReplaceAll(string(text), schemaMark, pgx.Identifier{o.Schema}.Sanitize()+".")
			_, err = pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err)
			s := openStore(t, pool, o) // migrates it
			replay.Prove(t, s)
			require.NoError(t, s.Maintain(t.Context(), quarterStart))
		})
	}
}

// dumpSQL returns the tables of a schema and their rows as SQL.
func dumpSQL(t *testing.T, pool *pgxpool.Pool, o pgstore.Options) string {
	t.Helper()
	text, err := pgstore.MigrationSQL(0, o)
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString(text)
	for _, table := range queryTexts(t, pool, "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') "+
		"AND NOT relispartition AND relname <> 'smsplus_migration' ORDER BY 1", pgx.Identifier{o.Schema}.Sanitize()) {
		name := pgx.Identifier{o.Schema, table}.Sanitize()
		columns := queryTexts(t, pool, "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' "+
			"AND NOT (attname = 'id' AND atthasdef) ORDER BY attnum", name)
		values := "quote_nullable(" + strings.Join(columns, "::text), quote_nullable(") + "::text)"
		for _, row := range queryTexts(t, pool, "SELECT concat_ws(', ', "+values+") FROM "+name+" ORDER BY 1") {
			fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES (%s);\n", name, strings.Join(columns, ", "), row)
		}
	}
	return strings.ReplaceAll(b.String(), pgx.Identifier{o.Schema}.Sanitize()+".", schemaMark)
}

func queryTexts(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return found
}
