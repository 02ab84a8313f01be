package channel

import (
	"errors"
	"time"

	"github.com/smsplus/smsplus-go/status"
)

// Verdict is the meaning of a provider's code for an attempt. An adapter of a provider with
// codes keeps a table of verdicts, and an account may override its rows.
type Verdict struct {
	// Status is the status that the code gives. Preparing means a fault that may pass. With
	// the reason in_doubt it means a message that the provider may have taken.
	Status status.Status
	// Reason explains a Status of Failed or Undeliverable.
	Reason status.Reason
}

// Error returns the error of a Send that the provider answered with the verdict's code, or
// nil if the provider took the message. The detail holds the provider's own code and words.
// Only faults that may pass use retryAfter.
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
