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

// outcome is what a send came to: evidence, or a later try. It can be applied to
// any version of its message, any number of times.
type outcome struct {
	step       int
	tries      int // in all, this one included
	startedAt  time.Time
	providerID string
	evidence   evidence  // with a status of Preparing there is none, and the step is
	retryAt    time.Time // tried again then
}

// runJob does what a claimed message needs: it sends a step, or only stores what the
// message has come to. It reports whether the message got anywhere. With patience
// it waits for its turn under the rate limit, and stores the outcome however long
// the store is down, until ctx ends; without, it does neither.
func (d *Dispatcher) runJob(ctx context.Context, j job, patient bool) (advanced bool, err error) {
	c := &completion{job: j, untilLeaseEnds: patient}
	if store, err := d.execute(ctx, c); !store {
		return false, err
	}
	return true, d.complete(ctx, c)
}

// execute does of a job what comes before the store. It reports whether anything is to
// be stored that it has not put back.
func (d *Dispatcher) execute(ctx context.Context, c *completion) (store bool, err error) {
	j := c.job
	if j.step < 0 {
		return true, nil
	}
	l := d.lanes[j.channelName()]
	if l == nil {
		o := d.retryOrFail(j, j.newOutcome(d.now()), status.TemplateConfig, "no such channel is registered", 0)
		if j.maybeSent && o.evidence.status == status.Preparing {
			o.evidence.reason = status.InDoubt
		}
		c.setOutcome(o)
		return true, nil
	}
	now := d.now()
	// The send, and the update that records it, have to fit into the lease.
	latest := j.lease.Add(-d.cfg.SendTimeout - d.cfg.StoreTimeout)
	patience := time.Duration(0)
	if c.untilLeaseEnds {
		patience = max(0, latest.Sub(now))
	}
	if delay := l.rateDelay(now, patience); delay > patience {
		d.releaseLease(ctx, j, now.Add(delay), c.untilLeaseEnds)
		return false, nil
	} else if delay > 0 {
		d.pause(ctx, delay)
		now = d.now()
	}
	if ctx.Err() != nil || now.After(latest) {
		d.releaseLease(ctx, j, now, c.untilLeaseEnds)
		return false, ctx.Err()
	}
	if j.expired(now) { // since the claim
		_, _ = d.nextAction(j.Message, now)
		c.step = -1
		return true, nil
	}
	claimedAt := j.lease.Add(-d.cfg.Lease)
	if len(j.Attempts) > 0 || now.Sub(claimedAt) > recheckAfter || d.canceledLeases.consume(j.ID) {
		still, err := d.recheck(ctx, &c.job)
		if err != nil {
			d.releaseLease(ctx, c.job, d.now().Add(d.cfg.Poll), c.untilLeaseEnds) // or it would look in doubt, and it is not
		}
		if err != nil || !still {
			return false, err
		}
		if c.step < 0 {
			return true, nil
		}
	}
	c.setOutcome(d.sendStep(ctx, l, c.job, now))
	return true, nil
}

// recheckAfter is how old a claim of a message without attempts may be for it to be sent
// without another look: there was hardly time for a Cancel by another dispatcher, and
// of one by this dispatcher it knows. It is more than a message waits in a lane that
// is fast, where the looks would be most of the work.
const recheckAfter = 2 * rateWindow

