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

	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/microtime"
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
var spans = []int64{1, 24, 8 * 24}

// hourOf returns the hour since 1970 under which statistics count a time.
func hourOf(t time.Time) int32 { return int32(microtime.HourOf(microtime.Of(t))) }

// spanIndex returns the span that contains an hour, in spans since 1970.
func spanIndex(hour int32, span int64) int32 { return int32(microtime.FloorDiv(int64(hour), span)) }

// Stats implements [smsplus.Store]. The cost of a range grows with its days. If the filter
// has more than a range, a template, a channel and a group, it counts the messages
// themselves, however many there are.
func (s *Store) Stats(ctx context.Context, f smsplus.Filter) (rows []smsplus.TemplateStats, err error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	if f.ProviderID != "" {
		return s.countRecords(ctx, f)
	}
	var sql string
	var args []any
	if daysheet.HasCounters(f) {
		sql, args = s.totalsQuery(f)
	} else if sql, args, err = s.recountQuery(f); err != nil {
		return nil, fmt.Errorf("pgstore: stats: %w", err)
	}
	if sql == "" {
		return nil, nil
	}
	err = s.retryQuery(ctx, "stats", func(ctx context.Context) error {
		rows, err = s.sumRows(ctx, f, sql, args)
		return err
	})
	return rows, err
}

// countRecords counts the records that f matches. It is for a provider's ID, which few
// messages have, and which no tally tells.
func (s *Store) countRecords(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	sums := map[string]smsplus.TemplateStats{}
	f.Limit, f.After = 0, ""
	for {
		page, err := s.Records(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page.Messages {
			sum := sums[page.Messages[i].Template]
			sum.Template = page.Messages[i].Template
			sum.Add(page.Messages[i], f)
			sums[sum.Template] = sum
		}
		if f.After = page.Next; f.After == "" {
			return sortedByTemplate(sums), nil
		}
	}
}

// sortedByTemplate returns the rows that have any counts, in the order of their templates.
func sortedByTemplate(sums map[string]smsplus.TemplateStats) []smsplus.TemplateStats {
	maps.DeleteFunc(sums, func(_ string, sum smsplus.TemplateStats) bool { return sum.Triggered == 0 })
	return slices.SortedFunc(maps.Values(sums), func(a, b smsplus.TemplateStats) int {
		return strings.Compare(a.Template, b.Template)
	})
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
		tally, reasons, _ := strings.Cut(tally, "\n")
		m, err := decodeTally(tally)
		setReasons(&m, reasons)
		if err == nil && f.Group.Has(m.Status) {
			sum.AddMultiple(&m, f, n)
			sums[template] = sum
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return sortedByTemplate(sums), nil
}

// recountQuery returns sql/stats_recount.sql for all messages that match f. With a reason the
// rows have the reasons too, because they tell which attempts on a channel match.
func (s *Store) recountQuery(f smsplus.Filter) (sql string, values []any, err error) {
	if f.Reason == "" {
		f.Channel = "" // the tally has the attempts of all channels
	}
	args := sqlquery.NewArgs[any](sqlquery.Numbered)
	conditions, err := s.filterConditions(args, f, nil)
	if err != nil {
		return "", nil, err
	}
	var where, fence sqlquery.Conditions
	// Without a condition on the message itself, its state tells all.
	needsMessage := slices.ContainsFunc(conditions, func(c condition) bool { return !slices.Contains(c.tables, "state") })
	for _, c := range conditions {
		switch {
		case c.tables[0] == "state" || !needsMessage:
			where.Add(c.onTable("s"))
		case f.RecipientID != "":
			fence.Add(c.onTable("m"))
		default:
			where.Add(c.onTable("m"))
		}
	}
	return s.layout.render("stats_recount", params{Where: where.Where(), Fence: fence.Where(), StateOnly: !needsMessage, Reasons: f.Reason != ""}), args.Values(), nil
}

// totalsQuery returns a statement that reads the totals, the deltas, and the states of the
// parts of hours at the ends of f's range. Its text depends on which fields of f are set, and on
// no value, because each connection keeps a limited number of texts prepared. It returns "" for an
// empty range.
func (s *Store) totalsQuery(f smsplus.Filter) (sql string, values []any) {
	hours, edges := microtime.WholeHours(microtime.RangeOf(f.From, f.To))
	if hours.Empty() && len(edges) == 0 {
		return "", nil
	}
	args := sqlquery.NewArgs[any](sqlquery.Numbered)
	template, tab := "", ""
	if f.Template != "" {
		template = "template = " + args.Add(f.Template)
	}
	if f.Group != status.All {
		tab = "tab = " + args.Add(int16(f.Group))
	}
	var selects []string
	addSelect := func(file, periods string, conditions ...string) {
		var where sqlquery.Conditions
		for _, c := range conditions {
			if c != "" {
				where.Add(c)
			}
		}
		selects = append(selects, s.layout.render(file, params{Where: where.Where(), Periods: periods}))
	}
	var lengths, first, next []int64
	for _, t := range microtime.Tiers(hours, spans...) {
		lengths, first, next = append(lengths, t.Hours), append(first, t.From), append(next, t.To)
	}
	periods := fmt.Sprintf("unnest(%s::bigint[], %s::bigint[], %s::bigint[])", args.Add(lengths), args.Add(first), args.Add(next))
	addSelect("stats_totals", periods, "channel = "+args.Add(string(f.Channel)), "span = r.span", "start >= r.first", "start < r.next", tab, template)
	addSelect("stats_deltas", "", "hour >= "+args.Add(hours.From)+"::bigint", "hour < "+args.Add(hours.To)+"::bigint", template)
	// A range has two edges at most. An empty one, in place of a missing one, selects nothing.
	for _, edge := range slices.Concat(edges, make([]microtime.Range, 2))[:2] {
		from, to := microtime.Time(edge.From), microtime.Time(edge.To)
		addSelect("stats_states", "", "tab IN (1, 2, 3, 4)", tab, "triggered_at >= "+args.Add(from), "triggered_at < "+args.Add(to), template)
	}
	return strings.Join(selects, "\nUNION ALL\n"), args.Values()
}
