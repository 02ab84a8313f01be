package smsplus

import (
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Message is one trigger's life: its record. Times are UTC and whole
// microseconds; a zero time means that it has not happened.
type Message struct {
	ID uuid.UUID
	// Key is the trigger's idempotency key, or "".
	Key string
	// Reference is what the application says that the message belongs to, or "".
	Reference string
	// ResendOf is the message that this one repeats, and ResentAs the one that repeats this
	// one. Each is zero if there is none. See [Dispatcher.Resend].
	ResendOf, ResentAs uuid.UUID
	// Template, Scenario, To, Vars and Metadata are the trigger's. Class is the template's when
	// the message was triggered.
	Template, Scenario string
	Class              Class
	To                 channel.Recipient
	Vars, Metadata     map[string]string
	// Plan is the route as it was when the message was triggered.
	Plan []PlannedStep
	// Attempts are the steps that were tried, oldest first; the last one is current.
	Attempts []Attempt
	// Status is derived from the attempts. It is Delivered if any of them is, or if the message
	// is confirmed. Otherwise it is the last attempt's, or Preparing while the message waits for
	// its next step.
	Status status.Status
	// Channel is the channel that delivered the message; else the one of the step
	// that is, or was last, or will be first, tried.
	Channel channel.Name
	// TriggeredAt is the trigger time. DeliveredAt and ReadAt are the earliest of
	// the attempts'. ExpiresAt is the end of the time to live. CanceledAt is when
	// the application canceled the message.
	TriggeredAt, DeliveredAt, ReadAt, ExpiresAt, CanceledAt time.Time
	// ConfirmedAt is when the application confirmed that the person has the message: see
	// [Dispatcher.Confirm]. DeliveredAt is this time, or an earlier one of the attempts.
	ConfirmedAt time.Time
	// DueAt is when a dispatcher must look at the message next; zero means never. While
	// a dispatcher holds the message, it is the end of the lease. See [Message.HasEnded].
	DueAt time.Time
	// Lane is what the message waits in: the channel that it is due for, with its class (see
	// [ChannelOfLane]), [OutcomeLane], or "" if it is only to end. [Claim] takes messages of
	// the lanes that the dispatcher can serve.
	Lane channel.Name
	// Published is which outcomes of the message were published: see [Outcomes].
	Published Published
	// Claims counts the claims since a holder released the message. 0: it has no holder.
	// 1: it has one. Above 1: the holder before it did not release the message.
	Claims int
	// Sending is the step that the holder may be sending, or -1. On a message without a
	// holder it is the step that a claim permits its holder to send at once.
	Sending int
	// Holder identifies the call that took the lease; 0 on a message without a holder.
	Holder int64
	// Version is raised by each claim and each update.
	Version int64
}

// PlannedStep is one step of a message's route.
type PlannedStep struct {
	Channel           channel.Name
	Wait              time.Duration
	OnFailed, InDoubt Policy
	Until             Until
}

// Policies returns the step's policies. A zero Policy is the default of its field: Stop if the
// attempt fails, and Resend in doubt.
func (p PlannedStep) Policies() (onFailed, inDoubt Policy) {
	return cmp.Or(p.OnFailed, Stop), cmp.Or(p.InDoubt, Resend)
}

// Attempt is one step being tried.
type Attempt struct {
	// ID is a pure function of the message's ID and Step.
	ID uuid.UUID
	// Step is the index into the message's Plan.
	Step    int
	Channel channel.Name
	Status  status.Status
	// Reason and Detail explain a status of Failed or Undeliverable; on a
	// Preparing attempt they say why the last try was not the end of it.
	Reason status.Reason
	Detail string
	// ProviderID is what the provider's receipts call the attempt.
	ProviderID string
	// Content tells which version of the template's content was sent last. Zero: none was.
	Content ContentHash
	// Tries counts the calls to the provider that were answered or timed out. It is 0 on
	// an attempt that was never sent.
	Tries int
	// Doubts counts the last sends in a row whose outcome is unknown. An answer resets it.
	Doubts int
	// Recall is the provider's answer when it was to take the attempt back, or zero. The
	// provider may be wrong: a receipt may still say that the attempt was delivered.
	Recall channel.Recall
	// RecallTries counts the recalls that failed without an answer.
	RecallTries int
	// StartedAt is when the step fell due: its wait counts from then. AcceptedAt, DeliveredAt
	// and ReadAt are the earliest evidence of each kind. EndedAt is the earliest evidence of
	// the final status.
	StartedAt, AcceptedAt, DeliveredAt, ReadAt, EndedAt time.Time
}

// AttemptID returns the ID of a message's attempt at a step: the same for every
// try by every dispatcher, and different for every message and step.
func AttemptID(message uuid.UUID, step int) uuid.UUID {
	var b [24]byte
	copy(b[:], message[:])
	binary.BigEndian.PutUint64(b[16:], uint64(step))
	sum := sha1.Sum(b[:]) // a version 5 UUID (RFC 9562, section 5.5) in the message's namespace
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}
