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

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The statistics of whole hours and whole days (UTC) of trigger time are kept as
// counts, so that a long range costs its days, and two edges, instead of its messages.
// A row holds the counts of 32 templates: one transaction changes few rows, however
// many templates its messages have, and three months are a few hundred.

const blockSize = 32 // templates

// tierHours are the lengths of time that are counted, in hours.
var tierHours = []int64{1, 24}

// wholeMessage is the channel of a tally of the message itself: it is the number of the
// empty name, whose attempts nobody can ask for.
const wholeMessage = 0

// countUnit is one thing counted: a message, or an attempt of one.
type countUnit struct {
	channel     int64 // a name's number, or overall
	template    int64
	group       status.Group // the message's
	status      status.Status
	read, twice bool
}

// countDelta is a tally that there is one more of, or one less, among what was triggered in
// an hour.
type countDelta struct {
	hour int64
	unit countUnit
	n    int64
}

// appendUnits appends what [smsplus.TemplateStats.Add] counts of a message.
func appendUnits(all []countUnit, template int64, st status.Status, ms messageSummary) []countUnit {
	delivered := 0
	for _, a := range ms.attempts {
		if a.status == status.Delivered {
			delivered++
		}
	}
	all = append(all, countUnit{wholeMessage, template, st.Group(), st, ms.read, delivered > 1})
	for _, a := range ms.attempts {
		if a.channel != wholeMessage {
			twice := a.status == status.Delivered && delivered > 1
			all = append(all, countUnit{a.channel, template, st.Group(), a.status, a.read, twice})
		}
	}
	return all
}

// noteCounts notes what a message is and no longer what it was; either may be empty.
func (w *writer) noteCounts(triggeredAt int64, was, is []countUnit) {
	h := microtime.HourOf(triggeredAt)
	for _, t := range was {
		w.countDeltas = append(w.countDeltas, countDelta{h, t, -1})
	}
	for _, t := range is {
		w.countDeltas = append(w.countDeltas, countDelta{h, t, 1})
	}
}

// countKey is the key of a row of counts.
type countKey struct{ channel, hours, start, block int64 }

// countSlot is a tally within its place, packed.
type countSlot uint64

// The bits of a kind, from the lowest: template 5, group 3, status 3, read, twice.
func (t countUnit) slot() countSlot {
	k := countSlot(t.template%blockSize) | countSlot(t.group)<<5 | countSlot(t.status)<<8
	if t.read {
		k |= 1 << 11
	}
	if t.twice {
		k |= 1 << 12
	}
	return k
}

const countSlots = 1 << 13

func (k countSlot) unit(p countKey) countUnit {
	return countUnit{
		p.channel, p.block*blockSize + int64(k%blockSize), status.Group(k >> 5 & 7), status.Status(k >> 8 & 7), k&(1<<11) != 0, k&(1<<12) != 0,
	}
}

// slotCounts are written as the kinds, each as the distance from the one before, and how
// many there are.
type slotCounts map[countSlot]int64

func (cs slotCounts) encode() []byte {
	var b []byte
	before := countSlot(0)
	for _, k := range slices.Sorted(maps.Keys(cs)) {
		b = binary.AppendUvarint(b, uint64(k-before))
		b = binary.AppendUvarint(b, uint64(cs[k]))
		before = k
	}
	return b
}

// decodeCounts calls each with every kind that b counts.
func decodeCounts(b []byte, each func(countSlot, int64)) error {
	k := countSlot(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 {
			return errCounts
		}
		count, m := binary.Uvarint(b[n:])
		if k += countSlot(step); m <= 0 || step >= countSlots || k >= countSlots || count == 0 || count > math.MaxInt64 {
			return errCounts
		}
		each(k, int64(count))
		b = b[n+m:]
	}
	return nil
}

var errCounts = fmt.Errorf("sqlitestore: %w: counts", rowcodec.ErrCorrupt)

// storeCounts writes what the transaction changed.
func (w *writer) storeCounts() error {
	changes := make(map[countKey]slotCounts)
	for _, m := range w.countDeltas {
		for _, hours := range tierHours {
			p := countKey{m.unit.channel, hours, microtime.FloorDiv(m.hour, hours) * hours, m.unit.template / blockSize}
			if changes[p] == nil {
				changes[p] = make(slotCounts)
			}
			changes[p][m.unit.slot()] += m.n
		}
	}
	for p, cs := range changes {
		maps.DeleteFunc(cs, func(_ countSlot, n int64) bool { return n == 0 })
		if len(cs) == 0 {
			continue
		}
		if err := w.addToCounts(p, cs); err != nil {
			return err
		}
	}
	return nil
}

