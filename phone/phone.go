// Package phone provides a telephone number that prints masked.
//
// A [Number] prints masked ("+886******678") through every verb of fmt, every slog handler
// and every encoder. Only [Number.E164] returns the digits, so a search for that name finds
// every place that handles them unmasked.
//
//	n, err := phone.Parse("+886912345678")
//	fmt.Println(n)        // +886******678
//	fmt.Println(n.E164()) // +886912345678
package phone

import (
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/internal/mask"
)

// ErrInvalid reports a text that is not an E.164 number. The errors of [Parse] wrap it.
var ErrInvalid = errors.New("phone: not an E.164 number")

// Number is a telephone number. Numbers are comparable with ==, may be map keys,
// and are safe for concurrent use. The zero Number means "none".
//
// A Number is valid only in its process. To store or transmit it, use [Number.E164] and
// [Parse].
type Number struct {
	// scrambled is the number, scrambled with the factors of this process. Fmt cannot call
	// a method of an unexported field: struct{ n phone.Number } printed with %v shows this
	// integer.
	scrambled uint64
}

const (
	minDigits = 7
	maxDigits = 15 // ITU-T E.164 (11/2010), section 6.1
)

// Parse parses an E.164 number: a plus sign, a country code and a subscriber number, 7 to 15
// digits in all and nothing else ("+886912345678"). Its error wraps [ErrInvalid]. It
// describes what is wrong without repeating the text.
//
// Parse does not check that the country code is assigned, that the number has the right
// length for its country, or that it is in use. Package national parses and checks
// numbers as people type them.
func Parse(e164 string) (Number, error) {
	digits, ok := strings.CutPrefix(e164, "+")
	if !ok {
		return Number{}, fmt.Errorf("%w: it does not begin with +", ErrInvalid)
	}
	if len(digits) < minDigits || len(digits) > maxDigits {
		return Number{}, fmt.Errorf("%w: %d characters after the +, want %d to %d digits",
			ErrInvalid, len(digits), minDigits, maxDigits)
	}
	if digits[0] == '0' {
		return Number{}, fmt.Errorf("%w: no country code begins with 0", ErrInvalid)
	}
	var n uint64
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return Number{}, fmt.Errorf("%w: character %d after the + is not a digit", ErrInvalid, i+1)
		}
		n = n*10 + uint64(c-'0')
	}
	return Number{scramble(n)}, nil
}

// IsZero reports whether n is the zero Number, "none".
func (n Number) IsZero() bool { return n == Number{} }

// E164 returns the number unmasked, "+886912345678", or "" for the zero Number. It is the
// only way to get the digits.
func (n Number) E164() string {
	if n.IsZero() {
		return ""
	}
	var buf [maxDigits + 1]byte
	return string(n.appendE164(buf[:0]))
}

// CountryCode returns the country code's digits ("886"), or "" for the zero Number.
func (n Number) CountryCode() string {
	if n.IsZero() {
		return ""
	}
	var buf [maxDigits + 1]byte
	digits := n.appendE164(buf[:0])[1:]
	return string(digits[:countryCodeLen(digits)])
}

// appendE164 appends the number unmasked.
func (n Number) appendE164(b []byte) []byte {
	return strconv.AppendUint(append(b, '+'), unscramble(n.scrambled), 10)
}

// String returns the number masked, "+886******678". It shows the country code and at most
// the last three digits, and never more than a third of the subscriber number. The zero
// Number is "".
func (n Number) String() string {
	if n.IsZero() {
		return ""
	}
	var buf [maxDigits + 1]byte
	s := n.appendE164(buf[:0])
	from := 1 + countryCodeLen(s[1:])
	shown := min(3, (len(s)-from)/3)
	for i := from; i < len(s)-shown; i++ {
		s[i] = '*'
	}
	return string(s)
}

// GoString returns the number masked, for %#v.
func (n Number) GoString() string { return "phone.Number(" + n.String() + ")" }

// Format writes the number masked, whatever the verb.
func (n Number) Format(f fmt.State, verb rune) {
	s := n.String()
	if verb == 'v' && f.Flag('#') {
		s = n.GoString()
	}
	if verb == 'q' {
		s = strconv.Quote(s)
	}
	mask.Write(f, s)
}

// MarshalText returns the number masked, for logs. There is no UnmarshalText, because the
// text does not hold the number.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// LogValue returns the number masked.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// countryCodeLen returns the length of the country code that digits begin with. The first
// two digits decide, because E.164 country codes are prefix-free (ITU-T, "List of
// Recommendation ITU-T E.164 assigned country codes").
func countryCodeLen(digits []byte) int {
	switch digits[0] {
	case '1', '7':
		return 1
	}
	switch string(digits[:2]) {
	case "20", "27",
		"30", "31", "32", "33", "34", "36", "39",
		"40", "41", "43", "44", "45", "46", "47", "48", "49",
		"51", "52", "53", "54", "55", "56", "57", "58",
		"60", "61", "62", "63", "64", "65", "66",
		"81", "82", "84", "86",
		"90", "91", "92", "93", "94", "95", "98":
		return 2
	}
	return 3
}

// factors are the odd factors of this process, drawn at random. The inverses undo them.
var (
	factors  = [2]uint64{rand.Uint64() | 1, rand.Uint64() | 1}
	inverses = [2]uint64{inverse(factors[0]), inverse(factors[1])}
)

// scramble is a bijection on 64 bits that keeps zero: two rounds of a multiplication by an
// odd factor and a rotation. It hides digits from eyes and logs. It is not encryption.
func scramble(n uint64) uint64 {
	for _, f := range factors {
		n = bits.RotateLeft64(n*f, 32)
	}
	return n
}

func unscramble(n uint64) uint64 {
	n = bits.RotateLeft64(n, -32) * inverses[1]
	return bits.RotateLeft64(n, -32) * inverses[0]
}

// inverse returns the x with f*x == 1 modulo 2^64, by Newton's iteration. It begins with
// x = f, of which three bits are correct. Each round doubles the number of correct bits.
func inverse(f uint64) uint64 {
	x := f
	for range 5 {
		x *= 2 - f*x
	}
	return x
}
