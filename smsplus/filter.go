package smsplus

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// ErrInvalidFilter is wrapped by every error about a [Filter]. The error's text names the
// field.
var ErrInvalidFilter = errors.New("smsplus: bad filter")

// DefaultLimit is the page size of a [Filter] without a Limit.
const DefaultLimit = 100

// Filter selects messages. Zero fields do not filter.
type Filter struct {
	// From and To bound the trigger time: From ≤ trigger time < To. Each is in the years 1
	// to 9999.
	From, To time.Time
	// Template is a template's ID, and Scenario what the message was for.
	Template, Scenario string
	// Channel selects messages with an attempt on that channel, and Reason those with an
	// attempt that did not arrive because of it: it is Failed or Undeliverable. ProviderID
	// selects those with an attempt that the provider calls so. If several are set, one attempt
	// has them all: see [Filter.MatchAttempt]. Statistics with a Channel count these attempts
	// instead of the messages.
	Channel    channel.Name
	Reason     status.Reason
	ProviderID string
	// Phone is the recipient's number. CountryCode is the digits of its country code ("886").
	Phone       phone.Number
	CountryCode string
	// Key is the [Trigger.Key] of at most one message. Reference is the [Trigger.Reference]
	// of any number.
	Key, Reference string
	// RecipientID is one of the recipient's IDs, on any channel. It is compared exactly, and
	// left out of every print and encoding.
	RecipientID string `json:"-" xml:"-"`
	// Group selects by the message's status.
	Group status.Group
	// Limit is the page size, below math.MaxInt32. Defaults to [DefaultLimit].
	Limit int
	// After is the Next of the previous page of the same filter. "" selects the first page.
	After Cursor
}

