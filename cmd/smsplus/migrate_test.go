package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/sqlitestore"
)

// script runs SQL in a file, past the store.
func script(t testing.TB, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), text)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestOnlyMigrateMakesAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	s := sqlite(path)
	for _, args := range [][]string{{"stats"}, {"records"}, {"export"}, {"show", id(1).String()}} {
		code, stdout, stderr := s.run(t, args...)
		require.Equal(t, exitFailed, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "messages.db: no such file")
	}
	require.NotEmpty(t, s.out(t, "migrate", "-print"))
	require.NoFileExists(t, path)

	current := fmt.Sprintf("The schema has version %d, as this release needs it.\n", needed(file{}))
	for _, call := range []struct{ args, want string }{
		{"migrate", fmt.Sprintf("The schema was migrated from version 0 to version %d.\n", needed(file{}))},
		{"migrate", current},
		{"migrate -print", current},
	} {
		code, stdout, stderr := s.run(t, strings.Fields(call.args)...)
		require.Equal(t, exitDone, code)
		require.Empty(t, stdout)
		require.Equal(t, call.want, stderr)
	}
}

func TestThePrintedSQLIsTheMigration(t *testing.T) {
	t.Parallel()
	s, _ := filled(t)
	path := filepath.Join(t.TempDir(), "by hand.db")
	script(t, path, "PRAGMA journal_mode = WAL")
	byHand := sqlite(path)
	code, text, stderr := byHand.run(t, "migrate", "-print")
	require.Equal(t, exitDone, code)
	require.Equal(t, fmt.Sprintf("From version 0 to version %d:\n", needed(file{})), stderr)
	code, _, _ = byHand.run(t, "stats")
	require.Equal(t, exitSchema, code, "nothing was changed")
	script(t, path, text)
	byHand.fill(t, day())
	require.Equal(t, s.out(t, "export", "-from", "2026-11-01"), byHand.out(t, "export", "-from", "2026-11-01"))
}

func TestASchemaThatDoesNotFitHasItsOwnCode(t *testing.T) {
	t.Parallel()
	older := filepath.Join(t.TempDir(), "older.db")
	script(t, older, "CREATE TABLE other (n INTEGER)")
	_, newer := filled(t)
	script(t, newer, "INSERT INTO smsplus_migration (version, name) VALUES (99, 'later')")
	calls := [][]string{{"stats"}, {"records"}, {"export"}, {"show", id(1).String()}}
	for _, args := range calls {
		code, _, stderr := sqlite(older).run(t, args...)
		require.Equal(t, exitSchema, code, args)
		require.Contains(t, stderr, "migrate it\n")
	}
	for _, args := range append(calls, []string{"migrate"}, []string{"migrate", "-print"}) {
		code, _, stderr := sqlite(newer).run(t, args...)
		require.Equal(t, exitSchema, code, args)
		require.Contains(t, stderr, "has version 99")
	}
}

func TestWhatReadsChangesNothing(t *testing.T) {
	t.Parallel()
	s, path := filled(t)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, args := range [][]string{{"stats"}, {"records"}, {"export"}, {"show", id(1).String()}, {"migrate"}, {"migrate", "-print"}} {
		s.out(t, args...)
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestAFileInUseIsRead(t *testing.T) {
	t.Parallel()
	s, path := filled(t)
	other, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	m := day()[0]
	m.ID, m.Key = id(5), ""
	_, err = other.Insert(t.Context(), append(day()[:0:0], m))
	require.NoError(t, err)
	require.Contains(t, s.out(t, "show", id(5).String()), "otp")
	require.NoError(t, other.Close())
}
