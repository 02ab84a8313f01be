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
	"time"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The statistics of whole hours and whole days (UTC) of trigger time are kept as
// counts, so that a long range costs its days, and two edges, instead of its messages.
// A row holds the counts of 32 templates: one transaction changes few rows, however
// many templates its messages have, and three months are a few hundred.

const (
	hour = int64(time.Hour / time.Microsecond)
	part = 32 // templates
)

// tiers are the lengths of time that are counted, in hours.
var tiers = []int64{1, 24}

// overall is the channel of a tally of the message itself: it is the number of the
// empty name, whose attempts nobody can ask for.
const overall = 0

// tally is one thing counted: a message, or an attempt of one.
type tally struct {
	channel     int64 // a name's number, or overall
	template    int64
	group       status.Group // the message's
	status      status.Status
	read, twice bool
}

// move is a tally that there is one more of, or one less, among what was triggered in
// an hour.
type move struct {
	hour int64
	of   tally
	by   int64
}

// tallies appends what [smsplus.TemplateStats.Add] counts of a message.
func tallies(all []tally, template int64, st status.Status, ms marks) []tally {
	delivered := 0
	for _, a := range ms.attempts {
		if a.status == status.Delivered {
			delivered++
		}
	}
	all = append(all, tally{overall, template, st.Group(), st, ms.read, delivered > 1})
	for _, a := range ms.attempts {
		if a.channel != overall {
			twice := a.status == status.Delivered && delivered > 1
			all = append(all, tally{a.channel, template, st.Group(), a.status, a.read, twice})
		}
	}
	return all
}

