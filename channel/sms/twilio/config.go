package twilio

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// Clock tells the time. The clocks of github.com/benbjohnson/clock implement it.
type Clock interface{ Now() time.Time }

// Config says for which account and from which sender to send, and where receipts go. It
// prints without its fields.
type Config struct {
	// Name is the channel's name. Defaults to channel.SMS.
	Name channel.Name
	// BaseURL is the URL of the API. Other regions have a URL of their own. Defaults to
	// https://api.twilio.com.
	BaseURL string

	// AccountSID is the account that sends the messages, "AC…". Required.
	AccountSID string
	// AuthTokens are the account's auth tokens: one, or two during a rotation. A callback
	// may be signed with any of them. The first also authenticates sends unless there is an
	// API key, so put the new one first. Required.
	AuthTokens []secret.Text
	// APIKeySID and APIKeySecret are an API key to send with, "SK…" and its secret. Set
	// both or neither.
	APIKeySID    string
	APIKeySecret secret.Text

	// From is the sender: a number in E.164, a short code or an alphanumeric sender
	// ID. Either From or MessagingServiceSID is required.
	From string
	// MessagingServiceSID is the Messaging Service that chooses the sender, "MG…".
	MessagingServiceSID string

	// StatusCallback is the public URL of ReceiptHandler, which Twilio calls and signs.
	// Proxies may change it on the way, as long as they leave its query unchanged. The
	// attempt's ID is added to the query. Required.
	//
	// Path and query consist of letters, digits and -._~/=& alone, because programs escape
	// other characters differently. The host is in lower case. A fragment may hold Twilio's
	// connection overrides, such as #rc=5&rp=all, which asks for repeats when the handler
	// fails.
	StatusCallback string

	// Codes overrides the meanings of error codes, row by row. It applies to answers to a
	// send, whatever their HTTP status, and to callbacks. In a callback a fault that may
	// pass is final, with the reason carrier_error.
	Codes map[int]channel.Verdict
	// MaxSegments is how many segments a text may have, as package sms counts them, before
	// Twilio's Smart Encoding. Zero means that only Twilio's limit of 1,600 characters
	// applies.
	MaxSegments int

	// Client makes the calls. Defaults to httpapi.NewClient().
	Client *http.Client
	// Clock is the clock that a message's validity counts from. Defaults to the real one.
	Clock Clock
}

const maskedConfig = "twilio.Config"

// Format writes the type's name alone, whatever the verb.
func (Config) Format(f fmt.State, _ rune) { mask.Write(f, maskedConfig) }

// MarshalText returns the type's name alone, for logs.
func (Config) MarshalText() ([]byte, error) { return []byte(maskedConfig), nil }

// withDefaults returns a copy of the Config that shares nothing with the caller's.
func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, channel.SMS)
	c.BaseURL = strings.TrimSuffix(cmp.Or(c.BaseURL, "https://api.twilio.com"), "/")
	c.AuthTokens = slices.Clone(c.AuthTokens)
	c.Codes = maps.Clone(c.Codes)
	if c.Client == nil {
		c.Client = httpapi.NewClient()
	}
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	return c
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the clock itself

// sidPattern matches Twilio's string identifiers (SIDs): two letters and a number of 128
// bits.
var sidPattern = regexp.MustCompile(`^[A-Z]{2}[0-9a-fA-F]{32}$`)

func isSID(s, kind string) bool { return strings.HasPrefix(s, kind) && sidPattern.MatchString(s) }

// isMessageSID reports whether s is the SID of a message ("Message resource").
func isMessageSID(s string) bool { return isSID(s, "SM") || isSID(s, "MM") }

func (c Config) check() error {
	var errs []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("twilio: Config."+format, args...))
		}
	}
	refuse(!isHTTPURL(c.BaseURL), "BaseURL must be an absolute http or https URL without a query")
	refuse(c.AccountSID == "", "AccountSID is required")
	refuse(c.AccountSID != "" && !isSID(c.AccountSID, "AC"), "AccountSID must be AC and 32 hexadecimal digits")
	refuse(len(c.AuthTokens) == 0, "AuthTokens is required")
	for i, token := range c.AuthTokens {
		refuse(token.IsZero(), "AuthTokens[%d] is empty", i)
	}
	refuse((c.APIKeySID == "") != c.APIKeySecret.IsZero(), "APIKeySID and APIKeySecret go together")
	refuse(c.APIKeySID != "" && !isSID(c.APIKeySID, "SK"), "APIKeySID must be SK and 32 hexadecimal digits")
	refuse((c.From == "") == (c.MessagingServiceSID == ""), "From or MessagingServiceSID is required, and not both")
	refuse(c.MessagingServiceSID != "" && !isSID(c.MessagingServiceSID, "MG"),
		"MessagingServiceSID must be MG and 32 hexadecimal digits")
	for _, code := range slices.Sorted(maps.Keys(c.Codes)) {
		v := c.Codes[code]
		final := v.Status == status.Failed || v.Status == status.Undeliverable
		refuse(!final && v.Status != status.Preparing, "Codes[%d]: an error is not %v", code, v.Status)
		refuse(final && v.Reason == "", "Codes[%d]: %v needs a reason", code, v.Status)
		refuse(v.Status == status.Preparing && v.Reason != "" && v.Reason != status.InDoubt,
			"Codes[%d]: preparing takes no reason but in_doubt", code)
	}
	refuse(c.MaxSegments < 0, "MaxSegments is negative")
	return errors.Join(errs...)
}

func isHTTPURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && !strings.ContainsAny(s, "?#")
}
