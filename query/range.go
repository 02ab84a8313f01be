package query

import (
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Earliest returns the earliest Filter.From that is allowed now: the start of the day
// Options.Months calendar months before today. If that month is too short for the day, it
// is the month's last day (three months before May 31 is the last day of February).
func (r *Reader) Earliest() time.Time {
	year, month, day := r.clock.Now().In(r.location).Date()
	month -= time.Month(r.months)
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	noon := time.Date(year, month, min(day, last), 12, 0, 0, 0, r.location)
	return smsplus.Grouping{By: smsplus.ByDay, Zone: r.location}.Start(noon)
}

// RangeError reports a range that reaches further back than is allowed. It wraps
// [smsplus.ErrInvalidFilter].
type RangeError struct {
	// Field is the wrong bound: "Filter.From", or "Filter.To" if the range has no From and
	// ends too early.
	Field string
	// Time is the value of that field.
	Time time.Time
	// Earliest is the earliest allowed time, in the [Reader]'s location. Months is its
	// distance from today in calendar months.
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
