package pgstore

import (
	"context"
	"embed"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/internal/migrate"
)

//go:embed migrations
var migrations embed.FS

var schema = migrate.Must(migrations, "migrations")

// SchemaError says that a database's schema is not the one that this release needs,
// and which one it has.
type SchemaError = migrate.VersionError

// Migrate brings the schema to the version that this release needs, in one
// transaction; if it is there already, it does nothing. Of o it uses the Schema, which
// must exist, and Monthly, which is an error for tables that are there and are not by
// months. Where they are, it also makes the present month and the next two. The pool's
// user must own the tables, or be allowed to create them. A schema that is newer than
// this release is a [SchemaError].
//
// Nothing else ever migrates: call it when you deploy, and not when each process
// starts. Several calls at a time wait for each other.
func Migrate(ctx context.Context, pool *pgxpool.Pool, o Options) (err error) {
	l := layout{o.qualifier(), o.PartitionByMonth}
	for try := range maxTries {
		err = pgx.BeginTxFunc(ctx, pool, readCommitted, func(tx pgx.Tx) error { return migrateTx(ctx, tx, l) })
		if !lostRace(err) && !retryable(err) || !sleep(ctx, rand.N(baseBackoff<<try)) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	return nil
}

// lostRace reports whether another migration created the tables first: this one found
// them, or their types, there when it was about to.
func lostRace(err error) bool {
	switch sqlState(err) {
	case "42P07", "42710", uniqueViolation: // duplicate_table, duplicate_object
		return true
	}
	return false
}

func migrateTx(ctx context.Context, tx pgx.Tx, l layout) error {
	have, err := versionOf(ctx, tx, l.qualifier)
	if err != nil {
		return err
	}
	if have > 0 {
		there, err := detectLayout(ctx, tx, l.qualifier)
		if err != nil {
			return err
		}
		if l.partitioned && !there.partitioned {
			return fmt.Errorf("Options.PartitionByMonth is for tables that are not there yet: %w", ErrNotPartitioned)
		}
		l = there
	}
	if have > 0 && schema.Check(have) != nil {
		// Whoever waits here finds, when it goes on, what the other one did.
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
		if _, err := tx.Exec(ctx, renderMigration(step.SQL, l)); err != nil {
			return fmt.Errorf("version %d: %w", step.Version, err)
		}
	}
	if l.partitioned {
		return createPartitions(ctx, tx, l, time.Now())
	}
	return nil
}

// schemaMark leaves the names in the migrations as they are.
const schemaMark = "/*schema*/"

// MigrationSQL returns what [Migrate] would do to a database whose schema has the
// given version, 0 if there is none, as a text for whoever runs SQL by other means.
// Of o it uses the Schema and Monthly. With that the text also makes the present month
// and the next two, unless they are there.
func MigrationSQL(from int, o Options) (string, error) {
	l := layout{o.qualifier(), o.PartitionByMonth}
	text, err := schema.SQL(from, schemaMark)
	text = renderMigration(text, l)
	if err == nil && o.PartitionByMonth {
		text += createPartitionsScript(l, time.Now())
	}
	return text, err
}

// querier is a pool, a connection of it, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// versionOf returns the version of the database's schema, 0 if it has none.
func versionOf(ctx context.Context, db querier, qualifier string) (version int, err error) {
	l := layout{qualifier: qualifier}
	var there bool
	err = db.QueryRow(ctx, l.render("table_exists", params{}), qualifier+"smsplus_migration").Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	err = db.QueryRow(ctx, l.render("schema_version", params{})).Scan(&version)
	return version, err
}
