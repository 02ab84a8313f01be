package smsplus

import (
	"cmp"
	"time"

	"github.com/smsplus/smsplus-go/status"
)

// inFlight returns the step that whoever holds the message's lease may be sending,
// or -1.
func (m *Message) inFlight() int {
	if a := m.current(); a != nil && a.Status == status.Preparing {
		return a.Step
	}
	return m.nextStep()
}

// triesOf counts the tries of a step that the message knows of.
func (m *Message) triesOf(step int) int {
	if a := m.attempt(step); a != nil {
		return a.Tries
	}
	return 0
}

// markInFlight writes down that a step may have been sent and nobody knows: in the
// message itself, since an update is going to reset its Claims. Tries is how many
// sends there may have been by then. The attempt is filed under its own ID, so that a
// provider that quotes it can still be heard.
func (m *Message) markInFlight(step, tries int, now time.Time) {
	if step < 0 || m.DueAt.IsZero() {
		return
	}
	a := m.openAttempt(step)
	a.Tries = max(a.Tries, tries)
	if a.Status != status.Preparing {
		return
	}
	a.Reason, a.Detail = status.InDoubt, ""
	a.StartedAt = earliest(a.StartedAt, now)
	a.ProviderID = cmp.Or(a.ProviderID, a.ID.String())
}

// leaseHeld reports whether the lease that the job was claimed with still stands.
func (j *job) leaseHeld(stored *Message) bool {
	return stored.Claims == 0 && stored.DueAt.Equal(j.lease)
}

// clearInFlight takes back what others wrote down about a send in flight: it has not begun.
// Tries is how many there may have been before.
func (j *job) clearInFlight(tries int) {
	a := j.current()
	if a == nil || a.Step != j.step || a.Tries != tries+1 {
		return
	}
	a.Tries = tries
	if j.maybeSent || a.Status != status.Preparing || a.Reason != status.InDoubt {
		return
	}
	if tries == 0 {
		j.Attempts = j.Attempts[:len(j.Attempts)-1]
	} else {
		a.Reason = ""
	}
}
