package scrub_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/internal/scrub"
)

func TestWords_FindsEveryForm(t *testing.T) {
	t.Parallel()
	p := scrub.Personal{
		Secrets: []string{"Zq7-498172", "Wang Xiao-ming", "U4af4980629aa11bb22cc33dd44ee55ff", "007", "note", "2", "王小明"},
		Number:  "912345678",
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for said, want := range map[string]string{
		"+886912345678":               "+***",
		"0912345678":                  "***",
		"+886 912-345-678":            "+***",
		"0912.345.678":                "***",
		"0912\u00a0345\u00a0678":      "***",
		"0912\u2011345\u2011678":      "***",
		"０９１２３４５６７８":                  "***",
		"٠٩١٢٣٤٥٦٧٨":                  "***",
		"0912_345_678":                "***",
		"0912,345,678":                "***",
		"%2B886+912+345+678":          "%2B***",
		`0912\u002d345\u002d678`:      "***",
		"tel:+886-912-345-678;ext=1":  "tel:+***;ext=***", // the extension looks like a part of the number
		"***345678":                   "******",
		"zq7-498172":                  "***",
		"Z q 7 - 4 9 8 1 7 2":         "***",
		"Zq7%2D498172":                "***",
		"Zq7&#45;498172":              "***",
		"Zq7-49817":                   "***",
		b64("Zq7-498172"):             "***",
		b64("code: Zq7-498172!"):      "***",
		"WANG XIAO-MING":              "***",
		url.QueryEscape("Wang Xiao"):  "***",
		"Wang  Xiao-ming":             "***",
		"U4AF4980629AA11BB22CC33DD44": "***",
		"code 007, again":             "code ***, again",
		"1007 or 0071":                "1007 or 0071",
		"cannot escape":               "cannot escape",
		"a NOTE":                      "a ***",
		"a % n":                       "a % n",
		"error 2 in line 87654321":    "error 2 in line 87654321",
		"131026: Undeliverable":       "131026: Undeliverable",
		"王 小 明":                       "王 小 明", // three letters are in too many words
	} {
		got := scrub.Words("says: "+said+".", p)
		if said == "tel:+886-912-345-678;ext=1" {
			require.NotContains(t, got, "345")
			continue
		}
		require.Equal(t, "says: "+want+".", got, said)
	}
}

func TestWords_TakesOutCredentialsAndLongNumbers(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("AC000:token"))
	require.Equal(t, "bad header Authorization: ***", scrub.Words("bad header Authorization: "+basic, scrub.Personal{}))
	require.Equal(t, "got *** here", scrub.Words("got bearer%20eyJhbGciOi.J9.x_y- here", scrub.Personal{}))
	require.Equal(t, "got *** here", scrub.Words(`got Bearer\u0020eyJhbGciOi.J9.x_y- here`, scrub.Personal{}))
	require.Equal(t, `got "authorization":"***"`, scrub.Words(`got "authorization":"AccessKey 0aB9-kk33-ZZ10"`, scrub.Personal{}))
	require.Equal(t, "Authorization: ***", scrub.Words("Authorization: 0aB9kk33ZZ10", scrub.Personal{}))
	require.Equal(t, "authorization: required", scrub.Words("authorization: required", scrub.Personal{}))
	anyNumber := scrub.Personal{AnyNumber: true}
	require.Equal(t, "to ***, line 12345", scrub.Words("to 91-23-45 6, line 12345", anyNumber))
	require.Equal(t, "Basic plan", scrub.Words("Basic plan", anyNumber))
}

