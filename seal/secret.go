package seal

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/smsplus/smsplus-go/secret"
)

// SecretSize is the size of a key, in bytes.
const SecretSize = 32

// parseSecret decodes a key. The error does not repeat it.
func parseSecret(text secret.Text) (key [SecretSize]byte, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text.Reveal())
	switch {
	case text.IsZero():
		return key, errors.New("is required")
	case err != nil:
		return key, errors.New("is no base64")
	case len(b) != SecretSize:
		return key, fmt.Errorf("has %d bytes, want %d", len(b), SecretSize)
	case [SecretSize]byte(b) == key:
		return key, errors.New("is all zeros")
	}
	return [SecretSize]byte(b), nil
}
