package query

import (
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Earliest returns the earliest Filter.From that is allowed now: the start of the
// day that many calendar months before today, or of that month's last day where
// it is shorter (three months before May 31 is the end of February).
func (r *Reader) Earliest() time.Time {
	year, month, day := r.clock.Now().In(r.location).Date()
	month -= time.Month(r.months)
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return startOfDay(year, month, min(day, last), r.location)
}

// startOfDay returns the first instant at which clocks in the location show the
// day. That is not always midnight: where clocks go forward at midnight it is one
// o'clock, where they go back to midnight it is the first of two, and a day that
// a place left out begins with the next.
func startOfDay(year int, month time.Month, day int, loc *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	t := midnight.AddDate(0, 0, -2).In(loc) // no place is two days ahead
	for {
		_, offset := t.Zone()
		start := midnight.Add(-time.Duration(offset) * time.Second).In(loc)
		if start.Before(t) {
			start = t // the clocks jumped over midnight
		}
		_, end := t.ZoneBounds()
		if end.IsZero() || start.Before(end) {
			return start
		}
		t = end
	}
}

// RangeError says that a range reaches further back than is allowed. It is an
// [smsplus.ErrInvalidFilter].
type RangeError struct {
	// Field is the bound at fault: "Filter.From", or "Filter.To" of a range that
	// names no From and ends too early.
	Field string
	// Time is what it was.
	Time time.Time
	// Earliest is the earliest that is allowed, in the [Reader]'s location, and
	// Months is how many months before today that is.
	Earliest time.Time
	Months   int
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%v: %s is %s; the earliest allowed is %s (%v), %d month(s) before today",
		smsplus.ErrInvalidFilter, e.Field, e.Time.Format(time.RFC3339),
		e.Earliest.Format(time.RFC3339), e.Earliest.Location(), e.Months)
}

// Unwrap returns [smsplus.ErrInvalidFilter].
func (e *RangeError) Unwrap() error { return smsplus.ErrInvalidFilter }
