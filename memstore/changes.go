package memstore

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/smsplus/smsplus-go/smsplus"
)

var _ smsplus.ChangeLister = (*Store)(nil)

// changeLog has the records in the order of their last changes. A table has one from the
// first call of Changes on, so that programs without one do not pay for it.
type changeLog struct {
	last    int64   // the number of the last change
	numbers []int64 // by handle, the number of the record's last change, or 0
	order   list    // the records by these numbers
}

// newChangeLog returns the log of the records that the table has, as if they had been
// inserted in the order of their trigger times.
func (t *table) newChangeLog() *changeLog {
	log := new(changeLog)
	for e := range t.all.ascend() {
		log.noteChange(e.handle)
	}
	return log
}

// noteChange notes a change of a record. A nil log notes nothing.
func (c *changeLog) noteChange(h handle) {
	if c == nil {
		return
	}
	c.dropRecord(h)
	for int(h) >= len(c.numbers) {
		c.numbers = append(c.numbers, 0)
	}
	c.last++
	c.numbers[h] = c.last
	c.order.add(entry{c.last, h}, handleOrder(h))
}

// dropRecord forgets a record.
func (c *changeLog) dropRecord(h handle) {
	if c != nil && int(h) < len(c.numbers) && c.numbers[h] != 0 {
		c.order.remove(entry{c.numbers[h], h}, handleOrder(h))
		c.numbers[h] = 0
	}
}

// listAfter returns up to limit records whose last change is after a number, and the number of
// the last one's.
func (c *changeLog) listAfter(t *table, number int64, limit int) (rs []record, last int64, more bool) {
	last = number
	for e := range c.order.ascendFrom(number+1, func(handle) int { return 0 }) {
		if len(rs) == limit {
			return rs, last, true
		}
		rs, last = append(rs, *t.slab.get(e.handle)), e.at
	}
	return rs, last, false
}

// newHistory returns a number that distinguishes the positions of a store from those of
// others, such as the one of the process before.
func newHistory() uint64 { return rand.Uint64() }

// Changes implements [smsplus.ChangeLister]. The first call makes an index of all messages,
// and from then on each insert and update maintains it.
func (s *Store) Changes(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
	var number int64
	if after != "" {
		var history uint64
		if n, _ := fmt.Sscanf(after, "%x.%x", &history, &number); n != 2 || history != s.history || number < 0 {
			return smsplus.ChangePage{}, fmt.Errorf("memstore: changes: %w (%d characters)", smsplus.ErrChangesLost, len(after))
		}
	}
	if err := s.lock(ctx); err != nil {
		return smsplus.ChangePage{}, err
	}
	if s.table.changes == nil {
		s.table.changes = s.table.newChangeLog()
	}
	rs, last, more := s.table.changes.listAfter(s.table, number, limit)
	s.mu.Unlock()
	return smsplus.ChangePage{Messages: s.decodeRecords(rs), Next: fmt.Sprintf("%x.%x", s.history, last), More: more}, nil
}
