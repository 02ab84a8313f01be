package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// State says whether messages are sent to a provider.
type State string

// The states of a provider, and of its breaker.
const (
	// Up means that the provider is tried in its turn; its breaker is closed.
	Up State = "up"
	// Out means that it is skipped for Config.Pause; its breaker is open.
	Out State = "out"
	// OnTrial means that it gets Config.Trials messages; its breaker is half-open.
	OnTrial State = "on_trial"
)

var states = map[gobreaker.State]State{
	gobreaker.StateClosed: Up, gobreaker.StateOpen: Out, gobreaker.StateHalfOpen: OnTrial,
}

// ProviderState is the state of one provider, and the outcomes of its sends in this
// process.
type ProviderState struct {
	// Name is the provider's name.
	Name channel.Name
	// State says whether messages are sent to it.
	State State
	// Sent is how many messages it took.
	Sent uint64
	// Failed is the number of messages that it did not take, or left in doubt, through a fault
	// that is not the person's. The fault is the provider's, or of the account or the template
	// there.
	Failed uint64
	// MaskedSince is the time of the Config.Failures-th such fault in a row: since then
	// other providers send its messages. Zero means that it is tried, and answers.
	MaskedSince time.Time
}

// Providers returns the state of each provider, in the config's order.
func (c *Channel) Providers() []ProviderState {
	all := make([]ProviderState, len(c.providers))
	for i, p := range c.providers {
		all[i] = p.snapshot()
	}
	return all
}

// provider is one of the channels behind the channel.
//
// Invariant: maskedSince is set once consecutive reaches failures, and is cleared with
// consecutive when a message is settled and the breaker is closed.
type provider struct {
	channel     channel.Channel
	name        channel.Name
	channelName channel.Name // of the channel that the provider is behind
	idempotent  bool
	failures    int
	logger      *slog.Logger
	breaker     *gobreaker.CircuitBreaker[answer]

	querier      channel.Querier // the channel, if it is one; or nil
	queryBreaker *gobreaker.CircuitBreaker[struct{}]

	// mu guards the fields below. Do not call the breaker with mu held, because it calls
	// OnStateChange.
	mu           sync.Mutex
	sent, failed uint64
	consecutive  int             // faults since the provider last settled a message
	lastFault    channel.Verdict // the verdict of the latest fault
	maskedSince  time.Time
	trialAt      time.Time // when its breaker becomes half-open, or did
}

// The errors that tell the breaker how to count an answer.
var (
	errProviderFault = errors.New("a fault")
	errNotCounted    = errors.New("neither a success nor a fault")
)

func newProvider(ch channel.Channel, c Config) *provider {
	p := &provider{
		channel: ch, name: ch.Name(), channelName: c.Name, idempotent: ch.Traits().Idempotent, failures: c.Failures,
		logger: c.Logger.With(slog.String("channel", string(c.Name)), slog.String("provider", string(ch.Name()))),
	}
	p.querier, _ = ch.(channel.Querier)
	p.queryBreaker = p.newQueryBreaker(c)
	p.breaker = gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		MaxRequests: uint32(c.Trials),
		Timeout:     c.Pause,
		ReadyToTrip: func(n gobreaker.Counts) bool { return int(n.ConsecutiveFailures) >= c.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNotCounted) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.trialAt = now().Add(c.Pause)
			}
		},
	})
	return p
}

// now returns the machine's time, which the breakers run on. It is never stored.
//
//nolint:forbidigo // gobreaker has no injectable clock
func now() time.Time { return time.Now() }

func (p *provider) snapshot() ProviderState {
	state := states[p.breaker.State()] // not under p.mu: it may call OnStateChange
	p.mu.Lock()
	defer p.mu.Unlock()
	return ProviderState{Name: p.name, State: state, Sent: p.sent, Failed: p.failed, MaskedSince: p.maskedSince}
}

// trySend sends through the provider, unless its breaker is open.
func (p *provider) trySend(ctx context.Context, e channel.Envelope) (a answer) {
	defer func() { p.recordAnswer(ctx, a) }()
	a, err := p.breaker.Execute(func() (answer, error) {
		result, err := p.sendOnce(ctx, e)
		a := p.classifyOutcome(ctx, result, err)
		switch {
		case a.kind == settled:
			return a, nil
		case a.kind == messageFault || a.callerGaveUp:
			return a, errNotCounted
		default:
			return a, errProviderFault
		}
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return p.skippedAnswer()
	}
	return a
}

// recipientOf returns the recipient with the ID on the channel's name under the provider's
// name too, where the provider looks for it.
func (p *provider) recipientOf(to channel.Recipient) channel.Recipient {
	id := to.IDs[p.channelName]
	if id == "" || to.IDs[p.name] != "" {
		return to
	}
	to.IDs = maps.Clone(to.IDs)
	to.IDs[p.name] = id
	return to
}

// sendOnce calls the provider's Send. A panic is a fault that may pass, so that another
// provider is tried. The log has only the type of its value, which may hold secrets.
func (p *provider) sendOnce(ctx context.Context, e channel.Envelope) (result channel.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = channel.Temporary(fmt.Errorf("the provider panicked (%T)", v), 0)
			p.logger.LogAttrs(ctx, slog.LevelError, "failover: a provider panicked",
				slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
		}
	}()
	e.To = p.recipientOf(e.To)
	return p.channel.Send(ctx, e)
}

// skippedAnswer returns the answer of a skipped provider. If the provider has refused the
// account, the answer says so: a temporary one would keep the message from its next step.
func (p *provider) skippedAnswer() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := answer{kind: skipped}
	if concernsAccount(p.lastFault.Reason) {
		a.err = p.newError(p.lastFault, "left alone after "+string(p.lastFault.Reason), 0)
		return a
	}
	// The breaker is still open at the very instant of trialAt.
	a.err = p.newError(channel.Verdict{}, "left alone", max(0, p.trialAt.Sub(now())+time.Millisecond))
	return a
}

// recordAnswer counts an answer. It logs when a provider begins to be masked, and when it is
// back.
func (p *provider) recordAnswer(ctx context.Context, a answer) {
	switch {
	case a.kind == skipped || a.callerGaveUp:
	case a.kind != settled:
		p.mu.Lock()
		p.failed++
		p.consecutive++
		p.lastFault = channel.Verdict{Status: a.err.Status(), Reason: a.err.Reason()}
		reason := p.lastFault.Reason
		begins := p.consecutive >= p.failures && p.maskedSince.IsZero()
		if begins {
			p.maskedSince = now()
		}
		p.mu.Unlock()
		if begins {
			p.logger.LogAttrs(ctx, slog.LevelWarn, "failover: a provider keeps failing; the others take over",
				slog.String("reason", string(reason)), slog.Int("in_a_row", p.failures))
		}
	default:
		closed := p.breaker.State() == gobreaker.StateClosed
		p.mu.Lock()
		if a.accepted() {
			p.sent++
		}
		since := p.maskedSince
		if closed {
			p.consecutive, p.maskedSince = 0, time.Time{}
		}
		p.mu.Unlock()
		if closed && !since.IsZero() {
			p.logger.LogAttrs(ctx, slog.LevelInfo, "failover: a provider is back", slog.Duration("masked_for", now().Sub(since)))
		}
	}
}

// concernsAccount reports whether a reason is about the account, and so about every
// message.
func concernsAccount(r status.Reason) bool {
	return r == status.Authorization || r == status.QuotaExceeded
}
