package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

type floor struct {
	holds    string
	packages []string
}

type ban struct {
	importer string
	imports  []string
}

// rule is a name and a check that returns a line for each place that breaks it.
type rule struct {
	name  string
	check func(*source) []string
}

// floorOf returns the index into the house of a package's floor, or -1. A line
// that names the package itself goes before one that names the folders above it.
func floorOf(dir string) int {
	best, length := -1, -1
	for i, f := range house {
		for _, pattern := range f.packages {
			if pattern == dir {
				return i
			}
			if matches(pattern, dir) && len(pattern) > length {
				best, length = i, len(pattern)
			}
		}
	}
	return best
}

func matches(pattern, dir string) bool {
	folder, all := strings.CutSuffix(pattern, "...")
	return dir == strings.TrimSuffix(folder, "/") || all && strings.HasPrefix(dir, folder)
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, dir) })
}

func standsOnAFloor(s *source) []string {
	if floorOf(s.dir) >= 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: on no floor; give it a place in the house", s.dir)}
}

func importsOnlyBelow(s *source) []string {
	var broken []string
	own := floorOf(s.dir)
	for _, i := range s.imports() {
		if i.dir == "" || strings.HasPrefix(i.dir, s.dir+"/") && floorOf(i.dir) == own {
			continue
		}
		switch other := floorOf(i.dir); {
		case other < 0:
			broken = append(broken, fmt.Sprintf("%s: imports %s, which is on no floor", i.at, i.dir))
		case other == own:
			broken = append(broken, fmt.Sprintf("%s: imports its neighbour %s", i.at, i.dir))
		case other < own:
			broken = append(broken, fmt.Sprintf("%s: imports %s, which is above it (%s)", i.at, i.dir, house[other].holds))
		}
	}
	return broken
}

func importsNothingBanned(s *source) []string {
	var broken []string
	for _, b := range never {
		for _, i := range s.imports() {
			if i.dir != "" && matches(b.importer, s.dir) && matchesAny(b.imports, i.dir) {
				broken = append(broken, fmt.Sprintf("%s: imports %s, which %s is not to know", i.at, i.dir, s.dir))
			}
		}
	}
	return broken
}

func isBuiltOnFewModules(s *source) []string {
	mods, limited := builtOn[s.dir]
	if !limited {
		return nil
	}
	var broken []string
	for _, i := range s.imports() {
		if i.dir == "" && !i.standard() && !slices.ContainsFunc(mods, i.of) {
			broken = append(broken, fmt.Sprintf("%s: imports %s; %s does without it", i.at, i.path, s.dir))
		}
	}
	return broken
}

func keepsTestLibrariesInTests(s *source) []string {
	if s.suite() {
		return nil
	}
	var broken []string
	for _, i := range s.imports() {
		if slices.ContainsFunc(testOnly, i.of) {
			broken = append(broken, fmt.Sprintf("%s: imports %s outside of a test", i.at, i.path))
		}
	}
	return broken
}

func hasAName(s *source) []string {
	for _, name := range []string{s.name(), path.Base(s.dir)} {
		if slices.Contains(meaningless, name) {
			return []string{fmt.Sprintf("%s: %q says nothing of what the package holds", s.dir, name)}
		}
	}
	return nil
}

func hasAPackageComment(s *source) []string {
	if slices.ContainsFunc(s.files, func(f *ast.File) bool { return f.Doc.Text() != "" }) {
		return nil
	}
	return []string{fmt.Sprintf("%s: no file has a package comment", s.dir)}
}

func hasCommentsOnExportedNames(s *source) []string {
	if !s.public() {
		return nil
	}
	var broken []string
	for d := range s.exported() {
		if d.doc == "" && !(d.method && slices.Contains(selfEvident, d.name)) {
			broken = append(broken, fmt.Sprintf("%s: %s has no comment", s.at(d.node), d.name))
		}
	}
	return broken
}

func namesNoMockClock(s *source) []string {
	if !s.public() {
		return nil
	}
	var broken []string
	for d := range s.exported() {
		for n := range d.mentions(mockClock) {
			broken = append(broken, fmt.Sprintf("%s: the exported %s names %s", s.at(n), d.name, mockClock))
		}
	}
	return broken
}

// A package that declares nothing for others, as the page at the door, has
// nothing to show.
func hasAnExample(s *source) []string {
	if !s.public() {
		return nil
	}
	isExample := func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example") && f.Type.Params.NumFields() == 0
	}
	for _, file := range s.tests {
		if slices.ContainsFunc(file.Decls, isExample) {
			return nil
		}
	}
	for range s.exported() {
		return []string{fmt.Sprintf("%s: no Example function in its tests", s.dir)}
	}
	return nil
}
