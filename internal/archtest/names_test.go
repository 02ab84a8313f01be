package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"iter"
	"slices"
	"strings"
)

// homonyms lists names that have two meanings all the same, as "package.name", each
// with a reason.
var homonyms = map[string]string{}

// receiverVerbs are verbs that take their meaning from the receiver, as the methods of
// collections and codecs do in the standard library.
var receiverVerbs = []string{
	"add", "append", "check", "close", "decode", "encode", "find", "get", "insert", "put", "remove", "reset", "run", "search",
}

// objectVerbs are verbs that say nothing of what they act on. The receiver is seldom its object
// in a type that does many things.
var objectVerbs = []string{
	"apply", "asks", "classify", "complete", "compose", "confirm", "decide", "derive", "do", "execute", "handle", "is", "listen",
	"maintain", "mark", "move", "note", "observe", "of", "perform", "prepare", "process", "register", "reread", "respond",
	"summarize", "supervise", "visit",
}

// objectOfReceiver lists methods whose receiver is the object of one of the objectVerbs, as
// "package.type.name".
var objectOfReceiver = []string{
	"channel/sms/smpp.Config.prepare", "console.templateSet.execute", "sqlitestore.conn.prepare",
}

// hasVerbsWithObjects is a rule: an unexported function or method is not called by a verb that
// lacks its object. sendStep is a name, and send is none.
func hasVerbsWithObjects(s *source) (broken []string) {
	for d := range s.unexported() {
		if d.callable() && slices.Contains(objectVerbs, d.name) && !slices.Contains(objectOfReceiver, s.dir+"."+d.owner+"."+d.name) {
			broken = append(broken, fmt.Sprintf("%s: %s has no object: what does it %[2]s?", d.at, d.name))
		}
	}
	return broken
}

// codecs are pairs of types whose methods of one name mirror each other.
var codecs = [][2]string{{"reader", "writer"}, {"decoder", "encoder"}}

// declaration is one place that declares an unexported name.
type declaration struct {
	name string
	// kind is "type", "func", "method", "field", "const" or "var".
	kind string
	// owner is the type that has the field or the method.
	owner string
	// holds is the type that a field is about, or that a function returns first.
	holds string
	// shape is the form of a field, or the signature of a method.
	shape string
	at    string
}

// String returns the declaration as messages show it: "method of lane at smsplus/lane.go:9".
func (d declaration) String() string {
	if d.owner == "" {
		return d.kind + " at " + d.at
	}
	return fmt.Sprintf("%s of %s at %s", d.kind, d.owner, d.at)
}

// clashes reports whether two declarations of one name give it two meanings.
//
// A field or a function may be called like the type that it holds or returns. A function may be
// called like a field if it returns what the field holds. Methods have one meaning
// if their signatures are equal, like the methods that implement one interface.
func (d declaration) clashes(other declaration) bool {
	switch {
	case d.kind == "method" && other.kind == "method":
		return d.shape != other.shape && !slices.Contains(receiverVerbs, d.name) && !d.mirrors(other)
	case d.kind == other.kind:
		return d.shape != other.shape && d.shape != anyShape && other.shape != anyShape
	case d.callable() && other.callable():
		return !slices.Contains(receiverVerbs, d.name)
	case d.kind == "type":
		return other.holds != d.name
	case other.kind == "type":
		return d.holds != d.name
	case d.kind == "field" && other.callable(), d.callable() && other.kind == "field":
		return d.holds != other.holds
	}
	return true
}

// mirrors reports whether one of two methods reads what the other one writes.
func (d declaration) mirrors(other declaration) bool {
	return slices.ContainsFunc(codecs, func(pair [2]string) bool {
		return slices.Contains(pair[:], d.owner) && slices.Contains(pair[:], other.owner)
	})
}

func (d declaration) callable() bool { return d.kind == "func" || d.kind == "method" }

// hasOneMeaningPerName is a rule: an unexported name has one kind in a package. Its
// fields have one form, and its methods have one signature.
func hasOneMeaningPerName(s *source) []string {
	var broken []string
	for name, lines := range s.homonyms() {
		if homonyms[s.dir+"."+name] == "" {
			broken = append(broken, lines...)
		}
	}
	return broken
}

