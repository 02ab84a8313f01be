package httpapi

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

const (
	maxWords = 300 // runes; a provider's words, not its pages
	piece    = 8   // runes of a hidden text that give it away
)

// digits are runs of six digits and more, with what people write between them: every
// number of a person has one.
var digits = regexp.MustCompile(`\d(?:[ ().+/-]*\d){5,}`)

// Words makes a provider's words fit for an error or a detail: on one line, short,
// without long numbers, and empty if they repeat eight characters in a row of
// anything hidden, such as a secret or the text, or all of a shorter one. Codes are
// for the caller to put before them.
func Words(words string, hidden ...string) string {
	words = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, "\uFFFD"))
	words = strings.Join(strings.Fields(words), " ")
	masked := digits.ReplaceAllString(words, "***")
	plain, err := url.QueryUnescape(words)
	if err != nil {
		plain = words
	}
	for _, h := range hidden {
		if shares(words, h) || shares(plain, h) {
			return ""
		}
	}
	if again, err := url.QueryUnescape(masked); err == nil && digits.MatchString(again) {
		return "" // the escapes stood between its digits
	}
	runes := []rune(masked)
	return string(runes[:min(len(runes), maxWords)])
}

// shares reports whether s repeats a telling piece of hidden.
func shares(s, hidden string) bool {
	runes := []rune(strings.Join(strings.Fields(hidden), " "))
	if len(runes) == 0 {
		return false
	}
	size := min(len(runes), piece)
	for i := range len(runes) - size + 1 {
		if strings.Contains(s, string(runes[i:i+size])) {
			return true
		}
	}
	return false
}
