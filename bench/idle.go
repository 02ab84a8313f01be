package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// queryCounter counts the queries of a pool.
type queryCounter struct{ n atomic.Int64 }

func (q *queryCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n.Add(1)
	return ctx
}
func (*queryCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// printIdleStatements prints how many statements an idle dispatcher sends, on average of watch.
func printIdleStatements(ctx context.Context, out io.Writer, db *database, watch time.Duration) error {
	counted := &queryCounter{}
	config := db.config.Copy()
	config.ConnConfig.Tracer = counted
	pool, schema, drop, err := db.createSchema(ctx, config)
	if err != nil {
		return err
	}
	err = func() error {
		s, err := openMigrated(ctx, pool, pgstore.Options{Schema: schema, Notify: true})
		if err != nil {
			return err
		}
		defer s.Close() //nolint:errcheck // it never fails
		d, err := newDispatcher(smsplus.Config{}, s, newNoop())
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
