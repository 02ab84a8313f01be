// Package migrate is what the durable stores' schemas have in common: migrations that
// are numbered files of SQL, what of them a database lacks, and the text of it for
// whoever runs SQL by other means. It knows no database: a store asks its own how far
// it is, and runs what is missing in one transaction.
//
//	//go:embed migrations
//	var files embed.FS
//
//	var schema = migrate.Must(files, "migrations")
//
//	err := schema.Check(have)               // when a store is opened
//	steps, err := schema.After(have, "app") // when it is to be migrated
//
// A file is called 001_messages.sql, the next one 002 and so on. Migrations only go
// forward: one that was released never changes, and what it got wrong the next one
// puts right. In the SQL, /*schema*/ stands before each name of the module's own;
// what is to qualify them is put there, and without anything it is a comment, so the
// files are valid as they are.
//
// The first migration makes the table /*schema*/smsplus_migration, with the columns
// version (a whole number, the key) and name (text); any other has a default. Each
// migration ends with a row in it, and a database's version is the greatest there: 0
// where there is no such table.
package migrate

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// VersionError is what [Schema.Check] returns when a database's schema is not the one
// that the code needs.
type VersionError struct {
	// Have is the database's version, 0 if it has none, and Want the code's.
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

// Migration is one step from a version to the next.
type Migration struct {
	// Version is what the database has afterwards.
	Version int
	// Name is the file's, without number and ending.
	Name string
	// SQL is one or more statements, to be run in a transaction.
	SQL string
}

// Schema is all migrations, in order.
type Schema struct{ steps []Migration }

// Read returns the migrations in a folder, or an error if their numbers do not go up
// from 001 one by one.
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

// Must is [Read] of files that are part of the program.
func Must(fsys fs.FS, folder string) Schema {
	s, err := Read(fsys, folder)
	if err != nil {
		panic(err)
	}
	return s
}

// Version is the one that the code needs.
func (s Schema) Version() int { return len(s.steps) }

// Check returns nil if a database of the version fits the code, and a *VersionError
// otherwise.
func (s Schema) Check(have int) error {
	if have != s.Version() {
		return &VersionError{have, s.Version()}
	}
	return nil
}

// After returns what a database of the version lacks, with the row that each step adds
// to the table of migrations. Qualifier is what stands before each name, quoted and
// with its dot, or "". For a database that is newer than the code it returns a
// *VersionError.
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

// SQL returns what [Schema.After] does as one text, a transaction for each migration.
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
