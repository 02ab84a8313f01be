// Package query is what the admin pages ask: statistics per template, records in
// pages, the counts on their tabs, one record in full, and exports. It works on
// any [smsplus.Store] and takes the store's own [smsplus.Filter].
//
// A [Reader] keeps the rule that a store does not: ranges reach back a number of
// calendar months, three by default, and no further. An export is a list that is
// written while it is read, whatever its length:
//
//	r := query.New(store, query.Options{Location: taipei})
//	failed := r.All(ctx, smsplus.Filter{Group: status.FailedGroup})
//	err := query.WriteCSV(w, failed, query.Export{BOM: true, Location: taipei})
package query

import (
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

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Options are how a [Reader] counts its months.
type Options struct {
	// Clock tells what today is. Defaults to the real one.
	Clock smsplus.Clock
	// Location is where a day begins at midnight. Defaults to UTC, so that the
	// range does not depend on the machine that answers.
	Location *time.Location
	// Months is how many calendar months ranges reach back. Zero or less means
	// the default of 3.
	Months int
}

// Reader answers the admin pages. Readers are safe for concurrent use.
//
// Every method that takes a filter applies the range rule to it: a zero
// Filter.From means [Reader.Earliest], a From before that is a [*RangeError], and
// a zero Filter.To leaves the range open.
type Reader struct {
	store    smsplus.Store
	clock    smsplus.Clock
	location *time.Location
	months   int
}

// New returns a Reader over the store.
func New(store smsplus.Store, o Options) *Reader {
	r := &Reader{store: store, clock: o.Clock, location: cmp.Or(o.Location, time.UTC), months: o.Months}
	if r.clock == nil {
		r.clock = clock.New()
	}
	if r.months <= 0 {
		r.months = 3
	}
	return r
}

// Templates returns the statistics: a row for every template that had a trigger in
// the range, in order of its ID. The filter's other fields, such as a channel,
// leave a template that they match nothing of at zero. Limit and After are ignored.
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

// CountByGroup returns how many records each tab lists: every group has its count, and
// status.All has their sum. Group, Limit and After are ignored.
func (r *Reader) CountByGroup(ctx context.Context, f smsplus.Filter) (map[status.Group]int, error) {
	f.Group, f.Limit, f.After = status.All, 0, ""
	f, err := r.boundRange(f)
	if err != nil {
		return nil, err
	}
	tabs := map[status.Group]int{status.All: 0}
	for _, g := range groups {
		tabs[g] = 0 // a tab that lists nothing says so
	}
	if f.Channel == "" {
		err = r.countMessages(ctx, f, tabs)
	} else {
		err = r.countChannelMessages(ctx, f, tabs)
	}
	if err != nil {
		return nil, fmt.Errorf("query: tabs: %w", err)
	}
	for _, g := range groups {
		tabs[status.All] += tabs[g]
	}
	return tabs, nil
}

// groups are the tabs besides All: each status belongs to one of them.
var groups = slices.DeleteFunc(status.Groups(), func(g status.Group) bool { return g == status.All })

func (r *Reader) countMessages(ctx context.Context, f smsplus.Filter, tabs map[status.Group]int) error {
	rows, err := r.store.Stats(ctx, f)
	for _, s := range rows {
		tabs[status.Preparing.Group()] += s.Preparing
		tabs[status.Accepted.Group()] += s.Accepted
		tabs[status.Failed.Group()] += s.Failed
		tabs[status.Undeliverable.Group()] += s.Undeliverable
		tabs[status.Delivered.Group()] += s.Delivered
	}
	return err
}

// countChannelMessages asks for each group by itself. Statistics of a channel have the
// statuses of its attempts, which are not the records'; but as a route has a
// channel once, they count as many attempts as there are records.
func (r *Reader) countChannelMessages(ctx context.Context, f smsplus.Filter, tabs map[status.Group]int) error {
	for _, g := range groups {
		f.Group = g
		rows, err := r.store.Stats(ctx, f)
		if err != nil {
			return err
		}
		for _, s := range rows {
			tabs[g] += s.Triggered
		}
	}
	return nil
}

// Records returns one page of records, newest trigger first. A page's Next is good
// for as long as the filter stays as it is written: where From is zero, the list
// goes on when midnight moves its far end.
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

// All returns every record that the filter matches, newest trigger first, and
// holds one page of Filter.Limit at a time. The range is fixed when ranging
// begins. An error comes with a zero message and ends the list; so does the end
// of ctx.
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
			for _, m := range page.Messages {
				if err := ctx.Err(); err != nil {
					yield(smsplus.Message{}, fmt.Errorf("query: all: %w", err))
					return
				}
				if !yield(m, nil) {
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

// Record returns one record in full, or [smsplus.ErrNotFound]. Whoever has the ID
// may have the record: the range rule is for lists.
func (r *Reader) Record(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	m, err := r.store.Message(ctx, id)
	if err != nil {
		return smsplus.Message{}, fmt.Errorf("query: record %v: %w", id, err)
	}
	return m, nil
}

// boundRange returns f as the store is to be asked: its range bounded, its cursor one
// of the bounded filter.
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

// translateCursor returns the cursor of one filter as one of another. A cursor belongs
// to the filter it was made with; the caller's is made with the filter as the
// caller wrote it, so that it does not depend on the day on which a zero From
// was read.
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
