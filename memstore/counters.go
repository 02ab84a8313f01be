package memstore

import (
	"cmp"
	"slices"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// dayHours is the length of a day in hours.
const dayHours = 24

// counters hold the statistics of whole hours and whole days (UTC) of trigger
// time, so that a long range costs its days, and two edges, instead of its
// messages.
type counters struct {
	hours, days tier
}

// countUnit is one thing counted: a message, or an attempt of one.
type countUnit struct {
	channelOrAll uint32 // overall, or a channel's
	group        status.Group
	count        smsplus.Count
}

// wholeMessage is the subject of a tally of the message itself.
const wholeMessage = 0

// channelScope returns the subject of tallies of a channel's attempts.
func channelScope(channel uint32) uint32 { return channel + 1 }

// messageUnit returns what [smsplus.TemplateStats.Add] counts of the message itself.
func (rec *record) messageUnit() countUnit {
	return countUnit{wholeMessage, rec.status().Group(), rec.count}
}

// attemptUnit returns what it counts of an attempt.
func (rec *record) attemptUnit(a attemptSummary) countUnit {
	return countUnit{channelScope(a.channel), rec.status().Group(), rec.count.Attempt(a.status, a.read)}
}

// apply counts what a message is and no longer what it was; either may be empty.
func (c *counters) apply(triggeredAt int64, template uint32, was, is []countUnit) {
	hour := microtime.HourOf(triggeredAt)
	c.hours.apply(hour, template, was, is)
	c.days.apply(microtime.FloorDiv(hour, dayHours), template, was, is)
}

// sumWhole adds up the whole hours and days of a range. It returns the edges of the
// range, whose messages are to be counted one by one.
func (c *counters) sumWhole(in microtime.Range, q countQuery, s *templateCounts) (edges []microtime.Range) {
	hours, edges := microtime.WholeHours(in)
	for _, t := range microtime.Tiers(hours, 1, dayHours) {
		tier := &c.hours
		if t.Hours == dayHours {
			tier = &c.days
		}
		tier.sum(t.From, t.To, q, s)
	}
	return edges
}

// countQuery is what is asked of the cells.
type countQuery struct {
	channelOrAll uint32
	group        status.Group
	template     uint32 // or anyNumber
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

func cellKeyOf(subject, template uint32) cellKey { return cellKey(subject)<<32 | cellKey(template) }

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

func (c *cell) addUnit(t countUnit, n uint32) {
	c[status.All].add(t.count, n)
	c[t.group].add(t.count, n)
}

func (c *counts) add(one smsplus.Count, n uint32) {
	c.statuses[one.Status] += n
	if one.Read {
		c.read += n
	}
	if one.DeliveredTwice {
		c.twice += n
	}
}

func (c *counts) addCounts(o *counts) {
	for i := range o.statuses {
		c.statuses[i] += o.statuses[i]
	}
	c.read += o.read
	c.twice += o.twice
}

// templateCounts are counts by the numbers of templates.
type templateCounts []counts

func (s *templateCounts) forTemplate(template uint32) *counts {
	if n := int(template) + 1; n > len(*s) {
		*s = append(*s, make([]counts, n-len(*s))...)
	}
	return &(*s)[template]
}

func (c *counts) templateStats(template string) smsplus.TemplateStats {
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

func (t *tier) apply(number int64, template uint32, was, is []countUnit) {
	i := t.searchBucket(number)
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
			b.cellFor(cellKeyOf(was[i].channelOrAll, template)).addUnit(was[i], minusOne)
		}
		if i < len(is) {
			b.cellFor(cellKeyOf(is[i].channelOrAll, template)).addUnit(is[i], plusOne)
		}
	}
}

// searchBucket returns the place of the first bucket that is not before the given one.
func (t *tier) searchBucket(number int64) int {
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

func (b *bucket) cellFor(k cellKey) *cell {
	i, ok := slices.BinarySearch(b.keys, k)
	if !ok {
		b.keys = slices.Insert(b.keys, i, k)
		b.cells = slices.Insert(b.cells, i, cell{})
	}
	return &b.cells[i]
}

// sum adds up, by template, the buckets from one number up to another.
func (t *tier) sum(from, to int64, q countQuery, s *templateCounts) {
	for _, b := range t.buckets[t.searchBucket(from):t.searchBucket(to)] {
		first, _ := slices.BinarySearch(b.keys, cellKeyOf(q.channelOrAll, 0))
		after, _ := slices.BinarySearch(b.keys, cellKeyOf(q.channelOrAll+1, 0))
		if q.template != anyNumber {
			first, _ = slices.BinarySearch(b.keys, cellKeyOf(q.channelOrAll, q.template))
			after, _ = slices.BinarySearch(b.keys, cellKeyOf(q.channelOrAll, q.template)+1)
		}
		for i := first; i < after; i++ {
			s.forTemplate(b.keys[i].template()).addCounts(&b.cells[i][q.group])
		}
	}
}
