package smsplus

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Grouping says by what [Store.StatsBy] groups its counts. The zero Grouping counts all in
// one row.
type Grouping struct {
	By Dimensions
	// Zone is the time zone of hours and days. Defaults to UTC.
	Zone *time.Location
	// Times asks for the times to delivery as well.
	Times bool
}

// Dimensions are a set of what statistics may be grouped by: ByTemplate | ByDay.
type Dimensions uint8

const (
	// ByTemplate groups by Message.Template.
	ByTemplate Dimensions = 1 << iota
	// ByScenario groups by Message.Scenario.
	ByScenario
	// ByChannel counts attempts instead of messages, and groups them by Attempt.Channel.
	ByChannel
	// ByReason groups by the reason why a message, or an attempt, did not arrive. An attempt
	// that is Failed or Undeliverable has its Attempt.Reason. A message that is Failed or
	// Undeliverable has the reason of its last attempt. All others have none.
	ByReason
	// ByHour groups by the hour of the trigger time. Not with ByDay.
	ByHour
	// ByDay groups by the day of the trigger time.
	ByDay

	allDimensions = ByTemplate | ByScenario | ByChannel | ByReason | ByHour | ByDay
)

// Has reports whether all dimensions of o are in d.
func (d Dimensions) Has(o Dimensions) bool { return d&o == o }

// dimensionNames are the words of [Dimensions.String] and [ParseDimensions], in order of
// the bits.
var dimensionNames = []string{"template", "scenario", "channel", "reason", "hour", "day"}

// String returns the words of the dimensions between commas: "template,day".
func (d Dimensions) String() string {
	var words []string
	for i, word := range dimensionNames {
		if d.Has(1 << i) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ",")
}

// ParseDimensions is the inverse of [Dimensions.String]. The words may be in any order.
func ParseDimensions(s string) (Dimensions, error) {
	var d Dimensions
	if s == "" {
		return d, nil
	}
	for word := range strings.SplitSeq(s, ",") {
		i := slices.Index(dimensionNames, word)
		if i < 0 {
			return 0, fmt.Errorf("%w: Grouping.By: a word is none of %s (%d characters)",
				ErrInvalidFilter, strings.Join(dimensionNames, ", "), len(word))
		}
		d |= 1 << i
	}
	return d, nil
}

// Check returns an error that wraps [ErrInvalidFilter] if g groups by the hour and by the
// day, or by a dimension that does not exist.
func (g Grouping) Check() error {
	var bad errorList
	if g.By.Has(ByHour | ByDay) {
		bad.add("%w: Grouping.By: the hour and the day exclude each other", ErrInvalidFilter)
	}
	if unknown := g.By &^ allDimensions; unknown != 0 {
		bad.add("%w: Grouping.By: %d does not exist", ErrInvalidFilter, unknown)
	}
	return errors.Join(bad...)
}

// zone returns the time zone of hours and days.
func (g Grouping) zone() *time.Location { return cmp.Or(g.Zone, time.UTC) }

// GroupStats counts one group of messages. With a channel filter, or grouped by channel, it
// counts attempts that the filter matches, each on its own. So the Delivered of
// rows by channel and template say where deliveries came from. The Failed and Undeliverable of
// rows by reason and channel say why attempts did not arrive. They count such attempts of a
// message that arrived otherwise too. Filter.Group selects by the message's status.
type GroupStats struct {
	// Template, Scenario, Channel and Reason are what the group has in common. A field is
	// zero where the Grouping has no such dimension.
	Template string
	Scenario string
	Channel  channel.Name
	Reason   status.Reason
	// Start is the first instant of the hour or the day, in Grouping.Zone. Where a change of
	// the clocks cuts an hour, the part after the change is an hour of its own. A day is all
	// instants of its date.
	Start time.Time

	// Triggered and the counts below are those of [TemplateStats].
	Triggered                                             int
	Preparing, Accepted, Failed, Undeliverable, Delivered int
	Read                                                  int
	DeliveredTwice                                        int

	// Times are the times to delivery of what is Delivered, if Grouping.Times asks for them. A
	// message is timed from its TriggeredAt to its DeliveredAt, an attempt from its StartedAt to
	// its DeliveredAt. A delivery before that counts as 0. Where one of the two times is zero,
	// nothing is timed.
	Times Durations
}

