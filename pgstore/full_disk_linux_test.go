package pgstore_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/smsplus"
)

// While the disk of the database is full, calls fail. No call reports success for a message
// that is not stored.
func TestOutage_FullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	const settings = "mode=1777,size=160m"
	if os.Getenv(ownServerEnv) == "" {
		if os.Getuid() != 0 {
			t.Skip("only root can make a file system that is soon full")
		}
		disk, err := os.MkdirTemp("", "smsplus-disk") //nolint:usetesting // that one's parents are closed to the server's account
		require.NoError(t, err)
		defer func() { require.NoError(t, os.Remove(disk)) }()
		require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, settings))
		defer func() { require.NoError(t, syscall.Unmount(disk, 0)) }()
		inOwnProcess(t, "TMPDIR="+disk)
		return
	}
	pgtest.Durable(t)
	// A larger write-ahead log would fill the disk before the tables do.
	pgtest.Exec(t, "ALTER SYSTEM SET max_wal_size = '48MB'", "ALTER SYSTEM SET min_wal_size = '32MB'", "SELECT pg_reload_conf()")
	o := startSending(t, pgtest.Pool(t, nil), pgtest.Schema(t))
	for range 2 {
		waitForIncrease(t, &o.returned, 300)
		ballast := filepath.Join(os.Getenv("TMPDIR"), "ballast")
		fillDisk(t, ballast)
		waitForIncrease(t, &o.failed, 30)
		require.NoError(t, os.Remove(ballast))
		if _, err := o.store.Stats(t.Context(), smsplus.Filter{}); err != nil {
			pgtest.Restart(t, "immediate") // as an operator does with a server that has stopped
		}
	}
	waitForIncrease(t, &o.returned, 300)
	o.finishAndCheck()
	require.Positive(t, o.errors, "errors surface")
}

// fillDisk writes a file until the file system is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // it is worth nothing
	for chunk := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(chunk)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}
