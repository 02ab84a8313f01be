package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The table smsplus_tally holds the statistics of whole hours and whole days (UTC) of
// trigger time. A long range costs its days and two edges instead of its messages.
//
// A row holds the counts of a block of 32 templates. So one transaction changes few rows,
// whatever the number of templates among its messages, and three months are a few hundred
// rows.
//
// A row of messages, not of a channel, has another stamp after each change of what one of them
// counts as. That holds even if the row's counts are the same. The stamps are random, so that no row that
// was deleted and comes back has a stamp again. Sheets depend on them: see sheets.go.

// blockSize is the number of templates whose counts share a row.
const blockSize = 32

// tierHours are the lengths of the periods with counts, in hours.
var tierHours = []int64{1, 24}

// wholeMessage is the channel of a unit that is the message itself. It is the number of
// the empty name, which no filter can ask for.
const wholeMessage = 0

// countUnit is one thing that is counted: a message, or an attempt.
type countUnit struct {
	channel  int64 // a name's number, or wholeMessage
	template int64
	group    status.Group // of the message
	smsplus.Count
}

// countDelta adds n units to the counts of an hour. It is negative for a unit that is gone.
type countDelta struct {
	hour int64
	unit countUnit
	n    int64
}

// appendUnits appends the units of a message, as [smsplus.TemplateStats.Add] counts
// them.
func appendUnits(units []countUnit, template int64, st status.Status, summary messageSummary) []countUnit {
	message := smsplus.CountStatuses(st, summary.read, summary.statuses())
	units = append(units, countUnit{wholeMessage, template, st.Group(), message})
	for _, a := range summary.attempts {
		if a.channel != wholeMessage {
			units = append(units, countUnit{a.channel, template, st.Group(), message.Attempt(a.status, a.read)})
		}
	}
	return units
}

// isCountedAs reports whether statistics surely count an attempt as another one. What has ended
// also has a reason or a time to delivery.
func (a attemptSummary) isCountedAs(b attemptSummary) bool {
	return a.channel == b.channel && a.status == b.status && a.read == b.read && !a.status.Final()
}

// noteUpdate notes that the state of a stored message is replaced.
func (w *writer) noteUpdate(stored *storedRow, st status.Status, summary messageSummary) {
	if st == stored.status && !st.Final() && summary.read == stored.summary.read &&
		slices.EqualFunc(summary.attempts, stored.summary.attempts, attemptSummary.isCountedAs) {
		return
	}
	w.noteCounts(stored.triggeredAt, appendUnits(nil, stored.template, stored.status, stored.summary),
		appendUnits(nil, stored.template, st, summary))
}

// noteCounts notes that a message stopped being counted as the units before, and is
// counted as the units after. Either may be empty. storeCounts stores it.
func (w *writer) noteCounts(triggeredAt int64, before, after []countUnit) {
	hour := microtime.HourOf(triggeredAt)
	for _, u := range before {
		w.countDeltas = append(w.countDeltas, countDelta{hour, u, -1})
	}
	for _, u := range after {
		w.countDeltas = append(w.countDeltas, countDelta{hour, u, 1})
	}
}

// countKey is the key of a row of smsplus_tally. The column of block is called part.
type countKey struct{ channel, hours, start, block int64 }

// countSlot is a unit within its row, packed. From the lowest bit: the template within
// its block 5, the group 3, the status 3, read 1, delivered twice 1.
type countSlot uint64

const (
	groupShift        = 5
	statusShift       = 8
	readSlotBit       = 1 << 11
	deliveredTwiceBit = 1 << 12

	countSlots = 1 << 13 // every slot is less
)

func (u countUnit) slot() countSlot {
	s := countSlot(u.template%blockSize) | countSlot(u.group)<<groupShift | countSlot(u.Status)<<statusShift
	if u.Read {
		s |= readSlotBit
	}
	if u.DeliveredTwice {
		s |= deliveredTwiceBit
	}
	return s
}

