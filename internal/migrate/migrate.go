// Package migrate manages the schemas of the durable stores. Migrations are numbered SQL
// files. The package finds the ones that a database lacks, and returns their text for
// administrators who run SQL themselves. It does not connect to a database: a store asks
// its database for the version, and runs the missing migrations, each in a transaction.
//
//	//go:embed migrations
//	var files embed.FS
//
//	var schema = migrate.Must(files, "migrations")
//
//	err := schema.Check(have)               // when a store is opened
//	steps, err := schema.After(have, "app") // when it is migrated
//
// The files are called 001_messages.sql, 002_….sql and so on. Migrations only go forward: a
// released one never changes, and a later one corrects its mistakes. In the SQL, /*schema*/
// stands before each name that the module defines. It is replaced by a qualifier such as
// the name of a schema. Otherwise it is a comment, so the files are valid as they are.
//
// The first migration creates the table /*schema*/smsplus_migration with the columns
// version (an integer, the key) and name (text). Other columns have defaults. Each
// migration ends by inserting its row. The version of a database is the greatest one in the
// table, and 0 without the table.
package migrate

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// VersionError is returned by [Schema.Check] for a database whose schema is not the one
// that the code needs.
type VersionError struct {
	// Have is the version of the database, 0 if it has none. Want is the version that the
	// code needs.
	Have, Want int
}

func (e *VersionError) Error() string {
	switch {
	case e.Have == 0:
		return fmt.Sprintf("the database has no schema yet, and this release needs version %d: migrate it", e.Want)
	case e.Have < e.Want:
		return fmt.Sprintf("the database's schema has version %d, and this release needs version %d: migrate it", e.Have, e.Want)
	}
	return fmt.Sprintf("the database's schema has version %d, and this release needs version %d: use a newer release", e.Have, e.Want)
}

// Migration migrates a database from one version to the next.
type Migration struct {
	// Version is the database's version after the migration.
	Version int
	// Name is the name of the file, without its number and ending.
	Name string
	// SQL is one or more statements, which must run in a transaction.
	SQL string
}

// Schema is all migrations in order.
type Schema struct{ steps []Migration }

// Read returns the migrations in a folder. It returns an error unless they are numbered
// from 001 without a gap.
func Read(fsys fs.FS, folder string) (Schema, error) {
	files, err := fs.Glob(fsys, path.Join(folder, "*.sql"))
	if err != nil {
		return Schema{}, err
	}
	slices.Sort(files)
	var s Schema
	for i, file := range files {
		number, name, ok := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || !ok || len(number) != 3 || version != i+1 {
			return Schema{}, fmt.Errorf("migrate: %s should be called %03d_name.sql", file, i+1)
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return Schema{}, err
		}
		s.steps = append(s.steps, Migration{version, name, strings.TrimSpace(string(text))})
	}
	if len(s.steps) == 0 {
		return Schema{}, fmt.Errorf("migrate: %s holds no migration", folder)
	}
	return s, nil
}

// Must is [Read] of embedded files. It panics on an error.
func Must(fsys fs.FS, folder string) Schema {
	s, err := Read(fsys, folder)
	if err != nil {
		panic(err)
	}
	return s
}

// Version returns the version that the code needs.
func (s Schema) Version() int { return len(s.steps) }

// Check returns a *VersionError unless have is the version that the code needs.
func (s Schema) Check(have int) error {
	if have != s.Version() {
		return &VersionError{have, s.Version()}
	}
	return nil
}

// After returns the migrations that a database of version have lacks, each with the
// statement that inserts its row. The qualifier is put before each name of the module,
// quoted and with its dot; it may be "". For a version later than the code's, After
// returns a *VersionError.
func (s Schema) After(have int, qualifier string) ([]Migration, error) {
	if have < 0 || have > s.Version() {
		return nil, s.Check(have)
	}
	steps := slices.Clone(s.steps[have:])
	for i := range steps {
		m := &steps[i]
		m.SQL = fmt.Sprintf("%s\n\nINSERT INTO /*schema*/smsplus_migration (version, name) VALUES (%d, '%s');\n",
			m.SQL, m.Version, m.Name)
		m.SQL = strings.ReplaceAll(m.SQL, "/*schema*/", qualifier)
	}
	return steps, nil
}

// SQL returns the migrations of [Schema.After] as one text, with a transaction for
// each.
func (s Schema) SQL(have int, qualifier string) (string, error) {
	steps, err := s.After(have, qualifier)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, m := range steps {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "-- smsplus, version %d: %s\nBEGIN;\n\n%s\nCOMMIT;\n", m.Version, m.Name, m.SQL)
	}
	return b.String(), nil
}
