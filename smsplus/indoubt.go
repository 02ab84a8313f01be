package smsplus

import (
	"cmp"
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

// settleDoubt takes in that a send of the attempt was answered, or timed out.
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
