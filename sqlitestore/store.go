package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Options configure [Open]. The zero Options suit most programs.
type Options struct {
	// Sealer protects personal data against a reader of the file: see package seal.
	// Defaults to none: everything is stored unencrypted.
	Sealer seal.Sealer
	// Unsealed says that the file may hold messages from before it had a Sealer. They are read
	// and found, so a search by number asks for the plain number too. It needs a Sealer.
	// Defaults to false: a store with a Sealer asks for keyed hashes alone. A message that is
	// not sealed is unreadable then, so that none can be forged without a key.
	Unsealed bool
	// Synchronous selects how durable a change is when its call returns. Defaults to Full.
	Synchronous Synchronous
	// ReadConnections is the number of calls that may read concurrently. Defaults to 4.
	ReadConnections int
	// BusyTimeout is how long a change waits for another process that is writing, before
	// it fails with an [ErrBusy]. Defaults to 10 s.
	BusyTimeout time.Duration
	// Changes makes the file note changes, for [Store.Changes], from then on and for all
	// processes. Each insert and update then writes a row more. Readers begin with all messages
	// that are there. Defaults to no, which leaves the file as it is.
	Changes bool
	// AllowOthers opens a file that every user of the machine may read or write. It is for file
	// systems whose files have no owner. Defaults to false: [Open] rejects it with an
	// [ErrUnsafeFile].
	AllowOthers bool
}

// Synchronous selects how durable a change is when its call returns. With either value, a
// killed process loses nothing and the file stays intact.
type Synchronous uint8

const (
	// Full waits until the change is on the disk. A power cut loses nothing.
	Full Synchronous = iota
	// Normal waits until the operating system has the change. A power cut or a crash of
	// the operating system may lose the last changes. They may be messages for which Send
	// returned, and updates, whose messages may then be sent again.
	Normal
)

// String returns the name that SQLite uses.
func (s Synchronous) String() string {
	if s == Normal {
		return "NORMAL"
	}
	return "FULL"
}

func (o Options) withDefaults() Options {
	o.ReadConnections = cmp.Or(o.ReadConnections, 4)
	o.BusyTimeout = cmp.Or(o.BusyTimeout, 10*time.Second)
	return o
}

func (o Options) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("sqlitestore: "+format, args...)) }
	if o.Unsealed && o.Sealer == nil {
		bad("Options.Unsealed is set without a Sealer")
	}
	if o.Synchronous > Normal {
		bad("Options.Synchronous %d does not exist", uint8(o.Synchronous))
	}
	if o.ReadConnections < 0 {
		bad("Options.ReadConnections is negative (%d)", o.ReadConnections)
	}
	if o.BusyTimeout < 0 {
		bad("Options.BusyTimeout is negative (%v)", o.BusyTimeout)
	}
	return errors.Join(errs...)
}

// Store is a [smsplus.Store] in a file. [Open] returns one.
type Store struct {
	path    string
	watch   *fileWatch
	options Options
	codec   *rowcodec.Codec
	names   *internTable // templates and channels
	routes  *internTable // scenarios and plans
	changes bool         // the file notes changes

	cachesAll bool // StatsBy stores every count, however few and recent its messages are; for tests

	// The writer goroutine owns writer, until it closes writerDone. Every change reaches
	// it as a request in queue.
	queue      writeQueue
	writer     *writer
	writerDone chan struct{}

	// The idle read connections. Invariant: len(readers), plus the number of calls that
	// read, is readerCount. Only closeConns takes connections for good.
	readers     chan *conn
	readerCount int

	closeOnce sync.Once
	closing   chan struct{} // closed first, so that no further call takes a reader
	closeErr  error         // the result of Close, written under closeOnce
}

var (
	_ smsplus.Store  = (*Store)(nil)
	_ smsplus.Eraser = (*Store)(nil)
)

var errClosed = errors.New("sqlitestore: the store is closed")

// Open opens a database that [Migrate] created. It returns a [*SchemaError] if the schema
// is not the one that this release needs. A file that has several names, or that every user
// may open, is an [ErrUnsafeFile]. The store does not use ctx after Open returned.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := openStore(ctx, path, o)
	if err != nil {
		return nil, err
	}
	go s.runWriter()
	return s, nil
}

