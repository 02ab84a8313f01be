package smsplus

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Config configures a Dispatcher. A zero field means its default.
type Config struct {
	// Store is where messages live. Required.
	Store Store
	// Channels are the adapters, each with a name of its own.
	Channels []channel.Channel
	// Templates are what triggers may ask for, each with an ID of its own.
	Templates []Template

	// Name names the dispatcher in its heartbeats, for people: UTF-8, and 255 bytes at most.
	// Defaults to the host's name and the process ID.
	Name string
	// Clock is the only source of time for everything that is stored or due. The deadlines
	// of calls to stores and channels, and breakers, run on the machine's time.
	// Defaults to clock.New() of github.com/benbjohnson/clock.
	Clock Clock
	// NewID makes the messages' IDs. Defaults to UUIDs of version 7.
	NewID func() uuid.UUID
	// Logger gets warnings and errors. Defaults to none.
	Logger *slog.Logger
	// Observer is notified of events. Defaults to none.
	Observer Observer
	// Outcomes takes each message's end, and what comes after it, for certain. Every
	// dispatcher of a store has to have it, because the outcomes of an end that another one
	// stores are not published. Defaults to none.
	Outcomes Outcomes
	// OutcomeConcurrency is how many calls of Outcomes may be in flight at once. Defaults to
	// 64, at most 100,000.
	OutcomeConcurrency int

	// Limits bound the load on channels, by name.
	Limits map[channel.Name]Limit
	// Retry bounds the tries of an attempt whose channel fails temporarily.
	Retry Retry
	// Breaker says when a channel that hangs or fails is left alone.
	Breaker Breaker

	// SendTimeout is a deadline for each call to a channel, or to Outcomes. Defaults to 20 s.
	SendTimeout time.Duration
	// StoreTimeout is a deadline for each call to the store. Defaults to 10 s.
	StoreTimeout time.Duration
	// Lease is how long a dispatcher holds a message that it claimed. Messages of a
	// dispatcher that crashed are claimed again after it. It must be longer than
	// SendTimeout and StoreTimeout together. It should exceed SendTimeout and twice
	// StoreTimeout: a last call to the store, the send and the update that stores its outcome
	// have to fit into it. New logs a warning otherwise. Defaults to 1 min.
	Lease time.Duration
	// Poll is how often an idle dispatcher looks for messages that others stored. It looks
	// earlier when it knows that a message falls due. Defaults to 1 s.
	Poll time.Duration
	// DrainTimeout is how long Run waits for sends in flight after its context ended. Then
	// their contexts end too. Defaults to SendTimeout.
	DrainTimeout time.Duration
	// Batch is the most messages in one call to the store, except that of SendMany, which
	// carries them all. At most twice as many sends have outcomes that are not stored yet.
	// Defaults to 256, at most 10,000.
	Batch int
}

// Limit bounds the load on one channel.
type Limit struct {
	// Concurrency is how many sends may be in flight at once. Defaults to 64, at most 100,000.
	Concurrency int
	// Rate is how many sends may begin in a second. Zero means no limit.
	Rate float64
	// Burst is how many of them may begin at once. Defaults to 1.
	Burst int
	// CountSegments makes Rate and Burst count what the provider counts: the segments of an
	// SMS, as the channel's Size returns them (channel.Sizer). A message of more segments than
	// Burst begins when Burst segments may begin, and later messages wait for the rest. A
	// message that is sent again counts again.
	CountSegments bool
	// Shared makes Rate hold for all dispatchers on the store together. Each that runs with
	// a shared limit for the channel has an equal share of the Rate, and of Burst, but one at
	// least. Shares change within about two Polls when a dispatcher begins or stops, and within
	// a Lease when one dies. While the store cannot be asked, a dispatcher keeps its share for
	// three quarters of a Lease, and then sends nothing on the channel. Tick counts as the only
	// dispatcher. All need the same Rate: while it is changed, those with a lower one send less
	// than their shares.
	Shared bool
}

