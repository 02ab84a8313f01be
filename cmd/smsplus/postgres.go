package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func parsePostgres(text string, o pgstore.Options) (database, error) {
	// What is behind the first @ or / of a password the driver takes for a host or a
	// database, which its errors name.
	_, authority, _ := strings.Cut(text, "://")
	user, behind, at := strings.Cut(authority, "@")
	if at && (strings.ContainsAny(user, "/?#") || strings.Contains(behind, "@")) {
		return nil, errURL
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, errURL // the driver's error repeats the URL, with what it takes for the password masked
	}
	return postgresDatabase{config, o}, nil
}

// postgresDatabase is a database of PostgreSQL.
type postgresDatabase struct {
	config  *pgxpool.Config
	options pgstore.Options
}

func (s postgresDatabase) open(ctx context.Context) (smsplus.Store, error) {
	pool, err := pgxpool.NewWithConfig(ctx, s.config)
	if err != nil {
		return nil, err
	}
	store, err := pgstore.New(ctx, pool, s.options)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return storeWithPool{store, pool}, nil
}

// partitionByMonth returns the database with its large tables by months.
func partitionByMonth(db database) (database, error) {
	s, ok := db.(postgresDatabase)
	if !ok {
		return nil, usagef("-monthly: %w", errMonthly)
	}
	s.options.PartitionByMonth = true
	return s, nil
}

func (s postgresDatabase) version(ctx context.Context) (int, error) { return schemaVersion(ctx, s) }
func (s postgresDatabase) sql(from int) (string, error)             { return pgstore.MigrationSQL(from, s.options) }

func (s postgresDatabase) migrate(ctx context.Context) error {
	pool, err := pgxpool.NewWithConfig(ctx, s.config)
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgstore.Migrate(ctx, pool, s.options)
}

// storeWithPool is a store that closes its pool.
type storeWithPool struct {
	*pgstore.Store
	pool *pgxpool.Pool
}

func (p storeWithPool) Close() error {
	defer p.pool.Close()
	return p.Store.Close()
}
