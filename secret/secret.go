// Package secret has the type of every password, token and key in the module's configs. A
// [Text] keeps its bytes behind a function. So no program prints or stores them by accident,
// through fmt, log/slog or an encoder. fmt prints a Text in an unexported field as the address
// of a function.
//
//	account := line.Account{Token: secret.New(os.Getenv("LINE_TOKEN"))}
//	fmt.Printf("%+v", account) // without the token
package secret

import (
	"fmt"
	"log/slog"

	"github.com/smsplus/smsplus-go/internal/mask"
)

// Text is a secret text. Its zero value is the empty text. A Text cannot be compared with ==;
// compare what [Text.Reveal] returns. It is safe for concurrent use.
type Text struct {
	reveal func() string // nil: empty
}

// New returns the secret text s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{func() string { return s }}
}

// NewAll returns the secret texts, for a list such as that of a rotation.
func NewAll(texts ...string) []Text {
	all := make([]Text, len(texts))
	for i, s := range texts {
		all[i] = New(s)
	}
	return all
}

// Reveal returns the text.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero reports whether the text is empty.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// RevealAll returns the texts.
func RevealAll(ts []Text) []string {
	all := make([]string, len(ts))
	for i, t := range ts {
		all[i] = t.Reveal()
	}
	return all
}

const masked = "[secret]"

// String returns "[secret]", or "" for an empty text.
func (t Text) String() string {
	if t.IsZero() {
		return ""
	}
	return masked
}

// Format writes what String returns, whatever the verb.
func (t Text) Format(f fmt.State, _ rune) { mask.Write(f, t.String()) }

// LogValue returns what String returns.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText returns the result of String. An encoder never writes the secret, and its output
// cannot be decoded.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText sets the text, so that a config file can hold it.
func (t *Text) UnmarshalText(text []byte) error {
	*t = New(string(text))
	return nil
}
