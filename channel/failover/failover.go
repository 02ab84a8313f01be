package failover

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// Config configures the Channel that [Open] returns. A zero field means its default.
type Config struct {
	// Name is the channel's own name. Required.
	Name channel.Name
	// Providers are tried in this order; the first is the primary. Each has a name of its
	// own that is not the channel's, and all have the same machine. At least one is
	// required. Names, the channel's too, consist of letters, digits, "_" and "-", because
	// webhooks have them in their paths. A recipient's ID on the channel's name is that of
	// every provider.
	Providers []channel.Channel
	// Failures is how many faults in a row open a provider's breaker. As many faults of any
	// kind mask it. Defaults to 5.
	Failures int
	// Pause is how long an open breaker skips its provider. Defaults to 30 s.
	Pause time.Duration
	// Trials is how many messages a provider then gets on trial. All of them must go well
	// before its breaker closes. Defaults to 3.
	Trials int
	// Doubts is the minimum number of attempts in doubt that are remembered with their
	// providers, the latest ones. Defaults to 10,000.
	Doubts int
	// Logger gets warnings. Defaults to none.
	Logger *slog.Logger
}

// Channel is a channel with several providers. It is safe for concurrent use.
//
// It is a [channel.Receiver], a [channel.Listener], a [channel.Querier], a
// [channel.ContentChecker] and a [channel.Sizer], whether or not its providers are. Without
// such a provider its webhook answers 404, its session has no receipts, its Query no answers,
// every content passes, and every size is 1.
type Channel struct {
	name      channel.Name
	traits    channel.Traits
	providers []*provider
	doubts    *doubts
}

var (
	_ channel.Receiver       = (*Channel)(nil)
	_ channel.Listener       = (*Channel)(nil)
	_ channel.Querier        = (*Channel)(nil)
	_ channel.ContentChecker = (*Channel)(nil)
	_ channel.Sizer          = (*Channel)(nil)
)

// New returns a channel of that name with the defaults of [Config].
func New(name channel.Name, primary channel.Channel, backups ...channel.Channel) (*Channel, error) {
	return Open(Config{Name: name, Providers: append([]channel.Channel{primary}, backups...)})
}

// Open returns a Channel, or every mistake in the config at once, each with the name of its
// field.
func Open(c Config) (*Channel, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Failures = cmp.Or(c.Failures, 5)
	c.Pause = cmp.Or(c.Pause, 30*time.Second)
	c.Trials = cmp.Or(c.Trials, 3)
	c.Doubts = cmp.Or(c.Doubts, 10_000)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	ch := &Channel{name: c.Name, traits: combineTraits(c.Providers), doubts: newDoubts(c.Doubts)}
	for _, p := range c.Providers {
		ch.providers = append(ch.providers, newProvider(p, c))
	}
	return ch, nil
}

func (c Config) check() error {
	var bad []error
	mistake := func(format string, args ...any) { bad = append(bad, fmt.Errorf("failover: Config."+format, args...)) }
	switch {
	case c.Name == "":
		mistake("Name is required")
	case !validName(c.Name):
		mistake("Name: %q is not made of letters, digits, _ and - alone", c.Name)
	}
	if len(c.Providers) == 0 {
		mistake("Providers is empty")
	}
	var first channel.Channel
	seen := map[channel.Name]bool{c.Name: true}
	for i, p := range c.Providers {
		if p == nil {
			mistake("Providers[%d] is nil", i)
			continue
		}
		switch name := p.Name(); {
		case !validName(name):
			mistake("Providers[%d]: its name %q is not made of letters, digits, _ and - alone", i, name)
		case seen[name]:
			mistake("Providers[%d]: the name %q is taken", i, name)
		}
		seen[p.Name()] = true
		if first == nil {
			first = p
		}
		if !sameMachine(machineOf(first), machineOf(p)) {
			mistake("Providers[%d]: its machine is not that of %q", i, first.Name())
		}
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"Failures", int64(c.Failures)}, {"Pause", int64(c.Pause)}, {"Trials", int64(c.Trials)}, {"Doubts", int64(c.Doubts)},
	} {
		if n.value < 0 {
			mistake("%s is negative", n.field)
		}
	}
	return errors.Join(bad...)
}

// validName reports whether a name can stand in a path and before a colon.
func validName(name channel.Name) bool {
	for _, c := range name {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return name != ""
}

func machineOf(c channel.Channel) *status.Machine { return cmp.Or(c.Traits().Machine, status.Default) }

func sameMachine(a, b *status.Machine) bool {
	return a == b || a.Initial() == b.Initial() && slices.Equal(a.Edges(), b.Edges())
}

// combineTraits returns the traits of a channel where any of the providers may get a
// message.
func combineTraits(providers []channel.Channel) channel.Traits {
	all := channel.Traits{Machine: machineOf(providers[0]), Idempotent: len(providers) == 1, Expires: true}
	for _, p := range providers {
		t := p.Traits()
		all.UniformWait = all.UniformWait || t.UniformWait
		all.Idempotent = all.Idempotent && t.Idempotent
		all.Reads = all.Reads || t.Reads
		all.Validity = max(all.Validity, t.Validity)
		all.Expires = all.Expires && t.Expires
		if t.PollEvery > 0 && (all.PollEvery == 0 || t.PollEvery < all.PollEvery) {
			all.PollEvery = t.PollEvery
		}
	}
	return all
}

// Format writes the channel's name, whatever the verb, because fmt would print the fields
// of providers that hide their secrets from it.
func (c *Channel) Format(f fmt.State, _ rune) {
	mask.Writef(f, "failover.Channel(%s)", c.name)
}

// Name returns the channel's name.
func (c *Channel) Name() channel.Name { return c.name }

// Traits returns the traits that hold for every provider. The wait is uniform, and messages
// may be read, if any provider says so. Validity is the longest. The channel expires
// messages if each provider does. It is idempotent only if its single provider is. PollEvery
// is the shortest of all, so a provider with a longer one, or none, is asked as often.
func (c *Channel) Traits() channel.Traits { return c.traits }

// CheckContent returns the errors of all providers, because each of them may get the
// content. It skips providers that are not a [channel.ContentChecker].
func (c *Channel) CheckContent(content channel.Content) error {
	var bad []error
	for _, p := range c.providers {
		if checker, ok := p.channel.(channel.ContentChecker); ok {
			if err := checker.CheckContent(content); err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", p.name, err))
			}
		}
	}
	return errors.Join(bad...)
}

// Size returns the largest size that a provider may count, because each of them may get the
// content. A provider that is not a [channel.Sizer] counts 1.
func (c *Channel) Size(content channel.Content) int {
	size := 1
	for _, p := range c.providers {
		if s, ok := p.channel.(channel.Sizer); ok {
			size = max(size, s.Size(content))
		}
	}
	return size
}
