// Mutants changes one place of the code at a time and runs the tests, to find changes that
// no test notices.
//
//	go run . -n 300 -seed 1 ../../smsplus/route.go ../../smsplus/claim.go
//	go run . -rules rules.txt
//
// It draws the places at random with a seed. Each operator is drawn equally often. With -rules
// it makes the named changes of a file instead. Each mutant is compiled through an overlay, so
// that the work tree stays as it is. It prints the mutants that survive, and a summary; it
// exits with 1 if a named mutant survives.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// mutant is one change: text of a file between two offsets is replaced.
type mutant struct {
	name       string
	file       string // absolute
	line       int
	start, end int
	text       string
}

// verdict is what the tests said of a mutant.
type verdict int

const (
	killed verdict = iota
	survived
	invalid // it does not compile
)

func main() {
	n := flag.Int("n", 100, "how many mutants to draw")
	seed := flag.Uint64("seed", 1, "seed of the draw")
	rules := flag.String("rules", "", "a file of named mutants, instead of drawn ones")
	run := flag.String("run", "", "only the tests that match, as for go test")
	timeout := flag.Duration("timeout", 2*time.Minute, "how long the tests of a mutant may take")
	flag.Parse()

	var ms []mutant
	var err error
	if *rules != "" {
		ms, err = namedMutants(*rules)
	} else {
		ms, err = drawMutants(flag.Args(), *n, rand.New(rand.NewPCG(*seed, 0)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	counts := map[verdict]int{}
	for i, m := range ms {
		v, err := try(m, *run, *timeout)
		if err != nil {
			fmt.Fprintln(os.Stderr, "mutants:", err)
			os.Exit(2)
		}
		counts[v]++
		if v == survived {
			fmt.Printf("%d/%d survived: %s:%d: %s\n", i+1, len(ms), filepath.Base(m.file), m.line, m.name)
		}
	}
	fmt.Printf("%d mutants: %d killed, %d survived, %d do not compile\n", len(ms), counts[killed], counts[survived], counts[invalid])
	if *rules != "" && counts[killed] != len(ms) {
		os.Exit(1)
	}
}

// try runs the tests of the mutant's package.
func try(m mutant, run string, timeout time.Duration) (verdict, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left is in the folder for temporary files
	changed := filepath.Join(dir, filepath.Base(m.file))
	text := string(source[:m.start]) + m.text + string(source[m.end:])
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return 0, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file: changed}})
	if err != nil {
		return 0, err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	test := exec.CommandContext(ctx, "go", "test", "-failfast", "-vet=off", "-overlay", overlayFile, "-timeout", timeout.String(), "-run", run, ".")
	test.Dir = filepath.Dir(m.file)
	test.WaitDelay = time.Second
	out, err := test.CombinedOutput()
	switch {
	case err == nil:
		return survived, nil
	case bytes.Contains(out, []byte("[build failed]")):
		return invalid, nil
	case errors.As(err, new(*exec.ExitError)) || ctx.Err() != nil:
		return killed, nil
	}
	return 0, err
}

// namedMutants reads a file of records, separated by blank lines: the name, the file with
// its path from the rules' folder, the old text, and the new text, each on a line. A
// backslash and an n stand for a line's end. The old text must be there exactly once.
func namedMutants(name string) ([]mutant, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var ms []mutant
	for record := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		lines := strings.Split(record, "\n")
		if len(lines) != 4 {
			return nil, fmt.Errorf("%s: a record of %d lines: %s", name, len(lines), lines[0])
		}
		file, err := filepath.Abs(filepath.Join(filepath.Dir(name), lines[1]))
		if err != nil {
			return nil, err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		unescape := strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace
		old, text := unescape(lines[2]), unescape(lines[3])
		if n := strings.Count(string(source), old); n != 1 {
			return nil, fmt.Errorf("%s: %s: the old text is there %d times", name, lines[0], n)
		}
		at := strings.Index(string(source), old)
		ms = append(ms, mutant{lines[0], file, 1 + strings.Count(string(source[:at]), "\n"), at, at + len(old), text})
	}
	return ms, nil
}

// drawMutants draws n places of the files. Each kind of change is drawn equally often.
func drawMutants(files []string, n int, r *rand.Rand) ([]mutant, error) {
	byKind := map[string][]mutant{}
	var kinds []string
	for _, file := range files {
		file, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		ms, err := allMutants(file)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			kind, _, _ := strings.Cut(m.name, ":")
			if byKind[kind] == nil {
				kinds = append(kinds, kind)
			}
			byKind[kind] = append(byKind[kind], m)
		}
	}
	for _, kind := range kinds { // in a fixed order, so that a seed draws the same places again
		ms := byKind[kind]
		r.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	}
	var drawn []mutant
	for len(drawn) < n && len(kinds) > 0 {
		for i := 0; i < len(kinds) && len(drawn) < n; {
			ms := byKind[kinds[i]]
			if len(ms) == 0 {
				kinds = append(kinds[:i], kinds[i+1:]...)
				continue
			}
			drawn = append(drawn, ms[0])
			byKind[kinds[i]] = ms[1:]
			i++
		}
	}
	return drawn, nil
}

// opposites are the operators that take each other's place.
var opposites = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR, token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD,
}

// allMutants returns every change that the operators know of in a file.
func allMutants(file string) ([]mutant, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var ms []mutant
	add := func(kind string, start, end token.Pos, text string) {
		from, to := fset.Position(start).Offset, fset.Position(end).Offset
		old := string(source[from:to])
		ms = append(ms, mutant{fmt.Sprintf("%s: %s -> %s", kind, oneLine(old), oneLine(text)), file, fset.Position(start).Line, from, to, text})
	}
	for n := range ast.Preorder(f) {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if op, ok := opposites[n.Op]; ok {
				add("operator", n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), op.String())
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				add("negation", n.OpPos, n.OpPos+1, "")
			}
		case *ast.IfStmt:
			add("condition", n.Cond.Pos(), n.Cond.End(), "true || "+string(source[fset.Position(n.Cond.Pos()).Offset:fset.Position(n.Cond.End()).Offset]))
		case *ast.ReturnStmt:
			for _, r := range n.Results {
				if id, ok := r.(*ast.Ident); ok {
					switch id.Name {
					case "true":
						add("result", id.Pos(), id.End(), "false")
					case "false":
						add("result", id.Pos(), id.End(), "true")
					case "err":
						add("error", id.Pos(), id.End(), "error(nil)")
					}
				}
			}
		case *ast.ExprStmt:
			add("call", n.Pos(), n.End(), "")
		case *ast.AssignStmt:
			if n.Tok == token.ASSIGN || n.Tok == token.ADD_ASSIGN {
				add("assignment", n.Pos(), n.End(), "")
			}
		case *ast.IncDecStmt:
			add("assignment", n.Pos(), n.End(), "")
		case *ast.BasicLit:
			if v, err := strconv.Atoi(n.Value); err == nil && n.Kind == token.INT {
				add("number", n.Pos(), n.End(), strconv.Itoa(v+1))
			}
		}
	}
	return ms, nil
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	if s == "" {
		return "(nothing)"
	}
	return s
}
