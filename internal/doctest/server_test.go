package doctest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server without ReadHeaderTimeout keeps a connection open for a caller that never ends
// its headers. Readers copy examples, so every server has one.
func TestServers_HaveReadHeaderTimeout(t *testing.T) {
	t.Parallel()
	servers := 0
	require.NoError(t, fs.WalkDir(moduleFS, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (base[0] == '.' || base == "testdata" || base == "node_modules"):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		var sources []string
		switch path.Ext(name) {
		case ".go":
			sources = []string{readDocument(t, name)}
		case ".md":
			sources = goBlocks(readDocument(t, name))
		}
		for _, source := range sources {
			file, err := parseFragment(source)
			require.NoError(t, err, name)
			found, faults := checkServers(file)
			require.Empty(t, faults, name)
			servers += found
		}
		return nil
	}))
	require.GreaterOrEqual(t, servers, 4, "the servers were not found")
}

func TestCheckServers_FindsServersWithoutTimeout(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]struct {
		servers int
		faults  []string
	}{
		`s := &http.Server{Addr: ":80", ReadHeaderTimeout: time.Second}`: {1, nil},
		`s := http.Server{Addr: ":80", ReadTimeout: time.Second}`:        {1, []string{"http.Server without ReadHeaderTimeout"}},
		`s := http.Server{}`:                         {1, []string{"http.Server without ReadHeaderTimeout"}},
		`var s http.Server`:                          {1, []string{"http.Server without ReadHeaderTimeout"}},
		`s := new(http.Server)`:                      {1, []string{"http.Server without ReadHeaderTimeout"}},
		`log.Fatal(http.ListenAndServe(":80", nil))`: {0, []string{"http.ListenAndServe has no ReadHeaderTimeout"}},
		`go http.ServeTLS(l, nil, "", "")`:           {0, []string{"http.ServeTLS has no ReadHeaderTimeout"}},
		"func f() { _ = s.ListenAndServe() }":        {0, nil},
		"package p\n\nfunc f(s *http.Server) {}\n":   {0, nil},
	} {
		file, err := parseFragment(source)
		require.NoError(t, err, source)
		servers, faults := checkServers(file)
		require.Equal(t, want.servers, servers, source)
		require.Equal(t, want.faults, faults, source)
	}
}

// parseFragment parses a file, declarations without their package clause, or statements.
func parseFragment(source string) (file *ast.File, err error) {
	for _, form := range []string{"%s", "package p\n%s", "package p\nfunc _() {\n%s\n}"} {
		file, err = parser.ParseFile(token.NewFileSet(), "", fmt.Sprintf(form, source), parser.SkipObjectResolution)
		if err == nil {
			break
		}
	}
	return file, err
}

// withoutTimeout are the functions of net/http that serve without any timeout.
var withoutTimeout = []string{"http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve", "http.ServeTLS"}

// checkServers returns how many http.Servers a file makes, and a line for each server that
// has no ReadHeaderTimeout.
func checkServers(file *ast.File) (servers int, faults []string) {
	add := func(timed bool) {
		servers++
		if !timed {
			faults = append(faults, "http.Server without ReadHeaderTimeout")
		}
	}
	isServer := func(e ast.Expr) bool { return e != nil && types.ExprString(e) == "http.Server" }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if isServer(n.Type) {
				add(slices.ContainsFunc(n.Elts, func(e ast.Expr) bool {
					field, ok := e.(*ast.KeyValueExpr)
					return ok && types.ExprString(field.Key) == "ReadHeaderTimeout"
				}))
			}
		case *ast.ValueSpec:
			if isServer(n.Type) {
				add(false)
			}
		case *ast.CallExpr:
			name := types.ExprString(n.Fun)
			if slices.Contains(withoutTimeout, name) {
				faults = append(faults, name+" has no ReadHeaderTimeout")
			} else if name == "new" && len(n.Args) == 1 && isServer(n.Args[0]) {
				add(false)
			}
		}
		return true
	})
	return servers, faults
}
