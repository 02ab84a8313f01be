package scrub_test

import (
	"encoding/base64"
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
