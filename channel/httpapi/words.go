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
	maxWordRunes = 300  // runes of a detail: a provider's words, not its pages
	maxScanBytes = 4096 // bytes of a provider's words that are scanned
	minLeakRunes = 8    // runes of a hidden text that reveal it
)

var (
	// longNumber matches six digits or more, in any script, with what people write between
	// them. Every telephone number matches.
	longNumber = regexp.MustCompile(`\p{Nd}(?:[ ().+/\p{Pd}\p{Cf}]*\p{Nd}){5,}`)

	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscapes   = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+`)
)

// Words makes a provider's words safe for an error or a detail: on one line, short, and
// without long numbers. It returns "" if they repeat eight characters in a row of any
// hidden text, or all of a shorter one. Hidden texts are secrets and the message. Words
// also finds numbers and hidden texts that are escaped as in a URL, in JSON or in HTML. It
// does not find other encodings, such as base64. The caller puts codes before the words.
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
		return "" // an escape stands between the digits, or for one
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

// unescape decodes a text as a form, as JSON and as HTML, on one line. Anything that is not
// an escape stays.
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

// namedEscapes decodes the escapes of JSON that are not numbers.
var namedEscapes = strings.NewReplacer(
	`\b`, " ", `\f`, " ", `\n`, " ", `\r`, " ", `\t`, " ", `\"`, `"`, `\/`, "/", `\\`, `\`)

// sharesPiece reports whether s repeats minLeakRunes runes in a row of hidden, or all of a
// shorter one.
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
