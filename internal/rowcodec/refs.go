package rowcodec

import (
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Refs are provider IDs that a store searches for.
type Refs struct {
	keys   []int64
	wanted map[channel.Ref]bool
}

// Refs returns the refs with the keys under which the store may have them.
func (c *Codec) Refs(refs []channel.Ref) (Refs, error) {
	r := Refs{make([]int64, 0, len(refs)), make(map[channel.Ref]bool, len(refs))}
	for _, ref := range refs {
		keys, err := c.RefKeys(ref)
		if err != nil {
			return Refs{}, err
		}
		r.keys, r.wanted[ref] = append(r.keys, keys...), true
	}
	slices.Sort(r.keys)
	r.keys = slices.Compact(r.keys)
	return r, nil
}

// Keys returns all [Codec.RefKeys] of the refs: ascending, distinct, and never nil.
func (r Refs) Keys() []int64 { return r.keys }

// Has reports whether ref is one of the refs. A row that was found by a key may have another
// ref, because two refs may share a key by chance.
func (r Refs) Has(ref channel.Ref) bool { return r.wanted[ref] }

// KeepMessages removes the messages of which no attempt has one of the refs, and returns the
// shorter slice. An attempt without a provider ID has none.
func (r Refs) KeepMessages(ms []smsplus.Message) []smsplus.Message {
	return slices.DeleteFunc(ms, func(m smsplus.Message) bool {
		return !slices.ContainsFunc(MessageRefs(&m), r.Has)
	})
}

// MessageRefs returns the provider IDs of the message's attempts.
func MessageRefs(m *smsplus.Message) (refs []channel.Ref) {
	for i := range m.Attempts {
		if a := &m.Attempts[i]; a.ProviderID != "" {
			refs = append(refs, channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
		}
	}
	return refs
}

// AttemptKey returns the number under which an attempt is stored, by which its receipts find
// it: the first of its [Codec.RefKeys]. It returns false if the attempt has no provider ID.
func (c *Codec) AttemptKey(a *smsplus.Attempt) (key int64, ok bool, err error) {
	if a.ProviderID == "" {
		return 0, false, nil
	}
	keys, err := c.RefKeys(channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
	if err != nil {
		return 0, false, err
	}
	return keys[0], true, nil
}
