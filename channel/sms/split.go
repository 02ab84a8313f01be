package sms

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Split encodes a text and cuts it into segments, as octets for the wire without any
// header. A septet of [GSM7] is the low bits of one octet, and a code unit of [UCS2] is
// two octets. There is at least one segment.
//
// A text that fits into a single segment has no header. Each segment of a longer one leaves
// room for a user data header of that many octets. Its length octet is included: 6 with an
// 8-bit reference, 7 with a 16-bit one. With 0 the text is one segment, however long it is,
// as the message_payload of SMPP takes it. Split panics if header is negative or more than
// 136, because then not every character fits.
func Split(text string, header int) (Encoding, [][]byte) {
	encoding := encodingOf(text)
	return encoding, encoding.split(text, header)
}

// SplitUCS2 is [Split] for a text that is sent in UCS2, whatever its characters.
func SplitUCS2(text string, header int) [][]byte { return UCS2.split(text, header) }

func (e Encoding) split(text string, header int) [][]byte {
	if header < 0 || header > maxHeader {
		panic(fmt.Sprintf("sms: a header of %d octets", header))
	}
	octets := e.encode(text)
	if header == 0 || len(octets) <= e.maxUnits(0)*e.unitOctets() {
		return [][]byte{octets}
	}
	limit := e.maxUnits(header) * e.unitOctets()
	segments := make([][]byte, 0, len(octets)/(limit-e.unitOctets())+1)
	for len(octets) > limit {
		end := limit
		if e.endsInsidePair(octets[:end]) {
			end -= e.unitOctets()
		}
		segments = append(segments, octets[:end:end])
		octets = octets[end:]
	}
	return append(segments, octets)
}

// unitOctets returns how many octets a unit has on the wire.
func (e Encoding) unitOctets() int {
	if e == GSM7 {
		return 1
	}
	return 2
}

// endsInsidePair reports whether the last unit is the first of a pair.
func (e Encoding) endsInsidePair(octets []byte) bool {
	if e == GSM7 {
		return octets[len(octets)-1] == escape
	}
	return octets[len(octets)-2]&0xFC == 0xD8 // a high surrogate
}

func (e Encoding) encode(text string) []byte {
	octets := make([]byte, 0, e.unitOctets()*utf8.RuneCountInString(text))
	for _, r := range text {
		if e == GSM7 {
			c := lookupRune(r)
			if c.width == 2 {
				octets = append(octets, escape)
			}
			octets = append(octets, c.septet)
			continue
		}
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			octets = binary.BigEndian.AppendUint16(octets, uint16(high))
			r = low
		}
		octets = binary.BigEndian.AppendUint16(octets, uint16(r))
	}
	return octets
}

// Decode returns the text of octets that [Split] made. Octets without a meaning decode to
// U+FFFD: an octet of more than seven bits, half a code unit, half a surrogate pair. Escapes
// decode as in 3GPP TS 23.038, section 6.2.1.1. Before a septet that the extension table does
// not have, an escape is nothing. Before another escape, or at the end, it is a space.
func Decode(e Encoding, octets []byte) string {
	if e == UCS2 {
		return decodeUCS2(octets)
	}
	var text strings.Builder
	text.Grow(len(octets))
	escaped := false
	for _, septet := range octets {
		r := utf8.RuneError
		if int(septet) < len(basicRunes) {
			r = basicRunes[septet]
		}
		if shifted, ok := extensionTable[septet]; escaped && ok {
			r = shifted
		}
		if escaped = septet == escape && !escaped; escaped {
			continue
		}
		if septet == escape {
			r = ' '
		}
		text.WriteRune(r)
	}
	if escaped {
		text.WriteByte(' ')
	}
	return text.String()
}

func decodeUCS2(octets []byte) string {
	units := make([]uint16, 0, len(octets)/2+1)
	for len(octets) >= 2 {
		units = append(units, binary.BigEndian.Uint16(octets))
		octets = octets[2:]
	}
	if len(octets) > 0 {
		units = append(units, utf8.RuneError)
	}
	return string(utf16.Decode(units))
}
