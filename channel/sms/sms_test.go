package sms_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/sms"
)

func TestCount_AtBoundaries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       sms.Size
	}{
		{"no text", "", sms.Size{Encoding: sms.GSM7, Units: 0, Segments: 1, Left: 160}},
		{"160 septets", strings.Repeat("a", 160), sms.Size{Encoding: sms.GSM7, Units: 160, Segments: 1, Left: 0}},
		{"161 septets", strings.Repeat("a", 161), sms.Size{Encoding: sms.GSM7, Units: 161, Segments: 2, Left: 145}},
		{"306 septets", strings.Repeat("a", 306), sms.Size{Encoding: sms.GSM7, Units: 306, Segments: 2, Left: 0}},
		{"307 septets", strings.Repeat("a", 307), sms.Size{Encoding: sms.GSM7, Units: 307, Segments: 3, Left: 152}},
		{"80 euros", strings.Repeat("€", 80), sms.Size{Encoding: sms.GSM7, Units: 160, Segments: 1, Left: 0}},
		{"81 euros", strings.Repeat("€", 81), sms.Size{Encoding: sms.GSM7, Units: 162, Segments: 2, Left: 143}},
		{
			"an escape at the end of a segment", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152),
			sms.Size{Encoding: sms.GSM7, Units: 306, Segments: 3, Left: 152},
		},
		{"70 han", strings.Repeat("漢", 70), sms.Size{Encoding: sms.UCS2, Units: 70, Segments: 1, Left: 0}},
		{"71 han", strings.Repeat("漢", 71), sms.Size{Encoding: sms.UCS2, Units: 71, Segments: 2, Left: 63}},
		{"134 han", strings.Repeat("漢", 134), sms.Size{Encoding: sms.UCS2, Units: 134, Segments: 2, Left: 0}},
		{"135 han", strings.Repeat("漢", 135), sms.Size{Encoding: sms.UCS2, Units: 135, Segments: 3, Left: 66}},
		{"35 emoji", strings.Repeat("😀", 35), sms.Size{Encoding: sms.UCS2, Units: 70, Segments: 1, Left: 0}},
		{"36 emoji", strings.Repeat("😀", 36), sms.Size{Encoding: sms.UCS2, Units: 72, Segments: 2, Left: 61}},
		{
			"a surrogate pair at the end of a segment", strings.Repeat("漢", 66) + "😀" + strings.Repeat("漢", 66),
			sms.Size{Encoding: sms.UCS2, Units: 134, Segments: 3, Left: 66},
		},
		{"a backtick", "`", sms.Size{Encoding: sms.UCS2, Units: 1, Segments: 1, Left: 69}},
		{"a tab", "\t", sms.Size{Encoding: sms.UCS2, Units: 1, Segments: 1, Left: 69}},
		{"an escape is no character", "\x1b", sms.Size{Encoding: sms.UCS2, Units: 1, Segments: 1, Left: 69}},
		{"NUL", "a\x00", sms.Size{Encoding: sms.UCS2, Units: 2, Segments: 1, Left: 68}},
		{"bytes that are not UTF-8", "a\xff\xfe", sms.Size{Encoding: sms.UCS2, Units: 3, Segments: 1, Left: 67}},
		{"a letter of a national table", "ş", sms.Size{Encoding: sms.UCS2, Units: 1, Segments: 1, Left: 69}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, sms.Count(tt.text))
		})
	}
}

func TestSplit_ReturnsOctetsOfWire(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text     string
		encoding sms.Encoding
		want     string
	}{
		{"", sms.GSM7, ""},
		{"@Δ\n\ra€{", sms.GSM7, "\x00\x10\x0a\x0d\x61\x1b\x65\x1b\x28"},
		{"£$¥èéùìòÇØøÅå_ÆæßÉ¤", sms.GSM7, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0b\x0c\x0e\x0f\x11\x1c\x1d\x1e\x1f\x24"},
		{"ΦΓΛΩΠΨΣΘΞ¡ÄÖÑÜ§¿äöñüà", sms.GSM7, "\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x40\x5b\x5c\x5d\x5e\x5f\x60\x7b\x7c\x7d\x7e\x7f"},
		{"\f^}\\[~]|", sms.GSM7, "\x1b\x0a\x1b\x14\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40"},
		{"碼a", sms.UCS2, "\x78\xbc\x00\x61"},
		{"😀", sms.UCS2, "\xd8\x3d\xde\x00"},
		{"\x00\xff", sms.UCS2, "\x00\x00\xff\xfd"},
	}
	for _, tt := range tests {
		encoding, segments := sms.Split(tt.text, 6)
		require.Equal(t, tt.encoding, encoding, "%q", tt.text)
		require.Equal(t, []string{tt.want}, asStrings(segments), "%q", tt.text)
	}
}

