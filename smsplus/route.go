package smsplus

import (
	"cmp"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/status"
)

// router is the state machine of a message: it decides each next state. Its methods
// are functions of the message, the time and the router's fields, without effects.
// Each transition is one of its methods: [router.triggered] (and [Message.preclaimed]),
// [router.claimed] and [router.nextAction], [router.intended], [router.sent],
// [router.changeUnheld], [router.canceled], [router.confirmed], [router.recalled],
// [router.released], [router.published] and [Message.hold].
//
// A message row lives like this (DueAt, Claims, Sending):
//
//	          Insert                 Claim: Version+1, Claims+1, DueAt = lease end
//	waits ───────────▶ due, 0, s ──────────────────────────▶ lease, 1, s
//	  ▲                    ▲                                    │ Update: an intent names the
//	  │ released           │ released                           ▼ step where the claim does not
//	  └── later, 0, s' ◀───┴──────── Update ◀── call ◀──── lease, 1, s
//	                                   │
//	ended: zero, 0, -1 ◀───────────────┘   A lease that ends: the next Claim finds
//	                                       Claims ≥ 1, so step s may have been sent.
//
// A caller that does not hold the message (Receive, Cancel, Confirm, a late answer) stores
// evidence and leaves DueAt, Claims, Sending and Holder alone. Invariants:
//
//   - No step is sent unless the stored row, under the sender's Holder, has Claims 1 and
//     names the step in Sending.
//   - Claims counts the claims since a holder last released the message. It stays above 0
//     when a holder dies. With Claims 0 no dispatcher holds the message, and Holder
//     is 0.
//   - DueAt is zero exactly when the message has ended, none of its outcomes is to be
//     published, and no attempt of it is to be taken back. An ended message is in OutcomeLane
//     until its outcomes are published. Its Sending is -1, unless it ended under a holder that
//     has not answered yet.
type router struct {
	traits   map[channel.Name]channel.Traits
	queriers map[channel.Name]bool // whose providers can be asked
	// recallers are the channels whose providers can take messages back.
	recallers map[channel.Name]bool
	retry     Retry // with its defaults
	// publishes says that a message which has ended is due until its outcomes are published.
	publishes bool
	lease     time.Duration
}

// action is what the holder of a message does with it: send a step, which fell due at due,
// or only store it.
type action struct {
	step int // -1: none
	due  time.Time
}

var storeOnly = action{step: -1}

// claimed marks the step in doubt that the holder before may have been sending: the one in
// Sending, if that holder never released the message. No other step is in doubt. Due is when
// the message fell due.
func (r router) claimed(m *Message, due time.Time) {
	if m.Claims > 1 {
		m.markInDoubt(m.Sending, due)
	}
}

// nextAction decides what the holder of m does with it now. Due is when the message fell due:
// the wait of a step that has no attempt yet counts from then. Steps that cannot be
// sent any more are ended on the way. With storeOnly, m is as it is to be stored.
func (r router) nextAction(m *Message, due, now time.Time) action {
	for {
		step, ok := r.stepToSend(m, now)
		if !ok {
			m.releaseOutcomes(now)
			r.deriveState(m, now)
			return storeOnly
		}
		if !r.endUnsendable(m, step, due, now) {
			return action{step, due}
		}
		due = now
	}
}

// questionsAbout returns the attempts of a claimed message of which their providers may know
// more than the row. They were accepted, or have been in doubt, or may have been read. The
// answers may make a send needless. An attempt that is Preparing has a provider ID since its
// first doubt.
func (r router) questionsAbout(m *Message) (refs []channel.Ref) {
	if len(r.queriers) == 0 || m.succeeded() {
		return nil
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		isOpen := a.Status == status.Accepted || a.Status == status.Preparing ||
			a.Status == status.Delivered && m.Plan[a.Step].Until == UntilRead
		if isOpen && a.ProviderID != "" && r.queriers[a.Channel] {
			refs = append(refs, a.ref())
		}
	}
	return refs
}

