package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
)

const operations = "../../docs/operations.md"

// commandsIn returns the commands of this program that a document names in its prose.
func commandsIn(t *testing.T, document string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	for _, span := range regexp.MustCompile("`smsplus ([^`\n]+)`").FindAllStringSubmatch(string(text), -1) {
		commands = append(commands, span[1])
	}
	return commands
}

// statementsIn returns the blocks of SQL that a document introduces for an engine, as in
// "In SQLite:".
func statementsIn(t *testing.T, document, engine string) (statements []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)In " + engine + "[^\n]*:\n\n```sql\n(.*?)```")
	for _, found := range block.FindAllStringSubmatch(string(text), -1) {
		statements = append(statements, found[1])
	}
	require.NotEmpty(t, statements, engine)
	return statements
}

func TestOperations_CommandsRun(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "messages.db")
	call := func(args ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"-store", url}, args...), strings.NewReader("+886912345678\n"),
			&stdout, &stderr, func(string) string { return "" })
		return code, stderr.String()
	}
	code, stderr := call("migrate")
	require.Equal(t, exitDone, code, stderr)
	values := strings.NewReplacer("DATE", "2026-11-23", "ID", "01935555-0000-7000-8000-000000000001")
	commands := commandsIn(t, operations)
	require.Greater(t, len(commands), 10)
	for _, command := range commands {
		code, stderr := call(strings.Fields(values.Replace(command))...)
		require.Contains(t, []int{exitDone, exitNotFound}, code, "%s: %s", command, stderr)
	}
}

// symptomRow is a row of the table of symptoms: a symptom, what to look at, and what to do.
var symptomRow = regexp.MustCompile(`(?m)^\| \*\*(.+?) \| (.+?) \| (.+) \|$`)

func TestOperations_EverySymptomHasACommand(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(operations)
	require.NoError(t, err)
	_, symptoms, found := strings.Cut(string(text), "\n## Symptoms\n")
	require.True(t, found)
	symptoms, _, _ = strings.Cut(symptoms, "\n### ")
	rows := symptomRow.FindAllStringSubmatch(symptoms, -1)
	require.Len(t, rows, strings.Count(symptoms, "\n| **"))
	require.Greater(t, len(rows), 10)
	for _, row := range rows {
		require.Contains(t, row[2], "`smsplus ", "look at: %s", row[1])
		require.Less(t, len(row[0]), 600, "a long list stands below the table: %s", row[1])
	}
}

func TestOperations_StatementsRunInSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	var output bytes.Buffer
	code := run(t.Context(), []string{"-store", "sqlite:" + path, "migrate"}, &output, &output, &output, func(string) string { return "" })
	require.Equal(t, exitDone, code, output.String())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for _, statement := range statementsIn(t, operations, "SQLite") {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

func TestOperations_StatementsRunInPostgreSQL(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	pool := pgtest.Pool(t, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	})
	require.NoError(t, pgstore.Migrate(t.Context(), pool, pgstore.Options{Schema: schema}))
	for _, statement := range statementsIn(t, operations, "PostgreSQL") {
		_, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}
