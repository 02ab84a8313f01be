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

// conn is one connection with its prepared statements. Calls must not be concurrent. It
// uses the driver without database/sql: the store has its own pool of readers and a
// single writer, and needs no conversion of values.
type conn struct {
	driver     driver.Conn
	statements map[string]statement // by their SQL
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// openConn opens a file, which must exist.
func openConn(ctx context.Context, path string, o Options, readOnly bool) (*conn, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	full = filepath.ToSlash(full)
	if !strings.HasPrefix(full, "/") {
		full = "/" + full // on Windows: file:///C:/messages.db
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
			"secure_delete(1)", // overwrites deleted content, so that erased data cannot be read in the file
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

// keepWAL makes close leave the write-ahead log where it is, empty.
func (c *conn) keepWAL() error {
	f, ok := c.driver.(sqlite.FileControl)
	if !ok {
		return errors.New("sqlitestore: the driver cannot keep the write-ahead log")
	}
	_, err := f.FileControlPersistWAL("main", 1)
	return wrapError(err)
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

// exec runs a statement that returns no rows.
func (c *conn) exec(ctx context.Context, sql string, args ...driver.Value) error {
	_, err := c.execResult(ctx, sql, args)
	return err
}

// insertRow runs a statement that inserts one row, and returns the row's number. It returns
// 0 if the statement inserted none.
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

// execScript runs several statements in one text.
func (c *conn) execScript(ctx context.Context, sql string) error {
	e, ok := c.driver.(driver.ExecerContext)
	if !ok {
		return errors.New("sqlitestore: the driver runs no scripts")
	}
	_, err := e.ExecContext(ctx, sql, nil)
	return wrapError(err)
}

// query calls each with every row. The slice is reused for the next row, but its values are
// not.
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

// queryInt returns the first column of the only row. It returns 0 without a row.
func (c *conn) queryInt(ctx context.Context, sql string, args ...driver.Value) (n int64, err error) {
	err = c.query(ctx, sql, args, func(row []driver.Value) error {
		n = integer(row[0])
		return nil
	})
	return n, err
}

// integer returns the value of an INTEGER column. NULL is 0.
func integer(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

// text returns the value of a TEXT column. NULL is "".
func text(v driver.Value) string {
	s, _ := v.(string)
	return s
}

// blob returns the value of a BLOB column. NULL is nil.
func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}

// textOrNull returns the value of a TEXT column that stores the empty text as NULL.
func textOrNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

// ErrBusy is returned when another process held the file's lock for longer than
// [Options.BusyTimeout]. Nothing was changed.
var ErrBusy = errors.New("sqlitestore: another process holds the file's lock")

// wrapError adds the package's name to an error of the driver, and [ErrBusy] to one about a
// lock. SQLite's error texts name tables and columns but no content, so they hold no
// personal data.
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

// isUniqueViolation reports whether err says that a row with the value of a column exists.
func isUniqueViolation(err error, column string) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE && strings.Contains(e.Error(), column)
}