// pollAt returns when the provider of an accepted attempt is asked next. It reports false if the
// attempt's wait, or the message's time to live, is over before.
func (r router) pollAt(m *Message, a *Attempt, now time.Time) (at time.Time, ok bool) {
	every := r.traits[a.Channel].PollEvery
	if every <= 0 || !r.queriers[a.Channel] {
		return at, false
	}
	passed := max(0, now.Sub(a.StartedAt)) / every
	at = microtime.Time(microtime.Ceil(a.StartedAt.Add((passed + 1) * every)))
	return at, at.Before(earliest(r.waitEnd(m, a), m.ExpiresAt))
}

// stepToSend returns the step that is due to be sent, which may be the current one or the
// next. If there is none, it ends the current attempt if that attempt's time is over.
func (r router) stepToSend(m *Message, now time.Time) (step int, ok bool) {
	a := m.current()
	open := m.CanceledAt.IsZero() && !m.expired(now)
	switch {
	case m.succeeded():
	case a == nil && open:
		return 0, true
	case a == nil:
		m.closeUnsent(0, m.closeReason(), now)
	case a.Status == status.Preparing && open:
		return a.Step, true
	case a.Status == status.Preparing:
		a.merge(evidence{status: status.Undeliverable, reason: m.closeReason(), at: now})
	case a.Status == status.Accepted && m.expired(now):
		a.merge(evidence{status: status.Undeliverable, reason: status.Expired, at: now})
	case a.Status == status.Accepted && !now.Before(r.waitEnd(m, a)):
		if next := m.nextStep(); next >= 0 {
			return next, true
		}
		a.merge(evidence{status: status.Undeliverable, reason: status.NoReceipt, at: now})
	case a.Status.Final() && !m.expired(now):
		if at, ok := r.forwardAt(m, a, now); ok && !now.Before(at) {
			return m.nextStep(), true
		}
	}
	return -1, false
}

// endUnsendable ends the attempt at a step if the step must not be sent now, and reports
// whether it did. There are three cases. The step is in doubt and is to be sent at most
// once. It was in doubt too often. Or its wait ended before it was ever sent, and another
// step follows: that does not count while the step is in doubt.
func (r router) endUnsendable(m *Message, step int, due, now time.Time) bool {
	a := m.attempt(step)
	if a != nil && a.Reason == status.InDoubt {
		switch {
		case r.atMostOnce(m.Plan[step]):
			a.merge(evidence{status: status.Undeliverable, reason: status.InDoubt, at: now})
			return true
		case a.Doubts > r.maxResends(a.Channel):
			a.merge(evidence{status: status.Failed, reason: status.SystemError, detail: "no send had a known outcome", at: now})
			return true
		}
		return false
	}
	if a != nil {
		due = cmp.Or(a.StartedAt, due)
	}
	late := !now.Before(due.Add(r.wait(m.Plan[step])))
	if !late || step+1 >= len(m.Plan) || a != nil && a.Tries > 0 {
		return false
	}
	a = m.openAttempt(step, due)
	a.merge(evidence{status: status.Undeliverable, reason: status.Congested, at: now})
	return true
}

// sent makes the outcome of a send part of the message, and releases the message if it is
// held by the caller. A caller that has lost its lease (held is false) only adds what the
// provider said. The retries and verdicts of such an outcome are dropped: the next holder
// decides them from the row.
func (r router) sent(m *Message, o *outcome, held bool) {
	now := o.evidence.at
	if o.recall != nil {
		r.recalled(m, o.recall, held)
		return
	}
	if !held {
		if o.verdict || o.evidence.status == status.Preparing {
			if a := m.attempt(o.step); a != nil {
				a.Tries = max(a.Tries, o.tries)
			}
			return
		}
		r.changeUnheld(m, now, func() { o.mergeInto(m) })
		return
	}
	a := o.mergeInto(m)
	if o.evidence.status == status.Preparing && a.Status == status.Preparing {
		if m.CanceledAt.IsZero() {
			a.Reason, a.Detail = o.evidence.reason, o.evidence.detail
			m.DueAt = earliest(o.retryAt, m.ExpiresAt)
		} else {
			a.merge(evidence{status: status.Undeliverable, reason: status.Canceled, at: now})
		}
	}
	m.releaseHold()
	m.releaseOutcomes(now)
	r.deriveState(m, now)
}

