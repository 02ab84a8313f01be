package doctest

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestReadme_OutputIsHellos(t *testing.T) {
	t.Parallel()
	test := parse(t, "examples/hello/main_test.go")
	examples := doc.Examples(test)
	require.Len(t, examples, 1)
	require.Contains(t, readDocument(t, "README.md"), "\n```text\n"+examples[0].Output+"```\n")
}

func TestReadme_ShowsTheRootsExample(t *testing.T) {
	t.Parallel()
	shown := goBlocks(readDocument(t, "README.md"))
	require.Len(t, shown, 2)
	var indented strings.Builder
	for line := range strings.Lines(shown[1]) {
		if line != "\n" {
			line = "\t" + line
		}
		indented.WriteString(line)
	}
	require.Contains(t, readDocument(t, "example_test.go"), indented.String())
}

// TestOperations_ListsEveryEvent takes every exported struct in the Observer's file for an event.
func TestOperations_ListsEveryEvent(t *testing.T) {
	t.Parallel()
	var events []string
	for _, decl := range parse(t, "smsplus/observer.go").Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range types.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, ok := spec.Type.(*ast.StructType); ok {
					events = append(events, spec.Name.Name)
				}
			}
		}
	}
	require.NotEmpty(t, events)
	require.ElementsMatch(t, events, firstCells(t, "docs/operations.md", "Alarms"))
}

func TestOperations_ListsEveryReason(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, firstCells(t, "docs/status.md", "Reasons"), firstCells(t, "docs/operations.md", "By reason"))
}

var codePath = regexp.MustCompile("`([a-z]+(?:/[a-z0-9_]+)*\\.(?:go|sql|md))`")

func TestDevelopment_NamesFilesThatExist(t *testing.T) {
	t.Parallel()
	named := codePath.FindAllStringSubmatch(readDocument(t, "docs/development.md"), -1)
	require.Greater(t, len(named), 20)
	for _, found := range named {
		if !strings.Contains(found[1], "/") {
			continue // a file that each folder may have
		}
		_, err := fs.Stat(moduleFS, found[1])
		require.NoError(t, err, "docs/development.md names %s", found[1])
	}
}

var testName = regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Za-z0-9_]+)`")

func TestDocuments_NameTestsThatExist(t *testing.T) {
	t.Parallel()
	exist := map[string]bool{"TestSubject_Rule": true} // the pattern of a test's name
	require.NoError(t, fs.WalkDir(moduleFS, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		for _, decl := range parse(t, name).Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				exist[f.Name.Name] = true
			}
		}
		return nil
	}))
	named := 0
	for _, document := range documentNames(t) {
		_, prose := splitBlocks(readDocument(t, document))
		for _, found := range testName.FindAllStringSubmatch(prose, -1) {
			require.True(t, exist[found[1]], "%s names %s", document, found[1])
			named++
		}
	}
	require.Positive(t, named)
}

func TestPackageComment_NamesEveryFile(t *testing.T) {
	t.Parallel()
	comment := parse(t, "smsplus/doc.go").Doc.Text()
	files, err := fs.Glob(moduleFS, "smsplus/*.go")
	require.NoError(t, err)
	require.Greater(t, len(files), 30)
	for _, file := range files {
		base := path.Base(file)
		if base == "doc.go" || base == "generate.go" || strings.HasSuffix(base, "_test.go") {
			continue
		}
		require.Regexp(t, `\b`+regexp.QuoteMeta(base)+`\b`, comment, "smsplus/doc.go does not say what %s does", base)
	}
}

func TestDecisions_HaveContextDecisionAndConsequences(t *testing.T) {
	t.Parallel()
	for _, document := range documentNames(t) {
		if path.Dir(document) != "docs/decisions" {
			continue
		}
		var headings []string
		for line := range strings.Lines(readDocument(t, document)) {
			if heading, found := strings.CutPrefix(line, "## "); found {
				headings = append(headings, strings.TrimSpace(heading))
			}
		}
		require.Equal(t, []string{"Context", "Decision", "Consequences"}, headings, document)
	}
}

func TestGuides_AreWrappedAtOneWidth(t *testing.T) {
	t.Parallel()
	const width = 100
	for _, document := range documentNames(t) {
		if !strings.HasPrefix(document, "docs/") && document != "README.md" && document != "CHANGELOG.md" {
			continue
		}
		_, prose := splitBlocks(readDocument(t, document))
		for line := range strings.Lines(prose) {
			line = strings.TrimRight(line, "\n")
			if strings.HasPrefix(line, "|") || strings.HasPrefix(line, "#") || !strings.Contains(strings.TrimSpace(line), " ") {
				continue // a table, a heading, a word
			}
			require.LessOrEqual(t, utf8.RuneCountInString(line), width, "%s: %s", document, line)
		}
	}
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path.Base(name), readDocument(t, name), parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	return file
}

var firstCell = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// firstCells returns the code in the first column of a section's tables.
func firstCells(t *testing.T, document, section string) (cells []string) {
	t.Helper()
	_, text, found := strings.Cut(readDocument(t, document), "\n## "+section+"\n")
	require.True(t, found, "%s has no section %q", document, section)
	text, _, _ = strings.Cut(text, "\n## ")
	for _, found := range firstCell.FindAllStringSubmatch(text, -1) {
		cells = append(cells, found[1])
	}
	require.NotEmpty(t, cells, "%s: %s", document, section)
	return cells
}
