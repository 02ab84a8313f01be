package rowcodec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
)

// ErrCorrupt is wrapped by the error about bytes that are not a valid value.
var ErrCorrupt = errors.New("rowcodec: the bytes make no sense")

// ErrSealed is wrapped by the error about a sealed value if there is no Sealer.
var ErrSealed = errors.New("rowcodec: the record is sealed, and there is no Sealer")

// ErrUnsealed is wrapped by the error about a value that is not sealed if there is a Sealer
// and no unsealed values are expected.
var ErrUnsealed = errors.New("rowcodec: the record is not sealed, and Options.Unsealed is not set")

// Codec encodes messages and receipts. It is safe for concurrent use.
type Codec struct {
	sealer seal.Sealer // or nil
	// unsealed says that values from before the Sealer may exist: they are read, and searches
	// ask for their keys too.
	unsealed bool
}

// NewCodec returns a codec that seals personal data. If s is nil, it writes everything
// unencrypted. Without unsealed, a codec with a Sealer refuses values that are not sealed,
// because they could have been written without a key. Its keys are then keyed hashes alone.
func NewCodec(s seal.Sealer, unsealed bool) *Codec { return &Codec{s, unsealed} }

// The first byte of every value is the version of the rest, and a bit that says whether
// the rest is sealed.
//
// Version 2 of a state adds Attempt.Doubts, with Recall and RecallTries above its 32 bits, and
// version 3 Message.ResentAs and Attempt.Content. Version 4 of a state adds Published, and both
// times of messages that are canceled and confirmed: the earlier ones have one for both
// (isConfirmation). Version 2 of a fixed adds Reference and ResendOf. Version 3 of a fixed has
// all IDs of the recipient, where the earlier ones have that on LINE Push alone. Version 4 of a
// fixed adds Class. A value is written as the earliest version that can hold it, so that earlier
// releases can read as much as possible.
const (
	version1  = 1
	version2  = 2
	version3  = 3
	version4  = 4
	sealedBit = 0x80
)

// latestVersion returns the latest version of a kind that this release knows.
func latestVersion(kind string) byte {
	switch kind {
	case fixedKind, stateKind:
		return version4
	}
	return version1
}

// A sealed value is bound to its kind: see associatedData. A route is never sealed.
const (
	fixedKind   = "fixed"
	stateKind   = "state"
	receiptKind = "receipt"
	routeKind   = "route"
)

// EncodeFixed encodes the fields that m's trigger fixed.
func (c *Codec) EncodeFixed(m *smsplus.Message) ([]byte, error) {
	version := fixedVersion(m)
	b := []byte{version}
	if c.sealer != nil {
		b = appendText(b, m.To.Phone.E164())
	}
	if version >= version3 {
		b = appendIDs(b, m.To.IDs)
	} else {
		b = appendText(b, m.To.IDs[channel.LINEPush])
	}
	b = appendMap(b, m.Vars)
	b = appendMap(b, m.Metadata)
	if version >= version2 {
		b = appendText(b, m.Reference)
		b = appendID(b, m.ResendOf)
	}
	if version >= version4 {
		b = append(b, byte(m.Class))
	}
	return c.seal(b, fixedKind, m.ID[:])
}

// DecodeFixed sets the fields of m that EncodeFixed encoded, and the phone number. m.ID
// must be set. phoneColumn is the value of the phone number's column.
func (c *Codec) DecodeFixed(b []byte, phoneColumn string, m *smsplus.Message) error {
	sealed := len(b) > 0 && b[0]&sealedBit != 0
	r, err := c.open(b, fixedKind, m.ID[:])
	if err != nil {
		return err
	}
	e164 := phoneColumn
	if sealed {
		e164 = r.text()
	}
	m.To = channel.Recipient{}
	if b[0]&^sealedBit >= version3 {
		m.To.IDs = r.ids()
	} else if id := r.text(); id != "" {
		m.To.IDs = map[channel.Name]string{channel.LINEPush: id}
	}
	m.Vars = r.textMap()
	m.Metadata = r.textMap()
	m.Reference, m.ResendOf, m.Class = "", uuid.UUID{}, smsplus.Normal
	if b[0]&^sealedBit >= version2 {
		m.Reference = r.text()
		m.ResendOf = r.id()
	}
	if b[0]&^sealedBit >= version4 {
		m.Class = smsplus.Class(r.byte())
	}
	if err := r.finish(fixedKind); err != nil {
		return err
	}
	if !m.Class.Valid() {
		return fmt.Errorf("%w: %s: there is no class %d", ErrCorrupt, fixedKind, m.Class)
	}
	if e164 == "" {
		return nil
	}
	if m.To.Phone, err = phone.Parse(e164); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, fixedKind, err)
	}
	return nil
}

// EncodeState encodes the fields that an update replaces. It rejects a status that does
// not exist and, of all times of m, one outside of the years 1 to 9999.
func (c *Codec) EncodeState(m *smsplus.Message) ([]byte, error) {
	if err := checkMessage(m); err != nil {
		return nil, err
	}
	return c.seal(appendState(nil, m), stateKind, m.ID[:])
}

