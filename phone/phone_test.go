package phone_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/phone"
)

func mustParse(t require.TestingT, e164 string) phone.Number {
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

func TestParse_AcceptsOnlyE164(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"+886912345678", "+15551234567", "+1234567", "+123456789012345", "+85291234567", "+9999999",
	} {
		n, err := phone.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, text, n.E164())
	}
	for name, text := range map[string]string{
		"empty":             "",
		"only a plus":       "+",
		"no plus":           "886912345678",
		"national":          "0912345678",
		"two pluses":        "++886912345678",
		"six digits":        "+123456",
		"sixteen digits":    "+1234567890123456",
		"leading zero":      "+0886912345678",
		"dashes":            "+886-912-345-678",
		"space":             "+886 912345678",
		"trailing space":    "+886912345678 ",
		"trailing newline":  "+886912345678\n",
		"letter":            "+88691234567a",
		"full-width digits": "+８８６９１２３４５６７８",
		"a plus inside":     "+886+12345678",
		"NUL":               "+886912345678\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := phone.Parse(text)
			require.ErrorIs(t, err, phone.ErrInvalid)
			require.True(t, n.IsZero())
			require.NotRegexp(t, `\d{4}`, err.Error(), "the error repeats no digits")
		})
	}
}

func TestString_IsMasked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ number, code, want string }{
		{"+886912345678", "886", "+886******678"},
		{"+15551234567", "1", "+1*******567"},
		{"+79161234567", "7", "+7*******567"},
		{"+441632960961", "44", "+44*******961"},
		{"+85291234567", "852", "+852******67"},
		{"+390612345", "39", "+39*****45"},
		{"+2901234", "290", "+290***4"},
		{"+123456789012345", "1", "+1***********345"},
	} {
		n := mustParse(t, tt.number)
		require.Equal(t, tt.want, n.String())
		require.Equal(t, "phone.Number("+tt.want+")", n.GoString())
		require.Equal(t, tt.code, n.CountryCode())
	}
}

func TestNumber_ZeroIsNone(t *testing.T) {
	t.Parallel()
	var none phone.Number
	require.True(t, none.IsZero())
	require.Empty(t, none.E164())
	require.Empty(t, none.CountryCode())
	require.Empty(t, none.String())
	require.Empty(t, fmt.Sprint(none))
	require.Equal(t, "phone.Number()", fmt.Sprintf("%#v", none))
}

func genE164() *rapid.Generator[string] { return rapid.StringMatching(`\+[1-9][0-9]{6,14}`) }

func TestParse_IsInverseOfE164(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := genE164().Draw(t, "number")
		n := mustParse(t, text)
		require.Equal(t, text, n.E164())
		require.Equal(t, n, mustParse(t, n.E164()), "equal numbers are ==")
		require.True(t, strings.HasPrefix(text, "+"+n.CountryCode()))
	})
}

func TestNumber_EqualityIsByDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := genE164().Draw(t, "a"), genE164().Draw(t, "b")
		require.Equal(t, a == b, mustParse(t, a) == mustParse(t, b))
	})
}

func TestString_ShowsAtMostAThird(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := mustParse(t, genE164().Draw(t, "number"))
		masked, open := n.String(), n.E164()
		require.Len(t, masked, len(open))
		subscriber := strings.TrimPrefix(masked, "+"+n.CountryCode())
		shown := len(subscriber) - strings.Count(subscriber, "*")
		require.LessOrEqual(t, shown, min(3, len(subscriber)/3))
		require.True(t, strings.HasSuffix(open, subscriber[len(subscriber)-shown:]))
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "+", "+886912345678", "+1234567", "0912345678", "+88691234567a", "+0000000", "+8869123456789012"} {
		f.Add(seed)
	}
	valid := regexp.MustCompile(`^\+[1-9][0-9]{6,14}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := phone.Parse(text)
		if err == nil != valid.MatchString(text) {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		if err != nil {
			return
		}
		if n.E164() != text {
			t.Fatalf("Parse(%q).E164() = %q", text, n.E164())
		}
		if strings.Contains(fmt.Sprintf("%v %#v %s", n, n, n), text) {
			t.Fatalf("%q is printed unmasked", text)
		}
	})
}

func ExampleParse() {
	n, err := phone.Parse("+886912345678")
	fmt.Println(n, err)
	fmt.Println(n.E164())

	_, err = phone.Parse("0912-345-678")
	fmt.Println(err)
	// Output:
	// +886******678 <nil>
	// +886912345678
	// phone: not an E.164 number: it does not begin with +
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = phone.Parse("+886912345678")
	}
}

func BenchmarkE164(b *testing.B) {
	n := mustParse(b, "+886912345678")
	b.ReportAllocs()
	for b.Loop() {
		_ = n.E164()
	}
}

func BenchmarkString(b *testing.B) {
	n := mustParse(b, "+886912345678")
	b.ReportAllocs()
	for b.Loop() {
		_ = n.String()
	}
}