// Retry bounds the tries of an attempt whose channel fails temporarily, and of its recall. Each
// wait is twice the one before, with jitter; a provider's Retry-After lengthens it. An attempt
// whose next try would come at the end of its step's wait, or later, fails at once.
type Retry struct {
	// Tries is how many sends an attempt may take. Defaults to 12.
	Tries int
	// InDoubt is how many sends in a row may be repeated although the outcome of the one
	// before is unknown, on a channel that is not idempotent. Defaults to 2.
	InDoubt int
	// Base is the wait after the first try. Defaults to 1 s.
	Base time.Duration
	// Max is the longest wait. Defaults to 5 min.
	Max time.Duration
}

const (
	defaultConcurrency  = 64
	defaultBatch        = 256
	defaultSendTimeout  = 20 * time.Second
	defaultStoreTimeout = 10 * time.Second
	defaultLease        = time.Minute
	defaultPoll         = time.Second

	// maxConcurrency and maxBatch bound the memory of a dispatcher.
	maxConcurrency = 100_000
	maxBatch       = 10_000
)

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = defaultName()
	}
	if c.Clock == nil {
		c.Clock = clock.New()
	}
	if c.NewID == nil {
		c.NewID = func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Retry = Retry{
		Tries:   cmp.Or(c.Retry.Tries, 12),
		InDoubt: cmp.Or(c.Retry.InDoubt, 2),
		Base:    cmp.Or(c.Retry.Base, time.Second),
		Max:     cmp.Or(c.Retry.Max, 5*time.Minute),
	}
	c.Breaker = Breaker{
		Failures: cmp.Or(c.Breaker.Failures, 20),
		Pause:    cmp.Or(c.Breaker.Pause, 30*time.Second),
	}
	c.SendTimeout = cmp.Or(c.SendTimeout, defaultSendTimeout)
	c.StoreTimeout = cmp.Or(c.StoreTimeout, defaultStoreTimeout)
	c.Lease = cmp.Or(c.Lease, defaultLease)
	c.Poll = cmp.Or(c.Poll, defaultPoll)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, c.SendTimeout)
	c.Batch = cmp.Or(c.Batch, defaultBatch)
	c.OutcomeConcurrency = cmp.Or(c.OutcomeConcurrency, defaultConcurrency)
	return c
}

// errorList collects the mistakes in a config, a trigger or receipts.
type errorList []error

func (ms *errorList) add(format string, args ...any) {
	*ms = append(*ms, fmt.Errorf(format, args...))
}

// guardCall calls a method of a channel or a content, and adds a panic to the mistakes. A nil
// pointer in an interface panics, for example. Only the panic's type is added, because its
// value may hold anything.
func (ms *errorList) guardCall(field string, call func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ms.add("%s panicked (%T)", field, p)
		}
	}()
	call()
	return true
}

// addName adds a name that not every store can keep. It is stored with every message.
func (ms *errorList) addName(field, name string) {
	if len(name) > maxID || !validText(name) {
		ms.add("%s must be UTF-8 without NUL, and %d bytes at most (%d bytes)", field, maxID, len(name))
	}
}