// DecodeState sets the fields of m that EncodeState encoded. m.ID and m.TriggeredAt
// must be set.
func (c *Codec) DecodeState(b []byte, m *smsplus.Message) error {
	r, err := c.open(b, stateKind, m.ID[:])
	if err != nil {
		return err
	}
	r.state(m, b[0]&^sealedBit)
	return r.finish(stateKind)
}

// DecodeCounted is DecodeState for statistics. IDs of attempts that would have to be computed
// stay zero, because that takes most of the time.
func (c *Codec) DecodeCounted(b []byte, m *smsplus.Message) error {
	r, err := c.open(b, stateKind, m.ID[:])
	if err != nil {
		return err
	}
	r.skipsIDs = true
	r.state(m, b[0]&^sealedBit)
	return r.finish(stateKind)
}

// EncodeRoute returns m's scenario and plan. Equal ones have equal encodings.
func EncodeRoute(m *smsplus.Message) []byte { return AppendRoute(nil, m) }

// AppendRoute appends the result of EncodeRoute to b.
func AppendRoute(b []byte, m *smsplus.Message) []byte { return appendRoute(append(b, version1), m) }

// RouteRange returns the range of the encodings of all routes with a scenario, and of no
// others: from ≤ encoding < to, in the order of their bytes.
func RouteRange(scenario string) (from, to []byte) {
	from = appendText([]byte{version1}, scenario) // every one begins so
	to = slices.Clone(from)
	to[len(to)-1]++ // no text ends in 0xff
	return from, to
}

// DecodeRoute sets the fields of m that EncodeRoute encoded.
func DecodeRoute(b []byte, m *smsplus.Message) error { return DecodeRouteString(string(b), m) }

// DecodeRouteString is DecodeRoute of a string. The texts in m are substrings of s.
func DecodeRouteString(s string, m *smsplus.Message) error {
	if s == "" {
		return errEmpty(routeKind)
	}
	if sealed, err := checkHead(s[0], routeKind); err != nil {
		return err
	} else if sealed {
		return ErrSealed
	}
	r := reader{s: s[1:]}
	r.route(m)
	return r.finish(routeKind)
}

// EncodeReceipt encodes a receipt, and returns a number that only equal receipts share. It
// rejects what EncodeState does.
func (c *Codec) EncodeReceipt(rec *channel.Receipt) (b []byte, key int64, err error) {
	if err := checkReceipt(rec); err != nil {
		return nil, 0, err
	}
	b = appendReceipt([]byte{version1}, rec)
	keys, err := c.lookupNumbers(receiptKind, b)
	if err != nil {
		return nil, 0, err
	}
	b, err = c.seal(b, receiptKind, nil)
	return b, keys[0], err
}

// DecodeReceipt returns the receipt that EncodeReceipt encoded.
func (c *Codec) DecodeReceipt(b []byte) (channel.Receipt, error) {
	r, err := c.open(b, receiptKind, nil)
	if err != nil {
		return channel.Receipt{}, err
	}
	rec := r.receipt()
	return rec, r.finish(receiptKind)
}

// Redact removes personal data from m: the recipient, the variables, the metadata, and
// the error texts and IDs of the providers.
func Redact(m *smsplus.Message) {
	m.To, m.Vars, m.Metadata = channel.Recipient{}, nil, nil
	for i := range m.Attempts {
		m.Attempts[i].Detail, m.Attempts[i].ProviderID = "", ""
	}
}

// seal seals the value b, or returns it unchanged without a Sealer.
func (c *Codec) seal(b []byte, kind string, id []byte) ([]byte, error) {
	if c.sealer == nil {
		return b, nil
	}
	head := b[0] | sealedBit
	sealed, err := c.sealer.Seal(b[1:], associatedData(head, kind, id))
	if err != nil {
		return nil, err
	}
	return append([]byte{head}, sealed...), nil
}

// open returns a reader of the content of the value b.
func (c *Codec) open(b []byte, kind string, id []byte) (*reader, error) {
	if len(b) == 0 {
		return nil, errEmpty(kind)
	}
	head, b := b[0], b[1:]
	sealed, err := checkHead(head, kind)
	if err != nil {
		return nil, err
	}
	switch {
	case !sealed && c.sealer != nil && !c.unsealed:
		return nil, ErrUnsealed
	case !sealed:
		return &reader{s: string(b)}, nil
	case c.sealer == nil:
		return nil, ErrSealed
	}
	b, err = c.sealer.Open(b, associatedData(head, kind, id))
	if err != nil {
		return nil, err
	}
	return &reader{s: string(b)}, nil
}

// checkHead checks the first byte of a value, and reports whether the rest is sealed.
func checkHead(head byte, kind string) (sealed bool, err error) {
	if v, latest := head&^sealedBit, latestVersion(kind); v < version1 || v > latest {
		return false, fmt.Errorf("rowcodec: %s has version %d, and this release knows up to version %d", kind, v, latest)
	}
	return head&sealedBit != 0, nil
}

func errEmpty(kind string) error { return fmt.Errorf("%w: %s is empty", ErrCorrupt, kind) }

// associatedData returns the context that a sealed value is bound to. So it cannot be
// replaced by the value of another record, or by another value of its record.
func associatedData(head byte, kind string, id []byte) []byte {
	b := make([]byte, 0, 1+len(kind)+len(uuid.UUID{}))
	return append(append(append(b, head), kind...), id...)
}
