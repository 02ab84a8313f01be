package migrate_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/migrate"
)

func files(texts map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys["migrations/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

var two = files(map[string]string{
	"001_messages.sql": "\nCREATE TABLE /*schema*/smsplus_migration (version INTEGER PRIMARY KEY, name TEXT);\n",
	"002_lanes.sql":    "ALTER TABLE /*schema*/smsplus_message ADD COLUMN lane TEXT;",
	"README.md":        "not a migration",
})

func TestAfter_ReturnsMissingMigrations(t *testing.T) {
	t.Parallel()
	s := migrate.Must(two, "migrations")
	require.Equal(t, 2, s.Version())

	steps, err := s.After(0, "")
	require.NoError(t, err)
	require.Equal(t, []migrate.Migration{
		{1, "messages", "CREATE TABLE smsplus_migration (version INTEGER PRIMARY KEY, name TEXT);\n\n" +
			"INSERT INTO smsplus_migration (version, name) VALUES (1, 'messages');\n"},
		{2, "lanes", "ALTER TABLE smsplus_message ADD COLUMN lane TEXT;\n\n" +
			"INSERT INTO smsplus_migration (version, name) VALUES (2, 'lanes');\n"},
	}, steps)

	steps, err = s.After(1, `"app".`)
	require.NoError(t, err)
	require.Equal(t, []migrate.Migration{
		{2, "lanes", `ALTER TABLE "app".smsplus_message ADD COLUMN lane TEXT;` + "\n\n" +
			`INSERT INTO "app".smsplus_migration (version, name) VALUES (2, 'lanes');` + "\n"},
	}, steps)

	steps, err = s.After(2, "")
	require.NoError(t, err)
	require.Empty(t, steps)
}

func TestSQL_IsTextOfMissingMigrations(t *testing.T) {
	t.Parallel()
	s := migrate.Must(two, "migrations")
	text, err := s.SQL(0, "")
	require.NoError(t, err)
	require.Equal(t, `-- smsplus, version 1: messages
BEGIN;

CREATE TABLE smsplus_migration (version INTEGER PRIMARY KEY, name TEXT);

INSERT INTO smsplus_migration (version, name) VALUES (1, 'messages');

COMMIT;

-- smsplus, version 2: lanes
BEGIN;

ALTER TABLE smsplus_message ADD COLUMN lane TEXT;

INSERT INTO smsplus_migration (version, name) VALUES (2, 'lanes');

COMMIT;
`, text)
	text, err = s.SQL(2, "")
	require.NoError(t, err)
	require.Empty(t, text)
	_, err = s.SQL(3, "")
	require.Error(t, err)
}

func TestCheck_ErrorNamesNeededVersion(t *testing.T) {
	t.Parallel()
	s := migrate.Must(two, "migrations")
	require.NoError(t, s.Check(2))
	for have, want := range map[int]string{
		0: "the database has no schema yet, and this release needs version 2: migrate it",
		1: "the database's schema has version 1, and this release needs version 2: migrate it",
		3: "the database's schema has version 3, and this release needs version 2: use a newer release",
	} {
		err := s.Check(have)
		require.EqualError(t, err, want)
		require.Equal(t, &migrate.VersionError{Have: have, Want: 2}, err)
	}
	_, err := s.After(3, "")
	require.Equal(t, &migrate.VersionError{Have: 3, Want: 2}, err)
}

func TestRead_RequiresGaplessNumbers(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"migrate: migrations holds no migration":                        nil,
		"migrate: migrations/002_a.sql should be called 001_name.sql":   {"002_a.sql"},
		"migrate: migrations/003_b.sql should be called 002_name.sql":   {"001_a.sql", "003_b.sql"},
		"migrate: migrations/001_b.sql should be called 002_name.sql":   {"001_a.sql", "001_b.sql"},
		"migrate: migrations/1_a.sql should be called 001_name.sql":     {"1_a.sql"},
		"migrate: migrations/001.sql should be called 001_name.sql":     {"001.sql"},
		"migrate: migrations/first_a.sql should be called 001_name.sql": {"first_a.sql"},
		"migrate: migrations/00001_a.sql should be called 001_name.sql": {"00001_a.sql"},
	} {
		texts := map[string]string{}
		for _, name := range names {
			texts[name] = "SELECT 1"
		}
		_, err := migrate.Read(files(texts), "migrations")
		require.EqualError(t, err, want)
		require.Panics(t, func() { migrate.Must(files(texts), "migrations") })
	}
}