// addToCounts adds to a row of counts.
func (w *writer) addToCounts(p countKey, cs slotCounts) error {
	err := w.query(writerCtx, "SELECT counts FROM smsplus_tally WHERE channel = ? AND hours = ? AND start = ? AND part = ?",
		[]driver.Value{p.channel, p.hours, p.start, p.block}, func(row []driver.Value) error {
			return decodeCounts(blob(row[0]), func(k countSlot, n int64) { cs[k] += n })
		})
	if err != nil {
		return err
	}
	for k, n := range cs {
		switch {
		case n == 0:
			delete(cs, k)
		case n < 0:
			return fmt.Errorf("%w: fewer than none", errCounts)
		}
	}
	if len(cs) == 0 {
		err = w.exec(writerCtx, "DELETE FROM smsplus_tally WHERE channel = ? AND hours = ? AND start = ? AND part = ?",
			p.channel, p.hours, p.start, p.block)
		return err
	}
	err = w.exec(writerCtx, "INSERT INTO smsplus_tally (channel, hours, start, part, counts) VALUES (?, ?, ?, ?, ?) "+
		"ON CONFLICT (channel, hours, start, part) DO UPDATE SET counts = excluded.counts",
		p.channel, p.hours, p.start, p.block, cs.encode())
	return err
}

// templateStats are statistics by the numbers of templates.
type templateStats map[int64]*smsplus.TemplateStats

func (s templateStats) add(t countUnit, n int64) {
	row := s[t.template]
	if row == nil {
		row = new(smsplus.TemplateStats)
		s[t.template] = row
	}
	row.Triggered += int(n)
	switch t.status {
	case status.Preparing:
		row.Preparing += int(n)
	case status.Accepted:
		row.Accepted += int(n)
	case status.Failed:
		row.Failed += int(n)
	case status.Undeliverable:
		row.Undeliverable += int(n)
	case status.Delivered:
		row.Delivered += int(n)
	}
	if t.read {
		row.Read += int(n)
	}
	if t.twice {
		row.DeliveredTwice += int(n)
	}
}

// Stats implements [smsplus.Store].
func (s *Store) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	var rows []smsplus.TemplateStats
	err := s.withSnapshot(ctx, func(c *conn) error {
		q, ok, err := s.newSelection(ctx, c, f)
		if !ok || err != nil {
			return err
		}
		sums := make(templateStats)
		if err := s.sumStats(ctx, c, q, sums); err != nil {
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

// sumStats adds up counts where they can answer, and messages elsewhere.
func (s *Store) sumStats(ctx context.Context, c *conn, q selection, to templateStats) error {
	ranges := []microtime.Range{q.Range}
	if len(q.phones) == 0 && q.country == "" {
		var hours microtime.Range
		hours, ranges = microtime.WholeHours(q.Range)
		for _, t := range microtime.Tiers(hours, tierHours...) {
			if err := s.sumCounts(ctx, c, q, t, to); err != nil {
				return err
			}
		}
	}
	for _, q.Range = range ranges {
		if err := s.sumMessages(ctx, c, q, to); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) sumCounts(ctx context.Context, c *conn, q selection, t microtime.Tier, to templateStats) error {
	sql := "SELECT part, counts FROM smsplus_tally WHERE channel = ? AND hours = ? AND start >= ? AND start < ?"
	args := []driver.Value{q.channel, t.Hours, t.From * t.Hours, t.To * t.Hours}
	if q.byTemplate {
		sql += " AND part = ?"
		args = append(args, q.template/blockSize)
	}
	return c.query(ctx, sql, args, func(row []driver.Value) error {
		p := countKey{channel: q.channel, block: integer(row[0])}
		return decodeCounts(blob(row[1]), func(k countSlot, n int64) {
			if t := k.unit(p); q.countsUnit(t) {
				to.add(t, n)
			}
		})
	})
}

// countsUnit reports whether the question asks for a tally of its channel.
func (q *selection) countsUnit(t countUnit) bool {
	return t.channel == q.channel && (q.group == status.All || t.group == q.group) && (!q.byTemplate || t.template == q.template)
}

func (s *Store) sumMessages(ctx context.Context, c *conn, q selection, to templateStats) error {
	var (
		room []attemptSummary
		all  []countUnit
	)
	sql, args := q.list("m.template, m.status, m.marks")
	return c.query(ctx, sql, args, func(row []driver.Value) error {
		ms, err := decodeSummary(blob(row[2]), room)
		if err != nil {
			return err
		}
		room = ms.attempts
		all = appendUnits(all[:0], integer(row[0]), status.Status(integer(row[1])), ms)
		for _, t := range all {
			if q.countsUnit(t) {
				to.add(t, 1)
			}
		}
		return nil
	})
}
