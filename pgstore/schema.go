package pgstore

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/internal/migrate"
)

//go:embed migrations
var migrations embed.FS

var schema = migrate.Must(migrations, "migrations")

// SchemaError is the error for a database whose schema has another version than this
// release needs. It has both versions.
type SchemaError = migrate.VersionError

// Migrate brings the schema to the version that this release needs, in one transaction. It
// does nothing if the schema has that version. The pool's user must own the tables, or be
// allowed to create them. For a schema that is newer than this release, the error is a
// [SchemaError].
//
// Of o it uses Schema, which must exist, Changes, and PartitionByMonth, which is an error if
// the tables exist without partitions. If the tables are partitioned, Migrate also creates the
// partitions of the current month and of the next two.
//
// Nothing else migrates. Call Migrate when you deploy, and not when each process starts.
// Concurrent calls wait for each other.
func Migrate(ctx context.Context, pool *pgxpool.Pool, o Options) (err error) {
	l := layout{qualifier: o.qualifier(), partitioned: o.PartitionByMonth}
	for try := range maxTries {
		err = pgx.BeginTxFunc(ctx, pool, readCommitted, func(tx pgx.Tx) error { return migrateTx(ctx, tx, l, o.Changes) })
		if !lostRace(err) && !retryable(err) || !sleepFor(ctx, backoff(try)) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	return nil
}

// lostRace reports whether a migration failed because a concurrent one created the same
// tables or types first.
func lostRace(err error) bool {
	switch sqlState(err) {
	case "42P07", "42710", uniqueViolation: // duplicate_table, duplicate_object
		return true
	}
	return false
}

// migrateTx applies the migrations that are missing, in a transaction.
func migrateTx(ctx context.Context, tx pgx.Tx, l layout, changes bool) error {
	have, err := versionOf(ctx, tx, l.qualifier)
	if err != nil {
		return err
	}
	if have > 0 {
		existing, err := detectLayout(ctx, tx, l.qualifier)
		if err != nil {
			return err
		}
		if l.partitioned && !existing.partitioned {
			return fmt.Errorf("Options.PartitionByMonth is for tables that are not there yet: %w", ErrNotPartitioned)
		}
		l = existing
	}
	if have > 0 && schema.Check(have) != nil {
		// A migration that waited for the lock finds the version that the other one left.
		if _, err := tx.Exec(ctx, "LOCK TABLE "+l.qualifier+"smsplus_migration"); err != nil {
			return err
		}
		if have, err = versionOf(ctx, tx, l.qualifier); err != nil {
			return err
		}
	}
	steps, err := schema.After(have, schemaMark)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if _, err := tx.Exec(ctx, l.renderMigration(step.SQL)); err != nil {
			return fmt.Errorf("version %d: %w", step.Version, err)
		}
	}
	if changes {
		if err := enableChanges(ctx, tx, l); err != nil {
			return err
		}
	}
	if l.partitioned {
		return createPartitions(ctx, tx, l, time.Now())
	}
	return nil
}

// MigrationSQL returns the SQL that [Migrate] would execute in a database whose schema has
// the given version, 0 if there is none. It is for programs that run migrations with
// other tools. Of o it uses Schema, Changes and PartitionByMonth. With PartitionByMonth the SQL also
// creates the partitions of the current month and of the next two, unless they exist.
func MigrationSQL(from int, o Options) (string, error) {
	l := layout{qualifier: o.qualifier(), partitioned: o.PartitionByMonth}
	text, err := schema.SQL(from, schemaMark)
	text = l.renderMigration(text)
	if err == nil && o.Changes {
		text += "-- smsplus, what notes changes\nBEGIN;\n\n" + l.render("enable_changes", params{}) + "\n\nCOMMIT;\n"
	}
	if err == nil && o.PartitionByMonth {
		text += createPartitionsScript(l, time.Now())
	}
	return text, err
}

// querier is a pool, a connection of a pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// versionOf returns the version of the schema, or 0 if it has no tables.
func versionOf(ctx context.Context, db querier, qualifier string) (version int, err error) {
	l := layout{qualifier: qualifier}
	var exists bool
	err = db.QueryRow(ctx, l.render("table_exists", params{}), qualifier+"smsplus_migration").Scan(&exists)
	if err != nil || !exists {
		return 0, err
	}
	err = db.QueryRow(ctx, l.render("schema_version", params{})).Scan(&version)
	return version, err
}
