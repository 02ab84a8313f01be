package pgstore

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Grouped statistics are cached. A row of smsplus_sheet has the counts of an hour or a day. A
// query counts the messages of all other hours, and stores these counts for the next query.
//
// Invariant: a snapshot that has the counts of a period, and no delta of its hours, has the
// messages that were counted, as they were counted. Three rules keep it.
//
//  1. A transaction that changes what a message counts as leaves a delta of its hour. The
//     trigger smsplus_state_recount leaves a delta of nothing where the tally stays the same.
//  2. A transaction that deletes deltas, or the totals of a month, deletes the counts of the
//     periods and gives their rows new marks. Triggers do this for every release. The rows stay.
//  3. A query counts a period in a snapshot without deltas of it. It stores the counts if the row
//     still has the mark of that snapshot, or if there was no row and still is none.
//
// Proof: let a snapshot have counts that lack the change of a transaction W. The query's
// snapshot did not have W, so W committed after it was taken. The snapshot has W's delta, unless
// a transaction F deleted it. F began to delete after W's commit, so the query's snapshot did
// not have F's mark either. If F locked the row before the query did, the query stored nothing.
// If F locked it later, F deleted the counts. A query may even store on a server that has lost
// the end of its log (a fail-over): with the mark it has all changes before the mark.

const (
	// countPage is the number of messages that are read with one statement.
	countPage = 2000
	// countBudget is the number of messages after which a query stores what it has counted so
	// far, and begins again. So a query that is cut off leaves something to the next.
	countBudget = 50_000
)

// sheetColumns are the columns of counts of smsplus_sheet. The first four are those of
// [daysheet.Kind]. The others are sums of counts and of times, and of days alone: they do not
// tell the quarters of the day from each other.
var sheetColumns = columnList{"totals", "counts", "total_times", "times", "count_sums", "time_sums"}

// columnsOf returns the columns of kinds of sheets.
func columnsOf(kinds []daysheet.Kind) (columns columnList) {
	for _, k := range kinds {
		columns = append(columns, sheetColumns[k])
	}
	return columns
}

// sumsOf returns the columns of the sums of counts and times.
func sumsOf(kinds []daysheet.Kind) columnList {
	return sheetColumns[daysheet.Kinds:][:len(kinds)]
}

// SheetColumns returns the columns of counts of smsplus_sheet.
func (params) SheetColumns() columnList { return sheetColumns }

// period is the key of a row of smsplus_sheet: an hour, or a day of UTC.
type period struct {
	hours int64 // 1 or microtime.DayHours
	start int64 // since 1970, in periods
}

// countBySheets is StatsBy for a filter that sheets know. The budget is countBudget.
func (s *Store) countBySheets(ctx context.Context, f smsplus.Filter, g smsplus.Grouping, budget int) ([]smsplus.GroupStats, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	for reached := int64(math.MinInt64); ; {
		var c *sheetCount
		err := s.retryQuery(ctx, "stats by", func(ctx context.Context) error {
			return pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
				c = newSheetCount(s, tx, f, g, budget)
				return c.run(ctx)
			})
		})
		if err != nil {
			return nil, err
		}
		stored := c.storeSheets(ctx)
		if c.isComplete() {
			return c.query.Rows(), nil
		}
		if stored == 0 || c.reached <= reached {
			budget = math.MaxInt // it would not get further
		}
		reached = c.reached
	}
}

// sheetCount counts what a query asks for, in one snapshot.
type sheetCount struct {
	store  *Store
	tx     pgx.Tx
	filter smsplus.Filter
	by     smsplus.Dimensions
	query  *daysheet.Query
	budget int // the messages that may still be counted, apart from the rest of an hour

	needed  microtime.Range         // the hours of the query
	reached int64                   // the needed hours before it are counted
	pending map[period]bool         // the periods that have deltas
	marks   map[period]uuid.UUID    // the marks that the snapshot has
	counted map[int64]*countedHour  // the hours whose messages were read
	days    map[int64]*daysheet.Day // the days that are put together from hours
}

// countedHour is what the messages of an hour count as.
type countedHour struct {
	daysheet.Day
	isPartial bool // a message could not be read
}

