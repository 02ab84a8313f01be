package console

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/smsplus/smsplus-go/secret"
)

// errToken says that a token was made with another secret, or was changed.
var errToken = errors.New("console: token cannot be opened")

// tokenKey encrypts what people search for. URLs end up in the logs of proxies and the
// histories of browsers, where no telephone number may stand.
type tokenKey struct{ aead cipher.AEAD }

// newTokenKey returns the key of a secret, or a random one if there is none.
func newTokenKey(text secret.Text) (tokenKey, error) {
	seed := []byte("smsplus console token\x00" + text.Reveal())
	if text.IsZero() {
		seed = make([]byte, minSecret)
		_, _ = rand.Read(seed) // it never fails
	}
	key := sha256.Sum256(seed)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return tokenKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return tokenKey{aead}, err
}

// sealText returns a token for a text. The purpose keeps tokens of different fields apart.
func (k tokenKey) sealText(purpose, text string) string {
	return base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, []byte(text), []byte(purpose)))
}

// openText returns the text of a token.
func (k tokenKey) openText(purpose, token string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", errToken
	}
	text, err := k.aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return "", errToken
	}
	return string(text), nil
}
