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

// postgres is a shell in front of a schema.
func postgres(t testing.TB, schema, options string) shell {
	c := pgtest.Pool(t, nil).Config().ConnConfig
	values := url.Values{"host": {c.Host}, "user": {c.User}, "sslmode": {"disable"}, "options": {options}}
	return shell{schema: schema}.with("SMSPLUS_STORE", "postgres:///"+c.Database+"?"+values.Encode())
}

func TestEveryCommandAnswersFromPostgreSQLAsFromSQLite(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	pg := postgres(t, schema, "")
	code, _, stderr := pg.run(t, "stats")
	require.Equal(t, exitSchema, code, stderr)
	require.Contains(t, pg.out(t, "migrate", "-print"), pgx.Identifier{schema}.Sanitize()+".smsplus_migration")
	code, _, _ = pg.run(t, "stats")
	require.Equal(t, exitSchema, code, "nothing was changed")
	for _, want := range []string{"The schema was migrated from version 0 to version ", "The schema has version "} {
		code, _, stderr = pg.run(t, "migrate")
		require.Equal(t, exitDone, code, stderr)
		require.Contains(t, stderr, want)
	}
	pg.fill(t, day())

	s, _ := filled(t)
	readOnly := postgres(t, schema, "-cdefault_transaction_read_only=on")
	for _, args := range [][]string{
		{"stats", "-from", "2026-11-01"},
		{"stats", "-from", "2026-11-01", "-channel", "sms", "-json"},
		{"records", "-from", "2026-11-01", "-tz", "Asia/Taipei"},
		{"records", "-from", "2026-11-01", "-json", "-reveal", "-phone", "+886912345678", "-tab", "sent"},
		{"export", "-from", "2026-11-01"},
		{"export", "-from", "2026-11-01", "-format", "ndjson", "-reveal"},
		{"show", id(1).String(), "-reveal"},
		{"show", id(2).String(), "-json"},
	} {
		require.Equal(t, s.out(t, args...), readOnly.out(t, args...), args)
	}
	code, _, _ = readOnly.run(t, "show", id(9).String())
	require.Equal(t, exitNotFound, code)
}

func TestMigrateMakesMonths(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	pg := postgres(t, schema, "")
	require.Contains(t, pg.out(t, "migrate", "-print", "-monthly"), "PARTITION OF")
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
	pg.fill(t, day())
	s, _ := filled(t)
	require.Equal(t, s.out(t, "export", "-from", "2026-11-01"), pg.out(t, "export", "-from", "2026-11-01"))

	plain := postgres(t, pgtest.Schema(t), "")
	plain.out(t, "migrate")
	code, _, stderr = plain.run(t, "migrate", "-monthly")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "not by months")
	code, _, stderr = s.run(t, "migrate", "-monthly")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "-monthly: a file of SQLite has no months")
}

func TestAServerThatCannotBeReachedIsSaidWithoutThePassword(t *testing.T) {
	t.Parallel()
	s := shell{}.with("SMSPLUS_STORE", "postgresql://ops:hunter22@/messages?host="+url.QueryEscape(t.TempDir()))
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
		db, err := parseStore(text, "", nil)
		switch db := db.(type) {
		case nil:
			require.Contains(t, []error{errScheme, errFile, errURL}, err, "an error that repeats nothing")
		case file:
			require.Equal(t, text, "sqlite:"+db.path)
			require.NoError(t, err)
		case server:
			require.NoError(t, err)
			if c := db.config.ConnConfig; !strings.Contains(text, "%") {
				require.NotContains(t, fmt.Sprint(c.Host, c.Database, c.RuntimeParams), "@", "what errors may name is no rest of a password")
			}
		}
	})
}
