package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Claim implements [smsplus.Store]. While nothing is due it only reads.
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	var claimed smsplus.Claimed
	now, until := microtime.Of(c.Now), microtime.Of(c.Now.Add(c.Lease))
	err := s.withReader(ctx, func(conn *conn) error {
		lanes, err := s.laneHeads(ctx, conn, nil, c.Except)
		claimed.Next = earliestDue(lanes)
		return err
	})
	if err != nil || claimed.Next.IsZero() || microtime.Of(claimed.Next) > now {
		return claimed, err
	}
	limit, except := c.Limit, slices.Clone(c.Except)
	return submitWrite(ctx, s, func(w *writer) (smsplus.Claimed, error) { return w.claimMessages(now, until, limit, except) })
}

// laneHead is a lane that has messages, and when its first one is due.
type laneHead struct{ lane, dueAt int64 }

// Each lane is one step through the index, however many messages wait in it.
const selectLaneHeads = `WITH RECURSIVE lane (name) AS (
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

// laneHeads returns the lanes but those excepted.
func (s *Store) laneHeads(ctx context.Context, c *conn, fresh []uncommittedText, except []channel.Name) (lanes []laneHead, err error) {
	var not []int64
	for _, name := range except {
		n, ok, err := s.names.lookup(ctx, c, fresh, string(name))
		if err != nil {
			return nil, err
		}
		if ok && name != "" { // a message without a lane is never excepted
			not = append(not, n)
		}
	}
	err = c.query(ctx, selectLaneHeads, nil, func(row []driver.Value) error {
		if l := (laneHead{integer(row[0]), integer(row[1])}); !slices.Contains(not, l.lane) {
			lanes = append(lanes, l)
		}
		return nil
	})
	return lanes, err
}

func earliestDue(lanes []laneHead) (t time.Time) {
	first := int64(math.MaxInt64)
	for _, l := range lanes {
		first = min(first, l.dueAt)
	}
	if len(lanes) > 0 {
		t = microtime.Time(first)
	}
	return t
}

// candidate is a message that may be claimed.
type candidate struct{ dueAt, number int64 }

func (w *writer) claimMessages(now, until int64, limit int, except []channel.Name) (claimed smsplus.Claimed, err error) {
	lanes, err := w.store.laneHeads(writerCtx, w.conn, w.uncommitted, except)
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
		err := w.query(writerCtx, "SELECT due_at, number FROM smsplus_message INDEXED BY smsplus_message_due "+
			"WHERE lane = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?", []driver.Value{l.lane, int64(most)},
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
		claimed.Next = microtime.Time(queue[n].dueAt)
	}
	if n == 0 {
		return claimed, nil
	}
	claimed.DueAt = microtime.Time(queue[0].dueAt)
	claimed.Messages, err = w.leaseMessages(queue[:n], until)
	return claimed, err
}

// leaseMessages leases the messages and returns them in their order.
func (w *writer) leaseMessages(queue []candidate, until int64) ([]smsplus.Message, error) {
	list := make([]int64, len(queue))
	places := make(map[int64]int, len(queue))
	for i, q := range queue {
		list[i], places[q.number] = q.number, i
		err := w.exec(writerCtx, "UPDATE smsplus_message SET version = version + 1, claims = claims + 1, due_at = ? "+
			"WHERE number = ?", until, q.number)
		if err != nil {
			return nil, err
		}
	}
	ms := make([]smsplus.Message, len(queue))
	err := w.query(writerCtx, "SELECT "+messageColumns+", m.number FROM json_each(?) j CROSS JOIN smsplus_message m ON m.number = j.value",
		[]driver.Value{jsonNumbers(list)}, func(row []driver.Value) (err error) {
			i := places[integer(row[len(row)-1])]
			ms[i], err = w.store.decodeRow(writerCtx, w.conn, w.uncommitted, row)
			return err
		})
	return ms, err
}
