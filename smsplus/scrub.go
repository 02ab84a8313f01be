package smsplus

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	words "github.com/smsplus/smsplus-go/internal/scrub"
)

const maxDetail = 500 // bytes; a provider's words, not its pages

// scrubDetail removes personal data from a provider's text before it is stored: the phone number
// with and without the country code, the recipient's IDs, and the variables' values.
func scrubDetail(detail string, m *Message) string {
	if detail == "" {
		return ""
	}
	p := words.Personal{Secrets: slices.AppendSeq(slices.Collect(maps.Values(m.To.IDs)), maps.Values(m.Vars))}
	if n := m.To.Phone; !n.IsZero() {
		p.Number = n.E164()[1+len(n.CountryCode()):]
	}
	return sanitizeText(words.Words(detail, p))
}

// sanitizeText makes a text valid for every store, and at most maxDetail bytes long.
func sanitizeText(s string) string {
	if len(s) <= maxDetail && validText(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	return truncateText(s, maxDetail)
}

// truncateText returns the beginning of a text, at most limit bytes of whole characters.
func truncateText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
