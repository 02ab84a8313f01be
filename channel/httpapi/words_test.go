package httpapi_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel/httpapi"
)

func TestWords_RevealNothingHidden(t *testing.T) {
	t.Parallel()
	const token, text, chinese = "sk-5f3c9a1e", "Your code is 498172", "您的驗證碼😀是：498172"
	for name, tt := range map[string]struct{ words, want string }{
		"harmless":            {"The template does not exist", "The template does not exist"},
		"on one line":         {"one\r\n\ttwo  three\x00", "one two three"},
		"a number":            {"no such number +886912345678.", "no such number +***."},
		"a grouped number":    {"to (0912) 345-678 failed", "to (*** failed"},
		"an escaped number":   {"to=%2B886912345678", "to=%2B***"},
		"escapes in a number": {"to=886%20912%20345%20678", "to=***"},
		"full-width digits":   {"沒有０９１２３４５６７８這個號碼", "沒有***這個號碼"},
		"a dashed number":     {"to 0912\u2011345\u2011678", "to ***"},
		"a stray %":           {"100%: to=886%20912%20345%20678", "100%: to=***"},
		"a number in JSON":    {`{"to":"0912\n345\n678"}`, `{"to":"***"}`},
		"escaped digits":      {`{"to":"\u0030\u0039\u0031\u0032\u0033\u0034"}`, `{"to":"***"}`},
		"short codes":         {"error 21211, see line 12345", "error 21211, see line 12345"},
		"a secret":            {"bad token sk-5f3c9a1e", "bad token ***"},
		"part of a secret":    {"bad token sk-5f3c9a...", "bad token ***..."},
		"the text":            {"rejected: Your code is ***", "rejected: *** ***"},
		"the text, escaped":   {"Body=Your+code+is", "Body=***"},
		"the text after a %":  {"100%: Body=Your+code+is", "100%: Body=***"},
		"the text in JSON":    {`{"text":"\u0059our\u0020code\nis"}`, `{"text":"***"}`},
		"the text in HTML":    {"&#89;our&#32;code is", ""},
		"another text":        {`{"text":"\u60a8\u7684\u9a57\u8b49\u78bc\ud83d\ude00\u662f\uff1a498"}`, `{"text":"***"}`},
		"another case":        {"rejected: YOUR CODE IS", "rejected: ***"},
		"base64":              {"text WW91ciBjb2RlIGlz", "text ***"},
		"credentials":         {"header Authorization: Bearer abc.def", "header Authorization: ***"},
		"nothing":             {"", ""},
		"not UTF-8":           {"a\xffb", "a\uFFFDb"},
		"words that are not":  {"Your token is 12345", "Your token is 12345"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, httpapi.Words(tt.words, token, text, chinese, ""))
		})
	}
	require.Len(t, httpapi.Words(strings.Repeat("no ", 1000)), 300)
	require.Len(t, httpapi.Words(strings.Repeat("no ", 2000)+token, token), 300, "what is left out gives nothing away")
}

// One-time codes have four digits or more. The provider's own numbers stay, such as a limit.
func TestWords_HideShortCodesOfTheText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ words, hidden, want string }{
		"four digits":               {"code 4981 blocked", "Your code is 4981", "code *** blocked"},
		"five digits, quoted":       {`code "49817" blocked`, "Your code is 49817.", `code "***" blocked`},
		"between Chinese letters":   {"驗證碼4981被擋", "您的驗證碼是4981，請勿外流", "驗證碼***被擋"},
		"full-width in the text":    {"code 4981 blocked", "您的驗證碼是４９８１", "code *** blocked"},
		"escaped":                   {"code=%34981&x", "Your code is 4981", "code=***&x"},
		"one of two":                {"code 1234 blocked", "9876 1234", "code *** blocked"},
		"another number":            {"error 21211 at 4982", "Your code is 4981", "error 21211 at 4982"},
		"part of another number":    {"error 14981", "Your code is 4981", "error 14981"},
		"three digits":              {"160 characters", "160 people", "160 characters"},
		"part of a word of letters": {"4981", "token a4981b", "4981"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, httpapi.Words(tt.words, tt.hidden))
		})
	}
}

func TestWords_HoldNoLongNumberOrHiddenPiece(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hidden := rapid.StringN(8, 40, -1).Draw(t, "hidden")
		number := rapid.StringMatching(`[0-9]{6,15}`).Draw(t, "number")
		around := rapid.String()
		words := httpapi.Words(around.Draw(t, "before")+number+around.Draw(t, "between")+hidden+around.Draw(t, "after"), hidden)
		require.True(t, utf8.ValidString(words))
		require.NotContains(t, words, number)
		gap := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
		if plain := strings.Join(strings.FieldsFunc(hidden, gap), " "); plain != "" {
			require.NotContains(t, words, plain)
		}
	})
}
