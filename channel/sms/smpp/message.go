package smpp

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// CheckContent returns an error for content that is not a [channel.Text], and for a text
// that is empty or not UTF-8. It also refuses a text with more than Config.MaxSegments
// segments when its variables are empty.
func (c *Channel) CheckContent(content channel.Content) error {
	text, ok := content.(channel.Text)
	if !ok {
		return fmt.Errorf("smpp: content is a %T, want a channel.Text", content)
	}
	if text == "" {
		return errEmpty
	}
	blank := make(map[string]string)
	for _, name := range text.Vars() {
		blank[name] = ""
	}
	least, err := text.Render(blank)
	if err != nil {
		return err
	}
	return c.checkText(string(least.(channel.Text))) // Text.Render returns a Text
}

var (
	errEmpty = errors.New("smpp: the text is empty")
	errUTF8  = errors.New("smpp: the text is no valid UTF-8")
)

func (c *Channel) checkText(text string) error {
	if !utf8.ValidString(text) {
		return errUTF8
	}
	if n := c.countSegments(text); n > c.config.MaxSegments {
		return fmt.Errorf("smpp: the text has %d segments, want at most %d", n, c.config.MaxSegments)
	}
	return nil
}

// countSegments returns how many segments of a text are billed.
func (c *Channel) countSegments(text string) int {
	header := cmp.Or(c.config.Long.headerOctets(), udh8)
	if size := sms.Count(text); c.config.Alphabet == GSM && (header == udh8 || size.Segments == 1) {
		return size.Segments
	}
	_, parts := c.config.Alphabet.split(text, header)
	return len(parts)
}

// Size returns how many segments carry a text, each of which the SMSC counts as a message.
// With Long set to Payload it is the number that the SMSC makes of it.
func (c *Channel) Size(content channel.Content) int {
	text, _ := content.(channel.Text)
	return c.countSegments(string(text))
}

// split encodes a text for the alphabet and cuts it into segments, as [sms.Split] does.
// Every character of Latin1 and ASCII becomes one octet, but its segment is as long as the
// septets that the SMSC makes of it.
func (a Alphabet) split(text string, header int) (sms.Encoding, [][]byte) {
	if a == GSM {
		return sms.Split(text, header)
	}
	limit := map[Alphabet]rune{Latin1: 0xFF, ASCII: 0x7F}[a]
	beyond := func(r rune) bool { return r > limit }
	if sms.Count(text).Encoding == sms.UCS2 || strings.ContainsFunc(text, beyond) {
		return sms.UCS2, sms.SplitUCS2(text, header)
	}
	_, parts := sms.Split(text, header)
	for i, septets := range parts {
		octets := make([]byte, 0, len(septets))
		for _, r := range sms.Decode(sms.GSM7, septets) {
			octets = append(octets, byte(r))
		}
		parts[i] = octets
	}
	return sms.GSM7, parts
}

// The octets of a user data header for one of several segments, by the size of its
// reference (3GPP TS 23.040, sections 9.2.3.24.1 and 9.2.3.24.8).
const (
	udh8  = 6
	udh16 = 7
)

// headerOctets returns how many octets of each segment are not text. With SAR the SMSC
// takes them, for a header with an 8-bit or a 16-bit reference.
func (l Long) headerOctets() int {
	switch l {
	case UDH8:
		return udh8
	case UDH16, SAR:
		return udh16
	default:
		return 0
	}
}

// submission is a message in the form that is sent: common holds the fields of all parts,
// parts their octets.
type submission struct {
	common  pdu.Message
	parts   [][]byte
	long    Long
	payload bool
	ref     uint16
}

// composeSubmission returns the submission of an envelope, or the error of one that cannot be sent.
func (c *Channel) composeSubmission(e channel.Envelope) (submission, error) {
	text, ok := e.Content.(channel.Text)
	switch {
	case !ok:
		return submission{}, channel.Failed(status.TemplateConfig, fmt.Sprintf("smpp: content is a %T", e.Content))
	case e.To.Phone.IsZero():
		return submission{}, channel.Undeliverable(status.InvalidNumber, "smpp: there is no number")
	case text == "":
		return submission{}, channel.Undeliverable(status.ContentRejected, errEmpty.Error())
	}
	if err := c.checkText(string(text)); err != nil {
		return submission{}, channel.Undeliverable(status.ContentRejected, err.Error())
	}
	encoding, parts := c.config.Alphabet.split(string(text), c.config.Long.headerOctets())
	m := submission{
		common: pdu.Message{
			ServiceType: c.config.ServiceType,
			Source:      c.source,
			Destination: c.config.destinationAddress(e.To.Phone),
			DataCoding:  pdu.CodingDefault,
		},
		parts:   parts,
		long:    c.config.Long,
		payload: c.config.Long == Payload && c.countSegments(string(text)) > 1,
		ref:     partReference(e.AttemptID),
	}
	if encoding == sms.UCS2 {
		m.common.DataCoding = pdu.CodingUCS2
	}
	return m, nil
}

// partReference returns the reference that a message's parts share. It is the same for
// every try of an attempt. So a handset shows a repeated part once, and a later try
// completes a message of which an earlier try sent only some parts.
func partReference(attempt [16]byte) uint16 { return binary.BigEndian.Uint16(attempt[14:]) }

// part returns the i-th submit_sm.
func (m *submission) part(i int, receipts PartReceipts) pdu.Message {
	p, octets := m.common, m.parts[i]
	total, number := uint8(len(m.parts)), uint8(i+1)
	if receipts.wantsReceipt(i, len(m.parts)) {
		p.RegisteredDelivery = pdu.ReceiptWanted
	}
	switch {
	case m.payload:
		p.TLVs = pdu.TLVs{{Tag: pdu.MessagePayload, Value: octets}}
		return p
	case len(m.parts) == 1:
		p.ShortMessage = octets
		return p
	}
	switch high, low := uint8(m.ref>>8), uint8(m.ref); m.long {
	case SAR:
		p.ShortMessage = octets
		p.TLVs = pdu.TLVs{
			{Tag: pdu.SARMsgRefNum, Value: []byte{high, low}},
			{Tag: pdu.SARTotalSegments, Value: []byte{total}},
			{Tag: pdu.SARSegmentSeqnum, Value: []byte{number}},
		}
	case UDH16:
		p.ESMClass = pdu.ESMHeader
		p.ShortMessage = append([]byte{6, 8, 4, high, low, total, number}, octets...)
	default:
		p.ESMClass = pdu.ESMHeader
		p.ShortMessage = append([]byte{5, 0, 3, low, total, number}, octets...)
	}
	return p
}

// validityPeriod returns the validity_period of a message that expires at that time, in the
// form of Config.ValidityForm. It is "" for a message that never expires, and ok is false for
// an expired one. It is at least a minute.
func (c *Channel) validityPeriod(expires time.Time) (period string, ok bool) {
	if expires.IsZero() {
		return "", true
	}
	now := c.config.Clock.Now()
	left := expires.Sub(now)
	if left <= 0 {
		return "", false
	}
	left = max(min(left, c.config.Validity), minValidity)
	switch c.config.ValidityForm {
	case NoValidity:
		return "", true
	case AbsoluteValidity:
		return now.Add(left).UTC().Format("060102150405") + "000+", true
	default:
	}
	seconds := int(left / time.Second)
	days, hours, minutes := seconds/86400, seconds/3600%24, seconds/60%60
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", days, hours, minutes, seconds%60), true
}
