// Package jsontext is JSON with the variables of a [channel.Text] inside its strings: content
// that an application copies from a provider's documentation. Rendering replaces string by
// string. Everything between the strings stays as it was written, numbers to the last digit.
//
//	text, err := jsontext.Render(`{"text": "Order {{order}}"}`, vars)
package jsontext

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

// ErrInvalid is the error of a text that is no JSON in UTF-8.
var ErrInvalid = errors.New("no valid JSON; a variable stands inside a string")

// Validate returns ErrInvalid, or nil for JSON.
func Validate(text string) error {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
		return ErrInvalid
	}
	return nil
}

// Vars returns the names of the variables in order of appearance, each once. Text that is no
// JSON has none.
func Vars(text string) []string {
	if Validate(text) != nil {
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

// Render replaces the variables by their values, which are always data: they are escaped. The
// error is ErrInvalid, a [*channel.MissingVarError], or that of a malformed variable.
func Render(text string, vars map[string]string) (string, error) {
	if err := Validate(text); err != nil {
		return "", err
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

// CheckVars returns an error for a variable in valid JSON that is malformed, or stands in a key
// or in the value of a fixed key. The values of fixed keys choose what is sent, which data must
// not.
func CheckVars(text string, fixedKeys ...string) error {
	for l := range stringLiterals(text) {
		switch braces := strings.Contains(l.text, "{{"); {
		case braces && l.isKey:
			return errors.New("a variable stands in a key")
		case braces && slices.Contains(fixedKeys, l.valueOf):
			return fmt.Errorf("a variable stands in %q, which chooses what is sent", l.valueOf)
		}
		if err := channel.Text(l.text).Check(); err != nil {
			return err
		}
	}
	return nil
}

// minPersonalRunes is the length from which on a string may identify the message. Shorter ones
// without a digit, such as "md" and "bold", occur in a provider's own words.
const minPersonalRunes = 8

// PersonalStrings returns the strings of valid JSON that are part of the message, which an
// error must not repeat. It leaves out keys, the values of fixed keys, and short strings
// without a digit.
func PersonalStrings(text string, fixedKeys ...string) []string {
	var all []string
	for l := range stringLiterals(text) {
		if !l.isKey && !slices.Contains(fixedKeys, l.valueOf) &&
			(utf8.RuneCountInString(l.text) >= minPersonalRunes || strings.ContainsFunc(l.text, unicode.IsDigit)) {
			all = append(all, l.text)
		}
	}
	return all
}
