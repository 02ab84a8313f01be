package rowcodec

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
)

// PhoneKeys returns the values that the phone number's column may hold for n. The first
// is the one that is written. A search asks for all of them. They are distinct. The
// zero Number has none, and its column is empty.
func (c *Codec) PhoneKeys(n phone.Number) ([]string, error) {
	if n.IsZero() {
		return nil, nil
	}
	e164 := n.E164()
	if c.sealer == nil {
		return []string{e164}, nil
	}
	hashes, err := c.lookupHashes("phone", []byte(e164))
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, h := range hashes {
		keys = append(keys, base64.RawURLEncoding.EncodeToString(h))
	}
	if c.unsealed {
		keys = append(keys, e164)
	}
	return keys, nil
}

// LookupKey is a hash of a recipient's ID or of a reference. No two texts share one: it has
// 128 bits.
type LookupKey [16]byte

// IDKeys returns the hashes under which a message to the recipient's ID may be stored,
// whatever its channel. The first is the one that is written. A search asks for all of
// them. An empty ID has none.
func (c *Codec) IDKeys(id string) ([]LookupKey, error) { return c.lookupKeys("recipient ID", id) }

// ReferenceKeys returns the hashes under which a message with the reference may be stored.
// The first is the one that is written. A search asks for all of them. An empty reference
// has none.
func (c *Codec) ReferenceKeys(reference string) ([]LookupKey, error) {
	return c.lookupKeys("reference", reference)
}

// lookupKeys returns the hashes of a text of a kind: those with each of the Sealer's keys,
// and the one without a key if such rows may exist.
func (c *Codec) lookupKeys(kind, text string) ([]LookupKey, error) {
	if text == "" {
		return nil, nil
	}
	var keys []LookupKey
	if c.sealer != nil {
		hashes, err := c.lookupHashes(kind, []byte(text))
		if err != nil {
			return nil, err
		}
		for _, h := range hashes {
			keys = append(keys, LookupKey(h)) // the first 16 bytes
		}
	}
	if c.sealer == nil || c.unsealed {
		unkeyed := sha256.Sum256(append(appendText(nil, kind), text...))
		keys = append(keys, LookupKey(unkeyed[:]))
	}
	return keys, nil
}

// RecipientKeys returns the hashes that are written for the IDs of a recipient, each once
// and in order. A recipient without IDs has none.
func (c *Codec) RecipientKeys(r channel.Recipient) ([]LookupKey, error) {
	var keys []LookupKey
	for _, id := range r.IDs {
		all, err := c.IDKeys(id)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			keys = append(keys, all[0])
		}
	}
	slices.SortFunc(keys, func(a, b LookupKey) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys), nil
}

// PersonKeys returns the hashes under which messages to any ID of a person may be stored.
func (c *Codec) PersonKeys(person channel.Recipient) ([]LookupKey, error) {
	var keys []LookupKey
	for _, id := range person.IDs {
		all, err := c.IDKeys(id)
		if err != nil {
			return nil, err
		}
		keys = append(keys, all...)
	}
	return keys, nil
}

// RefKeys returns the numbers under which a record with the provider's ID may be
// stored. The first is the one that is written. A search asks for all of them and must
// compare the IDs that it finds, because two IDs may share a number by chance.
func (c *Codec) RefKeys(ref channel.Ref) ([]int64, error) {
	b := appendText(nil, string(ref.Channel))
	return c.lookupNumbers("ref", append(b, ref.ProviderID...))
}

// lookupNumbers returns 64 bits of each hash of the value. The hash without a key is the
// only one without a Sealer, and the last one if unsealed rows may exist.
func (c *Codec) lookupNumbers(kind string, value []byte) (keys []int64, err error) {
	if c.sealer != nil {
		hashes, err := c.lookupHashes(kind, value)
		if err != nil {
			return nil, err
		}
		for _, h := range hashes {
			keys = append(keys, hashNumber(h))
		}
	}
	if c.sealer == nil || c.unsealed {
		unkeyed := sha256.Sum256(value)
		keys = append(keys, hashNumber(unkeyed[:]))
	}
	return keys, nil
}

func hashNumber(hash []byte) int64 { return int64(binary.BigEndian.Uint64(hash)) }

// lookupHashes returns the Sealer's hashes of a value. Values of different kinds have
// different hashes.
func (c *Codec) lookupHashes(kind string, value []byte) ([][]byte, error) {
	hashes, err := c.sealer.Lookup(append(appendText(nil, kind), value...))
	if err != nil {
		return nil, err
	}
	if len(hashes) == 0 {
		return nil, fmt.Errorf("rowcodec: the Sealer's Lookup returned no hash")
	}
	for _, h := range hashes {
		if len(h) < 16 {
			return nil, fmt.Errorf("rowcodec: the Sealer's Lookup returned a hash of %d bytes, want at least 16", len(h))
		}
	}
	return hashes, nil
}