// recount notes what a message is and no longer what it was; either may be empty.
func (w *writer) recount(triggeredAt int64, was, is []tally) {
	h := floorDiv(triggeredAt, hour)
	for _, t := range was {
		w.moves = append(w.moves, move{h, t, -1})
	}
	for _, t := range is {
		w.moves = append(w.moves, move{h, t, 1})
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// place is the key of a row of counts.
type place struct{ channel, hours, start, part int64 }

// kind is a tally within its place, packed.
type kind uint64

// The bits of a kind, from the lowest: template 5, group 3, status 3, read, twice.
func (t tally) kind() kind {
	k := kind(t.template%part) | kind(t.group)<<5 | kind(t.status)<<8
	if t.read {
		k |= 1 << 11
	}
	if t.twice {
		k |= 1 << 12
	}
	return k
}

const kinds = 1 << 13

func (k kind) tally(p place) tally {
	return tally{
		p.channel, p.part*part + int64(k%part), status.Group(k >> 5 & 7), status.Status(k >> 8 & 7), k&(1<<11) != 0, k&(1<<12) != 0,
	}
}

// counts are written as the kinds, each as the distance from the one before, and how
// many there are.
type counts map[kind]int64

func (cs counts) encode() []byte {
	var b []byte
	before := kind(0)
	for _, k := range slices.Sorted(maps.Keys(cs)) {
		b = binary.AppendUvarint(b, uint64(k-before))
		b = binary.AppendUvarint(b, uint64(cs[k]))
		before = k
	}
	return b
}

// decodeCounts calls each with every kind that b counts.
func decodeCounts(b []byte, each func(kind, int64)) error {
	k := kind(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 {
			return errCounts
		}
		count, m := binary.Uvarint(b[n:])
		if k += kind(step); m <= 0 || step >= kinds || k >= kinds || count == 0 || count > math.MaxInt64 {
			return errCounts
		}
		each(k, int64(count))
		b = b[n+m:]
	}
	return nil
}

var errCounts = fmt.Errorf("sqlitestore: %w: counts", rowcodec.ErrCorrupt)

// count writes what the transaction changed.
func (w *writer) count() error {
	changes := make(map[place]counts)
	for _, m := range w.moves {
		for _, hours := range tiers {
			p := place{m.of.channel, hours, floorDiv(m.hour, hours) * hours, m.of.template / part}
			if changes[p] == nil {
				changes[p] = make(counts)
			}
			changes[p][m.of.kind()] += m.by
		}
	}
	for p, cs := range changes {
		maps.DeleteFunc(cs, func(_ kind, n int64) bool { return n == 0 })
		if len(cs) == 0 {
			continue
		}
		if err := w.add(p, cs); err != nil {
			return err
		}
	}
	return nil
}

// add adds to a row of counts.
func (w *writer) add(p place, cs counts) error {
	err := w.query(unstoppable, "SELECT counts FROM smsplus_tally WHERE channel = ? AND hours = ? AND start = ? AND part = ?",
		[]driver.Value{p.channel, p.hours, p.start, p.part}, func(row []driver.Value) error {
			return decodeCounts(blob(row[0]), func(k kind, n int64) { cs[k] += n })
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
		err = w.exec(unstoppable, "DELETE FROM smsplus_tally WHERE channel = ? AND hours = ? AND start = ? AND part = ?",
			p.channel, p.hours, p.start, p.part)
		return err
	}
	err = w.exec(unstoppable, "INSERT INTO smsplus_tally (channel, hours, start, part, counts) VALUES (?, ?, ?, ?, ?) "+
		"ON CONFLICT (channel, hours, start, part) DO UPDATE SET counts = excluded.counts",
		p.channel, p.hours, p.start, p.part, cs.encode())
	return err
}

// sums are statistics by the numbers of templates.
type sums map[int64]*smsplus.TemplateStats

func (s sums) add(t tally, n int64) {
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

// span is a stretch of time in microseconds: from ≤ t < to.
type span struct{ from, to int64 }

// The bounds of a span that has none. There is no time beyond them.
const (
	eternity = math.MaxInt64 / 4
	bound    = eternity / hour * hour
)

// Stats implements [smsplus.Store].
func (s *Store) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	var rows []smsplus.TemplateStats
	err := s.snapshot(ctx, func(c *conn) error {
		q, ok, err := s.question(ctx, c, f)
		if !ok || err != nil {
			return err
		}
		sums := make(sums)
		if err := s.sum(ctx, c, q, sums); err != nil {
			return err
		}
		for template, row := range sums {
			if row.Template, err = s.names.text(ctx, c, nil, template); err != nil {
				return err
			}
			rows = append(rows, *row)
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b smsplus.TemplateStats) int { return cmp.Compare(a.Template, b.Template) })
	return rows, err
}

// sum adds up counts where they can answer, and messages elsewhere.
func (s *Store) sum(ctx context.Context, c *conn, q question, to sums) error {
	spans := []span{q.span}
	from, until := -floorDiv(-q.from, hour), floorDiv(q.to, hour) // whole hours
	if len(q.phones) == 0 && q.country == "" && from < until {
		spans = []span{{q.from, from * hour}, {until * hour, q.to}}
		fromDay, untilDay := -floorDiv(-from, 24)*24, floorDiv(until, 24)*24
		if fromDay > untilDay {
			fromDay, untilDay = until, until // no whole day
		}
		for _, t := range []struct{ hours, from, until int64 }{{1, from, fromDay}, {24, fromDay, untilDay}, {1, untilDay, until}} {
			if err := s.sumCounts(ctx, c, q, t.hours, t.from, t.until, to); err != nil {
				return err
			}
		}
	}
	for _, q.span = range spans {
		if q.from < q.to {
			if err := s.sumMessages(ctx, c, q, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) sumCounts(ctx context.Context, c *conn, q question, hours, from, until int64, to sums) error {
	if from >= until {
		return nil
	}
	sql := "SELECT part, counts FROM smsplus_tally WHERE channel = ? AND hours = ? AND start >= ? AND start < ?"
	args := []driver.Value{q.channel, hours, from, until}
	if q.byTemplate {
		sql += " AND part = ?"
		args = append(args, q.template/part)
	}
	return c.query(ctx, sql, args, func(row []driver.Value) error {
		p := place{channel: q.channel, part: integer(row[0])}
		return decodeCounts(blob(row[1]), func(k kind, n int64) {
			if t := k.tally(p); q.counts(t) {
				to.add(t, n)
			}
		})
	})
}

// counts reports whether the question asks for a tally of its channel.
func (q *question) counts(t tally) bool {
	return t.channel == q.channel && (q.group == status.All || t.group == q.group) && (!q.byTemplate || t.template == q.template)
}

func (s *Store) sumMessages(ctx context.Context, c *conn, q question, to sums) error {
	var (
		room []mark
		all  []tally
	)
	sql, args := q.list("m.template, m.status, m.marks")
	return c.query(ctx, sql, args, func(row []driver.Value) error {
		ms, err := decodeMarks(blob(row[2]), room)
		if err != nil {
			return err
		}
		room = ms.attempts
		all = tallies(all[:0], integer(row[0]), status.Status(integer(row[1])), ms)
		for _, t := range all {
			if q.counts(t) {
				to.add(t, 1)
			}
		}
		return nil
	})
}
