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

// Claim implements [smsplus.Store]. It only reads while no message is due.
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	var claimed smsplus.Claimed
	now, leaseEnd := microtime.Of(c.Now), microtime.Of(c.Now.Add(c.Lease))
	err := s.withReader(ctx, func(conn *conn) error {
		heads, err := s.laneHeads(ctx, conn, nil, c.Except)
		claimed.Next = earliestDue(heads)
		return err
	})
	if err != nil || claimed.Next.IsZero() || microtime.Of(claimed.Next) > now {
		return claimed, err
	}
	limit, except := c.Limit, slices.Clone(c.Except)
	return submitWrite(ctx, s, func(w *writer) (smsplus.Claimed, error) {
		return w.claimMessages(now, leaseEnd, limit, except)
	})
}

// laneHead is a lane with messages, and the due time of the earliest one.
type laneHead struct{ lane, dueAt int64 }

// selectLaneHeads finds each lane by one search in the index, whatever the number of
// messages in it.
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

// laneHeads returns the heads of all lanes that are not in except. A message without a
// lane is never excepted.
func (s *Store) laneHeads(
	ctx context.Context, c *conn, uncommitted []uncommittedText, except []channel.Name,
) (heads []laneHead, err error) {
	var excluded []int64
	for _, name := range except {
		n, ok, err := s.names.lookup(ctx, c, uncommitted, string(name))
		if err != nil {
			return nil, err
		}
		if ok && name != "" {
			excluded = append(excluded, n)
		}
	}
	err = c.query(ctx, selectLaneHeads, nil, func(row []driver.Value) error {
		if h := (laneHead{integer(row[0]), integer(row[1])}); !slices.Contains(excluded, h.lane) {
			heads = append(heads, h)
		}
		return nil
	})
	return heads, err
}

// earliestDue returns the earliest due time, and the zero time without heads.
func earliestDue(heads []laneHead) (t time.Time) {
	earliest := int64(math.MaxInt64)
	for _, h := range heads {
		earliest = min(earliest, h.dueAt)
	}
	if len(heads) > 0 {
		t = microtime.Time(earliest)
	}
	return t
}

// candidate is a message that may be claimed.
type candidate struct{ dueAt, number int64 }

const selectDueOfLane = `SELECT due_at, number FROM smsplus_message INDEXED BY smsplus_message_due
WHERE lane = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?`

// claimMessages leases up to limit due messages, the earliest first, until leaseEnd.
func (w *writer) claimMessages(now, leaseEnd int64, limit int, except []channel.Name) (claimed smsplus.Claimed, err error) {
	heads, err := w.store.laneHeads(writerCtx, w.conn, w.uncommitted, except)
	if err != nil {
		return claimed, err
	}
	// Each lane contributes one candidate more than the limit, because the first one that
	// is not claimed determines Next. Of a lane without due messages the head suffices.
	var candidates []candidate
	for _, h := range heads {
		most := limit + 1
		if h.dueAt > now {
			most = 1
		}
		err := w.query(writerCtx, selectDueOfLane, []driver.Value{h.lane, int64(most)}, func(row []driver.Value) error {
			candidates = append(candidates, candidate{integer(row[0]), integer(row[1])})
			return nil
		})
		if err != nil {
			return claimed, err
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.dueAt, b.dueAt) })
	n := 0
	for n < len(candidates) && n < limit && candidates[n].dueAt <= now {
		n++
	}
	if n < len(candidates) {
		claimed.Next = microtime.Time(candidates[n].dueAt)
	}
	if n == 0 {
		return claimed, nil
	}
	claimed.DueAt = microtime.Time(candidates[0].dueAt)
	claimed.Messages, err = w.leaseMessages(candidates[:n], leaseEnd)
	return claimed, err
}

const leaseMessage = `UPDATE smsplus_message SET version = version + 1, claims = claims + 1, due_at = ?
WHERE number = ?`

var selectMessagesByNumber = "SELECT " + messageColumns +
	", m.number FROM json_each(?) j CROSS JOIN smsplus_message m ON m.number = j.value"

// leaseMessages leases the candidates and returns their messages in the same order.
func (w *writer) leaseMessages(candidates []candidate, leaseEnd int64) ([]smsplus.Message, error) {
	numbers := make([]int64, len(candidates))
	indexOf := make(map[int64]int, len(candidates))
	for i, c := range candidates {
		numbers[i], indexOf[c.number] = c.number, i
		if err := w.exec(writerCtx, leaseMessage, leaseEnd, c.number); err != nil {
			return nil, err
		}
	}
	ms := make([]smsplus.Message, len(candidates))
	err := w.query(writerCtx, selectMessagesByNumber, []driver.Value{jsonNumbers(numbers)}, func(row []driver.Value) (err error) {
		i := indexOf[integer(row[messageColumnCount])]
		ms[i], err = w.store.decodeRow(writerCtx, w.conn, w.uncommitted, row)
		return err
	})
	return ms, err
}
