package pdu

import (
	"bytes"
	"fmt"
	"strings"
)

// Address is a number or a name, with its type of number and its numbering plan (sections
// 5.2.5 and 5.2.6).
type Address struct {
	TON, NPI uint8
	Addr     string
}

// Types of number and numbering plans.
const (
	TONUnknown       = 0
	TONInternational = 1
	TONNational      = 2
	TONNetwork       = 3 // a short code
	TONAlphanumeric  = 5
	NPIUnknown       = 0
	NPIISDN          = 1 // E.164
)

// Bind is the body of bind_transceiver, bind_transmitter and bind_receiver (section 4.1):
// the account and its settings.
type Bind struct {
	SystemID, Password, SystemType string
	// InterfaceVersion is 0x34 for version 3.4.
	InterfaceVersion uint8
	// AddressRange selects the destination addresses whose messages the ESME gets; empty
	// leaves it to the SMSC.
	AddressRange Address
}

// BindResp is the body of the responses to a bind.
type BindResp struct {
	// SystemID is the SMSC's name for itself.
	SystemID string
	TLVs     TLVs
}

// Message is the body of submit_sm and deliver_sm (sections 4.4.1 and 4.6.1).
type Message struct {
	ServiceType         string
	Source, Destination Address
	ESMClass            uint8
	ProtocolID          uint8
	PriorityFlag        uint8
	// ScheduleDeliveryTime and ValidityPeriod are times in the format of section
	// 7.1.1, or empty.
	ScheduleDeliveryTime, ValidityPeriod string
	RegisteredDelivery                   uint8
	ReplaceIfPresent                     uint8
	DataCoding                           uint8
	DefaultMessageID                     uint8
	// ShortMessage is at most 255 octets, of which the specification allows 254.
	ShortMessage []byte
	TLVs         TLVs
}

// Bits of esm_class, registered_delivery and data_coding (sections 5.2.12, 5.2.17
// and 5.2.19).
const (
	ESMTypes        = 0x3C // the bits for the kind of receipt that a message is, if any
	ESMReceipt      = 0x04 // an SMSC's delivery receipt
	ESMIntermediate = 0x20 // an intermediate notification
	ESMHeader       = 0x40 // the text begins with a user data header
	ReceiptWanted   = 0x01 // a receipt of the final outcome, success or failure
	CodingDefault   = 0x00 // the SMSC's default alphabet
	CodingUCS2      = 0x08
)

// Data is the body of data_sm (section 4.7.1). Its text is a MessagePayload.
type Data struct {
	ServiceType         string
	Source, Destination Address
	ESMClass            uint8
	RegisteredDelivery  uint8
	DataCoding          uint8
	TLVs                TLVs
}

// MessageResp is the body of submit_sm_resp, deliver_sm_resp and data_sm_resp.
type MessageResp struct {
	// MessageID is the SMSC's ID of the message. It is empty in a deliver_sm_resp.
	MessageID string
	TLVs      TLVs
}

// Query is the body of query_sm (section 4.8.1).
type Query struct {
	// MessageID is the SMSC's ID of the message, as its submit_sm_resp has it.
	MessageID string
	// Source is that of the message.
	Source Address
}

// Cancel is the body of cancel_sm (section 4.9.1). Its cancel_sm_resp has none.
type Cancel struct {
	ServiceType string
	// MessageID is the SMSC's ID of the message, as its submit_sm_resp has it.
	MessageID string
	// Source is that of the message. Destination may be zero if there is a MessageID.
	Source, Destination Address
}

// QueryResp is the body of query_sm_resp (section 4.8.2).
type QueryResp struct {
	MessageID string
	// FinalDate is when the message reached a final state, in the format of section 7.1.1,
	// or empty.
	FinalDate string
	// State is the state of the message; StateScheduled if the answer has none.
	State State
	// ErrorCode is the carrier's own.
	ErrorCode uint8
}

// Raw is the body of an operation that this package does not know.
type Raw []byte

func parseBind(b []byte) (*Bind, bool) {
	f := reader{rest: b}
	m := &Bind{
		SystemID:         f.text(),
		Password:         f.text(),
		SystemType:       f.text(),
		InterfaceVersion: f.octet(),
		AddressRange:     f.address(),
	}
	return m, !f.truncated
}

func (m *Bind) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("system_id", m.SystemID)
	w.text("password", m.Password)
	w.text("system_type", m.SystemType)
	w.octets(m.InterfaceVersion)
	w.address("address_range", m.AddressRange)
	return w.b, w.err
}

func parseBindResp(b []byte) *BindResp {
	name, ts := parseResp(b)
	return &BindResp{SystemID: name, TLVs: ts}
}

func (m *BindResp) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("system_id", m.SystemID)
	w.tlvs(m.TLVs)
	return w.b, w.err
}

func parseMessage(b []byte) (*Message, bool) {
	f := reader{rest: b}
	m := &Message{
		ServiceType:          f.text(),
		Source:               f.address(),
		Destination:          f.address(),
		ESMClass:             f.octet(),
		ProtocolID:           f.octet(),
		PriorityFlag:         f.octet(),
		ScheduleDeliveryTime: f.text(),
		ValidityPeriod:       f.text(),
		RegisteredDelivery:   f.octet(),
		ReplaceIfPresent:     f.octet(),
		DataCoding:           f.octet(),
		DefaultMessageID:     f.octet(),
		ShortMessage:         f.takeUpTo(int(f.octet())),
	}
	m.TLVs, _ = parseTLVs(f.rest)
	return m, !f.truncated
}

