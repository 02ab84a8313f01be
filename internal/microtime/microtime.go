// Package microtime is the time as every store keeps it: whole microseconds since 1970
// in UTC. It also divides a range of time into whole hours, days and longer tiers, and edges of
// less than an hour. The stores keep their statistics by these tiers.
//
//	r := microtime.RangeOf(f.From, f.To)
//	whole, edges := microtime.WholeHours(r)
//	for _, t := range microtime.Tiers(whole, 1, 24) {
//		// sum the counters of t.Hours hours each, from t.From to t.To
//	}
//	for _, edge := range edges {
//		// count the messages that were triggered in edge
//	}
package microtime

import (
	"math"
	"time"
)

// Never is the zero time.
var Never = Of(time.Time{})

// Hour is an hour in microseconds.
const Hour = int64(time.Hour / time.Microsecond)

// DayHours is the number of hours of a day. Days are those of UTC.
const DayHours = 24

// Of rounds t down to a whole microsecond.
func Of(t time.Time) int64 { return t.UnixMicro() }

// Ceil rounds t up to a whole microsecond. A bound of a range is rounded up, because a
// stored time, which is a whole microsecond, is before t if and only if it is before
// Ceil(t).
func Ceil(t time.Time) int64 {
	us := Of(t)
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

// Time is the inverse of [Of].
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }

// HourOf returns the number of the hour that contains us. Hour 0 begins 1970, and the
// hours before it are negative.
func HourOf(us int64) int64 { return FloorDiv(us, Hour) }

// FloorDiv returns a/b rounded down, for b > 0. Go's division rounds toward zero.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ceilDiv returns a/b rounded up, for b > 0.
func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// Range contains t if From ≤ t < To.
type Range struct{ From, To int64 }

// Empty reports whether r contains nothing.
func (r Range) Empty() bool { return r.From >= r.To }

// Bound is later than any time that is stored, and -Bound is earlier. It lies at the
// edge of every tier that stores use, up to eight days, so that an unbounded range has
// no edges. As an hour it fits into 32 bits.
const Bound = math.MaxInt64 / 4 / (8 * 24 * Hour) * (8 * 24 * Hour)

// RangeOf returns the range of stored times t with from ≤ t < to. A zero time is no
// bound.
func RangeOf(from, to time.Time) Range {
	r := Range{-Bound, Bound}
	if !from.IsZero() {
		r.From = Ceil(from)
	}
	if !to.IsZero() {
		r.To = Ceil(to)
	}
	return r
}

// WholeHours divides r, a range of microseconds, into a range of hours, by their
// numbers, and at most two edges, which are ranges of microseconds. A range without a
// whole hour is one edge. No edge is empty.
func WholeHours(r Range) (hours Range, edges []Range) {
	hours = Range{ceilDiv(r.From, Hour), HourOf(r.To)}
	if hours.Empty() {
		if r.Empty() {
			return Range{}, nil
		}
		return Range{}, []Range{r}
	}
	for _, edge := range []Range{{r.From, hours.From * Hour}, {hours.To * Hour, r.To}} {
		if !edge.Empty() {
			edges = append(edges, edge)
		}
	}
	return hours, edges
}

// Tier is a range of consecutive periods of one length.
type Tier struct {
	// Hours is the length of each period.
	Hours int64
	// Range is of the periods' numbers: period n begins with hour n*Hours.
	Range
}

// Tiers divides a range of hours into periods that are as long as possible. The lengths
// are in hours and ascending, the first is 1, and each divides the next.
func Tiers(hours Range, lengths ...int64) []Tier { return appendTiers(nil, hours, lengths) }

func appendTiers(tiers []Tier, hours Range, lengths []int64) []Tier {
	if hours.Empty() {
		return tiers
	}
	shorter, length := lengths[:len(lengths)-1], lengths[len(lengths)-1]
	periods := Range{ceilDiv(hours.From, length), FloorDiv(hours.To, length)}
	if periods.Empty() {
		return appendTiers(tiers, hours, shorter)
	}
	tiers = appendTiers(tiers, Range{hours.From, periods.From * length}, shorter)
	tiers = append(tiers, Tier{length, periods})
	return appendTiers(tiers, Range{periods.To * length, hours.To}, shorter)
}
