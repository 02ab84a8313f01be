package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/status"
)

const statusDocument = "../../docs/status.md"

func TestStatusDocument_IsUpToDate(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(statusDocument)
	require.NoError(t, err)
	want, err := generate(string(doc))
	require.NoError(t, err)
	require.Equal(t, want, string(doc), "run go generate ./status")
}

func TestStatusDocument_ExplainsEveryReason(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(statusDocument)
	require.NoError(t, err)
	source, err := parser.ParseFile(token.NewFileSet(), "../../status/reason.go", nil, 0)
	require.NoError(t, err)
	reasons := 0
	ast.Inspect(source, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			code, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			require.Contains(t, string(doc), "| `"+code+"` |")
			reasons++
		}
		return true
	})
	require.Equal(t, reasons, strings.Count(section(t, string(doc), "## Reasons"), "\n| `"), "one row per reason")
}

// section returns the part of doc under a heading.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(doc, heading+"\n")
	require.True(t, found, heading)
	part, _, _ := strings.Cut(rest, "\n## ")
	return part
}

func TestDiagram_ShowsEveryLegalMove(t *testing.T) {
	t.Parallel()
	require.Equal(t, "```mermaid\n"+`stateDiagram-v2
    direction LR
    [*] --> accepted
    accepted --> delivered
    accepted --> undeliverable
    accepted --> failed
    failed --> delivered: late evidence
    undeliverable --> delivered: late evidence
    failed --> [*]
    undeliverable --> [*]
    delivered --> [*]
`+"```\n", diagram(status.WhatsApp))
}

func TestUpdateFile_KeepsOtherText(t *testing.T) {
	t.Parallel()
	var doc strings.Builder
	doc.WriteString("# Ours\n")
	for name := range sections {
		doc.WriteString("before " + name + "\n" + beginMarker + name + " -->\nstale\n" + endMarker + "\nafter\n")
	}
	path := filepath.Join(t.TempDir(), "status.md")
	require.NoError(t, os.WriteFile(path, []byte(doc.String()), 0o600))
	require.NoError(t, updateFile(path))
	once, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(once), "stale")
	require.Equal(t, len(sections), strings.Count(string(once), "before "))
	require.Equal(t, len(sections), strings.Count(string(once), "\nafter\n"))
	require.NoError(t, updateFile(path))
	twice, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(once), string(twice))
}

func TestGenerate_RefusesWrongMarkers(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]string{
		"none":    "# Status\n",
		"unknown": beginMarker + "Fax -->\n" + endMarker,
		"no end":  beginMarker + "SMS -->\n",
		"twice":   beginMarker + "SMS -->\n" + endMarker + beginMarker + "SMS -->\n" + endMarker,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := generate(doc)
			require.Error(t, err)
		})
	}
	require.Error(t, updateFile(filepath.Join(t.TempDir(), "none.md")))
}
