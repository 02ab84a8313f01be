package archtest

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

// layer is a set of packages that do not import each other.
type layer struct {
	holds    string
	packages []string
}

// ban forbids the packages that match importer to import packages that match imports.
type ban struct {
	importer string
	imports  []string
}

// rule is a name and a check that returns a line for each place that breaks it.
type rule struct {
	name  string
	check func(*source) []string
}

// layerOf returns the index into layers of a package's layer, or -1. A pattern that
// names the package itself takes precedence, then the longest one.
func layerOf(dir string) int {
	best, length := -1, -1
	for i, l := range layers {
		for _, pattern := range l.packages {
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

// matches reports whether a folder is that of a pattern, or below it for "x/...".
func matches(pattern, dir string) bool {
	folder, all := strings.CutSuffix(pattern, "...")
	return dir == strings.TrimSuffix(folder, "/") || all && strings.HasPrefix(dir, folder)
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, dir) })
}

func isInALayer(s *source) []string {
	if layerOf(s.dir) >= 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: in no layer; add it to layers", s.dir)}
}

func importsOnlyLayersBelow(s *source) []string {
	var broken []string
	own := layerOf(s.dir)
	for _, i := range s.imports() {
		if i.dir == "" || strings.HasPrefix(i.dir, s.dir+"/") && layerOf(i.dir) == own {
			continue
		}
		switch other := layerOf(i.dir); {
		case other < 0:
			broken = append(broken, fmt.Sprintf("%s: imports %s, which is in no layer", i.at, i.dir))
		case other == own:
			broken = append(broken, fmt.Sprintf("%s: imports its sibling %s", i.at, i.dir))
		case other < own:
			broken = append(broken, fmt.Sprintf("%s: imports %s, which is above it (%s)", i.at, i.dir, layers[other].holds))
		}
	}
	return broken
}

func importsNothingBanned(s *source) []string {
	var broken []string
	for _, b := range bans {
		for _, i := range s.imports() {
			if i.dir != "" && matches(b.importer, s.dir) && matchesAny(b.imports, i.dir) {
				broken = append(broken, fmt.Sprintf("%s: imports %s, which is banned for %s", i.at, i.dir, s.dir))
			}
		}
	}
	return broken
}

func isBuiltOnFewModules(s *source) []string {
	var broken []string
	for pattern, allowed := range builtOn {
		if !matches(pattern, s.dir) {
			continue
		}
		for _, i := range s.imports() {
			if i.dir == "" && !i.standard() && !slices.ContainsFunc(allowed, i.of) {
				broken = append(broken, fmt.Sprintf("%s: imports %s, which is no module for %s", i.at, i.path, s.dir))
			}
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

func hasMeaningfulName(s *source) []string {
	for _, name := range []string{s.name(), path.Base(s.dir)} {
		if slices.Contains(meaningless, name) {
			return []string{fmt.Sprintf("%s: %q does not say what the package holds", s.dir, name)}
		}
	}
	return nil
}

func hasPackageComment(s *source) []string {
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

// hasExample is a rule for public packages that export anything. The root exports
// nothing.
func hasExample(s *source) []string {
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

// hasErrorTypes is a rule: a type whose name ends in Error has the method of an error,
// its own or that of an embedded error.
func hasErrorTypes(s *source) []string {
	isError := map[string]bool{}
	for d := range s.declared() {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil && d.Name.Name == "Error" && signature(d.Type, "") == "() string" {
				isError[receiver(d.Recv.List[0].Type)] = true
			}
		case *ast.TypeSpec:
			if d.Assign.IsValid() || embedsError(d.Type) {
				isError[d.Name.Name] = true
			}
		}
	}
	var broken []string
	for d := range s.declared() {
		t, ok := d.(*ast.TypeSpec)
		if ok && strings.HasSuffix(t.Name.Name, "Error") && !isError[t.Name.Name] {
			broken = append(broken, fmt.Sprintf("%s: the type %s has no method Error() string", s.at(t), t.Name.Name))
		}
	}
	return broken
}

// embedsError reports whether a struct or an interface embeds error.
func embedsError(body ast.Expr) bool {
	var fields *ast.FieldList
	switch body := body.(type) {
	case *ast.StructType:
		fields = body.Fields
	case *ast.InterfaceType:
		fields = body.Methods
	default:
		return false
	}
	return slices.ContainsFunc(fields.List, func(f *ast.Field) bool {
		return len(f.Names) == 0 && types.ExprString(f.Type) == "error"
	})
}

// errorName is how the variable of an error is called.
var errorName = regexp.MustCompile(`^[Ee]rr[A-Z]`)

// hasErrorVariables is a rule: the name of a package's error variable begins with Err,
// or with err if it is unexported.
func hasErrorVariables(s *source) []string {
	var broken []string
	for d := range s.declared() {
		v, ok := d.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, n := range v.Names {
			isError := v.Type != nil && types.ExprString(v.Type) == "error" || i < len(v.Values) && makesError(v.Values[i])
			if isError && n.Name != "_" && !errorName.MatchString(n.Name) {
				broken = append(broken, fmt.Sprintf("%s: the name of the error %s does not begin with Err", s.at(n), n.Name))
			}
		}
	}
	return broken
}

func makesError(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	return ok && slices.Contains([]string{"errors.New", "fmt.Errorf"}, types.ExprString(call.Fun))
}
