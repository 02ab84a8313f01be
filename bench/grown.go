package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

// grown fills a file and opens it again: what it wrote is then in the file.
func (f folder) grown(ctx context.Context, n int) (grown, error) {
	path, remove, err := f.file()
	if err != nil {
		return grown{}, err
	}
	if err := sqlitestore.Migrate(ctx, path); err != nil {
		return grown{}, errors.Join(err, remove())
	}
	var (
		s    *sqlitestore.Store
		info os.FileInfo
	)
	o := sqlitestore.Options{Synchronous: sqlitestore.Normal}
	if s, err = sqlitestore.Open(ctx, path, o); err == nil {
		err = errors.Join(fill(ctx, s, n), s.Close())
	}
	if err == nil {
		info, err = os.Stat(path)
	}
	if err == nil {
		s, err = sqlitestore.Open(ctx, path, o)
	}
	if err != nil {
		return grown{}, errors.Join(err, remove())
	}
	return grown{s, n, int(info.Size()), remove}, nil
}

// grown fills a schema and does to it what autovacuum would in time.
func (db *database) grown(ctx context.Context, n int) (grown, error) {
	config := db.config.Copy()
	config.MaxConns = 4
	pool, schema, drop, err := db.schema(ctx, config)
	if err != nil {
		return grown{}, err
	}
	var (
		s     *pgstore.Store
		bytes int
	)
	if s, err = migrated(ctx, pool, pgstore.Options{Schema: schema, Timeout: time.Minute}); err == nil {
		err = fill(ctx, s, n)
	}
	if err == nil {
		err = s.Maintain(ctx, opened)
	}
	for _, table := range []string{"message", "state", "attempt", "delta", "total"} {
		if err == nil {
			_, err = pool.Exec(ctx, "VACUUM ANALYZE "+qualified(schema, "smsplus_"+table))
		}
	}
	if err == nil {
		err = pool.QueryRow(ctx, `SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
			WHERE relkind = 'r' AND relnamespace = $1::regnamespace`, schema).Scan(&bytes)
	}
	if err != nil {
		return grown{}, errors.Join(err, drop())
	}
	return grown{s, n, bytes, drop}, nil
}

// queries counts a pool's.
type queries struct{ n atomic.Int64 }

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n.Add(1)
	return ctx
}
func (*queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// idle prints how many statements a dispatcher with nothing to do sends, in that time.
func idle(ctx context.Context, out io.Writer, db *database, watch time.Duration) error {
	counted := &queries{}
	config := db.config.Copy()
	config.ConnConfig.Tracer = counted
	pool, schema, drop, err := db.schema(ctx, config)
	if err != nil {
		return err
	}
	err = func() error {
		s, err := migrated(ctx, pool, pgstore.Options{Schema: schema, Notify: true})
		if err != nil {
			return err
		}
		defer s.Close() //nolint:errcheck // it never fails
		d, err := dispatcher(smsplus.Config{}, s, newNoop())
		if err != nil {
			return err
		}
		running, stop := context.WithCancel(ctx)
		var run errgroup.Group
		run.Go(func() error { return d.Run(running) })
		defer run.Wait() //nolint:errcheck // it returns when it is stopped
		defer stop()
		before := counted.n.Load()
		select {
		case <-time.After(watch):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		_, err = fmt.Fprintf(out, "An idle dispatcher sends %.1f statements a second.\n", float64(counted.n.Load()-before)/watch.Seconds())
		return err
	}()
	return errors.Join(err, drop())
}
