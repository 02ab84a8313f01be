package channeltest

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
)

// secretTexts maps each text that must not leak to its description.
type secretTexts map[string]string

// secretsOf returns the texts that an error about e must not hold. It includes parts,
// because errors often quote a piece of a URL or of a body.
func (s *suite) secretsOf(e channel.Envelope) secretTexts {
	all := make(secretTexts)
	national := strings.TrimPrefix(e.To.Phone.E164(), "+"+e.To.Phone.CountryCode())
	all.addParts(national, 6, "part of the phone number")
	for name, id := range e.To.IDs {
		all.addParts(id, 12, fmt.Sprintf("part of the ID on %s", name))
	}
	if text, ok := e.Content.(channel.Text); ok {
		all.addParts(string(text), 16, "part of the text")
	}
	for i, secret := range s.Secrets {
		all[secret] = fmt.Sprintf("Harness.Secrets[%d]", i)
	}
	delete(all, "")
	return all
}

// addParts adds every part of s that is size characters long, or all of a shorter s.
func (all secretTexts) addParts(s string, size int, what string) {
	runes := []rune(s)
	for i := range max(1, len(runes)-size+1) {
		all[string(runes[i:min(i+size, len(runes))])] = what
	}
}

// foundIn returns the descriptions of the secrets that an answer of Send holds.
func (all secretTexts) foundIn(result channel.Result, err error) []string {
	var found []string
	for _, text := range append(textsOf(err), result.Detail, string(result.Reason)) {
		for secret, what := range all {
			if strings.Contains(text, secret) {
				found = append(found, what)
			}
		}
	}
	return found
}

// digitSeparators matches what people write between a number's digits.
var digitSeparators = regexp.MustCompile(`(\d)[ ().-]+(\d)`)

// textsOf returns every text that an error can be formatted as, with variants: without
// escapes, and without separators between digits.
func textsOf(err error) []string {
	if err == nil {
		return nil
	}
	all := []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
	if e, ok := err.(*channel.Error); ok { //nolint:errorlint // the recursion checks each error of the tree
		all = append(all, e.Detail(), string(e.Reason()))
	}
	for _, text := range slices.Clip(all) {
		if plain, err := url.QueryUnescape(text); err == nil {
			all = append(all, plain)
		}
		all = append(all, digitSeparators.ReplaceAllString(digitSeparators.ReplaceAllString(text, "$1$2"), "$1$2"))
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			all = append(all, textsOf(e)...)
		}
	}
	return append(all, textsOf(errors.Unwrap(err))...)
}
