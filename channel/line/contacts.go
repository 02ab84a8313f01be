package line

import (
	"context"
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/phone"
)

// Contact is a LINE user, and whether the user has blocked the account.
type Contact struct {
	// UserID is the user's ID, "U" and 32 hexadecimal digits. A user has a different one
	// for each provider of LINE's Developers Console. It is not the LINE ID that people
	// search for.
	UserID string
	// Blocked says that the user has blocked the account.
	Blocked bool
	// At is the time of that state according to LINE; zero if LINE has not reported any.
	At time.Time
}

// Format prints the contact without the user.
func (Contact) Format(w fmt.State, _ rune) { mask.Write(w, maskedContact) }

// MarshalText returns what Format prints, for logs.
func (Contact) MarshalText() ([]byte, error) { return []byte(maskedContact), nil }

// GobEncode returns an error. Encode the contact's fields.
func (Contact) GobEncode() ([]byte, error) {
	return nil, mask.ErrPersonal
}

const maskedContact = "line.Contact{…}"

// Contacts finds people as LINE users. [Directory] is a ready implementation.
// Implementations must be safe for concurrent use.
type Contacts interface {
	// ByPhone returns the users that a number belongs to: none, one or several. An error is
	// a fault that may pass.
	ByPhone(ctx context.Context, n phone.Number) ([]Contact, error)
	// Blocked reports whether a user is known to have blocked the account.
	Blocked(ctx context.Context, userID string) (bool, error)
}

// Followers gets the reports of LINE's calls about users: a user added the account as a
// friend or unblocked it (follow), or blocked it (unfollow). [Directory] is a ready
// implementation. Implementations must be safe for concurrent use.
type Followers interface {
	// Update takes users in their state at time At. Calls come late, repeated and out of
	// order, so the newest state counts. Users may be unknown. After an error LINE's call
	// is answered with 503.
	Update(ctx context.Context, contacts ...Contact) error
}