func (c Config) check() error {
	var bad errorList
	if c.Store == nil {
		bad.add("smsplus: Config.Store is required")
	}
	channels := make(map[channel.Name]channel.Channel, len(c.Channels))
	for i, ch := range c.Channels {
		if ch == nil {
			bad.add("smsplus: Config.Channels[%d] is nil", i)
			continue
		}
		var (
			name   channel.Name
			traits channel.Traits
		)
		field := fmt.Sprintf("smsplus: Config.Channels[%d]", i)
		if !bad.guardCall(field+": Name", func() { name = ch.Name() }) {
			continue
		}
		lanePrefix, isLane := isLaneName(name)
		switch {
		case name == "":
			bad.add("%s has no name", field)
		case isLane:
			bad.add("%s: no channel's name begins with %q", field, lanePrefix)
		case channels[name] != nil:
			bad.add("%s: there is another channel %q", field, name)
		}
		bad.addName(field+": Name", string(name))
		bad.guardCall(field+": Traits", func() { traits = ch.Traits() })
		if traits.Validity < 0 {
			bad.add("%s (%s): Traits.Validity is negative", field, name)
		}
		if traits.PollEvery != 0 && (traits.PollEvery < minPoll || traits.PollEvery > maxPoll) {
			bad.add("%s (%s): Traits.PollEvery is %v: want %v to %v, or none", field, name, traits.PollEvery, minPoll, maxPoll)
		}
		if _, ok := ch.(channel.Querier); traits.PollEvery > 0 && !ok {
			bad.add("%s (%s): Traits.PollEvery: the channel is no channel.Querier (%T)", field, name, ch)
		}
		if m := traits.Machine; m != nil && m.Initial() == status.Preparing && len(m.Edges()) == 0 {
			bad.add("%s (%s): Traits.Machine takes no answer: it has no edges", field, name)
		}
		channels[name] = ch
	}
	checkTemplates("smsplus: Config.Templates", c.Templates, channels, &bad)
	for name, l := range c.Limits {
		field := fmt.Sprintf("smsplus: Config.Limits[%q]", name)
		if channels[name] == nil {
			bad.add("%s: no such channel is registered, want %s", field, listNames(channels))
		}
		if l.Concurrency < 0 || l.Burst < 0 || !(l.Rate >= 0) {
			bad.add("%s: Concurrency, Rate and Burst must not be negative", field)
		}
		if l.Concurrency > maxConcurrency {
			bad.add("%s.Concurrency is more than %d (%d)", field, maxConcurrency, l.Concurrency)
		}
		if l.Shared && l.Rate == 0 {
			bad.add("%s.Shared: there is no Rate", field)
		}
		if l.CountSegments && l.Rate == 0 {
			bad.add("%s.CountSegments: there is no Rate", field)
		}
		if _, ok := channels[name].(channel.Sizer); l.CountSegments && channels[name] != nil && !ok {
			bad.add("%s.CountSegments: the channel is no channel.Sizer (%T)", field, channels[name])
		}
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"SendTimeout", c.SendTimeout},
		{"StoreTimeout", c.StoreTimeout},
		{"Lease", c.Lease},
		{"Poll", c.Poll},
		{"DrainTimeout", c.DrainTimeout},
		{"Retry.Base", c.Retry.Base},
		{"Retry.Max", c.Retry.Max},
		{"Breaker.Pause", c.Breaker.Pause},
	} {
		if f.value < 0 {
			bad.add("smsplus: Config.%s is negative (%v)", f.name, f.value)
		}
	}
	bad.addName("smsplus: Config.Name", c.Name)
	if n := c.OutcomeConcurrency; n < 0 || n > maxConcurrency {
		bad.add("smsplus: Config.OutcomeConcurrency is %d: want 1 to %d", n, maxConcurrency)
	}
	switch {
	case c.Batch < 0:
		bad.add("smsplus: Config.Batch is negative (%d)", c.Batch)
	case c.Batch > maxBatch:
		bad.add("smsplus: Config.Batch is more than %d (%d)", maxBatch, c.Batch)
	}
	if c.Retry.Tries < 0 || c.Retry.InDoubt < 0 {
		bad.add("smsplus: Config.Retry: Tries and InDoubt must not be negative (%d, %d)", c.Retry.Tries, c.Retry.InDoubt)
	}
	if least := sumOf(c.SendTimeout, c.StoreTimeout); c.Lease >= 0 && c.Lease <= least {
		bad.add("smsplus: Config.Lease (%v) must be longer than SendTimeout and StoreTimeout together (%v): "+
			"a send could outlive it and be repeated", c.Lease, least)
	}
	return errors.Join(bad...)
}

// sumOf adds durations that are not negative. A sum that is too large is the largest one.
func sumOf(ds ...time.Duration) (sum time.Duration) {
	for _, d := range ds {
		if sum += d; sum < 0 {
			return math.MaxInt64
		}
	}
	return sum
}

// checkTemplates adds the mistakes in a list of templates, each named by its place in field.
func checkTemplates(field string, ts []Template, channels map[channel.Name]channel.Channel, bad *errorList) {
	ids := make(map[string]bool, len(ts))
	for i, t := range ts {
		place := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case t.ID == "":
			bad.add("%s.ID is required", place)
		case ids[t.ID]:
			bad.add("%s.ID: there is another template %q", place, t.ID)
		}
		ids[t.ID] = true
		bad.addName(place+".ID", t.ID)
		bad.addName(place+".Scenario", t.Scenario)
		t.check(place, channels, bad)
	}
}

