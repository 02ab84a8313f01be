package line

import (
	"context"
	"time"

	"github.com/smsplus/smsplus-go/phone"
)

// Contact is a LINE user, and how the user stands to the account.
type Contact struct {
	// UserID is the user's ID, "U" and 32 hexadecimal digits. It is another one for
	// each provider of LINE's Developers Console, and no LINE ID that people search for.
	UserID string
	// Blocked says that the user has blocked the account.
	Blocked bool
	// At is since when, in LINE's words; zero if LINE has not said anything.
	At time.Time
}

// Contacts knows people as LINE users. [Directory] is a ready one.
// Implementations must be safe for concurrent use.
type Contacts interface {
	// ByPhone returns the users whom a number belongs to: none, one or several. An
	// error is a fault that may pass.
	ByPhone(ctx context.Context, n phone.Number) ([]Contact, error)
	// Blocked reports whether a user is known to have blocked the account.
	Blocked(ctx context.Context, userID string) (bool, error)
}

// Followers is told what LINE's calls say of users: who added the account as a friend
// or unblocked it (follow), and who blocked it (unfollow). [Directory] is a ready one.
// Implementations must be safe for concurrent use.
type Followers interface {
	// Update takes users as they were at their time At. It is told things late, again
	// and out of order, so the newest counts. It may hear of users that it does not
	// know. After an error LINE's call is answered with 503.
	Update(ctx context.Context, contacts ...Contact) error
}
