package sms

// escape says that the next septet is one of the extension table.
const escape = 0x1B

// basicAlphabet is the default alphabet in the order of its septets (3GPP TS 23.038,
// section 6.2.1). The escape, which is no character, has its place in it.
const basicAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà"

// extensionTable is the extension table (3GPP TS 23.038, section 6.2.1.1): what a septet
// means after an escape. The form feed is its page break.
var extensionTable = map[uint8]rune{
	0x0A: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2F: '\\',
	0x3C: '[', 0x3D: '~', 0x3E: ']', 0x40: '|', 0x65: '€',
}

// entry is a character of the alphabet: its septet, and how many it takes, 2 if an
// escape comes before it. Zero is a character that is not in the alphabet.
type entry struct{ septet, width uint8 }

// basicRunes is the basic alphabet by septet.
var basicRunes = []rune(basicAlphabet)

// lowRunes holds every character of the alphabet but one, the euro sign: the others are
// below the end of Greek.
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
