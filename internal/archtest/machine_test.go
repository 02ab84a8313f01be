package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
)

// machine is the engine's state machine: the files that decide the state of a message.
// They hold functions of a message, the time and the channels' traits, without effects.
var machine = struct {
	dir     string
	files   []string
	imports []string
	// effects are the package's names that reach a clock, a store or a goroutine.
	effects []string
	// evidence is the type of a decision's reason, and due the field that says when a
	// message is looked at next. Only the machine makes the one and sets the other.
	evidence, due string
}{
	dir:      "smsplus",
	files:    []string{"route.go", "evidence.go", "indoubt.go"},
	imports:  []string{"cmp", "slices", "time", module + "/channel", module + "/status", uuid},
	effects:  []string{"Dispatcher", "Store", "Clock"},
	evidence: "evidence",
	due:      "DueAt",
}

// clocks are the names of package time that read a clock or wait for one.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep", "Timer", "Ticker"}

// hasPureMachine is a rule for the files of the machine: they import little, declare no
// method of Dispatcher, and name no context, clock, store or goroutine.
func hasPureMachine(s *source) []string {
	var broken []string
	for _, file := range s.files {
		if s.dir != machine.dir || !s.inMachine(file) {
			continue
		}
		for _, spec := range file.Imports {
			if p := importPath(spec); !slices.Contains(machine.imports, p) {
				broken = append(broken, fmt.Sprintf("%s: the state machine imports %s", s.at(spec), p))
			}
		}
		for n := range ast.Preorder(file) {
			if effect := effectOf(n); effect != "" {
				broken = append(broken, fmt.Sprintf("%s: the state machine has %s", s.at(n), effect))
			}
		}
	}
	return broken
}

// effectOf returns the effect that a node has, or "".
func effectOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a go statement"
	case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
		return "a Go channel"
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "a Go channel"
		}
	case *ast.Ident:
		if slices.Contains(machine.effects, n.Name) {
			return "the name " + n.Name
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
			return "the clock time." + n.Sel.Name
		}
	}
	return ""
}

// decidesInMachine is a rule for the other files of the package: they make no evidence
// and set no due time.
func decidesInMachine(s *source) []string {
	var broken []string
	for _, file := range s.files {
		broken = append(broken, s.decisions(file)...)
	}
	return broken
}

// decisions returns a line for each place in a file that decides what only the machine
// may.
func (s *source) decisions(file *ast.File) []string {
	if s.dir != machine.dir || s.inMachine(file) {
		return nil
	}
	var broken []string
	report := func(n ast.Node, does string) {
		broken = append(broken, fmt.Sprintf("%s: %s outside of the state machine", s.at(n), does))
	}
	isDue := func(e ast.Expr) bool {
		sel, ok := e.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == machine.due
	}
	for n := range ast.Preorder(file) {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if t, ok := n.Type.(*ast.Ident); ok && t.Name == machine.evidence {
				report(n, "makes "+machine.evidence)
			}
		case *ast.AssignStmt:
			if slices.ContainsFunc(n.Lhs, isDue) {
				report(n, "sets "+machine.due)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND && isDue(n.X) {
				report(n, "takes the address of "+machine.due)
			}
		}
	}
	return broken
}

func (s *source) inMachine(file *ast.File) bool { return slices.Contains(machine.files, s.base(file)) }

// base returns the name of a file within its folder.
func (s *source) base(file *ast.File) string { return path.Base(s.fset.Position(file.Pos()).Filename) }

// machineViolations are examples of decisions in the wrong place.
var machineViolations = []violation{
	{
		"the state machine has no effects", "an import",
		map[string]string{"smsplus/route.go": "package smsplus\nimport _ \"context\""},
		"smsplus/route.go:2: the state machine imports context",
	},
	{
		"the state machine has no effects", "a method of Dispatcher",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc (d *Dispatcher) decide() {}"},
		"smsplus/route.go:2: the state machine has the name Dispatcher",
	},
	{
		"the state machine has no effects", "a goroutine",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc decide() { go decide() }"},
		"smsplus/route.go:2: the state machine has a go statement",
	},
	{
		"the state machine has no effects", "a channel",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc decide() { select {} }"},
		"smsplus/route.go:2: the state machine has a Go channel",
	},
	{
		"the state machine has no effects", "a store",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc decide(s Store) {}"},
		"smsplus/route.go:2: the state machine has the name Store",
	},
	{
		"the state machine has no effects", "a clock",
		map[string]string{"smsplus/route.go": "package smsplus\nimport \"time\"\nvar began = time.Now()"},
		"smsplus/route.go:3: the state machine has the clock time.Now",
	},
	{
		"only the state machine decides", "evidence",
		map[string]string{"smsplus/x.go": "package smsplus\nvar e = &evidence{}"},
		"smsplus/x.go:2: makes evidence outside of the state machine",
	},
	{
		"only the state machine decides", "a due time",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Lane, m.DueAt = 1, 2 }"},
		"smsplus/x.go:2: sets DueAt outside of the state machine",
	},
	{
		"only the state machine decides", "a pointer to a due time",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { g(&m.DueAt) }"},
		"smsplus/x.go:2: takes the address of DueAt outside of the state machine",
	},
}
