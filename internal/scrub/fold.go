package scrub

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// folded is a text without what people and encoders vary: its letters in lower case and
// its digits as 0 to 9, with nothing between them.
type folded struct {
	runes []rune
	// places are the parts of the text that the runes stand for. len(places) == len(runes).
	places []span
	// gaps are the numbers of characters that were left out before each of the runes.
	gaps    []int
	skipped int // the characters that were left out since the last rune
}

// escapes matches a run of escapes of a URL, of JSON or of bytes, or one of HTML. Each may
// be escaped again, as in a URL inside a URL.
var escapes = regexp.MustCompile(`(?:%(?:25)*[0-9A-Fa-f]{2})+|(?:\\+u[0-9A-Fa-f]{4})+|(?:\\+x[0-9A-Fa-f]{2})+|` +
	`\\[bfnrt"/\\]|&(?:amp;)*#?[0-9A-Za-z]{1,8};`)

// foldPlain folds a text without escapes.
func foldPlain(text string) folded {
	var f folded
	f.addPlain(text, 0, len(text))
	return f
}

// foldText folds a text with escapes.
func foldText(text string) folded {
	var f folded
	done := 0
	for _, at := range escapes.FindAllStringIndex(text, -1) {
		f.addPlain(text, done, at[0])
		f.addEscaped(text, at[0], at[1])
		done = at[1]
	}
	f.addPlain(text, done, len(text))
	return f
}

func (f *folded) addPlain(text string, start, end int) {
	for i := start; i < end; {
		r, size := utf8.DecodeRuneInString(text[i:end])
		f.add(r, span{i, i + size})
		i += size
	}
}

// addEscaped adds the runes that escapes stand for. All of them have the place of all.
func (f *folded) addEscaped(text string, start, end int) {
	for _, r := range decodeEscapes(text[start:end]) {
		f.add(r, span{start, end})
	}
}

func (f *folded) add(r rune, at span) {
	if r = foldRune(r); r < 0 {
		f.skipped++
		return
	}
	f.runes, f.places, f.gaps = append(f.runes, r), append(f.places, at), append(f.gaps, f.skipped)
	f.skipped = 0
}

// foldRune returns the rune that a rune counts as, or -1 for one that does not count.
func foldRune(r rune) rune {
	const fullWidth = 0xFEE0 // from ! to ～, a copy of ASCII
	if 0xFF01 <= r && r <= 0xFF5E {
		r -= fullWidth
	}
	switch {
	case unicode.IsDigit(r):
		return digit(r)
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.So, r):
		return unicode.ToLower(r)
	default:
		return -1
	}
}

// digit returns a digit of any script as 0 to 9. Unicode has them in tens.
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}

// decodeEscapes decodes what escapes matches.
func decodeEscapes(s string) string {
	switch s[0] {
	case '%':
		var b []byte
		for hex := range strings.SplitSeq(s[1:], "%") {
			b = append(b, byte(parseHex(hex[len(hex)-2:])))
		}
		return decodeText(b)
	case '\\':
		return unescapeBackslashes(strings.ReplaceAll(s, `\`, ""))
	default:
		return html.UnescapeString("&" + strings.ReplaceAll(s[1:], "amp;", ""))
	}
}

// unescapeBackslashes decodes escapes whose backslashes were taken away.
func unescapeBackslashes(s string) string {
	switch {
	case strings.HasPrefix(s, "u"):
		var units []uint16
		for hex := range strings.SplitSeq(s[1:], "u") {
			units = append(units, parseHex(hex))
		}
		return string(utf16.Decode(units))
	case strings.HasPrefix(s, "x"):
		var b []byte
		for hex := range strings.SplitSeq(s[1:], "x") {
			b = append(b, byte(parseHex(hex)))
		}
		return decodeText(b)
	default:
		return " "
	}
}

// decodeText decodes UTF-8, or Latin-1 if it is not valid as UTF-8.
func decodeText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var text []rune
	for _, c := range b {
		text = append(text, rune(c))
	}
	return string(text)
}

func parseHex(s string) uint16 {
	n, _ := strconv.ParseUint(s, 16, 16) // the pattern matches hexadecimal digits alone
	return uint16(n)
}

// findAll returns the positions of a piece among the runes.
func (f folded) findAll(piece []rune) []span {
	var found []span
	for i := 0; i+len(piece) <= len(f.runes); i++ {
		if f.runes[i] == piece[0] && string(f.runes[i:i+len(piece)]) == string(piece) {
			found = append(found, span{i, i + len(piece)})
		}
	}
	return found
}

// hasGap reports whether anything stands between the runes at a position.
func (f folded) hasGap(at span) bool {
	for i := at.start + 1; i < at.end; i++ {
		if f.places[i].start > f.places[i-1].end {
			return true
		}
	}
	return false
}

// isWord reports whether something stands before and after the runes at a position.
func (f folded) isWord(at span) bool {
	before := at.start == 0 || f.places[at.start].start > f.places[at.start-1].end
	after := at.end == len(f.runes) || f.places[at.end].start > f.places[at.end-1].end
	return before && after
}

// inBytes returns positions among the runes as parts of the text.
func (f folded) inBytes(found []span) []span {
	for i, at := range found {
		found[i] = span{f.places[at.start].start, f.places[at.end-1].end}
	}
	return found
}