// canceled stops the route of a message that has not ended. While a holder has the message,
// its attempts stay as they are: the holder ends them. Without a holder, an attempt that
// was accepted or is in doubt stays open, because the person may still get the message.
func (r router) canceled(m *Message, now time.Time) {
	m.CanceledAt = now
	if m.Claims > 0 {
		return
	}
	a := m.current()
	if a == nil {
		m.closeUnsent(0, status.Canceled, now)
		r.scheduleOutcomes(m, time.Time{}, now)
		return
	}
	if a.Status == status.Preparing && a.Reason != status.InDoubt {
		a.merge(evidence{status: status.Undeliverable, reason: status.Canceled, at: now})
	}
	r.deriveState(m, now)
}

// confirmed records that the person has the message, which ends its route from any state. The
// attempts keep their own statuses.
func (r router) confirmed(m *Message, now time.Time) {
	r.changeUnheld(m, now, func() { m.ConfirmedAt = now })
}

// triggered schedules a new message for its first step.
func (r router) triggered(m *Message, due time.Time, ttl time.Duration) {
	m.DueAt = due
	if ttl > 0 {
		m.ExpiresAt = earliest(due.Add(ttl), maxTime)
	}
	r.deriveState(m, due)
}

// preclaimed gives a new message, which is not stored yet, to a holder.
func (m *Message) preclaimed(holder int64, lease time.Time) {
	m.DueAt, m.Claims, m.Holder = lease, 1, holder
}

// intended writes down that the holder of a message is about to send a step.
func (r router) intended(m *Message, step int, holder int64, lease, now time.Time) {
	m.Claims, m.Sending, m.Holder, m.DueAt = 1, step, holder, lease
	r.summarizeAttempts(m, now)
}

// released ends the lease of a holder that sent nothing: the message is due at again, or
// later if its attempts say so. A doubt that the holder found is kept. Due is when the step
// (-1: not decided) fell due, because the step's wait counts from then. If the message stays
// due since then, DueAt says so. Otherwise an attempt does.
func (r router) released(m *Message, step int, due, again, now time.Time) {
	stays := step >= 0 && due.Equal(again)
	if step >= 0 && !stays && m.attempt(step) == nil {
		m.openAttempt(step, due)
	}
	m.releaseHold()
	m.DueAt = again
	m.releaseOutcomes(now)
	r.deriveState(m, now)
	if !m.DueAt.IsZero() {
		if !stays {
			again = latest(m.DueAt, again)
		}
		// A message whose time to live is over waits for a question or a recall, and for no step.
		if m.DueAt = again; !m.expired(now) || step >= 0 && r.attemptToRecall(m) == nil {
			m.DueAt = earliest(again, m.ExpiresAt)
		}
	}
}

// hold moves a message of a paused template to the template's own lane. A claim of that lane
// permits no send. A message that has ended, or is only to end, stays where it is.
func (m *Message) hold() {
	if m.Lane != "" && m.Lane != OutcomeLane {
		m.Lane, m.Sending = pausedLane(m.Template), -1
	}
}

// countClaim makes a message that was read, and not claimed, the caller's. The caller stores
// it with the Version that it read, so that the update is the claim as well.
func (m *Message) countClaim() { m.Claims++ }

// changeUnheld applies change, which merges evidence, on behalf of a caller that does not
// hold the message. A holder keeps its lease and its intent. Only a success ends the
// message under the holder: its send, which may have been made, is filed as an attempt in
// doubt. If an attempt is to be taken back, or outcomes are to be published, the message stays
// due at the end of the lease. A message that has ended may continue: its end must not depend on
// the order in which evidence comes. If it has a holder, it is due after a lease, because the
// holder may have gone.
func (r router) changeUnheld(m *Message, now time.Time, change func()) {
	change()
	if m.Claims == 0 {
		r.deriveState(m, now)
		return
	}
	r.summarizeAttempts(m, now)
	switch {
	case m.succeeded() && !m.HasEnded():
		m.markInDoubt(m.Sending, now)
		switch {
		case r.attemptToRecall(m) != nil:
			m.Lane = ""
		case r.publishes:
			m.Lane = OutcomeLane // due when the holder has answered, or at the end of its lease
		default:
			m.DueAt, m.Lane = time.Time{}, ""
		}
	case m.HasEnded() && r.continues(m, now):
		m.Published.End = status.Preparing
		m.DueAt, m.Lane, m.Sending = now.Add(r.lease), m.Class.laneName(m.Plan[m.nextStep()].Channel), -1
	}
}

