package archtest

import (
	"fmt"
	"go/ast"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxWords is how many words a sentence of a comment may have. About 25 are good style.
// After more, a reader has forgotten the beginning.
const maxWords = 28

// wording is a pattern that no sentence of a comment may match.
type wording struct {
	pattern *regexp.Regexp
	// unless is a pattern of sentences that may match all the same.
	unless *regexp.Regexp
	// instead is the advice to the writer.
	instead string
}

var wordings = []wording{
	{words(`what (came|comes|come|became|becomes|become) of`), nil, "the outcome, the result"},
	{words(`who(m|so)?ever`), nil, "the actor: a caller, the lease holder"},
	{words(`(some|no|every|any)body`), nil, "the actor: a caller, no dispatcher"},
	{words(`those (that|who|which)`), nil, "the noun: messages that, callers that"},
	{words(`anew`), nil, "again"},
	{words(`of late`), nil, "recently"},
	{words(`but for`), nil, "except"},
	{words(`at a time`), words(`(one|single)\b.*at a time`), "concurrently, at once"},
	{words(`besides?`), nil, "next to, in addition to, other than"},
	{words(`(go|goes|going|went|gone) on`), words(`(go|goes|going|went|gone) on (a|an|the|top|to)`), "continue"},
	{words(`told`), nil, "the event: notified, reported, set to"},
	{words(`for (it|they|there|he|she|we|you) (is|are|was|were|has|have|had|may|might|can|cannot|could|will|would|must|does|do|did|need|needs)`), nil, "because"},
}

// words compiles a pattern of whole words in either case.
func words(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b` + pattern + `\b`) }

// hasPlainComments is a rule: a comment uses no wording that hides its subject, and
// its sentences are short. Generated files are left out.
func hasPlainComments(s *source) []string {
	var broken []string
	for file := range s.written() {
		for _, group := range file.Comments {
			if outputs(group) {
				continue
			}
			for sentence := range sentences(s.lines(group)) {
				at := fmt.Sprintf("%s:%d", s.fset.Position(group.Pos()).Filename, sentence[0].line)
				for _, complaint := range complaints(sentence) {
					broken = append(broken, fmt.Sprintf("%s: %s", at, complaint))
				}
			}
		}
	}
	return broken
}

// complaints returns the rules of style that a sentence breaks.
func complaints(s sentence) []string {
	var all []string
	text := s.String()
	for _, w := range wordings {
		if found := w.pattern.FindString(text); found != "" && (w.unless == nil || !w.unless.MatchString(text)) {
			all = append(all, fmt.Sprintf("%q in a comment; plainly: %s", found, w.instead))
		}
	}
	if i := causalFor(s); i >= 0 {
		all = append(all, fmt.Sprintf("%q in a comment; plainly: because", s[i:min(len(s), i+5)]))
	}
	if n := s.count(); n > maxWords {
		all = append(all, fmt.Sprintf("a sentence of %d words, more than %d: %q", n, maxWords, s[:8]))
	}
	if n := strings.Count(text, ";"); n > 1 {
		all = append(all, fmt.Sprintf("a sentence with %d semicolons: %q", n, s[:min(8, len(s))]))
	}
	return all
}

// causalFor returns the index of a "for" after a comma that begins a clause with a
// verb of its own, or -1.
func causalFor(s sentence) int {
	for i := 1; i+1 < len(s); i++ {
		if s[i].text != "for" || slices.Contains(questions, s[i+1].text) || !strings.HasSuffix(s[i-1].text, ",") {
			continue
		}
		for j := i + 2; j < min(len(s), i+8); j++ {
			if j > i+2 && slices.Contains(relatives, s[j-1].text) || strings.ContainsAny(s[j-1].text, ",;:.()") {
				break
			}
			if slices.Contains(verbs, s[j].text) {
				return i
			}
		}
	}
	return -1
}

var (
	// relatives begin a clause whose verb is not that of the clause around it.
	relatives = strings.Fields("that which who whose whom what when where if whether whatever how as it they he she we you")
	// questions begin a clause that is the object of "for".
	questions = strings.Fields("which what whom whose when where how whoever")
	// verbs have a form that is no noun's.
	verbs = strings.Fields("is are was were has have had may might can cannot could will would must does do did")
)

// beginsCommentsWithNames is a rule: the comment of a declared name begins with it.
func beginsCommentsWithNames(s *source) []string {
	var broken []string
	for file := range s.written() {
		for _, decl := range file.Decls {
			for names, doc := range s.commented(decl) {
				text := strings.TrimSpace(doc.Text())
				first, _, _ := strings.Cut(text, "\n")
				named := func(n *ast.Ident) bool { return n.Name == "_" || beginsWith(text, n.Name) }
				if text != "" && !slices.ContainsFunc(names, named) {
					broken = append(broken, fmt.Sprintf("%s: the comment of %s does not begin with the name: %q", s.at(names[0]), names[0].Name, first))
				}
			}
		}
	}
	return broken
}

// beginsWith reports whether a comment begins with a name, after an article or not.
func beginsWith(text, name string) bool {
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	rest, ok := strings.CutPrefix(text, name)
	return ok && !strings.HasPrefix(rest, "_") && strings.IndexFunc(rest, isLetterOrDigit) != 0
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// commented yields the names of each declaration within decl with their comment: a
// comment on a group of declarations belongs to none of them.
func (s *source) commented(decl ast.Decl) iter.Seq2[[]*ast.Ident, *ast.CommentGroup] {
	return func(yield func([]*ast.Ident, *ast.CommentGroup) bool) {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if !isTest(decl) {
				yield([]*ast.Ident{decl.Name}, decl.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					doc := spec.Doc
					if !decl.Lparen.IsValid() {
						doc = decl.Doc
					}
					if !yield([]*ast.Ident{spec.Name}, doc) || !s.fieldsCommented(spec.Type, yield) {
						return
					}
				case *ast.ValueSpec:
					doc := spec.Doc
					if !decl.Lparen.IsValid() {
						doc = decl.Doc
					}
					if !yield(spec.Names, doc) {
						return
					}
				}
			}
		}
	}
}

// fieldsCommented yields the fields of a struct and the methods of an interface. A
// comment of a field that others follow without a comment or a blank line is a group's.
func (s *source) fieldsCommented(body ast.Expr, yield func([]*ast.Ident, *ast.CommentGroup) bool) bool {
	for n := range ast.Preorder(body) {
		list, ok := n.(*ast.FieldList)
		if !ok {
			continue
		}
		for i, f := range list.List {
			group := i+1 < len(list.List) && list.List[i+1].Doc == nil &&
				s.fset.Position(list.List[i+1].Pos()).Line == s.fset.Position(f.End()).Line+1
			if len(f.Names) > 0 && !group && !yield(f.Names, f.Doc) {
				return false
			}
		}
	}
	return true
}

// isTest reports whether go test runs the function, whose name is its rule.
func isTest(f *ast.FuncDecl) bool {
	return f.Recv == nil && slices.ContainsFunc([]string{"Test", "Benchmark", "Fuzz", "Example"}, func(prefix string) bool {
		return strings.HasPrefix(f.Name.Name, prefix)
	})
}

// outputs reports whether a comment is what an example prints.
func outputs(group *ast.CommentGroup) bool {
	text := strings.ToLower(group.Text())
	return strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")
}

// written yields the package's files, tests too, that people write.
func (s *source) written() iter.Seq[*ast.File] {
	return func(yield func(*ast.File) bool) {
		for _, file := range slices.Concat(s.files, s.tests) {
			if !ast.IsGenerated(file) && !yield(file) {
				return
			}
		}
	}
}

// line is one line of a comment, without its slashes.
type line struct {
	number int
	text   string
}

// lines returns the lines of a comment. Directives are left out.
func (s *source) lines(group *ast.CommentGroup) []line {
	var all []line
	for _, c := range group.List {
		number := s.fset.Position(c.Pos()).Line
		text, block := strings.CutPrefix(c.Text, "/*")
		if block {
			text = strings.TrimSuffix(text, "*/")
		} else {
			text = strings.TrimPrefix(c.Text, "//")
			if directive.MatchString(text) {
				continue
			}
			text = strings.TrimPrefix(text, " ")
		}
		for i, t := range strings.Split(text, "\n") {
			all = append(all, line{number + i, t})
		}
	}
	return all
}

var (
	directive = regexp.MustCompile(`^([a-z0-9]+:[a-z0-9]|line |extern |export |nolint)`)
	// item is how an item of a list begins.
	item = regexp.MustCompile(`^\s*([-*+•]|\d+[.)]|\(\d+\))\s`)
	// abbreviation is a word whose period ends no sentence.
	abbreviation = regexp.MustCompile(`(?i)^\W*(e\.g|i\.e|etc|vs|cf|no|sec|fig|resp|approx|incl|p|pp|ca)\.\W*$`)
)

// word is one word of a comment and the line on which it stands.
type word struct {
	text string
	line int
}

type sentence []word

// sentences yields the sentences of a comment. A blank line, a heading and the item
// of a list begin one. Indented lines are code, which has none, unless they continue
// an item.
func sentences(lines []line) iter.Seq[sentence] {
	return func(yield func(sentence) bool) {
		var current sentence
		end := func() bool {
			defer func() { current = nil }()
			return len(current) == 0 || yield(current)
		}
		inList := false
		for _, l := range lines {
			indented := strings.HasPrefix(l.text, "\t") || strings.HasPrefix(l.text, "  ")
			switch {
			case strings.TrimSpace(l.text) == "":
				if inList = false; !end() {
					return
				}
				continue
			case item.MatchString(l.text):
				if inList = true; !end() {
					return
				}
				l.text = l.text[len(item.FindString(l.text)):]
			case strings.HasPrefix(l.text, "# "), indented && !inList:
				if !end() {
					return
				}
				continue
			}
			for w := range strings.FieldsSeq(l.text) {
				current = append(current, word{w, l.number})
				if endsSentence(w) && !end() {
					return
				}
			}
		}
		end()
	}
}

// endsSentence reports whether a sentence ends with the word.
func endsSentence(w string) bool {
	w = strings.TrimRight(w, `)"'”’]`)
	if strings.HasSuffix(w, "...") || abbreviation.MatchString(w) {
		return false
	}
	return strings.HasSuffix(w, ".") || strings.HasSuffix(w, "!") || strings.HasSuffix(w, "?")
}

