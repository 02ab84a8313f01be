package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func parsePostgres(text string, o pgstore.Options) (database, error) {
	// A password may hold an @ or a / that is not escaped. The driver takes the rest of the
	// password for a host or a database, and its errors name them.
	_, authority, _ := strings.Cut(text, "://")
	user, host, hasUser := strings.Cut(authority, "@")
	if hasUser && (strings.ContainsAny(user, "/?#") || strings.Contains(host, "@")) {
		return nil, errURL
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, errURL // the driver's error repeats the URL, and may mask the wrong part as the password
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

// partitionByMonth returns the database with its large tables partitioned by month.
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

func (s postgresDatabase) migrateSchema(ctx context.Context) error {
	pool, err := pgxpool.NewWithConfig(ctx, s.config)
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgstore.Migrate(ctx, pool, s.options)
}

// storeWithPool is a store that closes its pool when it is closed.
type storeWithPool struct {
	*pgstore.Store
	pool *pgxpool.Pool
}

func (p storeWithPool) Close() error {
	defer p.pool.Close()
	return p.Store.Close()
}
