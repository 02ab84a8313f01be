package smsplus

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// Durations are counts of durations by their size, from which quantiles are read. The
// bounds of neighboring classes have the ratio of the fourth root of two. So a quantile of whole
// microseconds is within a tenth of the exact one. Below a microsecond there is one
// class. The zero value is empty.
//
// Copies share memory: add to one of them only. Concurrent use is safe if none adds.
type Durations struct {
	classes []classCount // ascending; no count is 0
}

type classCount struct {
	class DurationClass
	n     int
}

// DurationClass is a class of durations, for stores that keep counts of them. Class 0 is
// what is shorter than a microsecond. Class k above 0 is what is at least
// 2^((k-1)/4) µs and less than 2^(k/4) µs.
type DurationClass uint8

// rootBounds are the fourth root of two and its powers up to the third, times 2^63, rounded
// up.
var rootBounds = [3]uint64{0x9837f0518db8a970, 0xb504f333f9de6485, 0xd744fccad69d6af5}

// ClassOf returns the class of a duration. A negative one is in class 0.
func ClassOf(d time.Duration) DurationClass {
	us := uint64(max(d, 0) / time.Microsecond)
	if us == 0 {
		return 0
	}
	octave := bits.Len64(us) - 1
	mantissa := us << (63 - octave)
	quarter := 0
	for quarter < len(rootBounds) && mantissa >= rootBounds[quarter] {
		quarter++
	}
	return DurationClass(4*octave + quarter + 1)
}

// duration returns the middle of the class, by ratio.
func (c DurationClass) duration() time.Duration {
	if c == 0 {
		return 0
	}
	ns := math.Exp2((float64(c)-0.5)/4) * float64(time.Microsecond)
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// Add adds n times the duration.
func (ds *Durations) Add(d time.Duration, n int) { ds.AddClass(ClassOf(d), n) }

// AddClass adds n durations of the class. A negative n takes some away that were added.
func (ds *Durations) AddClass(c DurationClass, n int) {
	i, ok := slices.BinarySearchFunc(ds.classes, c, func(have classCount, c DurationClass) int { return int(have.class) - int(c) })
	switch {
	case n == 0:
	case !ok:
		ds.classes = slices.Insert(ds.classes, i, classCount{c, n})
	case ds.classes[i].n+n != 0:
		ds.classes[i].n += n
	default:
		ds.classes = slices.Delete(ds.classes, i, i+1)
	}
	if len(ds.classes) == 0 {
		ds.classes = nil
	}
}

// Merge adds all durations of o, which stays as it is.
func (ds *Durations) Merge(o Durations) {
	for _, c := range o.classes {
		ds.AddClass(c.class, c.n)
	}
}

// Count returns the number of durations.
func (ds Durations) Count() int {
	n := 0
	for _, c := range ds.classes {
		n += c.n
	}
	return n
}

// Quantile returns the duration that a share q of all durations does not exceed, within a
// tenth: 0.5 for the median, 0.95. It returns 0 if there are none.
func (ds Durations) Quantile(q float64) time.Duration {
	n := ds.Count()
	rank := max(1, int(math.Ceil(q*float64(n))))
	for _, c := range ds.classes {
		if rank -= c.n; rank <= 0 {
			return c.class.duration()
		}
	}
	if n == 0 {
		return 0
	}
	return ds.classes[len(ds.classes)-1].class.duration() // q is above 1
}
