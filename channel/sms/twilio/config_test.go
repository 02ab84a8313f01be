package twilio_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfig_ReturnsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := twilio.New(twilio.Config{})
	require.EqualError(t, err, `twilio: Config.AccountSID is required
twilio: Config.AuthTokens is required
twilio: Config.From or MessagingServiceSID is required, and not both
twilio: Config.StatusCallback is required`)
}

func TestConfig_MistakeNamesFieldWithoutValue(t *testing.T) {
	t.Parallel()
	const hidden = "hidden-912345678"
	for want, change := range map[string]func(*twilio.Config){
		"BaseURL must be an absolute http or https URL without a query": func(c *twilio.Config) { c.BaseURL = hidden },
		"AccountSID must be AC and 32 hexadecimal digits":               func(c *twilio.Config) { c.AccountSID = hidden },
		"AuthTokens[1] is empty":                                        func(c *twilio.Config) { c.AuthTokens = secret.NewAll(hidden, "") },
		"APIKeySID and APIKeySecret go together":                        func(c *twilio.Config) { c.APIKeySecret = secret.New(hidden) },
		"APIKeySID must be SK and 32 hexadecimal digits":                func(c *twilio.Config) { c.APIKeySID, c.APIKeySecret = account, secret.New(hidden) },
		"From or MessagingServiceSID is required, and not both":         func(c *twilio.Config) { c.MessagingServiceSID = service },
		"MessagingServiceSID must be MG and 32 hexadecimal digits":      func(c *twilio.Config) { c.From, c.MessagingServiceSID = "", hidden },
		"Codes[30007]: an error is not delivered":                       func(c *twilio.Config) { c.Codes = map[int]channel.Verdict{30007: {Status: status.Delivered}} },
		"Codes[30008]: undeliverable needs a reason":                    func(c *twilio.Config) { c.Codes = map[int]channel.Verdict{30008: {Status: status.Undeliverable}} },
		"Codes[30009]: preparing takes no reason but in_doubt":          func(c *twilio.Config) { c.Codes = map[int]channel.Verdict{30009: {Reason: status.Blocked}} },
		"MaxSegments is negative":                                       func(c *twilio.Config) { c.MaxSegments = -1 },
		"StatusCallback sets attempt or bodySHA256, which are not the application's": func(c *twilio.Config) {
			c.StatusCallback = public + "?x=1&attempt=" + hidden
		},
	} {
		c := config()
		change(&c)
		_, err := twilio.New(c)
		require.EqualError(t, err, "twilio: Config."+want)
	}
}

func TestConfig_RefusesAmbiguousURLs(t *testing.T) {
	t.Parallel()
	for _, callback := range []string{
		"example.com/receipts", "/receipts", "ftp://example.com/", "https://example.com", "https://Example.com/",
		"https://exa_mple.com/", "https://user:secret@example.com/", "https://[::1]/", "https:///receipts",
		"https://example.com:x/", "https://example.com/a b", "https://example.com/é", "https://example.com/%20",
		"https://example.com/?", "https://example.com/?a=%20", "https://example.com/?a=b c", "https://example.com/?a=b+c",
		"https://example.com/?a='", "https://example.com/?a=b;c", "https://example.com/?bodySHA256=0",
		"https://example.com/?attempt", "https://example.com/#", "https://example.com/#a#b",
	} {
		c := config()
		c.StatusCallback = callback
		_, err := twilio.New(c)
		require.ErrorContains(t, err, "twilio: Config.StatusCallback ", callback)
	}
	for _, base := range []string{
		"api.twilio.com", "ftp://api.twilio.com", "https://", "https://api.twilio.com?x=1", "https://api.twilio.com#x",
		"https://user:secret@api.twilio.com", "https://api.twilio.com/\x7f",
	} {
		c := config()
		c.BaseURL = base
		_, err := twilio.New(c)
		require.EqualError(t, err, "twilio: Config.BaseURL must be an absolute http or https URL without a query", base)
	}
}

func TestFormat_PrintsNoField(t *testing.T) {
	t.Parallel()
	c := config()
	c.APIKeySID, c.APIKeySecret = apiKey, secret.New(signingSecret)
	c.StatusCallback += "?key=hidden"
	ch := open(t, c)
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).InfoContext(t.Context(), "start", "config", c, "pointer", &c, "channel", ch)
	}
	marshaled, err := json.Marshal([]any{c, &c, ch})
	require.NoError(t, err)
	log.Write(marshaled)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+verb+verb+verb, c, &c, ch, struct{ c any }{ch})
	}
	said := log.String()
	for _, hidden := range []string{token, signingSecret, "15005550006", "key=hidden"} {
		require.NotContains(t, said, hidden)
		require.NotContains(t, said, fmt.Sprintf("%x", hidden))
	}
	require.Contains(t, said, "twilio.Config")
}

func TestConfig_HasDocumentedDefaults(t *testing.T) {
	t.Parallel()
	ch := open(t, config())
	require.Equal(t, channel.SMS, ch.Name())
	require.Equal(t, channel.Traits{Machine: status.SMS, Validity: 48 * time.Hour}, ch.Traits())
	c := config()
	c.Name = "sms_us"
	require.Equal(t, channel.Name("sms_us"), open(t, c).Name())
}

func TestConfig_IsCopied(t *testing.T) {
	t.Parallel()
	c := config()
	c.Codes = map[int]channel.Verdict{30007: {Status: status.Failed, Reason: status.SystemError}}
	ch := open(t, c)
	c.AuthTokens[0] = secret.New("another")
	c.Codes[30007] = channel.Verdict{Status: status.Undeliverable, Reason: status.Blocked}
	got := requireReceipt(t, ch, newCallback(token, public+"?attempt="+attempt.String(), callbackForm("undelivered", "30007")))
	require.Equal(t, status.Failed, got.Status)
}
