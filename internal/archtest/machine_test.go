package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
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
	// evidence is the type of a decision's reason. Only the machine makes and changes it. The
	// other files may have it as a field or a parameter.
	evidence string
	// rows are the types whose state fields only the machine sets. A copy of a list, with
	// slices.Clone, decides nothing and may be set. What a receipt and an attempt have in
	// common (Reason, Detail, ProviderID) is left out, because the rule sees no types.
	rows, state []string
}{
	dir:      "smsplus",
	files:    []string{"route.go", "evidence.go", "indoubt.go", "successor.go"},
	imports:  []string{"cmp", "slices", "time", module + "/channel", module + "/internal/microtime", module + "/status", uuid},
	effects:  []string{"Dispatcher", "Store", "Clock"},
	evidence: "evidence",
	rows:     []string{"Message", "Attempt"},
	state:    []string{"DueAt", "Claims", "Sending", "Holder", "Lane", "CanceledAt", "ConfirmedAt", "Published", "Status", "Attempts", "Tries", "Doubts", "Recall", "RecallTries"},
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

// decidesInMachine is a rule for the other files of the package: they make no evidence, and set
// no field with the state of a message or an attempt.
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
	// Where the name is no type that makes evidence: a field, a parameter, a selected field.
	allowed := map[*ast.Ident]bool{}
	for n := range ast.Preorder(file) {
		switch n := n.(type) {
		case *ast.StructType:
			allowFields(allowed, n.Fields)
		case *ast.FuncType:
			allowFields(allowed, n.Params)
		case *ast.SelectorExpr:
			allowed[n.Sel] = true
		case *ast.Ident:
			if n.Name == machine.evidence && !allowed[n] {
				report(n, "makes "+machine.evidence)
			}
		case *ast.CompositeLit:
			for _, name := range stateKeys(n) {
				report(name, "sets "+name.Name)
			}
		case *ast.AssignStmt:
			for i, target := range n.Lhs {
				if name := stateIn(target); name != "" && !(len(n.Lhs) == len(n.Rhs) && isClone(n.Rhs[i])) {
					report(n, "sets "+name)
				}
			}
		case *ast.IncDecStmt:
			if name := stateIn(n.X); name != "" {
				report(n, "sets "+name)
			}
		case *ast.UnaryExpr:
			// The address of an attempt in the list is how it is read.
			if _, element := n.X.(*ast.IndexExpr); n.Op == token.AND && !element && stateIn(n.X) != "" {
				report(n, "takes the address of "+stateIn(n.X))
			}
		}
	}
	return broken
}

// allowFields notes every name in the declarations of fields.
func allowFields(allowed map[*ast.Ident]bool, fields *ast.FieldList) {
	for n := range ast.Preorder(fields) {
		if name, ok := n.(*ast.Ident); ok {
			allowed[name] = true
		}
	}
}

// stateIn returns the field of state, or of evidence, that an assignment to the target
// changes, or "".
func stateIn(target ast.Expr) string {
	for {
		switch t := target.(type) {
		case *ast.ParenExpr:
			target = t.X
		case *ast.StarExpr:
			target = t.X
		case *ast.IndexExpr:
			target = t.X
		case *ast.SelectorExpr:
			if t.Sel.Name == machine.evidence || slices.Contains(machine.state, t.Sel.Name) {
				return t.Sel.Name
			}
			target = t.X
		default:
			return ""
		}
	}
}

// stateKeys returns the fields of state that a literal of a message, an attempt, or a list
// of them sets.
func stateKeys(lit *ast.CompositeLit) (names []*ast.Ident) {
	typ := lit.Type
	inList := false
	switch t := typ.(type) {
	case *ast.ArrayType:
		typ, inList = t.Elt, true
	case *ast.MapType:
		typ, inList = t.Value, true
	}
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if t, ok := typ.(*ast.Ident); !ok || !slices.Contains(machine.rows, t.Name) {
		return nil
	}
	for _, e := range lit.Elts {
		pair, isPair := e.(*ast.KeyValueExpr)
		if inList {
			if isPair {
				e = pair.Value
			}
			if row, ok := e.(*ast.CompositeLit); ok && row.Type == nil {
				names = append(names, stateKeys(&ast.CompositeLit{Type: typ, Elts: row.Elts})...)
			}
			continue
		}
		if !isPair {
			continue
		}
		if key, ok := pair.Key.(*ast.Ident); ok && slices.Contains(machine.state, key.Name) {
			names = append(names, key)
		}
	}
	return names
}

