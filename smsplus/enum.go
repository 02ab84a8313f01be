package smsplus

import (
	"fmt"
	"slices"
)

// enum is the texts of an enumeration whose numbers stores keep.
type enum struct {
	name  string
	texts []string // by number; the first is also that of ""
	want  string   // the texts for an error
}

// textOf returns the text of a number, for a String method.
func (e *enum) textOf(n uint8) string {
	if int(n) < len(e.texts) {
		return e.texts[n]
	}
	return fmt.Sprintf("%s(%d)", e.name, n)
}

// marshalNumber returns the text of a number, for a MarshalText method.
func (e *enum) marshalNumber(n uint8) ([]byte, error) {
	if int(n) >= len(e.texts) {
		return nil, fmt.Errorf("smsplus: there is no %s %d", e.name, n)
	}
	return []byte(e.texts[n]), nil
}

// parseNumber returns the number of a text, for an UnmarshalText method.
func (e *enum) parseNumber(text []byte) (uint8, error) {
	if len(text) == 0 {
		return 0, nil
	}
	if i := slices.Index(e.texts, string(text)); i >= 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("smsplus: no such %s (%d characters): want %s", e.name, len(text), e.want)
}
