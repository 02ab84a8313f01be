package memstore

import (
	"cmp"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const (
	hour = int64(time.Hour / time.Microsecond)
	day  = 24 * hour
)

// counters hold the statistics of whole hours and whole days (UTC) of trigger
// time, so that a long range costs its days, and two edges, instead of its
// messages.
type counters struct {
	hours, days tier
}

// tally is one thing counted: a message, or an attempt of one.
type tally struct {
	subject     uint32 // overall, or a channel's
	group       status.Group
	status      status.Status
	read, twice bool
}

// overall is the subject of a tally of the message itself.
const overall = 0

// subjectOf returns the subject of tallies of a channel's attempts.
func subjectOf(channel uint32) uint32 { return channel + 1 }

// tally returns what [smsplus.TemplateStats.Add] counts of the message itself.
func (rec *record) tally() tally {
	return tally{overall, rec.status.Group(), rec.status, rec.read, rec.twice}
}

// tallyOf returns what it counts of an attempt.
func (rec *record) tallyOf(a trace) tally {
	return tally{subjectOf(a.channel), rec.status.Group(), a.status, a.read, a.status == status.Delivered && rec.twice}
}

// move counts what a message is and no longer what it was; either may be empty.
func (c *counters) move(triggeredAt int64, template uint32, was, is []tally) {
	c.hours.move(floorDiv(triggeredAt, hour), template, was, is)
	c.days.move(floorDiv(triggeredAt, day), template, was, is)
}

// span is a stretch of time: from ≤ t < to.
type span struct{ from, to int64 }

// sum adds up a span's whole hours and days, and returns the spans at its edges
// that are less than an hour: their messages are to be looked at.
func (c *counters) sum(in span, q question, s *sums) (edges []span) {
	fromHour, toHour := -floorDiv(-in.from, hour), floorDiv(in.to, hour)
	if fromHour >= toHour {
		return []span{in}
	}
	fromDay, toDay := -floorDiv(-fromHour, 24), floorDiv(toHour, 24)
	if fromDay < toDay {
		c.hours.sum(fromHour, fromDay*24, q, s)
		c.days.sum(fromDay, toDay, q, s)
		c.hours.sum(toDay*24, toHour, q, s)
	} else {
		c.hours.sum(fromHour, toHour, q, s)
	}
	return []span{{in.from, fromHour * hour}, {toHour * hour, in.to}}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// question is what is asked of the cells.
type question struct {
	subject  uint32
	group    status.Group
	template uint32 // or anyNumber
}

// anyNumber stands for a name that is not asked for.
const anyNumber = ^uint32(0)

// tier holds the buckets of one length of time.
type tier struct {
	buckets []*bucket // in order of their numbers
}

// bucket counts the messages triggered in one stretch of time.
type bucket struct {
	number   int64 // how many of its length since 1970
	messages int
	keys     []cellKey // sorted
	cells    []cell    // of the keys at the same places
}

// cellKey is a subject and, below it, the number of a template: the cells of one
// subject stand together.
type cellKey uint64

func keyOf(subject, template uint32) cellKey { return cellKey(subject)<<32 | cellKey(template) }

func (k cellKey) template() uint32 { return uint32(k) }

// cell counts by the group of the message, for an attempt's status does not tell
// it, and under status.All whatever the group.
type cell [status.FailedGroup + 1]counts

// counts are those of a [smsplus.TemplateStats].
type counts struct {
	statuses    [status.Delivered + 1]uint32
	read, twice uint32
}

const (
	plusOne  = 1
	minusOne = ^uint32(0) // sums wrap around
)

func (c *cell) add(t tally, n uint32) {
	c[status.All].add(t, n)
	c[t.group].add(t, n)
}

func (c *counts) add(t tally, n uint32) {
	c.statuses[t.status] += n
	if t.read {
		c.read += n
	}
	if t.twice {
		c.twice += n
	}
}

func (c *counts) plus(o *counts) {
	for i := range o.statuses {
		c.statuses[i] += o.statuses[i]
	}
	c.read += o.read
	c.twice += o.twice
}

// sums are counts by the numbers of templates.
type sums []counts

func (s *sums) of(template uint32) *counts {
	if n := int(template) + 1; n > len(*s) {
		*s = append(*s, make([]counts, n-len(*s))...)
	}
	return &(*s)[template]
}

func (c *counts) stats(template string) smsplus.TemplateStats {
	s := smsplus.TemplateStats{
		Template:       template,
		Preparing:      int(c.statuses[status.Preparing]),
		Accepted:       int(c.statuses[status.Accepted]),
		Failed:         int(c.statuses[status.Failed]),
		Undeliverable:  int(c.statuses[status.Undeliverable]),
		Delivered:      int(c.statuses[status.Delivered]),
		Read:           int(c.read),
		DeliveredTwice: int(c.twice),
	}
	s.Triggered = s.Preparing + s.Accepted + s.Failed + s.Undeliverable + s.Delivered
	return s
}

func (t *tier) move(number int64, template uint32, was, is []tally) {
	i := t.find(number)
	if i == len(t.buckets) || t.buckets[i].number != number {
		t.buckets = slices.Insert(t.buckets, i, &bucket{number: number})
	}
	b := t.buckets[i]
	if len(was) == 0 {
		b.messages++
	}
	if len(is) == 0 {
		b.messages--
	}
	if b.messages == 0 {
		t.buckets = slices.Delete(t.buckets, i, i+1)
		return
	}
	for i := range max(len(was), len(is)) {
		if i < len(was) && i < len(is) && was[i] == is[i] {
			continue
		}
		if i < len(was) {
			b.cell(keyOf(was[i].subject, template)).add(was[i], minusOne)
		}
		if i < len(is) {
			b.cell(keyOf(is[i].subject, template)).add(is[i], plusOne)
		}
	}
}

// find returns the place of the first bucket that is not before the given one.
func (t *tier) find(number int64) int {
	n := len(t.buckets)
	if n == 0 || t.buckets[n-1].number < number {
		return n
	}
	if t.buckets[n-1].number == number { // nearly always
		return n - 1
	}
	i, _ := slices.BinarySearchFunc(t.buckets, number, func(b *bucket, number int64) int {
		return cmp.Compare(b.number, number)
	})
	return i
}

func (b *bucket) cell(k cellKey) *cell {
	i, ok := slices.BinarySearch(b.keys, k)
	if !ok {
		b.keys = slices.Insert(b.keys, i, k)
		b.cells = slices.Insert(b.cells, i, cell{})
	}
	return &b.cells[i]
}

// sum adds up, by template, the buckets from one number up to another.
func (t *tier) sum(from, to int64, q question, s *sums) {
	for _, b := range t.buckets[t.find(from):t.find(to)] {
		first, _ := slices.BinarySearch(b.keys, keyOf(q.subject, 0))
		after, _ := slices.BinarySearch(b.keys, keyOf(q.subject+1, 0))
		if q.template != anyNumber {
			first, _ = slices.BinarySearch(b.keys, keyOf(q.subject, q.template))
			after, _ = slices.BinarySearch(b.keys, keyOf(q.subject, q.template)+1)
		}
		for i := first; i < after; i++ {
			s.of(b.keys[i].template()).plus(&b.cells[i][q.group])
		}
	}
}
