package api

import (
	"net/http"
	"strings"
)

// keyHeaderName is the header of the key that makes a trigger idempotent
// (draft-ietf-httpapi-idempotency-key-header-07, section 2).
const keyHeaderName = "Idempotency-Key"

// parseKey returns the key of a request, or "" if it has none. The draft writes it as a string
// of RFC 9651 (section 3.3.3), in quotes. Many clients leave the quotes out, so that is taken
// too, and means the same.
func parseKey(h http.Header) (string, error) {
	values := h.Values(keyHeaderName)
	if len(values) == 0 {
		return "", nil
	}
	wrong := func(detail string) error {
		return newProblem(codeInvalidRequest, "", mistake{Header: keyHeaderName, Detail: detail})
	}
	if len(values) > 1 {
		return "", wrong("occurs more than once")
	}
	key, ok := unquoteKey(strings.Trim(values[0], " \t"))
	switch {
	case !ok:
		return "", wrong(`must be a string in quotes, of printable ASCII, or such a word without quotes: "order-17"`)
	case len(key) > maxKey:
		return "", wrong("must have 255 bytes at most")
	}
	return key, nil
}

// maxKey is the most bytes of a key.
const maxKey = 255

// unquoteKey returns the text of a key as it stands in the header.
func unquoteKey(value string) (key string, ok bool) {
	if !strings.HasPrefix(value, `"`) {
		isWord := func(r rune) bool { return r > ' ' && r <= '~' && r != '"' && r != '\\' && r != ',' && r != ';' }
		return value, value != "" && strings.IndexFunc(value, func(r rune) bool { return !isWord(r) }) < 0
	}
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch char := value[i]; {
		case char == '"':
			return b.String(), i == len(value)-1 && b.Len() > 0
		case char == '\\':
			if i++; i == len(value) || value[i] != '"' && value[i] != '\\' {
				return "", false
			}
			b.WriteByte(value[i])
		case char < ' ' || char > '~':
			return "", false
		default:
			b.WriteByte(char)
		}
	}
	return "", false
}
