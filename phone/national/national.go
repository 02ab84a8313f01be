// Package national parses telephone numbers as people type them, and lists the countries
// for a form's drop-down.
//
//	n, err := national.Parse("0912-345-678", "TW") // +886912345678
//
// It is built on github.com/nyaruka/phonenumbers, a port of Google's libphonenumber. Its
// metadata adds some megabytes to a program, so package phone and the engine do not use it.
package national

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/smsplus/smsplus-go/phone"
)

// ErrInvalid reports a text that is no valid number of its country. The errors of [Parse]
// wrap it. No error repeats the text.
var ErrInvalid = errors.New("national: not a valid number")

// ErrRegion reports a region that is no country. [Parse] wraps it.
var ErrRegion = errors.New("national: no such region")

// Parse parses a number as people of a region type it. It may have its trunk zero or not,
// digits of any script, spaces and punctuation, or its country code after a plus or 00.
// The region is a country's two letters (ISO 3166-1), "TW". It may be "" if every number
// has its country code. The number has to be valid in its country's numbering plan, and
// needs no extension. Parse does not find out whether the number is in use.
func Parse(input, region string) (phone.Number, error) {
	region = strings.ToUpper(strings.TrimSpace(region))
	if region != "" && phonenumbers.GetCountryCodeForRegion(region) == 0 {
		return phone.Number{}, fmt.Errorf("%w (%d characters): want two letters such as TW", ErrRegion, len(region))
	}
	typed, err := normalize(input)
	if err != nil {
		return phone.Number{}, err
	}
	candidates := []string{typed}
	if rest, ok := strings.CutPrefix(typed, "00"); ok {
		candidates = append(candidates, "+"+rest) // 00 is no prefix of some countries, and people dial it
	}
	for _, text := range candidates {
		if text[0] != '+' && region == "" {
			err = fmt.Errorf("%w: it has no country code, and there is no region", ErrInvalid)
			continue
		}
		parsed, parseErr := phonenumbers.Parse(text, cmp.Or(region, "ZZ"))
		if parseErr == nil && phonenumbers.IsValidNumber(parsed) {
			return phone.Parse(phonenumbers.Format(parsed, phonenumbers.E164))
		}
		if err == nil {
			err = fmt.Errorf("%w: %d digits are none of its country's numbers", ErrInvalid, len(strings.TrimPrefix(text, "+")))
		}
	}
	return phone.Number{}, err
}

// punctuation is what people write between digits.
const punctuation = "-.()/+‐‑‒–—―−．（）／－＋"

// normalize returns the digits that were typed, as 0 to 9, after a plus if there was one.
func normalize(input string) (string, error) {
	var out strings.Builder
	for _, r := range input {
		switch {
		case unicode.IsDigit(r):
			out.WriteString(phonenumbers.NormalizeDigitsOnly(string(r)))
		case (r == '+' || r == '＋') && out.Len() == 0:
			out.WriteByte('+')
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), strings.ContainsRune(punctuation, r):
		default:
			return "", fmt.Errorf("%w: it has a character that is no digit", ErrInvalid)
		}
	}
	if strings.Trim(out.String(), "+") == "" {
		return "", fmt.Errorf("%w: it has no digits", ErrInvalid)
	}
	return out.String(), nil
}

// Country is a country, or a territory with telephone numbers of its own.
type Country struct {
	// Region is the country's two letters, "TW".
	Region string
	// Code is the digits of its country code, "886". Several countries may share one.
	Code string
	// Name is the country's name.
	Name string
}

// Countries returns all countries with their names in a language, such as "en" and "zh-TW",
// in the order of their English names. A language that is not known counts as English.
func Countries(lang string) []Country {
	names := display.English.Regions()
	if tag, err := language.Parse(lang); err == nil {
		if own := display.Regions(tag); own != nil {
			names = own
		}
	}
	countries := slices.Clone(inEnglish())
	for i, c := range countries {
		if name := names.Name(language.MustParseRegion(c.Region)); name != "" {
			countries[i].Name = name
		}
	}
	return countries
}

// inEnglish returns the countries with their English names, in that order.
var inEnglish = sync.OnceValue(func() []Country {
	var all []Country
	for region := range phonenumbers.GetSupportedRegions() {
		parsed, err := language.ParseRegion(region)
		if err != nil || !parsed.IsCountry() {
			continue
		}
		all = append(all, Country{
			Region: region,
			Code:   strconv.Itoa(phonenumbers.GetCountryCodeForRegion(region)),
			Name:   display.English.Regions().Name(parsed),
		})
	}
	slices.SortFunc(all, func(a, b Country) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Region, b.Region))
	})
	return all
})
