package mitake

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// Config configures a Channel. It prints without its secrets.
type Config struct {
	// Name is the channel's name. Defaults to channel.SMS.
	Name channel.Name
	// URL is the URL of the account's API, without the method's name. Mitake uses
	// "https://smsapi.mitake.com.tw/api/mtk" and "https://smsb2c.mitake.com.tw/b2c/mtk",
	// for example. An account works at one of them only. Required.
	URL string
	// Client makes the calls. Defaults to httpapi.NewClient().
	Client *http.Client
	// Username and Password are the account's. Required.
	Username string
	Password secret.Text

	// CallbackURL is the URL at which Mitake reaches the handler of
	// [Channel.ReceiptHandler]. The channel adds two segments to its path, so mount the
	// handler for the whole folder. It has at most 175 bytes, and no query. If it is empty,
	// there are no receipts, and Mitake is asked when a step's wait ends.
	CallbackURL string
	// CallbackSecrets sign callback URLs. The first one signs those of new messages, and a
	// call is accepted if any of them signed it. Keep a secret in the list for two days
	// after another has come before it. Required with CallbackURL.
	CallbackSecrets []secret.Text

	// MaxSegments is how many segments a text may have. Defaults to 1, which every account
	// may send. More segments need the account's permission for long messages.
	MaxSegments int
	// International says that the account may send to numbers outside Taiwan.
	International bool
	// Connections is the maximum number of concurrent calls. The specification allows an
	// account 15 connections, so processes that share an account must divide them. Defaults
	// to 15.
	Connections int

	// Codes replace rows of the table of status codes, by statuscode. Mitake answers with a
	// statuscode, and reports it as StatusFlag.
	Codes map[string]channel.Verdict
	// Clock tells the time. Defaults to the real one.
	Clock Clock
}

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// Format writes the channel's name, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	mask.Writef(f, "mitake.Config(%s)", cmp.Or(c.Name, channel.SMS))
}

// MarshalText returns the channel's name, for logs.
func (c Config) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

// Channel sends through one account at Mitake. It is a [channel.Receiver], a
// [channel.Querier], a [channel.ContentChecker] and a [channel.Sizer], and safe for
// concurrent use.
type Channel struct {
	// setup returns the settings that New made of its Config. It is a function because fmt
	// prints a function as an address, with any verb.
	setup func() *setup
}

type setup struct {
	Config
	smSend    string        // the URL of the method
	smQuery   string        // likewise
	callSlots chan struct{} // holds a token for each call in progress
}

const (
	maxConnections   = 15
	maxCallbackBytes = 256 // the specification, SmSend, response
)

// New returns a channel, or every mistake in its configuration.
func New(c Config) (*Channel, error) {
	c.Name = cmp.Or(c.Name, channel.SMS)
	c.MaxSegments = cmp.Or(c.MaxSegments, 1)
	c.Connections = cmp.Or(c.Connections, maxConnections)
	if c.Client == nil {
		c.Client = httpapi.NewClient()
	}
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	c.CallbackSecrets = slices.Clone(c.CallbackSecrets)
	own := c.Codes
	c.Codes = maps.Clone(codes)
	maps.Copy(c.Codes, own)
	s := &setup{
		Config:    c,
		smSend:    strings.TrimSuffix(c.URL, "/") + "/SmSend?CharsetURL=UTF8",
		smQuery:   strings.TrimSuffix(c.URL, "/") + "/SmQuery",
		callSlots: make(chan struct{}, c.Connections),
	}
	return &Channel{func() *setup { return s }}, nil
}

func (c Config) check() error {
	var mistakes []error
	mistake := func(is bool, text string) {
		if is {
			mistakes = append(mistakes, errors.New("mitake: Config."+text))
		}
	}
	mistake(c.URL == "", "URL is required")
	mistake(c.URL != "" && !isPlainURL(c.URL), "URL is not an HTTP URL without a query")
	mistake(c.Username == "", "Username is required")
	mistake(c.Password.IsZero(), "Password is required")
	mistake(c.CallbackURL != "" && !isPlainURL(c.CallbackURL), "CallbackURL is not an HTTP URL without a query")
	mistake(len(c.CallbackURL)+signatureLen > maxCallbackBytes, fmt.Sprintf("CallbackURL has more than %d bytes", maxCallbackBytes-signatureLen))
	mistake(c.CallbackURL != "" && len(c.CallbackSecrets) == 0, "CallbackSecrets is required with CallbackURL")
	for i, s := range c.CallbackSecrets {
		mistake(s.IsZero(), fmt.Sprintf("CallbackSecrets[%d] is empty", i))
	}
	mistake(c.MaxSegments < 0, "MaxSegments is negative")
	mistake(c.Connections < 0 || c.Connections > maxConnections, fmt.Sprintf("Connections is not between 1 and %d", maxConnections))
	for _, code := range slices.Sorted(maps.Keys(c.Codes)) {
		v := c.Codes[code]
		mistake((v.Status == status.Undeliverable || v.Status == status.Failed) && v.Reason == "",
			fmt.Sprintf("Codes[%q] has no Reason", code))
	}
	return errors.Join(mistakes...)
}

// isPlainURL reports whether s is an HTTP URL without a query, a fragment and a user.
func isPlainURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

// Name returns [Config.Name].
func (c *Channel) Name() channel.Name { return c.setup().Name }

// Traits returns the traits of an SMS that Mitake tries to deliver for a day.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Machine: status.SMS, Idempotent: true, Validity: maxValidity, Expires: true}
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the clock itself
