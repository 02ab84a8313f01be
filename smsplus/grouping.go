package smsplus

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
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

// countsAttempts reports whether the statistics of f count attempts instead of messages.
func (g Grouping) countsAttempts(f Filter) bool { return f.Channel != "" || g.By.Has(ByChannel) }

// zone returns the time zone of hours and days.
func (g Grouping) zone() *time.Location { return cmp.Or(g.Zone, time.UTC) }

// GroupStats counts one group of messages. With a channel filter, or grouped by channel, it
// counts attempts that the filter matches, each on its own. So the Delivered of
// rows by channel and template say where deliveries came from. The Failed and Undeliverable of
// rows by reason and channel say why attempts did not arrive, also those of a message that
// arrived otherwise; Filter.Group selects by the message's status.
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
	sums := groupSums{}
	for m := range ms {
		g.addMessage(sums, f, &m)
	}
	return sums.rows()
}

// addMessage adds what the statistics of f count of a message.
func (g Grouping) addMessage(sums groupSums, f Filter, m *Message) {
	key := g.key(m)
	count := CountMessage(m)
	if !g.countsAttempts(f) {
		if n := len(m.Attempts); n > 0 && g.By.Has(ByReason) {
			key.Reason = groupReason(m.Status, m.Attempts[n-1].Reason)
		}
		g.addTimed(sums.group(key), count, m.TriggeredAt, m.DeliveredAt)
		return
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if !f.MatchAttempt(*a) {
			continue
		}
		key := key
		if g.By.Has(ByChannel) {
			key.Channel = a.Channel
		}
		if g.By.Has(ByReason) {
			key.Reason = groupReason(a.Status, a.Reason)
		}
		g.addTimed(sums.group(key), count.Attempt(a.Status, !a.ReadAt.IsZero()), a.StartedAt, a.DeliveredAt)
	}
}

// key returns the group of a message, without a channel and a reason.
func (g Grouping) key(m *Message) groupKey {
	key := groupKey{Start: g.startOf(m.TriggeredAt)}
	if g.By.Has(ByTemplate) {
		key.Template = m.Template
	}
	if g.By.Has(ByScenario) {
		key.Scenario = m.Scenario
	}
	return key
}

// addTimed adds one message or attempt.
func (g Grouping) addTimed(s *groupSum, c Count, from, delivered time.Time) {
	s.counts.AddCount(c, 1)
	if g.Times && c.Status == status.Delivered && !from.IsZero() && !delivered.IsZero() {
		s.times.Add(delivered.Sub(from), 1)
	}
}

// groupReason returns the reason by which a message or an attempt is grouped.
func groupReason(st status.Status, r status.Reason) status.Reason {
	if st == status.Failed || st == status.Undeliverable {
		return r
	}
	return ""
}

// startOf returns the Start of the group of a trigger time.
func (g Grouping) startOf(t time.Time) time.Time {
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

// groupKey is the identity of a group.
type groupKey struct {
	Template, Scenario string
	Channel            channel.Name
	Reason             status.Reason
	Start              time.Time
}

// groupSum are the sums of one group.
type groupSum struct {
	counts TemplateStats
	times  Durations
}

// groupSums are the sums of each group.
type groupSums map[groupKey]*groupSum

// group returns the sums of a group.
func (s groupSums) group(key groupKey) *groupSum {
	sum := s[key]
	if sum == nil {
		sum = new(groupSum)
		s[key] = sum
	}
	return sum
}

// rows returns the sums in their order.
func (s groupSums) rows() []GroupStats {
	keys := slices.SortedFunc(maps.Keys(s), func(a, b groupKey) int {
		return cmp.Or(
			a.Start.Compare(b.Start), strings.Compare(a.Template, b.Template), strings.Compare(a.Scenario, b.Scenario),
			strings.Compare(string(a.Channel), string(b.Channel)), strings.Compare(string(a.Reason), string(b.Reason)),
		)
	})
	rows := make([]GroupStats, 0, len(keys))
	for _, key := range keys {
		c := s[key].counts
		if c.Triggered == 0 {
			continue
		}
		rows = append(rows, GroupStats{
			Template: key.Template, Scenario: key.Scenario, Channel: key.Channel, Reason: key.Reason, Start: key.Start,
			Triggered: c.Triggered, Preparing: c.Preparing, Accepted: c.Accepted, Failed: c.Failed,
			Undeliverable: c.Undeliverable, Delivered: c.Delivered, Read: c.Read, DeliveredTwice: c.DeliveredTwice,
			Times: s[key].times,
		})
	}
	return rows
}
