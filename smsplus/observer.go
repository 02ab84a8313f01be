package smsplus

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Observer is notified of events in a Dispatcher, for metrics and alarms. It is called in
// the goroutine that does the work, after the event is stored. It must be safe for
// concurrent use and return soon.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// Event is one of the types below. Later versions may add types, so a type switch must
// ignore unknown ones. No event holds a phone number, a variable or the text.
type Event interface{ event() }

type (
	// Triggered: a message was stored.
	Triggered struct {
		Message            uuid.UUID
		Template, Scenario string
		Channel            channel.Name // the route's first
	}

	// AttemptStarted: a channel is about to be asked to send. Only this event and Forwarded
	// come before they are stored.
	AttemptStarted struct {
		Message, Attempt uuid.UUID
		Template         string
		Channel          channel.Name
		Try              int
	}

	// AttemptChanged: the status of an attempt changed.
	AttemptChanged struct {
		Message, Attempt uuid.UUID
		Template         string
		Channel          channel.Name
		From, To         status.Status
		Reason           status.Reason
		Took             time.Duration // since the attempt's start
	}

	// Forwarded: a message leaves a step for the next one. A rising rate for a channel that
	// used to deliver means that the fallback hides a fault.
	Forwarded struct {
		Message  uuid.UUID
		Template string
		From, To channel.Name
		Reason   status.Reason // of the attempt left behind; "" if it was silent
	}

	// Ended: a message reached a final status, or was accepted and its step wants no more
	// ([UntilAccepted]).
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

	// ReceiptsUnmatched: receipts have been parked for an hour or longer. Their messages may
	// not be in this store. A dispatcher counts them whenever it has looked through all parked
	// receipts, for each channel that has some. The latest count replaces the one before.
	ReceiptsUnmatched struct {
		Channel channel.Name
		Count   int           // a receipt that is parked under two IDs counts twice
		Behind  time.Duration // since the first of them happened
	}

	// ReceiptIgnored: a receipt is no evidence, because its channel does not have its status,
	// or because too many others are parked under its ID.
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

	// Lag: due messages were claimed. Behind is how late the first of them is. It is the
	// figure to alarm on.
	Lag struct {
		Claimed int
		Behind  time.Duration
	}

	// WaitTooShort: [New] found a step whose wait ends while its provider still tries, on a
	// channel that cannot tell the provider to stop. The person may get both copies.
	WaitTooShort struct {
		Template       string
		Channel        channel.Name
		Wait, Validity time.Duration
	}

	// TemplateSuspect: [New] found something in a template that cannot work as it is meant. It is
	// a step that never starts, a wait without its unit, or a variable in single braces.
	TemplateSuspect struct {
		Template string
		Channel  channel.Name // "" if it is not about one step
		Why      string
	}

	// Unserved: due messages wait on a channel, or for a template, that this dispatcher
	// does not have. Another dispatcher may. Behind is how late the first of them is.
	Unserved struct {
		Channel  channel.Name
		Template string // "" if the channel is missing
		Behind   time.Duration
	}

	// MessageUnreadable: a stored message cannot be decoded or opened. It is set aside.
	MessageUnreadable struct {
		Message uuid.UUID
		Err     error
	}

	// BreakerChanged: a channel's circuit breaker opened, because the channel hangs or
	// fails, or closed again.
	BreakerChanged struct {
		Channel channel.Name
		Open    bool
	}

	// ProviderAsked: a channel's provider was asked for the outcome of attempts. Answered is the
	// number of its receipts. After an error it is asked again for the others, or their messages
	// continue.
	ProviderAsked struct {
		Channel            channel.Name
		Attempts, Answered int
		Err                error // nil if the provider answered
	}

	// OutcomePublished: an outcome was published, or Err says why not. It is published again
	// then. Behind is how long ago it happened.
	OutcomePublished struct {
		Message  uuid.UUID
		Template string
		Kind     OutcomeKind
		Behind   time.Duration
		Err      error // nil if it was taken
	}

	// AttemptRecalled: a provider was to take an attempt back, because another copy was on its
	// way or had arrived. Answer is zero if the call failed and is to be repeated.
	AttemptRecalled struct {
		Message, Attempt uuid.UUID
		Template         string
		Channel          channel.Name
		Answer           channel.Recall
		Err              error // nil if the provider answered
	}

	// SilenceChanged: the receipts of a channel have stopped, or come again. It comes once for
	// each. See [CheckReceipts].
	SilenceChanged struct {
		Channel    channel.Name
		Silent     bool
		Unanswered int           // the latest attempts in a row without a receipt
		Usual      time.Duration // within which a receipt should come
		Behind     time.Duration // since the last receipt; zero if none is known
	}

	// ListenerStopped: a channel's session for receipts ended. It is started again.
	ListenerStopped struct {
		Channel channel.Name
		Err     error
	}
)

