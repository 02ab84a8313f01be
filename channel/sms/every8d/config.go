package every8d

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

// Clock tells the time. The clocks of github.com/benbjohnson/clock implement it.
type Clock interface{ Now() time.Time }

// Config configures a Channel. It prints without its secrets.
type Config struct {
	// Name is the channel's name. Defaults to channel.SMS.
	Name channel.Name
	// BaseURL is the URL of the account's site, without the path of the API. Some accounts
	// have https://new.e8d.tw or https://oms.every8d.com. Defaults to https://api.e8d.tw.
	BaseURL string
	// UserID and Password are the account's. Required.
	UserID   string
	Password secret.Text

	// PollEvery is how often Every8D is asked for the outcome of an accepted message. At least
	// a second. Defaults to a minute.
	PollEvery time.Duration
	// MaxSegments is how many segments a text may have, as package sms counts them. Every8D
	// divides a text of more than five by itself. Defaults to 5.
	MaxSegments int
	// International says that the account may send to numbers outside Taiwan.
	International bool

	// Codes replace rows of the table of codes. An answer to a send has a negative code, and
	// the state of a message is a code that is not negative.
	Codes map[int]channel.Verdict
	// Client makes the calls. Defaults to httpapi.NewClient().
	Client *http.Client
	// Clock tells the time. Defaults to the real one.
	Clock Clock
}

// Format writes the channel's name, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	mask.Writef(f, "every8d.Config(%s)", cmp.Or(c.Name, channel.SMS))
}

// MarshalText returns what Format writes, for logs.
func (c Config) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

// Channel sends through one account at Every8D. It is a [channel.Querier], a
// [channel.ContentChecker] and a [channel.Sizer], and safe for concurrent use.
type Channel struct {
	// setup returns the settings that New made of its Config. It is a function because fmt
	// prints a function as an address, with any verb.
	setup func() *Config
}

// New returns a channel, or all mistakes in the Config at once. It makes no call.
func New(c Config) (*Channel, error) {
	c.Name = cmp.Or(c.Name, channel.SMS)
	c.BaseURL = strings.TrimSuffix(cmp.Or(c.BaseURL, "https://api.e8d.tw"), "/")
	c.PollEvery = cmp.Or(c.PollEvery, time.Minute)
	c.MaxSegments = cmp.Or(c.MaxSegments, 5)
	if c.Client == nil {
		c.Client = httpapi.NewClient()
	}
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	own := c.Codes
	c.Codes = maps.Clone(codes)
	maps.Copy(c.Codes, own)
	return &Channel{func() *Config { return &c }}, nil
}

func (c Config) check() error {
	var errs []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("every8d: Config."+format, args...))
		}
	}
	u, err := url.Parse(c.BaseURL)
	refuse(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "",
		"BaseURL must be an absolute http or https URL without a query")
	refuse(c.UserID == "", "UserID is required")
	refuse(c.Password.IsZero(), "Password is required")
	refuse(c.PollEvery < time.Second, "PollEvery is %v, want at least 1s", c.PollEvery)
	refuse(c.MaxSegments < 0, "MaxSegments is negative")
	for _, code := range slices.Sorted(maps.Keys(c.Codes)) {
		v := c.Codes[code]
		refuse((v.Status == status.Undeliverable || v.Status == status.Failed) && v.Reason == "", "Codes[%d] has no Reason", code)
	}
	return errors.Join(errs...)
}

// Name returns Config.Name.
func (c *Channel) Name() channel.Name { return c.setup().Name }

// Traits returns the traits of an SMS that Every8D tries to deliver for a day.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Machine: status.SMS, Validity: maxValidity, Expires: true, PollEvery: c.setup().PollEvery}
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the clock itself
