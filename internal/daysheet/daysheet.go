// Package daysheet keeps the counters of grouped statistics ([smsplus.Grouping]) for the
// stores. A [Day] counts the messages that were triggered on one day (UTC), by quarters of an
// hour. The offset of every time zone of today is a whole number of quarters. So a query reads
// days, and no messages except those of the quarters that its range cuts.
//
// A day has four sheets. Times are apart from counts, which most queries need alone. A query
// that names no template, scenario and reason reads the totals, which have few entries
// however many templates there are.
package daysheet

import (
	"cmp"
	"math"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const (
	// Quarter is a quarter of an hour in microseconds.
	Quarter = microtime.Hour / 4
	// Quarters is the number of quarters of a day.
	Quarters = 24 * 4
)

// QuarterOf returns the number of the quarter that contains us. Quarter 0 begins 1970.
func QuarterOf(us int64) int64 { return microtime.FloorDiv(us, Quarter) }

// DayOf returns the number of the day of a quarter. Day 0 begins 1970.
func DayOf(quarter int64) int64 { return microtime.FloorDiv(quarter, Quarters) }

// Kind is one of the sheets of a day.
type Kind int

// The kinds of sheets.
const (
	Totals     Kind = iota // counts by channel
	Counts                 // counts by template, scenario, channel and reason
	TotalTimes             // times to delivery by channel
	Times                  // times to delivery by template, scenario and channel

	Kinds int = iota
)

// HasTimes reports whether the sheet is of times instead of counts.
func (k Kind) HasTimes() bool { return k >= TotalTimes }

// label is what entries of a sheet have in common. In the totals, its texts except the
// channel are empty.
type label struct {
	isAttempt          bool
	channel            channel.Name
	reason             status.Reason
	template, scenario string
}

// entry is the number of units in a quarter with a label and a detail. The key packs these
// three. From the highest bit they are the quarter, the label's number and the detail.
type entry struct {
	key entryKey
	n   int64
}

type entryKey uint64

const (
	detailBits = 11
	labelBits  = 32
)

func newEntryKey(quarter, label, detail int) entryKey {
	return entryKey(quarter)<<(labelBits+detailBits) | entryKey(label)<<detailBits | entryKey(detail)
}

func (k entryKey) quarter() int     { return int(k >> (labelBits + detailBits)) }
func (k entryKey) labelNumber() int { return int(k >> detailBits & (1<<labelBits - 1)) }
func (k entryKey) detail() int      { return int(k & (1<<detailBits - 1)) }

// Of counts, a detail is from the lowest bit: the status 3, read 1, delivered twice 1 and the
// message's group 3. Of times, it is the class 8 and the group 3.
const (
	readBit    = 1 << 3
	twiceBit   = 1 << 4
	groupShift = 8
)

func countDetail(c smsplus.Count, g status.Group) int {
	d := int(c.Status) | int(g)<<groupShift
	if c.Read {
		d |= readBit
	}
	if c.DeliveredTwice {
		d |= twiceBit
	}
	return d
}

func detailCount(d int) smsplus.Count {
	return smsplus.Count{Status: status.Status(d & 7), Read: d&readBit != 0, DeliveredTwice: d&twiceBit != 0}
}

func detailGroup(d int) status.Group { return status.Group(d >> groupShift & 7) }

// Sheet holds the counters of one kind.
type Sheet struct {
	labels  []label
	entries []byte  // ascending by key, encoded: see codec.go
	changes []entry // what is still to be merged into the entries, in any order

	// expanded are the entries as Expand decoded them, or nil.
	expanded []entry

	// numbers are of the labels. They are made for the changes and dropped with them.
	numbers map[label]int
}

// IsEmpty reports whether the sheet counts nothing.
func (s *Sheet) IsEmpty() bool { return len(s.entries) == 0 }

// numberOf returns the number of a label, a new one if it has none.
func (s *Sheet) numberOf(l label) int {
	if s.numbers == nil {
		s.numbers = make(map[label]int, len(s.labels))
		for i, l := range s.labels {
			s.numbers[l] = i
		}
	}
	n, ok := s.numbers[l]
	if !ok {
		n = len(s.labels)
		s.numbers[l] = n
		s.labels = append(s.labels, l)
	}
	return n
}

func (s *Sheet) add(quarter int, l label, detail int, n int64) {
	s.changes = append(s.changes, entry{newEntryKey(quarter, s.numberOf(l), detail), n})
}

// merge applies the changes.
func (s *Sheet) merge() {
	if len(s.changes) == 0 {
		return
	}
	slices.SortFunc(s.changes, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	var (
		merged  = entryWriter{b: make([]byte, 0, len(s.entries)+4*len(s.changes))}
		old     = entryReader{b: s.entries}
		changes = s.changes
		more    = old.next()
	)
	for more || len(changes) > 0 {
		next := entry{key: math.MaxUint64}
		if more {
			next.key = old.key
		}
		if len(changes) > 0 {
			next.key = min(next.key, changes[0].key)
		}
		if more && old.key == next.key {
			next.n += old.n
			more = old.next()
		}
		for ; len(changes) > 0 && changes[0].key == next.key; changes = changes[1:] {
			next.n += changes[0].n
		}
		merged.write(next)
	}
	s.changes, s.numbers = nil, nil
	s.setEntries(merged.b)
}

// Expand keeps the entries decoded from now on: queries become faster, and each entry takes
// 16 bytes more.
func (s *Sheet) Expand() {
	expanded := make([]entry, 0, len(s.entries)/3)
	for e := (entryReader{b: s.entries}); e.next(); {
		expanded = append(expanded, e.entry)
	}
	s.expanded = slices.Clip(expanded)
}

// reader returns a reader of the entries.
func (s *Sheet) reader() entryReader {
	if s.expanded != nil {
		return entryReader{expanded: s.expanded}
	}
	return entryReader{b: s.entries}
}

// Day holds the sheets of one day. The zero Day counts nothing.
type Day struct{ Sheets [Kinds]Sheet }

// IsEmpty reports whether the day counts nothing.
func (d *Day) IsEmpty() bool { return d.Sheets[Totals].IsEmpty() && d.Sheets[Counts].IsEmpty() }

// AddMessage adds a message that was triggered on the day. It uses buf for the message's units,
// and returns it for the next one.
func (d *Day) AddMessage(m *smsplus.Message, buf []smsplus.Unit) []smsplus.Unit {
	quarter := QuarterOf(microtime.Of(m.TriggeredAt))
	buf = smsplus.AppendUnits(buf[:0], m)
	d.Add(int(quarter-DayOf(quarter)*Quarters), m.Template, m.Scenario, buf, 1)
	return buf
}

// Add adds n messages that were triggered in a quarter of the day, 0 to 95. Units are theirs.
// It takes effect with the next Merge.
func (d *Day) Add(quarter int, template, scenario string, units []smsplus.Unit, n int64) {
	g := units[0].Status.Group()
	for i := range units {
		u := &units[i]
		total := label{isAttempt: i > 0, channel: u.Channel}
		full := label{isAttempt: i > 0, channel: u.Channel, reason: u.Reason, template: template, scenario: scenario}
		detail := countDetail(u.Count, g)
		d.Sheets[Totals].add(quarter, total, detail, n)
		d.Sheets[Counts].add(quarter, full, detail, n)
		if u.IsTimed {
			detail := int(u.Time) | int(g)<<groupShift
			d.Sheets[TotalTimes].add(quarter, total, detail, n)
			d.Sheets[Times].add(quarter, full, detail, n)
		}
	}
}

// AddDay adds what a merged o counts. It takes effect with the next Merge.
func (d *Day) AddDay(o *Day) {
	for i := range d.Sheets {
		d.Sheets[i].addSheet(&o.Sheets[i])
	}
}

func (s *Sheet) addSheet(o *Sheet) {
	numbers := make([]int, len(o.labels)) // in s
	for i := range o.labels {
		numbers[i] = s.numberOf(o.labels[i])
	}
	for e := o.reader(); e.next(); {
		s.changes = append(s.changes, entry{newEntryKey(e.key.quarter(), numbers[e.key.labelNumber()], e.key.detail()), e.n})
	}
}

// Keep removes what a merged d counts, except in the quarters for which keep returns true.
func (d *Day) Keep(keep func(quarter int) bool) {
	for i := range d.Sheets {
		s := &d.Sheets[i]
		kept := entryWriter{b: make([]byte, 0, len(s.entries))}
		for e := s.reader(); e.next(); {
			if keep(e.key.quarter()) {
				kept.write(e.entry)
			}
		}
		s.setEntries(kept.b)
	}
}

// Sum returns a sheet that counts in the first quarter what a merged s counts in all. It is
// for a day on which the query [Query.IsUniform], and has few entries.
func (s *Sheet) Sum() *Sheet {
	sum := &Sheet{labels: s.labels}
	for e := s.reader(); e.next(); {
		sum.changes = append(sum.changes, entry{newEntryKey(0, e.key.labelNumber(), e.key.detail()), e.n})
	}
	sum.merge()
	return sum
}

// setEntries replaces the entries.
func (s *Sheet) setEntries(b []byte) {
	s.entries = b
	if s.expanded != nil {
		s.Expand()
	}
}

// Merge makes all calls of Add and AddDay take effect.
func (d *Day) Merge() {
	for i := range d.Sheets {
		d.Sheets[i].merge()
	}
}
