package smsplus

import (
	"cmp"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// router decides where messages go. It is the design's state machine: functions of
// a message, the time and the channels' traits, with no effects.
type router struct {
	traits map[channel.Name]channel.Traits
}

// nextAction says what to do with a message that is due: send the step it returns,
// with true, or nothing more than to store the message as it now stands.
func (r router) nextAction(m *Message, now time.Time) (step int, send bool) {
	a := m.current()
	switch {
	case m.delivered(): // a parked receipt said so
	case a == nil && m.CanceledAt.IsZero() && !m.expired(now):
		return 0, true
	case a == nil:
		m.closeUnsent(0, m.closeReason(), now)
	case a.Status == status.Preparing && m.CanceledAt.IsZero() && !m.expired(now):
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
	case a.Status.Final() && !m.delivered() && !m.expired(now):
		if at, ok := r.forwardAt(m, a, now); ok && !now.Before(at) {
			return m.nextStep(), true
		}
	}
	r.derive(m, now)
	return 0, false
}

// derive derives what a message says from what its attempts say: its status,
// channel and times, when it is due next, and for which lane. The DueAt of a message
// whose current attempt is Preparing, or that has none, is the caller's: a retry's
// time, or the end of a lease.
func (r router) derive(m *Message, now time.Time) {
	m.DeliveredAt, m.ReadAt = time.Time{}, time.Time{}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if a.Status == status.Delivered && (m.DeliveredAt.IsZero() || a.DeliveredAt.Before(m.DeliveredAt)) {
			m.DeliveredAt, m.Channel = a.DeliveredAt, a.Channel
		}
		m.ReadAt = earliest(m.ReadAt, a.ReadAt)
	}
	if !m.DeliveredAt.IsZero() {
		m.Status, m.DueAt, m.Lane = status.Delivered, time.Time{}, ""
		return
	}
	a := m.current()
	if a == nil {
		m.Status, m.Channel, m.Lane = status.Preparing, m.Plan[0].Channel, m.Plan[0].Channel
		return
	}
	m.Status, m.Channel = a.Status, a.Channel
	switch a.Status {
	case status.Preparing:
		m.Lane = a.Channel
	case status.Accepted:
		m.scheduleNext(r.waitEnd(m, a))
	default:
		at, ok := r.forwardAt(m, a, now)
		switch {
		case !ok:
			m.DueAt, m.Lane = time.Time{}, ""
		case m.expired(now):
			m.closeUnsent(m.nextStep(), status.Expired, now)
		default:
			m.Status = status.Preparing
			m.scheduleNext(at)
		}
	}
}

// scheduleNext makes the message due for the next step's lane at the given time, or
// for none: if the route ends there, or the time to live before it.
func (m *Message) scheduleNext(at time.Time) {
	m.DueAt, m.Lane = earliest(at, m.ExpiresAt), ""
	if n := m.nextStep(); n >= 0 && m.DueAt.Equal(at) {
		m.Lane = m.Plan[n].Channel
	}
}

// applyUnderLease changes a message that somebody else may be working on: a lease outlives
// the change, and a send that may be in flight is written down.
func (r router) applyUnderLease(m *Message, now time.Time, change func()) {
	held, lease, sending := m.Claims > 0, m.DueAt, m.inFlight()
	tries := m.triesOf(sending) + m.Claims
	change()
	if held {
		m.markInFlight(sending, tries, now)
	}
	r.derive(m, now)
	if held && !m.delivered() {
		m.DueAt = lease
	}
}

// forwardAt says when a message leaves an attempt that ended without delivery for
// the next step, if it does.
func (r router) forwardAt(m *Message, a *Attempt, now time.Time) (time.Time, bool) {
	switch {
	case m.nextStep() < 0 || a.Reason == status.Expired && m.expired(a.EndedAt):
		return time.Time{}, false
	case a.Status == status.Failed:
		return now, m.Plan[a.Step].OnFailed == Forward
	case r.traits[a.Channel].UniformWait:
		return r.waitEnd(m, a), true
	default:
		return now, true
	}
}

// waitEnd is when an attempt has had its step's wait.
func (r router) waitEnd(m *Message, a *Attempt) time.Time {
	return a.StartedAt.Add(r.wait(m.Plan[a.Step]))
}

// wait is a step's wait, or what stands for it where the step sets none.
func (r router) wait(p PlannedStep) time.Duration {
	return cmp.Or(p.Wait, r.traits[p.Channel].Validity, DefaultWait)
}

// expires is when a copy of the message is no longer wanted on a step started at
// the given time: [channel.Envelope.Expires].
func (m *Message) expires(step int, started time.Time) time.Time {
	if wait := m.Plan[step].Wait; wait > 0 {
		return earliest(started.Add(wait), m.ExpiresAt)
	}
	return m.ExpiresAt
}

// current returns the attempt that the message stands on, or nil.
func (m *Message) current() *Attempt {
	if len(m.Attempts) == 0 {
		return nil
	}
	return &m.Attempts[len(m.Attempts)-1]
}

// ref is what the provider's receipts call the attempt.
func (a *Attempt) ref() channel.Ref { return channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID} }

// attempt returns the attempt at a step, or nil.
func (m *Message) attempt(step int) *Attempt {
	i := slices.IndexFunc(m.Attempts, func(a Attempt) bool { return a.Step == step })
	if i < 0 {
		return nil
	}
	return &m.Attempts[i]
}

// openAttempt returns the attempt at a step, which it adds if there is none.
func (m *Message) openAttempt(step int) *Attempt {
	if a := m.attempt(step); a != nil {
		return a
	}
	m.Attempts = append(m.Attempts, Attempt{ID: AttemptID(m.ID, step), Step: step, Channel: m.Plan[step].Channel})
	return m.current()
}

// closeUnsent closes the message at a step that was never sent, for an attempt is where
// every outcome is explained.
func (m *Message) closeUnsent(step int, why status.Reason, now time.Time) {
	a := m.openAttempt(step)
	a.merge(evidence{status: status.Undeliverable, reason: why, at: now})
	m.Status, m.Channel, m.DueAt, m.Lane = a.Status, a.Channel, time.Time{}, ""
}

// nextStep returns the step after the current one, or -1 if the route goes no further.
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

// evidence is one word on an attempt: a provider's answer, its receipt, or the
// engine's own verdict.
type evidence struct {
	status status.Status
	reason status.Reason
	detail string
	read   bool
	at     time.Time
}

// merge takes evidence in and reports whether it said anything new. It is a join:
// the attempt ends the same in whatever order, and however often, evidence comes.
// The status is the highest; of each kind the earliest time is kept; the reason is
// that of the earliest evidence for the status.
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
	default: // only what did not arrive has a reason
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

// earliest returns the earlier of two times, where zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
