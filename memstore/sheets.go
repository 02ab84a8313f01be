package memstore

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

// sheets hold the counters of grouped statistics by day. A change is only noted, and a
// query, or the next of many changes, adds what was noted to the days. So messages that
// change alike cost a few additions, and what a message was in between costs none.
type sheets struct {
	days []numberedDay // ascending by number, which is unique

	// noted are sums of changes by a hash of their keys. A change whose place has another
	// key moves that one to moved.
	noted [1 << 9]noted
	moved []noted
}

type numberedDay struct {
	number int64 // day 0 begins 1970
	*daysheet.Day
}

// noted is n messages more of one kind.
type noted struct {
	notedKey
	n int32
}

// notedKey is what messages have in common that are counted alike.
type notedKey struct {
	quarter         int64
	template, route uint32
	facts           uint32
}

// maxMoved is the number of changes that may wait in moved.
const maxMoved = 1 << 12

// noteCount notes n messages more with the key. It reports whether the caller must fold soon.
func (s *sheets) noteCount(k notedKey, n int32) (full bool) {
	const odd = 0x9e3779b97f4a7c15 // distributes small numbers over 64 bits
	h := (uint64(k.quarter) + uint64(k.facts)<<20 + uint64(k.template)<<40 + uint64(k.route)<<52) * odd
	at := &s.noted[h>>(64-9)]
	if at.notedKey == k {
		at.n += n
		return false
	}
	if at.n != 0 {
		s.moved = append(s.moved, *at)
	}
	*at = noted{k, n}
	return len(s.moved) >= maxMoved
}

// fold adds what was noted to the days. The snapshots contain all numbers that were noted.
func (s *sheets) fold(texts internSnapshot, facts [][]smsplus.Unit) {
	for i := range s.noted {
		if s.noted[i].n != 0 {
			s.moved = append(s.moved, s.noted[i])
			s.noted[i] = noted{}
		}
	}
	if len(s.moved) == 0 {
		return
	}
	slices.SortFunc(s.moved, func(a, b noted) int {
		return cmp.Or(cmp.Compare(a.quarter, b.quarter), cmp.Compare(a.template, b.template),
			cmp.Compare(a.route, b.route), cmp.Compare(a.facts, b.facts))
	})
	var changed []int64
	for i := 0; i < len(s.moved); {
		k, n := s.moved[i].notedKey, int64(0)
		for ; i < len(s.moved) && s.moved[i].notedKey == k; i++ {
			n += int64(s.moved[i].n)
		}
		if n == 0 {
			continue
		}
		day := daysheet.DayOf(k.quarter)
		s.day(day).Add(int(k.quarter-day*daysheet.Quarters), texts.templates[k.template], texts.routes[k.route].scenario, facts[k.facts], n)
		if len(changed) == 0 || changed[len(changed)-1] != day {
			changed = append(changed, day)
		}
	}
	for _, day := range changed {
		i := s.search(day)
		if s.days[i].Merge(); s.days[i].IsEmpty() {
			s.days = slices.Delete(s.days, i, i+1)
		}
	}
	s.moved = s.moved[:0]
}

// search returns the index of the first day with this number or a higher one.
func (s *sheets) search(number int64) int {
	i, _ := slices.BinarySearchFunc(s.days, number, func(d numberedDay, number int64) int { return cmp.Compare(d.number, number) })
	return i
}

// day returns the day with the number, a new one if there is none.
func (s *sheets) day(number int64) numberedDay {
	i := s.search(number)
	if i == len(s.days) || s.days[i].number != number {
		d := new(daysheet.Day)
		d.Sheets[daysheet.Totals].Expand() // the totals are few, and read most
		s.days = slices.Insert(s.days, i, numberedDay{number, d})
	}
	return s.days[i]
}

// addTo adds the days of a query.
func (s *sheets) addTo(q *daysheet.Query) {
	in := q.Days()
	for _, d := range s.days[s.search(in.From):s.search(in.To)] {
		for _, k := range q.Kinds() {
			q.AddSheet(d.number, k, &d.Sheets[k])
		}
	}
}

// StatsBy implements [smsplus.Store]. It reads the counters of the range's days, and the
// messages of the quarters of an hour that the range cuts. With more than a range, a template,
// a channel and a group in the filter, it counts the messages themselves.
func (s *Store) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	if err := cmp.Or(ctx.Err(), errors.Join(f.Check(), g.Check())); err != nil {
		return nil, err
	}
	sel, ok := s.interned.newSelection(f)
	if !ok {
		return nil, s.checkOpen(ctx)
	}
	q, ok := daysheet.NewQuery(f, g)
	if !ok {
		sums := g.NewSums(f)
		if err := s.sumRecords(ctx, sel, sums); err != nil {
			return nil, err
		}
		return sums.Rows(), nil
	}
	if err := s.foldNoted(ctx); err != nil {
		return nil, err
	}
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	s.table.sheets.addTo(q)
	s.mu.RUnlock()
	for _, sel.Range = range q.Edges {
		if err := s.sumRecords(ctx, sel, q.GroupSums); err != nil {
			return nil, err
		}
	}
	return q.Rows(), nil
}

// foldNoted adds what was noted to the days.
func (s *Store) foldNoted(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.table.foldSheets()
	return nil
}

// sumRecords adds the selected records. It decodes them only if their units do not tell which
// of their attempts are selected.
func (s *Store) sumRecords(ctx context.Context, sel selection, sums *smsplus.GroupSums) error {
	var texts internSnapshot
	return s.walkRecords(ctx, sel, uuid.UUID{}, func(r *record) bool {
		if sel.needsDecoding() {
			var m smsplus.Message
			r.decode(&m, s.interned.takeSnapshot())
			sums.Add(&m)
			return true
		}
		if int(r.template) >= len(texts.templates) || int(r.route) >= len(texts.routes) { // the record is newer
			texts = s.interned.takeSnapshot()
		}
		sums.AddUnits(texts.templates[r.template], texts.routes[r.route].scenario, microtime.Time(r.triggeredAt), sel.unitsOf(r))
		return true
	})
}

// noteRecord notes that a record is, or with n -1 no longer is, in the table.
func (t *table) noteRecord(r *record, n int32) {
	k := notedKey{daysheet.QuarterOf(r.triggeredAt), r.template, r.route, r.facts}
	if t.sheets.noteCount(k, n) {
		t.foldSheets()
	}
}

func (t *table) foldSheets() { t.sheets.fold(t.interned.takeSnapshot(), t.interned.facts.allUnits()) }
