package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Config configures the handler that [New] returns. A zero field means its default.
type Config struct {
	// Store is where the messages live. Required.
	Store smsplus.Store
	// Dispatcher is one of the store's, running or not. Its channels are listed with their
	// providers, and actions go through it. Defaults to none, and then the pages only show.
	Dispatcher *smsplus.Dispatcher

	// BasePath is the path under which browsers see the pages: "/admin/sms". A request may
	// come with this prefix, or without it from a proxy that strips it. Defaults to "".
	BasePath string
	// Title names the pages. Defaults to "SMS+".
	Title string
	// HomeURL is where the link back to the application leads: a path, or an https URL.
	// Defaults to no link.
	HomeURL string

	// Authorize decides every request, also those for style sheets. It returns the user's
	// name for the audit log, or an error, and then the request is refused. It must be safe
	// for concurrent use.
	//
	// Defaults to a rule that serves loopback only: the request comes from this machine, was
	// not forwarded by a proxy, and names this machine as its host.
	Authorize func(*http.Request) (user string, err error)
	// Reveal says whether a request may see telephone numbers, recipients' IDs, variables and
	// metadata. They are shown only when the user asks for them, and each such request is
	// audited. Defaults to no request.
	Reveal func(*http.Request) bool
	// Allow says whether a request may take an action: whether the user may cancel a message,
	// or pause a channel. Pages offer no action that it refuses, and each action is audited
	// before it is taken. It must be safe for concurrent use. Defaults to no action.
	Allow func(*http.Request, Action) bool
	// Audit is notified of what users are shown, and of the actions that they take. It is
	// called before the page is answered, or the action taken, and either is refused if it
	// returns an error. It must be safe for concurrent use. Required with Reveal and Allow.
	Audit func(*http.Request, AuditEntry) error
	// Secret hides what people search for in URLs, such as telephone numbers. Processes
	// behind one address need the same, of 32 bytes or more. Defaults to random bytes, so
	// that such URLs work in this process only.
	Secret secret.Text

	// Context ends the live updates of open pages, before a server shuts down. Otherwise
	// [http.Server.Shutdown] waits for them. Defaults to a context that does not end.
	Context context.Context

	// Location is the time zone of viewers whose browser does not tell theirs. Defaults to
	// UTC.
	Location *time.Location
	// Region is the country, in two letters, whose code is selected first where a number is
	// typed. Defaults to "TW".
	Region string
	// Months is the number of calendar months that a range may reach back. Defaults to 3.
	Months int
	// Timeout is a deadline for each query of the store. Defaults to 10 s.
	Timeout time.Duration
	// Clock returns the current time. Defaults to the real clock.
	Clock smsplus.Clock
	// Logger gets the errors that users are not shown. Defaults to none.
	Logger *slog.Logger
}

// withDefaults returns the config with its defaults, or every mistake in it.
func (c Config) withDefaults() (Config, error) {
	if err := c.check(); err != nil {
		return Config{}, err
	}
	c.Title = cmp.Or(c.Title, "SMS+")
	c.Location = cmp.Or(c.Location, time.UTC)
	c.Region = cmp.Or(c.Region, "TW")
	c.Months = cmp.Or(c.Months, 3)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	if c.Authorize == nil {
		c.Authorize = loopbackOnly
	}
	if c.Reveal == nil {
		c.Reveal = func(*http.Request) bool { return false }
	}
	if c.Allow == nil {
		c.Allow = func(*http.Request, Action) bool { return false }
	}
	if c.Context == nil {
		c.Context = context.Background()
	}
	if c.Clock == nil {
		c.Clock = clock.New()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// minSecret is the least number of bytes of a Config.Secret.
const minSecret = 32

func (c Config) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("console: "+format, args...)) }
	if c.Store == nil {
		add("Config.Store is required")
	}
	if c.BasePath != "" && !isPath(c.BasePath) {
		add("Config.BasePath must begin with a slash, not end with one, and need no escape: %q", c.BasePath)
	}
	if u, err := url.Parse(c.HomeURL); err != nil || c.HomeURL != "" && u.Scheme != "https" && !strings.HasPrefix(c.HomeURL, "/") {
		add("Config.HomeURL must be a path or an https URL")
	}
	if c.Audit == nil && (c.Reveal != nil || c.Allow != nil) {
		add("Config.Audit is required with Config.Reveal and Config.Allow")
	}
	if n := len(c.Secret.Reveal()); n > 0 && n < minSecret {
		add("Config.Secret must have %d bytes or more (%d)", minSecret, n)
	}
	if c.Region != "" && !isRegion(c.Region) {
		add("Config.Region is no country: %q", c.Region)
	}
	if c.Months < 0 {
		add("Config.Months is negative: %d", c.Months)
	}
	if c.Timeout < 0 {
		add("Config.Timeout is negative: %v", c.Timeout)
	}
	return errors.Join(errs...)
}

// isPath reports whether a path has no empty or relative segment, and no character that a
// pattern of [http.ServeMux] or a URL treats specially.
func isPath(path string) bool {
	segments := strings.Split(path, "/")
	if segments[0] != "" {
		return false
	}
	for _, s := range segments[1:] {
		if s == "" || s == "." || s == ".." || url.PathEscape(s) != s {
			return false
		}
	}
	return true
}

func isRegion(region string) bool {
	for _, c := range national.Countries("en") {
		if c.Region == region {
			return true
		}
	}
	return false
}
