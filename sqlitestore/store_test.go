package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

// openRaw opens the file of a store through database/sql.
func openRaw(t testing.TB, path string) *sql.DB {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func execSQL(t testing.TB, db *sql.DB, text string) {
	_, err := db.ExecContext(t.Context(), text)
	require.NoError(t, err)
}

// requireIntact requires that SQLite's integrity check finds nothing.
func requireIntact(t testing.TB, path string) {
	var result string
	require.NoError(t, openRaw(t, path).QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&result))
	require.Equal(t, "ok", result)
}

// allMessages returns every record.
func allMessages(t testing.TB, s smsplus.Store) []smsplus.Message {
	var ms []smsplus.Message
	f := smsplus.Filter{Limit: 1000}
	for {
		p, err := s.Records(t.Context(), f)
		require.NoError(t, err)
		ms = append(ms, p.Messages...)
		if f.After = p.Next; f.After == "" {
			return ms
		}
	}
}

func TestOpen_LeavesForeignFileUnchanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "theirs.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	execSQL(t, db, "CREATE TABLE theirs (n INTEGER)")
	require.NoError(t, db.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.ErrorAs(t, err, new(*sqlitestore.SchemaError))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestOpen_RequiresMigration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	_, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, path)

	execSQL(t, openRaw(t, path), "CREATE TABLE another (thing)")
	_, err = sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	var wrong *sqlitestore.SchemaError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, sqlitestore.SchemaError{Have: 0, Want: newestSchema}, *wrong)
	require.EqualError(t, err, fmt.Sprintf("sqlitestore: the database has no schema yet, and this release needs version %d: migrate it", newestSchema))

	require.NoError(t, sqlitestore.Migrate(t.Context(), path), "what another program keeps there is left alone")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path), "there is nothing left to do")
	s := reopen(t, path, sqlitestore.Options{})
	require.Empty(t, allMessages(t, s))
}

func TestMigrate_CreatesFileForOwnerOnly(t *testing.T) {
	t.Parallel()
	_, path := openStore(t, sqlitestore.Options{})
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestMigrate_RunsConcurrently(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	errs := make(chan error)
	for range 4 {
		go func() { errs <- sqlitestore.Migrate(t.Context(), path) }()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
	reopen(t, path, sqlitestore.Options{})
}

func TestStore_RejectsNewerSchema(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)

	execSQL(t, openRaw(t, path), fmt.Sprintf("INSERT INTO smsplus_migration (version, name) VALUES (%d, 'future')", newestSchema+1))
	want := fmt.Sprintf("sqlitestore: the database's schema has version %d, and this release needs version %d: use a newer release",
		newestSchema+1, newestSchema)
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.EqualError(t, err, want, "a store that is open changes nothing any more")
	require.Len(t, allMessages(t, s), 1)
	_, err = sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.EqualError(t, err, want)
	require.EqualError(t, sqlitestore.Migrate(t.Context(), path), want)
	_, err = sqlitestore.MigrationSQL(newestSchema + 1)
	require.EqualError(t, err, want)
}

func TestMigrationSQL_CanBeRunByHand(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	text, err := sqlitestore.MigrationSQL(0)
	require.NoError(t, err)
	execSQL(t, openRaw(t, path), text)
	require.NoError(t, os.Chmod(path, 0o600))
	s := reopen(t, path, sqlitestore.Options{})
	_, err = s.Insert(t.Context(), []smsplus.Message{attempted(1, 10)})
	require.NoError(t, err)
	text, err = sqlitestore.MigrationSQL(newestSchema)
	require.NoError(t, err)
	require.Empty(t, text)

	var id, template, channel, status string
	require.NoError(t, openRaw(t, path).QueryRowContext(t.Context(), "SELECT id, template, channel, status FROM smsplus_record").
		Scan(&id, &template, &channel, &status))
	require.Equal(t, []string{attempted(1, 10).ID.String(), "template-01", "sms", "failed"}, []string{id, template, channel, status},
		"and look at records in words")
}

func TestOpen_ReportsEveryInvalidOption(t *testing.T) {
	t.Parallel()
	_, err := sqlitestore.Open(t.Context(), ":memory:", sqlitestore.Options{Synchronous: 2, ReadConnections: -1, BusyTimeout: -1})
	require.EqualError(t, err, "sqlitestore: Options.Synchronous 2 does not exist\n"+
		"sqlitestore: Options.ReadConnections is negative (-1)\n"+
		"sqlitestore: Options.BusyTimeout is negative (-1ns)\n"+
		"sqlitestore: path must name a file: package memstore is the store in memory")
	require.ErrorContains(t, sqlitestore.Migrate(t.Context(), ""), "path must name a file")
}

func TestOpen_AcceptsAnyFileName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%41&mode=memory.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	s := reopen(t, path, sqlitestore.Options{})
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)
	require.FileExists(t, path+"-wal")
}