func (Triggered) event()         {}
func (AttemptStarted) event()    {}
func (AttemptChanged) event()    {}
func (Forwarded) event()         {}
func (Ended) event()             {}
func (ReceiptParked) event()     {}
func (ReceiptLate) event()       {}
func (ReceiptsUnmatched) event() {}
func (ReceiptIgnored) event()    {}
func (StoreFailed) event()       {}
func (Lag) event()               {}
func (WaitTooShort) event()      {}
func (TemplateSuspect) event()   {}
func (Unserved) event()          {}
func (MessageUnreadable) event() {}
func (BreakerChanged) event()    {}
func (ProviderAsked) event()     {}
func (OutcomePublished) event()  {}
func (AttemptRecalled) event()   {}
func (SilenceChanged) event()    {}
func (ListenerStopped) event()   {}

func (d *Dispatcher) reportEvent(ctx context.Context, e Event) {
	if d.cfg.Observer != nil {
		defer func() {
			if p := recover(); p != nil {
				d.cfg.Logger.LogAttrs(ctx, slog.LevelError, "smsplus: observer panicked", slog.String("type", fmt.Sprintf("%T", p)))
			}
		}()
		d.cfg.Observer.Observe(ctx, e)
	}
}

// reportStart reports that the job's step is about to be sent, and on its first send that
// the message leaves the attempt before it.
func (d *Dispatcher) reportStart(ctx context.Context, j job, try int) {
	var from *Attempt
	for i := range j.Attempts {
		if a := &j.Attempts[i]; a.Step < j.step {
			from = a
		} else if a.Step == j.step && a.Tries+a.Doubts > 0 {
			from = nil
		}
	}
	if from != nil {
		f := Forwarded{Message: j.ID, Template: j.Template, From: from.Channel, To: j.channelName()}
		if from.Status.Final() {
			f.Reason = from.Reason
		}
		d.reportEvent(ctx, f)
	}
	d.reportEvent(ctx, AttemptStarted{j.ID, AttemptID(j.ID, j.step), j.Template, j.channelName(), try})
}

// copyForObserver returns a copy of the message for [Dispatcher.reportChanges], or nil if
// there is no Observer.
func (d *Dispatcher) copyForObserver(m *Message) *Message {
	if d.cfg.Observer == nil {
		return nil
	}
	before := *m
	before.Attempts = slices.Clone(m.Attempts)
	return &before
}

// reportChanges reports the differences between two states of a message.
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
			d.reportEvent(ctx, AttemptChanged{
				Message: after.ID, Attempt: a.ID, Template: after.Template, Channel: a.Channel,
				From: from, To: a.Status, Reason: a.Reason, Took: d.now().Sub(cmp.Or(a.StartedAt, a.EndedAt)),
			})
		}
	}
	hasEnded := func(m *Message) bool { return m.Status.Final() || m.HasEnded() }
	if hasEnded(after) && (after.Status != before.Status || !hasEnded(before)) {
		reason := status.Reason("")
		if a := after.current(); a != nil && !after.delivered() {
			reason = a.Reason
		}
		d.reportEvent(ctx, Ended{
			Message: after.ID, Template: after.Template, Scenario: after.Scenario, Channel: after.Channel,
			Status: after.Status, Reason: reason, Took: d.now().Sub(after.TriggeredAt),
		})
	}
}
