package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

// postgresShell returns a shell whose store is a schema on the test server.
func postgresShell(t testing.TB, schema, options string) shell {
	c := pgtest.Pool(t, nil).Config().ConnConfig
	values := url.Values{"host": {c.Host}, "user": {c.User}, "sslmode": {"disable"}, "options": {options}}
	return shell{schema: schema}.withEnv("SMSPLUS_STORE", "postgres:///"+c.Database+"?"+values.Encode())
}

func TestCommands_AgreeOnPostgreSQLAndSQLite(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	pg := postgresShell(t, schema, "")
	code, _, stderr := pg.run(t, "stats")
	require.Equal(t, exitSchema, code, stderr)
	require.Contains(t, pg.mustRun(t, "migrate", "-print"), pgx.Identifier{schema}.Sanitize()+".smsplus_migration")
	code, _, _ = pg.run(t, "stats")
	require.Equal(t, exitSchema, code, "-print changed nothing")
	for _, want := range []string{"The schema was migrated from version 0 to version ", "The schema has version "} {
		code, _, stderr = pg.run(t, "migrate")
		require.Equal(t, exitDone, code, stderr)
		require.Contains(t, stderr, want)
	}
	pg.insert(t, sampleMessages())

	s, _ := filledShell(t)
	readOnly := postgresShell(t, schema, "-cdefault_transaction_read_only=on")
	for _, args := range [][]string{
		{"stats", "-from", "2026-11-01"},
		{"stats", "-from", "2026-11-01", "-channel", "sms", "-json"},
		{"records", "-from", "2026-11-01", "-tz", "Asia/Taipei"},
		{"records", "-from", "2026-11-01", "-json", "-reveal", "-phone", "+886912345678", "-tab", "sent"},
		{"export", "-from", "2026-11-01"},
		{"export", "-from", "2026-11-01", "-format", "ndjson", "-reveal"},
		{"show", messageID(1).String(), "-reveal"},
		{"show", messageID(2).String(), "-json"},
	} {
		require.Equal(t, s.mustRun(t, args...), readOnly.mustRun(t, args...), args)
	}
	code, _, _ = readOnly.run(t, "show", messageID(9).String())
	require.Equal(t, exitNotFound, code)
}

func TestMigrate_CreatesMonths(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	pg := postgresShell(t, schema, "")
	require.Contains(t, pg.mustRun(t, "migrate", "-print", "-monthly"), "PARTITION OF")
	code, _, stderr := pg.run(t, "migrate", "-monthly")
	require.Equal(t, exitDone, code, stderr)
	month := pgx.Identifier{schema, "smsplus_attempt" + time.Now().UTC().Format("_2006_01")}.Sanitize()
	for _, again := range [][]string{{"migrate"}, {"migrate", "-monthly"}} {
		pgtest.Exec(t, "DROP TABLE "+month, "DROP TABLE "+strings.ReplaceAll(month, "attempt", "message"), "DROP TABLE "+strings.ReplaceAll(month, "attempt", "state"))
		code, _, stderr = pg.run(t, again...)
		require.Equal(t, exitDone, code, stderr)
		require.Contains(t, stderr, "The schema has version ")
		pgtest.Exec(t, "SELECT FROM "+month)
	}
	pg.insert(t, sampleMessages())
	s, _ := filledShell(t)
	require.Equal(t, s.mustRun(t, "export", "-from", "2026-11-01"), pg.mustRun(t, "export", "-from", "2026-11-01"))

	plain := postgresShell(t, pgtest.Schema(t), "")
	plain.mustRun(t, "migrate")
	code, _, stderr = plain.run(t, "migrate", "-monthly")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "not by months")
	code, _, stderr = s.run(t, "migrate", "-monthly")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "-monthly: a file of SQLite has no months")
}

func TestStore_ConnectErrorsHidePassword(t *testing.T) {
	t.Parallel()
	s := shell{}.withEnv("SMSPLUS_STORE", "postgresql://ops:hunter22@/messages?host="+url.QueryEscape(t.TempDir()))
	for _, args := range [][]string{{"migrate"}, {"migrate", "-print"}, {"stats"}} {
		code, stdout, stderr := s.run(t, args...)
		require.Equal(t, exitFailed, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "failed to connect")
		require.NotContains(t, stderr, "hunter22")
	}
}

func FuzzStoreURL(f *testing.F) {
	for _, text := range []string{
		"sqlite:messages.db", "sqlite:", "sqlite://x", "postgres://u:p@h:5432/db?sslmode=disable", "postgresql:///db", "postgres:host=h",
		"postgres://u:1#p@h/", "postgres://u:1/p@h/", "postgres://u:1?p@h/", "postgres://u:1@p@h/", "postgres://u:%zz@h/", "postgres://[::1", "mysql://h", "", ":",
		"postgres://h/?pool_max_conns=0", "postgres://h/?host=a,b&port=1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		db, err := parseStore(text, "", nil, false)
		switch db := db.(type) {
		case nil:
			require.Contains(t, []error{errScheme, errFile, errURL}, err, "the error repeats no part of the URL")
		case sqliteDatabase:
			require.Equal(t, text, "sqlite:"+db.path)
			require.NoError(t, err)
		case postgresDatabase:
			require.NoError(t, err)
			if c := db.config.ConnConfig; !strings.Contains(text, "%") {
				require.NotContains(t, fmt.Sprint(c.Host, c.Database, c.RuntimeParams), "@", "no part of a password is taken for a field that errors name")
			}
		}
	})
}
