package daysheet

import (
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Query adds days to the sums of a filter and a grouping.
type Query struct {
	*smsplus.GroupSums
	filter   smsplus.Filter
	grouping smsplus.Grouping
	// Quarters is the range of quarters that the filter's range does not cut.
	Quarters microtime.Range
	// Edges are the ranges of microseconds whose messages must be read instead. They are the
	// rest of the filter's range, and quarters in which a day or an hour of the zone begins.
	Edges []microtime.Range

	seen map[int64]bool // the days whose edges were added
}

// HasCounters reports whether stores keep counters by all fields of f: its range, template,
// channel and group. They keep none by what is one person's, or is rarely asked for.
func HasCounters(f smsplus.Filter) bool {
	return f == smsplus.Filter{
		From: f.From, To: f.To, Template: f.Template, Channel: f.Channel, Group: f.Group, Limit: f.Limit, After: f.After,
	}
}

// NewQuery returns a query without any counts yet. It returns false if the sheets do not
// tell what the filter selects.
func NewQuery(f smsplus.Filter, g smsplus.Grouping) (*Query, bool) {
	if !HasCounters(f) {
		return nil, false
	}
	q := &Query{GroupSums: g.NewSums(f), filter: f, grouping: g, seen: map[int64]bool{}}
	r := microtime.RangeOf(f.From, f.To)
	q.Quarters = microtime.Range{From: QuarterOf(r.From + Quarter - 1), To: QuarterOf(r.To)}
	switch {
	case r.Empty():
		q.Quarters = microtime.Range{}
	case q.Quarters.Empty():
		q.Quarters, q.Edges = microtime.Range{}, []microtime.Range{r}
	default:
		q.addEdge(microtime.Range{From: r.From, To: q.Quarters.From * Quarter})
		q.addEdge(microtime.Range{From: q.Quarters.To * Quarter, To: r.To})
	}
	return q, true
}

func (q *Query) addEdge(r microtime.Range) {
	if !r.Empty() {
		q.Edges = append(q.Edges, r)
	}
}

// Days returns the range of days with quarters of the query.
func (q *Query) Days() microtime.Range {
	if q.Quarters.Empty() {
		return microtime.Range{}
	}
	return microtime.Range{From: DayOf(q.Quarters.From), To: DayOf(q.Quarters.To-1) + 1}
}

// Kinds returns the sheets that the query reads.
func (q *Query) Kinds() []Kind {
	counts, times := Totals, TotalTimes
	if q.filter.Template != "" || q.grouping.By&(smsplus.ByTemplate|smsplus.ByScenario|smsplus.ByReason) != 0 {
		counts, times = Counts, Times
	}
	if q.grouping.Times {
		return []Kind{counts, times}
	}
	return []Kind{counts}
}

// AddSheet adds a sheet of a day.
func (q *Query) AddSheet(day int64, k Kind, s *Sheet) {
	starts := q.startsOf(day, !q.seen[day])
	q.seen[day] = true
	rows := make([]*smsplus.GroupStats, len(s.labels))
	wanted := make([]bool, len(s.labels))
	for i := range s.labels {
		wanted[i] = q.selects(&s.labels[i])
	}
	quarter, isCounted := -1, false
	var start time.Time
	for e := s.reader(); e.next(); {
		if at := e.key.quarter(); at != quarter {
			quarter = at
			if isCounted = starts[at].isCounted; !isCounted {
				continue
			}
			if next := starts[at].start; !next.Equal(start) {
				start = next
				clear(rows)
			}
		}
		if !isCounted {
			continue
		}
		number, detail := e.key.labelNumber(), e.key.detail()
		if !wanted[number] || q.filter.Group != status.All && detailGroup(detail) != q.filter.Group {
			continue
		}
		row := rows[number]
		if row == nil {
			l := &s.labels[number]
			row = q.Row(smsplus.GroupStats{
				Template: l.template, Scenario: l.scenario, Channel: l.channel, Reason: l.reason, Start: start,
			})
			rows[number] = row
		}
		if k.HasTimes() {
			row.Times.AddClass(smsplus.DurationClass(detail), int(e.n))
		} else {
			row.AddCount(detailCount(detail), int(e.n))
		}
	}
}

// IsUniform reports whether the query counts all quarters of a day, and tells none from
// another.
func (q *Query) IsUniform(day int64) bool {
	starts := q.startsOf(day, false)
	return !slices.ContainsFunc(starts[:], func(s quarterStart) bool { return !s.isCounted || !s.start.Equal(starts[0].start) })
}

// selects reports whether the query counts units of the label.
func (q *Query) selects(l *label) bool {
	return l.isAttempt == q.CountsAttempts() &&
		(q.filter.Template == "" || l.template == q.filter.Template) &&
		(q.filter.Channel == "" || l.channel == q.filter.Channel)
}

// quarterStart is the Start of the messages of a quarter, if it is counted: it is in the
// range, and has one Start.
type quarterStart struct {
	start     time.Time
	isCounted bool
}

// startsOf returns the Start of each quarter of a day. With addEdges, the quarters in the
// range that have more than one become edges.
func (q *Query) startsOf(day int64, addEdges bool) (starts [Quarters]quarterStart) {
	const seconds = 15 * 60
	first := day * Quarters
	offset, regular := q.offsetOf(day)
	period := int64(0) // the length of an hour or a day in seconds
	switch {
	case q.grouping.By.Has(smsplus.ByHour):
		period = 60 * 60
	case q.grouping.By.Has(smsplus.ByDay):
		period = 24 * 60 * 60
	}
	for i := max(0, q.Quarters.From-first); i < min(Quarters, q.Quarters.To-first); i++ {
		local := (first+i)*seconds + offset
		if period == 0 {
			starts[i] = quarterStart{isCounted: true}
			continue
		}
		if regular && i > 0 && starts[i-1].isCounted && local%period != 0 {
			starts[i] = starts[i-1]
			continue
		}
		at := microtime.Time((first + i) * Quarter)
		start := q.grouping.Start(at)
		if !regular && !start.Equal(q.grouping.Start(at.Add(seconds*time.Second-time.Microsecond))) {
			if addEdges {
				q.addEdge(microtime.Range{From: (first + i) * Quarter, To: (first + i + 1) * Quarter})
			}
			continue
		}
		starts[i] = quarterStart{start, true}
	}
	return starts
}

// offsetOf returns the zone's offset in seconds on a day (UTC). A day is regular if the offset
// does not change on it, and is a whole number of quarters.
func (q *Query) offsetOf(day int64) (seconds int64, regular bool) {
	first := microtime.Time(day * Quarters * Quarter).In(q.zone())
	_, offset := first.Zone()
	_, change := first.ZoneBounds()
	return int64(offset), offset%(15*60) == 0 && (change.IsZero() || change.Sub(first) >= 24*time.Hour)
}

func (q *Query) zone() *time.Location {
	if q.grouping.Zone == nil {
		return time.UTC
	}
	return q.grouping.Zone
}
