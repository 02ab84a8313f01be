package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/smsplus/smsplus-go/internal/migrate"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

// database is a database with a store, or one for which migrateSchema creates a store.
type database interface {
	open(ctx context.Context) (smsplus.Store, error)
	// version returns the version of the schema, or 0 if there is none.
	version(ctx context.Context) (int, error)
	migrateSchema(ctx context.Context) error
	// sql returns the SQL that migrateSchema runs on a schema of that version.
	sql(from int) (string, error)
}

// database returns the database that the flags name.
func (p *program) database() (database, error) {
	from, text := "-store", p.store
	if text == "" {
		from, text = "SMSPLUS_STORE", p.getenv("SMSPLUS_STORE")
	}
	if text == "" {
		return nil, usagef("which store? -store, or SMSPLUS_STORE, names it")
	}
	sealer, err := p.sealer()
	if err != nil {
		return nil, err
	}
	if p.unsealed && sealer == nil {
		return nil, usagef("-unsealed is for a sealed store, whose keys are in -keys or SMSPLUS_KEYS")
	}
	db, err := parseStore(text, p.schema, sealer, p.unsealed)
	if err != nil {
		return nil, usagef("%s: %w", from, err)
	}
	return db, nil
}

// The errors of a store's URL. They repeat no part of it, because any part of a wrong URL
// may be the password.
var (
	errScheme  = errors.New("it is neither sqlite:FILE nor postgres://…")
	errFile    = errors.New("what follows sqlite: is the name of a file as it stands, and no URL")
	errSchema  = errors.New("a file of SQLite has no -schema")
	errMonthly = errors.New("a file of SQLite has no months")
	errURL     = errors.New("it is no URL of PostgreSQL, or has a wrong parameter; in a password all but letters and digits must be percent-encoded")
)

func parseStore(text, schema string, sealer seal.Sealer, unsealed bool) (database, error) {
	path, isFile := strings.CutPrefix(text, "sqlite:")
	switch {
	case isFile && (path == "" || strings.HasPrefix(path, "//")):
		return nil, errFile
	case isFile && schema != "":
		return nil, errSchema
	case isFile:
		return sqliteDatabase{path, sqlitestore.Options{Sealer: sealer, Unsealed: unsealed, ReadConnections: 1}}, nil
	case strings.HasPrefix(text, "postgres://"), strings.HasPrefix(text, "postgresql://"):
		return parsePostgres(text, pgstore.Options{Schema: schema, Sealer: sealer, Unsealed: unsealed})
	}
	return nil, errScheme
}

// withStore calls do with the open store and closes it.
func (p *program) withStore(ctx context.Context, do func(smsplus.Store) error) error {
	db, err := p.database()
	if err != nil {
		return err
	}
	s, err := db.open(ctx)
	if err != nil {
		return err
	}
	err = do(s)
	return errors.Join(err, s.Close())
}

// schemaVersion returns the version of a schema. A store that does not open because of its
// version names it in the error.
func schemaVersion(ctx context.Context, db database) (int, error) {
	s, err := db.open(ctx)
	if e, ok := errors.AsType[*migrate.VersionError](err); ok {
		return e.Have, nil
	}
	if err != nil {
		return 0, err
	}
	return neededVersion(db), s.Close()
}

// neededVersion returns the version that this release needs. The error for a version that
// can never exist names it.
func neededVersion(db database) int {
	_, err := db.sql(-1)
	if e, ok := errors.AsType[*migrate.VersionError](err); ok {
		return e.Want
	}
	return 0
}

// sqliteDatabase is a file of SQLite.
type sqliteDatabase struct {
	path    string
	options sqlitestore.Options
}

func (f sqliteDatabase) open(ctx context.Context) (smsplus.Store, error) {
	return sqlitestore.Open(ctx, f.path, f.options)
}

func (f sqliteDatabase) version(ctx context.Context) (int, error) {
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return schemaVersion(ctx, f)
}

func (f sqliteDatabase) migrateSchema(ctx context.Context) error {
	return sqlitestore.Migrate(ctx, f.path)
}
func (f sqliteDatabase) sql(from int) (string, error) { return sqlitestore.MigrationSQL(from) }
