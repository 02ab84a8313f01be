// Package query answers the queries of admin pages. They are statistics per template, records in
// pages and the counts on their tabs, one record in full, what a text finds, and exports. It
// works on any [smsplus.Store] and takes its [smsplus.Filter].
//
// A [Reader] adds one rule to the store's: a range reaches back a number of calendar
// months, three by default, and no further. An export writes records while it reads them,
// so its length does not matter:
//
//	r := query.New(store, query.Options{Location: taipei})
//	failed := r.All(ctx, smsplus.Filter{Group: status.FailedGroup})
//	err := query.WriteCSV(w, failed, query.Export{BOM: true, Location: taipei})
package query

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Options configure a [Reader].
type Options struct {
	// Clock returns the current time. Defaults to the real clock.
	Clock smsplus.Clock
	// Location is the time zone whose midnights begin a day. Defaults to UTC, so that the
	// range does not depend on the machine.
	Location *time.Location
	// Region is the country of the numbers that are typed without their country code, in two
	// letters (ISO 3166-1), "TW". Defaults to none: [Reader.Find] then takes numbers with
	// their country code alone.
	Region string
	// Months is the number of calendar months that a range may reach back. Zero or less
	// means the default of 3.
	Months int
}

// Reader answers the queries of admin pages. It is safe for concurrent use.
//
// Every method that takes a filter applies the range rule to it. A zero Filter.From means
// [Reader.Earliest], and a From before that is a [*RangeError]. A zero Filter.To leaves the
// range open.
type Reader struct {
	store    smsplus.Store
	clock    smsplus.Clock
	location *time.Location
	region   string
	months   int
}

// New returns a Reader over the store.
func New(store smsplus.Store, o Options) *Reader {
	r := &Reader{store: store, clock: o.Clock, location: cmp.Or(o.Location, time.UTC), region: o.Region, months: o.Months}
	if r.clock == nil {
		r.clock = clock.New()
	}
	if r.months <= 0 {
		r.months = 3
	}
	return r
}

// Templates returns the statistics: a row for every template that was triggered in the
// range, in order of template ID. A template of which the filter's other fields, such as
// a channel, match nothing has a row of zeros. Limit and After are ignored.
func (r *Reader) Templates(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	f.Limit, f.After = 0, ""
	f, err := r.boundRange(f)
	if err != nil {
		return nil, err
	}
	counts, err := r.store.Stats(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("query: templates: %w", err)
	}
	unfiltered := smsplus.Filter{From: f.From, To: f.To, Template: f.Template}
	if f == unfiltered {
		return counts, nil
	}
	triggered, err := r.store.Stats(ctx, unfiltered)
	if err != nil {
		return nil, fmt.Errorf("query: templates: %w", err)
	}
	rows := make(map[string]smsplus.TemplateStats, len(triggered))
	for _, s := range triggered {
		rows[s.Template] = smsplus.TemplateStats{Template: s.Template}
	}
	for _, s := range counts {
		rows[s.Template] = s
	}
	return slices.SortedFunc(maps.Values(rows), func(a, b smsplus.TemplateStats) int {
		return strings.Compare(a.Template, b.Template)
	}), nil
}

// StatsBy returns the statistics of the range, grouped as [smsplus.Grouping] says. A nil
// Zone is [Options].Location. Limit and After are ignored. A group without messages has no
// row.
func (r *Reader) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	f.Limit, f.After = 0, ""
	f, err := r.boundRange(f)
	if err := errors.Join(err, g.Check()); err != nil {
		return nil, err
	}
	g.Zone = cmp.Or(g.Zone, r.location)
	rows, err := r.store.StatsBy(ctx, f, g)
	if err != nil {
		return nil, fmt.Errorf("query: stats: %w", err)
	}
	return rows, nil
}

// CountByGroup returns the number of records in each group: the counts on the tabs of a
// page. Every group has a count, also zero, and status.All has their sum. Group, Limit
// and After are ignored.
func (r *Reader) CountByGroup(ctx context.Context, f smsplus.Filter) (map[status.Group]int, error) {
	f.Group, f.Limit, f.After = status.All, 0, ""
	f, err := r.boundRange(f)
	if err != nil {
		return nil, err
	}
	counts := map[status.Group]int{status.All: 0}
	for _, g := range groups {
		counts[g] = 0
	}
	if f.Channel == "" {
		err = r.countMessages(ctx, f, counts)
	} else {
		err = r.countChannelMessages(ctx, f, counts)
	}
	if err != nil {
		return nil, fmt.Errorf("query: tabs: %w", err)
	}
	for _, g := range groups {
		counts[status.All] += counts[g]
	}
	return counts, nil
}

// groups are the groups except All. Each status belongs to exactly one of them.
var groups = slices.DeleteFunc(status.Groups(), func(g status.Group) bool { return g == status.All })

// countMessages adds the messages that f matches to the counts, with one query.
func (r *Reader) countMessages(ctx context.Context, f smsplus.Filter, counts map[status.Group]int) error {
	rows, err := r.store.Stats(ctx, f)
	for _, s := range rows {
		counts[status.Preparing.Group()] += s.Preparing
		counts[status.Accepted.Group()] += s.Accepted
		counts[status.Failed.Group()] += s.Failed
		counts[status.Undeliverable.Group()] += s.Undeliverable
		counts[status.Delivered.Group()] += s.Delivered
	}
	return err
}