// continues reports whether evidence has taken back the success that ended a message: its
// route has somewhere to go after all.
func (r router) continues(m *Message, now time.Time) bool {
	a := m.current()
	if a == nil || !a.Status.Final() || m.succeeded() || m.delivered() && m.expired(now) {
		return false
	}
	_, ok := r.forwardAt(m, a, now)
	return ok
}

// published ends the lease of a holder that published outcomes of an ended message, or tried
// to. Outcomes that are left are due at again.
func (r router) published(m *Message, p Published, again, now time.Time) {
	m.Published, m.DueAt = p, again
	m.releaseHold()
	r.deriveState(m, now)
}

// notePublished notes that an outcome was published, and notePublishFailure that it was not.
func (m *Message) notePublished(kind OutcomeKind) {
	p := &m.Published
	p.Failures = 0
	switch kind {
	case OutcomeRead:
		p.Read = true
	case OutcomeConfirmed:
		p.Confirmed = true
	default:
		p.End = m.Status
	}
}

func (m *Message) notePublishFailure() { m.Published.Failures++ }

// dropPreclaim takes back what preclaimed did to a message that was due at the given time,
// because the message is not stored.
func (m *Message) dropPreclaim(due time.Time) {
	m.releaseHold()
	m.DueAt = due
}

// releaseOutcomes makes the outcomes of a message due that ended while a holder was to send a
// step. They wait for the holder, so that the record that is published has its answer.
func (m *Message) releaseOutcomes(now time.Time) {
	if m.Lane == OutcomeLane {
		m.DueAt = now
	}
}

// scheduleOutcomes keeps a message due that has ended, until its outcomes are published. A
// message that waited to be published stays so, also if this dispatcher has no Outcomes. It
// waits until waited at least, which is zero if it did not wait.
func (r router) scheduleOutcomes(m *Message, waited, now time.Time) {
	if !r.publishes && waited.IsZero() || !m.DueAt.IsZero() {
		return
	}
	if _, ok := m.nextOutcome(); ok {
		m.DueAt, m.Lane, m.Sending = latest(waited, now), OutcomeLane, -1
	}
}

// deriveState sets what follows from the attempts of a message without a holder: its status,
// when it is due, for which lane, and which step a claim permits. The caller sets DueAt
// before, where no attempt decides it: if there is none, or the current one is Preparing.
func (r router) deriveState(m *Message, now time.Time) {
	lane, before := m.Lane, m.DueAt
	var waited time.Time
	if lane == OutcomeLane || lane == "" && m.Published.Failures > 0 {
		waited = before
	}
	r.summarizeAttempts(m, now)
	r.scheduleRoute(m, now)
	r.scheduleOutcomes(m, waited, now)
	r.scheduleRecall(m, lane, before, now)
}

// scheduleRoute sets when a message without a holder is due for its route, and for which lane.
func (r router) scheduleRoute(m *Message, now time.Time) {
	a := m.current()
	switch {
	case m.succeeded():
		m.endRoute()
	case m.expired(m.DueAt) && (a == nil || a.Status == status.Preparing):
		m.Lane, m.Sending = "", -1 // it is only to be closed
	case a == nil:
		m.Lane, m.Sending = m.Class.laneName(m.Plan[0].Channel), r.permittedStep(m, 0)
	case a.Status == status.Preparing:
		m.Lane, m.Sending = m.Class.laneName(a.Channel), r.permittedStep(m, a.Step)
	case a.Status == status.Accepted:
		if at, ok := r.pollAt(m, a, now); ok {
			m.DueAt, m.Lane, m.Sending = at, "", -1 // every dispatcher claims it, and sends nothing
			return
		}
		r.scheduleNext(m, r.waitEnd(m, a))
	default:
		at, ok := r.forwardAt(m, a, now)
		switch {
		case !ok, m.delivered() && m.expired(now):
			m.endRoute()
		case m.expired(now):
			m.closeUnsent(m.nextStep(), status.Expired, now)
		default:
			r.scheduleNext(m, at)
		}
	}
}

