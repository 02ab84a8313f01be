//go:build unix

package sqlitestore_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// openMigrated opens a new file. Unlike openStore, it leaves Close to the test.
func openMigrated(t *testing.T, path string) *sqlitestore.Store {
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	return s
}

// backUp makes a copy of the file with VACUUM INTO.
func backUp(t *testing.T, path, to string) {
	execSQL(t, openRaw(t, path), "VACUUM INTO '"+to+"'")
	require.NoError(t, os.Chmod(to, 0o600))
}

func TestStore_ReplacedFileFailsEveryCall(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(t *testing.T, path string){
		"deleted": func(t *testing.T, path string) {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				require.NoError(t, os.Remove(path+suffix))
			}
		},
		"moved away": func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".old")) },
		"replaced by a copy": func(t *testing.T, path string) {
			require.NoError(t, os.Rename(path+".copy", path))
		},
		"deleted and created": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Remove(path+"-wal"))
			require.NoError(t, os.Remove(path+"-shm"))
			require.NoError(t, sqlitestore.Migrate(t.Context(), path))
		},
		"log deleted": func(t *testing.T, path string) { require.NoError(t, os.Remove(path+"-wal")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "messages.db")
			s := openMigrated(t, path)
			m := triggered(1, 10)
			_, err := s.Insert(t.Context(), []smsplus.Message{m})
			require.NoError(t, err)
			backUp(t, path, path+".copy")
			replace(t, path)

			ref := channel.Ref{Channel: channel.SMS, ProviderID: "1"}
			r := channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: status.Delivered, At: opened}
			changes := []string{"Insert", "Update", "SetAside", "Park", "Unpark", "Purge", "Erase"}
			for call, f := range map[string]func() error{
				"Insert":       func() error { _, err := s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)}); return err },
				"Update":       func() error { _, err := s.Update(t.Context(), []smsplus.Message{m}); return err },
				"Claim":        func() error { _, err := s.Claim(t.Context(), claimOf(m.DueAt, 1)); return err },
				"SetAside":     func() error { return s.SetAside(t.Context(), nil, opened) },
				"Message":      func() error { _, err := s.Message(t.Context(), m.ID); return err },
				"ByProviderID": func() error { _, err := s.ByProviderID(t.Context(), []channel.Ref{ref}); return err },
				"Park":         func() error { return s.Park(t.Context(), []channel.Receipt{r}) },
				"Parked":       func() error { _, err := s.Parked(t.Context(), []channel.Ref{ref}); return err },
				"ListParked":   func() error { _, _, err := s.ListParked(t.Context(), "", 1); return err },
				"Unpark":       func() error { return s.Unpark(t.Context(), []channel.Ref{ref}) },
				"Records":      func() error { _, err := s.Records(t.Context(), smsplus.Filter{}); return err },
				"Stats":        func() error { _, err := s.Stats(t.Context(), smsplus.Filter{}); return err },
				"Purge":        func() error { _, err := s.Purge(t.Context(), opened, 1); return err },
				"Erase":        func() error { _, err := s.Erase(t.Context(), m.To); return err },
			} {
				if slices.Contains(changes, call) {
					require.ErrorIs(t, f(), sqlitestore.ErrReplaced, "%s, at once", call)
					continue
				}
				require.Eventually(t, func() bool { return errors.Is(f(), sqlitestore.ErrReplaced) },
					time.Minute, 10*time.Millisecond, call) // the check of reads has its own clock
			}
			require.ErrorIs(t, s.Close(), sqlitestore.ErrReplaced)
		})
	}
}

func TestStore_ReplacedFileStaysReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	s := openMigrated(t, path)
	require.NoError(t, os.Rename(path, path+".old"))
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.ErrorIs(t, err, sqlitestore.ErrReplaced)
	require.NoError(t, os.Rename(path+".old", path))
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.ErrorIs(t, err, sqlitestore.ErrReplaced, "another process may have written to a file of that name meanwhile")
	require.ErrorIs(t, s.Close(), sqlitestore.ErrReplaced)
	requireIntact(t, path)
	reopen(t, path, sqlitestore.Options{})
}

// The process that still has the deleted file open must not delete the log of the new one.
func TestClose_LeavesLogOfNewFileAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	s := openMigrated(t, path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Remove(path+suffix))
	}
	next := openMigrated(t, path)
	m := triggered(1, 10)
	_, err := next.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.ErrorIs(t, s.Close(), sqlitestore.ErrReplaced)
	_, err = next.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.NoError(t, err)
	require.NoError(t, next.Close())
	requireIntact(t, path)
	require.Len(t, allMessages(t, reopen(t, path, sqlitestore.Options{})), 2)
}