// Check returns an error that wraps an [ErrInvalidFilter] for each mistake in f:
//   - a range that ends before it starts
//   - a time outside of the years 1 to 9999
//   - a limit that is negative or too large
//   - a country code that is not digits
//   - a text, such as a template or a key, that is not UTF-8, or has a NUL
//   - a group that does not exist
//   - a cursor that is malformed or from another filter
func (f Filter) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalidFilter}, args...)...))
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		bad("Filter.To is before Filter.From")
	}
	if !isStorable(f.From) {
		bad("Filter.From is not in the years 1 to 9999")
	}
	if !isStorable(f.To) {
		bad("Filter.To is not in the years 1 to 9999")
	}
	if f.Limit < 0 {
		bad("Filter.Limit is negative")
	}
	if f.Limit > maxLimit {
		bad("Filter.Limit is above %d", maxLimit)
	}
	if !f.Group.Valid() {
		bad("Filter.Group %d does not exist", f.Group)
	}
	for i := range len(f.CountryCode) {
		if c := f.CountryCode[i]; c < '0' || c > '9' || len(f.CountryCode) > 3 {
			bad("Filter.CountryCode is not 1 to 3 digits (%d characters)", len(f.CountryCode))
			break
		}
	}
	for _, text := range []struct{ field, value string }{
		{"Template", f.Template},
		{"Scenario", f.Scenario},
		{"Channel", string(f.Channel)},
		{"Reason", string(f.Reason)},
		{"ProviderID", f.ProviderID},
		{"Key", f.Key},
		{"Reference", f.Reference},
		{"RecipientID", f.RecipientID},
	} {
		if !validText(text.value) {
			bad("Filter.%s is not UTF-8 without NUL (%d bytes)", text.field, len(text.value))
		}
	}
	if _, _, err := f.Position(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// maxLimit is the highest limit. Stores add one to it, and may keep it in an int32.
const maxLimit = math.MaxInt32 - 1

// isStorable reports whether every store can keep the time.
func isStorable(t time.Time) bool {
	year := t.UTC().Year()
	return 1 <= year && year <= 9999
}

// Match reports whether f selects m, apart from Limit and After. It is the definition
// that every store follows.
func (f Filter) Match(m Message) bool {
	return (f.From.IsZero() || !m.TriggeredAt.Before(f.From)) &&
		(f.To.IsZero() || m.TriggeredAt.Before(f.To)) &&
		(f.Template == "" || m.Template == f.Template) &&
		(f.Scenario == "" || m.Scenario == f.Scenario) &&
		f.MatchAttempts(m.Attempts) &&
		(f.Phone.IsZero() || m.To.Phone == f.Phone) &&
		(f.CountryCode == "" || m.To.Phone.CountryCode() == f.CountryCode) &&
		(f.Key == "" || m.Key == f.Key) &&
		(f.Reference == "" || m.Reference == f.Reference) &&
		(f.RecipientID == "" || hasID(m.To, f.RecipientID)) &&
		f.Group.Has(m.Status)
}

// MatchAttempt reports whether a is on the Channel of f, did not arrive because of the
// Reason, and has the ProviderID, as far as they are set.
func (f Filter) MatchAttempt(a Attempt) bool {
	return (f.Channel == "" || a.Channel == f.Channel) &&
		(f.Reason == "" || groupReason(a.Status, a.Reason) == f.Reason) &&
		(f.ProviderID == "" || a.ProviderID == f.ProviderID)
}

// MatchAttempts reports whether f selects a message with these attempts: one of them matches,
// or f does not select by attempts.
func (f Filter) MatchAttempts(attempts []Attempt) bool {
	return f.Channel == "" && f.Reason == "" && f.ProviderID == "" || slices.ContainsFunc(attempts, f.MatchAttempt)
}

// hasID reports whether a recipient has the ID on any channel.
func hasID(r channel.Recipient, id string) bool {
	for _, have := range r.IDs {
		if have == id {
			return true
		}
	}
	return false
}

// PageSize returns Limit, or [DefaultLimit] if it is not set.
func (f Filter) PageSize() int { return cmp.Or(f.Limit, DefaultLimit) }

// Cursor is a position in the list of messages that one filter selects. It is opaque and
// safe in a URL, and reveals nothing of the filter's phone number, key, reference and IDs.
type Cursor string

// Page is one page of records.
type Page struct {
	// Messages are newest trigger first.
	Messages []Message
	// Unreadable are the messages of the page that cannot be read, in the same order. They
	// count against Filter.Limit.
	Unreadable []Unreadable
	// Next is the Filter.After of the next page. It is "" on the last page.
	Next Cursor
}

// Page cuts the page of f out of ms and unreadable. Together they are the first
// [Filter.PageSize]+1 of the messages that f selects, or all that there are, and each is in
// the order of a page. The surplus message is dropped: it only shows that there is a next
// page. It is for stores.
func (f Filter) Page(ms []Message, unreadable ...Unreadable) Page {
	p := Page{Messages: ms, Unreadable: unreadable}
	if len(ms)+len(unreadable) <= f.PageSize() {
		return p
	}
	if _, readable := p.last(); readable {
		p.Messages = ms[: len(ms)-1 : len(ms)-1]
	} else {
		p.Unreadable = unreadable[: len(unreadable)-1 : len(unreadable)-1]
	}
	last, _ := p.last()
	p.Next = f.CursorAt(last)
	return p
}

// last returns the last message of a page that is not empty. Of one that is unreadable it
// returns the ID and the trigger time.
func (p Page) last() (m Message, readable bool) {
	var u Message
	if n := len(p.Unreadable); n > 0 {
		u = Message{ID: p.Unreadable[n-1].ID, TriggeredAt: p.Unreadable[n-1].TriggeredAt}
	}
	n := len(p.Messages)
	if n == 0 {
		return u, false
	}
	if m = p.Messages[n-1]; len(p.Unreadable) > 0 && newestFirst(m, u) < 0 {
		return u, false
	}
	return m, true
}

// newestFirst compares messages in the order of records.
func newestFirst(a, b Message) int {
	return cmp.Or(b.TriggeredAt.Compare(a.TriggeredAt), bytes.Compare(b.ID[:], a.ID[:]))
}

const cursorBytes = 2 + 8 + 16 // fingerprint of the filter, trigger time, message ID

// CursorAt returns the cursor that continues f's list after m. It is for stores and readers.
func (f Filter) CursorAt(m Message) Cursor {
	b := make([]byte, 0, cursorBytes)
	b = binary.BigEndian.AppendUint16(b, f.fingerprint())
	b = binary.BigEndian.AppendUint64(b, uint64(microtime.Of(m.TriggeredAt)))
	b = append(b, m.ID[:]...)
	return Cursor(base64.RawURLEncoding.EncodeToString(b))
}

// Position decodes f.After into the trigger time and the ID of the last message of the
// previous page. The zero time means the first page. It is for stores and readers.
func (f Filter) Position() (at time.Time, id uuid.UUID, err error) {
	if f.After == "" {
		return time.Time{}, uuid.UUID{}, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(f.After))
	if err != nil || len(b) != cursorBytes || len(f.After) != base64.RawURLEncoding.EncodedLen(cursorBytes) { // the decoder skips line breaks
		return time.Time{}, uuid.UUID{}, fmt.Errorf("%w: Filter.After is no cursor (%d characters)", ErrInvalidFilter, len(f.After))
	}
	if binary.BigEndian.Uint16(b) != f.fingerprint() {
		return time.Time{}, uuid.UUID{}, fmt.Errorf("%w: Filter.After is from another filter", ErrInvalidFilter)
	}
	at = microtime.Time(int64(binary.BigEndian.Uint64(b[2:])))
	if !isStorable(at) {
		return time.Time{}, uuid.UUID{}, fmt.Errorf("%w: Filter.After is no cursor (its time is not in the years 1 to 9999)", ErrInvalidFilter)
	}
	return at, uuid.UUID(b[10:]), nil
}

// fingerprint distinguishes filters, apart from the phone number, the IDs, the key and the
// reference. A cursor may stand in a URL. A number or an e-mail address whose digest stands
// there can be found by trying all of them, and the others may hold one.
func (f Filter) fingerprint() uint16 {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %q %q %q %q %t %q %t %t %t %t %d", microsOrZero(f.From), microsOrZero(f.To), f.Template, f.Scenario,
		f.Channel, f.Reason, !f.Phone.IsZero(), f.CountryCode, f.Key != "", f.Reference != "", f.ProviderID != "",
		f.RecipientID != "", f.Group)
	return binary.BigEndian.Uint16(h.Sum(nil))
}

// microsOrZero returns t in microseconds since 1970, and 0 for the zero time.
func microsOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return microtime.Of(t)
}
