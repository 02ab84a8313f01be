package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// arrivals is a channel that says when it is called.
type arrivals chan time.Time

func (arrivals) Name() channel.Name     { return channel.SMS }
func (arrivals) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (a arrivals) Send(context.Context, channel.Envelope) (channel.Result, error) {
	a <- time.Now()
	return channel.Result{Status: status.Delivered}, nil
}

// path is one that a message takes to the provider, on a store that is idle. The sender
// and the runner are dispatchers with stores and pools of their own.
type path struct {
	name  string
	hint  bool
	begin func(ctx context.Context, sender, runner *smsplus.Dispatcher, pool *pgxpool.Pool, s *pgstore.Store) error
}

var paths = []path{
	{"Send, running", false, func(ctx context.Context, _, runner *smsplus.Dispatcher, _ *pgxpool.Pool, _ *pgstore.Store) error {
		_, err := runner.Send(ctx, newTrigger(0))
		return err
	}},
	{"Send elsewhere, hint", true, sendElsewhere},
	{"Send elsewhere, poll", false, sendElsewhere},
	{"InsertTx, poll", false, func(ctx context.Context, sender, _ *smsplus.Dispatcher, pool *pgxpool.Pool, s *pgstore.Store) error {
		m, err := sender.Prepare(newTrigger(0))
		if err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := s.InsertTx(ctx, tx, m)
			return err
		})
	}},
}

func sendElsewhere(ctx context.Context, sender, _ *smsplus.Dispatcher, _ *pgxpool.Pool, _ *pgstore.Store) error {
	_, err := sender.Send(ctx, newTrigger(0))
	return err
}

// printLatency prints how long it takes from a trigger to the call of the provider: n
// times each way, with a pause between two, and up to a poll more.
func printLatency(ctx context.Context, out io.Writer, db *database, n int, pause, poll time.Duration) error {
	fmt.Fprintf(out, "%[1]d triggers each way, %[2]v to %[3]v apart, Config.Poll %[4]v; from the trigger to the provider's call, in ms\n\n", n, pause, pause+poll, poll)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "way\tp50\tp90\tp99\tmost\t")
	for _, w := range paths {
		var took []time.Duration
		err := db.withSchema(ctx, 4, func(pool *pgxpool.Pool, schema string) (err error) {
			took, err = w.measure(ctx, pool, pgstore.Options{Schema: schema, Notify: w.hint}, n, pause, poll)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		slices.Sort(took)
		fmt.Fprintf(table, "%s\t", w.name)
		for _, of := range []int{50, 90, 99, 100} {
			fmt.Fprintf(table, "%.2f\t", float64(took[(n*of+99)/100-1])/float64(time.Millisecond))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func (w path) measure(ctx context.Context, pool *pgxpool.Pool, o pgstore.Options, n int, pause, poll time.Duration) (took []time.Duration, err error) {
	there, err := openMigrated(ctx, pool, o)
	if err != nil {
		return nil, err
	}
	defer there.Close() //nolint:errcheck // it never fails
	other, err := pgxpool.NewWithConfig(ctx, pool.Config())
	if err != nil {
		return nil, err
	}
	defer other.Close()
	here, err := pgstore.New(ctx, other, o)
	if err != nil {
		return nil, err
	}
	defer here.Close() //nolint:errcheck // it never fails
	arrived := make(arrivals, 1)
	runner, err := newDispatcher(smsplus.Config{Poll: poll}, there, arrived)
	if err != nil {
		return nil, err
	}
	sender, err := newDispatcher(smsplus.Config{}, here, arrived)
	if err != nil {
		return nil, err
	}

	running, stop := context.WithCancel(ctx)
	var run errgroup.Group
	run.Go(func() error { return runner.Run(running) })
	defer run.Wait() //nolint:errcheck // a run that is cut short says so by its own error
	defer stop()
	for range n + 1 { // the first one finds connections, plans and listeners unready
		time.Sleep(pause + rand.N(poll)) // any moment between two polls is as likely as any other
		began := time.Now()
		if err := w.begin(ctx, sender, runner, other, here); err != nil {
			return nil, err
		}
		select {
		case at := <-arrived:
			took = append(took, at.Sub(began))
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return took[1:], nil
}
