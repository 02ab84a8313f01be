package api

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Config configures the handler that [New] returns. A zero field means its default.
type Config struct {
	// Store is where the messages live. Required.
	Store smsplus.Store
	// Dispatcher is one of the store's, running or not. Actions go through it. Defaults to
	// none, and then the API only reads.
	Dispatcher *smsplus.Dispatcher

	// Authorize decides every request, also those for the document and for paths that do not
	// exist. It returns the caller's name for the audit log. An error refuses the request: with
	// 401 if it wraps [ErrUnauthenticated], and with 403 otherwise.
	// It must be safe for concurrent use. Required.
	Authorize func(*http.Request) (caller string, err error)
	// Allow says whether a request may take an action. It is not asked about [Reveal]. It must
	// be safe for concurrent use. Defaults to no action, and then the API only reads.
	Allow func(*http.Request, Action) bool
	// Reveal says whether a request may see telephone numbers, recipients' IDs, variables and
	// metadata. They are shown only if the request asks for them, and each such request is
	// audited. It must be safe for concurrent use. Defaults to no request.
	Reveal func(*http.Request) bool
	// Audit is notified of what callers are shown, and of the actions that they take. It is
	// called before the request is answered, or the action taken, and either is refused if it
	// returns an error. It must be safe for concurrent use. Required with Reveal.
	Audit func(*http.Request, AuditEntry) error
	// Challenge is the WWW-Authenticate header of a 401. Defaults to "Bearer".
	Challenge string

	// Location is the time zone of days, if a request names none. Defaults to UTC.
	Location *time.Location
	// Region is the country, in two letters (ISO 3166-1), of numbers without their country
	// code: "TW". Defaults to none, and then numbers are in E.164.
	Region string
	// Months is the number of calendar months that a range may reach back. Defaults to 3.
	Months int

	// MaxTriggers is the maximum number of triggers in one request. Defaults to 1,000.
	MaxTriggers int
	// MaxBody is the maximum length of a body in bytes. Defaults to 1 MiB.
	MaxBody int64
	// MaxInFlight is the maximum number of bytes of bodies that all requests under way may
	// hold. What is parsed takes several times as much memory. Defaults to 16 MiB.
	MaxInFlight int64
	// Timeout is the maximum duration of a request, from the first byte of its body. The
	// server's ReadHeaderTimeout limits the time before. Defaults to 10 s.
	Timeout time.Duration
	// Clock returns the current time. Defaults to the real clock.
	Clock smsplus.Clock
	// Logger gets the errors that callers are not shown, at most one of each code a second.
	// Defaults to none.
	Logger *slog.Logger
}

// ErrUnauthenticated is for Config.Authorize: the request does not say who sends it, or does not
// prove it.
var ErrUnauthenticated = errors.New("api: the caller is not known")

const (
	defaultMaxTriggers = 1000
	defaultMaxBody     = 1 << 20
	defaultMaxInFlight = 16 << 20
	defaultTimeout     = 10 * time.Second
)

// withDefaults returns the config with its defaults, or every mistake in it.
func (c Config) withDefaults() (Config, error) {
	if err := c.check(); err != nil {
		return Config{}, err
	}
	c.Challenge = cmp.Or(c.Challenge, "Bearer")
	c.Location = cmp.Or(c.Location, time.UTC)
	c.Months = cmp.Or(c.Months, 3)
	c.MaxTriggers = cmp.Or(c.MaxTriggers, defaultMaxTriggers)
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultMaxInFlight)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	if c.Allow == nil {
		c.Allow = func(*http.Request, Action) bool { return false }
	}
	if c.Reveal == nil {
		c.Reveal = func(*http.Request) bool { return false }
	}
	if c.Audit == nil {
		c.Audit = func(*http.Request, AuditEntry) error { return nil }
	}
	if c.Clock == nil {
		c.Clock = clock.New()
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c, nil
}

func (c Config) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("api: "+format, args...)) }
	if c.Store == nil {
		add("Config.Store is required")
	}
	if c.Authorize == nil {
		add("Config.Authorize is required")
	}
	if c.Audit == nil && c.Reveal != nil {
		add("Config.Audit is required with Config.Reveal")
	}
	if strings.ContainsFunc(c.Challenge, func(r rune) bool { return r < ' ' || r > '~' }) {
		add("Config.Challenge must be printable ASCII")
	}
	if c.Region != "" {
		if _, err := national.Parse("", c.Region); errors.Is(err, national.ErrRegion) {
			add("Config.Region is no country: %q", c.Region)
		}
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"Months", int64(c.Months)},
		{"MaxTriggers", int64(c.MaxTriggers)},
		{"MaxBody", c.MaxBody},
		{"MaxInFlight", c.MaxInFlight},
		{"Timeout", int64(c.Timeout)},
	} {
		if n.value < 0 {
			add("Config.%s is negative: %d", n.field, n.value)
		}
	}
	if inFlight := cmp.Or(c.MaxInFlight, defaultMaxInFlight); inFlight < cmp.Or(c.MaxBody, defaultMaxBody) {
		add("Config.MaxInFlight is below Config.MaxBody: %d", inFlight)
	}
	return errors.Join(errs...)
}

// Format writes no part of the handler, whatever the verb: its store holds messages.
func (*handler) Format(f fmt.State, _ rune) { mask.Write(f, "api.handler{…}") }
