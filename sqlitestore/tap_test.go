package sqlitestore

import (
	"context"
	"database/sql/driver"

	"modernc.org/sqlite"
)

// OpenTapped is Open with a tap that sees the arguments of every statement before the
// driver does.
func OpenTapped(ctx context.Context, path string, o Options, tap func(driver.Value)) (*Store, error) {
	s, err := openStore(ctx, path, o)
	if err != nil {
		return nil, err
	}
	wrap := func(c *conn) {
		c.driver = tappedConn{c.driver, c.driver.(sqlite.FileControl), c.driver.(driver.ExecerContext), tap}
		clear(c.statements)
	}
	wrap(s.writer.conn)
	for range s.readerCount {
		c := <-s.readers
		wrap(c)
		s.readers <- c
	}
	go s.runWriter()
	return s, nil
}

type tappedConn struct {
	driver.Conn
	sqlite.FileControl
	driver.ExecerContext
	tap func(driver.Value)
}

func (c tappedConn) Prepare(sql string) (driver.Stmt, error) {
	prepared, err := c.Conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	return tappedStatement{prepared.(statement), c.tap}, nil
}

type tappedStatement struct {
	statement
	tap func(driver.Value)
}

func (s tappedStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	for _, arg := range args {
		s.tap(arg.Value)
	}
	return s.statement.ExecContext(ctx, args)
}

func (s tappedStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	for _, arg := range args {
		s.tap(arg.Value)
	}
	return s.statement.QueryContext(ctx, args)
}
