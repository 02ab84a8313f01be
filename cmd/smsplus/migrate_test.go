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

// execSQL runs SQL in a file of SQLite.
func execSQL(t testing.TB, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), text)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestMigrate_AloneCreatesFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	s := sqliteShell(path)
	for _, args := range [][]string{{"stats"}, {"records"}, {"export"}, {"show", messageID(1).String()}} {
		code, stdout, stderr := s.run(t, args...)
		require.Equal(t, exitFailed, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "messages.db: no such file")
	}
	require.NotEmpty(t, s.mustRun(t, "migrate", "-print"))
	require.NoFileExists(t, path)

	current := fmt.Sprintf("The schema has version %d, as this release needs it.\n", neededVersion(sqliteDatabase{}))
	for _, call := range []struct{ args, want string }{
		{"migrate", fmt.Sprintf("The schema was migrated from version 0 to version %d.\n", neededVersion(sqliteDatabase{}))},
		{"migrate", current},
		{"migrate -print", current},
	} {
		code, stdout, stderr := s.run(t, strings.Fields(call.args)...)
		require.Equal(t, exitDone, code)
		require.Empty(t, stdout)
		require.Equal(t, call.want, stderr)
	}
}

func TestMigrate_PrintsTheSQLItRuns(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	path := filepath.Join(t.TempDir(), "by hand.db")
	execSQL(t, path, "PRAGMA journal_mode = WAL")
	require.NoError(t, os.Chmod(path, 0o600))
	byHand := sqliteShell(path)
	code, text, stderr := byHand.run(t, "migrate", "-print")
	require.Equal(t, exitDone, code)
	require.Equal(t, fmt.Sprintf("From version 0 to version %d:\n", neededVersion(sqliteDatabase{})), stderr)
	code, _, _ = byHand.run(t, "stats")
	require.Equal(t, exitSchema, code, "-print changed nothing")
	execSQL(t, path, text)
	byHand.insert(t, sampleMessages())
	require.Equal(t, s.mustRun(t, "export", "-from", "2026-11-01"), byHand.mustRun(t, "export", "-from", "2026-11-01"))
}

func TestSchema_WrongVersionHasOwnExitCode(t *testing.T) {
	t.Parallel()
	older := filepath.Join(t.TempDir(), "older.db")
	execSQL(t, older, "CREATE TABLE other (n INTEGER)")
	_, newer := filledShell(t)
	execSQL(t, newer, "INSERT INTO smsplus_migration (version, name) VALUES (99, 'later')")
	calls := [][]string{{"stats"}, {"records"}, {"export"}, {"show", messageID(1).String()}}
	for _, args := range calls {
		code, _, stderr := sqliteShell(older).run(t, args...)
		require.Equal(t, exitSchema, code, args)
		require.Contains(t, stderr, "migrate it\n")
	}
	for _, args := range append(calls, []string{"migrate"}, []string{"migrate", "-print"}) {
		code, _, stderr := sqliteShell(newer).run(t, args...)
		require.Equal(t, exitSchema, code, args)
		require.Contains(t, stderr, "has version 99")
	}
}

func TestReadCommands_ChangeNothing(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, args := range [][]string{{"stats"}, {"records"}, {"export"}, {"show", messageID(1).String()}, {"migrate"}, {"migrate", "-print"}} {
		s.mustRun(t, args...)
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestShow_ReadsFileInUse(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	other, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	m := sampleMessages()[0]
	m.ID, m.Key = messageID(5), ""
	_, err = other.Insert(t.Context(), append(sampleMessages()[:0:0], m))
	require.NoError(t, err)
	require.Contains(t, s.mustRun(t, "show", messageID(5).String()), "otp")
	require.NoError(t, other.Close())
}
