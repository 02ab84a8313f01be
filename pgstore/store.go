package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Options are how a [Store] works. All stores on one schema need the same Schema and
// the same Sealer.
type Options struct {
	// Schema is where the tables are. It is quoted as it stands. Defaults to where the
	// connections' search_path leads, which must then not change.
	Schema string
	// PartitionByMonth has [Migrate] make the large tables by months, so that [Store.DropMonths]
	// drops a month at once. It is chosen when the tables are made, once and for all;
	// a store finds out by itself. An ID that is there already is then an error only
	// with the same trigger time. Defaults to no.
	PartitionByMonth bool
	// Sealer encrypts what says something of a person. Defaults to none: phone
	// numbers, variables and providers' words are then in the open.
	Sealer seal.Sealer
	// Notify tells dispatchers in other processes, by NOTIFY, of messages that are due at
	// once, so that they do not start at the next poll alone. Each Run then holds a
	// connection of its own, on which LISTEN must work: a pooler between that lends
	// connections for a transaction does not do. Defaults to no.
	Notify bool
	// Timeout is the deadline of a call whose context has none. Defaults to 10 s.
	Timeout time.Duration
	// Logger gets warnings: that statistics could not be folded, or a month not made.
	// Defaults to none.
	Logger *slog.Logger
}

const defaultTimeout = 10 * time.Second

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// qualifier returns what stands before a name.
func (o Options) qualifier() string {
	if o.Schema == "" {
		return ""
	}
	return pgx.Identifier{o.Schema}.Sanitize() + "."
}

// Store is a [smsplus.Store] in a PostgreSQL database. It is made by [New] and safe
// for concurrent use, by many processes at once.
type Store struct {
	pool              *pgxpool.Pool
	options           Options
	codec             *rowcodec.Codec
	routeCache        routeCache
	foldState         foldState
	partitionSchedule partitionSchedule
	notifier          notifier
	background        backgroundTasks

	layout              layout
	statements          statements
	compositeArrayTypes []string // qualified
	hasTracer           bool     // somebody may keep what is sent
}

var (
	_ smsplus.Store  = (*Store)(nil)
	_ smsplus.Eraser = (*Store)(nil)
)

// New returns a store in the pool's database, which must have been migrated: see
// [Migrate]. Its error is a [SchemaError] if the schema is older or newer than this
// release needs. The pool stays the caller's, to be closed after the store.
func New(ctx context.Context, pool *pgxpool.Pool, o Options) (*Store, error) {
	o = o.withDefaults()
	var bad []error
	if pool == nil {
		bad = append(bad, errors.New("pgstore: a pool is required"))
	}
	if o.Timeout < 0 {
		bad = append(bad, fmt.Errorf("pgstore: Options.Timeout is negative (%v)", o.Timeout))
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	s := &Store{pool: pool, options: o, codec: rowcodec.NewCodec(o.Sealer), hasTracer: pool.Config().ConnConfig.Tracer != nil}
	s.foldState.holder = uuid.New()
	err := s.retry(ctx, "open", func(ctx context.Context) error {
		have, err := versionOf(ctx, pool, o.qualifier())
		if err := cmp.Or(err, schema.Check(have)); err != nil {
			return err
		}
		s.layout, err = detectLayout(ctx, pool, o.qualifier())
		return err
	})
	if err != nil {
		return nil, err
	}
	s.statements = newStatements(s.layout)
	for _, name := range compositeArrayTypes {
		s.compositeArrayTypes = append(s.compositeArrayTypes, s.layout.qualifier+name)
	}
	s.background.ctx, s.background.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if o.Notify {
		s.notifier.requests = make(chan struct{}, 1)
		s.background.start(func(ctx context.Context) { s.notifier.run(ctx, pool, o.Schema) })
	}
	return s, nil
}

// Close ends what the store does by itself. The pool stays open.
func (s *Store) Close() error {
	s.background.close()
	return nil
}

// backgroundTasks is what a store does by itself, beside its calls.
type backgroundTasks struct {
	ctx    context.Context // ends when the store is closed
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// start does something until it is done or the store is closed.
func (b *backgroundTasks) start(do func(context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.running.Go(func() { do(b.ctx) })
	}
}

func (b *backgroundTasks) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.running.Wait()
}

// inTx makes a call that is not hot, in a transaction in which the planner looks rows up
// one by one: it takes a row among months for a look into each, and would rather read
// whole tables.
func (s *Store) inTx(ctx context.Context, call func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error {
		if s.layout.partitioned {
			if _, err := tx.Exec(ctx, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"); err != nil {
				return err
			}
		}
		return call(tx)
	})
}

// A transaction that PostgreSQL gave up is tried so often at most. The pause before the
// second try is random, up to twice this, and doubles with each other.
const (
	maxTries    = 8
	baseBackoff = 2 * time.Millisecond
)

// retry makes a call: with a deadline, again if the database gave up a transaction for
// another's sake, and with an error that says nothing of what the call was about.
func (s *Store) retry(ctx context.Context, op string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.options.Timeout)
		defer cancel()
	}
	err := call(ctx)
	for try := 1; try < maxTries && retryable(err) && sleep(ctx, rand.N(baseBackoff<<try)); try++ {
		err = call(ctx)
	}
	if err != nil {
		return fmt.Errorf("pgstore: %s: %w", op, redactError(err))
	}
	return nil
}

// retryable reports whether the database undid a transaction that may succeed when it
// is repeated: a serialization failure, a deadlock, or a lock that did not come in time.
func retryable(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01", "55P03":
		return true
	}
	return false
}

const uniqueViolation = "23505"

// sqlState returns the SQLSTATE of a database's error (PostgreSQL documentation,
// appendix A), or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// redactError returns a database's error without the parts that quote rows, and without the
// words of a data exception (class 22), which may quote a value.
func redactError(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	message := e.Message
	if strings.HasPrefix(e.Code, "22") {
		message = "the database does not accept a value"
	}
	return &pgconn.PgError{
		Severity: e.Severity, Code: e.Code, Message: message,
		SchemaName: e.SchemaName, TableName: e.TableName, ConstraintName: e.ConstraintName,
	}
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ceilMicrosecond returns the time in microseconds, rounded up: stored times are at or after the
// one if, and only if, they are at or after the other.
func ceilMicrosecond(t time.Time) time.Time {
	return t.Add(time.Microsecond - time.Nanosecond).Truncate(time.Microsecond)
}