// The bounds of Traits.PollEvery. A number without its unit would ask without a pause.
const (
	minPoll = time.Second
	maxPoll = 365 * 24 * time.Hour
)

// checkUntil reports a success that the step's channel cannot tell of.
func (s Step) checkUntil(field string, ch channel.Channel, bad *errorList) {
	if s.Until > UntilRead {
		bad.add("%s is %v: want UntilDelivered (the default), UntilAccepted or UntilRead", field, s.Until)
	}
	if s.Until == UntilRead && ch != nil {
		bad.guardCall(field, func() {
			if !ch.Traits().Reads {
				bad.add("%s is read: receipts of channel %q never report that", field, s.Channel)
			}
		})
	}
}

func (t Template) check(field string, channels map[channel.Name]channel.Channel, bad *errorList) {
	if t.TTL < 0 {
		bad.add("%s.TTL is negative (%v)", field, t.TTL)
	}
	if !t.Class.Valid() {
		bad.add("%s.Class is %v: want Normal (the default), Urgent or Bulk", field, t.Class)
	}
	if len(t.Route) == 0 {
		bad.add("%s.Route is empty", field)
	}
	for i, s := range t.Route {
		step := fmt.Sprintf("%s.Route[%d]", field, i)
		if slices.ContainsFunc(t.Route[:i], func(o Step) bool { return o.Channel == s.Channel }) {
			bad.add("%s.Channel: %q is on the route already", step, s.Channel)
		}
		if s.Wait < 0 {
			bad.add("%s.Wait is negative (%v)", step, s.Wait)
		}
		if p := s.OnFailed; p != 0 && p != Stop && p != Forward {
			bad.add("%s.OnFailed is %v: want Stop (the default) or Forward", step, p)
		}
		if p := s.InDoubt; p != 0 && p != Resend && p != Forward {
			bad.add("%s.InDoubt is %v: want Resend (the default) or Forward", step, p)
		}
		ch := channels[s.Channel]
		s.checkUntil(step+".Until", ch, bad)
		if ch == nil {
			bad.add("%s.Channel: no channel %q is registered, want %s", step, s.Channel, listNames(channels))
		}
		if s.Content == nil {
			bad.add("%s.Content is required", step)
			continue
		}
		s.checkContent(step+".Content", ch, bad)
	}
}

// checkContent adds what the content itself, and the channel, say against it.
func (s Step) checkContent(field string, ch channel.Channel, bad *errorList) {
	if !bad.guardCall(field+": Vars", func() { s.Content.Vars() }) {
		return
	}
	if c, ok := s.Content.(interface{ Check() error }); ok {
		bad.guardCall(field+": Check", func() {
			if err := c.Check(); err != nil {
				bad.add("%s: %w", field, err)
			}
		})
	}
	if c, ok := ch.(channel.ContentChecker); ok {
		bad.guardCall(fmt.Sprintf("%s: CheckContent of channel %q", field, s.Channel), func() {
			if err := c.CheckContent(s.Content); err != nil {
				bad.add("%s: channel %q does not take it: %w", field, s.Channel, err)
			}
		})
	}
}

const maxNamesListed = 20

// listNames lists the keys of a map for an error.
func listNames[K ~string, V any](named map[K]V) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if name != "" {
			names = append(names, strconv.Quote(string(name)))
		}
	}
	if more := len(names) - maxNamesListed; more > 0 {
		names = append(names[:maxNamesListed], fmt.Sprintf("%d more", more))
	}
	switch len(names) {
	case 0:
		return "none: there are none"
	case 1:
		return names[0]
	default:
		return "one of " + strings.Join(names, ", ")
	}
}

// traitsOf returns a channel's traits with the default machine filled in.
func traitsOf(ch channel.Channel) channel.Traits {
	t := ch.Traits()
	t.Machine = cmp.Or(t.Machine, status.Default)
	return t
}