func TestWords_ShowNoSecretOrNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-z0-9]{6,20}`).Draw(t, "secret")
		number := rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "number")
		around := rapid.String()
		words := around.Draw(t, "before") + secret + around.Draw(t, "between") + number + around.Draw(t, "after")
		got := scrub.Words(words, scrub.Personal{Secrets: []string{secret}, Number: number})
		require.True(t, utf8.ValidString(got))
		require.NotContains(t, got, secret)
		require.NotContains(t, got, number)
	})
}

// escapings are the ways in which encoders write a character.
var escapings = []func(r rune) string{
	func(r rune) string { return string(r) },
	func(r rune) string {
		if '0' <= r && r <= '9' {
			r += '０' - '0'
		}
		return string(r)
	},
	func(r rune) string { return fmt.Sprintf(`\u%04x`, r) },
	func(r rune) string { return fmt.Sprintf(`\\u%04X`, r) }, // JSON in JSON
	func(r rune) string { return fmt.Sprintf("&#%d;", r) },
	func(r rune) string { return fmt.Sprintf("&#x%x;", r) },
	func(r rune) string { return fmt.Sprintf("&amp;#%d;", r) },
	func(r rune) string { return percentEncode("%", r) },
	func(r rune) string { return percentEncode("%25", r) }, // a URL in a URL
	func(r rune) string {
		if r > 0xff {
			return string(r)
		}
		return fmt.Sprintf(`\x%02x`, r)
	},
}

func percentEncode(sign string, r rune) string {
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, "%s%02X", sign, c)
	}
	return b.String()
}

func TestWords_FindsEscapedNumbersAndSecrets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		escape := func(text string) string {
			var b strings.Builder
			for _, r := range text {
				b.WriteString(rapid.SampledFrom(escapings).Draw(t, "escaping")(r))
			}
			return b.String()
		}
		number := rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "number")
		var grouped strings.Builder
		for i, r := range number {
			if i > 0 && rapid.IntRange(0, 2).Draw(t, "separated") == 0 {
				grouped.WriteString(rapid.SampledFrom([]string{" ", "-", ".", "\u2011", "\u00a0", " - ", "/", ")", ") "}).Draw(t, "separator"))
			}
			grouped.WriteRune(r)
		}
		user := rapid.StringMatching(`U[0-9a-f]{32}`).Draw(t, "user")
		if rapid.Bool().Draw(t, "in capitals") {
			user = strings.ToUpper(user)
		}
		got := scrub.Words("refused: "+escape(grouped.String())+" of "+escape(user)+".",
			scrub.Personal{Secrets: []string{"U" + strings.ToLower(user[1:])}, Number: number})
		require.Regexp(t, `^refused: [^0-9]*\*\*\*[^0-9]* of [^0-9]*\*\*\*\.$`, got)
	})
}

func TestWords_KeepsHarmlessNumbers(t *testing.T) {
	t.Parallel()
	p := scrub.Personal{Number: "912345678", Secrets: []string{"498172", "U4af4980629aa11bb22cc33dd44ee55ff"}}
	for _, words := range []string{
		"131026: message undeliverable", "HTTP 503 after 30000 ms", "code=30005 id:0xA", "line 12, column 345", "2026-03-14T12:00:00Z",
		"error 100 (#131009) %d of 17", `\u65e0 &lt;1&gt; 100%`, "port 8080 of 10.0.0.17", "err:042 stat:UNDELIV",
	} {
		require.Equal(t, words, scrub.Words(words, p))
	}
}

func FuzzWords(f *testing.F) {
	f.Add("says %30%39 \\u0030 &#48; QUJD", "secret")
	f.Add("%", "&;")
	f.Fuzz(func(t *testing.T, words, secret string) {
		got := scrub.Words(words, scrub.Personal{Secrets: []string{secret}, AnyNumber: true})
		require.True(t, utf8.ValidString(got))
		if s := strings.ToValidUTF8(secret, "\uFFFD"); len(s) > 20 && strings.ContainsAny(s, "abcdefgh12345678") && s == strings.Map(letterOrDigit, s) {
			require.NotContains(t, got, s)
		}
	})
}

func letterOrDigit(r rune) rune {
	if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
		return r
	}
	return -1
}
