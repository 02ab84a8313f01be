package rowcodec

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
)

// PhoneKeys returns what the phone number's column may hold for n: the first is what
// is written, and a search asks for all of them. They are distinct, and there is none
// for the zero Number, whose column is empty.
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
	return append(keys, e164), nil
}

// RefKeys returns the numbers that what has the provider's name may be filed under:
// the first is what is written, and a search asks for all of them. A number may by
// chance be another name's too, so what is found is to be looked at.
func (c *Codec) RefKeys(ref channel.Ref) ([]int64, error) {
	b := appendText(nil, string(ref.Channel))
	return c.lookupNumbers("ref", append(b, ref.ProviderID...))
}

// lookupNumbers returns 64 bits of each hash that the value has, and last of its hash
// without a key, if there are others.
func (c *Codec) lookupNumbers(kind string, value []byte) ([]int64, error) {
	open := sha256.Sum256(value)
	keys := []int64{hashNumber(open[:])}
	if c.sealer == nil {
		return keys, nil
	}
	hashes, err := c.lookupHashes(kind, value)
	if err != nil {
		return nil, err
	}
	keys = keys[:0]
	for _, h := range hashes {
		keys = append(keys, hashNumber(h))
	}
	return append(keys, hashNumber(open[:])), nil
}

func hashNumber(hash []byte) int64 { return int64(binary.BigEndian.Uint64(hash)) }

// lookupHashes asks the Sealer for a value's hashes, which are no other kind's.
func (c *Codec) lookupHashes(kind string, value []byte) ([][]byte, error) {
	hashes, err := c.sealer.Lookup(append(appendText(nil, kind), value...))
	if err != nil {
		return nil, err
	}
	if len(hashes) == 0 {
		return nil, fmt.Errorf("stored: the Sealer's Lookup returned no hash")
	}
	for _, h := range hashes {
		if len(h) < 16 {
			return nil, fmt.Errorf("stored: the Sealer's Lookup returned a hash of %d bytes, want at least 16", len(h))
		}
	}
	return hashes, nil
}
