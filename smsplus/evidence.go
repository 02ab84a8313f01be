package smsplus

import (
	"cmp"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/status"
)

// evidence is one statement about an attempt: a provider's answer, its receipt, or the
// engine's own verdict.
type evidence struct {
	status status.Status
	reason status.Reason
	detail string
	read   bool
	at     time.Time
}

// merge adds evidence to the attempt and reports whether it said anything new. It is a
// join: the attempt ends the same in whatever order, and however often, evidence comes.
// The status is the highest. Of each kind the earliest time is kept. The reason is that
// of the earliest evidence for the status.
func (a *Attempt) merge(e evidence) bool {
	before := *a
	if e.read {
		e.status = status.Delivered
		a.ReadAt = earliest(a.ReadAt, e.at)
	}
	switch e.status {
	case status.Accepted:
		a.AcceptedAt = earliest(a.AcceptedAt, e.at)
		e.reason, e.detail = "", ""
	case status.Delivered:
		a.DeliveredAt = earliest(a.DeliveredAt, e.at)
		e.reason, e.detail = "", ""
	default: // only an attempt that did not arrive has a reason
	}
	higher := e.status > a.Status
	sooner := e.status == a.Status && e.status.Final() && cmp.Or(
		e.at.Compare(a.EndedAt), cmp.Compare(e.reason, a.Reason), cmp.Compare(e.detail, a.Detail)) < 0
	if higher || sooner {
		a.Status, a.Reason, a.Detail = e.status, e.reason, e.detail
		if e.status.Final() {
			a.EndedAt = e.at
		}
	}
	return *a != before
}

// defaultReasons are the reasons of answers and receipts that have none: every outcome is
// explained.
var defaultReasons = map[status.Status]status.Reason{
	status.Undeliverable: status.CarrierError,
	status.Failed:        status.SystemError,
}

// reasonOf returns a channel's reason for a status as it is stored.
func reasonOf(st status.Status, reason status.Reason) status.Reason {
	return cmp.Or(status.Reason(sanitizeText(string(reason))), defaultReasons[st])
}

// mergeReceipt merges a receipt into an attempt and reports whether it said anything new.
func (r router) mergeReceipt(m *Message, a *Attempt, rc channel.Receipt) bool {
	e, ok := r.evidenceOf(rc, scrubDetail(rc.Detail, m))
	return ok && a.merge(e)
}

// rename gives the attempt the new ID of a receipt that names it by its old one. It reports
// whether it did.
func (a *Attempt) rename(rc channel.Receipt) bool {
	if a.ref() != rc.Ref() || rc.Ref() == newRef(rc) {
		return false
	}
	a.ProviderID = rc.NewID
	return true
}

// outcome is the result of a send: evidence, or a later try. It can be merged into any
// version of its message, any number of times.
type outcome struct {
	step      int
	tries     int // of the step, this one included
	startedAt time.Time
	// providerID is the name of the attempt in the provider's receipts, or "".
	providerID string
	// evidence has the status Preparing if the step is to be tried again at retryAt.
	evidence evidence
	retryAt  time.Time
	content  ContentHash
	// verdict says that evidence is the engine's own: the tries, or the wait, are used up.
	verdict bool
	// inDoubt says that the call was made and no answer came.
	inDoubt bool
	// recall is set on the result of a recall. All other fields but step are zero then.
	recall *recallOutcome
}

// newOutcome returns the outcome of one more try of a step that fell due at the given
// time, still without evidence.
func (m *Message) newOutcome(step int, due time.Time) outcome {
	o := outcome{step: step, tries: 1, startedAt: due}
	if a := m.attempt(step); a != nil {
		o.tries, o.startedAt = a.Tries+1, cmp.Or(a.StartedAt, due)
	}
	return o
}

// answered sets the outcome to what the channel returned.
func (o *outcome) answered(res channel.Result, machine *status.Machine, now time.Time) {
	o.providerID = storableID(res.ProviderID)
	if res.Status == status.Preparing || res.Status != machine.Initial() && !machine.Can(machine.Initial(), res.Status) {
		o.fail(status.SystemError, (&status.TransitionError{From: machine.Initial(), To: res.Status}).Error(), now)
		return
	}
	o.evidence = evidence{status: res.Status, reason: res.Reason, detail: res.Detail, at: now}
}

// fail sets the outcome to Failed.
func (o *outcome) fail(why status.Reason, detail string, now time.Time) {
	o.evidence = evidence{status: status.Failed, reason: why, detail: detail, at: now}
}

// passedOver returns the outcome of a step that is left because its channel's breaker is
// open. It returns false if the step may not be left.
func (m *Message) passedOver(step int, due, now time.Time) (o outcome, ok bool) {
	if onFailed, _ := m.Plan[step].Policies(); onFailed != Forward || step+1 >= len(m.Plan) {
		return o, false
	}
	o = m.newOutcome(step, due)
	o.tries--
	o.verdict = true
	o.fail(status.SystemError, "the channel's circuit breaker is open", now)
	return o, true
}

// cleanTexts makes the provider's words fit to be stored: see [reasonOf] and [scrubDetail].
func (o *outcome) cleanTexts(m *Message) {
	e := &o.evidence
	e.reason, e.detail = reasonOf(e.status, e.reason), scrubDetail(e.detail, m)
}

// refused sets the outcome to what an error of the channel means.
func (r router) refused(m *Message, o *outcome, err *channel.Error, now time.Time) {
	if err.Status().Final() {
		o.evidence = evidence{status: err.Status(), reason: err.Reason(), detail: err.Detail(), at: now}
		return
	}
	if err.InDoubt() {
		// Receipts that quote the attempt's own ID can still find it.
		o.inDoubt, o.providerID = true, AttemptID(m.ID, o.step).String()
		if r.atMostOnce(m.Plan[o.step]) {
			// A receipt that is parked under that ID may settle it: the next claim looks.
			o.evidence, o.retryAt = evidence{reason: status.InDoubt, detail: err.Detail(), at: now}, now
			return
		}
	}
	r.retryLater(m, o, err.Reason(), err.Detail(), err.RetryAfter(), now)
}

// retryLater sets the outcome to a later try; or to Failed, if the tries are used up or
// the next one would come after the step's wait.
func (r router) retryLater(m *Message, o *outcome, why status.Reason, detail string, retryAfter time.Duration, now time.Time) {
	o.retryAt = microtime.Time(microtime.Ceil(now.Add(max(retryAfter, r.retry.backoff(o.tries)))))
	o.evidence = evidence{reason: why, detail: detail, at: now}
	if o.tries >= r.retry.Tries || !o.retryAt.Before(o.startedAt.Add(r.wait(m.Plan[o.step]))) {
		o.evidence.status, o.verdict = status.Failed, true
		if why == status.InDoubt {
			o.evidence.reason = status.SystemError
		}
	}
}

// mergeInto merges the outcome into its attempt, which it returns. A reason to try again
// is the holder's to set. A verdict does not count on an attempt that has evidence: a
// receipt came during the send.
func (o *outcome) mergeInto(m *Message) *Attempt {
	a := m.openAttempt(o.step, o.startedAt)
	a.Tries, a.Content = max(a.Tries, o.tries), o.content
	if o.providerID != "" && (a.ProviderID == "" || a.ProviderID == a.ID.String()) {
		a.ProviderID = o.providerID
	}
	if a.Status == status.Preparing {
		a.settleDoubt(o.inDoubt)
	}
	if o.evidence.status != status.Preparing && (!o.verdict || a.Status == status.Preparing) {
		a.merge(o.evidence)
	}
	return a
}

// earliest returns the earlier of two times, where zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
