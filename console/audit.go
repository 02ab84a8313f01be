package console

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// Action names what a user did.
type Action string

// The actions. Config.Reveal decides about [Reveal], and Config.Allow about the others.
const (
	// Reveal shows telephone numbers, recipients' IDs, variables and metadata, on a page or in
	// an export.
	Reveal Action = "reveal"
	// Cancel stops a message: no further step of it is sent.
	Cancel Action = "cancel"
	// Resend sends a new message in place of one that did not arrive.
	Resend Action = "resend"
	// Pause stops a channel or a template.
	Pause Action = "pause"
	// Resume ends the pause of a channel or a template.
	Resume Action = "resume"
	// Erase removes a person's data from all messages to that person.
	Erase Action = "erase"
	// SendTest sends a message of a template to a number that the user typed.
	SendTest Action = "send_test"
)

// AuditEntry is one line of an audit log. It holds no telephone number and no text.
type AuditEntry struct {
	// At is the time.
	At time.Time
	// User is what Config.Authorize returned.
	User string
	// Action is what the user did.
	Action Action
	// Message is the message that it was about. It is zero for a list, and for other actions
	// than Cancel and Resend.
	Message uuid.UUID
	// Channel or Template is what was paused or resumed. Template is also that of a test.
	Channel  channel.Name
	Template string
	// Filter is what a list was filtered by, without what names a person. It is "" for one
	// message.
	Filter string
	// Page is the path of the page, without the base path.
	Page string
}

// errAudit says that the audit log could not be written.
var errAudit = errors.New("console: Config.Audit failed")

// report completes an entry and hands it to Config.Audit.
func (v *visit) report(e AuditEntry) error {
	e.At, e.User, e.Page = v.now.UTC(), v.user, v.page()
	if err := v.config.Audit(v.r, e); err != nil {
		return fmt.Errorf("%w: %w", errAudit, err)
	}
	return nil
}
