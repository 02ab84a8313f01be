package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/pgstore"
)

// The settings of the contestants on PostgreSQL are the fastest that were tried.
const (
	engineConns = 16
	riverConns  = 32
	batchers    = 2 // callers of SendMany and of InsertManyFast, and bare loops
)

// singleContest compares callers that send one message a call.
func singleContest(db *database) contest {
	const callers = 64
	return contest{
		name: "single", cpu: db.cpu,
		contestants: []contestant{
			db.engine("smsplus", callers, 1),
			db.river("River", callers, 1),
			{"commits", func(ctx context.Context, n int, timed stopwatch) error {
				return db.singleCommits(ctx, callers, n, timed)
			}},
		},
		ratios: []ratio{
			{name: "to River", of: "smsplus", over: []string{"River"}},
			{name: "CPU to River", of: "smsplus", over: []string{"River"}, cpu: true},
			{name: "to commits", of: "smsplus", over: []string{"commits"}},
		},
	}
}

// manyContest compares callers that send a thousand messages a call.
func manyContest(db *database) contest {
	rivers := []string{"River 1000", "River 5000"}
	return contest{
		name: "many", cpu: db.cpu,
		contestants: []contestant{
			db.engine("smsplus", batchers, 1000),
			db.river(rivers[0], batchers, 1000),
			db.river(rivers[1], batchers, 5000),
			{"bare", func(ctx context.Context, n int, timed stopwatch) error {
				return db.bareStatements(ctx, batchers, n, timed)
			}},
		},
		ratios: []ratio{
			{name: "to River", of: "smsplus", over: rivers},
			{name: "CPU to River", of: "smsplus", over: rivers, cpu: true},
			{name: "to bare", of: "smsplus", over: []string{"bare"}},
		},
	}
}

func (db *database) engine(name string, callers, batch int) contestant {
	return contestant{name, func(ctx context.Context, n int, timed stopwatch) error {
		return db.withSchema(ctx, engineConns, func(pool *pgxpool.Pool, schema string) error {
			store, err := openMigrated(ctx, pool, pgstore.Options{Schema: schema})
			if err != nil {
				return err
			}
			defer store.Close() //nolint:errcheck // it never fails
			return engine{store, callers, batch}.deliver(ctx, n, timed)
		})
	}}
}

func openMigrated(ctx context.Context, pool *pgxpool.Pool, o pgstore.Options) (*pgstore.Store, error) {
	if err := pgstore.Migrate(ctx, pool, o); err != nil {
		return nil, err
	}
	return pgstore.New(ctx, pool, o)
}
