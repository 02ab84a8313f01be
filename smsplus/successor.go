package smsplus

import (
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// attemptToRecall returns the first attempt that is to be taken back from its provider, or nil.
// The provider has it or may have it, another attempt makes it needless, and no answer is known.
func (r router) attemptToRecall(m *Message) *Attempt {
	if len(r.recallers) == 0 || len(m.Attempts) < 2 {
		return nil
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		mayArrive := a.Status == status.Accepted ||
			a.Reason == status.InDoubt && (a.Status == status.Preparing || a.Status == status.Undeliverable)
		if mayArrive && a.Recall == 0 && a.ProviderID != "" && r.recallers[a.Channel] && m.hasSuccessor(a) {
			return a
		}
	}
	return nil
}

// hasSuccessor reports whether another attempt makes the copy of an attempt needless. A later
// one does when its provider has accepted or delivered it. An earlier one does when it was
// delivered and is the success that its step wants. The application's confirmation does too. Of
// the attempts that are only accepted, the last one has no successor. So one is always left.
func (m *Message) hasSuccessor(a *Attempt) bool {
	return !m.ConfirmedAt.IsZero() || slices.ContainsFunc(m.Attempts, func(b Attempt) bool {
		switch {
		case b.Step > a.Step:
			return b.Status == status.Accepted || b.Status == status.Delivered
		case b.Step < a.Step:
			return b.Status == status.Delivered && m.Plan[b.Step].Until.isReachedBy(&b)
		}
		return false
	})
}

// scheduleRecall makes a message without a holder due for the recall of an attempt, unless it is
// due earlier for another reason. A step that is to be sent goes first. Lane and before are what
// the message waited in, and until when, before this change: a recall that failed waits until
// then. If outcomes are due at the same time, the first recall goes before them. Later recalls
// and outcomes alternate.
func (r router) scheduleRecall(m *Message, lane channel.Name, before, now time.Time) {
	a := r.attemptToRecall(m)
	if a == nil || !m.succeeded() && m.current().Status == status.Preparing {
		return
	}
	at := now
	if a.RecallTries > 0 && before.After(now) {
		at = before
	}
	goesFirst := m.Lane == OutcomeLane && (a.RecallTries == 0 || lane == OutcomeLane)
	if m.DueAt.IsZero() || at.Before(m.DueAt) || goesFirst && at.Equal(m.DueAt) {
		m.DueAt, m.Lane, m.Sending = at, "", -1 // every dispatcher claims it, and sends nothing
	}
}

// recallOutcome is the result of a recall: an answer, or one more failed try. It can be merged
// into any version of its message, any number of times.
type recallOutcome struct {
	step   int
	answer channel.Recall // zero: the call failed
	tries  int            // failed ones, this one included
	at     time.Time
	again  time.Time // of the next try, after a failed one
}

// recalled makes the outcome of a recall part of the message, and releases the message if it is
// held by the caller. A caller that has lost its lease (held is false) only adds what the
// provider said.
func (r router) recalled(m *Message, o *recallOutcome, held bool) {
	if !held {
		if o.answer != 0 {
			r.changeUnheld(m, o.at, func() { o.addTo(m, r.retry.Tries) })
		}
		return
	}
	o.addTo(m, r.retry.Tries)
	m.releaseHold()
	if a := m.attempt(o.step); a != nil && a.Recall == 0 {
		m.DueAt = o.again
	}
	r.deriveState(m, o.at)
}

// addTo merges the outcome into its attempt. After the last try a failed recall counts as
// impossible.
func (o *recallOutcome) addTo(m *Message, maxTries int) {
	a := m.attempt(o.step)
	if a == nil {
		return
	}
	a.Recall = max(a.Recall, o.answer)
	if o.answer == 0 {
		if a.RecallTries = max(a.RecallTries, o.tries); a.RecallTries >= maxTries {
			a.Recall = max(a.Recall, channel.Impossible)
		}
	}
	if a.Recall == channel.Recalled {
		a.merge(evidence{status: status.Undeliverable, reason: status.Recalled, at: o.at})
	}
}
