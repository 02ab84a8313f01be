package pdu

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Tag identifies an optional parameter (section 5.3.1).
type Tag uint16

// The optional parameters that this package uses.
const (
	ReceiptedMessageID Tag = 0x001E // the message that a receipt is about
	SARMsgRefNum       Tag = 0x020C // two octets that a long message's parts share
	SARTotalSegments   Tag = 0x020E // how many parts there are
	SARSegmentSeqnum   Tag = 0x020F // the number of this part, from 1
	NetworkErrorCode   Tag = 0x0423 // why the network gave up
	MessagePayload     Tag = 0x0424 // the text of a PDU whose short_message is empty
	MessageState       Tag = 0x0427 // a receipt's State
)

// TLV is an optional parameter.
type TLV struct {
	Tag   Tag
	Value []byte
}

// TLVs are the optional parameters at the end of a body.
type TLVs []TLV

// Get returns the value of the first parameter with the tag, and whether there is one.
func (ts TLVs) Get(t Tag) ([]byte, bool) {
	for _, tlv := range ts {
		if tlv.Tag == t {
			return tlv.Value, true
		}
	}
	return nil, false
}

func (ts TLVs) append(b []byte) ([]byte, error) {
	for _, t := range ts {
		if len(t.Value) > 0xFFFF {
			return b, fmt.Errorf("pdu: TLV 0x%04x has %d octets, want at most 65535", uint16(t.Tag), len(t.Value))
		}
		b = binary.BigEndian.AppendUint16(b, uint16(t.Tag))
		b = binary.BigEndian.AppendUint16(b, uint16(len(t.Value)))
		b = append(b, t.Value...)
	}
	return b, nil
}

// parseTLVs returns the parameters at the beginning of b, and whether they fill b. It
// leaves out a tail that is not a parameter, such as the padding of some SMSCs.
func parseTLVs(b []byte) (ts TLVs, all bool) {
	for len(b) >= 4 {
		size := int(binary.BigEndian.Uint16(b[2:]))
		if len(b)-4 < size {
			break
		}
		ts = append(ts, TLV{Tag(binary.BigEndian.Uint16(b)), bytes.Clone(b[4 : 4+size])})
		b = b[4+size:]
	}
	return ts, len(b) == 0
}
