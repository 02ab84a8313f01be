package national_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/phone/national"
)

func ExampleParse() {
	n, err := national.Parse("０９１２-345-678", "TW")
	fmt.Println(n.E164(), err)
	_, err = national.Parse("123", "TW")
	fmt.Println(err)
	// Output:
	// +886912345678 <nil>
	// national: not a valid number: 3 digits are none of its country's numbers
}

func TestParse_ReadsWhatPeopleType(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ input, region, want string }{
		{"0912-345-678", "TW", "+886912345678"},
		{"912345678", "TW", "+886912345678"},
		{"(0912) 345.678", "tw", "+886912345678"},
		{"０９１２　３４５　６７８", "TW", "+886912345678"},
		{"٠٩١٢٣٤٥٦٧٨", "TW", "+886912345678"},
		{"+886 912 345 678", "TW", "+886912345678"},
		{"＋８８６ 912 345 678", "", "+886912345678"},
		{"+886 (0)912 345 678", "JP", "+886912345678"},
		{"00886912345678", "TW", "+886912345678"},
		{"002886912345678", "TW", "+886912345678"},
		{"0912\u2011345\u2011678\u200b", "TW", "+886912345678"},
		{"090-1234-5678", "JP", "+819012345678"},
		{"081 234 5678", "TH", "+66812345678"},
		{"06 12 34 56 78", "FR", "+33612345678"},
		{"07 01 02 03 04", "CI", "+2250701020304"}, // the zero is part of the number
		{"(650) 253-0000", "US", "+16502530000"},
	} {
		n, err := national.Parse(tt.input, tt.region)
		require.NoError(t, err, "%q %s", tt.input, tt.region)
		require.Equal(t, tt.want, n.E164(), "%q %s", tt.input, tt.region)
	}
}

func TestParse_RefusesWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ input, region string }{
		{"", "TW"},
		{"+", "TW"},
		{"123", "TW"},
		{"0912345", "TW"},
		{"09123456789", "TW"},
		{"0912-345-678 ext. 5", "TW"},
		{"0912-OTP-678", "TW"},
		{"0912345678", ""},
		{"+999912345678", "TW"},
	} {
		n, err := national.Parse(tt.input, tt.region)
		require.ErrorIs(t, err, national.ErrInvalid, "%q", tt.input)
		require.NotContains(t, err.Error(), "0912")
		require.True(t, n.IsZero())
	}
	_, err := national.Parse("0912345678", "Taiwan")
	require.ErrorIs(t, err, national.ErrRegion)
}

func TestCountries_HaveCodesAndNames(t *testing.T) {
	t.Parallel()
	english, chinese := national.Countries("en"), national.Countries("zh-TW")
	require.Len(t, chinese, len(english))
	require.Greater(t, len(english), 200)
	require.Equal(t, "Afghanistan", english[0].Name)
	byRegion := make(map[string][2]national.Country)
	for i := range english {
		require.Equal(t, english[i].Region, chinese[i].Region)
		require.NotEmpty(t, english[i].Name)
		require.NotEmpty(t, chinese[i].Name)
		byRegion[english[i].Region] = [2]national.Country{english[i], chinese[i]}
	}
	require.Equal(t, [2]national.Country{{"TW", "886", "Taiwan"}, {"TW", "886", "台灣"}}, byRegion["TW"])
	require.Equal(t, [2]national.Country{{"JP", "81", "Japan"}, {"JP", "81", "日本"}}, byRegion["JP"])
	require.Equal(t, english, national.Countries("no language"))
}

func FuzzParse(f *testing.F) {
	f.Add("0912-345-678", "TW")
	f.Add("00１", "")
	f.Fuzz(func(t *testing.T, input, region string) {
		n, err := national.Parse(input, region)
		if err != nil {
			require.True(t, n.IsZero())
			return
		}
		again, err := phone.Parse(n.E164())
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}
