package channel

import (
	"time"

	"github.com/smsplus/smsplus-go/status"
)

// Error is a failed Send, and says how the engine handles it. [Undeliverable], [Failed],
// [Temporary] and [InDoubt] make it. Use errors.As to find it.
type Error struct {
	kind       kind
	reason     status.Reason
	detail     string
	retryAfter time.Duration
	err        error
}

type kind uint8

const (
	undeliverable kind = iota
	failed
	temporary
	inDoubt
)

// Undeliverable returns the error of a channel that cannot reach this person. The detail
// holds the provider's own code and words, and never a number or the text.
func Undeliverable(reason status.Reason, detail string) *Error {
	return &Error{kind: undeliverable, reason: reason, detail: detail}
}

// Failed returns the error of a fault that needs human attention, such as a template that
// the provider does not know.
func Failed(reason status.Reason, detail string) *Error {
	return &Error{kind: failed, reason: reason, detail: detail}
}

// Temporary returns the error of a fault that may pass. It asserts that the provider did
// not take the message. The next try is made no sooner than retryAfter; zero leaves the
// time to the engine.
func Temporary(err error, retryAfter time.Duration) *Error {
	return &Error{kind: temporary, reason: status.SystemError, detail: errorText(err), retryAfter: retryAfter, err: err}
}

// InDoubt returns the error of a request that was written and not answered: the provider
// may or may not have taken the message.
func InDoubt(err error) *Error {
	return &Error{kind: inDoubt, reason: status.InDoubt, detail: errorText(err), err: err}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Status returns the status that the error gives an attempt: Undeliverable or
// Failed, or Preparing for a fault that may pass and for a send in doubt.
func (e *Error) Status() status.Status {
	switch e.kind {
	case undeliverable:
		return status.Undeliverable
	case failed:
		return status.Failed
	default:
		return status.Preparing
	}
}

// Reason returns the reason that the error gives an attempt.
func (e *Error) Reason() status.Reason { return e.reason }

// Detail returns the provider's own code and words.
func (e *Error) Detail() string { return e.detail }

// RetryAfter returns how long the provider asked the sender to wait, or zero.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// InDoubt reports whether the provider may have taken the message.
func (e *Error) InDoubt() bool { return e.kind == inDoubt }

func (e *Error) Error() string {
	verdict := [...]string{"undeliverable", "failed", "temporary", "in doubt"}[e.kind]
	s := "channel: " + verdict
	if e.reason != "" && e.kind <= failed {
		s += " (" + string(e.reason) + ")"
	}
	if e.detail != "" {
		s += ": " + e.detail
	}
	return s
}

// GoString returns the error's text, because %#v would print the fields of the wrapped
// error.
func (e *Error) GoString() string { return e.Error() }

func (e *Error) Unwrap() error { return e.err }
