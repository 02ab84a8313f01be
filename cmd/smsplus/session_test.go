package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// firstSession returns the lines of a document's first block of console.
func firstSession(t *testing.T, document string) []string {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	_, block, found := strings.Cut(string(text), "```console\n")
	require.True(t, found)
	block, _, found = strings.Cut(block, "```\n")
	require.True(t, found)
	return strings.SplitAfter(block, "\n")
}

func TestCLIDocument_SessionIsReal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	var s shell
	var got, want strings.Builder
	for _, line := range firstSession(t, "../../docs/cli.md") {
		want.WriteString(line)
		call, found := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !found {
			continue
		}
		got.WriteString(line)
		if call == "export SMSPLUS_STORE=sqlite:messages.db" {
			s = sqliteShell(path)
			continue
		}
		args := strings.Fields(call)
		require.Equal(t, "smsplus", args[0])
		code, stdout, stderr := s.run(t, args[1:]...)
		require.Equal(t, exitDone, code, "%s: %s", call, stderr)
		got.WriteString(stdout + stderr + "\n")
		if args[1] == "migrate" {
			s.insert(t, sampleMessages())
		}
	}
	require.Equal(t, want.String(), strings.TrimSuffix(got.String(), "\n"))
}