func asStrings(segments [][]byte) []string {
	var all []string
	for _, s := range segments {
		all = append(all, string(s))
	}
	return all
}

func TestSplit_HeaderShortensEverySegment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header      int
		septets     []int
		octetsOfHan []int
	}{
		{0, []int{400}, []int{400}},
		{6, []int{153, 153, 94}, []int{134, 134, 132}},
		{7, []int{152, 152, 96}, []int{132, 132, 132, 4}},
		{136, slices.Repeat([]int{4}, 100), slices.Repeat([]int{4}, 100)},
	} {
		_, septets := sms.Split(strings.Repeat("a", 400), tt.header)
		require.Equal(t, tt.septets, lengths(septets), "GSM7, %d", tt.header)
		_, han := sms.Split(strings.Repeat("漢", 200), tt.header)
		require.Equal(t, tt.octetsOfHan, lengths(han), "UCS2, %d", tt.header)
	}
	require.Panics(t, func() { sms.Split("", -1) })
	require.Panics(t, func() { sms.Split("", 137) })
}

func lengths(segments [][]byte) []int {
	var all []int
	for _, s := range segments {
		all = append(all, len(s))
	}
	return all
}

// A caller may put a header before one segment without writing into the next.
func TestSplit_SegmentsDoNotShareCapacity(t *testing.T) {
	t.Parallel()
	_, segments := sms.Split(strings.Repeat("a", 200), 6)
	_ = append(segments[0], 'x')
	require.Equal(t, byte('a'), segments[1][0])
}

func TestDecode_InvalidOctetsFollowStandard(t *testing.T) {
	t.Parallel()
	tests := []struct {
		encoding sms.Encoding
		octets   string
		want     string
	}{
		{sms.GSM7, "\x61\x80\xff", "a\ufffd\ufffd"},
		{sms.GSM7, "\x1b\x61", "a"},      // no extension: as in the basic alphabet
		{sms.GSM7, "\x61\x1b", "a "},     // an escape at the end
		{sms.GSM7, "\x1b\x1b\x65", " e"}, // an escape to a table that does not exist
		{sms.GSM7, "\x1b\xff", "\ufffd"},
		{sms.UCS2, "\x00\x61\x00", "a\ufffd"},
		{sms.UCS2, "\xd8\x3d\x00\x61", "\ufffda"},
		{sms.UCS2, "\xde\x00", "\ufffd"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, sms.Decode(tt.encoding, []byte(tt.octets)), "%v %x", tt.encoding, tt.octets)
	}
}

func TestEncoding_HasName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "GSM7 UCS2 Encoding(7)", strings.Join([]string{sms.GSM7.String(), sms.UCS2.String(), sms.Encoding(7).String()}, " "))
}

func TestCount_DoesNotAllocate(t *testing.T) { // AllocsPerRun must not run in parallel
	for _, text := range texts {
		require.Zero(t, testing.AllocsPerRun(10, func() { sms.Count(text) }))
	}
}