// summarizeAttempts sets the message's status, channel and times from its attempts.
func (r router) summarizeAttempts(m *Message, now time.Time) {
	m.DeliveredAt, m.ReadAt = time.Time{}, time.Time{}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if a.Status == status.Delivered && (m.DeliveredAt.IsZero() || a.DeliveredAt.Before(m.DeliveredAt)) {
			m.DeliveredAt, m.Channel = a.DeliveredAt, a.Channel
		}
		m.ReadAt = earliest(m.ReadAt, a.ReadAt)
	}
	a := m.current()
	switch {
	case !m.ConfirmedAt.IsZero() && m.DeliveredAt.IsZero(): // no provider has reported it
		m.Status, m.Channel = status.Delivered, m.Plan[0].Channel
		if a != nil {
			m.Channel = a.Channel
		}
		m.DeliveredAt = m.ConfirmedAt
	case !m.DeliveredAt.IsZero():
		m.Status, m.DeliveredAt = status.Delivered, earliest(m.DeliveredAt, m.ConfirmedAt)
	case a == nil:
		m.Status, m.Channel = status.Preparing, m.Plan[0].Channel
	default:
		m.Status, m.Channel = a.Status, a.Channel
		if _, ok := r.forwardAt(m, a, now); ok && a.Status.Final() {
			m.Status = status.Preparing
		}
	}
}

// scheduleNext makes the message due at the given time, for the lane of the next step.
// Lane is empty if the route ends there or the time to live ends before: then the
// message is only to be closed.
func (r router) scheduleNext(m *Message, at time.Time) {
	m.Published.End = status.Preparing // the end that is to come is another one
	m.DueAt, m.Lane, m.Sending = earliest(at, m.ExpiresAt), "", -1
	if n := m.nextStep(); n >= 0 && m.DueAt.Equal(at) {
		m.Lane, m.Sending = m.Class.laneName(m.Plan[n].Channel), r.permittedStep(m, n)
	}
}

// permittedStep returns the Sending of a message that waits for a step. It is the step where a
// claim is the intent to send it. It is -1 where the intent needs an update of its own,
// because the step is to be sent at most once or is in doubt.
func (r router) permittedStep(m *Message, step int) int {
	if a := m.attempt(step); a != nil && a.Reason == status.InDoubt || r.atMostOnce(m.Plan[step]) {
		return -1
	}
	return step
}

// forwardAt returns when a message leaves an attempt that ended without delivery for
// the next step, and whether it does.
func (r router) forwardAt(m *Message, a *Attempt, now time.Time) (time.Time, bool) {
	switch {
	case m.nextStep() < 0 || a.Reason == status.Expired && m.expired(a.EndedAt):
		return time.Time{}, false
	case a.Status == status.Delivered: // and not read yet: see UntilRead
		return r.waitEnd(m, a), true
	case a.Status == status.Failed:
		onFailed, _ := m.Plan[a.Step].Policies()
		return now, onFailed == Forward
	case r.traits[a.Channel].UniformWait:
		return r.waitEnd(m, a), true
	default:
		return now, true
	}
}

// waitEnd returns when the wait of an attempt's step ends.
func (r router) waitEnd(m *Message, a *Attempt) time.Time {
	return microtime.Time(microtime.Ceil(a.StartedAt.Add(r.wait(m.Plan[a.Step]))))
}

// wait returns a step's wait, or its default where the step sets none.
func (r router) wait(p PlannedStep) time.Duration {
	return cmp.Or(p.Wait, r.traits[p.Channel].Validity, DefaultWait)
}

// atMostOnce reports whether a step must not be sent again after a send in doubt.
func (r router) atMostOnce(p PlannedStep) bool {
	_, inDoubt := p.Policies()
	return inDoubt == Forward && !r.traits[p.Channel].Idempotent
}

