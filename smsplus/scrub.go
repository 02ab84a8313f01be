package smsplus

import (
	"strings"
	"unicode/utf8"
)

const (
	maxDetail = 500 // bytes; a provider's words, not its pages
	shortest  = 4   // a value shorter than this is in too many words to be looked for
)

// scrub takes the person out of a provider's words before they are stored: its
// number with and without the country code, its LINE user ID, and the variables'
// values.
func scrub(detail string, m *Message) string {
	if detail == "" {
		return ""
	}
	detail = clean(detail)
	if n := m.To.Phone; !n.IsZero() {
		digits := n.E164()[1:]
		detail = hide(detail, digits)
		detail = hide(detail, digits[len(n.CountryCode()):])
	}
	detail = hide(detail, m.To.LINEUserID)
	for _, value := range m.Vars {
		detail = hide(detail, value)
	}
	return detail
}

func hide(s, secret string) string {
	if len(secret) < shortest {
		return s
	}
	return strings.ReplaceAll(s, secret, "***")
}

// clean makes words storable, and short.
func clean(s string) string {
	if len(s) <= maxDetail && storable(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= maxDetail {
		return s
	}
	end := maxDetail
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
