package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/internal/sqlquery"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Statistics of whole hours come from the table of totals, where they are kept by
// hour and by day, and from the deltas that are not in it yet; those of the hours that
// a range cuts are counted. One statement asks for all of it, so that it is one moment's.

// spans are what the totals are kept by, in hours: a quarter of a year is eleven
// stretches of eight days and at most fourteen days at its ends. Each divides the next.
var spans = []int32{1, 24, 8 * 24}

// Stats implements [smsplus.Store]. With a phone number or a country code it counts
// messages, however many there are; without, a range costs no more than its days.
func (s *Store) Stats(ctx context.Context, f smsplus.Filter) (rows []smsplus.TemplateStats, err error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	var sql string
	var args []any
	if f.Phone.IsZero() && f.CountryCode == "" {
		sql, args = s.totalsQuery(f)
	} else if sql, args, err = s.recountQuery(f); err != nil {
		return nil, fmt.Errorf("pgstore: stats: %w", err)
	}
	if sql == "" {
		return nil, nil
	}
	err = s.retry(ctx, "stats", func(ctx context.Context) error {
		rows, err = s.sumRows(ctx, f, sql, args)
		return err
	})
	return rows, err
}

// sumRows adds up rows of a template with either a tally and how often there is one, or
// the counts themselves.
func (s *Store) sumRows(ctx context.Context, f smsplus.Filter, sql string, args []any) ([]smsplus.TemplateStats, error) {
	found, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	sums := map[string]smsplus.TemplateStats{}
	var (
		template, tally string
		n               int
		total           smsplus.TemplateStats
	)
	into := []any{&template, &tally, &n}
	columns := countFields(&total)
	for _, count := range columns[:len(columns)-1] {
		into = append(into, count)
	}
	_, err = pgx.ForEachRow(found, into, func() error {
		sum := sums[template]
		sum.Template = template
		if tally == "" {
			total.Triggered = total.Preparing + total.Accepted + total.Failed + total.Undeliverable + total.Delivered
			sums[template] = sum.Plus(total)
			return nil
		}
		m, err := decodeTally(tally)
		if err == nil && f.Group.Has(m.Status) {
			sums[template] = sum.Plus(templateStats(m, f.Channel, n))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(sums, func(_ string, sum smsplus.TemplateStats) bool { return sum.Triggered == 0 })
	return slices.SortedFunc(maps.Values(sums), func(a, b smsplus.TemplateStats) int {
		return strings.Compare(a.Template, b.Template)
	}), nil
}

// recountQuery asks for the tallies of all messages that f selects.
func (s *Store) recountQuery(f smsplus.Filter) (sql string, args []any, err error) {
	f.Channel = "" // attempts are counted from the tally
	q := sqlquery.NewArgs[any](sqlquery.Numbered)
	conditions, err := s.filterConditions(q, f)
	if err != nil {
		return "", nil, err
	}
	var where sqlquery.Conditions
	for _, c := range conditions {
		where.Add(c.render(map[string]string{"message": "m", "state": "s"}[c.tables[0]]))
	}
	return s.layout.render("stats_recount", params{Where: where.Where()}), q.Values(), nil
}

// totalsQuery asks for totals, deltas and the tallies of the hours that f's range cuts; it
// returns "" for a range that is empty.
func (s *Store) totalsQuery(f smsplus.Filter) (sql string, args []any) {
	hours, cuts := splitRange(f.From, f.To)
	if hours.from >= hours.to && len(cuts) == 0 {
		return "", nil
	}
	q := sqlquery.NewArgs[any](sqlquery.Numbered)
	template, tab := "", ""
	if f.Template != "" {
		template = "template = " + q.Add(f.Template)
	}
	if f.Group != status.All {
		tab = fmt.Sprint("tab = ", uint8(f.Group))
	}
	var parts []string
	part := func(file string, conditions ...string) {
		var where sqlquery.Conditions
		for _, c := range conditions {
			if c != "" {
				where.Add(c)
			}
		}
		parts = append(parts, s.layout.render(file, params{Where: where.Where()}))
	}
	if hours.from < hours.to {
		channel := "channel = " + q.Add(string(f.Channel))
		for _, t := range hours.spanRanges() {
			part("stats_totals", channel, fmt.Sprint("span = ", t.span), fmt.Sprint("start >= ", t.from), fmt.Sprint("start < ", t.to), tab, template)
		}
		part("stats_deltas", fmt.Sprint("hour >= ", hours.from), fmt.Sprint("hour < ", hours.to), template)
	}
	for _, c := range cuts {
		part("stats_states", "tab IN (1, 2, 3, 4)", tab, "triggered_at >= "+q.Add(c.from), "triggered_at < "+q.Add(c.to), template)
	}
	return strings.Join(parts, "\nUNION ALL\n"), q.Values()
}

// interval is from ≤ t < to.
type interval[T any] struct{ from, to T }

// hours are hours since 1970.
type hours interval[int32]

// spanRange is a stretch of one of the totals' spans.
type spanRange struct {
	span, from, to int32
}

// spanRanges divides hours into as long spans as there are.
func (h hours) spanRanges() []spanRange { return appendSpanRanges(nil, h, spans) }

func appendSpanRanges(ts []spanRange, h hours, spans []int32) []spanRange {
	if h.from >= h.to {
		return ts
	}
	last := len(spans) - 1
	span := spans[last]
	from, to := -spanIndex(-h.from, span), spanIndex(h.to, span)
	if from >= to {
		return appendSpanRanges(ts, h, spans[:last])
	}
	ts = append(ts, spanRange{span, from, to})
	if last > 0 {
		ts = appendSpanRanges(ts, hours{h.from, from * span}, spans[:last])
		ts = appendSpanRanges(ts, hours{to * span, h.to}, spans[:last])
	}
	return ts
}

// spanIndex returns how many whole spans an hour since 1970 is after that.
func spanIndex(hour, span int32) int32 { return int32(floorDiv(int64(hour), int64(span))) }

// These are before and after all hours, and at the edge of every span.
const (
	minHour = -1 << 30 / (8 * 24) * (8 * 24)
	maxHour = 1 << 30 / (8 * 24) * (8 * 24)
)

// splitRange returns the whole hours of a range, and what it has of others. A zero
// time is no bound.
func splitRange(from, to time.Time) (whole hours, cuts []interval[time.Time]) {
	whole = hours{minHour, maxHour}
	start, end := ceilMicrosecond(from).UTC(), ceilMicrosecond(to).UTC()
	if !from.IsZero() {
		whole.from = hourOf(start.Add(time.Hour - time.Microsecond))
	}
	if !to.IsZero() {
		whole.to = hourOf(end)
	}
	if whole.from >= whole.to && !from.IsZero() && !to.IsZero() {
		return hours{}, []interval[time.Time]{{start, end}}
	}
	if edge := startOfHour(whole.from); !from.IsZero() && start.Before(edge) {
		cuts = append(cuts, interval[time.Time]{start, edge})
	}
	if edge := startOfHour(whole.to); !to.IsZero() && edge.Before(end) {
		cuts = append(cuts, interval[time.Time]{edge, end})
	}
	return whole, cuts
}

func startOfHour(h int32) time.Time { return time.Unix(int64(h)*int64(time.Hour/time.Second), 0).UTC() }
