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

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Options configure a [Store]. All stores on one schema need the same Schema and the same
// Sealer.
type Options struct {
	// Schema is the schema of the tables. It is quoted as it stands. Defaults to the first
	// schema of the connections' search_path, which must then not change.
	Schema string
	// PartitionByMonth makes [Migrate] partition the large tables by month, so that
	// [Store.DropMonths] can drop a month at once. It is chosen when the tables are created
	// and cannot be changed. A store detects it by itself. With partitions, inserting an ID
	// that exists is an error only if the trigger time is the same. Defaults to no.
	PartitionByMonth bool
	// Changes makes [Migrate] have the tables note changes, for [Store.Changes], from then on
	// and for all stores. It costs each write another index entry: see docs/stores/postgres.md.
	// Readers begin with all messages that are there. Defaults to no, which leaves the tables
	// as they are.
	Changes bool
	// Sealer encrypts personal data. Defaults to none: phone numbers, variables and the
	// texts of providers are then stored unencrypted.
	Sealer seal.Sealer
	// Unsealed says that the tables may hold messages from before they had a Sealer. They are
	// read and found, so a search by number sends the plain number too. It needs a Sealer.
	// Defaults to false: a store with a Sealer sends keyed hashes alone. A message that is not
	// sealed is then unreadable, so that none can be forged without a key.
	Unsealed bool
	// Notify wakes dispatchers in other processes, by NOTIFY, when messages are inserted
	// that are due at once. They then claim these before their next poll. Each Run holds a
	// connection of its own, on which LISTEN must work: a pooler that assigns connections
	// for each transaction does not support it. Defaults to no.
	Notify bool
	// Timeout is the deadline of a call whose context has none. Defaults to 10 s.
	Timeout time.Duration
	// Logger receives warnings: that statistics could not be folded, or that a month's
	// partitions could not be created. Defaults to none.
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

// qualifier returns the quoted schema and a dot, or "".
func (o Options) qualifier() string {
	if o.Schema == "" {
		return ""
	}
	return pgx.Identifier{o.Schema}.Sanitize() + "."
}

// Store is a [smsplus.Store] in a PostgreSQL database, created by [New]. It is safe for
// concurrent use, and many processes may have stores on one schema.
type Store struct {
	pool              *pgxpool.Pool
	options           Options
	codec             *rowcodec.Codec
	routeCache        routeCache
	foldState         foldState
	idle              idleClaims
	partitionSchedule partitionSchedule
	notifier          notifier
	background        backgroundTasks

	unreadableReceipts unreadableReceipts

	layout              layout
	statements          statements
	qualifiedArrayTypes []string // compositeArrayTypes with their schema
	hasTracer           bool     // the pool has a tracer, which may keep arguments
}

var (
	_ smsplus.Store  = (*Store)(nil)
	_ smsplus.Eraser = (*Store)(nil)
)

// New returns a store in the pool's database, which must have been migrated: see [Migrate]. The
// error is a [SchemaError] if the schema is older or newer than this release needs. It is an
// error too if the connections have settings with which values would be misread, such as
// another client_encoding than UTF8. The caller keeps the pool, and closes it after the store.
func New(ctx context.Context, pool *pgxpool.Pool, o Options) (*Store, error) {
	o = o.withDefaults()
	var errs []error
	if pool == nil {
		errs = append(errs, errors.New("pgstore: a pool is required"))
	}
	if o.Unsealed && o.Sealer == nil {
		errs = append(errs, errors.New("pgstore: Options.Unsealed is set without a Sealer"))
	}
	if o.Timeout < 0 {
		errs = append(errs, fmt.Errorf("pgstore: Options.Timeout is negative (%v)", o.Timeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Store{pool: pool, options: o, codec: rowcodec.NewCodec(o.Sealer, o.Unsealed), hasTracer: pool.Config().ConnConfig.Tracer != nil}
	s.foldState.holder = uuid.New()
	err := s.retryCall(ctx, "open", func(ctx context.Context) error {
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
		s.qualifiedArrayTypes = append(s.qualifiedArrayTypes, s.layout.qualifier+name)
	}
	err = s.retryCall(ctx, "open", func(ctx context.Context) error {
		conn, err := s.acquireConn(ctx)
		if err == nil {
			conn.Release()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.background.ctx, s.background.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if o.Notify {
		s.notifier.requests = make(chan struct{}, 1)
		notify := s.layout.render("notify", params{})
		s.background.startTask(func(ctx context.Context) { s.notifier.run(ctx, pool, notify, o.Schema) })
	}
	return s, nil
}

// Close stops the store's background work, and waits for it. The pool stays open.
func (s *Store) Close() error {
	s.background.close()
	return nil
}

// backgroundTasks runs the goroutines of a store. None is started after close: that is
// why startTask and close share a mutex.
type backgroundTasks struct {
	ctx    context.Context // ends when the store is closed
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// startTask runs a task in a goroutine, unless the store is closed. The task's context ends
// when the store is closed.
func (b *backgroundTasks) startTask(task func(context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.running.Go(func() { task(b.ctx) })
	}
}

// close ends all tasks, and waits for them.
func (b *backgroundTasks) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.running.Wait()
}

// inTx runs call in a transaction. With partitions the planner looks rows up one by one in
// it: it expects that a lookup looks into every partition, and would rather join whole
// tables. The setting costs a round trip, so that frequent calls do not use inTx.
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

const (
	// maxTries bounds how often a transaction is tried that PostgreSQL aborts.
	maxTries = 20
	// baseBackoff is half of the longest pause before the second try. The pause is random,
	// and its limit doubles with each further try, up to maxBackoff.
	baseBackoff = 2 * time.Millisecond
	maxBackoff  = 256 * time.Millisecond
)

// backoff returns a random pause, after n retries.
func backoff(n int) time.Duration { return rand.N(min(baseBackoff<<n, maxBackoff)) }

// retryCall runs call with a deadline, and repeats it if the database aborted its transaction
// in favor of another. The error contains no values of the call.
func (s *Store) retryCall(ctx context.Context, op string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	err := call(ctx)
	for try := 1; try < maxTries && retryable(err) && sleepFor(ctx, backoff(try)); try++ {
		err = call(ctx)
	}
	return wrapError(op, err)
}

// retryQuery is retryCall for a call that only reads. A query that the server ended, because of
// its statement_timeout, is a [context.DeadlineExceeded] too.
func (s *Store) retryQuery(ctx context.Context, op string, query func(context.Context) error) error {
	err := s.retryCall(ctx, op, query)
	if sqlState(err) == queryCanceled {
		return fmt.Errorf("%w: %w", err, context.DeadlineExceeded)
	}
	return err
}

// withDeadline returns ctx with a deadline, if it has none.
func (s *Store) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.options.Timeout)
}

// Errors of transactions, for errors.Is.
var (
	// ErrAborted is wrapped by the error about a transaction that PostgreSQL aborted in favor
	// of another: a serialization failure, a deadlock or a lock timeout. Nothing was stored.
	// The whole transaction may succeed when it is repeated.
	ErrAborted = errors.New("the transaction was aborted in favor of another")
	// ErrKeyTaken is wrapped by the error of [Store.InsertTx] about a key that another
	// transaction took meanwhile, if this one's snapshot cannot see its message. A
	// transaction that begins now sees it.
	ErrKeyTaken = errors.New("a key was taken by a message that the transaction does not see")
)

// wrapError returns the error of a call, without values of the call. It is nil for nil.
func wrapError(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case retryable(err):
		return fmt.Errorf("pgstore: %s: %w: %w", op, ErrAborted, redactError(err))
	case isKeyViolation(err):
		return fmt.Errorf("pgstore: %s: %w: %w", op, ErrKeyTaken, redactError(err))
	}
	return fmt.Errorf("pgstore: %s: %w", op, redactError(err))
}

// isKeyViolation reports whether an insert failed because a message has one of its keys.
func isKeyViolation(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == uniqueViolation && (e.ConstraintName == "smsplus_message_key" || e.ConstraintName == "smsplus_key_pkey")
}

// retryable reports whether the database aborted a transaction that may succeed when it is
// repeated: for a serialization failure, a deadlock, or a lock timeout.
func retryable(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01", "55P03":
		return true
	}
	return false
}

// SQLSTATEs: see sqlState.
const (
	uniqueViolation = "23505"
	queryCanceled   = "57014"
)

// sqlState returns the SQLSTATE of an error of the database (PostgreSQL documentation,
// appendix A), or "" for any other error.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// redactError returns an error of the database without the parts that may quote values:
// detail, hint and context, and the message of a data exception (class 22).
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

// sleepFor waits for a duration. It returns false if ctx ended first.
func sleepFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Format writes no part of the store, whatever the verb: other goroutines change it.
func (*Store) Format(f fmt.State, _ rune) { mask.Write(f, "pgstore.Store{…}") }
