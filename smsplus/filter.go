package smsplus

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
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
	// From and To bound the trigger time: From ≤ trigger time < To.
	From, To time.Time
	// Template is a template's ID.
	Template string
	// Channel selects messages with an attempt on that channel. Statistics with a Channel
	// count these attempts instead of the messages.
	Channel channel.Name
	// Phone is the recipient's number. CountryCode is the digits of its country code ("886").
	Phone       phone.Number
	CountryCode string
	// Group selects by the message's status.
	Group status.Group
	// Limit is the page size. Defaults to [DefaultLimit].
	Limit int
	// After is the Next of the previous page of the same filter. "" selects the first page.
	After Cursor
}

// Check returns an error that wraps an [ErrInvalidFilter] for each mistake in f: a range
// that ends before it starts, a negative limit, a country code that is not digits, a
// group that does not exist, a cursor from another filter.
func (f Filter) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalidFilter}, args...)...))
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		bad("Filter.To is before Filter.From")
	}
	if f.Limit < 0 {
		bad("Filter.Limit is negative (%d)", f.Limit)
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
	if _, _, err := f.Position(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Match reports whether f selects m, apart from Limit and After. It is the definition
// that every store follows.
func (f Filter) Match(m Message) bool {
	return (f.From.IsZero() || !m.TriggeredAt.Before(f.From)) &&
		(f.To.IsZero() || m.TriggeredAt.Before(f.To)) &&
		(f.Template == "" || m.Template == f.Template) &&
		(f.Channel == "" || slices.ContainsFunc(m.Attempts, func(a Attempt) bool { return a.Channel == f.Channel })) &&
		(f.Phone.IsZero() || m.To.Phone == f.Phone) &&
		(f.CountryCode == "" || m.To.Phone.CountryCode() == f.CountryCode) &&
		f.Group.Has(m.Status)
}

// PageSize returns Limit, or [DefaultLimit] if it is not set.
func (f Filter) PageSize() int { return cmp.Or(f.Limit, DefaultLimit) }

// Cursor is a position in the list of messages that one filter selects. It is opaque and
// safe in a URL, and does not reveal the filter's phone number.
type Cursor string

// Page is one page of records.
type Page struct {
	// Messages are newest trigger first.
	Messages []Message
	// Next is the Filter.After of the next page. It is "" on the last page.
	Next Cursor
}

// Page cuts the page of f out of ms, which are the first [Filter.PageSize]+1 of the
// messages that f selects, or all that there are. The surplus message is dropped: it only
// shows that there is a next page. It is for stores.
func (f Filter) Page(ms []Message) Page {
	size := f.PageSize()
	if len(ms) <= size {
		return Page{Messages: ms}
	}
	return Page{Messages: ms[:size:size], Next: f.CursorAt(ms[size-1])}
}

const cursorBytes = 2 + 8 + 16 // fingerprint of the filter, trigger time, message ID

// CursorAt returns the cursor that continues f's list after m. It is for stores and readers.
func (f Filter) CursorAt(m Message) Cursor {
	b := make([]byte, 0, cursorBytes)
	b = binary.BigEndian.AppendUint16(b, f.fingerprint())
	b = binary.BigEndian.AppendUint64(b, uint64(m.TriggeredAt.UnixMicro()))
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
	at = time.UnixMicro(int64(binary.BigEndian.Uint64(b[2:]))).UTC()
	return at, uuid.UUID(b[10:]), nil
}

// fingerprint distinguishes filters. It has only 16 bits: a cursor may stand in a URL, and
// with more bits the phone number in the filter could be found by trying all numbers.
func (f Filter) fingerprint() uint16 {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %q %q %s %q %d", microsOrZero(f.From), microsOrZero(f.To), f.Template, f.Channel,
		f.Phone.E164(), f.CountryCode, f.Group)
	return binary.BigEndian.Uint16(h.Sum(nil))
}

// microsOrZero returns t in microseconds since 1970, and 0 for the zero time.
func microsOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
