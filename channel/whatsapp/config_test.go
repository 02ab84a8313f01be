package whatsapp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfig_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := whatsapp.New(whatsapp.Config{})
	require.EqualError(t, err, strings.Join([]string{
		"whatsapp: Config.PhoneNumberID is required",
		"whatsapp: Config.Token is required",
		"whatsapp: Config.AppSecrets is required",
		"whatsapp: Config.VerifyTokens is required",
	}, "\n"))

	_, err = whatsapp.New(whatsapp.Config{
		PhoneNumberID: "+16505551234",
		Token:         func() string { return "" },
		AppSecrets:    secret.NewAll("one", ""),
		VerifyTokens:  secret.NewAll(""),
		Codes: map[int]channel.Verdict{
			1: {Status: status.Accepted},
			2: {Status: status.Delivered, Reason: status.Blocked},
			3: {Status: status.Failed},
			4: {Reason: status.Blocked},
			5: {Status: status.Undeliverable, Reason: status.Blocked},
			6: {},
			7: {Reason: status.InDoubt},
		},
		Validity: -time.Second,
		BaseURL:  "graph.facebook.com",
		Version:  "25",
	})
	require.EqualError(t, err, strings.Join([]string{
		"whatsapp: Config.PhoneNumberID: want digits only, it is an ID and no number",
		"whatsapp: Config.AppSecrets holds an empty one",
		"whatsapp: Config.VerifyTokens holds an empty one",
		"whatsapp: Config.Codes[1] is no error: want Preparing, or Failed or Undeliverable with a reason",
		"whatsapp: Config.Codes[2] is no error: want Preparing, or Failed or Undeliverable with a reason",
		"whatsapp: Config.Codes[3] is no error: want Preparing, or Failed or Undeliverable with a reason",
		"whatsapp: Config.Codes[4] is no error: want Preparing, or Failed or Undeliverable with a reason",
		"whatsapp: Config.Validity is negative",
		"whatsapp: Config.BaseURL: want one such as https://graph.facebook.com",
		"whatsapp: Config.Version: want one such as v25.0",
	}, "\n"))
}

func TestConfig_BaseURLMayEndInSlash(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"", "/"} {
		_, err := open(t, config(newFakeGraph(t, nil).url+end)).Send(t.Context(), envelope(shippedTemplate))
		require.NoError(t, err)
	}
	for _, url := range []string{
		"https://graph.facebook.com?x=1", "ftp://graph.facebook.com", "https://", "://", "http://a b",
		"https://graph.facebook.com?", "https://graph.facebook.com#x", "https://user:secret@graph.facebook.com",
	} {
		_, err := whatsapp.New(config(url))
		require.Error(t, err, url)
	}
}
