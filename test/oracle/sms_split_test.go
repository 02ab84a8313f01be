// Package oracle compares this module with implementations that others wrote, and has one
// that they wrote judge what its stores do when called at the same time. It is
// a module of its own, so that what they need never reaches an application.
package oracle

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/warthog618/sms/encoding/tpdu"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms"
)

// The other implementation takes U+001B for a character of the alphabet, although
// the escape has its place there (3GPP TS 23.038, section 6.2.1), and cuts an empty
// text into no segment at all. Every other text must come out the same, octet by octet.
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
				length := rapid.IntRange(1, 600).Draw(t, "length") // rapid likes short texts
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

type splitText struct {
	encoding sms.Encoding
	segments [][]byte
}

func splitOther(t require.TestingT, text string, options ...tpdu.SegmentationOption) splitText {
	octets, header, alphabet := tpdu.EncodeUserData([]byte(text))
	require.Empty(t, header, "no national table was asked for")
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
