package smsplus

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Outcomes takes the outcomes of messages for the application. It may count them, put them on a
// queue, or call a webhook (package callback).
type Outcomes interface {
	// Publish takes one outcome. Nil says that it is taken: it is not published again, unless
	// the process dies, or the store fails, before that is stored. So every outcome is published
	// at least once, and those of one message in their order, one after the other. Outcomes
	// of several messages are published concurrently, up to Config.OutcomeConcurrency.
	//
	// After an error the outcome is published again, after a back-off that the store keeps. The
	// message's next outcomes wait for it. A [RetryError] says when instead. Publish has
	// Config.SendTimeout, and its context ends then. A panic is an error.
	Publish(ctx context.Context, o Outcome) error
}

// Outcome is something that happened to a message, and that the application has to know.
type Outcome struct {
	// ID is a pure function of the message and of what happened. So an outcome that is
	// published twice can be recognized.
	ID   uuid.UUID
	Kind OutcomeKind
	// At is when it happened: for OutcomeEnded, the earliest evidence for the status.
	At time.Time
	// Try counts the calls of Publish for this outcome that failed, plus one. It may be too
	// low after a crash.
	Try int
	// Message is the record as it is now. It may be newer than the outcome. Vars and To are
	// personal data.
	Message Message
}

// OutcomeKind is what an [Outcome] says. Outcomes of a message are in the order of the kinds,
// unless it was read after its confirmation was published.
type OutcomeKind uint8

const (
	// OutcomeEnded: the message has ended with its Status. If another step is sent all the
	// same, because a receipt said that an accepted message did not arrive, there is
	// another one. An end that a later one replaces before it was published is not published.
	OutcomeEnded OutcomeKind = iota
	// OutcomeDelivered: a message was delivered after another end was published.
	OutcomeDelivered
	// OutcomeRead: the person has read the message.
	OutcomeRead
	// OutcomeConfirmed: the application confirmed the message.
	OutcomeConfirmed
)

var outcomeKindNames = enum{
	"outcome kind", []string{"ended", "delivered", "read", "confirmed"}, "ended, delivered, read or confirmed",
}

// String returns "ended", "delivered", "read" or "confirmed".
func (k OutcomeKind) String() string { return outcomeKindNames.textOf(uint8(k)) }

// MarshalText returns the name that String returns.
func (k OutcomeKind) MarshalText() ([]byte, error) { return outcomeKindNames.marshalNumber(uint8(k)) }

// UnmarshalText parses a name that String returns.
func (k *OutcomeKind) UnmarshalText(text []byte) error {
	n, err := outcomeKindNames.parseNumber(text)
	if err == nil {
		*k = OutcomeKind(n)
	}
	return err
}

// RetryError is an error of [Outcomes] that says when the outcome is to be published again.
type RetryError struct {
	// After is the time until then. At least a second is waited.
	After time.Duration
	Err   error
}

// Error returns the text of Err, and After.
func (e *RetryError) Error() string { return fmt.Sprintf("%v (again after %v)", e.Err, e.After) }

// Unwrap returns Err.
func (e *RetryError) Unwrap() error { return e.Err }

// Published is which outcomes of a message [Config.Outcomes] has taken. It is zero on messages
// of dispatchers without Outcomes.
type Published struct {
	// End is the status of the last end that was published; Preparing if none was.
	End status.Status
	// Read and Confirmed say that these outcomes were published.
	Read, Confirmed bool
	// Failures counts the calls that failed since the last one that did not.
	Failures int
}

// OutcomeLane is the [Message].Lane of a message that has ended, and of which outcomes are to
// be published. It is claimed by dispatchers with Config.Outcomes alone. No channel has this
// name: New refuses one that begins so.
const OutcomeLane channel.Name = "outcome lane:"

// HasEnded reports whether the message has ended. It may still be due, so that its outcomes are
// published.
func (m *Message) HasEnded() bool { return m.DueAt.IsZero() || m.Lane == OutcomeLane }

// nextOutcome returns the first outcome of an ended message that was not published.
func (m *Message) nextOutcome() (kind OutcomeKind, ok bool) {
	p := m.Published
	switch {
	case p.End == status.Preparing || p.End != m.Status && !m.delivered():
		return OutcomeEnded, true
	case p.End != m.Status:
		return OutcomeDelivered, true
	case !m.ReadAt.IsZero() && !p.Read:
		return OutcomeRead, true
	case !m.ConfirmedAt.IsZero() && !p.Confirmed:
		return OutcomeConfirmed, true
	}
	return 0, false
}

// outcomeOf returns an outcome of the message, with a copy of the message that shares no
// memory.
func (m *Message) outcomeOf(kind OutcomeKind, now time.Time) Outcome {
	o := Outcome{Kind: kind, At: now, Try: m.Published.Failures + 1, Message: m.clone()}
	name := kind.String()
	switch kind {
	case OutcomeRead:
		o.At = m.ReadAt
	case OutcomeConfirmed:
		o.At = m.ConfirmedAt
	case OutcomeDelivered:
		o.At = m.DeliveredAt
	default:
		// A message may end twice with one status, on different steps.
		step := -1
		if a := m.current(); a != nil {
			step = a.Step
			o.At = endOf(a, now)
		}
		if m.delivered() {
			o.At, step = m.DeliveredAt, -1
		}
		name += " " + m.Status.String() + " " + strconv.Itoa(step)
	}
	o.ID = uuid.NewSHA1(m.ID, []byte(name))
	return o
}

// endOf returns when an attempt got its status.
func endOf(a *Attempt, now time.Time) time.Time {
	switch {
	case !a.EndedAt.IsZero():
		return a.EndedAt
	case !a.AcceptedAt.IsZero():
		return a.AcceptedAt
	}
	return now
}

// clone returns a copy of the message that shares no memory with it.
func (m *Message) clone() Message {
	c := *m
	c.To.IDs = maps.Clone(m.To.IDs)
	c.Vars, c.Metadata = maps.Clone(m.Vars), maps.Clone(m.Metadata)
	c.Plan, c.Attempts = slices.Clone(m.Plan), slices.Clone(m.Attempts)
	return c
}
