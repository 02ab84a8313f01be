package channel

import (
	"errors"
	"time"

	"github.com/smsplus/smsplus-go/status"
)

// Verdict is what a provider's code means for an attempt: a row of the table that an
// adapter of a provider with codes keeps, and that an account may override.
type Verdict struct {
	// Status is the status that the code gives. Preparing means a fault that may
	// pass, or, with the reason in_doubt, a message that the provider may have taken.
	Status status.Status
	// Reason says why, for a Status of Failed or Undeliverable.
	Reason status.Reason
}

// Error returns the error of a Send that the provider answered with the verdict's
// code, or nil if it took the message. The detail holds the provider's own code and
// words; retryAfter is for faults that may pass.
func (v Verdict) Error(detail string, retryAfter time.Duration) error {
	switch {
	case v.Status == status.Undeliverable:
		return Undeliverable(v.Reason, detail)
	case v.Status == status.Failed:
		return Failed(v.Reason, detail)
	case v.Status != status.Preparing:
		return nil
	case v.Reason == status.InDoubt:
		return InDoubt(errors.New(detail))
	default:
		return Temporary(errors.New(detail), retryAfter)
	}
}