// recheck looks at a message once more before a step that a receipt, or a Cancel, may
// have made needless since the claim. It reports whether the message is still the
// caller's, which may be to store it only: then the job has no step.
func (d *Dispatcher) recheck(ctx context.Context, j *job) (bool, error) {
	stored, err := d.Message(ctx, j.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || stored.Version == j.Version {
		return err == nil, err
	}
	if !stored.delivered() && !j.leaseHeld(&stored) {
		return false, nil
	}
	tries := j.triesOf(j.step)
	*j.Message = stored
	j.clearInFlight(tries)
	step, send := d.nextAction(j.Message, d.now())
	if !send || step != j.step {
		j.step = -1
	}
	return true, nil
}

// sendStep asks the channel to send, and says what came of it. What panics has failed;
// the panic's value may hold anything, so only its type is told.
func (d *Dispatcher) sendStep(ctx context.Context, l *lane, j job, now time.Time) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			d.cfg.Logger.LogAttrs(ctx, slog.LevelError, "smsplus: channel or content panicked", slog.String("channel", string(l.name)),
				slog.String("message", j.ID.String()), slog.String("stack", string(debug.Stack())))
			out = j.newOutcome(now)
			out.evidence = evidence{
				status: status.Failed, reason: status.SystemError, at: d.now(), detail: fmt.Sprintf("the channel or its content panicked (%T)", p),
			}
		}
	}()
	m, p := j.Message, j.Plan[j.step]
	var left Attempt
	if a := m.current(); a != nil {
		left = *a
	}
	a := m.openAttempt(j.step)
	o := j.newOutcome(now)
	if j.maybeSent {
		if !d.traits[l.name].Idempotent && p.InDoubt == Forward {
			o.tries--
			o.providerID = a.ID.String()
			o.evidence = evidence{status: status.Undeliverable, reason: status.InDoubt, at: now}
			return o
		}
		if o.tries > d.cfg.Retry.Tries {
			o.tries--
			o.evidence = evidence{status: status.Failed, reason: status.SystemError, detail: "no try had an outcome", at: now}
			return o
		}
	}
	content, missing := d.contentFor(m, p.Channel)
	if missing != "" {
		return d.retryOrFail(j, o, status.TemplateConfig, missing, 0)
	}
	rendered, err := content.Render(m.Vars)
	if err != nil {
		o.evidence = evidence{status: status.Failed, reason: status.TemplateConfig, detail: err.Error(), at: now}
		return o
	}
	e := channel.Envelope{
		AttemptID: a.ID, To: m.To, Content: rendered, Try: o.tries,
		Template: m.Template, Scenario: m.Scenario, Expires: m.expires(j.step, o.startedAt),
	}
	if d.cfg.Observer != nil {
		if left.Step != a.Step {
			d.reportForward(ctx, j, left)
		}
		d.observe(ctx, AttemptStarted{m.ID, a.ID, m.Template, l.name, o.tries})
	}
	res, err := d.callChannel(ctx, l.ch, e)
	if err != nil {
		return d.classifyError(j, o, err)
	}
	o.providerID = sanitize(res.ProviderID)
	machine := d.traits[l.name].Machine
	if res.Status == status.Preparing || res.Status != machine.Initial() && !machine.Can(machine.Initial(), res.Status) {
		o.evidence = evidence{
			status: status.Failed, reason: status.SystemError, at: d.now(),
			detail: (&status.TransitionError{From: machine.Initial(), To: res.Status}).Error(),
		}
		return o
	}
	o.evidence = evidence{status: res.Status, reason: res.Reason, detail: res.Detail, at: d.now()}
	return o
}

// newOutcome begins the outcome of one more try, now.
func (j *job) newOutcome(now time.Time) outcome {
	o := outcome{step: j.step, tries: j.triesOf(j.step) + 1, startedAt: now}
	if a := j.attempt(j.step); a != nil {
		o.startedAt = earliest(a.StartedAt, now)
	}
	return o
}

// contentFor returns what the message's template says on a channel now, or what is missing.
func (d *Dispatcher) contentFor(m *Message, c channel.Name) (content channel.Content, missing string) {
	t := d.templates[m.Template]
	if t == nil {
		return nil, "no such template is registered"
	}
	for _, s := range t.Route {
		if s.Channel == c {
			return s.Content, ""
		}
	}
	return nil, "the template no longer has a step on this channel"
}

// callChannel calls the channel under its deadline.
func (d *Dispatcher) callChannel(ctx context.Context, ch channel.Channel, e channel.Envelope) (channel.Result, error) {
	limited := withDeadline(ctx, d.cfg.SendTimeout)
	defer limited.cancel()
	res, err := ch.Send(limited, e)
	if err != nil && limited.Err() != nil {
		if _, ok := errors.AsType[*channel.Error](err); !ok {
			err = channel.InDoubt(err) // cut off in the middle, by whatever name
		}
	}
	return res, err
}

// classifyError says what an error comes to.
func (d *Dispatcher) classifyError(j job, o outcome, err error) outcome {
	ce, ok := errors.AsType[*channel.Error](err)
	if !ok {
		ce = channel.Temporary(err, 0)
	}
	now := d.now()
	switch {
	case ce.Status().Final():
		o.evidence = evidence{status: ce.Status(), reason: ce.Reason(), detail: ce.Detail(), at: now}
		return o
	case ce.InDoubt() && !d.traits[j.channelName()].Idempotent && j.Plan[j.step].InDoubt == Forward:
		// Not yet: a receipt that is parked for it may know.
		o.providerID = j.attempt(j.step).ID.String()
		o.retryAt = now
		o.evidence = evidence{reason: status.InDoubt, detail: ce.Detail(), at: now}
		return o
	}
	if ce.InDoubt() {
		o.providerID = j.attempt(j.step).ID.String()
	}
	return d.retryOrFail(j, o, ce.Reason(), ce.Detail(), ce.RetryAfter())
}

// retryOrFail says when a step is tried once more; or that it has failed, because it is
// out of tries or the next one would come after its wait.
func (d *Dispatcher) retryOrFail(j job, o outcome, why status.Reason, detail string, retryAfter time.Duration) outcome {
	now := d.now()
	o.retryAt = now.Add(max(retryAfter, d.cfg.Retry.backoff(o.tries)))
	o.evidence = evidence{reason: why, detail: detail, at: now}
	if o.tries >= d.cfg.Retry.Tries || !o.retryAt.Before(o.startedAt.Add(d.wait(j.Plan[j.step]))) {
		o.evidence.status = status.Failed
		if why == status.InDoubt {
			o.evidence.reason = status.SystemError
		}
	}
	return o
}