// unit is the inverse of slot, for a slot of the row k.
func (s countSlot) unit(k countKey) countUnit {
	return countUnit{
		channel:  k.channel,
		template: k.block*blockSize + int64(s%blockSize),
		group:    status.Group(s >> groupShift & 7),
		Count: smsplus.Count{
			Status: status.Status(s >> statusShift & 7), Read: s&readSlotBit != 0, DeliveredTwice: s&deliveredTwiceBit != 0,
		},
	}
}

// slotCounts are the counts of one row: the number of units in each slot. They are stored
// in ascending order of slots, each as its distance from the previous one and its count.
type slotCounts map[countSlot]int64

func (cs slotCounts) encode() []byte {
	var b []byte
	previous := countSlot(0)
	for _, s := range slices.Sorted(maps.Keys(cs)) {
		b = binary.AppendUvarint(b, uint64(s-previous))
		b = binary.AppendUvarint(b, uint64(cs[s]))
		previous = s
	}
	return b
}

// decodeCounts calls each with every slot in b and its count.
func decodeCounts(b []byte, each func(countSlot, int64)) error {
	s := countSlot(0)
	for len(b) > 0 {
		distance, n := binary.Uvarint(b)
		if n <= 0 {
			return errCounts
		}
		count, m := binary.Uvarint(b[n:])
		if s += countSlot(distance); m <= 0 || distance >= countSlots || s >= countSlots || count == 0 || count > math.MaxInt64 {
			return errCounts
		}
		each(s, int64(count))
		b = b[n+m:]
	}
	return nil
}

var errCounts = fmt.Errorf("sqlitestore: %w: counts", rowcodec.ErrCorrupt)