// countChannelMessages adds the messages that f matches to the counts, with one query for
// each group. The statistics of a channel are by the status of its attempts, not of the
// messages. Their total is the number of messages, because a route has a channel once.
func (r *Reader) countChannelMessages(ctx context.Context, f smsplus.Filter, counts map[status.Group]int) error {
	for _, g := range groups {
		f.Group = g
		rows, err := r.store.Stats(ctx, f)
		if err != nil {
			return err
		}
		for _, s := range rows {
			counts[g] += s.Triggered
		}
	}
	return nil
}

// Records returns one page of records, newest trigger first. A page's Next is valid for
// the same filter. If its From is zero, Next also stays valid when midnight moves
// [Reader.Earliest].
func (r *Reader) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	bounded, err := r.boundRange(f)
	if err != nil {
		return smsplus.Page{}, err
	}
	page, err := r.store.Records(ctx, bounded)
	if err != nil {
		return smsplus.Page{}, fmt.Errorf("query: records: %w", err)
	}
	if page.Next, err = translateCursor(page.Next, bounded, f); err != nil {
		return smsplus.Page{}, fmt.Errorf("query: records: the store's cursor: %w", err)
	}
	return page, nil
}

// All returns every record that the filter matches, newest trigger first. It holds one
// page of Filter.Limit in memory. The range is bounded once, when ranging begins.
//
// A record that cannot be read is yielded in its place, with its ID alone and an error that
// wraps [smsplus.ErrUnreadable], and the list continues. Any other error is yielded with a
// zero message and ends the list. The end of ctx is such an error.
func (r *Reader) All(ctx context.Context, f smsplus.Filter) iter.Seq2[smsplus.Message, error] {
	return func(yield func(smsplus.Message, error) bool) {
		f, err := r.boundRange(f)
		if err != nil {
			yield(smsplus.Message{}, err)
			return
		}
		for {
			page, err := r.store.Records(ctx, f)
			if err != nil {
				yield(smsplus.Message{}, fmt.Errorf("query: all: %w", err))
				return
			}
			for m, unreadable := range recordsOf(page) {
				if err := ctx.Err(); err != nil {
					yield(smsplus.Message{}, fmt.Errorf("query: all: %w", err))
					return
				}
				if !yield(m, unreadable) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			f.After = page.Next
		}
	}
}

// recordsOf yields the records of a page in order. One that cannot be read is yielded as
// [Reader.All] says.
func recordsOf(p smsplus.Page) iter.Seq2[smsplus.Message, error] {
	return func(yield func(smsplus.Message, error) bool) {
		ms, us := p.Messages, p.Unreadable
		for len(ms)+len(us) > 0 {
			if len(us) == 0 || len(ms) > 0 && !isNewer(us[0], ms[0]) {
				if !yield(ms[0], nil) {
					return
				}
				ms = ms[1:]
				continue
			}
			if !yield(smsplus.Message{ID: us[0].ID}, fmt.Errorf("query: record %v: %w", us[0].ID, us[0].Err)) {
				return
			}
			us = us[1:]
		}
	}
}

// isNewer reports whether u comes before m in the order of records.
func isNewer(u smsplus.Unreadable, m smsplus.Message) bool {
	return cmp.Or(u.TriggeredAt.Compare(m.TriggeredAt), bytes.Compare(u.ID[:], m.ID[:])) > 0
}

// Record returns one record in full, or [smsplus.ErrNotFound], or an error that wraps
// [smsplus.ErrUnreadable]. The record may be older
// than [Reader.Earliest], because the range rule applies only to lists.
func (r *Reader) Record(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	m, err := r.store.Message(ctx, id)
	if err != nil {
		return smsplus.Message{}, fmt.Errorf("query: record %v: %w", id, err)
	}
	return m, nil
}

// boundRange returns the filter for the store: f with its range bounded, and its cursor
// translated to the bounded filter.
func (r *Reader) boundRange(f smsplus.Filter) (smsplus.Filter, error) {
	bounded := f
	var tooFar error
	switch earliest := r.Earliest(); {
	case !f.From.IsZero() && f.From.Before(earliest):
		tooFar = &RangeError{Field: "Filter.From", Time: f.From, Earliest: earliest, Months: r.months}
	case f.From.IsZero() && !f.To.IsZero() && f.To.Before(earliest):
		tooFar = &RangeError{Field: "Filter.To", Time: f.To, Earliest: earliest, Months: r.months}
	case f.From.IsZero():
		bounded.From = earliest
	}
	if err := errors.Join(f.Check(), tooFar); err != nil {
		return smsplus.Filter{}, err
	}
	var err error
	bounded.After, err = translateCursor(f.After, f, bounded)
	return bounded, err
}

// translateCursor returns the same position as a cursor of another filter. A cursor is
// valid only for the filter that made it. The caller's cursor is made with the caller's
// filter, so that it does not depend on the day on which a zero From was bounded.
func translateCursor(c smsplus.Cursor, from, to smsplus.Filter) (smsplus.Cursor, error) {
	if c == "" {
		return "", nil
	}
	from.After = c
	at, id, err := from.Position()
	if err != nil {
		return "", err
	}
	return to.CursorAt(smsplus.Message{ID: id, TriggeredAt: at}), nil
}

// Format writes no part of the reader, whatever the verb: its store may hold messages.
func (*Reader) Format(f fmt.State, _ rune) { mask.Write(f, "query.Reader{…}") }
