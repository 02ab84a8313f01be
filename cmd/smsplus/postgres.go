package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func parseServer(text string, o pgstore.Options) (database, error) {
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
	return server{config, o}, nil
}

// server is a database of PostgreSQL.
type server struct {
	config  *pgxpool.Config
	options pgstore.Options
}

func (s server) open(ctx context.Context) (smsplus.Store, error) {
	pool, err := pgxpool.NewWithConfig(ctx, s.config)
	if err != nil {
		return nil, err
	}
	store, err := pgstore.New(ctx, pool, s.options)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pooled{store, pool}, nil
}

// byMonths returns the database with its large tables by months.
func byMonths(db database) (database, error) {
	s, ok := db.(server)
	if !ok {
		return nil, usagef("-monthly: %w", errMonthly)
	}
	s.options.PartitionByMonth = true
	return s, nil
}

func (s server) version(ctx context.Context) (int, error) { return versionOf(ctx, s) }
func (s server) sql(from int) (string, error)             { return pgstore.MigrationSQL(from, s.options) }

func (s server) migrate(ctx context.Context) error {
	pool, err := pgxpool.NewWithConfig(ctx, s.config)
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgstore.Migrate(ctx, pool, s.options)
}

// pooled is a store that closes its pool.
type pooled struct {
	*pgstore.Store
	pool *pgxpool.Pool
}

func (p pooled) Close() error {
	defer p.pool.Close()
	return p.Store.Close()
}
