package smsplus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// runJob sends a claimed message's step, or only stores the message. It reports whether
// the message advanced. With mayWait it waits for the rate limit, and repeats store calls
// that fail. Without, an outcome that is not stored is kept for the next Tick.
func (d *Dispatcher) runJob(ctx context.Context, j job, mayWait bool) (advanced bool, err error) {
	c := &completion{job: j, mayWait: mayWait}
	if store, err := d.executeJob(ctx, c); !store {
		return false, err
	}
	err = d.storeCompletion(ctx, c)
	if err != nil && c.outcome != nil {
		d.keptOutcomes.add(c)
	}
	return true, err
}

// executeJob runs a job up to the store update: rate limit, intent, a last look at the time,
// and the call. It returns false if there is nothing to store, because the message was
// put back or belongs to another holder.
func (d *Dispatcher) executeJob(ctx context.Context, c *completion) (store bool, err error) {
	if c.step < 0 {
		return true, nil
	}
	if d.pauses.Load().holdsBack(&c.job) {
		c.passBaton()
		d.putBackPaused(ctx, c.job, c.mayWait)
		return false, nil
	}
	if c.isUnserved() {
		c.passBaton()
		d.putBackUnserved(ctx, c.job, c.mayWait)
		return false, nil
	}
	o := d.outlets[c.channelName()]
	if c.run != nil && o.isBroken() {
		c.passBaton()
		return d.skipOpen(ctx, c, d.now()), nil
	}
	now, ok := d.awaitTokens(ctx, c, o)
	if !ok {
		return false, ctx.Err()
	}
	if !c.intent || d.mayHaveChanged(&c.job, now) {
		held, err := d.confirmIntent(ctx, c)
		switch {
		case err != nil:
			d.releaseLease(ctx, c.job, d.now().Add(d.cfg.Poll), c.mayWait)
			return false, err
		case !held:
			return false, nil
		}
		now = d.now()
	}
	// The time was read after the last call to the store: nothing is sent after the TTL, or
	// so late that another dispatcher could hold the message.
	if c.step >= 0 && c.expired(now) {
		c.step = d.nextAction(c.Message, c.due, now).step
	}
	switch {
	case c.step < 0:
		return true, nil
	case d.pauses.Load().holdsBack(&c.job):
		d.putBackPaused(ctx, c.job, c.mayWait)
		return false, ctx.Err()
	case d.outlets[c.channelName()] != o || c.isUnserved() || ctx.Err() != nil || now.After(d.lastCall(&c.job)):
		d.releaseLease(ctx, c.job, now, c.mayWait)
		return false, ctx.Err()
	}
	if c.run == nil { // Tick has no breaker: it runs on the injected clock
		c.setOutcome(d.sendStep(ctx, o, c.job, now))
		return true, nil
	}
	report, ok := o.allowSend()
	if !ok {
		return d.skipOpen(ctx, c, now), nil
	}
	stop := o.giveUpTrial(report, d.cfg.Lease)
	c.setOutcome(d.sendStep(ctx, o, c.job, now))
	stop()
	o.reportSend(report, c.outcome)
	return true, nil
}

// awaitTokens waits for the job's tokens of the rate limit, and returns the time then. A job
// that cannot wait is put back: the tokens are due after its lease, its ctx has ended, or it
// must not block.
func (d *Dispatcher) awaitTokens(ctx context.Context, c *completion, o *outlet) (now time.Time, ok bool) {
	now = d.now()
	last := d.lastCall(&c.job)
	size := o.sizeOf(c.content, c.Vars)
	for reserved := false; !reserved && ctx.Err() == nil; {
		var patience, delay time.Duration
		if c.mayWait {
			patience = max(0, last.Sub(now))
		}
		if delay, reserved = o.reserveTokens(now, patience, size); delay > patience {
			c.passBaton()
			d.releaseLease(ctx, c.job, now.Add(delay), c.mayWait)
			return now, false
		}
		if reserved {
			c.passBaton()
		}
		if delay > 0 {
			d.sleepFor(ctx, delay)
			now = d.now()
		}
	}
	if ctx.Err() != nil || now.After(last) {
		d.releaseLease(ctx, c.job, now, c.mayWait)
		return now, false
	}
	return now, true
}

// sendStep asks the channel to send the job's step, and returns the outcome. A channel or
// content that panics has failed. The log has only the panic's type, because its value may
// hold anything.
func (d *Dispatcher) sendStep(ctx context.Context, to *outlet, j job, now time.Time) (o outcome) {
	m := j.Message
	o = m.newOutcome(j.step, j.stepDue)
	o.content = j.contentHash
	defer func() {
		if p := recover(); p != nil {
			d.cfg.Logger.LogAttrs(ctx, slog.LevelError, "smsplus: channel or content panicked", slog.String("channel", string(to.name)),
				slog.String("message", j.ID.String()), slog.String("stack", string(debug.Stack())))
			o.fail(status.SystemError, fmt.Sprintf("the channel or its content panicked (%T)", p), d.now())
		}
		o.cleanTexts(m)
	}()
	rendered, err := j.content.Render(m.Vars)
	if err != nil {
		o.fail(status.TemplateConfig, err.Error(), now)
		return o
	}
	e := channel.Envelope{
		AttemptID: AttemptID(m.ID, j.step), To: m.To, Content: rendered, Try: o.tries,
		Template: m.Template, Scenario: m.Scenario, Expires: m.expires(j.step, o.startedAt),
	}
	if d.cfg.Observer != nil {
		d.reportStart(ctx, j, o.tries)
	}
	res, err := d.callChannel(ctx, to.ch, e)
	if err == nil {
		o.answered(res, d.traits[to.name].Machine, d.now())
		return o
	}
	ce, ok := errors.AsType[*channel.Error](err)
	if !ok {
		ce = channel.Temporary(err, 0)
	}
	d.refused(m, &o, ce, d.now())
	return o
}

// callChannel calls the channel under its deadline. A call that the deadline cut off is
// in doubt, whatever the channel says of it.
func (d *Dispatcher) callChannel(ctx context.Context, ch channel.Channel, e channel.Envelope) (channel.Result, error) {
	limited := withDeadline(ctx, d.cfg.SendTimeout)
	defer limited.cancel()
	res, err := ch.Send(limited, e)
	if err != nil && limited.Err() != nil {
		if _, ok := errors.AsType[*channel.Error](err); !ok {
			err = channel.InDoubt(err)
		}
	}
	return res, err
}
