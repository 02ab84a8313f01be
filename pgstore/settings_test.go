package pgstore_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
)

// In every mode, a store with unusual settings either works or does not open.
func TestSettings_WorkOrAreRefused(t *testing.T) {
	t.Parallel()
	modes := []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	for _, tt := range []struct {
		setting, value string
		refused        map[pgx.QueryExecMode]bool // nil: by none
	}{
		{"DateStyle", "German", asText},
		{"DateStyle", "SQL, DMY", asText},
		{"DateStyle", "Postgres", asText},
		{"DateStyle", "ISO, DMY", nil},
		{"bytea_output", "escape", asText},
		{"standard_conforming_strings", "off", asText},
		{"client_encoding", "LATIN1", inAll(modes)},
		{"client_encoding", "SQL_ASCII", asText},
		{"TimeZone", "Asia/Kathmandu", nil},
		{"TimeZone", "Africa/Monrovia", nil}, // its offset had seconds
		{"IntervalStyle", "sql_standard", nil},
		{"extra_float_digits", "-15", nil},
		{"array_nulls", "off", nil},
		{"transform_null_equals", "on", nil},
		{"backslash_quote", "off", nil},
	} {
		for _, mode := range modes {
			t.Run(tt.setting+" "+tt.value+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				o := pgstore.Options{Schema: pgtest.Schema(t)}
				require.NoError(t, pgstore.Migrate(t.Context(), pgtest.Pool(t, nil), o))
				pool := pgtest.Pool(t, func(c *pgxpool.Config) {
					c.ConnConfig.DefaultQueryExecMode = mode
					c.ConnConfig.RuntimeParams[tt.setting] = tt.value
				})
				s, err := pgstore.New(t.Context(), pool, o)
				if tt.refused[mode] {
					require.ErrorContains(t, err, tt.setting)
					return
				}
				require.NoError(t, err)
				defer s.Close() //nolint:errcheck // it returns nil
				requireWritesWork(t, s)
			})
		}
	}
}

// asText are the modes in which values come as text.
var asText = inAll([]pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol})

func inAll(modes []pgx.QueryExecMode) map[pgx.QueryExecMode]bool {
	in := make(map[pgx.QueryExecMode]bool)
	for _, mode := range modes {
		in[mode] = true
	}
	return in
}

// A database of another encoding could not hold every text.
func TestNew_RefusesOtherEncoding(t *testing.T) {
	t.Parallel()
	for encoding, ok := range map[string]bool{"LATIN1": false, "SQL_ASCII": true, "UTF8": true} {
		name := "encoding_" + strings.ToLower(encoding)
		pgtest.Exec(t, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc")
		t.Cleanup(func() { pgtest.Exec(t, "DROP DATABASE "+name+" WITH (FORCE)") })
		pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Database = name })
		require.NoError(t, pgstore.Migrate(t.Context(), pool, pgstore.Options{}))
		s, err := pgstore.New(t.Context(), pool, pgstore.Options{})
		if !ok {
			require.ErrorContains(t, err, "LATIN1")
			continue
		}
		require.NoError(t, err)
		requireWritesWork(t, s)
		require.NoError(t, s.Close())
		pool.Close()
	}
}

func TestOptions_SchemaNameMayHoldAnything(t *testing.T) {
	skipInShortMode(t)
	t.Parallel()
	modes := []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol}
	for i, schema := range []string{
		`x"; DROP TABLE smsplus_message; --`, "a/*schema*/b", "/*plain*/c/*end*/", "/*monthly: d*/", "$1", "$LIMIT", "{{.Schema}}", "%s", "ünï 中",
		`q'q\`, "two\n\n  lines \n", " ", "\t", "a.b", "UPPER",
		"sixty-three bytes, as long as PostgreSQL keeps a name: xxxxxxxx",
	} {
		for n, monthly := range []bool{false, true} {
			mode := modes[(i+n)%2] // each layout meets each mode
			name := schema
			if monthly {
				name = "m" + schema[:min(len(schema), 61)]
			}
			quoted := pgx.Identifier{name}.Sanitize()
			pgtest.Exec(t, "CREATE SCHEMA "+quoted)
			pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			o := pgstore.Options{Schema: name, PartitionByMonth: monthly}
			s := openStore(t, pool, o)
			requireWritesWork(t, s)
			require.NoError(t, s.Maintain(t.Context(), noon))
			_, err := s.Purge(t.Context(), noon.AddDate(1, 0, 0), 10)
			require.NoError(t, err)
			if monthly {
				_, err = s.DropMonths(t.Context(), noon.AddDate(1, 0, 0))
				require.NoError(t, err)
			}
			pgtest.Exec(t, "DROP SCHEMA "+quoted+" CASCADE", "CREATE SCHEMA "+quoted)
			sql, err := pgstore.MigrationSQL(0, o)
			require.NoError(t, err)
			pgtest.Exec(t, sql, "DROP SCHEMA "+quoted+" CASCADE")
		}
	}
}
