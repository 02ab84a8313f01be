package smsplus

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Observer is told what a Dispatcher does, for metrics and alarms. It is called in
// the goroutine that does the work, after what it is told was stored: it must be
// safe for concurrent use and return soon.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// Event is what an [Observer] is told: one of the types below. Later versions may
// add types: a type switch passes over those it does not know. No event holds a phone
// number, a variable or the text.
type Event interface{ event() }

type (
	// Triggered: a message was stored.
	Triggered struct {
		Message            uuid.UUID
		Template, Scenario string
		Channel            channel.Name // the route's first
	}

	// AttemptStarted: a channel is about to be asked to send. With Forwarded it is
	// the one event that comes before what it tells of is stored.
	AttemptStarted struct {
		Message, Attempt uuid.UUID
		Template         string
		Channel          channel.Name
		Try              int
	}

	// AttemptChanged: an attempt has another status.
	AttemptChanged struct {
		Message, Attempt uuid.UUID
		Template         string
		Channel          channel.Name
		From, To         status.Status
		Reason           status.Reason
		Took             time.Duration // since the attempt's start
	}

	// Forwarded: a message leaves a step for the next one. Its rate for a channel
	// that used to deliver is the sign of a fallback that masks a fault.
	Forwarded struct {
		Message  uuid.UUID
		Template string
		From, To channel.Name
		Reason   status.Reason // of the attempt left behind; "" if it was silent
	}

	// Ended: a message reached a final status.
	Ended struct {
		Message            uuid.UUID
		Template, Scenario string
		Channel            channel.Name
		Status             status.Status
		Reason             status.Reason
		Took               time.Duration // since the trigger time
	}

	// ReceiptParked: a receipt came before its message was known.
	ReceiptParked struct{ Ref channel.Ref }

	// ReceiptLate: a message was delivered by an attempt that had been given up.
	ReceiptLate struct {
		Message        uuid.UUID
		Template       string
		Channel        channel.Name
		DeliveredTwice bool // another channel had delivered it too
	}

	// ReceiptIgnored: a receipt could not be evidence: its status is none of the
	// channel's, or its provider ID belongs to several messages.
	ReceiptIgnored struct {
		Ref    channel.Ref
		Status status.Status
		Why    string
	}

	// StoreFailed: a call to the store failed. Err is the store's.
	StoreFailed struct {
		Op  string // the Store's method
		Err error
	}

	// Lag: due messages were claimed. Behind is how late the first of them is: the
	// one figure to alarm on.
	Lag struct {
		Claimed int
		Behind  time.Duration
	}

	// WaitTooShort: [New] found a step that moves on while its provider goes on
	// trying, on a channel that cannot tell it to stop: the person may get both.
	WaitTooShort struct {
		Template       string
		Channel        channel.Name
		Wait, Validity time.Duration
	}

	// ListenerStopped: a channel's session for receipts broke; it is started again.
	ListenerStopped struct {
		Channel channel.Name
		Err     error
	}
)

func (Triggered) event()       {}
func (AttemptStarted) event()  {}
func (AttemptChanged) event()  {}
func (Forwarded) event()       {}
func (Ended) event()           {}
func (ReceiptParked) event()   {}
func (ReceiptLate) event()     {}
func (ReceiptIgnored) event()  {}
func (StoreFailed) event()     {}
func (Lag) event()             {}
func (WaitTooShort) event()    {}
func (ListenerStopped) event() {}

func (d *Dispatcher) observe(ctx context.Context, e Event) {
	if d.cfg.Observer != nil {
		defer func() {
			if p := recover(); p != nil {
				d.cfg.Logger.LogAttrs(ctx, slog.LevelError, "smsplus: observer panicked", slog.String("type", fmt.Sprintf("%T", p)))
			}
		}()
		d.cfg.Observer.Observe(ctx, e)
	}
}

// reportForward tells the Observer that a message leaves an attempt for the job's step.
func (d *Dispatcher) reportForward(ctx context.Context, j job, from Attempt) {
	f := Forwarded{Message: j.ID, Template: j.Template, From: from.Channel, To: j.channelName()}
	if from.Status.Final() {
		f.Reason = from.Reason
	}
	d.observe(ctx, f)
}

// copyForObserver keeps what a message says, for [Dispatcher.changed]; nil without an Observer.
func (d *Dispatcher) copyForObserver(m *Message) *Message {
	if d.cfg.Observer == nil {
		return nil
	}
	before := *m
	before.Attempts = append([]Attempt(nil), m.Attempts...)
	return &before
}

// reportChanges tells the Observer what is new in a message.
func (d *Dispatcher) reportChanges(ctx context.Context, before, after *Message) {
	if before == nil {
		return
	}
	for i := range after.Attempts {
		a, from := &after.Attempts[i], status.Preparing
		if i < len(before.Attempts) {
			from = before.Attempts[i].Status
		}
		if a.Status != from {
			d.observe(ctx, AttemptChanged{
				Message: after.ID, Attempt: a.ID, Template: after.Template, Channel: a.Channel,
				From: from, To: a.Status, Reason: a.Reason, Took: d.now().Sub(cmp.Or(a.StartedAt, a.EndedAt)),
			})
		}
	}
	if after.Status.Final() && after.Status != before.Status {
		reason := status.Reason("")
		if a := after.current(); a != nil && !after.delivered() {
			reason = a.Reason
		}
		d.observe(ctx, Ended{
			Message: after.ID, Template: after.Template, Scenario: after.Scenario, Channel: after.Channel,
			Status: after.Status, Reason: reason, Took: d.now().Sub(after.TriggeredAt),
		})
	}
}
