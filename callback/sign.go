package callback

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/secret"
)

// secretPrefix begins a symmetric secret: the specification, "Signature scheme".
const secretPrefix = "whsec_"

// The bounds of a secret's bytes, by the same section.
const (
	minSecret = 24
	maxSecret = 64
)

// NewSecret returns a random secret for Config.Secrets and for the receiver.
func NewSecret() secret.Text {
	var key [32]byte
	_, _ = rand.Read(key[:]) // it never fails
	return secret.New(secretPrefix + base64.StdEncoding.EncodeToString(key[:]))
}

// parseSecret returns the key of a secret. The error does not repeat it.
func parseSecret(text secret.Text) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text.Reveal(), secretPrefix)
	if !ok {
		return nil, errors.New("it does not begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("the rest is no base64")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("it has %d bytes: want %d to %d", len(key), minSecret, maxSecret)
	}
	return key, nil
}

// sign returns the signatures of a call by all secrets, separated by spaces.
func (s *Sender) sign(id string, sentAt time.Time, body []byte) string {
	signatures := make([]string, len(s.keys))
	for i, key := range s.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(sentAt.Unix(), 10) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}
