package failover

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// State says whether a provider is asked.
type State string

// The states of a provider, and of its breaker.
const (
	// Up: the provider is asked when it is its turn; its breaker is closed.
	Up State = "up"
	// Out: it is left alone for Config.Pause; its breaker is open.
	Out State = "out"
	// OnTrial: it is asked for Config.Trials messages; its breaker is half-open.
	OnTrial State = "on_trial"
)

var states = map[gobreaker.State]State{
	gobreaker.StateClosed: Up, gobreaker.StateOpen: Out, gobreaker.StateHalfOpen: OnTrial,
}

// ProviderState is what became of one provider's sends in this process.
type ProviderState struct {
	// Name is the provider's.
	Name channel.Name
	// State says whether it is asked.
	State State
	// Sent is how many messages it took.
	Sent uint64
	// Failed is how many it did not take, or left in doubt, through a fault that is not
	// the person's: of the provider, of the account with it, of the template there.
	Failed uint64
	// MaskedSince is when the Config.Failures-th of such faults in a row came, so that
	// others send what is its to send. Zero: it is asked, and answers.
	MaskedSince time.Time
}

// Providers returns what became of each provider's sends, in the config's order.
func (c *Channel) Providers() []ProviderState {
	all := make([]ProviderState, len(c.providers))
	for i, p := range c.providers {
		all[i] = p.snapshot()
	}
	return all
}

// provider is one of the channels behind the channel.
type provider struct {
	channel    channel.Channel
	name       channel.Name
	idempotent bool
	failures   int
	logger     *slog.Logger
	breaker    *gobreaker.CircuitBreaker[answer]

	mu           sync.Mutex
	sent, failed uint64
	consecutive  int             // faults since it last settled a message
	lastFault    channel.Verdict // the latest fault's
	maskedSince  time.Time
	trialAt      time.Time // when its breaker becomes half-open, or did
}

// What a breaker makes of an answer.
var (
	errProviderFault = errors.New("a fault")
	errNotCounted    = errors.New("neither a success nor a fault")
)

func newProvider(ch channel.Channel, c Config) *provider {
	p := &provider{
		channel: ch, name: ch.Name(), idempotent: ch.Traits().Idempotent, failures: c.Failures,
		logger: c.Logger.With(slog.String("channel", string(c.Name)), slog.String("provider", string(ch.Name()))),
	}
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

// now is the time that the breakers run on. Nothing of it is stored.
//
//nolint:forbidigo // gobreaker knows no other
func now() time.Time { return time.Now() }

func (p *provider) snapshot() ProviderState {
	state := states[p.breaker.State()] // not under p.mu: it may call OnStateChange
	p.mu.Lock()
	defer p.mu.Unlock()
	return ProviderState{Name: p.name, State: state, Sent: p.sent, Failed: p.failed, MaskedSince: p.maskedSince}
}

// trySend has the provider send, unless its breaker is open.
func (p *provider) trySend(ctx context.Context, e channel.Envelope) (a answer) {
	a.kind = faulty // should it panic
	defer func() { p.record(ctx, a) }()
	a, err := p.breaker.Execute(func() (answer, error) {
		result, err := p.channel.Send(ctx, e)
		a := p.classify(ctx, result, err)
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
		return p.notAskedAnswer()
	}
	return a
}

// notAskedAnswer is the answer of a provider that is not asked. The account that it refused
// is refused still: to call that temporary would keep the message from moving on.
func (p *provider) notAskedAnswer() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := answer{kind: notAsked}
	if concernsAccount(p.lastFault.Reason) {
		a.err = p.newError(p.lastFault, "left alone after "+string(p.lastFault.Reason), 0)
		return a
	}
	// At the very instant itself the breaker is still open.
	a.err = p.newError(channel.Verdict{}, "left alone", max(0, p.trialAt.Sub(now())+time.Millisecond))
	return a
}

// record counts an answer, and tells when a provider begins to be masked, and when it is back.
func (p *provider) record(ctx context.Context, a answer) {
	switch {
	case a.kind == notAsked || a.callerGaveUp:
	case a.kind != settled:
		p.mu.Lock()
		p.failed++
		p.consecutive++
		if a.err != nil {
			p.lastFault = channel.Verdict{Status: a.err.Status(), Reason: a.err.Reason()}
		} else {
			p.lastFault = channel.Verdict{} // it panicked
		}
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

// concernsAccount reports whether a reason is about the account, and so about every message.
func concernsAccount(r status.Reason) bool {
	return r == status.Authorization || r == status.QuotaExceeded
}
