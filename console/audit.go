package console

import (
	"time"

	"github.com/google/uuid"
)

// Action names what a user did.
type Action string

// Reveal is the action of a user who was shown telephone numbers, recipients' IDs, variables
// and metadata, on a page or in an export.
const Reveal Action = "reveal"

// AuditEntry is one line of an audit log. It holds no telephone number and no text.
type AuditEntry struct {
	// At is the time.
	At time.Time
	// User is what Config.Authorize returned.
	User string
	// Action is what the user did.
	Action Action
	// Message is the message that it was about. It is zero for a list.
	Message uuid.UUID
	// Filter is what a list was filtered by, without what names a person. It is "" for one
	// message.
	Filter string
	// Page is the path of the page, without the base path.
	Page string
}
