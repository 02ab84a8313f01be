package sqlitestore_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/replay"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

var update = flag.Bool("update", false, "rewrite the `fixtures` of the newest schema; the older ones never change")

// fixtures are the files that stores of each schema wrote, with the options that open
// them.
var fixtures = []struct {
	file string
	o    func(testing.TB) sqlitestore.Options
}{
	{"schema1.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema1_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
	{"schema2.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema2_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
	{"schema3.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema3_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
	{"schema4.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema4_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
	{"schema5.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema5_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
	{"schema6.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema6_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
	{"schema7.sql", func(testing.TB) sqlitestore.Options { return sqlitestore.Options{} }},
	{"schema7_sealed.sql", func(tb testing.TB) sqlitestore.Options { return sqlitestore.Options{Sealer: ring(tb, "a", "b")} }},
}

// newestSchema is the version that this release needs.
const newestSchema = 7

// newestCount is the number of fixtures of the newest schema. They are the last ones.
const newestCount = 2

// This test migrates the files of earlier releases, and continues their messages.
func TestMigrate_ContinuesMessagesOfEarlierSchema(t *testing.T) {
	t.Parallel()
	for i, fixture := range fixtures {
		t.Run(fixture.file, func(t *testing.T) {
			t.Parallel()
			kept := "testdata/" + fixture.file
			if *update && i >= len(fixtures)-newestCount {
				s, path := openStore(t, fixture.o(t))
				require.NoError(t, replay.Fill(t.Context(), s))
				require.NoError(t, os.WriteFile(kept, []byte(dumpSQL(t, path)), 0o600))
			}
			text, err := os.ReadFile(kept)
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), "messages.db")
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), string(text))
			require.NoError(t, err)
			require.NoError(t, db.Close())
			require.NoError(t, sqlitestore.Migrate(t.Context(), path))
			replay.Prove(t, reopen(t, path, fixture.o(t)))
			requireIntact(t, path)
		})
	}
}

// dumpSQL returns the schema of a file and all its rows as SQL.
func dumpSQL(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // it was only read from
	var b strings.Builder
	for _, pragma := range []string{"application_id", "user_version"} {
		fmt.Fprintf(&b, "PRAGMA %s = %s;\n", pragma, queryTexts(t, db, "PRAGMA "+pragma)[0])
	}
	for _, made := range queryTexts(t, db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name") {
		b.WriteString(made + ";\n")
	}
	for _, table := range queryTexts(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		columns := queryTexts(t, db, fmt.Sprintf("SELECT name FROM pragma_table_info('%s')", table))
		values := `quote("` + strings.Join(columns, `") || ', ' || quote("`) + `")`
		for _, row := range queryTexts(t, db, "SELECT "+values+" FROM "+table) {
			fmt.Fprintf(&b, "INSERT INTO %s VALUES (%s);\n", table, row)
		}
	}
	return b.String()
}

func queryTexts(t *testing.T, db *sql.DB, query string) (found []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // Err returns the error
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		found = append(found, s)
	}
	require.NoError(t, rows.Err())
	return found
}