// storeCounts applies the deltas of the transaction to the table, one row for each key.
func (w *writer) storeCounts() error {
	changes := make(map[countKey]slotCounts)
	for _, d := range w.countDeltas {
		for _, hours := range tierHours {
			k := countKey{d.unit.channel, hours, microtime.FloorDiv(d.hour, hours) * hours, d.unit.template / blockSize}
			if changes[k] == nil {
				changes[k] = make(slotCounts)
			}
			changes[k][d.unit.slot()] += d.n
		}
	}
	for k, cs := range changes {
		maps.DeleteFunc(cs, func(_ countSlot, n int64) bool { return n == 0 })
		var err error
		switch {
		case len(cs) > 0:
			err = w.addToCounts(k, cs)
		case k.channel == wholeMessage: // reasons or times may have changed
			err = w.exec(writerCtx, stampCounts, k.channel, k.hours, k.start, k.block)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	selectCounts = "SELECT counts FROM smsplus_tally WHERE channel = ? AND hours = ? AND start = ? AND part = ?"

	deleteCounts = "DELETE FROM smsplus_tally WHERE channel = ? AND hours = ? AND start = ? AND part = ?"

	upsertCounts = `INSERT INTO smsplus_tally (channel, hours, start, part, counts, stamp) VALUES (?, ?, ?, ?, ?, random())
ON CONFLICT (channel, hours, start, part) DO UPDATE SET counts = excluded.counts, stamp = excluded.stamp`

	stampCounts = "UPDATE smsplus_tally SET stamp = random() WHERE channel = ? AND hours = ? AND start = ? AND part = ?"

	selectCountsOfTier = "SELECT part, counts FROM smsplus_tally WHERE channel = ? AND hours = ? AND start >= ? AND start < ?"
)

// addToCounts adds cs to the row k. A row without counts is deleted.
func (w *writer) addToCounts(k countKey, cs slotCounts) error {
	err := w.query(writerCtx, selectCounts, []driver.Value{k.channel, k.hours, k.start, k.block}, func(row []driver.Value) error {
		return decodeCounts(blob(row[0]), func(s countSlot, n int64) { cs[s] += n })
	})
	if err != nil {
		return err
	}
	for s, n := range cs {
		switch {
		case n == 0:
			delete(cs, s)
		case n < 0:
			return fmt.Errorf("%w: fewer than none", errCounts)
		}
	}
	if len(cs) == 0 {
		return w.exec(writerCtx, deleteCounts, k.channel, k.hours, k.start, k.block)
	}
	return w.exec(writerCtx, upsertCounts, k.channel, k.hours, k.start, k.block, cs.encode())
}

// templateStats are statistics by the number of the template.
type templateStats map[int64]*smsplus.TemplateStats

func (ts templateStats) add(u countUnit, n int64) {
	row := ts[u.template]
	if row == nil {
		row = new(smsplus.TemplateStats)
		ts[u.template] = row
	}
	row.AddCount(u.Count, int(n))
}

// Stats implements [smsplus.Store].
func (s *Store) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	var rows []smsplus.TemplateStats
	err := s.withSnapshot(ctx, func(c *conn) error {
		sel, ok, err := s.newSelection(ctx, c, f)
		if !ok || err != nil {
			return err
		}
		sums := make(templateStats)
		if err := s.sumStats(ctx, c, sel, daysheet.HasCounters(f), sums); err != nil {
			return err
		}
		for template, row := range sums {
			if row.Template, err = s.names.lookupText(ctx, c, nil, template); err != nil {
				return err
			}
			rows = append(rows, *row)
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b smsplus.TemplateStats) int { return cmp.Compare(a.Template, b.Template) })
	return rows, err
}

// sumStats adds the selected units to sums. It reads the counts of whole hours and days,
// and the messages of the edges. If no counts are kept, it reads all messages selected.
func (s *Store) sumStats(ctx context.Context, c *conn, sel selection, kept bool, sums templateStats) error {
	ranges := []microtime.Range{sel.Range}
	if kept {
		var hours microtime.Range
		hours, ranges = microtime.WholeHours(sel.Range)
		for _, t := range microtime.Tiers(hours, tierHours...) {
			if err := s.sumCounts(ctx, c, sel, t, sums); err != nil {
				return err
			}
		}
	}
	for _, sel.Range = range ranges {
		if err := s.sumMessages(ctx, c, sel, sums); err != nil {
			return err
		}
	}
	return nil
}

// sumCounts adds the selected counts of a tier.
func (s *Store) sumCounts(ctx context.Context, c *conn, sel selection, t microtime.Tier, sums templateStats) error {
	sql := selectCountsOfTier
	args := []driver.Value{sel.channel, t.Hours, t.From * t.Hours, t.To * t.Hours}
	if sel.byTemplate {
		sql += " AND part = ?"
		args = append(args, sel.template/blockSize)
	}
	return c.query(ctx, sql, args, func(row []driver.Value) error {
		k := countKey{channel: sel.channel, block: integer(row[0])}
		return decodeCounts(blob(row[1]), func(s countSlot, n int64) {
			if u := s.unit(k); sel.countsUnit(u) {
				sums.add(u, n)
			}
		})
	})
}

// countsUnit reports whether the statistics of the selection include u.
func (sel *selection) countsUnit(u countUnit) bool {
	return u.channel == sel.channel && (sel.group == status.All || u.group == sel.group) &&
		(!sel.byTemplate || u.template == sel.template)
}

// sumMessages adds the units of all selected messages. A message whose marks cannot be
// decoded counts by its status alone.
func (s *Store) sumMessages(ctx context.Context, c *conn, sel selection, sums templateStats) error {
	var attempts []attemptSummary // reused for every row
	sql, args := sel.listQuery("m.template, m.status, m.marks, m.reasons")
	return c.query(ctx, sql, args, func(row []driver.Value) error {
		summary, err := decodeSummary(blob(row[2]), attempts)
		if err != nil {
			summary = messageSummary{attempts: attempts[:0]}
		}
		attempts = summary.attempts
		u := countUnit{template: integer(row[0])}
		message := smsplus.CountStatuses(status.Status(integer(row[1])), summary.read, summary.statuses())
		if u.Count = message; !sel.selectsAttempts() {
			sums.add(u, 1)
			return nil
		}
		var reasons []status.Reason
		if sel.reason != "" {
			reasons = rowcodec.DecodeReasons(text(row[3]))
		}
		reasons = append(reasons, make([]status.Reason, max(0, len(attempts)-len(reasons)))...)
		for i, a := range attempts {
			if !sel.matchesAttempt(a, reasons[i]) {
				continue
			}
			if sel.channel == wholeMessage {
				sums.add(u, 1)
				return nil
			}
			u.Count = message.Attempt(a.status, a.read)
			sums.add(u, 1)
		}
		return nil
	})
}
