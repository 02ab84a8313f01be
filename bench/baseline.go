package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/pgstore"
)

// singleCommits inserts rows of 200 bytes that have only a key, one commit a row.
func (db *database) singleCommits(ctx context.Context, callers, n int, timed stopwatch) error {
	return db.withSchema(ctx, int32(callers), func(pool *pgxpool.Pool, schema string) error {
		table := qualified(schema, "bare")
		if _, err := pool.Exec(ctx, "CREATE TABLE "+table+" (id uuid PRIMARY KEY, body bytea NOT NULL)"); err != nil {
			return err
		}
		body := make([]byte, 160)
		insert := func(n int) error {
			return runParallel(callers, n, 1, func(_, _ int) error {
				id, err := uuid.NewV7()
				if err == nil {
					_, err = pool.Exec(ctx, "INSERT INTO "+table+" VALUES ($1, $2)", [16]byte(id), body)
				}
				return err
			})
		}
		if err := insert(n/10 + 1); err != nil {
			return err
		}
		return timed(func() error { return insert(n) })
	})
}

// The sizes of the stores' encoded columns for a message of these contests: the part
// that the trigger fixes, the first state and the last one.
const (
	fixedBytes = 16
	bodyBytes  = 3
	finalBytes = 14
)

// bareStatements writes the least that a store has to write, into the store's own tables
// with their indexes. One statement inserts the rows of a thousand messages, as wide as
// the store's. A second one writes their final state and their attempts. There is no
// engine, no key to look up, no version to compare, and no counter.
func (db *database) bareStatements(ctx context.Context, callers, n int, timed stopwatch) error {
	const batch = 1000
	return db.withSchema(ctx, engineConns, func(pool *pgxpool.Pool, schema string) error {
		if err := pgstore.Migrate(ctx, pool, pgstore.Options{Schema: schema}); err != nil {
			return err
		}
		insert := `WITH message AS (
				INSERT INTO ` + qualified(schema, "smsplus_message") + ` (id, triggered_at, route, template, country, phone, fixed)
				SELECT id, $2, 1, 'otp', '886', phone, $4 FROM unnest($1::uuid[], $3::text[]) AS n (id, phone)
			)
			INSERT INTO ` + qualified(schema, "smsplus_state") + `
				(id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body)
			SELECT id, $2, $2, 1, 1, 0, 1, 'sms', 'sms', 'otp', '0', $5 FROM unnest($1::uuid[]) AS n (id)`
		update := `WITH state AS (
				UPDATE ` + qualified(schema, "smsplus_state") + `
				SET due_at = NULL, version = 2, claims = 0, status = 4, tab = 2, lane = '', tally = '4 sms:4', body = $3
				WHERE id = ANY ($1::uuid[])
			)
			INSERT INTO ` + qualified(schema, "smsplus_attempt") + ` (id, triggered_at, channel)
			SELECT id, $2, 'sms' FROM unnest($1::uuid[]) AS n (id)`
		fixed, body, final := make([]byte, fixedBytes), make([]byte, bodyBytes), make([]byte, finalBytes)
		to := recipients()
		write := func(n int) error {
			return runParallel(callers, n, batch, func(first, end int) error {
				var (
					ids    [][16]byte
					phones []string
				)
				for i := first; i < end; i++ {
					id, err := uuid.NewV7()
					if err != nil {
						return err
					}
					ids, phones = append(ids, id), append(phones, to[i%len(to)].E164())
				}
				at := time.Now()
				if _, err := pool.Exec(ctx, insert, ids, at, phones, fixed, body); err != nil {
					return err
				}
				_, err := pool.Exec(ctx, update, ids, at, final)
				return err
			})
		}
		if err := write(n/10 + 1); err != nil {
			return err
		}
		return timed(func() error { return write(n) })
	})
}
