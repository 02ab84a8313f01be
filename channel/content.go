package channel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Content is what a step says on its channel. Implementations must be immutable and safe
// for concurrent use. A content type that can hold mistakes of its own also has a method
// Check() error, which is called when a template is registered.
type Content interface {
	// Vars returns the names of the variables in the content, each once.
	Vars() []string
	// Render returns the content with every variable replaced by its value, as plain data:
	// a value is never read as markup or as a variable. It ignores values that it does not
	// need. A missing value is a [*MissingVarError].
	Render(vars map[string]string) (Content, error)
}

// Text is the content that every text channel takes: plain text with variables in double
// braces, "Your code is {{code}}". A variable's name is letters, digits and underscores,
// and does not begin with a digit; spaces around it are ignored.
//
// A Text prints its length alone, because a rendered one holds a person's data. Convert it
// to a string to send it.
type Text string

// Vars returns the names of the text's variables in order of appearance. It leaves out
// malformed variables of a text that [Text.Check] refuses.
func (t Text) Vars() []string {
	var names []string
	for rest := string(t); rest != ""; {
		var p piece
		p, rest, _ = nextPiece(rest)
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Check returns an error if the text holds a "{{" that begins no variable.
func (t Text) Check() error {
	for rest := string(t); rest != ""; {
		var err error
		if _, rest, err = nextPiece(rest); err != nil {
			return err
		}
	}
	return nil
}

// Render replaces the variables by their values. It returns a Text.
func (t Text) Render(vars map[string]string) (Content, error) {
	var out strings.Builder
	for rest := string(t); rest != ""; {
		p, tail, err := nextPiece(rest)
		if err != nil {
			return nil, err
		}
		if len(p.text) == len(t) {
			return t, nil
		}
		value, ok := vars[p.name]
		if p.name != "" && !ok {
			return nil, &MissingVarError{Name: p.name}
		}
		if out.Len() == 0 {
			out.Grow(len(t) + len(value))
		}
		out.WriteString(p.text)
		if p.name != "" {
			out.WriteString(value)
		}
		rest = tail
	}
	return Text(out.String()), nil
}

// MissingVarError reports that content was rendered without one of its variables.
type MissingVarError struct{ Name string }

func (e *MissingVarError) Error() string {
	return fmt.Sprintf("channel: variable %q has no value", e.Name)
}

var errMalformedVar = errors.New(`channel: text holds a "{{" that begins no variable such as {{code}}`)

// piece is literal text and the name of the variable that follows it, "" for none.
type piece struct{ text, name string }

// nextPiece splits the first piece off s. After an error the piece is literal and ends with
// the malformed braces, so that a caller can continue with rest.
func nextPiece(s string) (p piece, rest string, err error) {
	open := strings.Index(s, "{{")
	if open < 0 {
		return piece{text: s}, "", nil
	}
	inner, tail, closed := strings.Cut(s[open+2:], "}}")
	name := strings.Trim(inner, " ")
	if !closed || !isName(name) {
		return piece{text: s[:open+2]}, s[open+2:], errMalformedVar
	}
	return piece{text: s[:open], name: name}, tail, nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