// homonyms yields the names that have several meanings in the package, in the order of their
// declarations. Each comes with a line for each declaration that differs from the first.
func (s *source) homonyms() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		byName := map[string][]declaration{}
		var names []string
		for d := range s.unexported() {
			if byName[d.name] == nil {
				names = append(names, d.name)
			}
			byName[d.name] = append(byName[d.name], d)
		}
		for _, name := range names {
			var lines []string
			first := byName[name][0]
			for _, d := range byName[name][1:] {
				if first.clashes(d) {
					lines = append(lines, fmt.Sprintf("%s: %s is a %s and a %s", d.at, name, d, first))
				}
			}
			if len(lines) > 0 && !yield(name, lines) {
				return
			}
		}
	}
}

// unexported yields the unexported names that the package's files declare at package
// level, as fields and as methods. Generated files are left out.
func (s *source) unexported() iter.Seq[declaration] {
	return func(yield func(declaration) bool) {
		for _, file := range s.files {
			if ast.IsGenerated(file) {
				continue
			}
			for _, decl := range file.Decls {
				for _, d := range s.declarations(decl) {
					if !ast.IsExported(d.name) && d.name != "_" && !yield(d) {
						return
					}
				}
			}
		}
	}
}

// declarations returns the names that decl declares, those of fields and methods too.
func (s *source) declarations(decl ast.Decl) []declaration {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			if decl.Name.Name == "init" || decl.Name.Name == "main" {
				return nil
			}
			return []declaration{{name: decl.Name.Name, kind: "func", holds: result(decl.Type), at: s.at(decl)}}
		}
		owner := baseType(decl.Recv.List[0].Type)
		return []declaration{{
			name: decl.Name.Name, kind: "method", owner: owner,
			holds: result(decl.Type), shape: signature(decl.Type, owner), at: s.at(decl),
		}}
	case *ast.GenDecl:
		var all []declaration
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				all = append(all, declaration{name: spec.Name.Name, kind: "type", at: s.at(spec)})
				all = append(all, s.members(spec.Name.Name, spec.Type)...)
			case *ast.ValueSpec:
				kind := "var"
				if decl.Tok == token.CONST {
					kind = "const"
				}
				for _, n := range spec.Names {
					all = append(all, declaration{name: n.Name, kind: kind, at: s.at(n)})
				}
			}
		}
		return all
	}
	return nil
}

// members returns the fields of a struct, those of structs within it too, and the
// methods of an interface. An embedded field declares no name of its own.
func (s *source) members(owner string, body ast.Expr) []declaration {
	var all []declaration
	for n := range ast.Preorder(body) {
		switch n := n.(type) {
		case *ast.StructType:
			for _, f := range n.Fields.List {
				for _, name := range f.Names {
					all = append(all, declaration{name: name.Name, kind: "field", owner: owner, holds: baseType(f.Type), shape: shape(f.Type), at: s.at(name)})
				}
			}
		case *ast.InterfaceType:
			for _, f := range n.Methods.List {
				if fn, ok := f.Type.(*ast.FuncType); ok && len(f.Names) == 1 {
					all = append(all, declaration{name: f.Names[0].Name, kind: "method", owner: owner, holds: result(fn), shape: signature(fn, owner), at: s.at(f)})
				}
			}
		}
	}
	return all
}

// baseType returns the type that an expression is about: T for *T, []T, map[K]T, chan T,
// T[A] and atomic.Pointer[T]. All sizes of integers are int.
func baseType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return baseType(e.X)
	case *ast.ParenExpr:
		return baseType(e.X)
	case *ast.Ellipsis:
		return baseType(e.Elt)
	case *ast.ArrayType:
		if elem, ok := e.Elt.(*ast.Ident); ok && elem.Name == "byte" {
			return "[]byte"
		}
		return baseType(e.Elt)
	case *ast.MapType:
		return baseType(e.Value)
	case *ast.ChanType:
		return baseType(e.Value)
	case *ast.IndexExpr:
		if generic := types.ExprString(e.X); generic == "atomic.Pointer" {
			return baseType(e.Index)
		}
		return baseType(e.X)
	case *ast.IndexListExpr:
		return baseType(e.X)
	case *ast.StructType:
		return "struct{}"
	case *ast.FuncType:
		return result(e)
	}
	name := types.ExprString(e)
	return cmp.Or(sameAs[name], name)
}

// sameAs joins types that differ in how they hold a thing, and not in the thing.
var sameAs = map[string]string{
	"int8": "int", "int16": "int", "int32": "int", "int64": "int", "byte": "int",
	"uint": "int", "uint8": "int", "uint16": "int", "uint32": "int", "uint64": "int",
	"atomic.Int32": "int", "atomic.Int64": "int", "atomic.Uint32": "int", "atomic.Uint64": "int",
	"atomic.Bool": "bool", "sync.RWMutex": "sync.Mutex",
}

