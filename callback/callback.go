package callback

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/internal/neterror"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Config configures a Sender. A zero field means its default.
type Config struct {
	// URL is the endpoint. Required, and https unless its host is this machine. It may hold
	// a token, so no error and no event repeats it.
	URL secret.Text
	// Secrets sign each call: "whsec_" and 24 to 64 bytes in base64. Required. While a secret is
	// replaced, both are in it, the new one first, and a receiver accepts either.
	Secrets []secret.Text
	// Data returns the data of a call's body, which encoding/json has to take. Defaults to
	// [NewData], which holds no personal data.
	Data func(smsplus.Outcome) any
	// Client makes the calls. It follows no redirects, whatever its CheckRedirect says.
	// Defaults to a client with the settings of http.DefaultTransport.
	Client *http.Client
	// Schedule is how long after a failed call the next one comes. After its end, its last
	// wait repeats. Defaults to [Schedule].
	Schedule []time.Duration
	// DownAfter is how long calls may fail, without one that does not, before the endpoint
	// counts as Down. Defaults to 5 min.
	DownAfter time.Duration
	// OnChange is called when the state of the endpoint changes, by the goroutine that made the
	// call. Defaults to none.
	OnChange func(context.Context, Change)
	// Clock is the Dispatcher's. Defaults to clock.New() of github.com/benbjohnson/clock.
	Clock smsplus.Clock
}

// Schedule returns the waits after failed calls that the specification gives as an example,
// under "Retries": ten calls in about three days. Then one follows each day.
func Schedule() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
		14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

const (
	defaultDownAfter = 5 * time.Minute
	// maxRetryAfter bounds the wait that an endpoint asks for.
	maxRetryAfter = 24 * time.Hour
	// maxAnswer is how much of an answer is read, so that its connection is used again.
	maxAnswer = 64 << 10
)

// State is what a Sender knows of its endpoint.
type State uint8

const (
	// Up: the last call was taken, or calls have failed for less than Config.DownAfter.
	Up State = iota
	// Down: calls have failed for Config.DownAfter, without one that was taken. Its outcomes are
	// kept, and called by the schedule.
	Down
	// Gone: the endpoint answered 410. It is not called any more until [Sender.Enable], or until
	// the process starts again. Its outcomes are kept.
	Gone
)

