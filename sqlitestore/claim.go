package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Claim implements [smsplus.Store]. While nothing is due it only reads.
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	var claimed smsplus.Claimed
	now, until := micros(c.Now), micros(c.Now.Add(c.Lease))
	err := s.reading(ctx, func(conn *conn) error {
		lanes, err := s.lanes(ctx, conn, nil, c.Except)
		claimed.Next = next(lanes)
		return err
	})
	if err != nil || claimed.Next.IsZero() || micros(claimed.Next) > now {
		return claimed, err
	}
	limit, except := c.Limit, slices.Clone(c.Except)
	return write(ctx, s, func(w *writer) (smsplus.Claimed, error) { return w.claim(now, until, limit, except) })
}

// lane is a lane that has messages, and when its first one is due.
type lane struct{ name, dueAt int64 }

// Each lane is one step through the index, however many messages wait in it.
const selectLanes = `WITH RECURSIVE lane (name) AS (
	SELECT (SELECT lane FROM smsplus_message INDEXED BY smsplus_message_due
		WHERE due_at IS NOT NULL ORDER BY lane LIMIT 1)
	UNION ALL
	SELECT (SELECT lane FROM smsplus_message INDEXED BY smsplus_message_due
		WHERE due_at IS NOT NULL AND lane > name ORDER BY lane LIMIT 1)
	FROM lane WHERE name IS NOT NULL
)
SELECT name, (SELECT due_at FROM smsplus_message INDEXED BY smsplus_message_due
	WHERE due_at IS NOT NULL AND lane = name ORDER BY due_at LIMIT 1)
FROM lane WHERE name IS NOT NULL`

// lanes returns the lanes but those excepted.
func (s *Store) lanes(ctx context.Context, c *conn, fresh []entry, except []channel.Name) (lanes []lane, err error) {
	var not []int64
	for _, name := range except {
		n, ok, err := s.names.find(ctx, c, fresh, string(name))
		if err != nil {
			return nil, err
		}
		if ok && name != "" { // a message without a lane is never excepted
			not = append(not, n)
		}
	}
	err = c.query(ctx, selectLanes, nil, func(row []driver.Value) error {
		if l := (lane{integer(row[0]), integer(row[1])}); !slices.Contains(not, l.name) {
			lanes = append(lanes, l)
		}
		return nil
	})
	return lanes, err
}

func next(lanes []lane) (t time.Time) {
	first := int64(math.MaxInt64)
	for _, l := range lanes {
		first = min(first, l.dueAt)
	}
	if len(lanes) > 0 {
		t = timeAt(first)
	}
	return t
}

// candidate is a message that may be claimed.
type candidate struct{ dueAt, number int64 }

func (w *writer) claim(now, until int64, limit int, except []channel.Name) (claimed smsplus.Claimed, err error) {
	lanes, err := w.store.lanes(unstoppable, w.conn, w.fresh, except)
	if err != nil {
		return claimed, err
	}
	// One more of each lane than the limit: the first that stays is the next.
	var queue []candidate
	for _, l := range lanes {
		most := limit + 1
		if l.dueAt > now {
			most = 1
		}
		err := w.query(unstoppable, "SELECT due_at, number FROM smsplus_message INDEXED BY smsplus_message_due "+
			"WHERE lane = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?", []driver.Value{l.name, int64(most)},
			func(row []driver.Value) error {
				queue = append(queue, candidate{integer(row[0]), integer(row[1])})
				return nil
			})
		if err != nil {
			return claimed, err
		}
	}
	slices.SortFunc(queue, func(a, b candidate) int { return cmp.Compare(a.dueAt, b.dueAt) })
	n := 0
	for n < len(queue) && n < limit && queue[n].dueAt <= now {
		n++
	}
	if n < len(queue) {
		claimed.Next = timeAt(queue[n].dueAt)
	}
	if n == 0 {
		return claimed, nil
	}
	claimed.DueAt = timeAt(queue[0].dueAt)
	claimed.Messages, err = w.lease(queue[:n], until)
	return claimed, err
}

// lease leases the messages and returns them in their order.
func (w *writer) lease(queue []candidate, until int64) ([]smsplus.Message, error) {
	list := make([]int64, len(queue))
	places := make(map[int64]int, len(queue))
	for i, q := range queue {
		list[i], places[q.number] = q.number, i
		err := w.exec(unstoppable, "UPDATE smsplus_message SET version = version + 1, claims = claims + 1, due_at = ? "+
			"WHERE number = ?", until, q.number)
		if err != nil {
			return nil, err
		}
	}
	ms := make([]smsplus.Message, len(queue))
	err := w.query(unstoppable, "SELECT "+columns+", m.number FROM json_each(?) j CROSS JOIN smsplus_message m ON m.number = j.value",
		[]driver.Value{numbers(list)}, func(row []driver.Value) (err error) {
			i := places[integer(row[len(row)-1])]
			ms[i], err = w.store.decode(unstoppable, w.conn, w.fresh, row)
			return err
		})
	return ms, err
}