func TestInsert_StopsWaitingWhenContextEnds(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	db := openRaw(t, path)
	execSQL(t, db, "BEGIN IMMEDIATE") // as another writing process would
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Insert(ctx, []smsplus.Message{triggered(1, 10)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Empty(t, allMessages(t, s), "readers go on")

	execSQL(t, db, "COMMIT")
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.NoError(t, err)
	require.Len(t, allMessages(t, s), 1, "a call whose turn had not come when its context ended is not made")
}

func TestInsert_LockedFileIsErrBusy(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{BusyTimeout: 500 * time.Millisecond}) // a slow machine needs it for the second Insert
	db := openRaw(t, path)
	execSQL(t, db, "BEGIN IMMEDIATE")
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.ErrorIs(t, err, sqlitestore.ErrBusy)
	execSQL(t, db, "COMMIT")
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)
}

func TestStore_ClosedReturnsError(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t, sqlitestore.Options{})
	require.NoError(t, s.Close())
	_, err := s.Insert(t.Context(), nil)
	require.EqualError(t, err, "sqlitestore: the store is closed")
	_, err = s.Records(t.Context(), smsplus.Filter{})
	require.EqualError(t, err, "sqlitestore: the store is closed")
	require.NoError(t, s.Close(), "closing twice is closing")
}

func TestInsert_RejectsDuplicateIDAndKey(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t, sqlitestore.Options{})
	m := triggered(1, 10)
	_, err := s.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10), m})
	require.EqualError(t, err, fmt.Sprintf("sqlitestore: Message.ID %v is there already", m.ID))
	require.Len(t, allMessages(t, s), 1)

	one, two := triggered(3, 10), triggered(4, 10)
	one.Key, two.Key = "personal", "personal"
	_, err = s.Insert(t.Context(), []smsplus.Message{one, two})
	require.EqualError(t, err, "sqlitestore: Message.Key is there twice in one Insert")
	require.Len(t, allMessages(t, s), 1)
}

func TestInternTable_SharedByStoresOfOneFile(t *testing.T) {
	t.Parallel()
	one, path := openStore(t, sqlitestore.Options{})
	two := reopen(t, path, sqlitestore.Options{})
	stores := []*sqlitestore.Store{one, two}
	var want []smsplus.TemplateStats
	for i := range 40 {
		m := triggered(i, 1000)
		m.Template = fmt.Sprintf("template %02d", i/2) // the two stores take turns in seeing it first
		_, err := stores[(i+i/2)%2].Insert(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		if i%2 == 0 {
			want = append(want, smsplus.TemplateStats{Template: m.Template, Triggered: 2, Preparing: 2})
		}
	}
	for _, s := range stores {
		got, err := s.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Len(t, allMessages(t, s), 40)
	}
}

func TestPurge_NeedsNoSealerKey(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{Sealer: ring(t, "a", "x")})
	m := attempted(1, 10)
	_, err := s.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	later := reopen(t, path, sqlitestore.Options{Sealer: ring(t, "b", "y")})
	_, err = later.Message(t.Context(), m.ID)
	require.ErrorContains(t, err, "no such key in the ring")
	n, err := later.Purge(t.Context(), opened.Add(quarter), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	rows, err := later.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestPurge_SplitsLongPurgeIntoTransactions(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t, sqlitestore.Options{Synchronous: sqlitestore.Normal})
	ms := make([]smsplus.Message, 1200)
	for i := range ms {
		ms[i] = triggered(i, len(ms))
		ms[i].DueAt = time.Time{}
	}
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	for _, want := range []int{1100, 100, 0} {
		n, err := s.Purge(t.Context(), opened.Add(quarter), 1100)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}

// This test reads the file with the sqlite3 program, which is a build of SQLite in C.
func TestStore_SQLiteShellFindsFileIntact(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("there is no sqlite3 on this machine")
	}
	s, path := openStore(t, sqlitestore.Options{})
	_, err = s.Insert(t.Context(), []smsplus.Message{attempted(1, 10)})
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), shell, path, "PRAGMA integrity_check; SELECT count(*) FROM smsplus_record").Output()
	require.NoError(t, err)
	require.Equal(t, "ok\n1\n", string(out))
}