// checkSplit proves the properties that hold for every text and header.
func checkSplit(t require.TestingT, text string, header int) {
	encoding, segments := sms.Split(text, header)
	size := sms.Count(text)
	require.Equal(t, size.Encoding, encoding)

	unit := map[sms.Encoding]int{sms.GSM7: 1, sms.UCS2: 2}[encoding]
	whole := bytes.Join(segments, nil)
	require.Len(t, whole, size.Units*unit)
	valid := string([]rune(text)) // a byte that is not UTF-8 becomes U+FFFD
	require.Equal(t, valid, sms.Decode(encoding, whole))

	// Each segment can be read by itself: nothing is split.
	var apart strings.Builder
	for _, s := range segments {
		apart.WriteString(sms.Decode(encoding, s))
	}
	require.Equal(t, valid, apart.String())

	// No segment is too long. All except the last are full, unless a pair did not fit.
	single := map[sms.Encoding]int{sms.GSM7: 160, sms.UCS2: 70}[encoding]
	switch {
	case header == 0 || size.Units <= single:
		require.Len(t, segments, 1)
	default:
		limit := map[sms.Encoding]int{sms.GSM7: (140 - header) * 8 / 7, sms.UCS2: (140 - header) / 2}[encoding]
		for i, s := range segments {
			require.LessOrEqual(t, len(s), limit*unit)
			require.NotEmpty(t, s)
			if i < len(segments)-1 {
				require.GreaterOrEqual(t, len(s), (limit-1)*unit)
			}
		}
	}
	if header == 6 {
		require.Len(t, segments, size.Segments)
	}
}

// drawText draws its length first, because rapid prefers short texts, which are one
// segment.
func drawText(t *rapid.T, alphabet []rune) string {
	length := rapid.IntRange(0, 500).Draw(t, "length")
	return rapid.StringOfN(rapid.SampledFrom(alphabet), length, length, -1).Draw(t, "text")
}

func TestSplit_AgreesWithCount(t *testing.T) {
	t.Parallel()
	gsm := []rune("aZ0 @Δ\n£Éà€{}[]\\^~|\f")
	wide := []rune("漢😀\U0010ffff")
	both := slices.Concat(gsm, wide, []rune("`\t\x00\x1bş\u200d"))
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([][]rune{gsm, wide, both}).Draw(t, "alphabet")
		text := drawText(t, alphabet)
		checkSplit(t, text, rapid.SampledFrom([]int{0, 6, 6, 7, 136}).Draw(t, "header"))
	})
}

func TestCount_LeftIsRoomBeforeNextSegment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		filler := rapid.SampledFrom([]string{"a", "漢"}).Draw(t, "filler")
		text := drawText(t, []rune(rapid.SampledFrom([]string{"a€", "漢😀", "a€漢😀"}).Draw(t, "alphabet")))
		size := sms.Count(text)
		if size.Encoding == sms.GSM7 {
			filler = "a" // another encoding is another count
		}
		full := sms.Count(text + strings.Repeat(filler, size.Left))
		require.Equal(t, size.Segments, full.Segments)
		require.Zero(t, full.Left)
		require.Greater(t, sms.Count(text+strings.Repeat(filler, size.Left+1)).Segments, size.Segments)
	})
}

func FuzzSplit(f *testing.F) {
	for _, text := range texts {
		f.Add(text, 6)
	}
	f.Add("a\xff\x00\x1b`", 7)
	f.Add(strings.Repeat("😀", 100), 136)
	f.Fuzz(func(t *testing.T, text string, header int) {
		checkSplit(t, text, min(max(header, 0), 136))
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1b\x65\x1b\x1b\x80"))
	f.Add([]byte("\xd8\x3d\xde\x00\xd8"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		for _, e := range []sms.Encoding{sms.GSM7, sms.UCS2} {
			text := sms.Decode(e, octets)
			require.True(t, utf8.ValidString(text))
			require.LessOrEqual(t, utf8.RuneCountInString(text), len(octets))
			// The decoded text is a valid text.
			again, segments := sms.Split(text, 0)
			require.Equal(t, text, sms.Decode(again, segments[0]))
		}
	})
}

var texts = []string{
	"Your code is 4711, it expires in 5 minutes",
	"您的驗證碼是 4711，五分鐘內有效",
	strings.Repeat("Long text with an umlaut or two: äöü. ", 20),
	strings.Repeat("很長的簡訊內容", 60),
}

func BenchmarkCount(b *testing.B) {
	for i, name := range textNames {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sms.Count(texts[i])
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	for i, name := range textNames {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sms.Split(texts[i], 6)
			}
		})
	}
}

var textNames = []string{"short", "short han", "760 septets", "420 han"}
