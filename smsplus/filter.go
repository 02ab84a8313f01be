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

// ErrInvalidFilter is what every complaint about a [Filter] wraps; the message names the field.
var ErrInvalidFilter = errors.New("smsplus: bad filter")

// DefaultLimit is the page size of a [Filter] that sets none.
const DefaultLimit = 100

// Filter selects messages. Zero fields do not filter.
type Filter struct {
	// From and To bound the trigger time: From ≤ trigger time < To.
	From, To time.Time
	// Template is a template's ID.
	Template string
	// Channel selects messages with an attempt on that channel; in statistics it
	// makes the counts those attempts'.
	Channel channel.Name
	// Phone is the recipient's number. CountryCode is its country code's digits ("886").
	Phone       phone.Number
	CountryCode string
	// Group selects by the message's status.
	Group status.Group
	// Limit is the page size. Defaults to [DefaultLimit].
	Limit int
	// After is the Next of the page before, of the same filter; "" is the first page.
	After Cursor
}

// Check returns an error, an [ErrInvalidFilter] for each mistake, if f makes no sense: a
// range that ends before it starts, a negative limit, a country code that is no
// digits, a group that does not exist, a cursor from another filter.
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

// Match reports whether f selects m, apart from Limit and After: the definition
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

// PageSize returns the limit, or the default for it.
func (f Filter) PageSize() int { return cmp.Or(f.Limit, DefaultLimit) }

// Cursor is a place in the list of what one filter selects. It is opaque, safe in
// a URL, and says nothing of the filter's phone number.
type Cursor string

// Page is one page of records.
type Page struct {
	// Messages are newest trigger first.
	Messages []Message
	// Next is what the next page's Filter.After must be; "" on the last page.
	Next Cursor
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

// Position returns the place that f.After names: the trigger time and the ID of
// the last message of the page before. The zero time means the first page. It is
// for stores and readers.
func (f Filter) Position() (at time.Time, id uuid.UUID, err error) {
	if f.After == "" {
		return time.Time{}, uuid.UUID{}, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(f.After))
	if err != nil || len(b) != cursorBytes || len(f.After) != base64.RawURLEncoding.EncodedLen(cursorBytes) { // line ends are skipped
		return time.Time{}, uuid.UUID{}, fmt.Errorf("%w: Filter.After is no cursor (%d characters)", ErrInvalidFilter, len(f.After))
	}
	if binary.BigEndian.Uint16(b) != f.fingerprint() {
		return time.Time{}, uuid.UUID{}, fmt.Errorf("%w: Filter.After is from another filter", ErrInvalidFilter)
	}
	at = time.UnixMicro(int64(binary.BigEndian.Uint64(b[2:]))).UTC()
	return at, uuid.UUID(b[10:]), nil
}

// fingerprint tells filters apart. It is short so that a cursor, which may stand
// in a URL, cannot be searched for the phone number it was made with.
func (f Filter) fingerprint() uint16 {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %q %q %s %q %d", micros(f.From), micros(f.To), f.Template, f.Channel,
		f.Phone.E164(), f.CountryCode, f.Group)
	return binary.BigEndian.Uint16(h.Sum(nil))
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
