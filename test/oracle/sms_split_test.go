// Package oracle compares this module with other implementations. It also checks with
// porcupine that concurrent calls of the stores are linearizable. It is a module of its
// own, so that applications never get its dependencies.
package oracle

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/warthog618/sms/encoding/tpdu"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms"
)

// TestSplit_AgreesWithWarthog proves that sms.Split and package warthog618/sms split texts
// into the same octets. It leaves out the empty text, which warthog splits into no segment.
// It also leaves out U+001B, which warthog encodes as a character although its place is the
// escape's (3GPP TS 23.038, section 6.2.1).
func TestSplit_AgreesWithWarthog(t *testing.T) {
	t.Parallel()
	const (
		inside  = "aZ09 @Δ_£$¥èéùìòÇ\nØø\rÅåΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€{}[]\\^~|\f"
		outside = "`\t\x00çşα漢字\u200d😀🇹🇼\ufffd\U0010ffff"
	)
	for name, runes := range map[string]*rapid.Generator[rune]{
		"GSM 7-bit": rapid.SampledFrom([]rune(inside)),
		"UCS-2":     rapid.SampledFrom([]rune(outside)),
		"pairs":     rapid.SampledFrom([]rune("a€")),
		"any":       rapid.Rune().Filter(func(r rune) bool { return r != 0x1B }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				length := rapid.IntRange(1, 600).Draw(t, "length") // rapid alone draws mostly short texts
				text := rapid.StringOfN(runes, length, length, -1).Draw(t, "text")
				eight, sixteen := splitOther(t, text), splitOther(t, text, tpdu.With16BitConcatRef)

				var ours splitText
				ours.encoding, ours.segments = sms.Split(text, 6)
				require.Equal(t, eight, ours)
				ours.encoding, ours.segments = sms.Split(text, 7)
				require.Equal(t, sixteen, ours)
				require.Len(t, eight.segments, sms.Count(text).Segments)
			})
		})
	}
}

// splitText is a text split into segments.
type splitText struct {
	encoding sms.Encoding
	segments [][]byte
}

// splitOther splits the text with package warthog618/sms.
func splitOther(t require.TestingT, text string, options ...tpdu.SegmentationOption) splitText {
	octets, header, alphabet := tpdu.EncodeUserData([]byte(text))
	require.Empty(t, header, "no national table is used")
	var c splitText
	coding, err := tpdu.DCS(0).WithAlphabet(alphabet)
	require.NoError(t, err)
	submit, err := tpdu.New(tpdu.SmsSubmit, coding)
	require.NoError(t, err)
	if alphabet == tpdu.AlphaUCS2 {
		c.encoding = sms.UCS2
	}
	for _, part := range submit.Segment(octets, options...) {
		c.segments = append(c.segments, part.UD)
	}
	return c
}

func TestSplit_EncodesEveryRuneAsWarthog(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= 0x10FFFF; r++ {
		if r == 0x1B || 0xD800 <= r && r < 0xE000 {
			continue
		}
		encoding, segments := sms.Split(string(r), 6)
		if want, got := splitOther(t, string(r)), (splitText{encoding, segments}); !reflect.DeepEqual(want, got) {
			t.Errorf("%U: %v, want %v", r, got, want)
		}
	}
}
