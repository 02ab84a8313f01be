package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/secret"
)

// ErrOpen reports sealed bytes that cannot be opened. They were changed, were never sealed,
// or were sealed with other associated data or with another key of the same ID. The errors
// of [Ring.Open] wrap it.
var ErrOpen = errors.New("seal: this cannot be opened")

// ErrKey reports a key that is not in the ring. [Ring.Open] wraps it in an error that names
// the key's ID.
var ErrKey = errors.New("seal: no such key in the ring")

// Config holds the secrets of a [Ring]. Each is the standard base64 of 32 random bytes, as
// printed by
//
//	openssl rand -base64 32
type Config struct {
	// Keys are the encryption keys. The first one seals, and all of them open. At least one
	// is required. A key may seal 2^32 times (NIST SP 800-38D, section 8.3). A message is
	// sealed about four times in its life, so put a new key in front every billion messages.
	Keys []Key
	// Lookups are the secrets of the hashes. The first one hashes new records, and a search
	// tries all of them. At least one is required. A secret must not be in Keys too.
	Lookups []secret.Text
}

// Key is one key of a [Ring].
type Key struct {
	// ID names the key in the sealed bytes. It must be a number that no other key ever had.
	ID     uint32
	Secret secret.Text
}

// Ring is a [Sealer]. It seals with AES-256-GCM and a random nonce (NIST SP 800-38D), and
// hashes with HMAC-SHA-256 truncated to 16 bytes (RFC 2104, section 5). [NewRing] makes it.
// It is safe for concurrent use.
type Ring struct {
	sealingID uint32
	keys      map[uint32]cipher.AEAD
	// lookups returns the secrets of the hashes. It is a function because fmt prints a
	// function as an address, with any verb.
	lookups func() [][SecretSize]byte
}

var _ Sealer = (*Ring)(nil)

// NewRing returns a ring with the keys, or an error that names every mistake in the config.
func NewRing(c Config) (*Ring, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("seal: "+format, args...)) }

	r := &Ring{keys: make(map[uint32]cipher.AEAD)}
	seen := make(map[[SecretSize]byte]string)
	use := func(field string, s secret.Text) [SecretSize]byte {
		key, err := parseSecret(s)
		if err != nil {
			bad("%s %w", field, err)
		} else if other, ok := seen[key]; ok {
			bad("%s is the same as %s", field, other)
		}
		seen[key] = field
		return key
	}
	if len(c.Keys) == 0 {
		bad("Config.Keys is required")
	}
	for i, k := range c.Keys {
		key := use(fmt.Sprintf("Config.Keys[%d].Secret", i), k.Secret)
		if _, ok := r.keys[k.ID]; ok {
			bad("Config.Keys[%d].ID %d is there twice", i, k.ID)
		}
		aead, err := newAEAD(key)
		if err != nil {
			bad("Config.Keys[%d]: %w", i, err)
		}
		r.keys[k.ID] = aead
	}
	if len(c.Lookups) == 0 {
		bad("Config.Lookups is required")
	}
	var lookups [][SecretSize]byte
	for i, s := range c.Lookups {
		lookups = append(lookups, use(fmt.Sprintf("Config.Lookups[%d]", i), s))
	}
	r.lookups = func() [][SecretSize]byte { return lookups }
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	r.sealingID = c.Keys[0].ID
	return r, nil
}

func newAEAD(key [SecretSize]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// The sealed bytes are formatVersion, the key's ID (4 bytes, big-endian), the nonce and the
// ciphertext with its tag.
const (
	formatVersion = 1
	headerSize    = 1 + 4
)

// Seal implements [Sealer].
func (r *Ring) Seal(plaintext, associatedData []byte) ([]byte, error) {
	aead := r.keys[r.sealingID]
	b := make([]byte, 0, headerSize+len(plaintext)+aead.Overhead())
	b = binary.BigEndian.AppendUint32(append(b, formatVersion), r.sealingID)
	return aead.Seal(b, nil, plaintext, associatedData), nil
}

// Open implements [Sealer]. Its error is an [ErrKey] or an [ErrOpen].
func (r *Ring) Open(sealed, associatedData []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != formatVersion {
		return nil, fmt.Errorf("%w: it has no form that this version knows", ErrOpen)
	}
	id := binary.BigEndian.Uint32(sealed[1:])
	aead, ok := r.keys[id]
	if !ok {
		return nil, fmt.Errorf("%w: %d", ErrKey, id)
	}
	plaintext, err := aead.Open(nil, nil, sealed[headerSize:], associatedData)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

const lookupSize = 16

// Lookup implements [Sealer].
func (r *Ring) Lookup(value []byte) ([][]byte, error) {
	lookups := r.lookups()
	hashes := make([][]byte, len(lookups))
	for i := range lookups {
		h := hmac.New(sha256.New, lookups[i][:])
		h.Write(value)
		hashes[i] = h.Sum(nil)[:lookupSize]
	}
	return hashes, nil
}

// Format prints no key, whatever the verb.
func (Ring) Format(f fmt.State, _ rune) {
	mask.Write(f, "seal.Ring(hidden)")
}