// maxResends returns how many sends in a row may be repeated without a known outcome. An
// idempotent channel may repeat as often as any other try.
func (r router) maxResends(c channel.Name) int {
	if r.traits[c].Idempotent {
		return r.retry.Tries
	}
	return r.retry.InDoubt
}

// evidenceOf returns what a receipt says of an attempt, with its detail scrubbed. A
// receipt whose status the channel does not have says nothing: whether it is evidence must
// not depend on where the attempt stands, or receipts would not commute.
func (r router) evidenceOf(rc channel.Receipt, detail string) (e evidence, ok bool) {
	e = evidence{status: rc.Status, reason: rc.Reason, detail: detail, at: rc.At}
	if rc.Read {
		e.status, e.read = status.Delivered, r.traits[rc.Channel].Reads
	}
	return e, r.machineFor(rc.Channel).Reaches(e.status)
}

// machineFor returns a channel's machine. A channel that is not registered here, but was
// when the message was sent, has the default one.
func (r router) machineFor(c channel.Name) *status.Machine {
	if t, ok := r.traits[c]; ok {
		return t.Machine
	}
	return status.Default
}

// maxTime is the latest time that every store keeps and prints.
var maxTime = time.Date(9998, time.December, 31, 0, 0, 0, 0, time.UTC)

// expires returns when a copy of the message is no longer wanted on a step that started
// at the given time: [channel.Envelope.Expires].
func (m *Message) expires(step int, started time.Time) time.Time {
	if wait := m.Plan[step].Wait; wait > 0 {
		return earliest(started.Add(wait), m.ExpiresAt)
	}
	return m.ExpiresAt
}

// releaseHold ends the holder's lease. The caller sets DueAt.
func (m *Message) releaseHold() { m.Claims, m.Holder = 0, 0 }

// endRoute ends the message: it is never due again.
func (m *Message) endRoute() { m.DueAt, m.Lane, m.Sending = time.Time{}, "", -1 }

// current returns the attempt at the latest step that was begun, or nil.
func (m *Message) current() *Attempt {
	if len(m.Attempts) == 0 {
		return nil
	}
	return &m.Attempts[len(m.Attempts)-1]
}

// ref is the name that the provider's receipts give the attempt.
func (a *Attempt) ref() channel.Ref { return channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID} }

// attempt returns the attempt at a step, or nil.
func (m *Message) attempt(step int) *Attempt {
	i := slices.IndexFunc(m.Attempts, func(a Attempt) bool { return a.Step == step })
	if i < 0 {
		return nil
	}
	return &m.Attempts[i]
}

// openAttempt returns the attempt at a step, and adds it if there is none. Due is when the
// step fell due, or zero: StartedAt is the earliest that was given.
func (m *Message) openAttempt(step int, due time.Time) *Attempt {
	a := m.attempt(step)
	if a == nil {
		m.Attempts = append(m.Attempts, Attempt{ID: AttemptID(m.ID, step), Step: step, Channel: m.Plan[step].Channel})
		a = m.current()
	}
	a.StartedAt = earliest(a.StartedAt, due)
	return a
}

// closeUnsent ends the message at a step that was never sent. It adds the step's attempt,
// which holds the reason.
func (m *Message) closeUnsent(step int, why status.Reason, now time.Time) {
	a := m.openAttempt(step, time.Time{})
	a.merge(evidence{status: status.Undeliverable, reason: why, at: now})
	m.Status, m.Channel = a.Status, a.Channel
	m.endRoute()
}

// nextStep returns the step after the current one, or -1 if the route ends there.
func (m *Message) nextStep() int {
	n := 0
	if a := m.current(); a != nil {
		n = a.Step + 1
	}
	if n >= len(m.Plan) || !m.CanceledAt.IsZero() {
		return -1
	}
	return n
}

func (m *Message) delivered() bool { return m.Status == status.Delivered }

func (m *Message) expired(now time.Time) bool {
	return !m.ExpiresAt.IsZero() && !now.Before(m.ExpiresAt)
}

func (m *Message) closeReason() status.Reason {
	if !m.CanceledAt.IsZero() {
		return status.Canceled
	}
	return status.Expired
}