// openStore is Open without the writer goroutine.
func openStore(ctx context.Context, path string, o Options) (*Store, error) {
	if err := errors.Join(o.check(), checkPath(path)); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path) // the process may change its directory later
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	info, err := statFile(path)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	if err := info.checkLinks(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Store{
		path: path, options: o, codec: rowcodec.NewCodec(o.Sealer, o.Unsealed),
		names:  newInternTable("smsplus_name", "name", false),
		routes: newInternTable("smsplus_route", "route", true),
		queue:  writeQueue{wake: make(chan struct{}, 1)}, writerDone: make(chan struct{}),
		readers: make(chan *conn, o.ReadConnections), closing: make(chan struct{}),
	}
	c, err := openConn(ctx, path, o, false)
	if err != nil {
		return nil, err
	}
	s.writer = &writer{conn: c, store: s}
	err = checkSchema(ctx, c) // first, so that another program's file is left unchanged
	if err == nil {
		err = info.checkMode(o)
	}
	if err == nil {
		err = enableWAL(ctx, c, o)
	}
	if err == nil {
		s.changes, err = hasChanges(ctx, c, o.Changes)
	}
	if err != nil {
		return nil, errors.Join(err, s.closeConns())
	}
	for range o.ReadConnections {
		c, err := openConn(ctx, path, o, true)
		if err != nil {
			return nil, errors.Join(err, s.closeConns())
		}
		s.readers <- c
		s.readerCount++
	}
	if s.watch, err = newFileWatch(path, info); err != nil {
		return nil, errors.Join(err, s.closeConns())
	}
	return s, nil
}

// runWriter runs transactions until the store is closed and no request is pending.
func (s *Store) runWriter() {
	defer close(s.writerDone)
	for s.queue.waitPending() {
		s.writer.runTransaction()
	}
}

func checkPath(path string) error {
	if path == "" || path == ":memory:" {
		return errors.New("sqlitestore: path must name a file: package memstore is the store in memory")
	}
	return nil
}

// enableWAL switches the file to a write-ahead log, if it has none yet. It fails on a file
// system without shared memory, such as a network's.
func enableWAL(ctx context.Context, c *conn, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, o.BusyTimeout)
	defer cancel()
	for {
		var mode string
		err := c.query(ctx, "PRAGMA journal_mode = WAL", nil, func(row []driver.Value) error {
			mode = text(row[0])
			return nil
		})
		if err == nil && mode != "wal" {
			return fmt.Errorf("sqlitestore: the file can have no write-ahead log (its journal mode is %q)", mode)
		}
		if !errors.Is(err, ErrBusy) {
			return err
		}
		select { // another process is switching, and SQLite does not apply busy_timeout here
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Close implements [smsplus.Store]. It waits for calls in progress. It returns an
// [ErrReplaced] too.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		s.queue.close()
		<-s.writerDone
		err := s.watch.check()
		if err != nil {
			// SQLite deletes the log by its name, and another process may have opened a file of
			// that name.
			err = errors.Join(err, s.writer.keepWAL())
		}
		s.closeErr = errors.Join(err, s.closeConns())
	})
	return s.closeErr
}

// closeConns closes the connections. The writer's is the last, because the last one of a
// file moves the write-ahead log into it, which a read connection cannot.
func (s *Store) closeConns() error {
	var errs []error
	for range s.readerCount {
		errs = append(errs, (<-s.readers).close())
	}
	return errors.Join(append(errs, s.writer.close())...)
}

// withReader calls f with a read connection. f sees every change of a call that has
// returned.
func (s *Store) withReader(ctx context.Context, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closing:
		return errClosed
	default:
	}
	if err := s.watch.checkRead(); err != nil {
		return err
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return f(c)
	case <-s.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withSnapshot is withReader with all statements of f seeing the same state.
func (s *Store) withSnapshot(ctx context.Context, f func(*conn) error) error {
	return s.withReader(ctx, func(c *conn) (err error) {
		if err := c.exec(writerCtx, "BEGIN"); err != nil {
			return err
		}
		defer func() {
			end := c.exec(writerCtx, "ROLLBACK")
			err = errors.Join(err, end)
		}()
		return f(c)
	})
}

// Format writes no part of the store, whatever the verb: other goroutines change it.
func (*Store) Format(f fmt.State, _ rune) { mask.Write(f, "sqlitestore.Store{…}") }