// count returns how many words the sentence has. What has no letter or digit in it,
// such as an arrow, is none.
func (s sentence) count() int {
	n := 0
	for _, w := range s {
		if strings.ContainsFunc(w.text, isLetterOrDigit) {
			n++
		}
	}
	return n
}

func (s sentence) String() string {
	var texts []string
	for _, w := range s {
		texts = append(texts, w.text)
	}
	return strings.Join(texts, " ")
}

// commentViolations are examples of comments that are not plain.
var commentViolations = []violation{
	{
		"a comment begins with the declared name", "a function",
		map[string]string{"internal/archtest/x.go": "package archtest\n// Does it.\nfunc f() {}"},
		"internal/archtest/x.go:3: the comment of f does not begin with the name: \"Does it.\"",
	},
	{
		"a comment begins with the declared name", "a name that is the start of another",
		map[string]string{"internal/archtest/x.go": "package archtest\n// files are many.\nfunc file() {}"},
		"internal/archtest/x.go:3: the comment of file does not begin with the name: \"files are many.\"",
	},
	{
		"a comment begins with the declared name", "a type",
		map[string]string{"internal/archtest/x.go": "package archtest\n// Of these there is one.\ntype t int"},
		"internal/archtest/x.go:3: the comment of t does not begin with the name: \"Of these there is one.\"",
	},
	{
		"a comment begins with the declared name", "a field",
		map[string]string{"internal/archtest/x.go": "package archtest\ntype t struct {\n// Guarded by mu.\na int\n\nb int\n}"},
		"internal/archtest/x.go:4: the comment of a does not begin with the name: \"Guarded by mu.\"",
	},
	{
		"a comment begins with the declared name", "a method of an interface",
		map[string]string{"internal/archtest/x.go": "package archtest\ntype i interface {\n// Does it.\nm()\n}"},
		"internal/archtest/x.go:4: the comment of m does not begin with the name: \"Does it.\"",
	},
	{
		"a comment begins with the declared name", "a constant in a group",
		map[string]string{"internal/archtest/x.go": "package archtest\nconst (\n// One is it.\na = 1\n)"},
		"internal/archtest/x.go:4: the comment of a does not begin with the name: \"One is it.\"",
	},
	{
		"a comment begins with the declared name", "a helper of tests",
		map[string]string{"internal/archtest/x_test.go": "package archtest\n// Does it.\nfunc help() {}"},
		"internal/archtest/x_test.go:3: the comment of help does not begin with the name: \"Does it.\"",
	},
	{
		"comments are plain", "a clause for a noun",
		map[string]string{"internal/archtest/x.go": "package archtest\n// f returns what came of\n// it.\nfunc f() {}"},
		"internal/archtest/x.go:2: \"what came of\" in a comment; plainly: the outcome, the result",
	},
	{
		"comments are plain", "within a function",
		map[string]string{"internal/archtest/x.go": "package archtest\nfunc f() {\n// Whoever calls waits.\n}"},
		"internal/archtest/x.go:3: \"Whoever\" in a comment; plainly: the actor: a caller, the lease holder",
	},
	{
		"comments are plain", "behind a line",
		map[string]string{"internal/archtest/x.go": "package archtest\nvar a = 1 // nobody reads it"},
		"internal/archtest/x.go:2: \"nobody\" in a comment; plainly: the actor: a caller, no dispatcher",
	},
	{
		"comments are plain", "in a second sentence",
		map[string]string{"internal/archtest/x.go": "package archtest\n// f waits. Several calls at\n// a time are allowed.\nfunc f() {}"},
		"internal/archtest/x.go:2: \"at a time\" in a comment; plainly: concurrently, at once",
	},
	{
		"comments are plain", "in an item of a list",
		map[string]string{"internal/archtest/x.go": "package archtest\n// f waits:\n//   - for one\n//   - anew\nfunc f() {}"},
		"internal/archtest/x.go:4: \"anew\" in a comment; plainly: again",
	},
	{
		"comments are plain", "for that means because",
		map[string]string{"internal/archtest/x.go": "package archtest\n// f waits, for the store may be slow.\nfunc f() {}"},
		"internal/archtest/x.go:2: \"for the store may be\" in a comment; plainly: because",
	},
	{
		"comments are plain", "for that means because before a pronoun",
		map[string]string{"internal/archtest/x.go": "package archtest\n// f waits for it may be slow.\nfunc f() {}"},
		"internal/archtest/x.go:2: \"for it may\" in a comment; plainly: because",
	},
	{
		"comments are plain", "a long sentence",
		map[string]string{"internal/archtest/x.go": "package archtest\n// f is short.\n// f a b c d e f g h i j k l m n o p q r\n// s t u v w x y z a b c d e f g h i j.\nfunc f() {}"},
		"internal/archtest/x.go:3: a sentence of 37 words, more than 28: \"f a b c d e f g\"",
	},
	{
		"comments are plain", "a chain of semicolons",
		map[string]string{"internal/archtest/x.go": "package archtest\n/* f is a;\nb;\nc. */\nfunc f() {}"},
		"internal/archtest/x.go:2: a sentence with 2 semicolons: \"f is a; b; c.\"",
	},
}
