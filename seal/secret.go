package seal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// SecretSize is the size of a [Secret], in bytes.
const SecretSize = 32

// Secret is the 32 bytes of a key. It prints as "seal.Secret(hidden)" through every
// verb of fmt, every slog handler and every encoder.
type Secret [SecretSize]byte

const hiddenText = "seal.Secret(hidden)"

// ParseSecret parses the standard base64 of 32 random bytes, as printed by
//
//	openssl rand -base64 32
//
// Its error does not repeat the text.
func ParseSecret(text string) (Secret, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return Secret{}, errors.New("seal: the secret is no base64")
	}
	if len(b) != SecretSize {
		return Secret{}, fmt.Errorf("seal: the secret has %d bytes, want %d", len(b), SecretSize)
	}
	return Secret(b), nil
}

// IsZero reports whether all bytes of s are zero.
func (s Secret) IsZero() bool { return s == Secret{} }

// String hides the secret.
func (s Secret) String() string { return hiddenText }

// GoString hides the secret.
func (s Secret) GoString() string { return hiddenText }

// Format hides the secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, hiddenText) // fmt has no way to report it
}

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hiddenText), nil }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hiddenText) }