// applyOutcome makes an outcome part of a message, whatever has become of the message
// since the send. If another dispatcher holds it meanwhile, its lease stays.
func (d *Dispatcher) applyOutcome(m *Message, o *outcome, held bool) {
	now := o.evidence.at
	if held {
		d.applyUnderLease(m, now, func() { d.mergeOutcome(m, o, held) })
		return
	}
	d.mergeOutcome(m, o, held)
	d.derive(m, now)
}

func (d *Dispatcher) mergeOutcome(m *Message, o *outcome, held bool) {
	a := m.openAttempt(o.step)
	if !held && a.Status == status.Preparing && a.Reason == status.InDoubt {
		a.Reason, a.Detail = "", ""
	}
	a.Tries = max(a.Tries, o.tries)
	a.StartedAt = earliest(a.StartedAt, o.startedAt)
	if o.providerID != "" && (a.ProviderID == "" || a.ProviderID == a.ID.String()) {
		a.ProviderID = o.providerID
	}
	e := o.evidence
	e.reason, e.detail = status.Reason(sanitize(string(e.reason))), scrub(e.detail, m)
	switch {
	case e.status != status.Preparing:
		a.merge(e)
	case a.Status != status.Preparing || held:
		// A receipt, or another dispatcher, knows better.
	case !m.CanceledAt.IsZero():
		a.merge(evidence{status: status.Undeliverable, reason: status.Canceled, at: e.at})
	default:
		a.Reason, a.Detail = e.reason, e.detail
		m.DueAt = earliest(o.retryAt, m.ExpiresAt)
	}
}

// completion is a job on its way into the store.
type completion struct {
	job
	outcome        *outcome // nil: the message is stored as decide left it
	held           bool     // somebody else has the lease
	untilLeaseEnds bool
	storeTries     int // to store it

	// Of one that is handed over, the shift and the lane that it is for.
	run  *runState
	lane *lane

	outcomeBuf outcome        // what outcome points to
	refBuf     [1]channel.Ref // what the draft looks for
}

// setOutcome says what the job's send came to.
func (c *completion) setOutcome(o outcome) {
	c.outcomeBuf = o
	c.outcome = &c.outcomeBuf
}

// buildUpdate makes the outcome part of the message, and returns that to be stored.
func (d *Dispatcher) buildUpdate(c *completion) updateRequest {
	m, o := c.Message, c.outcome
	if c.previous == nil {
		c.previous = d.copyForObserver(m)
	}
	if o != nil {
		d.applyOutcome(m, o, c.held)
	}
	if m.DueAt.IsZero() && !m.delivered() && c.recordsProviderID() {
		// Not the end yet: a receipt may have been parked because this name was not
		// stored, and after the end nobody looks. The next claim does, and ends it.
		m.DueAt = d.now()
	}
	u := updateRequest{message: m, completion: c, lookupRefs: c.lookupRefs}
	if o != nil && o.providerID != "" {
		c.refBuf[0] = channel.Ref{Channel: c.channelName(), ProviderID: o.providerID}
		u.lookupRefs = append(c.refBuf[:], c.lookupRefs...)
	}
	return u
}

// recordsProviderID reports whether storing the message may store a provider's name for an
// attempt for the first time.
func (c *completion) recordsProviderID() bool {
	if c.outcome == nil {
		return len(c.lookupRefs) > 0
	}
	a := c.attempt(c.outcome.step)
	return a != nil && a.ProviderID != ""
}

// complete stores a conclusion.
func (d *Dispatcher) complete(ctx context.Context, c *completion) error {
	for {
		u, err := d.updates.Do(d.buildUpdate(c))
		if again, err := d.afterStore(ctx, c, u, err); !again {
			return err
		}
	}
}

// afterStore goes on after a try to store a conclusion. It reports whether there must
// be another, for which it has made ready.
func (d *Dispatcher) afterStore(ctx context.Context, c *completion, u updateRequest, err error) (again bool, _ error) {
	c.storeTries++
	switch {
	case err == nil && !u.stale:
		d.reportChanges(ctx, c.previous, c.Message)
		d.applyParked(ctx, u.parked)
		return false, nil
	case err != nil && (!c.untilLeaseEnds || ctx.Err() != nil):
		return false, err
	case err != nil:
		d.pause(ctx, storeRetry.backoff(c.storeTries))
		return true, nil // if it took effect all the same, the next update is stale
	case c.outcome == nil:
		return false, nil // what came first decides anew
	}
	stored, err := d.Message(ctx, c.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		if !c.untilLeaseEnds || ctx.Err() != nil {
			return false, err
		}
		d.pause(ctx, storeRetry.backoff(c.storeTries))
		return true, nil
	}
	*c.Message = stored
	c.previous = d.copyForObserver(c.Message)
	c.held = c.Claims > 0
	return true, nil
}
