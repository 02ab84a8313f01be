// Package pdu is the wire format of SMPP, the protocol by which carriers and aggregators
// take text messages. It encodes and decodes the PDUs between an ESME (an application) and
// an SMSC (a carrier's message centre).
//
//	b, err := pdu.Append(nil, pdu.PDU{ID: pdu.EnquireLink, Sequence: 7})
//
//	h, err := pdu.ParseHeader(b) // the first HeaderLength octets say how many follow
//	p, err := pdu.Parse(h, b[pdu.HeaderLength:h.Length])
//
// It knows the operations for sending texts, receiving receipts and asking for the state of
// a message. Any other operation is
// a value with a body of type [Raw], and no error. Parsing is lenient wherever SMSCs are
// known to be, and never panics. "The specification" is the Short Message Peer to Peer
// Protocol Specification v3.4, issue 1.2.
package pdu

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// HeaderLength is the number of octets of a header (section 3.2).
	HeaderLength = 16
	// MaxLength is the longest PDU, in octets, that is read or written. The longest useful
	// one holds 65,535 octets in its message_payload.
	MaxLength = 1 << 17
)

var (
	// ErrLength means a command_length shorter than a header or beyond MaxLength. The
	// position of the next PDU is lost, and with it the session.
	ErrLength = errors.New("pdu: the command_length makes no sense")
	// ErrBody means a body that ends in the middle of a mandatory field. The session can
	// continue.
	ErrBody = errors.New("pdu: the body is cut off")
)

// ID is a command_id (section 5.1.2.1). Responses have the highest bit set.
type ID uint32

// The operations that this package knows.
const (
	GenericNack         ID = 0x80000000
	BindReceiver        ID = 0x00000001
	BindReceiverResp    ID = 0x80000001
	BindTransmitter     ID = 0x00000002
	BindTransmitterResp ID = 0x80000002
	QuerySM             ID = 0x00000003
	QuerySMResp         ID = 0x80000003
	SubmitSM            ID = 0x00000004
	SubmitSMResp        ID = 0x80000004
	DeliverSM           ID = 0x00000005
	DeliverSMResp       ID = 0x80000005
	Unbind              ID = 0x00000006
	UnbindResp          ID = 0x80000006
	BindTransceiver     ID = 0x00000009
	BindTransceiverResp ID = 0x80000009
	CancelSM            ID = 0x00000008
	CancelSMResp        ID = 0x80000008 // it has no body
	EnquireLink         ID = 0x00000015
	EnquireLinkResp     ID = 0x80000015
	AlertNotification   ID = 0x00000102 // it has no response, and here no body of its own
	DataSM              ID = 0x00000103
	DataSMResp          ID = 0x80000103
)

var operationNames = map[ID]string{
	GenericNack:  "generic_nack",
	BindReceiver: "bind_receiver", BindReceiverResp: "bind_receiver_resp",
	BindTransmitter: "bind_transmitter", BindTransmitterResp: "bind_transmitter_resp",
	QuerySM: "query_sm", QuerySMResp: "query_sm_resp",
	SubmitSM: "submit_sm", SubmitSMResp: "submit_sm_resp",
	DeliverSM: "deliver_sm", DeliverSMResp: "deliver_sm_resp",
	CancelSM: "cancel_sm", CancelSMResp: "cancel_sm_resp",
	Unbind: "unbind", UnbindResp: "unbind_resp",
	BindTransceiver: "bind_transceiver", BindTransceiverResp: "bind_transceiver_resp",
	EnquireLink: "enquire_link", EnquireLinkResp: "enquire_link_resp",
	AlertNotification: "alert_notification",
	DataSM:            "data_sm", DataSMResp: "data_sm_resp",
}

// IsResponse reports whether it is a response. A response gets no answer.
func (id ID) IsResponse() bool { return id&GenericNack != 0 }

// Response returns the command_id of the response to a request.
func (id ID) Response() ID { return id | GenericNack }

// String returns the specification's name, or the number of an unknown operation.
func (id ID) String() string {
	if name, ok := operationNames[id]; ok {
		return name
	}
	return fmt.Sprintf("0x%08x", uint32(id))
}

// Header is the header of a PDU.
type Header struct {
	// Length is the number of octets of the whole PDU, its header included: HeaderLength to
	// MaxLength.
	Length uint32
	ID     ID
	Status Status
	// Sequence pairs a response with its request. Requests should count from 1 to
	// 0x7FFFFFFF, but a response returns any number that its request had.
	Sequence uint32
}

// ParseHeader reads the header that b begins with. The error is ErrLength.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLength {
		return Header{}, ErrLength
	}
	h := Header{
		Length:   binary.BigEndian.Uint32(b),
		ID:       ID(binary.BigEndian.Uint32(b[4:])),
		Status:   Status(binary.BigEndian.Uint32(b[8:])),
		Sequence: binary.BigEndian.Uint32(b[12:]),
	}
	if h.Length < HeaderLength || h.Length > MaxLength {
		return h, ErrLength
	}
	return h, nil
}

// PDU is a protocol data unit.
type PDU struct {
	ID       ID
	Status   Status
	Sequence uint32
	// Body has the type that belongs to ID; nil for operations without a body.
	Body Body
}

// Body is a *[Bind], *[BindResp], *[Message], *[Data], *[MessageResp], *[Query],
// *[QueryResp] or *[Cancel], or a [Raw].
type Body interface {
	append(b []byte) ([]byte, error)
}

// Parse parses the body that follows a header; the PDU keeps no part of it. A response's
// body may be empty or lack fields, which then are zero, because many SMSCs leave them out
// with an error status. The error is ErrBody, and the PDU then has its header's fields.
func Parse(h Header, body []byte) (PDU, error) {
	p := PDU{ID: h.ID, Status: h.Status, Sequence: h.Sequence}
	switch h.ID {
	case SubmitSMResp, DeliverSMResp, DataSMResp:
		p.Body = parseMessageResp(body)
	case SubmitSM, DeliverSM:
		return p.withBody(parseMessage(body))
	case DataSM:
		return p.withBody(parseData(body))
	case QuerySM:
		return p.withBody(parseQuery(body))
	case QuerySMResp:
		p.Body = parseQueryResp(body)
	case CancelSM:
		return p.withBody(parseCancel(body))
	case BindReceiver, BindTransmitter, BindTransceiver:
		return p.withBody(parseBind(body))
	case BindReceiverResp, BindTransmitterResp, BindTransceiverResp:
		p.Body = parseBindResp(body)
	case EnquireLink, EnquireLinkResp, CancelSMResp, Unbind, UnbindResp, GenericNack:
	default:
		p.Body = append(Raw{}, body...)
	}
	return p, nil
}

func (p PDU) withBody(b Body, ok bool) (PDU, error) {
	if !ok {
		return p, ErrBody
	}
	p.Body = b
	return p, nil
}

// Append appends the PDU to b, and does not allocate if b has the room. After an error,
// which names a field that does not fit its place on the wire, b is unchanged.
func Append(b []byte, p PDU) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0) // the length
	b = binary.BigEndian.AppendUint32(b, uint32(p.ID))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Status))
	b = binary.BigEndian.AppendUint32(b, p.Sequence)
	if p.Body != nil {
		var err error
		if b, err = p.Body.append(b); err != nil {
			return b[:start], err
		}
	}
	length := len(b) - start
	if length > MaxLength {
		return b[:start], fmt.Errorf("%w: %d octets, want at most %d", ErrLength, length, MaxLength)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(length))
	return b, nil
}
