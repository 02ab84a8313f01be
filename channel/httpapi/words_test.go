package httpapi_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/httpapi"
)

func TestWordsGiveNothingAway(t *testing.T) {
	t.Parallel()
	const token, text = "sk-5f3c9a1e", "Your code is 498172"
	for name, tt := range map[string]struct{ words, want string }{
		"harmless":            {"The template does not exist", "The template does not exist"},
		"on one line":         {"one\r\n\ttwo  three\x00", "one two three"},
		"a number":            {"no such number +886912345678.", "no such number +***."},
		"a grouped number":    {"to (0912) 345-678 failed", "to (*** failed"},
		"an escaped number":   {"to=%2B886912345678", "to=%2B***"},
		"escapes in a number": {"to=886%20912%20345%20678", ""},
		"short codes":         {"error 21211, see line 12345", "error 21211, see line 12345"},
		"a secret":            {"bad token sk-5f3c9a1e", ""},
		"part of a secret":    {"bad token sk-5f3c9...", ""},
		"the text":            {"rejected: Your code is ***", ""},
		"the text, escaped":   {"Body=Your+code+is", ""},
		"nothing":             {"", ""},
		"not UTF-8":           {"a\xffb", "a\uFFFDb"},
		"words that are not":  {"Your token is 12345", "Your token is 12345"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, httpapi.Words(tt.words, token, text, ""))
		})
	}
	require.Len(t, httpapi.Words(strings.Repeat("no ", 1000)), 300)
}

func TestNoLongNumberAndNoPieceOfATextIsLeftInWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hidden := rapid.StringN(8, 40, -1).Draw(t, "hidden")
		number := rapid.StringMatching(`[0-9]{6,15}`).Draw(t, "number")
		around := rapid.String()
		words := httpapi.Words(around.Draw(t, "before")+number+around.Draw(t, "between")+hidden+around.Draw(t, "after"), hidden)
		require.True(t, utf8.ValidString(words))
		require.NotContains(t, words, number)
		if plain := strings.Join(strings.Fields(hidden), " "); len(plain) > 0 && !strings.ContainsFunc(plain, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == utf8.RuneError || r >= 0x80 && r < 0xa0
		}) {
			require.NotContains(t, words, plain)
		}
	})
}