func (m *Message) append(b []byte) ([]byte, error) {
	if len(m.ShortMessage) > 0xFF {
		return b, fmt.Errorf("pdu: short_message has %d octets, want at most 255", len(m.ShortMessage))
	}
	w := writer{b: b}
	w.text("service_type", m.ServiceType)
	w.address("source_addr", m.Source)
	w.address("destination_addr", m.Destination)
	w.octets(m.ESMClass, m.ProtocolID, m.PriorityFlag)
	w.text("schedule_delivery_time", m.ScheduleDeliveryTime)
	w.text("validity_period", m.ValidityPeriod)
	w.octets(m.RegisteredDelivery, m.ReplaceIfPresent, m.DataCoding, m.DefaultMessageID, uint8(len(m.ShortMessage)))
	w.octets(m.ShortMessage...)
	w.tlvs(m.TLVs)
	return w.b, w.err
}

// Text returns the text's octets, from ShortMessage or from the payload parameter.
func (m *Message) Text() []byte {
	if len(m.ShortMessage) > 0 {
		return m.ShortMessage
	}
	payload, _ := m.TLVs.Get(MessagePayload)
	return payload
}

func parseData(b []byte) (*Data, bool) {
	f := reader{rest: b}
	m := &Data{
		ServiceType:        f.text(),
		Source:             f.address(),
		Destination:        f.address(),
		ESMClass:           f.octet(),
		RegisteredDelivery: f.octet(),
		DataCoding:         f.octet(),
	}
	m.TLVs, _ = parseTLVs(f.rest)
	return m, !f.truncated
}

func (m *Data) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("service_type", m.ServiceType)
	w.address("source_addr", m.Source)
	w.address("destination_addr", m.Destination)
	w.octets(m.ESMClass, m.RegisteredDelivery, m.DataCoding)
	w.tlvs(m.TLVs)
	return w.b, w.err
}

func parseMessageResp(b []byte) *MessageResp {
	id, ts := parseResp(b)
	return &MessageResp{MessageID: id, TLVs: ts}
}

func (m *MessageResp) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("message_id", m.MessageID)
	w.tlvs(m.TLVs)
	return w.b, w.err
}

// parseResp parses a response's one mandatory field and its parameters. Some SMSCs leave
// out the field, or the NUL at its end.
func parseResp(b []byte) (string, TLVs) {
	if len(b) == 0 {
		return "", nil
	}
	first, rest, _ := bytes.Cut(b, []byte{0})
	ts, all := parseTLVs(rest)
	if !all {
		if only, all := parseTLVs(b); all {
			return "", only
		}
	}
	return string(first), ts
}

func parseQuery(b []byte) (*Query, bool) {
	f := reader{rest: b}
	m := &Query{MessageID: f.text(), Source: f.address()}
	return m, !f.truncated
}

func (m *Query) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("message_id", m.MessageID)
	w.address("source_addr", m.Source)
	return w.b, w.err
}

func parseCancel(b []byte) (*Cancel, bool) {
	f := reader{rest: b}
	m := &Cancel{ServiceType: f.text(), MessageID: f.text(), Source: f.address(), Destination: f.address()}
	return m, !f.truncated
}

func (m *Cancel) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("service_type", m.ServiceType)
	w.text("message_id", m.MessageID)
	w.address("source_addr", m.Source)
	w.address("destination_addr", m.Destination)
	return w.b, w.err
}

func parseQueryResp(b []byte) *QueryResp {
	f := reader{rest: b}
	return &QueryResp{MessageID: f.text(), FinalDate: f.text(), State: State(f.octet()), ErrorCode: f.octet()}
}

func (m *QueryResp) append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.text("message_id", m.MessageID)
	w.text("final_date", m.FinalDate)
	w.octets(uint8(m.State), m.ErrorCode)
	return w.b, w.err
}

func (m Raw) append(b []byte) ([]byte, error) { return append(b, m...), nil }

// reader reads a body's mandatory fields one after the other.
type reader struct {
	rest      []byte
	truncated bool // the body ended before its fields did
}

// text reads a C-octet string.
func (f *reader) text() string {
	s, rest, ok := bytes.Cut(f.rest, []byte{0})
	f.rest = rest
	f.truncated = f.truncated || !ok
	return string(s)
}

func (f *reader) octet() uint8 {
	if len(f.rest) == 0 {
		f.truncated = true
		return 0
	}
	c := f.rest[0]
	f.rest = f.rest[1:]
	return c
}

// takeUpTo reads n octets, or the rest of the body if it is shorter. The sm_length of some
// SMSCs is too large, and the text is all there.
func (f *reader) takeUpTo(n int) []byte {
	n = min(n, len(f.rest))
	taken := append([]byte(nil), f.rest[:n]...)
	f.rest = f.rest[n:]
	return taken
}

func (f *reader) address() Address {
	return Address{TON: f.octet(), NPI: f.octet(), Addr: f.text()}
}

// writer appends a body's fields, and keeps the first error.
type writer struct {
	b   []byte
	err error
}

func (w *writer) text(field, s string) {
	if strings.IndexByte(s, 0) >= 0 && w.err == nil {
		w.err = fmt.Errorf("pdu: %s holds a NUL", field)
	}
	w.b = append(append(w.b, s...), 0)
}

func (w *writer) octets(os ...uint8) { w.b = append(w.b, os...) }

func (w *writer) address(field string, a Address) {
	w.octets(a.TON, a.NPI)
	w.text(field, a.Addr)
}

func (w *writer) tlvs(ts TLVs) {
	var err error
	if w.b, err = ts.append(w.b); w.err == nil {
		w.err = err
	}
}
