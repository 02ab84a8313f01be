package smsplus

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Breaker says when a channel that hangs or fails is left alone, so that its messages do
// not wait behind it. While its breaker is open, a step that may be left is left at once with
// the reason system_error: its OnFailed is Forward, and a step follows. Other messages wait in
// the store. It runs on the machine's time, in Run only.
type Breaker struct {
	// Failures is the number of messages in a row that open the breaker: their first send got
	// no answer, or a temporary error. Defaults to 20. A negative number disables it.
	Failures int
	// Pause is how long an open breaker lets nothing through. Then one send is tried.
	// Defaults to 30 s.
	Pause time.Duration
}

// newBreaker returns a channel's breaker, or nil if it is disabled.
func (d *Dispatcher) newBreaker(name channel.Name) *gobreaker.TwoStepCircuitBreaker[struct{}] {
	failures := d.cfg.Breaker.Failures
	if failures < 0 {
		return nil
	}
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     d.cfg.Breaker.Pause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errFailedAgain) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateHalfOpen {
				return
			}
			open := to == gobreaker.StateOpen
			d.cfg.Logger.LogAttrs(context.Background(), slog.LevelWarn, "smsplus: a channel's circuit breaker changed",
				slog.String("channel", string(name)), slog.Bool("open", open))
			d.reportEvent(context.Background(), BreakerChanged{name, open})
		},
	})
}

// Errors that tell a breaker of a send without an answer. A message that fails again says
// nothing new of its channel, unless its send was the trial of an open breaker.
var (
	errNoAnswer    = errors.New("no answer")
	errFailedAgain = errors.New("no answer again")
)

// isBroken reports whether the channel's breaker lets nothing through.
func (o *outlet) isBroken() bool {
	return o.failing.Load() && o.breaker.State() == gobreaker.StateOpen
}

// allowSend asks the channel's breaker for a send. The caller hands report, which may be nil, to
// [outlet.reportSend] with the outcome. While the last send was answered, the breaker has
// nothing to decide and is not asked.
func (o *outlet) allowSend() (report func(error), ok bool) {
	if !o.failing.Load() {
		return nil, true
	}
	report, err := o.breaker.Allow()
	return report, err == nil
}

// giveUpTrial reports a trial that has not returned after the given time. A breaker lets
// nothing else through until it knows of its trial. The caller calls stop when the send has
// returned. What it reports then says nothing more to the breaker.
func (o *outlet) giveUpTrial(report func(error), after time.Duration) (stop func() bool) {
	if report == nil || o.breaker.State() != gobreaker.StateHalfOpen {
		return func() bool { return false }
	}
	return time.AfterFunc(after, func() { report(errNoAnswer) }).Stop //nolint:forbidigo // breakers run on the machine's time
}

// reportSend tells the breaker of a send's outcome. A first failure after an answer was not
// announced with allowSend.
func (o *outlet) reportSend(report func(error), sent *outcome) {
	answered := sent.isAnswered()
	if report == nil {
		if answered || o.breaker == nil || sent.tries > 1 {
			return
		}
		var err error
		if report, err = o.breaker.Allow(); err != nil {
			o.failing.Store(true)
			return
		}
	}
	if !answered {
		o.failing.Store(true)
	}
	switch {
	case answered:
		report(nil)
		// A send that began before the breaker opened says nothing of the channel now.
		o.failing.Store(o.breaker.State() != gobreaker.StateClosed)
	case sent.tries > 1 && o.breaker.State() == gobreaker.StateClosed:
		report(errFailedAgain)
	default:
		report(errNoAnswer)
	}
}

// isAnswered reports whether the channel gave an answer that settles the send.
func (o *outcome) isAnswered() bool {
	return o.evidence.status != status.Preparing && !o.verdict && !o.inDoubt
}

// skipOpen handles a job whose channel's breaker is open. It reports whether the
// completion has an outcome to store: then the step is left. Otherwise the message was put
// back.
func (d *Dispatcher) skipOpen(ctx context.Context, c *completion, now time.Time) (store bool) {
	if o, ok := c.passedOver(c.step, c.stepDue, now); ok {
		c.setOutcome(o)
		return true
	}
	pause := d.cfg.Breaker.Pause
	d.releaseLease(ctx, c.job, now.Add(pause/2+rand.N(pause/2+1)), c.mayWait)
	return false
}