// isClone reports whether an expression is a copy of a list.
func isClone(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && types.ExprString(call.Fun) == "slices.Clone"
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
		map[string]string{"smsplus/route.go": "package smsplus\nfunc (d *Dispatcher) decideStep() {}"},
		"smsplus/route.go:2: the state machine has the name Dispatcher",
	},
	{
		"the state machine has no effects", "a goroutine",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc decideStep() { go decideStep() }"},
		"smsplus/route.go:2: the state machine has a go statement",
	},
	{
		"the state machine has no effects", "a channel",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc decideStep() { select {} }"},
		"smsplus/route.go:2: the state machine has a Go channel",
	},
	{
		"the state machine has no effects", "a store",
		map[string]string{"smsplus/route.go": "package smsplus\nfunc decideStep(s Store) {}"},
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
		"only the state machine decides", "evidence in a list",
		map[string]string{"smsplus/x.go": "package smsplus\nvar e = []evidence{{}}"},
		"smsplus/x.go:2: makes evidence outside of the state machine",
	},
	{
		"only the state machine decides", "a variable of evidence",
		map[string]string{"smsplus/x.go": "package smsplus\nvar e evidence"},
		"smsplus/x.go:2: makes evidence outside of the state machine",
	},
	{
		"only the state machine decides", "new evidence",
		map[string]string{"smsplus/x.go": "package smsplus\nvar e = new(evidence)"},
		"smsplus/x.go:2: makes evidence outside of the state machine",
	},
	{
		"only the state machine decides", "a result of evidence",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f() (e evidence) { return }"},
		"smsplus/x.go:2: makes evidence outside of the state machine",
	},
	{
		"only the state machine decides", "evidence of an outcome",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(o *outcome) { e := &o.evidence; e.reason = 1 }"},
		"smsplus/x.go:2: takes the address of evidence outside of the state machine",
	},
	{
		"only the state machine decides", "a field of evidence",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(o *outcome) { o.evidence.reason = 1 }"},
		"smsplus/x.go:2: sets evidence outside of the state machine",
	},
	{
		"only the state machine decides", "a due time",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Text, m.DueAt = 1, 2 }"},
		"smsplus/x.go:2: sets DueAt outside of the state machine",
	},
	{
		"only the state machine decides", "a pointer to a due time",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { g(&m.DueAt) }"},
		"smsplus/x.go:2: takes the address of DueAt outside of the state machine",
	},
	{
		"only the state machine decides", "a due time in a literal",
		map[string]string{"smsplus/x.go": "package smsplus\nvar m = &Message{DueAt: x}"},
		"smsplus/x.go:2: sets DueAt outside of the state machine",
	},
	{
		"only the state machine decides", "a due time in a list",
		map[string]string{"smsplus/x.go": "package smsplus\nvar ms = []Message{{DueAt: x}}"},
		"smsplus/x.go:2: sets DueAt outside of the state machine",
	},
	{
		"only the state machine decides", "a due time in a map",
		map[string]string{"smsplus/x.go": "package smsplus\nvar ms = map[int]*Message{1: {DueAt: x}}"},
		"smsplus/x.go:2: sets DueAt outside of the state machine",
	},
	{
		"only the state machine decides", "claims",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Claims = 0 }"},
		"smsplus/x.go:2: sets Claims outside of the state machine",
	},
	{
		"only the state machine decides", "a permitted step",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Sending = 0 }"},
		"smsplus/x.go:2: sets Sending outside of the state machine",
	},
	{
		"only the state machine decides", "a holder",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Holder = 0 }"},
		"smsplus/x.go:2: sets Holder outside of the state machine",
	},
	{
		"only the state machine decides", "a lane",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Lane = x }"},
		"smsplus/x.go:2: sets Lane outside of the state machine",
	},
	{
		"only the state machine decides", "a cancel",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.CanceledAt = x }"},
		"smsplus/x.go:2: sets CanceledAt outside of the state machine",
	},
	{
		"only the state machine decides", "a status",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Attempts[0].Status = 1 }"},
		"smsplus/x.go:2: sets Status outside of the state machine",
	},
	{
		"only the state machine decides", "a status in a literal",
		map[string]string{"smsplus/x.go": "package smsplus\nvar a = Attempt{Status: 1}"},
		"smsplus/x.go:2: sets Status outside of the state machine",
	},
	{
		"only the state machine decides", "attempts",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Attempts = append(m.Attempts, x) }"},
		"smsplus/x.go:2: sets Attempts outside of the state machine",
	},
	{
		"only the state machine decides", "an attempt",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(m *Message) { m.Attempts[0] = x }"},
		"smsplus/x.go:2: sets Attempts outside of the state machine",
	},
	{
		"only the state machine decides", "a doubt",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(a *Attempt) { a.Doubts++ }"},
		"smsplus/x.go:2: sets Doubts outside of the state machine",
	},
	{
		"only the state machine decides", "a try",
		map[string]string{"smsplus/x.go": "package smsplus\nfunc f(a *Attempt) { a.Tries-- }"},
		"smsplus/x.go:2: sets Tries outside of the state machine",
	},
}