func newSheetCount(s *Store, tx pgx.Tx, f smsplus.Filter, g smsplus.Grouping, budget int) *sheetCount {
	q, _ := daysheet.NewQuery(f, g)
	c := &sheetCount{
		store: s, tx: tx, filter: f, by: g.By, query: q, budget: budget, pending: map[period]bool{},
		marks: map[period]uuid.UUID{}, counted: map[int64]*countedHour{}, days: map[int64]*daysheet.Day{},
	}
	if !q.Quarters.Empty() {
		const quarters = microtime.Hour / daysheet.Quarter
		c.needed = microtime.Range{From: microtime.FloorDiv(q.Quarters.From, quarters), To: microtime.FloorDiv(q.Quarters.To-1, quarters) + 1}
	}
	c.reached = c.needed.To
	return c
}

// isComplete reports whether all needed hours are counted.
func (c *sheetCount) isComplete() bool { return c.reached == c.needed.To }

// run counts as much as the budget allows.
func (c *sheetCount) run(ctx context.Context) error {
	if c.store.layout.partitioned {
		// No snapshot brings back the partition of a month that is dropped. The lock keeps months
		// from being dropped. It precedes the snapshot, which the first query takes.
		if _, err := c.tx.Exec(ctx, "LOCK TABLE ONLY "+c.store.layout.qualifier+"smsplus_state IN ACCESS SHARE MODE"); err != nil {
			return err
		}
	}
	if !c.needed.Empty() {
		if err := c.addHours(ctx); err != nil {
			return err
		}
	}
	if !c.isComplete() {
		return nil
	}
	for _, edge := range c.query.Edges {
		err := c.store.eachTriggered(ctx, c.tx, edge, func(m *smsplus.Message, _ bool) bool {
			if c.filter.Match(*m) {
				c.query.Add(m)
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addHours adds the needed hours to the query: from stored days, from stored hours of other
// days, and from the messages of the rest.
func (c *sheetCount) addHours(ctx context.Context) error {
	if err := c.readChanged(ctx); err != nil {
		return err
	}
	divided, undivided := c.divideDays()
	addDay := func(day int64, sheets []daysheet.Sheet) {
		for i, k := range c.query.Kinds() {
			c.query.AddSheet(day, k, &sheets[i])
		}
	}
	covered, err := c.readSheets(ctx, microtime.DayHours, divided, columnsOf(c.query.Kinds()), addDay)
	if err != nil {
		return err
	}
	sums, err := c.readSheets(ctx, microtime.DayHours, undivided, sumsOf(c.query.Kinds()), addDay)
	if err != nil {
		return err
	}
	covered = append(covered, sums...)
	found, err := c.readSheets(ctx, 1, gaps(c.needed, covered), sheetColumns[:daysheet.Kinds], func(hour int64, sheets []daysheet.Sheet) {
		c.day(dayOfHour(hour)).AddDay(&daysheet.Day{Sheets: [daysheet.Kinds]daysheet.Sheet(sheets)})
	})
	if err != nil {
		return err
	}
	for _, r := range gaps(c.needed, slices.Concat(covered, found)) {
		if err := c.countHours(ctx, r); err != nil {
			return err
		}
		if !c.isComplete() {
			break
		}
	}
	for hour, h := range c.counted {
		h.Merge()
		c.day(dayOfHour(hour)).AddDay(&h.Day)
	}
	for number, day := range c.days {
		day.Merge()
		for _, k := range c.query.Kinds() {
			c.query.AddSheet(number, k, &day.Sheets[k])
		}
	}
	return nil
}

// divideDays returns the days of the query, apart from those of which it needs only the sums:
// all hours of a day, without telling them from each other. The totals are few, and have no
// sums.
func (c *sheetCount) divideDays() (divided, undivided []microtime.Range) {
	days := microtime.Range{From: dayOfHour(c.needed.From), To: dayOfHour(c.needed.To-1) + 1}
	whole := microtime.Range{From: daysheet.DayOf(c.query.Quarters.From + daysheet.Quarters - 1), To: daysheet.DayOf(c.query.Quarters.To)}
	if c.by&(smsplus.ByHour|smsplus.ByDay) == 0 && c.query.Kinds()[0] == daysheet.Counts && !whole.Empty() {
		undivided = append(undivided, whole)
	}
	return gaps(days, undivided), undivided
}

func dayOfHour(hour int64) int64 { return microtime.FloorDiv(hour, microtime.DayHours) }

// day returns a day that is put together from hours.
func (c *sheetCount) day(number int64) *daysheet.Day {
	if c.days[number] == nil {
		c.days[number] = new(daysheet.Day)
	}
	return c.days[number]
}

// gaps returns the hours of a range that none of some others contains.
func gaps(of microtime.Range, others []microtime.Range) (gaps []microtime.Range) {
	slices.SortFunc(others, func(a, b microtime.Range) int { return cmp.Compare(a.From, b.From) })
	for _, r := range others {
		if gap := (microtime.Range{From: of.From, To: r.From}); !gap.Empty() {
			gaps = append(gaps, gap)
		}
		of.From = max(of.From, r.To)
	}
	if !of.Empty() {
		gaps = append(gaps, of)
	}
	return gaps
}

// readChanged notes the periods that have deltas. Of a day it looks at the needed hours alone:
// the others do not matter.
func (c *sheetCount) readChanged(ctx context.Context) error {
	rows, err := c.tx.Query(ctx, c.store.statements.changedHours, c.needed.From, c.needed.To)
	if err != nil {
		return err
	}
	var hour int64
	_, err = pgx.ForEachRow(rows, []any{&hour}, func() error {
		c.pending[period{1, hour}], c.pending[period{microtime.DayHours, dayOfHour(hour)}] = true, true
		return nil
	})
	return err
}

// readSheets adds the sheets of stored periods of a length that start in the ranges, in
// periods. It returns the hours that these cover.
func (c *sheetCount) readSheets(ctx context.Context, hours int64, in []microtime.Range, columns columnList, add func(start int64, sheets []daysheet.Sheet)) (covered []microtime.Range, err error) {
	if len(in) == 0 {
		return nil, nil
	}
	var first, next []int64
	for _, r := range in {
		first, next = append(first, r.From), append(next, r.To)
	}
	rows, err := c.tx.Query(ctx, c.store.statements.sheets.textWithColumns(columns), hours, first, next)
	if err != nil {
		return nil, err
	}
	var (
		p       = period{hours: hours}
		mark    pgtype.UUID
		counts  = make([]pgtype.DriverBytes, len(columns))
		targets = []any{&p.start, &mark}
	)
	for i := range counts {
		targets = append(targets, &counts[i])
	}
	_, err = pgx.ForEachRow(rows, targets, func() error {
		c.marks[p] = mark.Bytes
		if c.pending[p] {
			return nil
		}
		sheets := make([]daysheet.Sheet, len(columns))
		for i, b := range counts {
			var err error
			if sheets[i], err = daysheet.DecodeSheet(slices.Clone(b)); err != nil {
				return nil //nolint:nilerr // it has changed since, or a later release stored it
			}
		}
		add(p.start, sheets)
		covered = append(covered, microtime.Range{From: p.start * hours, To: (p.start + 1) * hours})
		return nil
	})
	return covered, err
}

// countHours counts the messages of a range of hours, until the budget is used up.
func (c *sheetCount) countHours(ctx context.Context, hours microtime.Range) error {
	var last int64
	var units []smsplus.Unit
	return c.store.eachTriggered(ctx, c.tx, microtime.Range{From: hours.From * microtime.Hour, To: hours.To * microtime.Hour}, func(m *smsplus.Message, isReadable bool) bool {
		hour := microtime.HourOf(microtime.Of(m.TriggeredAt))
		if c.budget <= 0 && hour != last {
			c.reached = hour
			return false
		}
		c.budget--
		last = hour
		h := c.counted[hour]
		if h == nil {
			h = new(countedHour)
			c.counted[hour] = h
		}
		units = h.AddMessage(m, units)
		h.isPartial = h.isPartial || !isReadable
		return true
	})
}

// minTime and maxTime bound the trigger times that a store keeps.
var (
	minTime = microtime.Of(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	maxTime = microtime.Of(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))
)

// eachTriggered yields the messages that were triggered in a range, the earliest first. Of one
// that cannot be read it yields what the tally has.
func (s *Store) eachTriggered(ctx context.Context, tx pgx.Tx, r microtime.Range, yield func(m *smsplus.Message, isReadable bool) bool) error {
	at, id := microtime.Time(max(r.From, minTime)-1), uuid.Max
	end := microtime.Time(min(r.To, maxTime))
	for {
		rs, err := s.queryMessages(ctx, tx, s.statements.messagesBetween.textWithLimit(countPage), at, id, end)
		if err != nil {
			return err
		}
		if err := s.readTallies(ctx, tx, rs); err != nil {
			return err
		}
		for i := range rs {
			if !yield(&rs[i].Message, rs[i].err == nil) {
				return nil
			}
		}
		if len(rs) < countPage {
			return nil
		}
		at, id = rs[len(rs)-1].TriggeredAt, rs[len(rs)-1].ID
	}
}

// readTallies sets of the messages that cannot be read what their tallies have.
func (s *Store) readTallies(ctx context.Context, tx pgx.Tx, rs []scannedMessage) error {
	byID := map[uuid.UUID]*scannedMessage{}
	var ids [][16]byte
	for i := range rs {
		if rs[i].err != nil {
			byID[rs[i].ID] = &rs[i]
			ids = append(ids, rs[i].ID)
		}
	}
	return s.eachTally(ctx, tx, ids, func(m smsplus.Message) bool {
		r := byID[m.ID]
		m.Scenario = r.Scenario
		r.Message = m
		return true
	})
}

// storeTimeout is how long storing counts may wait for a lock.
const storeTimeout = "100ms"

// storeSheets stores what was counted, and returns the number of periods. If it fails, the next
// query counts again.
func (c *sheetCount) storeSheets(ctx context.Context) (stored int) {
	b := c.newSheetBatch()
	if len(b.lengths) == 0 {
		return 0
	}
	s := c.store
	err := pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+storeTimeout+"'; SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
		args := []any{b.lengths, b.starts, b.marks}
		for _, column := range b.counts {
			args = append(args, column)
		}
		tag, err := tx.Exec(ctx, s.statements.insertSheets, append(args, s.layout.qualifier+"smsplus_delta")...)
		stored = int(tag.RowsAffected())
		return err
	})
	if err != nil {
		s.options.Logger.LogAttrs(ctx, slog.LevelDebug, "pgstore: counts were not stored; the next statistics count again",
			slog.Any("error", redactError(err)))
		return 0
	}
	return stored
}

// sheetBatch is rows of smsplus_sheet, as sql/store_sheets.sql takes them.
type sheetBatch struct {
	lengths, starts []int64
	marks           []pgtype.UUID
	counts          [][][]byte // a column for each of sheetColumns
}

// newSheetBatch returns the days and the hours that were counted and that nothing has changed
// since. The hours of such a day are left out.
func (c *sheetCount) newSheetBatch() *sheetBatch {
	b := &sheetBatch{counts: make([][][]byte, len(sheetColumns))}
	isPartial := map[int64]bool{}
	for hour, h := range c.counted {
		if h.isPartial {
			isPartial[dayOfHour(hour)] = true
		}
	}
	isStored := map[int64]bool{}
	for number, day := range c.days {
		p := period{microtime.DayHours, number}
		isWhole := c.needed.From <= number*microtime.DayHours && (number+1)*microtime.DayHours <= c.reached
		if isWhole && !c.pending[p] && !isPartial[number] && !day.IsEmpty() {
			isStored[number] = true
			b.add(p, c.marks, day)
		}
	}
	for hour, h := range c.counted {
		if p := (period{1, hour}); !isStored[dayOfHour(hour)] && !c.pending[p] && !h.isPartial {
			b.add(p, c.marks, &h.Day)
		}
	}
	return b
}

// add adds a row. The marks are those of the snapshot.
func (b *sheetBatch) add(p period, marks map[period]uuid.UUID, day *daysheet.Day) {
	mark, ok := marks[p]
	if !ok {
		mark = uuid.New()
	}
	b.lengths, b.starts, b.marks = append(b.lengths, p.hours), append(b.starts, p.start), append(b.marks, pgtype.UUID{Bytes: mark, Valid: true})
	encoded := make([][]byte, len(sheetColumns)) // nil is NULL
	for k := range day.Sheets {
		encoded[k] = day.Sheets[k].Append(nil)
	}
	if p.hours == microtime.DayHours {
		for i, k := range []daysheet.Kind{daysheet.Counts, daysheet.Times} {
			encoded[daysheet.Kinds+i] = day.Sheets[k].Sum().Append(nil)
		}
	}
	for i := range encoded {
		b.counts[i] = append(b.counts[i], encoded[i])
	}
}
