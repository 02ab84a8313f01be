package rcs

import (
	"cmp"
	"context"
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

// Config says which agent sends, and as whom it calls the platform. It prints without its
// secrets.
type Config struct {
	// Name is the channel's name. Defaults to channel.RCS.
	Name channel.Name
	// BaseURL is the URL of the API. The regions of agents have URLs of their own, such as
	// https://europe-rcsbusinessmessaging.googleapis.com. Defaults to
	// https://rcsbusinessmessaging.googleapis.com.
	BaseURL string
	// AgentID is the agent that sends, as the developer console shows it. Required.
	AgentID string

	// ServiceAccount is the JSON key file of a service account of the agent's partner. Either
	// it or Token is required.
	ServiceAccount secret.Text
	// Token returns an access token with the scope
	// https://www.googleapis.com/auth/rcsbusinessmessaging, for applications that get their
	// tokens elsewhere. It is called for every send, so it returns a token from memory as
	// long as that is valid. It must be safe for concurrent use.
	Token func(ctx context.Context) (secret.Text, error)

	// ClientTokens are the client tokens of the webhook: one, or two during a change. They
	// sign the platform's calls. Without any, ReceiptHandler refuses every call.
	ClientTokens []secret.Text
	// TrafficType is the messageTrafficType of messages that name none, such as
	// AUTHENTICATION. Defaults to the agent's own, which an agent for several uses does not
	// have.
	TrafficType string

	// Codes overrides the meanings of refusals, by the word of error.status in the answer,
	// such as "NOT_FOUND".
	Codes map[string]channel.Verdict
	// Client makes the calls. Defaults to httpapi.NewClient().
	Client *http.Client
	// Clock is the clock that a message's time to live and a token's validity count from.
	// Defaults to the real one.
	Clock Clock
}

// Format writes the channel's name, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	mask.Writef(f, "rcs.Config(%s)", cmp.Or(c.Name, channel.RCS))
}

// MarshalText returns what Format writes, for logs.
func (c Config) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

// Channel sends for one agent. It is a [channel.Receiver], a [channel.Recaller] and a
// [channel.ContentChecker], and safe for concurrent use.
type Channel struct {
	// setup returns the settings that New made of its Config. It is a function because fmt
	// prints a function as an address, with any verb.
	setup func() *setup
}

type setup struct {
	Config
	tokens     *tokenSource // of ServiceAccount, or nil
	recipients *recipients
}

// New returns a channel, or all mistakes in the Config at once. It makes no call.
func New(c Config) (*Channel, error) {
	c.Name = cmp.Or(c.Name, channel.RCS)
	c.BaseURL = strings.TrimSuffix(cmp.Or(c.BaseURL, "https://rcsbusinessmessaging.googleapis.com"), "/")
	c.ClientTokens = slices.Clone(c.ClientTokens)
	c.Codes = maps.Clone(c.Codes)
	if c.Client == nil {
		c.Client = httpapi.NewClient()
	}
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	s := &setup{Config: c, recipients: new(recipients)}
	var account error
	if !c.ServiceAccount.IsZero() {
		s.tokens, account = newTokenSource(c)
	}
	if err := errors.Join(c.check(), account); err != nil {
		return nil, err
	}
	return &Channel{func() *setup { return s }}, nil
}

var trafficTypePattern = regexp.MustCompile(`^[A-Z_]*$`)

func (c Config) check() error {
	var errs []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("rcs: Config."+format, args...))
		}
	}
	refuse(!isHTTPURL(c.BaseURL), "BaseURL must be an absolute http or https URL without a query")
	refuse(c.AgentID == "", "AgentID is required")
	refuse(c.ServiceAccount.IsZero() == (c.Token == nil), "ServiceAccount or Token is required, and not both")
	for i, token := range c.ClientTokens {
		refuse(token.IsZero(), "ClientTokens[%d] is empty", i)
	}
	refuse(!trafficTypePattern.MatchString(c.TrafficType), "TrafficType must be a word in capitals, such as AUTHENTICATION")
	for _, code := range slices.Sorted(maps.Keys(c.Codes)) {
		v := c.Codes[code]
		refuse((v.Status == status.Undeliverable || v.Status == status.Failed) && v.Reason == "", "Codes[%q] has no Reason", code)
	}
	return errors.Join(errs...)
}

// isHTTPURL reports whether s is an HTTP URL without a query, a fragment and a user.
func isHTTPURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

// Name returns Config.Name.
func (c *Channel) Name() channel.Name { return c.setup().Name }

// Traits returns the traits of a channel that is idempotent and reports when people read. The
// platform holds a message for 30 days, unless the message has a time to live.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Idempotent: true, Reads: true, Expires: true, Validity: 30 * 24 * time.Hour}
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the clock itself
