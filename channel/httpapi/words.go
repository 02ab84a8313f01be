package httpapi

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

const (
	maxWordRunes = 300  // runes; a provider's words, not its pages
	maxScanBytes = 4096 // bytes of what a provider says that are looked at
	minLeakRunes = 8    // runes of a hidden text that give it away
)

var (
	// longNumber are runs of six digits and more, in any script, with what people write
	// between them: every number of a person has one.
	longNumber = regexp.MustCompile(`\p{Nd}(?:[ ().+/\p{Pd}\p{Cf}]*\p{Nd}){5,}`)

	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscapes   = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+`)
)

// Words makes a provider's words fit for an error or a detail: on one line, short,
// without long numbers, and empty if they repeat eight characters in a row of
// anything hidden, such as a secret or the text, or all of a shorter one, or if either
// stands there with the escapes of a URL, of JSON or of HTML. What is encoded in other
// ways, such as base64, is not found. Codes are for the caller to put before them.
func Words(words string, hidden ...string) string {
	words = singleLine(words[:min(len(words), maxScanBytes)])
	masked, plain := longNumber.ReplaceAllString(words, "***"), unescape(words)
	for _, h := range hidden {
		h = singleLine(h)
		if sharesPiece(words, h) || sharesPiece(plain, h) {
			return ""
		}
	}
	if longNumber.MatchString(unescape(masked)) {
		return "" // the escapes stood between its digits, or for them
	}
	runes := []rune(masked)
	return string(runes[:min(len(runes), maxWordRunes)])
}

// singleLine puts a text on one line.
func singleLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// unescape returns what a text says to whoever reads it as a form, as JSON and as
// HTML, on one line. What is no escape stays.
func unescape(s string) string {
	s = percentEscape.ReplaceAllStringFunc(strings.ReplaceAll(s, "+", " "), func(escape string) string {
		n, _ := strconv.ParseUint(escape[1:], 16, 8)
		return string([]byte{byte(n)})
	})
	s = jsonEscapes.ReplaceAllStringFunc(s, func(escapes string) string {
		var units []uint16
		for unit := range strings.SplitSeq(escapes[2:], `\u`) {
			n, _ := strconv.ParseUint(unit, 16, 16)
			units = append(units, uint16(n))
		}
		return string(utf16.Decode(units))
	})
	return singleLine(html.UnescapeString(namedEscapes.Replace(s)))
}

// namedEscapes are the escapes of JSON that are no number.
var namedEscapes = strings.NewReplacer(
	`\b`, " ", `\f`, " ", `\n`, " ", `\r`, " ", `\t`, " ", `\"`, `"`, `\/`, "/", `\\`, `\`)

// sharesPiece reports whether s repeats a telling piece of hidden.
func sharesPiece(s, hidden string) bool {
	runes := []rune(hidden)
	if len(runes) == 0 {
		return false
	}
	size := min(len(runes), minLeakRunes)
	for i := range len(runes) - size + 1 {
		if strings.Contains(s, string(runes[i:i+size])) {
			return true
		}
	}
	return false
}
