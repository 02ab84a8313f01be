package sqlitestore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"

	"github.com/smsplus/smsplus-go/internal/migrate"
)

//go:embed migrations
var migrationFiles embed.FS

var schema = migrate.Must(migrationFiles, "migrations")

// SchemaError is returned by [Open] for a file whose schema is not the one that this
// release needs. It has the version of the file and the one that is needed.
type SchemaError = migrate.VersionError

// Migrate migrates the file's schema to the version that this release needs, in one
// transaction for each step. It creates a file that does not exist, with access for its
// owner only. Only owner and group keep their access to an existing one, such as a restored
// copy. It does not change a file that has the version already, and returns a
// [*SchemaError] for one with a later version. No process of an earlier release should
// have the file open.
func Migrate(ctx context.Context, path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		denyOthers(path + suffix)
	}
	o := Options{}.withDefaults()
	c, err := openConn(ctx, path, o, false)
	if err != nil {
		return err
	}
	err = enableWAL(ctx, c, o)
	for more := true; more && err == nil; {
		more, err = migrateStep(ctx, c)
	}
	return errors.Join(err, c.close())
}

// migrateStep runs the next migration in a transaction, and returns false if there is none.
// Several processes may migrate concurrently, because the version is read under the lock.
func migrateStep(ctx context.Context, c *conn) (more bool, err error) {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	defer func() {
		if err != nil || !more {
			err = errors.Join(err, c.exec(writerCtx, "ROLLBACK"))
		}
	}()
	have, err := schemaVersion(ctx, c)
	if err != nil {
		return false, err
	}
	steps, err := schema.After(have, "")
	if err != nil {
		return false, fmt.Errorf("sqlitestore: %w", err)
	}
	if len(steps) == 0 {
		return false, nil
	}
	if err := c.execScript(ctx, steps[0].SQL); err != nil {
		return false, fmt.Errorf("sqlitestore: version %d: %w", steps[0].Version, err)
	}
	return true, c.exec(ctx, "COMMIT")
}

// MigrationSQL returns the SQL that migrates a schema from a version, 0 for an empty file,
// to the one that this release needs. It is for administrators who run SQL themselves.
// They must also switch the file to WAL mode: PRAGMA journal_mode = WAL.
func MigrationSQL(from int) (string, error) {
	text, err := schema.SQL(from, "")
	if err != nil {
		return "", fmt.Errorf("sqlitestore: %w", err)
	}
	return text, nil
}

// schemaVersion returns the version of the file's schema, and 0 if it has none.
func schemaVersion(ctx context.Context, c *conn) (int, error) {
	n, err := c.queryInt(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'smsplus_migration'")
	if n > 0 && err == nil {
		n, err = c.queryInt(ctx, selectVersion)
	}
	return int(n), err
}

const selectVersion = "SELECT max(version) FROM smsplus_migration"

// checkSchema returns an error unless the file has the version that this release needs.
func checkSchema(ctx context.Context, c *conn) error {
	have, err := schemaVersion(ctx, c)
	if err != nil {
		return err
	}
	return checkVersion(have)
}

// checkVersion returns an error unless have is the version that this release needs.
func checkVersion(have int) error {
	if err := schema.Check(have); err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	return nil
}
