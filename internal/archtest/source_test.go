package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is the Go files of one folder.
type source struct {
	// dir is the folder as layers names it: "." or "channel/line".
	dir          string
	fset         *token.FileSet
	files, tests []*ast.File
}

// load parses every package of the module whose root is fsys. It leaves out modules
// within, testdata, and files that no build includes.
func load(fsys fs.FS) ([]*source, error) {
	found := map[string]*source{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enterFolder(fsys, name)
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if found[dir] == nil {
			found[dir] = &source{dir: dir, fset: token.NewFileSet()}
		}
		return found[dir].add(name, text)
	})
	var all []*source
	for _, s := range found {
		if len(s.files) > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *source) int { return strings.Compare(a.dir, b.dir) })
	return all, err
}

// enterFolder returns fs.SkipDir for a folder that is not the module's.
func enterFolder(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base == "testdata" || base == "node_modules" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (s *source) add(name string, text []byte) error {
	file, err := parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	switch {
	case err != nil:
		return err
	case strings.HasSuffix(name, "_test.go"):
		s.tests = append(s.tests, file)
	case !strings.HasPrefix(string(text), "//go:build ignore\n"):
		s.files = append(s.files, file)
	}
	return nil
}

// name returns the package's name.
func (s *source) name() string { return s.files[0].Name.Name }

// public reports whether applications can import the package.
func (s *source) public() bool {
	return s.name() != "main" && !slices.Contains(strings.Split(s.dir, "/"), "internal")
}

// suite reports whether the package is for tests to call.
func (s *source) suite() bool { return slices.Contains(suites, s.dir) }

// at returns a node's position, "smsplus/clock.go:9".
func (s *source) at(n ast.Node) string {
	p := s.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// declared yields the declarations of the production files: functions, and the specs of
// groups one by one.
func (s *source) declared() iter.Seq[ast.Node] {
	return func(yield func(ast.Node) bool) {
		for _, file := range s.files {
			for _, decl := range file.Decls {
				group, ok := decl.(*ast.GenDecl)
				if !ok {
					if !yield(decl) {
						return
					}
					continue
				}
				for _, spec := range group.Specs {
					if !yield(spec) {
						return
					}
				}
			}
		}
	}
}

// imported is one import of a production file.
type imported struct {
	at   string
	path string
	// dir is the folder within the module, or "" for an import from outside.
	dir string
}

func (s *source) imports() []imported {
	var all []imported
	for _, file := range s.files {
		for _, spec := range file.Imports {
			i := imported{at: s.at(spec), path: importPath(spec)}
			if i.path == module {
				i.dir = "."
			} else if dir, ok := strings.CutPrefix(i.path, module+"/"); ok {
				i.dir = dir
			}
			all = append(all, i)
		}
	}
	return all
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser accepts no such import
	}
	return p
}

// standard reports whether the import is of the standard library: no other path begins
// with a word without a dot.
func (i imported) standard() bool {
	first, _, _ := strings.Cut(i.path, "/")
	return i.dir == "" && !strings.Contains(first, ".")
}

// of reports whether the import is of mod: of that module, or of that package.
func (i imported) of(mod string) bool {
	return i.path == mod || strings.HasPrefix(i.path, mod+"/")
}

// compiledBy returns the modules that packages import, directly or through packages of
// this module. The standard library is left out.
func compiledBy(sources []*source, packages ...string) []string {
	byDir := map[string]*source{}
	for _, s := range sources {
		byDir[s.dir] = s
	}
	var modules []string
	for seen := map[string]bool{}; len(packages) > 0; packages = packages[1:] {
		s := byDir[packages[0]]
		if s == nil || seen[s.dir] {
			continue
		}
		seen[s.dir] = true
		for _, i := range s.imports() {
			if i.dir != "" {
				packages = append(packages, i.dir)
			} else if !i.standard() {
				modules = append(modules, i.module())
			}
		}
	}
	slices.Sort(modules)
	return slices.Compact(modules)
}

// module returns the part of the path that names the module, without a major version.
func (i imported) module() string {
	parts := strings.Split(i.path, "/")
	n := 2
	if parts[0] == "github.com" || parts[0] == "golang.org" {
		n = 3
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}
