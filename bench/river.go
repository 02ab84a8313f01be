package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// otp is the job that holds what a trigger holds.
type otp struct {
	Template string            `json:"template"`
	To       string            `json:"to"`
	Vars     map[string]string `json:"vars"`
}

func (otp) Kind() string { return "otp" }

func newJob(i int) otp {
	to := recipients()
	return otp{Template: "otp", To: to[i%len(to)].E164(), Vars: map[string]string{"code": "498172"}}
}

// noopWorker completes each job immediately.
type noopWorker struct{ river.WorkerDefaults[otp] }

func (noopWorker) Work(context.Context, *river.Job[otp]) error { return nil }

// river inserts jobs, one a call with Insert or a batch a call with InsertManyFast, and
// works them at the same time, until all are completed. It has the settings of River's
// own benchmark (river bench).
func (db *database) river(name string, callers, batch int) contestant {
	return contestant{name, func(ctx context.Context, n int, timed stopwatch) error {
		return db.withSchema(ctx, riverConns, func(pool *pgxpool.Pool, schema string) error {
			driver, quiet := riverpgxv5.New(pool), slog.New(slog.DiscardHandler)
			migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet, Schema: schema})
			if err != nil {
				return err
			}
			if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
				return err
			}
			workers := river.NewWorkers()
			river.AddWorker(workers, noopWorker{})
			client, err := river.NewClient(driver, &river.Config{
				FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond,
				Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}},
				Logger: quiet, Schema: schema, Workers: workers,
			})
			if err != nil {
				return err
			}
			// The buffer holds the events of all jobs, because River drops events that do not fit.
			completed, unsubscribe := client.SubscribeConfig(&river.SubscribeConfig{
				ChanSize: n + n/10 + 1, Kinds: []river.EventKind{river.EventKindJobCompleted},
			})
			defer unsubscribe()
			if err := client.Start(ctx); err != nil {
				return err
			}
			work := func(n int) error {
				if err := runParallel(callers, n, batch, func(first, end int) error { return insertJobs(ctx, client, first, end) }); err != nil {
					return err
				}
				for range n {
					select {
					case <-completed:
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}
				return nil
			}
			if err = work(n/10 + 1); err == nil {
				err = timed(func() error { return work(n) })
			}
			if stopped := client.Stop(context.WithoutCancel(ctx)); err == nil {
				err = stopped
			}
			return err
		})
	}}
}

func insertJobs(ctx context.Context, client *river.Client[pgx.Tx], first, end int) error {
	if end-first == 1 {
		_, err := client.Insert(ctx, newJob(first), nil)
		return err
	}
	jobs := make([]river.InsertManyParams, 0, end-first)
	for i := first; i < end; i++ {
		jobs = append(jobs, river.InsertManyParams{Args: newJob(i)})
	}
	_, err := client.InsertManyFast(ctx, jobs)
	return err
}