// String returns "up", "down" or "gone".
func (s State) String() string {
	if texts := [...]string{"up", "down", "gone"}; int(s) < len(texts) {
		return texts[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText returns what String returns.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Change says that the state of an endpoint changed.
type Change struct {
	From, To State
	// Since is when the first call failed after the last one that did not. It is zero if the
	// endpoint is Up.
	Since time.Time
	// Err is the error of the call that changed the state, or nil.
	Err error
}

// Sender calls an endpoint with the outcomes of messages. It is a [smsplus.Outcomes], and safe
// for concurrent use.
type Sender struct {
	config Config
	client *http.Client
	keys   [][]byte

	mu    sync.Mutex
	state State
	since time.Time // of the failures in a row; zero: there are none
}

// New returns a Sender. Its error holds every mistake in the config, each named by its field.
func New(c Config) (*Sender, error) {
	c.Clock = cmp.Or[smsplus.Clock](c.Clock, clock.New())
	c.DownAfter = cmp.Or(c.DownAfter, defaultDownAfter)
	if len(c.Schedule) == 0 {
		c.Schedule = Schedule()
	}
	c.Schedule = slices.Clone(c.Schedule)
	if c.Data == nil {
		c.Data = func(o smsplus.Outcome) any { return NewData(o) }
	}
	s := &Sender{config: c, client: new(http.Client)}
	var bad []error
	if err := checkURL(c.URL.Reveal()); err != nil {
		bad = append(bad, err)
	}
	if len(c.Secrets) == 0 {
		bad = append(bad, errors.New("callback: Config.Secrets is required"))
	}
	for i, text := range c.Secrets {
		key, err := parseSecret(text)
		if err != nil {
			bad = append(bad, fmt.Errorf("callback: Config.Secrets[%d]: %w", i, err))
		}
		s.keys = append(s.keys, key)
	}
	for i, wait := range c.Schedule {
		if wait <= 0 {
			bad = append(bad, fmt.Errorf("callback: Config.Schedule[%d] is %v: want a wait", i, wait))
		}
	}
	if c.DownAfter < 0 {
		bad = append(bad, fmt.Errorf("callback: Config.DownAfter is negative (%v)", c.DownAfter))
	}
	if c.Client != nil {
		*s.client = *c.Client
	}
	// A redirect is a failure: the specification says so, and the next host has not been chosen.
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	return s, nil
}

// checkURL returns what is wrong with the endpoint, without its words.
func checkURL(text string) error {
	if text == "" {
		return errors.New("callback: Config.URL is required")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return errors.New("callback: Config.URL is no absolute URL")
	case u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()):
		return nil
	case u.Scheme != "https":
		return fmt.Errorf("callback: Config.URL has the scheme %q: want https", u.Scheme)
	}
	return nil
}

// Publish calls the endpoint with an outcome. An answer of 2xx takes it. Any other answer is an
// error that says when the next call comes, by Config.Schedule or the answer's Retry-After.
func (s *Sender) Publish(ctx context.Context, o smsplus.Outcome) error {
	if s.State() == Gone {
		return &smsplus.RetryError{After: s.wait(len(s.config.Schedule)), Err: errGone}
	}
	after, err := s.call(ctx, o)
	s.noteResult(ctx, err)
	if err != nil {
		return &smsplus.RetryError{After: max(s.wait(o.Try), after), Err: err}
	}
	return nil
}

// wait returns the wait after the given try, counted from 1.
func (s *Sender) wait(try int) time.Duration {
	return s.config.Schedule[min(max(try, 1), len(s.config.Schedule))-1]
}

var errGone = errors.New("callback: the endpoint is gone (410)")

// call makes one call. With an error it returns the wait that the answer asks for, or zero.
func (s *Sender) call(ctx context.Context, o smsplus.Outcome) (after time.Duration, err error) {
	body, err := json.Marshal(event{Type: "message." + o.Kind.String(), Timestamp: o.At.UTC(), Data: s.config.Data(o)})
	if err != nil {
		return 0, fmt.Errorf("callback: the data does not encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("callback: the request cannot be made")
	}
	sentAt := s.config.Clock.Now()
	id := o.ID.String()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "smsplus")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(sentAt.Unix(), 10))
	req.Header.Set("Webhook-Signature", s.sign(id, sentAt, body))
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("callback: %w", neterror.Describe(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // only the status counts
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return 0, nil
	case resp.StatusCode == http.StatusGone:
		return 0, errGone
	}
	return retryAfter(resp.Header.Get("Retry-After"), sentAt), fmt.Errorf("callback: the endpoint answered %d", resp.StatusCode)
}

// retryAfter returns the wait of a Retry-After header (RFC 9110, section 10.2.3), or zero.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(min(n, int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), maxRetryAfter)
	}
	return 0
}

// State returns what is known of the endpoint.
func (s *Sender) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Enable lets an endpoint be called again that is Gone. Outcomes that wait are called when
// their time comes.
func (s *Sender) Enable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == Gone {
		s.state, s.since = Up, time.Time{}
	}
}

// noteResult notes how a call ended. A call that the caller has cut off says nothing of the endpoint.
func (s *Sender) noteResult(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	now := s.config.Clock.Now()
	s.mu.Lock()
	c := Change{From: s.state, Err: err}
	switch {
	case err == nil:
		s.state, s.since = Up, time.Time{}
	case errors.Is(err, errGone):
		s.state = Gone
	case s.since.IsZero():
		s.since = now
	case s.state == Up && now.Sub(s.since) >= s.config.DownAfter:
		s.state = Down
	}
	if s.state == Gone && s.since.IsZero() {
		s.since = now
	}
	c.To, c.Since = s.state, s.since
	s.mu.Unlock()
	if c.From != c.To && s.config.OnChange != nil {
		s.config.OnChange(ctx, c)
	}
}
