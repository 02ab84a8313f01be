package pgstore

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

// Update makes tests write their golden files instead of comparing with them. It is
// exported for the tests of package pgstore_test, since a flag is defined once.
var Update = flag.Bool("update", false, "write the golden files: the `statements`, and what the newest schema stores; "+
	"the older schemas stay as their releases wrote them")

// sampleTime is a time in the month of the sample parameters.
var sampleTime = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// sampleParams returns parameters with which a file of sql/ renders to a statement.
func sampleParams(file string) params {
	m := monthOf(sampleTime)
	return params{
		Limit: 256, From: m.literal(), To: m.add(1).literal(), Partition: m.suffix(), Table: "message", Columns: sheetColumns,
		Periods: "unnest($1::bigint[], $2::bigint[], $3::bigint[])",
		Where: map[string]string{
			"records":       " WHERE t.phone = $1 AND (t.triggered_at, t.id) < ($2, $3)",
			"stats_recount": " WHERE m.phone = $1 AND s.tab = 3",
			"stats_totals":  " WHERE channel = $4 AND span = r.span AND start >= r.first AND start < r.next",
			"stats_deltas":  " WHERE hour >= $1::bigint AND hour < $2::bigint",
			"stats_states":  " WHERE tab IN (1, 2, 3, 4) AND triggered_at >= $1 AND triggered_at < $2",
		}[file],
	}
}

// partitionedOnly holds the files whose tables exist only with partitions.
var partitionedOnly = map[string]bool{"partition_has_open": true, "delete_partition_keys": true, "delete_partition_set_aside": true, "default_partition_has": true}

// scripts holds the files of several statements, which cannot be prepared. Migrate runs them.
var scripts = map[string]bool{"enable_changes": true, "forget_changes": true}

// sqlFileNames returns the files in sql/ that are statements, without their ending.
func sqlFileNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := sqlFiles.ReadDir("sql")
	require.NoError(t, err)
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".sql"); name != "_shared" {
			names = append(names, name)
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestSQL_RendersToItsGoldenFile(t *testing.T) {
	t.Parallel()
	const qualifier = `"messages".`
	files := sqlFileNames(t)
	for _, file := range files {
		plain := layout{qualifier: qualifier}.render(file, sampleParams(file))
		partitioned := layout{qualifier: qualifier, partitioned: true}.render(file, sampleParams(file))
		text := "-- without partitions\n" + plain + "\n\n-- partitioned by month\n" + partitioned + "\n"
		switch {
		case partitionedOnly[file]:
			text = "-- partitioned by month\n" + partitioned + "\n"
		case plain == partitioned:
			text = "-- either layout\n" + plain + "\n"
		}
		golden := filepath.Join("testdata", "sql", file+".sql")
		if *Update {
			require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o750))
			require.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), text, "%s: go test ./pgstore -run TestSQL -update writes it", file)
	}
	golden, err := filepath.Glob(filepath.Join("testdata", "sql", "*.sql"))
	require.NoError(t, err)
	require.Len(t, golden, len(files), "a golden file without a statement")
}

func TestSQL_HasNoTemplateComments(t *testing.T) {
	t.Parallel()
	for _, file := range sqlFileNames(t) {
		source, err := sqlFiles.ReadFile("sql/" + file + ".sql")
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(source), "{{- /*\n"+file+" "), "%s begins with a comment on %[1]s", file)
		for _, partitioned := range []bool{false, true} {
			sql := layout{partitioned: partitioned}.render(file, sampleParams(file))
			for _, mark := range []string{"/*", "*/", "--", "{{", "}}", "<no value>"} {
				require.NotContains(t, sql, mark, file)
			}
		}
	}
}

func TestSQL_ServerPreparesEveryStatement(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, partitioned := range map[string]bool{"without partitions": false, "partitioned by month": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, o := pgtest.Pool(t, nil), Options{Schema: pgtest.Schema(t), PartitionByMonth: partitioned, Changes: true}
			require.NoError(t, Migrate(ctx, pool, o))
			s, err := New(ctx, pool, o)
			require.NoError(t, err)
			defer s.Close() //nolint:errcheck // it returns nil
			require.NoError(t, s.Maintain(ctx, sampleTime))
			conn, err := pool.Acquire(ctx)
			require.NoError(t, err)
			defer conn.Release()
			for _, file := range sqlFileNames(t) {
				if partitionedOnly[file] && !partitioned || scripts[file] {
					continue
				}
				_, err := conn.Conn().Prepare(ctx, file, s.layout.render(file, sampleParams(file)))
				require.NoError(t, err, file)
			}
		})
	}
}
