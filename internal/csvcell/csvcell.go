// Package csvcell makes cells of a CSV safe to open in a spreadsheet.
package csvcell

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape puts an apostrophe before a cell that a spreadsheet could take for a formula (OWASP,
// "CSV Injection"). Free is text that an application, a provider or a person chose: Escape
// also puts one before free text that a spreadsheet would change.
func Escape(cell string, free bool) string {
	rest := strings.TrimLeftFunc(cell, isIgnored)
	if first, _ := utf8.DecodeRuneInString(rest); rest != "" && strings.ContainsRune(formulaStarts, first) || free && isRetyped(rest) {
		return "'" + cell
	}
	return cell
}

// isIgnored reports whether a rune does not count at the beginning of a cell. Some
// spreadsheets drop spaces. Apostrophes do not count, so that an escaped cell differs from
// a cell that begins with an apostrophe of its own.
func isIgnored(r rune) bool {
	return r == '\'' || r == '\uFEFF' || unicode.IsSpace(r) && !strings.ContainsRune(formulaStarts, r)
}

// formulaStarts are the characters that a formula can begin with.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// maxIntegerDigits is the length of the longest number that spreadsheets show with all its
// digits.
const maxIntegerDigits = 11

// dateWords matches the words in dates and times that spreadsheets know.
var dateWords = regexp.MustCompile(`(?i)(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|` +
	`sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|am|pm|[年月日時分秒])`)

// isRetyped reports whether spreadsheets make a number, a date, a time or a truth value of
// a text, and change it that way. Integers without leading zeros stay what they are.
func isRetyped(text string) bool {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
		return true
	}
	digits, others := 0, 0
	for _, r := range dateWords.ReplaceAllString(text, "/") {
		if '！' <= r && r <= '～' {
			r -= '！' - '!' // the full-width copy of ASCII, which East Asian spreadsheets also parse
		}
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsSpace(r), unicode.Is(unicode.Sc, r), strings.ContainsRune(".,:/-+()%eEtTzZ'", r):
			others++
		default:
			return false
		}
	}
	return digits > 0 && (others > 0 || digits > maxIntegerDigits || digits > 1 && strings.HasPrefix(text, "0") ||
		len(text) > digits) // digits of another script
}
