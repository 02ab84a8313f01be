package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
)

// Messages and Templated are JSON with variables inside its strings. Rendering replaces
// string by string. Everything between the strings stays as it was written, numbers to the
// last digit.

// selectorKeys are the keys whose values choose the message that is sent. A variable there
// would let data choose.
var selectorKeys = []string{"type", "templateKey", "itemKey", "buttonKey"}

// stringLiteral is a string of a JSON text: the bytes from start to end, quotes included.
type stringLiteral struct {
	start, end int
	text       string // the decoded string
	isKey      bool   // the string is a key
	valueOf    string // otherwise, the key of which it is the first string of the value
}

// stringLiterals yields the strings of valid JSON.
func stringLiterals(text string) iter.Seq[stringLiteral] {
	return func(yield func(stringLiteral) bool) {
		under := ""
		for i := 0; i < len(text); i++ {
			if text[i] != '"' {
				continue
			}
			l := stringLiteral{start: i, end: i + 1, valueOf: under}
			for ; text[l.end] != '"'; l.end++ {
				if text[l.end] == '\\' {
					l.end++
				}
			}
			l.end++
			_ = json.Unmarshal([]byte(text[l.start:l.end]), &l.text) // the JSON is valid
			l.isKey = strings.HasPrefix(strings.TrimLeft(text[l.end:], " \t\r\n"), ":")
			under = ""
			if l.isKey {
				under = l.text
			}
			if !yield(l) {
				return
			}
			i = l.end - 1
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

// varsInJSON returns the names of the variables in a JSON text, each once.
func varsInJSON(text string) []string {
	if validJSON(text) != nil {
		return nil
	}
	var names []string
	for l := range stringLiterals(text) {
		if l.isKey {
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

// fillStrings replaces the variables in the strings of a JSON text.
func fillStrings(text string, vars map[string]string) (string, error) {
	if err := validJSON(text); err != nil {
		return "", fmt.Errorf("line: %w", err)
	}
	var out strings.Builder
	done := 0
	for l := range stringLiterals(text) {
		if l.isKey || !strings.Contains(l.text, "{{") {
			continue
		}
		filled, err := channel.Text(l.text).Render(vars)
		if err != nil {
			return "", err
		}
		value, _ := filled.(channel.Text)
		quoted, _ := json.Marshal(string(value))
		out.WriteString(text[done:l.start])
		out.Write(quoted)
		done = l.end
	}
	out.WriteString(text[done:])
	return out.String(), nil
}

// checkVars returns an error for variables in valid JSON that are malformed, or stand in a
// forbidden place.
func checkVars(text string) error {
	for l := range stringLiterals(text) {
		switch braces := strings.Contains(l.text, "{{"); {
		case braces && l.isKey:
			return errors.New("a variable stands in a key")
		case braces && slices.Contains(selectorKeys, l.valueOf):
			return fmt.Errorf("a variable stands in %q, which chooses what is sent", l.valueOf)
		}
		if err := channel.Text(l.text).Check(); err != nil {
			return err
		}
	}
	return nil
}

// minHiddenRunes is the length from which on a string must not be repeated in a detail.
// Shorter ones without a digit, such as "md" and "bold", occur in LINE's own words.
const minHiddenRunes = 8

// hiddenStrings returns the strings of a valid JSON text that are part of the message.
func hiddenStrings(text string) []string {
	var all []string
	for l := range stringLiterals(text) {
		if !l.isKey && !slices.Contains(selectorKeys, l.valueOf) &&
			(utf8.RuneCountInString(l.text) >= minHiddenRunes || strings.ContainsFunc(l.text, unicode.IsDigit)) {
			all = append(all, l.text)
		}
	}
	return all
}
