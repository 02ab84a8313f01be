package line

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/phone"
)

// Directory is a [Contacts] and a [Followers] in memory. The application links numbers to
// users, and LINE's calls update who has blocked the account. It is safe for concurrent
// use. It knows nothing of other processes: an application with several keeps contacts in
// its database instead. It prints without its content.
type Directory struct {
	mu sync.RWMutex
	// links returns the content. It is a function because fmt, with some verbs, prints what
	// a pointer in an unexported field points to, and a function as an address.
	links func() *links
}

// links is the content of a Directory. Directory.mu guards it.
type links struct {
	users  map[string]user
	phones map[phone.Number][]string
}

type user struct {
	blocked bool
	at      time.Time
	phones  []phone.Number
}

var (
	_ Contacts  = (*Directory)(nil)
	_ Followers = (*Directory)(nil)
)

// NewDirectory returns an empty Directory.
func NewDirectory() *Directory {
	content := &links{users: make(map[string]user), phones: make(map[phone.Number][]string)}
	return &Directory{links: func() *links { return content }}
}

// Format prints the directory without its content.
func (d *Directory) Format(w fmt.State, _ rune) { mask.Write(w, "line.Directory{…}") }

// userIDPattern matches a user ID ("Get user IDs" of LINE's Messaging API documentation).
var userIDPattern = regexp.MustCompile(`^U[0-9a-f]{32}$`)

// Link records that a number belongs to a user. A user may have several numbers. A number
// may belong to several users, but then [Push] reaches none of them by it. Link returns an
// error for the zero number, and for an ID that is not a LINE user ID.
func (d *Directory) Link(n phone.Number, id string) error {
	if n.IsZero() {
		return errors.New("line: Link: the number is zero")
	}
	if !userIDPattern.MatchString(id) {
		return errors.New("line: Link: no LINE user ID: want U and 32 digits of 0-9a-f")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.links().users[id]
	if slices.Contains(u.phones, n) {
		return nil
	}
	u.phones = append(slices.Clip(u.phones), n)
	d.links().users[id] = u
	d.links().phones[n] = append(slices.Clip(d.links().phones[n]), id)
	return nil
}

// Unlink records that a number no longer belongs to a user.
func (d *Directory) Unlink(n phone.Number, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u, ok := d.links().users[id]; ok {
		u.phones = withoutElement(u.phones, n)
		d.links().users[id] = u
	}
	d.removeLink(n, id)
}

// removeLink removes a user from a number's users. It is called with d.mu held.
func (d *Directory) removeLink(n phone.Number, id string) {
	if ids := withoutElement(d.links().phones[n], id); len(ids) > 0 {
		d.links().phones[n] = ids
	} else {
		delete(d.links().phones, n)
	}
}

// withoutElement returns a copy of the list without e. It copies because readers may hold
// the list.
func withoutElement[E comparable](list []E, e E) []E {
	return slices.DeleteFunc(slices.Clone(list), func(other E) bool { return other == e })
}

// Forget forgets a user with all numbers. A later report of LINE about the user is stored
// again, without a number.
func (d *Directory) Forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.links().users[id].phones {
		d.removeLink(n, id)
	}
	delete(d.links().users, id)
}

// Update keeps the newest state of each user. Of two states with the same time, blocked
// counts. It never fails.
func (d *Directory) Update(_ context.Context, contacts ...Contact) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range contacts {
		u := d.links().users[c.UserID]
		if c.At.After(u.at) || c.At.Equal(u.at) && c.Blocked {
			u.blocked, u.at = c.Blocked, c.At
		}
		d.links().users[c.UserID] = u
	}
	return nil
}

// ByPhone returns the users that a number is linked to. It never fails.
func (d *Directory) ByPhone(_ context.Context, n phone.Number) ([]Contact, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []Contact
	for _, id := range d.links().phones[n] {
		found = append(found, d.links().users[id].contact(id))
	}
	return found, nil
}

// Blocked reports whether the newest state of a user is that the account is blocked. It
// never fails.
func (d *Directory) Blocked(_ context.Context, id string) (bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.links().users[id].blocked, nil
}

func (u user) contact(id string) Contact { return Contact{UserID: id, Blocked: u.blocked, At: u.at} }

// All returns every user with the linked numbers, in no order, so that an application can
// save them. Save the E164 of a number. To restore, call [Directory.Update] and
// [Directory.Link] for each. Changes during the iteration may show or not.
func (d *Directory) All() iter.Seq2[Contact, []phone.Number] {
	return func(yield func(Contact, []phone.Number) bool) {
		d.mu.RLock()
		ids := slices.Collect(maps.Keys(d.links().users))
		d.mu.RUnlock()
		for _, id := range ids {
			d.mu.RLock()
			u, known := d.links().users[id]
			d.mu.RUnlock()
			if known && !yield(u.contact(id), slices.Clone(u.phones)) {
				return
			}
		}
	}
}
