// Package scrub takes persons and credentials out of the words of providers. The engine and
// the adapters use it before words are stored or logged.
package scrub

import (
	"cmp"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Personal is what words must not show.
type Personal struct {
	// Secrets are texts: credentials, IDs, the values and the text of a message.
	Secrets []string
	// Number is the digits of a telephone number without its country code.
	Number string
	// AnyNumber says that words must not show any run of six digits or more, which a
	// telephone number has. Nor do they show a number of four or five that a secret has, which
	// may be a code.
	AnyNumber bool
}

const (
	mask = "***"
	// maxScan limits the words that are scanned, in bytes. The rest is cut off.
	maxScan = 4096
	// minPiece is the length from which on a piece of a longer secret is taken out, in
	// folded runes.
	minPiece = 8
	// minSecret is the length from which on a secret is looked for inside other words.
	// Shorter ones with a digit, such as codes, are looked for as words of their own.
	minSecret, minCode = 4, 3
	// minNumber is the length of the shortest telephone number, and of the end of a number
	// that reveals it.
	minNumber = 6
	// minCodeInText is the length of the shortest one-time code in a text. Shorter numbers are
	// also a provider's own, such as the limit of 160 characters.
	minCodeInText = 4
)

// Words returns the words with a mask for each part that shows something personal. It finds
// a part in any case, with any digits of Unicode, and with anything between its letters and
// digits. The part may be escaped once or more, as in a URL, in JSON or in HTML, or
// be in base64.
func Words(words string, p Personal) string {
	words = cutText(words, maxScan)
	found := findCredentials(words)
	for _, f := range []folded{foldText(words), foldPlain(words)} { // what looks like an escape may be none
		for _, secret := range p.Secrets {
			found = append(found, f.find(secret)...)
			if p.AnyNumber {
				found = append(found, f.findCodes(secret)...)
			}
		}
		found = append(found, f.findNumbers(p)...)
	}
	for _, secret := range p.Secrets {
		found = append(found, findUnchanged(words, secret)...)
	}
	found = append(found, findEncoded(words, p)...)
	return maskSpans(words, found)
}

// span is a part of the words, from a byte to before another.
type span struct{ start, end int }

func maskSpans(words string, found []span) string {
	slices.SortFunc(found, func(a, b span) int { return cmp.Or(a.start-b.start, a.end-b.end) })
	var out strings.Builder
	done := 0
	for _, s := range found {
		if s.end <= done {
			continue
		}
		if s.start > done || done == 0 {
			out.WriteString(words[done:max(done, s.start)])
			out.WriteString(mask)
		}
		done = s.end
	}
	out.WriteString(words[done:])
	return out.String()
}

// find returns the parts that show a secret, or a long piece of it.
func (f folded) find(secret string) []span {
	s := foldPlain(secret)
	size := min(len(s.runes), minPiece)
	switch {
	case size >= minSecret:
	case size >= minCode && slices.ContainsFunc(s.runes, isDigit):
		return f.inBytes(slices.DeleteFunc(f.findAll(s.runes), func(at span) bool { return !f.isWord(at) }))
	default:
		return nil
	}
	// Letters alone also occur across words: "note" in "cannot escape", "access-token" in
	// "no access to". They count with something between them only if the secret has words.
	hasWords := strings.ContainsFunc(secret, unicode.IsSpace)
	var found []span
	for i := range len(s.runes) - size + 1 {
		piece := s.runes[i : i+size]
		loose := hasWords || slices.ContainsFunc(piece, isDigit)
		for _, at := range f.findAll(piece) {
			if loose || !f.hasGap(at) {
				found = append(found, at)
			}
		}
	}
	return f.inBytes(found)
}

// wordsOfText matches the words of a text that may be codes. Chinese has no spaces between words.
var wordsOfText = regexp.MustCompile(`[A-Za-z\p{Nd}]+`)

// findCodes returns the numbers that are also numbers of a text, and no part of a longer one.
func (f folded) findCodes(text string) []span {
	var found []span
	for _, word := range wordsOfText.FindAllString(text, -1) {
		code := foldPlain(word).runes
		if len(code) < minCodeInText || slices.ContainsFunc(code, func(r rune) bool { return !isDigit(r) }) {
			continue
		}
		for _, at := range f.findAll(code) {
			follows := at.start > 0 && f.gaps[at.start] == 0 && isDigit(f.runes[at.start-1])
			continues := at.end < len(f.runes) && f.gaps[at.end] == 0 && isDigit(f.runes[at.end])
			if !follows && !continues {
				found = append(found, at)
			}
		}
	}
	return f.inBytes(found)
}

// findUnchanged returns the parts that are a secret as it is written.
func findUnchanged(words, secret string) []span {
	var found []span
	for start := 0; utf8.RuneCountInString(secret) >= minSecret; {
		i := strings.Index(words[start:], secret)
		if i < 0 {
			break
		}
		found = append(found, span{start + i, start + i + len(secret)})
		start += i + len(secret)
	}
	return found
}

// findNumbers returns the runs of digits that show a telephone number.
func (f folded) findNumbers(p Personal) []span {
	var found []span
	for i := 0; i < len(f.runes); i++ {
		if !isDigit(f.runes[i]) {
			continue
		}
		begin := i
		for i+1 < len(f.runes) && isDigit(f.runes[i+1]) && f.gaps[i+1] <= maxGap {
			i++
		}
		run := string(f.runes[begin : i+1])
		switch {
		case p.AnyNumber && len(run) >= minNumber,
			p.Number != "" && strings.Contains(run, p.Number),
			len(run) >= minNumber && strings.HasSuffix(p.Number, run):
			found = append(found, span{begin, i + 1})
		}
	}
	return f.inBytes(found)
}

// maxGap is how many characters may stand between two digits of one number.
const maxGap = 6

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// These match what a provider repeats of an Authorization header: the credentials of the
// common schemes, and the value of the header, which is the group.
var (
	credentials   = regexp.MustCompile(`(?i)\b(?:basic|bearer)(?:\s|%20|\+|\\+u0020|&#32;)+[A-Za-z0-9+/=._~%-]{6,}`)
	authorization = regexp.MustCompile(`(?i)\bauthorization["']?\s*[:=]\s*["']?((?:[A-Za-z]+\s+)?[A-Za-z0-9+/=._~%-]{12,})`)
)

func findCredentials(words string) []span {
	var found []span
	for _, at := range credentials.FindAllStringIndex(words, -1) {
		found = append(found, span{at[0], at[1]})
	}
	for _, at := range authorization.FindAllStringSubmatchIndex(words, -1) {
		found = append(found, span{at[2], at[3]})
	}
	return found
}

// encoded matches texts that may be base64.
var encoded = regexp.MustCompile(`[A-Za-z0-9+/_-]{6,}={0,2}`)

// findEncoded returns the parts that show something personal in base64.
func findEncoded(words string, p Personal) []span {
	var found []span
	for _, at := range encoded.FindAllStringIndex(words, -1) {
		text := strings.TrimRight(words[at[0]:at[1]], "=")
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			plain, err := encoding.DecodeString(text)
			if err != nil || !utf8.Valid(plain) {
				continue
			}
			f := foldText(string(plain))
			if slices.ContainsFunc(p.Secrets, func(secret string) bool { return len(f.find(secret)) > 0 }) || len(f.findNumbers(p)) > 0 {
				found = append(found, span{at[0], at[1]})
			}
		}
	}
	return found
}

// cutText returns the beginning of s, at most size bytes of valid UTF-8.
func cutText(s string, size int) string {
	if len(s) > size {
		for size > 0 && !utf8.RuneStart(s[size]) {
			size--
		}
		s = s[:size]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
