package archtest

import (
	"cmp"
	"go/ast"
	"iter"
	"path"
)

// declared is one exported name of a package and the types that its declaration shows.
type declared struct {
	name   string
	doc    string
	method bool
	file   *ast.File
	node   ast.Node
	// shows holds the parts that an application sees: a function without its body,
	// a struct without its unexported fields.
	shows []ast.Node
}

// exported yields the exported names of the package: functions, types, constants,
// variables, methods of exported types, and the methods of exported interfaces.
func (s *source) exported() iter.Seq[declared] {
	return func(yield func(declared) bool) {
		for _, file := range s.files {
			for _, decl := range file.Decls {
				for _, d := range exportedBy(decl) {
					d.file = file
					if !yield(d) {
						return
					}
				}
			}
		}
	}
}

func exportedBy(decl ast.Decl) []declared {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		return exportedFunc(decl)
	case *ast.GenDecl:
		var all []declared
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				all = append(all, exportedType(decl, spec)...)
			case *ast.ValueSpec:
				all = append(all, exportedValue(decl, spec)...)
			}
		}
		return all
	}
	return nil
}

func exportedFunc(f *ast.FuncDecl) []declared {
	if f.Recv != nil {
		if of := receiver(f.Recv.List[0].Type); !ast.IsExported(of) {
			return nil
		}
	}
	if !f.Name.IsExported() {
		return nil
	}
	return []declared{{name: f.Name.Name, doc: f.Doc.Text(), method: f.Recv != nil, node: f.Name, shows: []ast.Node{f.Type}}}
}

// receiver returns the name of a receiver's type, without its star and parameters.
func receiver(t ast.Expr) string {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// exportedType returns the type and the methods of an interface. The comment on the
// keyword is the type's if there is no group. An interface's only method needs no
// comment: that of the interface explains it.
func exportedType(group *ast.GenDecl, t *ast.TypeSpec) []declared {
	if !t.Name.IsExported() {
		return nil
	}
	doc := t.Doc.Text()
	if !group.Lparen.IsValid() {
		doc = cmp.Or(doc, group.Doc.Text())
	}
	d := declared{name: t.Name.Name, doc: doc, node: t.Name, shows: []ast.Node{t.Type}}
	if t.TypeParams != nil {
		d.shows = append(d.shows, t.TypeParams)
	}
	all := []declared{d}
	switch body := t.Type.(type) {
	case *ast.StructType:
		all[0].shows = all[0].shows[1:]
		for _, field := range body.Fields.List {
			if len(field.Names) == 0 || anyExported(field.Names) {
				all[0].shows = append(all[0].shows, field.Type)
			}
		}
	case *ast.InterfaceType:
		for _, m := range body.Methods.List {
			if len(body.Methods.List) > 1 && anyExported(m.Names) {
				all = append(all, declared{name: t.Name.Name + "." + m.Names[0].Name, doc: m.Doc.Text(), node: m})
			}
		}
	}
	return all
}

// exportedValue returns the constant or variable. A group of them may share one
// comment.
func exportedValue(group *ast.GenDecl, v *ast.ValueSpec) []declared {
	if !anyExported(v.Names) {
		return nil
	}
	d := declared{
		name: v.Names[0].Name,
		doc:  cmp.Or(v.Doc.Text(), v.Comment.Text(), group.Doc.Text()),
		node: v,
	}
	if v.Type != nil {
		d.shows = append(d.shows, v.Type)
		return []declared{d}
	}
	for _, value := range v.Values {
		d.shows = append(d.shows, value) // its type is the variable's
	}
	return []declared{d}
}

func anyExported(names []*ast.Ident) bool {
	for _, n := range names {
		if n.IsExported() {
			return true
		}
	}
	return false
}

// mentions yields the places where the declaration shows a name of the package that
// is imported by path.
func (d declared) mentions(importedPath string) iter.Seq[ast.Node] {
	return func(yield func(ast.Node) bool) {
		local := localName(d.file, importedPath)
		if local == "" {
			return
		}
		for _, shown := range d.shows {
			for n := range ast.Preorder(shown) {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && !yield(sel) {
						return
					}
				}
			}
		}
	}
}

// localName returns the name that a file gives the package with an import path, or "".
func localName(f *ast.File, importedPath string) string {
	for _, spec := range f.Imports {
		if importPath(spec) == importedPath {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(importedPath)
		}
	}
	return ""
}