// Stats returns what [Store.StatsBy] returns of the messages that f selects, which ms
// yields. It is the definition that every store follows. The rows are in order of Start,
// Template, Scenario, Channel and Reason, texts by their bytes. No row is of nothing:
// Triggered is above 0. Of f, only what selects attempts matters here.
func (g Grouping) Stats(f Filter, ms iter.Seq[Message]) []GroupStats {
	sums := g.NewSums(f)
	for m := range ms {
		sums.Add(&m)
	}
	return sums.Rows()
}

// Unit is what grouped statistics count of a message itself, or of one of its attempts. It
// is for stores that keep counters.
type Unit struct {
	Count
	// Channel is an attempt's, and "" of a message itself.
	Channel channel.Name
	// Reason is the reason by which it is grouped.
	Reason status.Reason
	// IsTimed tells whether it has a time to delivery, and Time is the class of it.
	IsTimed bool
	Time    DurationClass
}

// AppendUnits appends the units of m: m itself, and then each of its attempts.
func AppendUnits(units []Unit, m *Message) []Unit {
	message := Unit{Count: CountMessage(m)}
	if n := len(m.Attempts); n > 0 {
		message.Reason = groupReason(m.Status, m.Attempts[n-1].Reason)
	}
	message.setTime(m.TriggeredAt, m.DeliveredAt)
	units = append(units, message)
	for i := range m.Attempts {
		a := &m.Attempts[i]
		attempt := Unit{
			Count: message.Attempt(a.Status, !a.ReadAt.IsZero()), Channel: a.Channel, Reason: groupReason(a.Status, a.Reason),
		}
		attempt.setTime(a.StartedAt, a.DeliveredAt)
		units = append(units, attempt)
	}
	return units
}

// setTime sets the time to delivery of what is Delivered.
func (u *Unit) setTime(from, delivered time.Time) {
	if u.Status == status.Delivered && !from.IsZero() && !delivered.IsZero() {
		u.IsTimed, u.Time = true, ClassOf(delivered.Sub(from))
	}
}

// GroupSums adds up the rows of [Store.StatsBy]. It is for stores. [Grouping.NewSums]
// returns an empty one.
type GroupSums struct {
	grouping Grouping
	filter   Filter
	units    []Unit // reused for every message
	rows     map[groupKey]*GroupStats
}

// NewSums returns empty sums of what f selects.
func (g Grouping) NewSums(f Filter) *GroupSums {
	return &GroupSums{grouping: g, filter: f, rows: map[groupKey]*GroupStats{}}
}

// CountsAttempts reports whether the attempts are counted instead of the messages.
func (s *GroupSums) CountsAttempts() bool {
	return s.filter.Channel != "" || s.grouping.By.Has(ByChannel)
}

// Add counts a message that the filter selects.
func (s *GroupSums) Add(m *Message) {
	s.units = AppendUnits(s.units[:0], m)
	matching := s.units[:1]
	for i, u := range s.units[1:] {
		if s.filter.MatchAttempt(m.Attempts[i]) {
			matching = append(matching, u)
		}
	}
	s.AddUnits(m.Template, m.Scenario, m.TriggeredAt, matching)
}

// AddUnits is Add of a message with the units, for a filter that selects attempts by no more
// than their channel.
func (s *GroupSums) AddUnits(template, scenario string, triggeredAt time.Time, units []Unit) {
	if s.CountsAttempts() {
		units = units[1:]
	} else {
		units = units[:1]
	}
	start := s.grouping.Start(triggeredAt)
	for i := range units {
		u := &units[i]
		if s.filter.Channel != "" && u.Channel != s.filter.Channel {
			continue
		}
		row := s.Row(GroupStats{Template: template, Scenario: scenario, Channel: u.Channel, Reason: u.Reason, Start: start})
		row.AddCount(u.Count, 1)
		if s.grouping.Times && u.IsTimed {
			row.Times.AddClass(u.Time, 1)
		}
	}
}

