// Package rowcodec is how the durable stores write a message: which of its fields are
// columns that a database searches is each store's own choice, and the rest is
// encoded here into three values.
//
//   - fixed: what a trigger fixes and nobody searches: LINE user ID, variables,
//     metadata. An update never writes it again.
//   - state: what updates replace and nobody searches: the attempts, and the times
//     but TriggeredAt and DueAt.
//   - route: scenario and plan. All messages of a template have the same, so a store
//     may keep it once.
//
// The phone number is a column, for it is searched: [Codec.PhoneKeys] says what stands
// in it. Provider IDs and parked receipts are found by a number, [Codec.RefKeys].
//
// With a [seal.Sealer], fixed, state and receipts are sealed, the phone number goes
// into fixed, and its column and the numbers hold keyed hashes. Rows from before there
// was a Sealer are still read and found.
//
// The encoding outlives the process, so every value begins with its version, and
// bytes that make no sense are an error and never a panic. It is binary, for the same
// fields as JSON take several times the room. Times are whole microseconds in UTC; nil
// and empty are one.
//
//	fixed, err := codec.EncodeFixed(&m)
//	state, err := codec.EncodeState(&m)
//	// and back, once the columns are in m:
//	err = codec.DecodeFixed(fixed, phoneColumn, &m)
//	err = codec.DecodeState(state, &m)
package rowcodec

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
)

// ErrCorrupt is what decoding wraps when bytes make no sense.
var ErrCorrupt = errors.New("stored: the bytes make no sense")

// ErrSealed is what decoding wraps when a value is sealed and there is no Sealer.
var ErrSealed = errors.New("stored: the record is sealed, and there is no Sealer")

// Codec encodes messages and receipts. It is safe for concurrent use.
type Codec struct {
	sealer seal.Sealer // or nil
}

// NewCodec returns a codec that seals what says something of a person. With nil it
// writes all in the open.
func NewCodec(s seal.Sealer) *Codec { return &Codec{s} }

// Every value's first byte is the version of what follows it, with a bit that says
// whether that is sealed.
const (
	version   = 1
	sealedBit = 0x80
)

// The kinds of values, which sealed ones are bound to.
const (
	fixedKind   = "fixed"
	stateKind   = "state"
	receiptKind = "receipt"
)

// EncodeFixed returns what m's trigger fixed.
func (c *Codec) EncodeFixed(m *smsplus.Message) ([]byte, error) {
	b := []byte{version}
	if c.sealer != nil {
		b = appendText(b, m.To.Phone.E164())
	}
	b = appendText(b, m.To.LINEUserID)
	b = appendMap(b, m.Vars)
	b = appendMap(b, m.Metadata)
	return c.seal(b, fixedKind, m.ID[:])
}

// DecodeFixed fills the fields of m that EncodeFixed encoded, and the phone number.
// The ID must be there; phoneColumn is what the phone number's column holds.
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
	m.To = channel.Recipient{LINEUserID: r.text()}
	m.Vars = r.textMap()
	m.Metadata = r.textMap()
	if err := r.finish(fixedKind); err != nil || e164 == "" {
		return err
	}
	if m.To.Phone, err = phone.Parse(e164); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, fixedKind, err)
	}
	return nil
}

// EncodeState returns what updates replace. It refuses a message with a status that
// does not exist.
func (c *Codec) EncodeState(m *smsplus.Message) ([]byte, error) {
	if !m.Status.Valid() {
		return nil, fmt.Errorf("stored: Message.Status %d does not exist", m.Status)
	}
	for i := range m.Attempts {
		if s := m.Attempts[i].Status; !s.Valid() {
			return nil, fmt.Errorf("stored: Message.Attempts[%d].Status %d does not exist", i, s)
		}
	}
	b := appendState([]byte{version}, m)
	return c.seal(b, stateKind, m.ID[:])
}

// DecodeState fills the fields of m that EncodeState encoded. The ID and TriggeredAt
// must be there.
func (c *Codec) DecodeState(b []byte, m *smsplus.Message) error {
	r, err := c.open(b, stateKind, m.ID[:])
	if err != nil {
		return err
	}
	r.state(m)
	return r.finish(stateKind)
}

// EncodeRoute returns m's scenario and plan: equal ones for equal ones.
func EncodeRoute(m *smsplus.Message) []byte { return appendRoute([]byte{version}, m) }

// DecodeRoute fills the fields of m that EncodeRoute encoded.
func DecodeRoute(b []byte, m *smsplus.Message) error {
	r, err := (&Codec{}).open(b, "route", nil)
	if err != nil {
		return err
	}
	r.route(m)
	return r.finish("route")
}

// EncodeReceipt returns a receipt, and a number that only an equal one has.
func (c *Codec) EncodeReceipt(rec *channel.Receipt) (b []byte, key int64, err error) {
	b = appendReceipt([]byte{version}, rec)
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

// Redact takes out of m what says who it was for and what it told them: the
// recipient, the variables, the metadata, the providers' words and their IDs.
func Redact(m *smsplus.Message) {
	m.To, m.Vars, m.Metadata = channel.Recipient{}, nil, nil
	for i := range m.Attempts {
		m.Attempts[i].Detail, m.Attempts[i].ProviderID = "", ""
	}
}

// seal returns the value b sealed, or as it is without a Sealer.
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

// open returns a reader of what the value b holds.
func (c *Codec) open(b []byte, kind string, id []byte) (*reader, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: %s is empty", ErrCorrupt, kind)
	}
	head, b := b[0], b[1:]
	if v := head &^ sealedBit; v != version {
		return nil, fmt.Errorf("stored: %s has version %d, and this release knows only %d", kind, v, version)
	}
	if head&sealedBit == 0 {
		return &reader{s: string(b)}, nil
	}
	if c.sealer == nil {
		return nil, ErrSealed
	}
	b, err := c.sealer.Open(b, associatedData(head, kind, id))
	if err != nil {
		return nil, err
	}
	return &reader{s: string(b)}, nil
}

// associatedData is what a sealed value is bound to: no other record's, or other value of the
// same record, can be put into its place.
func associatedData(head byte, kind string, id []byte) []byte {
	b := make([]byte, 0, 1+len(kind)+len(uuid.UUID{}))
	return append(append(append(b, head), kind...), id...)
}
