package sms

import (
	"fmt"
	"unicode/utf16"
)

// Encoding is the encoding of a text's characters as octets.
type Encoding uint8

const (
	// GSM7 is the GSM 7-bit default alphabet with its extension table (3GPP TS
	// 23.038, sections 6.2.1 and 6.2.1.1). Its unit is the septet.
	GSM7 Encoding = iota
	// UCS2 is UTF-16, big-endian. 3GPP TS 23.038, section 6.2.3, defines it as UCS-2, and
	// every handset takes surrogate pairs. Its unit is the code unit.
	UCS2
)

// String returns "GSM7" or "UCS2".
func (e Encoding) String() string {
	switch e {
	case GSM7:
		return "GSM7"
	case UCS2:
		return "UCS2"
	default:
		return fmt.Sprintf("Encoding(%d)", uint8(e))
	}
}

// Size is the length of a text in an encoding, and its number of segments.
type Size struct {
	// Encoding is the encoding that the text needs.
	Encoding Encoding
	// Units is how many septets or code units the text has, without headers.
	Units int
	// Segments is the number of segments, at least 1.
	Segments int
	// Left is how many units can be added before Segments grows.
	Left int
}

// Count returns the size of a text. Several segments carry 8-bit references, as most
// senders use. Count does not allocate.
func Count(text string) Size {
	encoding := encodingOf(text)
	limit := encoding.maxUnits(reference8)
	size := Size{Encoding: encoding, Segments: 1}
	used := 0 // units in the last of several segments
	for _, r := range text {
		width := encoding.width(r)
		if used+width > limit {
			size.Segments++
			used = 0
		}
		used += width
		size.Units += width
	}
	size.Left = limit - used
	if single := encoding.maxUnits(0); size.Units <= single {
		size.Segments, size.Left = 1, single-size.Units
	}
	return size
}

func encodingOf(text string) Encoding {
	for _, r := range text {
		if lookupRune(r).width == 0 {
			return UCS2
		}
	}
	return GSM7
}

// width returns how many units r takes. For GSM7, r must be in the alphabet.
func (e Encoding) width(r rune) int {
	if e == GSM7 {
		return int(lookupRune(r).width)
	}
	return utf16.RuneLen(r)
}

// User data has 140 octets (3GPP TS 23.040, section 9.2.3.16), its header included. The
// header has 6 octets for a concatenation with an 8-bit reference, and 7 with a 16-bit one
// (sections 9.2.3.24.1 and 9.2.3.24.8). A pair of units that must not be split has to fit
// after the header.
const (
	userDataOctets = 140
	reference8     = 6
	maxHeader      = userDataOctets - 4
)

// maxUnits returns how many units fit after a header of that many octets. Septets begin at
// the next septet boundary.
func (e Encoding) maxUnits(header int) int {
	if e == GSM7 {
		return (userDataOctets - header) * 8 / 7
	}
	return (userDataOctets - header) / 2
}