// result returns the type that the first result of a function is about, or "".
func result(fn *ast.FuncType) string {
	if fn.Results == nil {
		return ""
	}
	return baseType(fn.Results.List[0].Type)
}

// anyShape is the shape of a field whose type the package declares: it may hold one thing
// or several.
const anyShape = ""

// shape returns the form of a field: one thing, several things, a bool, or a function. Two
// fields of one name may encode a thing in two ways.
func shape(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return shape(t.X)
	case *ast.ArrayType:
		if baseType(t) == "[]byte" {
			return "one"
		}
		return "several"
	case *ast.MapType, *ast.ChanType:
		return "several"
	case *ast.FuncType:
		return "func"
	case *ast.Ident:
		if types.Universe.Lookup(t.Name) == nil {
			return anyShape
		}
	}
	if baseType(t) == "bool" {
		return "bool"
	}
	return "one"
}

// signature returns what a method takes and returns, without the names. Its own
// receiver's type is "self" in it, so that key.less(key) and row.less(row) are one.
func signature(fn *ast.FuncType, owner string) string {
	var b strings.Builder
	list := func(fields *ast.FieldList) {
		if fields == nil {
			return
		}
		var all []string
		for _, f := range fields.List {
			t := types.ExprString(f.Type)
			if baseType(f.Type) == owner && owner != "" {
				t = "self"
			}
			all = append(all, slices.Repeat([]string{t}, max(1, len(f.Names)))...)
		}
		b.WriteString(strings.Join(all, ", "))
	}
	b.WriteString("(")
	list(fn.Params)
	b.WriteString(") ")
	list(fn.Results)
	return b.String()
}

// nameViolations are examples of names that have two meanings, or say too little.
var nameViolations = []violation{
	{
		"an unexported verb has an object", "a function and a method",
		map[string]string{"internal/archtest/x.go": "package archtest\nfunc decide() {}\nfunc (t) settleDoubt() {}"},
		"internal/archtest/x.go:2: decide has no object: what does it decide?",
	},
	{
		"an unexported name has one meaning in a package", "a constant and a field",
		map[string]string{"internal/archtest/x.go": "package archtest\nconst brief = 1\ntype t struct{ brief int }"},
		"internal/archtest/x.go:3: brief is a field of t at internal/archtest/x.go:3 and a const at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "a field and a method",
		map[string]string{"internal/archtest/x.go": "package archtest\ntype t struct{ spare []int }\nfunc (*u) spare() {}"},
		"internal/archtest/x.go:3: spare is a method of u at internal/archtest/x.go:3 and a field of t at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "a type and a method that returns another",
		map[string]string{"internal/archtest/x.go": "package archtest\ntype room int\nfunc (u) room() int { return 0 }"},
		"internal/archtest/x.go:3: room is a method of u at internal/archtest/x.go:3 and a type at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "a function and a method",
		map[string]string{"internal/archtest/x.go": "package archtest\nfunc settle() {}\nfunc (u) settle() {}"},
		"internal/archtest/x.go:3: settle is a method of u at internal/archtest/x.go:3 and a func at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "methods with two signatures",
		map[string]string{"internal/archtest/x.go": "package archtest\nfunc (t) take(a int) bool { return true }\nfunc (u) take() bool { return true }"},
		"internal/archtest/x.go:3: take is a method of u at internal/archtest/x.go:3 and a method of t at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "a method of an interface",
		map[string]string{"internal/archtest/x.go": "package archtest\ntype i interface{ take(u) error }\nfunc (t) take(int) error { return nil }"},
		"internal/archtest/x.go:3: take is a method of t at internal/archtest/x.go:3 and a method of i at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "a count and a list",
		map[string]string{"internal/archtest/x.go": "package archtest\ntype t struct{ waiting int }\ntype u struct{ waiting []*t }"},
		"internal/archtest/x.go:3: waiting is a field of u at internal/archtest/x.go:3 and a field of t at internal/archtest/x.go:2",
	},
	{
		"an unexported name has one meaning in a package", "a field of a struct in a struct",
		map[string]string{"internal/archtest/x.go": "package archtest\nvar open = 1\ntype t struct{ s []struct{ open bool } }"},
		"internal/archtest/x.go:3: open is a field of t at internal/archtest/x.go:3 and a var at internal/archtest/x.go:2",
	},
}
