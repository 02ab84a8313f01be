package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

var (
	// ErrReplaced is returned by every call once the file, or its write-ahead log, was deleted,
	// moved or replaced while the store had it open. What the store writes no longer reaches
	// the file of that name. Each change is checked before its call returns nil. Reads notice
	// it within a tenth of a second. Stop the process, see which file is the right one, and
	// open it again.
	ErrReplaced = errors.New("sqlitestore: the file was deleted, moved or replaced while it was open")

	// ErrUnsafeFile is returned by [Open] for a file with several names (hard links), and for
	// one that every user of the machine may read or write.
	ErrUnsafeFile = errors.New("sqlitestore: the file is not safe to open")
)

// fileInfo is the part of a file's state that the store checks.
type fileInfo struct {
	device, inode uint64 // identify the file
	links         uint64 // its names
	mode          os.FileMode
}

// checkLinks returns an error for a file with several names. SQLite names the write-ahead
// log after the name by which a file is opened. With two names, two processes would have
// two logs, and would destroy the file.
func (f fileInfo) checkLinks() error {
	if f.links > 1 {
		return fmt.Errorf("%w: it has %d names (hard links), and may have only one", ErrUnsafeFile, f.links)
	}
	return nil
}

// checkMode returns an error for a file that every user of the machine may open.
func (f fileInfo) checkMode(o Options) error {
	if f.mode.Perm()&0o007 != 0 && !o.AllowOthers {
		return fmt.Errorf("%w: every user of the machine may open it (mode %#o): change its mode, or set Options.AllowOthers",
			ErrUnsafeFile, f.mode.Perm())
	}
	return nil
}

// denyOthers takes the access to a file from all but its owner and group. Where that fails,
// checkMode reports it.
func denyOthers(path string) {
	if info, err := statFile(path); err == nil && info.mode.Perm()&0o007 != 0 {
		_ = os.Chmod(path, info.mode.Perm()&^0o007)
	}
}

// fileWatch finds out whether a name still refers to the file that is open.
type fileWatch struct {
	names    []string
	infos    []fileInfo  // as they were when the store was opened
	replaced atomic.Bool // once true, it remains so

	opened    time.Time
	readCheck atomic.Int64 // when the next read checks, in nanoseconds since opened
}

// readCheckInterval is the time for which reads rely on an earlier check. A read costs a few
// microseconds, as the check does (BenchmarkRead/Message).
const readCheckInterval = 100 * time.Millisecond

// newFileWatch returns a watch of a file that is open, and of its write-ahead log. before is
// the state of the file before it was opened.
func newFileWatch(path string, before fileInfo) (*fileWatch, error) {
	if !canReplaceOpenFile {
		return &fileWatch{}, nil
	}
	target, err := filepath.EvalSymlinks(path) // the name that SQLite uses for the log
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	wal := target + "-wal"
	info, err := statFile(wal)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	w := &fileWatch{names: []string{path, wal}, infos: []fileInfo{before, info}, opened: time.Now()}
	return w, w.check()
}

// checkRead is check for a read. It may miss a change of the last [readCheckInterval].
func (w *fileWatch) checkRead() error {
	now := time.Since(w.opened).Nanoseconds()
	due := w.readCheck.Load()
	if now >= due && w.readCheck.CompareAndSwap(due, now+readCheckInterval.Nanoseconds()) {
		return w.check()
	}
	if w.replaced.Load() {
		return ErrReplaced
	}
	return nil
}

// check returns [ErrReplaced] if a name no longer refers to the file that is open, or did
// not at an earlier check. It reads two inodes and opens nothing, because closing a file
// would release SQLite's locks on it.
func (w *fileWatch) check() error {
	if w.replaced.Load() {
		return ErrReplaced
	}
	for i, name := range w.names {
		info, err := statFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("sqlitestore: cannot check whether the file was replaced: %w", err)
		}
		if err != nil || info.device != w.infos[i].device || info.inode != w.infos[i].inode {
			w.replaced.Store(true)
			return ErrReplaced
		}
	}
	return nil
}
