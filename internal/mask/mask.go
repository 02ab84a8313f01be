// Package mask is what the Format and GobEncode methods share of types that hold personal
// data, secrets or other things that are not to be printed.
//
//	func (r Receipt) Format(f fmt.State, _ rune)   { mask.Write(f, r.String()) }
//	func (r Receipt) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
//	func (r Receipt) LogValue() slog.Value         { return slog.StringValue(r.String()) }
//	func (Receipt) GobEncode() ([]byte, error)     { return nil, mask.ErrPersonal }
//
// Each type needs the methods itself: a type that it embeds knows nothing of it.
// internal/archtest prints every exported type and looks for its fields.
package mask

import (
	"errors"
	"fmt"
	"io"
)

// ErrPersonal is the error of an encoder that would write personal data in the open.
var ErrPersonal = errors.New("smsplus: personal data is not encoded: encode the fields that you need, or export records with package query")

// Write writes a text for any verb of fmt. A type that had only String would print its fields
// for the other verbs.
func Write(f fmt.State, text string) { _, _ = io.WriteString(f, text) } // fmt has no way to report an error

// Writef is like [Write], for a text with arguments.
func Writef(f fmt.State, format string, args ...any) { Write(f, fmt.Sprintf(format, args...)) }