func TestOpen_FollowsSymbolicLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link.db")
	require.NoError(t, os.Symlink(filepath.Join(dir, "messages.db"), link))
	s := openMigrated(t, link)
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "messages.db-wal"))

	require.NoError(t, os.Remove(link))
	require.NoError(t, os.Symlink(filepath.Join(dir, "other.db"), link))
	require.NoError(t, sqlitestore.Migrate(t.Context(), link))
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.ErrorIs(t, err, sqlitestore.ErrReplaced, "the link names another file now")
	require.ErrorIs(t, s.Close(), sqlitestore.ErrReplaced)
}

func TestStore_KeepsItsFileWhenTheDirectoryChanges(t *testing.T) { //nolint:paralleltest // the directory is the process's
	t.Chdir(t.TempDir())
	s := openMigrated(t, "messages.db")
	t.Chdir(t.TempDir())
	m := triggered(1, 10)
	_, err := s.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	_, err = s.Message(t.Context(), m.ID)
	require.NoError(t, err)
	_, err = s.Erase(t.Context(), m.To) // it opens a connection of its own
	require.ErrorIs(t, err, smsplus.ErrNotFinal)
	require.NoError(t, s.Close())
}

func TestOpen_RejectsHardLink(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	require.NoError(t, os.Link(path, path+".second"))
	_, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{AllowOthers: true})
	require.ErrorIs(t, err, sqlitestore.ErrUnsafeFile)
	require.EqualError(t, err, "sqlitestore: the file is not safe to open: it has 2 names (hard links), and may have only one")
	require.NoError(t, os.Remove(path+".second"))
	reopen(t, path, sqlitestore.Options{})
}

func TestOpen_RejectsFileThatOthersMayOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	for _, mode := range []os.FileMode{0o604, 0o602, 0o644, 0o666} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
		require.ErrorIs(t, err, sqlitestore.ErrUnsafeFile)
		require.ErrorContains(t, err, "change its mode, or set Options.AllowOthers")
	}
	s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{AllowOthers: true})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o660), info.Mode().Perm(), "Migrate takes the access from others alone")
	reopen(t, path, sqlitestore.Options{})
}

// The tests below do what docs/stores/sqlite.md says of backups and restores.

func TestBackup_HoldsWhatWasStoredBefore(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)
	backups := map[string]string{"VACUUM INTO": path + ".vacuum"}
	backUp(t, path, path+".vacuum") // while the store is open
	if shell, err := exec.LookPath("sqlite3"); err == nil {
		backups[".backup"] = path + ".backup"
		require.NoError(t, exec.CommandContext(t.Context(), shell, path, ".backup "+path+".backup").Run())
		require.NoError(t, os.Chmod(path+".backup", 0o600))
	}
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.NoError(t, err)
	for name, copied := range backups {
		requireIntact(t, copied)
		ms := allMessages(t, reopen(t, copied, sqlitestore.Options{}))
		require.Len(t, ms, 1, name)
		require.Equal(t, triggered(1, 10), ms[0], name)
	}
}

func TestBackup_CopyOfFileAloneLacksItsLog(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "copy.db")
	copyFile(t, path, copied)
	require.Empty(t, allMessages(t, reopen(t, copied, sqlitestore.Options{})), "the message is still in the log")
}

func TestRestore_NeedsStoppedService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "messages.db"), filepath.Join(dir, "copy.db")
	s := openMigrated(t, path)
	_, err := s.Insert(t.Context(), []smsplus.Message{triggered(1, 10)})
	require.NoError(t, err)
	backUp(t, path, copied)
	_, err = s.Insert(t.Context(), []smsplus.Message{triggered(2, 10)})
	require.NoError(t, err)
	require.NoError(t, s.Close()) // the service is stopped
	aside := filepath.Join(dir, "aside")
	require.NoError(t, os.Mkdir(aside, 0o700))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, filepath.Join(aside, "messages.db"+suffix)); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
	copyFile(t, copied, path)
	s = reopen(t, path, sqlitestore.Options{})
	requireIntact(t, path)
	require.Equal(t, []smsplus.Message{triggered(1, 10)}, allMessages(t, s), "what was stored after the copy is not in it")
	claimed, err := s.Claim(t.Context(), claimOf(opened.Add(quarter), 10))
	require.NoError(t, err)
	require.Len(t, claimed.Messages, 1, "and its open messages are sent again")
}

func TestRestore_LogOfAnotherFileDamagesIt(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	insert := func(from, to int) {
		var ms []smsplus.Message
		for i := from; i < to; i++ {
			ms = append(ms, attempted(i, 1000))
		}
		_, err := s.Insert(t.Context(), ms)
		require.NoError(t, err)
	}
	insert(0, 100)
	restored := filepath.Join(t.TempDir(), "messages.db")
	backUp(t, path, restored)
	insert(100, 500)
	copyFile(t, path+"-wal", restored+"-wal") // as a killed process leaves it
	var result string
	err := openRaw(t, restored).QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&result)
	require.False(t, err == nil && result == "ok", "SQLite applies the log to the restored file")
}

func copyFile(t *testing.T, from, to string) {
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}
