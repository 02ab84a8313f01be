package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Options are what [Open] may be told. The zero Options are for most.
type Options struct {
	// Sealer keeps personal data from whoever gets hold of the file: see package seal.
	// Defaults to none, and everything is stored in the open.
	Sealer seal.Sealer
	// Synchronous is what a call waits for. Defaults to Full.
	Synchronous Synchronous
	// ReadConnections is how many calls may read at once. Defaults to 4.
	ReadConnections int
	// BusyTimeout is how long a change waits for another process that is writing. It
	// is an [ErrBusy] then. Defaults to 10 s.
	BusyTimeout time.Duration
}

// Synchronous says what a call that changes something waits for. Whatever it is, a
// process that is killed loses nothing, and the file stays whole.
type Synchronous uint8

const (
	// Full waits until the disk has the change: a power cut loses nothing.
	Full Synchronous = iota
	// Normal waits until the operating system has it. A power cut, or a crash of the
	// operating system, may lose the last changes before it: messages that Send
	// returned, and updates, whose messages may be sent again.
	Normal
)

// String returns SQLite's name of it.
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

// Store is a [smsplus.Store] in a file. It is made by [Open].
type Store struct {
	path    string
	options Options
	codec   *rowcodec.Codec
	names   *internTable // of templates and channels
	routes  *internTable // of scenarios and plans

	queue writeQueue

	writerDone  chan struct{} // closed when the writer has
	writer      *writer
	readers     chan *conn // those that are free
	readerCount int        // readers

	closeOnce sync.Once
	closed    chan struct{}
	closeErr  error // of Close
}

var (
	_ smsplus.Store  = (*Store)(nil)
	_ smsplus.Eraser = (*Store)(nil)
)

var errClosed = errors.New("sqlitestore: the store is closed")

// Open opens a database that [Migrate] made. If its schema is not the one that this
// release needs, the error is a [*SchemaError]. Ctx is for opening alone.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := openStore(ctx, path, o)
	if err != nil {
		return nil, err
	}
	go s.runWriter()
	return s, nil
}

// openStore is Open but for the goroutine that writes.
func openStore(ctx context.Context, path string, o Options) (*Store, error) {
	if err := errors.Join(o.check(), checkPath(path)); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	o = o.withDefaults()
	s := &Store{
		path: path, options: o, codec: rowcodec.NewCodec(o.Sealer),
		names:  newInternTable("smsplus_name", "name", false),
		routes: newInternTable("smsplus_route", "route", true),
		queue:  writeQueue{wake: make(chan struct{}, 1)}, writerDone: make(chan struct{}),
		readers: make(chan *conn, o.ReadConnections), closed: make(chan struct{}),
	}
	c, err := openConn(ctx, path, o, false)
	if err != nil {
		return nil, err
	}
	s.writer = &writer{conn: c, store: s}
	err = checkSchema(ctx, c) // first: what is no store of ours is left as it is
	if err == nil {
		err = enableWAL(ctx, c, o)
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
	return s, nil
}

// runWriter writes until the store is closed.
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

// enableWAL gives the file a write-ahead log, if it has none yet. A file system that has
// no room for what that needs, as those of a network, is an error.
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
		select { // another process is at it, and SQLite does not wait by itself here
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Close implements [smsplus.Store]. It waits for calls under way.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.queue.close()
		<-s.writerDone
		s.closeErr = s.closeConns()
	})
	return s.closeErr
}

// closeConns closes the connections, the writer last: the log is then put into the file.
func (s *Store) closeConns() error {
	var errs []error
	for range s.readerCount {
		errs = append(errs, (<-s.readers).close())
	}
	return errors.Join(append(errs, s.writer.close())...)
}

// withReader calls f with a connection to read with. What calls that have returned have
// stored is there.
func (s *Store) withReader(ctx context.Context, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closed:
		return errClosed
	default:
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return f(c)
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withSnapshot is reading where all statements see the same.
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

// queryMessages returns the messages whose columns a statement selects.
func (s *Store) queryMessages(ctx context.Context, c *conn, fresh []uncommittedText, sql string, args ...driver.Value) ([]smsplus.Message, error) {
	var ms []smsplus.Message
	err := c.query(ctx, sql, args, func(row []driver.Value) error {
		m, err := s.decodeRow(ctx, c, fresh, row)
		ms = append(ms, m)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ms, nil
}
