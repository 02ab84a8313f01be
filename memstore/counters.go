package memstore

import (
	"cmp"
	"slices"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// counters hold the statistics of whole hours and whole days (UTC) of trigger time. A
// long range costs its days and two edges instead of its messages. table.countRecord
// keeps them equal to a recount of the records.
type counters struct {
	hours, days tier
}

// countUnit is one thing that is counted: a message, or an attempt.
type countUnit struct {
	channelOrAll uint32       // wholeMessage, or a channel's scope
	group        status.Group // of the message
	count        smsplus.Count
}

// wholeMessage is the channelOrAll of a unit that is the message itself.
const wholeMessage = 0

// channelScope returns the channelOrAll of a channel's attempts.
func channelScope(channel uint32) uint32 { return channel + 1 }

// messageUnit returns the unit that is the message itself.
func (rec *record) messageUnit() countUnit {
	return countUnit{wholeMessage, rec.status().Group(), rec.count}
}

// attemptUnit returns the unit of one of the message's attempts.
func (rec *record) attemptUnit(a attemptSummary) countUnit {
	return countUnit{channelScope(a.channel), rec.status().Group(), rec.count.Attempt(a.status, a.wasRead)}
}

// applyChange stops counting a message as the units before, and counts it as the units after.
// Either may be empty: the message is new, or dropped.
func (c *counters) applyChange(triggeredAt int64, template uint32, before, after []countUnit) {
	hour := microtime.HourOf(triggeredAt)
	c.hours.applyChange(hour, template, before, after)
	c.days.applyChange(microtime.FloorDiv(hour, microtime.DayHours), template, before, after)
}

// sumWhole adds the counts of the whole hours and days of a range to sums. It returns
// the edges of the range, whose records the caller must count.
func (c *counters) sumWhole(in microtime.Range, q countQuery, s *templateCounts) (edges []microtime.Range) {
	hours, edges := microtime.WholeHours(in)
	for _, t := range microtime.Tiers(hours, 1, microtime.DayHours) {
		tier := &c.hours
		if t.Hours == microtime.DayHours {
			tier = &c.days
		}
		tier.sum(t.From, t.To, q, s)
	}
	return edges
}

// countQuery selects cells.
type countQuery struct {
	channelOrAll uint32
	group        status.Group
	template     uint32 // or anyNumber
}

// anyNumber is the number of a name that is not asked for.
const anyNumber = ^uint32(0)

// tier holds the buckets of one length of time.
type tier struct {
	buckets []*bucket // ascending by number, which is unique
}

// bucket counts the messages that were triggered in one period of the tier. It exists
// only while it has messages.
type bucket struct {
	number   int64 // of the period: number 0 begins 1970
	messages int
	keys     []cellKey // ascending
	cells    []cell    // cells[i] has the key keys[i]
}

// cellKey is a channelOrAll and, in the low bits, the number of a template. So the
// cells of one channel are adjacent.
type cellKey uint64

func cellKeyOf(channelOrAll, template uint32) cellKey {
	return cellKey(channelOrAll)<<32 | cellKey(template)
}

func (k cellKey) template() uint32 { return uint32(k) }

// cell has the counts of each group of messages, because the status of an attempt does
// not imply the group of its message. The counts under status.All are those of all
// groups.
type cell [status.FailedGroup + 1]counts

// counts are the counts of a [smsplus.TemplateStats].
type counts struct {
	statuses             [status.Delivered + 1]uint32
	read, deliveredTwice uint32
}

const (
	plusOne  = 1
	minusOne = ^uint32(0) // addition wraps around
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
		c.deliveredTwice += n
	}
}

func (c *counts) addCounts(o *counts) {
	for i := range o.statuses {
		c.statuses[i] += o.statuses[i]
	}
	c.read += o.read
	c.deliveredTwice += o.deliveredTwice
}

// templateCounts are counts indexed by the number of the template.
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
		DeliveredTwice: int(c.deliveredTwice),
	}
	s.Triggered = s.Preparing + s.Accepted + s.Failed + s.Undeliverable + s.Delivered
	return s
}

func (t *tier) applyChange(number int64, template uint32, before, after []countUnit) {
	i := t.searchBucket(number)
	if i == len(t.buckets) || t.buckets[i].number != number {
		t.buckets = slices.Insert(t.buckets, i, &bucket{number: number})
	}
	b := t.buckets[i]
	if len(before) == 0 {
		b.messages++
	}
	if len(after) == 0 {
		b.messages--
	}
	if b.messages == 0 {
		t.buckets = slices.Delete(t.buckets, i, i+1)
		return
	}
	for i := range max(len(before), len(after)) {
		if i < len(before) && i < len(after) && before[i] == after[i] {
			continue
		}
		if i < len(before) {
			b.cellFor(cellKeyOf(before[i].channelOrAll, template)).addUnit(before[i], minusOne)
		}
		if i < len(after) {
			b.cellFor(cellKeyOf(after[i].channelOrAll, template)).addUnit(after[i], plusOne)
		}
	}
}

// searchBucket returns the index of the first bucket with this number or a higher one.
func (t *tier) searchBucket(number int64) int {
	n := len(t.buckets)
	if n == 0 || t.buckets[n-1].number < number {
		return n
	}
	if t.buckets[n-1].number == number { // almost always
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

// sum adds the counts of the buckets numbered from ≤ n < to.
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
