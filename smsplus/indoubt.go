package smsplus

import (
	"cmp"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/status"
)

// markInDoubt notes that a step (-1: none) may have been sent without a known outcome by
// a holder that went. The attempt is filed under its own ID, so that a receipt of a
// provider that quotes it can find it. An attempt that has evidence is not in doubt.
func (m *Message) markInDoubt(step int, due time.Time) {
	if step < 0 {
		return
	}
	a := m.openAttempt(step, due)
	a.ProviderID = cmp.Or(a.ProviderID, a.ID.String())
	if a.Status != status.Preparing {
		return
	}
	a.Reason, a.Detail = status.InDoubt, ""
	a.Doubts++
}

// retractUnsent removes the attempt in doubt that a success filed for the holder's send
// ([router.changeUnheld]). The holder calls it when it has not made the call.
func (m *Message) retractUnsent() {
	a := m.attempt(m.Sending)
	if m.Claims != 1 || a == nil || a.Status != status.Preparing || a.Tries > 0 || a.Doubts > 1 {
		return
	}
	m.Attempts = slices.DeleteFunc(m.Attempts, func(b Attempt) bool { return b.Step == a.Step })
}

// settleDoubt records that a send of the attempt was answered, or timed out.
func (a *Attempt) settleDoubt(timedOut bool) {
	if timedOut {
		a.Doubts++
		return
	}
	a.Doubts = 0
	if a.Reason == status.InDoubt {
		a.Reason, a.Detail = "", ""
	}
}
