package smsplus

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDetail   = 500 // bytes; a provider's words, not its pages
	minRedacted = 4   // a value shorter than this is in too many words to be looked for
)

// scrub takes the person out of a provider's words before they are stored: its
// number with and without the country code, its LINE user ID, and the variables'
// values.
func scrub(detail string, m *Message) string {
	if detail == "" {
		return ""
	}
	if n := m.To.Phone; !n.IsZero() {
		detail = redactNumber(detail, n.E164()[1+len(n.CountryCode()):])
	}
	detail = redact(detail, m.To.LINEUserID)
	longest := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, value := range slices.SortedFunc(maps.Values(m.Vars), longest) {
		detail = redact(detail, value)
	}
	return sanitize(detail)
}

// redactNumber takes out every run of digits that holds the subscriber number, however
// it is grouped and whatever stands before it: "+886 912-345-678", "0912345678".
func redactNumber(s, subscriber string) string {
	var out strings.Builder
	for s != "" {
		begin := strings.IndexAny(s, "0123456789")
		if begin < 0 {
			break
		}
		end, digits := begin, make([]byte, 0, len(s)-begin)
		for i := begin; i < len(s) && strings.IndexByte("0123456789 -.()/", s[i]) >= 0; i++ {
			if c := s[i]; '0' <= c && c <= '9' {
				digits, end = append(digits, c), i+1
			}
		}
		out.WriteString(s[:begin])
		if strings.Contains(string(digits), subscriber) {
			out.WriteString("***")
		} else {
			out.WriteString(s[begin:end])
		}
		s = s[end:]
	}
	out.WriteString(s)
	return out.String()
}

func redact(s, secret string) string {
	if len(secret) < minRedacted {
		return s
	}
	return strings.ReplaceAll(s, secret, "***")
}

// sanitize makes words storable, and short.
func sanitize(s string) string {
	if len(s) <= maxDetail && validText(s) {
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
