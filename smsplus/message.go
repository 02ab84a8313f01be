package smsplus

import (
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
	// Template, Scenario, To, Vars and Metadata are the trigger's.
	Template, Scenario string
	To                 channel.Recipient
	Vars, Metadata     map[string]string
	// Plan is the route as it was when the message was triggered.
	Plan []PlannedStep
	// Attempts are the steps that were tried, oldest first; the last one is current.
	Attempts []Attempt
	// Status is derived from the attempts: Delivered if any of them is; otherwise,
	// while the current one is open or the route goes on, that one's status
	// (Preparing while the message waits to move on); otherwise the last one's.
	Status status.Status
	// Channel is the channel that delivered the message; else the one of the step
	// that is, or was last, or will be first, tried.
	Channel channel.Name
	// TriggeredAt is the trigger time. DeliveredAt and ReadAt are the earliest of
	// the attempts'. ExpiresAt is the end of the time to live. CanceledAt is when
	// the application canceled the message.
	TriggeredAt, DeliveredAt, ReadAt, ExpiresAt, CanceledAt time.Time
	// DueAt is when a dispatcher must look at the message next. Zero means never.
	// While a dispatcher works on it, it is the end of its lease.
	DueAt time.Time
	// Lane is the channel that the message is then to be sent on, or "" if it is to
	// end: [Claim] passes over messages whose lane is full.
	Lane channel.Name
	// Claims counts the claims since the last update: above 1, a dispatcher died,
	// or stalled, while it worked on the message, and its last send is in doubt.
	Claims int
	// Version is raised by each claim and each update.
	Version int64
}

// PlannedStep is one step of a message's route.
type PlannedStep struct {
	Channel           channel.Name
	Wait              time.Duration
	OnFailed, InDoubt Policy
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
	// Tries counts the tries, those whose outcome was never known included. It is 0
	// on an attempt that the message's end came before.
	Tries int
	// StartedAt is the first try. AcceptedAt, DeliveredAt and ReadAt are the
	// earliest evidence of each kind. EndedAt is the earliest evidence of the final
	// status.
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
