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

// Statistics have three sources. Whole hours come from the table of totals, and from the
// deltas that are not folded into it yet. The parts of hours at the ends of a range are
// counted from the messages' states. One statement reads all three, so that they are of
// one moment.

// spans are the lengths of time, in hours, for which the table has totals. Each divides the
// next. A quarter of a year is eleven spans of eight days, and at most fourteen days at its
// ends.
var spans = []int32{1, 24, 8 * 24}

// Stats implements [smsplus.Store]. With a phone number or a country code it counts the
// messages themselves, however many there are. Otherwise the cost of a range grows with its
// days.
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

// sumRows runs a statement and adds up its rows by template. A row has either a tally and
// the number of messages with it, or the counts themselves.
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
	targets := []any{&template, &tally, &n}
	columns := countFields(&total)
	for _, count := range columns[:len(columns)-1] { // all but Triggered
		targets = append(targets, count)
	}
	_, err = pgx.ForEachRow(found, targets, func() error {
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

// recountQuery returns sql/stats_recount.sql for all messages that match f.
func (s *Store) recountQuery(f smsplus.Filter) (sql string, values []any, err error) {
	f.Channel = "" // the tally has the attempts of all channels
	args := sqlquery.NewArgs[any](sqlquery.Numbered)
	conditions, err := s.filterConditions(args, f)
	if err != nil {
		return "", nil, err
	}
	var where sqlquery.Conditions
	for _, c := range conditions {
		where.Add(c.onTable(map[string]string{"message": "m", "state": "s"}[c.tables[0]]))
	}
	return s.layout.render("stats_recount", params{Where: where.Where()}), args.Values(), nil
}

// totalsQuery returns a statement that reads the totals, the deltas, and the states of the
// parts of hours at the ends of f's range. It returns "" for an empty range.
func (s *Store) totalsQuery(f smsplus.Filter) (sql string, values []any) {
	hours, partialHours := splitRange(f.From, f.To)
	if hours.from >= hours.to && len(partialHours) == 0 {
		return "", nil
	}
	args := sqlquery.NewArgs[any](sqlquery.Numbered)
	template, tab := "", ""
	if f.Template != "" {
		template = "template = " + args.Add(f.Template)
	}
	if f.Group != status.All {
		tab = fmt.Sprint("tab = ", uint8(f.Group))
	}
	var selects []string
	addSelect := func(file string, conditions ...string) {
		var where sqlquery.Conditions
		for _, c := range conditions {
			if c != "" {
				where.Add(c)
			}
		}
		selects = append(selects, s.layout.render(file, params{Where: where.Where()}))
	}
	if hours.from < hours.to {
		channel := "channel = " + args.Add(string(f.Channel))
		for _, t := range hours.spanRanges() {
			addSelect("stats_totals", channel, fmt.Sprint("span = ", t.span), fmt.Sprint("start >= ", t.from), fmt.Sprint("start < ", t.to), tab, template)
		}
		addSelect("stats_deltas", fmt.Sprint("hour >= ", hours.from), fmt.Sprint("hour < ", hours.to), template)
	}
	for _, p := range partialHours {
		addSelect("stats_states", "tab IN (1, 2, 3, 4)", tab, "triggered_at >= "+args.Add(p.from), "triggered_at < "+args.Add(p.to), template)
	}
	return strings.Join(selects, "\nUNION ALL\n"), args.Values()
}

// interval is the range from ≤ t < to.
type interval[T any] struct{ from, to T }

// hours are hours since 1970.
type hours interval[int32]

// spanRange is a range of totals of one span: from ≤ start < to, in spans since 1970.
type spanRange struct {
	span, from, to int32
}

// spanRanges divides hours into the longest spans that fit.
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

// spanIndex returns the span that contains an hour, in spans since 1970.
func spanIndex(hour, span int32) int32 { return int32(floorDiv(int64(hour), int64(span))) }

// minHour and maxHour are before and after all hours, and at edges of every span.
const (
	minHour = -1 << 30 / (8 * 24) * (8 * 24)
	maxHour = 1 << 30 / (8 * 24) * (8 * 24)
)

// splitRange divides a range into its whole hours, and the parts of hours at its ends. A
// zero time is no bound.
func splitRange(from, to time.Time) (whole hours, parts []interval[time.Time]) {
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
		parts = append(parts, interval[time.Time]{start, edge})
	}
	if edge := startOfHour(whole.to); !to.IsZero() && edge.Before(end) {
		parts = append(parts, interval[time.Time]{edge, end})
	}
	return whole, parts
}

func startOfHour(h int32) time.Time { return time.Unix(int64(h)*int64(time.Hour/time.Second), 0).UTC() }
