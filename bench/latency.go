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

// arrivals is a channel that reports when it is called.
type arrivals chan time.Time

func (arrivals) Name() channel.Name     { return channel.SMS }
func (arrivals) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (a arrivals) Send(context.Context, channel.Envelope) (channel.Result, error) {
	a <- time.Now()
	return channel.Result{Status: status.Delivered}, nil
}

// path is a way of a message to the provider, through an idle store. The sender and the
// runner are two dispatchers, each with its own store and pool.
type path struct {
	name   string
	notify bool
	send   func(ctx context.Context, sender, runner *smsplus.Dispatcher, pool *pgxpool.Pool, s *pgstore.Store) error
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

// printLatency prints the time from a trigger to the call of the provider, measured n
// times on each path. Between two triggers it waits for pause and up to poll more.
func printLatency(ctx context.Context, out io.Writer, db *database, n int, pause, poll time.Duration) error {
	fmt.Fprintf(out, "%[1]d triggers each way, %[2]v to %[3]v apart, Config.Poll %[4]v; from the trigger to the provider's call, in ms\n\n", n, pause, pause+poll, poll)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "way\tp50\tp90\tp99\tmost\t")
	for _, p := range paths {
		var took []time.Duration
		err := db.withSchema(ctx, 4, func(pool *pgxpool.Pool, schema string) (err error) {
			took, err = p.measure(ctx, pool, pgstore.Options{Schema: schema, Notify: p.notify}, n, pause, poll)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		slices.Sort(took)
		fmt.Fprintf(table, "%s\t", p.name)
		for _, of := range []int{50, 90, 99, 100} {
			fmt.Fprintf(table, "%.2f\t", float64(took[(n*of+99)/100-1])/float64(time.Millisecond))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func (p path) measure(ctx context.Context, pool *pgxpool.Pool, o pgstore.Options, n int, pause, poll time.Duration) (took []time.Duration, err error) {
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
	defer run.Wait() //nolint:errcheck // the caller returns the error that stops the run
	defer stop()
	for range n + 1 { // the first one, which opens connections and plans statements, does not count
		time.Sleep(pause + rand.N(poll)) // each moment between two polls is equally likely
		began := time.Now()
		if err := p.send(ctx, sender, runner, other, here); err != nil {
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
