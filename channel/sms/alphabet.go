package sms

// escape announces a septet of the extension table.
const escape = 0x1B

// basicAlphabet is the default alphabet in the order of its septets (3GPP TS 23.038,
// section 6.2.1). It includes the escape, which is not a character.
const basicAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà"

// extensionTable is the extension table (3GPP TS 23.038, section 6.2.1.1): the meaning of a
// septet after an escape. The form feed is its page break.
var extensionTable = map[uint8]rune{
	0x0A: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2F: '\\',
	0x3C: '[', 0x3D: '~', 0x3E: ']', 0x40: '|', 0x65: '€',
}

// entry is a character of the alphabet: its septet, and its width in septets, which is 2 if
// an escape comes before it. The zero entry is a character outside the alphabet.
type entry struct{ septet, width uint8 }

// basicRunes is the basic alphabet by septet.
var basicRunes = []rune(basicAlphabet)

// lowRunes holds every character of the alphabet except the euro sign. The others are below
// the end of Greek.
var lowRunes = func() (entries [0x400]entry) {
	for septet, r := range basicRunes {
		entries[r] = entry{uint8(septet), 1}
	}
	entries[escape] = entry{}
	for septet, r := range extensionTable {
		if r != '€' {
			entries[r] = entry{septet, 2}
		}
	}
	return entries
}()

// lookupRune returns the entry of a character.
func lookupRune(r rune) entry {
	switch {
	case r < rune(len(lowRunes)):
		return lowRunes[r]
	case r == '€':
		return entry{0x65, 2}
	default:
		return entry{}
	}
}
