package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The table smsplus_sheet is a cache of what the messages of each day count as: a
// [daysheet.Day]. Only queries write it. A day says for each of its hours with which stamp in
// smsplus_tally it was counted. A query takes the hours that still have their stamps from the
// cache, and counts the messages of the others.
//
// So a write does nothing for the cache. A query may store what it counted at any time later,
// because a change since its snapshot gave the hour another stamp.

// hourStamps are the sums of the stamps of a day's hours. The one of an hour that is not
// counted is 0.
type hourStamps [microtime.DayHours]uint64

func (hs *hourStamps) encode() []byte {
	b := make([]byte, 0, 8*len(hs))
	for _, stamp := range hs {
		b = binary.BigEndian.AppendUint64(b, stamp)
	}
	return b
}

// decodeHourStamps is the inverse of encode. Of other bytes no hour is counted.
func decodeHourStamps(b []byte) (hs hourStamps) {
	if len(b) == 8*len(hs) {
		for i := range hs {
			hs[i] = binary.BigEndian.Uint64(b[8*i:])
		}
	}
	return hs
}

var (
	// sheetColumns are the columns of a day's sheets.
	sheetColumns = [daysheet.Kinds]string{
		daysheet.Totals: "totals", daysheet.Counts: "counts", daysheet.TotalTimes: "total_times", daysheet.Times: "times",
	}

	// briefColumns are the columns that suffice for a uniform day. The totals are brief
	// themselves.
	briefColumns = [daysheet.Kinds]string{
		daysheet.Totals: "totals", daysheet.Counts: "day_counts", daysheet.TotalTimes: "total_times", daysheet.Times: "day_times",
	}

	selectSheetsOfDay = "SELECT stamp, hours, " + strings.Join(sheetColumns[:], ", ") + " FROM smsplus_sheet WHERE day = ?"

	upsertSheet = "INSERT OR REPLACE INTO smsplus_sheet (day, stamp, hours, day_counts, day_times, " + strings.Join(sheetColumns[:], ", ") +
		") VALUES (" + placeholders(5+len(sheetColumns)) + ")"
)

const (
	selectStamps = `SELECT start, stamp FROM smsplus_tally
WHERE channel = 0 AND hours = ? AND start >= ? AND start < ?`

	selectLastHour = "SELECT max(start) FROM smsplus_tally WHERE channel = 0 AND hours = 1"

	// deleteOldSheets deletes the days before the first one with messages.
	deleteOldSheets = `DELETE FROM smsplus_sheet
WHERE day < (SELECT min(start) / 24 FROM smsplus_tally WHERE channel = 0 AND hours = 24)`
)