// Row returns the row of a group, to which the caller may add. The group is named by the
// fields of key up to Start. A dimension that the grouping lacks is ignored.
func (s *GroupSums) Row(key GroupStats) *GroupStats {
	by := s.grouping.By
	var k groupKey
	if by.Has(ByTemplate) {
		k.Template = key.Template
	}
	if by.Has(ByScenario) {
		k.Scenario = key.Scenario
	}
	if by.Has(ByChannel) {
		k.Channel = key.Channel
	}
	if by.Has(ByReason) {
		k.Reason = key.Reason
	}
	if by&(ByHour|ByDay) != 0 {
		k.Start = key.Start
	}
	row := s.rows[k]
	if row == nil {
		row = &GroupStats{Template: k.Template, Scenario: k.Scenario, Channel: k.Channel, Reason: k.Reason, Start: k.Start}
		s.rows[k] = row
	}
	return row
}

// Rows returns the rows in their order, without those of nothing.
func (s *GroupSums) Rows() []GroupStats {
	rows := make([]GroupStats, 0, len(s.rows))
	for _, row := range s.rows {
		if row.Triggered != 0 {
			rows = append(rows, *row)
		}
	}
	slices.SortFunc(rows, func(a, b GroupStats) int {
		return cmp.Or(
			a.Start.Compare(b.Start), strings.Compare(a.Template, b.Template), strings.Compare(a.Scenario, b.Scenario),
			strings.Compare(string(a.Channel), string(b.Channel)), strings.Compare(string(a.Reason), string(b.Reason)),
		)
	})
	return rows
}

// groupKey is the identity of a group.
type groupKey struct {
	Template, Scenario string
	Channel            channel.Name
	Reason             status.Reason
	Start              time.Time
}

// AddCount adds n times c, which may be negative.
func (s *GroupStats) AddCount(c Count, n int) {
	s.Triggered += n
	switch c.Status {
	case status.Preparing:
		s.Preparing += n
	case status.Accepted:
		s.Accepted += n
	case status.Failed:
		s.Failed += n
	case status.Undeliverable:
		s.Undeliverable += n
	case status.Delivered:
		s.Delivered += n
	}
	if c.Read {
		s.Read += n
	}
	if c.DeliveredTwice {
		s.DeliveredTwice += n
	}
}

// groupReason returns the reason by which a message or an attempt is grouped.
func groupReason(st status.Status, r status.Reason) status.Reason {
	if st == status.Failed || st == status.Undeliverable {
		return r
	}
	return ""
}

// Start returns the [GroupStats].Start of a trigger time. It is zero without hours and days.
func (g Grouping) Start(t time.Time) time.Time {
	switch {
	case g.By.Has(ByHour):
		return startOfHour(t.In(g.zone()))
	case g.By.Has(ByDay):
		return startOfDay(t.In(g.zone()))
	}
	return time.Time{}
}

// startOfHour returns the first instant of the hour of t in its zone, or the change of the
// clocks that cut it off.
func startOfHour(t time.Time) time.Time {
	into := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	start := t.Add(-into)
	if change, _ := t.ZoneBounds(); !change.IsZero() && start.Before(change) {
		return change.In(t.Location())
	}
	return start
}

// startOfDay returns the first instant of the date of t in its zone. A change of the clocks
// may skip midnight, or repeat it.
func startOfDay(t time.Time) time.Time {
	year, month, day := t.Date()
	isThatDay := func(t time.Time) bool {
		y, m, d := t.Date()
		return y == year && m == month && d == day
	}
	midnight := time.Date(year, month, day, 0, 0, 0, 0, t.Location())
	if !isThatDay(midnight) { // skipped
		_, end := midnight.ZoneBounds()
		return end.In(t.Location())
	}
	change, _ := midnight.ZoneBounds()
	if change.IsZero() {
		return midnight
	}
	change = change.In(t.Location())
	if last := change.Add(-time.Nanosecond); isThatDay(last) { // it began before the change
		into := time.Duration(last.Hour())*time.Hour + time.Duration(last.Minute())*time.Minute +
			time.Duration(last.Second())*time.Second + time.Duration(last.Nanosecond())
		return last.Add(-into)
	}
	return midnight
}
