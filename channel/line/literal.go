package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
)

// JSON with variables inside its strings is what Messages and Templated are. Values are
// put in string by string; everything between stays as it was written, numbers to the
// last digit.

// choosers are the keys whose values choose what is sent. A variable there would let
// data do it.
var choosers = []string{"type", "templateKey", "itemKey", "buttonKey"}

// literal is a string of a JSON text, quotes included.
type literal struct {
	from, to int
	text     string // what it says
	key      bool   // it is a key,
	under    string // or the first string behind this one
}

// literals yields the strings of valid JSON.
func literals(text string) iter.Seq[literal] {
	return func(yield func(literal) bool) {
		under := ""
		for i := 0; i < len(text); i++ {
			if text[i] != '"' {
				continue
			}
			l := literal{from: i, to: i + 1, under: under}
			for ; text[l.to] != '"'; l.to++ {
				if text[l.to] == '\\' {
					l.to++
				}
			}
			l.to++
			_ = json.Unmarshal([]byte(text[l.from:l.to]), &l.text) // it is valid
			l.key = strings.HasPrefix(strings.TrimLeft(text[l.to:], " \t\r\n"), ":")
			under = ""
			if l.key {
				under = l.text
			}
			if !yield(l) {
				return
			}
			i = l.to - 1
		}
	}
}

var errNotJSON = errors.New("no valid JSON; a variable stands inside a string")

func validJSON(text string) error {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
		return errNotJSON
	}
	return nil
}

func varsOf(text string) []string {
	if validJSON(text) != nil {
		return nil
	}
	var names []string
	for l := range literals(text) {
		if l.key {
			continue
		}
		for _, name := range channel.Text(l.text).Vars() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// fill puts values into the strings of a JSON text.
func fill(text string, vars map[string]string) (string, error) {
	if err := validJSON(text); err != nil {
		return "", fmt.Errorf("line: %w", err)
	}
	var out strings.Builder
	done := 0
	for l := range literals(text) {
		if l.key || !strings.Contains(l.text, "{{") {
			continue
		}
		filled, err := channel.Text(l.text).Render(vars)
		if err != nil {
			return "", err
		}
		quoted, _ := json.Marshal(filled) // a string
		out.WriteString(text[done:l.from])
		out.Write(quoted)
		done = l.to
	}
	out.WriteString(text[done:])
	return out.String(), nil
}

// checkVars returns an error for variables in valid JSON that are malformed, or stand
// where none may.
func checkVars(text string) error {
	for l := range literals(text) {
		switch braces := strings.Contains(l.text, "{{"); {
		case braces && l.key:
			return errors.New("a variable stands in a key")
		case braces && slices.Contains(choosers, l.under):
			return fmt.Errorf("a variable stands in %q, which chooses what is sent", l.under)
		}
		if err := channel.Text(l.text).Check(); err != nil {
			return err
		}
	}
	return nil
}

// telling is the length in runes from which on a string is taken for words that a
// provider may not repeat. Shorter ones, such as "md" and "bold", are in its own words.
const telling = 8

// saying returns the strings of a valid JSON text that say something to the person.
func saying(text string) []string {
	var all []string
	for l := range literals(text) {
		if !l.key && !slices.Contains(choosers, l.under) && utf8.RuneCountInString(l.text) >= telling {
			all = append(all, l.text)
		}
	}
	return all
}
