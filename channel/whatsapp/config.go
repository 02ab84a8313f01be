package whatsapp

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

// Config says which number sends, and how Meta and the application authenticate each other.
// It prints without its secrets.
type Config struct {
	// Name is the channel's name, for a dispatcher with several numbers. Defaults to
	// channel.WhatsApp. A person without a number is reached by the business-scoped user ID
	// (TW.13491208655302741918) on this name in channel.Recipient.IDs. All numbers of one
	// business portfolio know the person by the same ID.
	Name channel.Name
	// PhoneNumberID is Meta's ID of the business phone number that sends: digits, but not
	// the number itself. Webhooks about other numbers are ignored, because a webhook URL
	// serves all numbers of an app. Required.
	PhoneNumberID string
	// Token returns the access token, one with the permission whatsapp_business_messaging.
	// It is called at every Send, so that a token can be replaced without a restart. It
	// must return at once and be safe for concurrent use. White space around the token is
	// ignored. Required.
	Token func() string
	// AppSecrets are the app's secrets, which Meta signs webhooks with: one, or two during
	// a rotation. Required.
	AppSecrets []secret.Text
	// VerifyTokens are the tokens that Meta sends when it checks the webhook's URL, as
	// entered in the App Dashboard. Required.
	VerifyTokens []secret.Text
	// Codes override the meanings of Meta's error codes, row by row. A verdict is that of
	// an error: Failed or Undeliverable with a reason, or Preparing. Preparing without a
	// reason is a fault that may pass; with the reason in_doubt Meta may have taken the
	// message. Defaults to the table in docs/channels/whatsapp.md.
	Codes map[int]channel.Verdict
	// Validity is how long Meta tries to deliver: the longest message_send_ttl_seconds of
	// the templates that are sent, if every one sets it. The API takes no limit for a
	// single message. Defaults to 30 days, Meta's own default for utility templates
	// (Template time-to-live, "Defaults, min/max values").
	Validity time.Duration
	// BaseURL is the URL of the Graph API, without its version. Defaults to
	// https://graph.facebook.com.
	BaseURL string
	// Version is the version of the Graph API. A version lives about two years. Defaults to
	// v25.0.
	Version string
	// Client makes the calls. Defaults to httpapi.NewClient().
	Client *http.Client
}

const (
	defaultValidity = 30 * 24 * time.Hour
	defaultBaseURL  = "https://graph.facebook.com"
	defaultVersion  = "v25.0"
)

var (
	onlyDigits   = regexp.MustCompile(`^[0-9]+$`)
	graphVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
)

// New returns the channel of one business phone number. Its error holds every mistake in
// the config.
func New(c Config) (*Channel, error) {
	c.Name = cmp.Or(c.Name, channel.WhatsApp)
	c.BaseURL = strings.TrimSuffix(cmp.Or(c.BaseURL, defaultBaseURL), "/")
	c.Version = cmp.Or(c.Version, defaultVersion)
	c.Validity = cmp.Or(c.Validity, defaultValidity)
	if c.Client == nil {
		c.Client = httpapi.NewClient()
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return newChannel(c), nil
}

func (c Config) check() error {
	var mistakes []error
	unless := func(ok bool, mistake string) {
		if !ok {
			mistakes = append(mistakes, errors.New("whatsapp: Config."+mistake))
		}
	}
	unless(c.PhoneNumberID != "", "PhoneNumberID is required")
	unless(c.PhoneNumberID == "" || onlyDigits.MatchString(c.PhoneNumberID), "PhoneNumberID: want digits only, it is an ID and no number")
	unless(c.Token != nil, "Token is required")
	unless(len(c.AppSecrets) > 0, "AppSecrets is required")
	unless(!slices.ContainsFunc(c.AppSecrets, secret.Text.IsZero), "AppSecrets holds an empty one")
	unless(len(c.VerifyTokens) > 0, "VerifyTokens is required")
	unless(!slices.ContainsFunc(c.VerifyTokens, secret.Text.IsZero), "VerifyTokens holds an empty one")
	for _, code := range slices.Sorted(maps.Keys(c.Codes)) {
		unless(isRefusal(c.Codes[code]), fmt.Sprintf("Codes[%d] is no error: want Preparing, or Failed or Undeliverable with a reason", code))
	}
	unless(c.Validity > 0, "Validity is negative")
	base, err := url.Parse(c.BaseURL)
	unless(err == nil && (base.Scheme == "https" || base.Scheme == "http") && base.Host != "" && base.User == nil &&
		!strings.ContainsAny(c.BaseURL, "?#"),
		"BaseURL: want one such as "+defaultBaseURL)
	unless(graphVersion.MatchString(c.Version), "Version: want one such as "+defaultVersion)
	return errors.Join(mistakes...)
}

func isRefusal(v channel.Verdict) bool {
	switch v.Status {
	case status.Preparing:
		return v.Reason == "" || v.Reason == status.InDoubt
	case status.Failed, status.Undeliverable:
		return v.Reason != ""
	default:
		return false
	}
}

// Format writes the fields that are not secret, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	mask.Writef(f, "whatsapp.Config{PhoneNumberID: %q, Version: %q, %d app secrets, %d verify tokens}",
		c.PhoneNumberID, c.Version, len(c.AppSecrets), len(c.VerifyTokens))
}

// MarshalText returns the fields that are not secret, for logs.
func (c Config) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }
