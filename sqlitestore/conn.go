package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// conn is one connection and the statements that it has prepared. Only one goroutine
// may use it at a time. It is the driver's own, for all that database/sql would add, a
// pool and conversions, is in the way of one writer that nobody shares.
type conn struct {
	driver     driver.Conn
	statements map[string]statement
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// openConn opens the file, which must be there.
func openConn(ctx context.Context, path string, o Options, readOnly bool) (*conn, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	full = filepath.ToSlash(full)
	if !strings.HasPrefix(full, "/") {
		full = "/" + full // of Windows: file:///C:/messages.db
	}
	cache := 32 << 10
	if readOnly {
		cache = 8 << 10
	}
	query := url.Values{
		"mode": {"rw"},
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", o.BusyTimeout.Milliseconds()),
			"synchronous(" + o.Synchronous.String() + ")",
			"secure_delete(1)", // what is erased is not to be read in the file
			"temp_store(MEMORY)",
			fmt.Sprintf("cache_size(-%d)", cache), // KiB
			"journal_size_limit(67108864)",        // bytes
		},
	}
	if readOnly {
		query.Add("_pragma", "query_only(1)")
	}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: full, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	d, err := connector.Connect(ctx)
	if err != nil {
		return nil, wrapError(err)
	}
	return &conn{d, make(map[string]statement)}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.driver.Close())...)
}

func (c *conn) prepare(sql string) (statement, error) {
	if s, ok := c.statements[sql]; ok {
		return s, nil
	}
	prepared, err := c.driver.Prepare(sql)
	if err != nil {
		return nil, wrapError(err)
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, errors.New("sqlitestore: the driver's statements take no context")
	}
	c.statements[sql] = s
	return s, nil
}

func namedValues(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return values
}

// exec runs a statement.
func (c *conn) exec(ctx context.Context, sql string, args ...driver.Value) error {
	_, err := c.execResult(ctx, sql, args)
	return err
}

// insertRow runs a statement that adds a row and returns its number, or 0 if it added none.
func (c *conn) insertRow(ctx context.Context, sql string, args ...driver.Value) (int64, error) {
	r, err := c.execResult(ctx, sql, args)
	if err != nil {
		return 0, err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return 0, err
	}
	return r.LastInsertId()
}

func (c *conn) execResult(ctx context.Context, sql string, args []driver.Value) (driver.Result, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, namedValues(args))
	return r, wrapError(err)
}

// execScript runs statements that stand in one text.
func (c *conn) execScript(ctx context.Context, sql string) error {
	e, ok := c.driver.(driver.ExecerContext)
	if !ok {
		return errors.New("sqlitestore: the driver runs no scripts")
	}
	_, err := e.ExecContext(ctx, sql, nil)
	return wrapError(err)
}

// query calls each with every row. The row is used again for the next, and what it
// holds is not.
func (c *conn) query(ctx context.Context, sql string, args []driver.Value, each func(row []driver.Value) error) (err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, namedValues(args))
	if err != nil {
		return wrapError(err)
	}
	defer func() { err = cmp.Or(err, wrapError(rows.Close())) }()
	row := make([]driver.Value, len(rows.Columns()))
	for n := 1; ; n++ {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return wrapError(err)
		}
		if err := each(row); err != nil {
			return err
		}
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// queryInt returns the first column of the only row, and 0 if there is none.
func (c *conn) queryInt(ctx context.Context, sql string, args ...driver.Value) (n int64, err error) {
	err = c.query(ctx, sql, args, func(row []driver.Value) error {
		n = integer(row[0])
		return nil
	})
	return n, err
}

// What a column holds. NULL is zero.

func integer(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func text(v driver.Value) string {
	s, _ := v.(string)
	return s
}

func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}

// textOrNull is a text column's value, of which the empty text is NULL.
func textOrNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

// ErrBusy is what a call returns when another process held the file's lock for longer
// than [Options.BusyTimeout]. Nothing was changed.
var ErrBusy = errors.New("sqlitestore: another process holds the file's lock")

// wrapError says whose an error of the driver's is, and marks what callers may look for.
// SQLite's words name tables and columns, and never what is in them.
func wrapError(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", ErrBusy, e)
	default:
		return fmt.Errorf("sqlitestore: %w", e)
	}
}

// isUniqueViolation reports whether the error says that a column's value is there already.
func isUniqueViolation(err error, column string) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE && strings.Contains(e.Error(), column)
}
