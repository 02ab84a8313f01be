package httpapi

import (
	"strings"
	"unicode"

	"github.com/smsplus/smsplus-go/internal/scrub"
)

// maxWordRunes is the maximum length of a detail in runes: a provider's words, not its
// pages.
const maxWordRunes = 300

// Words makes a provider's words safe for an error or a detail: short, and on one line. ***
// stands in place of numbers of six digits or more, of hidden texts and of credentials.
// Hidden texts are secrets and the message. Eight letters and digits in a row of a hidden
// text are hidden too, all of a shorter one, and each number of four digits or more. Words
// finds them in any case, with anything between them, and escaped as in a URL, in JSON, in
// HTML or in base64. The caller puts codes before the words. Words returns "" if nothing else
// is left.
func Words(words string, hidden ...string) string {
	scrubbed := singleLine(scrub.Words(words, scrub.Personal{Secrets: hidden, AnyNumber: true}))
	if !strings.ContainsFunc(scrubbed, isWordRune) {
		return "" // nothing is left
	}
	runes := []rune(scrubbed)
	return string(runes[:min(len(runes), maxWordRunes)])
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// singleLine puts a text on one line.
func singleLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
