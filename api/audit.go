package api

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Action names what a caller did.
type Action string

// The actions. Config.Reveal decides about [Reveal], and Config.Allow about the others.
const (
	// Trigger asks for messages.
	Trigger Action = "trigger"
	// Cancel stops a message: no further step of it is sent.
	Cancel Action = "cancel"
	// Confirm ends a message, because the caller knows that the person has it.
	Confirm Action = "confirm"
	// Resend sends a new message in place of one that did not arrive.
	Resend Action = "resend"
	// Reveal shows telephone numbers, recipients' IDs, variables and metadata.
	Reveal Action = "reveal"
)

// AuditEntry is one line of an audit log. It holds no telephone number and no text.
type AuditEntry struct {
	// At is the time.
	At time.Time
	// Caller is what Config.Authorize returned.
	Caller string
	// Action is what the caller did.
	Action Action
	// Message is the message that it was about. It is zero for a list, and for Trigger.
	Message uuid.UUID
	// Triggers is the number of triggers of a request. Template is their template, or "" if
	// they have several. One that is not registered is repeated without long numbers.
	Triggers int
	Template string
	// Filter is what a list was filtered by, without what names a person. It is "" otherwise.
	Filter string
}

// auditError says that the audit log could not be written.
type auditError struct{ err error }

func (e auditError) Error() string { return fmt.Sprintf("api: Config.Audit failed: %v", e.err) }

func (e auditError) Unwrap() error { return e.err }

// report completes an entry and hands it to Config.Audit.
func (c *call) report(e AuditEntry) error {
	e.At, e.Caller = c.config.Clock.Now().UTC(), c.caller
	if err := c.config.Audit(c.r, e); err != nil {
		return auditError{err}
	}
	return nil
}

// reportTriggers reports that the caller asks for messages.
func (c *call) reportTriggers(trs ...smsplus.Trigger) error {
	name := trs[0].Template
	isOther := func(tr smsplus.Trigger) bool { return tr.Template != name }
	isNamed := func(tpl smsplus.Template) bool { return tpl.ID == name }
	if slices.ContainsFunc(trs, isOther) {
		name = ""
	} else if !slices.ContainsFunc(slices.Collect(c.config.Dispatcher.Templates()), isNamed) {
		name = cleanName(name)
	}
	return c.report(AuditEntry{Action: Trigger, Triggers: len(trs), Template: name})
}

// reportReveal reports that the caller is shown personal data, if that is so.
func (c *call) reportReveal(e AuditEntry) error {
	if !c.reveal {
		return nil
	}
	e.Action = Reveal
	return c.report(e)
}

// requireAllowed returns an error unless the caller may take the action.
func (c *call) requireAllowed(a Action) error {
	if c.config.Dispatcher == nil || !c.config.Allow(c.r, a) {
		return newProblem(codeNotAllowed, "the caller may not take this action: "+string(a))
	}
	return nil
}

// beginAction reports an action on the request's message. It returns an error unless the caller
// may take it.
func (c *call) beginAction(a Action) error {
	if err := c.requireAllowed(a); err != nil {
		return err
	}
	return c.report(AuditEntry{Action: a, Message: c.id})
}