// StatsBy implements [smsplus.Store]. It reads the cache, and counts the messages of hours
// that changed since. It also counts those of the last hour, and of the quarters of an hour
// that the range cuts. With more than a range, a template, a channel and a group in the
// filter, it counts the selected messages.
func (s *Store) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	if err := cmp.Or(ctx.Err(), errors.Join(f.Check(), g.Check())); err != nil {
		return nil, err
	}
	var rows []smsplus.GroupStats
	err := s.withSnapshot(ctx, func(c *conn) error {
		sel, ok, err := s.newSelection(ctx, c, f)
		if !ok || err != nil {
			return err
		}
		q, ok := daysheet.NewQuery(f, g)
		if !ok {
			sums := g.NewSums(f)
			err := s.newCountedReader(c, s.codec.DecodeState).readCounted(ctx, sel, func(m *smsplus.Message, _ bool) {
				if f.MatchAttempts(m.Attempts) {
					sums.Add(m)
				}
			})
			rows = sums.Rows()
			return err
		}
		reader := s.newCountedReader(c, s.codec.DecodeCounted)
		if err := s.addSheets(ctx, c, reader, q); err != nil {
			return err
		}
		for _, sel.Range = range q.Edges {
			if err := reader.readCounted(ctx, sel, func(m *smsplus.Message, _ bool) { q.Add(m) }); err != nil {
				return err
			}
		}
		rows = q.Rows()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// addSheets adds the days of a query.
func (s *Store) addSheets(ctx context.Context, c *conn, reader *countedReader, q *daysheet.Query) error {
	in := q.Days()
	left, err := readStamps(ctx, c, microtime.DayHours, in) // of the days that are not added yet
	if err != nil || len(left) == 0 {
		return err
	}
	columns := make([]string, len(q.Kinds()))
	for i, kind := range q.Kinds() {
		columns[i] = briefColumns[kind]
	}
	sql := "SELECT day, stamp, " + strings.Join(columns, ", ") + " FROM smsplus_sheet WHERE day >= ? AND day < ?"
	err = c.query(ctx, sql, []driver.Value{in.From, in.To}, func(row []driver.Value) error {
		day, stamp := integer(row[0]), uint64(integer(row[1]))
		isBrief := q.Kinds()[0] == daysheet.Counts
		if stamp == 0 || stamp != left[day] || isBrief && !q.IsUniform(day) {
			return nil
		}
		if addEncoded(q, day, row[2:]) {
			delete(left, day)
		}
		return nil
	})
	if err != nil || len(left) == 0 {
		return err
	}
	lastHour, err := c.queryInt(ctx, selectLastHour)
	for _, day := range slices.Sorted(maps.Keys(left)) {
		if err == nil {
			err = s.addDay(ctx, c, reader, q, currentDay{number: day, stamp: left[day], lastHour: lastHour})
		}
	}
	return err
}

// addEncoded adds the sheets of a day in the order of the query's kinds. It adds none and
// returns false if one cannot be decoded.
func addEncoded(q *daysheet.Query, day int64, encoded []driver.Value) bool {
	sheets := make([]daysheet.Sheet, len(encoded))
	for i := range sheets {
		var err error
		if sheets[i], err = daysheet.DecodeSheet(blob(encoded[i])); err != nil {
			return false
		}
	}
	for i, kind := range q.Kinds() {
		q.AddSheet(day, kind, &sheets[i])
	}
	return true
}

// readStamps returns the sums of the stamps of periods with messages, by their numbers. A
// period has the given length in hours.
func readStamps(ctx context.Context, c *conn, hours int64, in microtime.Range) (map[int64]uint64, error) {
	sums := make(map[int64]uint64)
	err := c.query(ctx, selectStamps, []driver.Value{hours, in.From * hours, in.To * hours}, func(row []driver.Value) error {
		sums[microtime.FloorDiv(integer(row[0]), hours)] += uint64(integer(row[1]))
		return nil
	})
	return sums, err
}

// currentDay is a day with messages.
type currentDay struct {
	number   int64
	stamp    uint64 // not 0 except by chance
	lastHour int64  // the last hour of the store that has messages
}

// leastCounted is the number of messages from which on a count is worth a write.
const leastCounted = 64

// addDay adds a day. It counts the hours that changed since the day was stored. It stores
// those of them that every process counts alike, and that are not likely to change at once.
func (s *Store) addDay(ctx context.Context, c *conn, reader *countedReader, q *daysheet.Query, d currentDay) error {
	stored, err := readStoredDay(ctx, c, d.number)
	if err != nil {
		return err
	}
	if stored.stamp == d.stamp && stored.stamp != 0 {
		var encoded []driver.Value
		for _, kind := range q.Kinds() {
			encoded = append(encoded, stored.sheets[kind])
		}
		if addEncoded(q, d.number, encoded) {
			return nil
		}
	}
	first := d.number * microtime.DayHours
	current, err := readStamps(ctx, c, 1, microtime.Range{From: first, To: first + microtime.DayHours})
	if err != nil {
		return err
	}
	recount, counted := d.changedHours(stored.hours, current, q.Quarters)
	kinds := q.Kinds()
	if slices.ContainsFunc(recount, func(hour int64) bool { return s.isStorable(d, hour) }) {
		kinds = allKinds
	}
	sheets, ok := stored.decode(kinds)
	if !ok {
		sheets = new(daysheet.Day)
		recount, counted = d.changedHours(hourStamps{}, current, q.Quarters)
	}
	isCounted := func(quarter int) bool { return counted[quarter/4] != 0 }
	sheets.Keep(isCounted)
	toStore := 0
	for _, hour := range recount {
		n, isAlike, err := countHour(ctx, reader, sheets, hour)
		if err != nil {
			return err
		}
		if isAlike && s.isStorable(d, hour) {
			counted[hour-first] = current[hour]
			toStore += n
		}
	}
	sheets.Merge()
	for _, kind := range q.Kinds() {
		q.AddSheet(d.number, kind, &sheets.Sheets[kind])
	}
	if toStore == 0 || toStore < leastCounted && !s.cachesAll {
		return nil
	}
	for hour := range current {
		if counted[hour-first] == 0 {
			d.stamp = 0
		}
	}
	sheets.Keep(isCounted)
	s.storeDay(d, counted, sheets)
	return nil
}

// isStorable reports whether the count of an hour is worth to be stored.
func (s *Store) isStorable(d currentDay, hour int64) bool { return hour != d.lastHour || s.cachesAll }

// changedHours compares the stamps with which hours were counted with the current ones. It
// returns the hours to count, and the stamps of the others.
func (d currentDay) changedHours(counted hourStamps, current map[int64]uint64, quarters microtime.Range) (recount []int64, _ hourStamps) {
	for i := range counted {
		hour := d.number*microtime.DayHours + int64(i)
		if counted[i] == current[hour] && counted[i] != 0 {
			continue
		}
		counted[i] = 0
		if _, hasMessages := current[hour]; hasMessages && overlaps(quarters, hour) {
			recount = append(recount, hour)
		}
	}
	return recount, counted
}

// overlaps reports whether a range of quarters has one of an hour.
func overlaps(quarters microtime.Range, hour int64) bool {
	return quarters.From < 4*(hour+1) && quarters.To > 4*hour
}

// storedDay is a row of smsplus_sheet.
type storedDay struct {
	stamp  uint64
	hours  hourStamps
	sheets [daysheet.Kinds][]byte
}

// readStoredDay returns the row of a day. Without one no hour is counted.
func readStoredDay(ctx context.Context, c *conn, number int64) (d storedDay, err error) {
	err = c.query(ctx, selectSheetsOfDay, []driver.Value{number}, func(row []driver.Value) error {
		d.stamp, d.hours = uint64(integer(row[0])), decodeHourStamps(blob(row[1]))
		for kind := range d.sheets {
			d.sheets[kind] = blob(row[2+kind])
		}
		return nil
	})
	return d, err
}

var allKinds = []daysheet.Kind{daysheet.Totals, daysheet.Counts, daysheet.TotalTimes, daysheet.Times}

// decode returns the sheets of some kinds, and false if one cannot be decoded.
func (d *storedDay) decode(kinds []daysheet.Kind) (*daysheet.Day, bool) {
	day := new(daysheet.Day)
	for _, kind := range kinds {
		var err error
		if day.Sheets[kind], err = daysheet.DecodeSheet(d.sheets[kind]); err != nil {
			return nil, false
		}
	}
	return day, true
}

// countHour adds the messages of an hour to its day, and returns their number. They are not
// alike for every process if one cannot be read, because another process may have its key.
func countHour(ctx context.Context, reader *countedReader, d *daysheet.Day, hour int64) (n int, alike bool, err error) {
	var units []smsplus.Unit // reused for every message
	sel := selection{Range: microtime.Range{From: hour * microtime.Hour, To: (hour + 1) * microtime.Hour}}
	alike = true
	err = reader.readCounted(ctx, sel, func(m *smsplus.Message, isReadable bool) {
		n++
		alike = alike && isReadable
		if !m.Status.Valid() {
			return
		}
		units = d.AddMessage(m, units)
	})
	return n, alike, err
}

// maxPending is the number of pending writes from which on no sheet is stored.
const maxPending = 32

// storeDay has the writer store a day, unless it is busy. It does not wait for it. If that
// fails, the next query counts again.
func (s *Store) storeDay(d currentDay, counted hourStamps, sheets *daysheet.Day) {
	values := []driver.Value{
		d.number, int64(d.stamp), counted.encode(),
		sheets.Sheets[daysheet.Counts].Sum().Append(nil), sheets.Sheets[daysheet.Times].Sum().Append(nil),
	}
	for kind := range sheets.Sheets {
		values = append(values, sheets.Sheets[kind].Append(nil))
	}
	s.queue.enqueueIfIdle(&writeRequest{
		fillsCache: true, done: make(chan error, 1),
		change: func(w *writer) error { return w.exec(writerCtx, upsertSheet, values...) },
	}, maxPending)
}

// The indexes of countedColumns in a row.
const (
	countedID = iota
	countedTriggeredAt
	countedTemplate
	countedRoute
	countedStatus
	countedState
	countedMarks

	countedColumnCount
)

// countedColumns are the columns that a countedReader reads, of a message m.
var countedColumns = strings.Join((&[countedColumnCount]string{
	countedID: "m.id", countedTriggeredAt: "m.triggered_at", countedTemplate: "m.template", countedRoute: "m.route",
	countedStatus: "m.status", countedState: "m.state", countedMarks: "m.marks",
})[:], ", ")

// countedReader reads what statistics count of messages.
type countedReader struct {
	store       *Store
	conn        *conn
	decodeState func(b []byte, m *smsplus.Message) error
	scenarios   map[int64]string // by the numbers of routes
}

func (s *Store) newCountedReader(c *conn, decodeState func([]byte, *smsplus.Message) error) *countedReader {
	return &countedReader{s, c, decodeState, make(map[int64]string)}
}

// readCounted calls each with every selected message. One that cannot be read has only what its
// marks tell. The message is reused for the next one.
func (r *countedReader) readCounted(ctx context.Context, sel selection, each func(m *smsplus.Message, isReadable bool)) error {
	var m smsplus.Message
	sql, args := sel.listQuery(countedColumns)
	return r.conn.query(ctx, sql, args, func(row []driver.Value) error {
		m = smsplus.Message{Status: status.Status(integer(row[countedStatus])), TriggeredAt: microtime.Time(integer(row[countedTriggeredAt]))}
		copy(m.ID[:], blob(row[countedID]))
		err := r.decodeFacts(ctx, row, &m)
		if isReadable := !errors.Is(err, smsplus.ErrUnreadable); isReadable {
			if err == nil {
				each(&m, true)
			}
			return err
		}
		if err = r.decodeMarks(ctx, row, &m); err == nil {
			each(&m, false)
		}
		return err
	})
}

// decodeFacts sets what the statistics count. The error is as of Store.decodeRow.
func (r *countedReader) decodeFacts(ctx context.Context, row []driver.Value, m *smsplus.Message) (err error) {
	if !m.Status.Valid() {
		return wrapDecodeError(fmt.Errorf("%w: status", rowcodec.ErrCorrupt), m.ID)
	}
	if m.Template, err = r.store.names.lookupText(ctx, r.conn, nil, integer(row[countedTemplate])); err != nil {
		return wrapLookupError(err, m.ID)
	}
	if err := r.setScenario(ctx, integer(row[countedRoute]), m); err != nil {
		return err
	}
	if err := r.decodeState(blob(row[countedState]), m); err != nil {
		return wrapDecodeError(err, m.ID)
	}
	return nil
}

// setScenario sets the scenario of the route with the number.
func (r *countedReader) setScenario(ctx context.Context, number int64, m *smsplus.Message) (err error) {
	var ok bool
	if m.Scenario, ok = r.scenarios[number]; ok {
		return nil
	}
	route, err := r.store.routes.lookupText(ctx, r.conn, nil, number)
	if err != nil {
		return wrapLookupError(err, m.ID)
	}
	if err := rowcodec.DecodeRouteString(route, m); err != nil {
		return wrapDecodeError(err, m.ID)
	}
	r.scenarios[number] = m.Scenario
	return nil
}

// decodeMarks sets what the counts need and the marks have. If the marks cannot be decoded
// either, the message counts by its status alone.
func (r *countedReader) decodeMarks(ctx context.Context, row []driver.Value, m *smsplus.Message) (err error) {
	*m = smsplus.Message{TriggeredAt: m.TriggeredAt, Status: m.Status}
	name := func(number int64) string {
		text, nameErr := r.store.names.lookupText(ctx, r.conn, nil, number)
		if nameErr != nil && !errors.Is(nameErr, errNoText) {
			err = nameErr
		}
		return text
	}
	m.Template = name(integer(row[countedTemplate]))
	summary, marksErr := decodeSummary(blob(row[countedMarks]), nil)
	if marksErr != nil {
		return err
	}
	if summary.read {
		m.ReadAt = m.TriggeredAt
	}
	for _, a := range summary.attempts {
		attempt := smsplus.Attempt{Channel: channel.Name(name(a.channel)), Status: a.status}
		if a.read {
			attempt.ReadAt = m.TriggeredAt
		}
		m.Attempts = append(m.Attempts, attempt)
	}
	return err
}
