package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/internal/sqlquery"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Claim implements [smsplus.Store]. It only reads while no message is due.
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	if err := rowcodec.CheckTime("the end of the lease", c.Now.Add(c.Lease)); err != nil {
		return smsplus.Claimed{}, fmt.Errorf("sqlitestore: Claim: %w", err)
	}
	var claimed smsplus.Claimed
	err := s.withReader(ctx, func(conn *conn) error {
		heads, err := s.claimableHeads(ctx, conn, nil, &c)
		claimed.Next, claimed.Passed = earliestDue(heads.served), heads.passed
		return err
	})
	if err != nil || claimed.Next.IsZero() || claimed.Next.After(c.Now) {
		return claimed, err
	}
	c.Only, c.SkipTemplates = slices.Clone(c.Only), slices.Clone(c.SkipTemplates)
	return submitWrite(ctx, s, func(w *writer) (smsplus.Claimed, error) { return w.claimMessages(&c) })
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

// claimHeads are the heads of the lanes, as a claim sees them.
type claimHeads struct {
	served []laneHead // of Claim.Only, without the messages of Claim.SkipTemplates
	passed []smsplus.PassedLane
	skip   driver.Value // the numbers of Claim.SkipTemplates as a JSON array, nil if there are none
}

// claimableHeads returns the heads of all lanes.
func (s *Store) claimableHeads(
	ctx context.Context, c *conn, uncommitted []uncommittedText, claim *smsplus.Claim,
) (heads claimHeads, err error) {
	only := make([]int64, 0, len(claim.Only))
	for _, name := range claim.Only {
		n, ok, err := s.names.lookup(ctx, c, uncommitted, string(name))
		if err != nil {
			return heads, err
		}
		if ok {
			only = append(only, n)
		}
	}
	if heads.skip, err = s.templateNumbers(ctx, c, uncommitted, claim.SkipTemplates); err != nil {
		return heads, err
	}
	var passed []laneHead
	err = c.query(ctx, selectLaneHeads, nil, func(row []driver.Value) error {
		h := laneHead{integer(row[0]), integer(row[1])}
		if claim.Only == nil || slices.Contains(only, h.lane) {
			heads.served = append(heads.served, h)
		} else {
			passed = append(passed, h)
		}
		return nil
	})
	if err != nil {
		return heads, err
	}
	for _, h := range passed {
		name, err := s.names.lookupText(ctx, c, uncommitted, h.lane)
		if errors.Is(err, errNoText) {
			continue // no dispatcher can serve it
		}
		if err != nil {
			return heads, err
		}
		heads.passed = append(heads.passed, smsplus.PassedLane{Lane: channel.Name(name), DueAt: microtime.Time(h.dueAt)})
	}
	return heads, s.skipTemplates(ctx, c, &heads)
}

// templateNumbers returns a JSON array of the templates' numbers, and nil if no message
// has one of them.
func (s *Store) templateNumbers(
	ctx context.Context, c *conn, uncommitted []uncommittedText, templates []string,
) (driver.Value, error) {
	var numbers []int64
	for _, id := range templates {
		n, ok, err := s.names.lookup(ctx, c, uncommitted, id)
		if err != nil {
			return nil, err
		}
		if ok {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	return jsonNumbers(numbers), nil
}

// skipTemplates moves the heads of the served lanes to their first messages that are not
// of a skipped template. Lanes without such a message are removed.
func (s *Store) skipTemplates(ctx context.Context, c *conn, heads *claimHeads) error {
	if heads.skip == nil {
		return nil
	}
	served := heads.served[:0]
	for _, h := range heads.served {
		sql, args := dueOfLaneQuery(h.lane, heads.skip, 1)
		err := c.query(ctx, sql, args, func(row []driver.Value) error {
			served = append(served, laneHead{h.lane, integer(row[0])})
			return nil
		})
		if err != nil {
			return err
		}
	}
	heads.served = served
	return nil
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

// dueOfLaneQuery returns a statement that selects at most limit candidates of a lane, the
// earliest first. Skip is that of claimHeads.
func dueOfLaneQuery(lane int64, skip driver.Value, limit int64) (sql string, values []driver.Value) {
	args := sqlquery.NewArgs[driver.Value](sqlquery.Positional)
	var where sqlquery.Conditions
	where.Add("lane = " + args.Add(lane))
	where.Add("due_at IS NOT NULL")
	if skip != nil {
		where.Add("template NOT IN (SELECT value FROM json_each(" + args.Add(skip) + "))")
	}
	sql = "SELECT due_at, number FROM smsplus_message INDEXED BY smsplus_message_due" + where.Where() +
		" ORDER BY due_at LIMIT " + args.Add(limit)
	return sql, args.Values()
}

// claimMessages leases up to claim.Limit due messages, the earliest first.
func (w *writer) claimMessages(claim *smsplus.Claim) (claimed smsplus.Claimed, err error) {
	heads, err := w.store.claimableHeads(writerCtx, w.conn, w.uncommitted, claim)
	if err != nil {
		return claimed, err
	}
	claimed.Passed = heads.passed
	candidates, err := w.claimCandidates(heads, microtime.Of(claim.Now), claim.Limit)
	if err != nil {
		return claimed, err
	}
	n := 0
	for n < len(candidates) && n < claim.Limit && candidates[n].dueAt <= microtime.Of(claim.Now) {
		n++
	}
	if n < len(candidates) {
		claimed.Next = microtime.Time(candidates[n].dueAt)
	}
	if n > 0 {
		err = w.leaseCandidates(candidates[:n], claim, &claimed)
	}
	return claimed, err
}

// claimCandidates returns the messages that a claim chooses from, the earliest first. Each
// served lane contributes one more than the limit, because the first one that is not
// claimed determines Next. Of a lane without due messages the first suffices.
func (w *writer) claimCandidates(heads claimHeads, now int64, limit int) (candidates []candidate, err error) {
	for _, h := range heads.served {
		most := onePast(limit)
		if h.dueAt > now {
			most = 1
		}
		sql, args := dueOfLaneQuery(h.lane, heads.skip, most)
		err := w.query(writerCtx, sql, args, func(row []driver.Value) error {
			candidates = append(candidates, candidate{integer(row[0]), integer(row[1])})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.dueAt, b.dueAt) })
	return candidates, nil
}

// leaseMessages names columns without the table's alias, which RETURNING does not take.
var leaseMessages = `UPDATE smsplus_message SET version = version + 1, claims = claims + 1, holder = ?, due_at = ?
WHERE number IN (SELECT value FROM json_each(?)) RETURNING ` + strings.ReplaceAll(writableColumns, "m.", "")

// leaseCandidates leases the candidates, and adds them to claimed in the same order. A
// message that cannot be read is leased like the others, so that the next claim takes other
// messages.
func (w *writer) leaseCandidates(candidates []candidate, claim *smsplus.Claim, claimed *smsplus.Claimed) error {
	leaseEnd := microtime.Of(claim.Now.Add(claim.Lease))
	numbers := make([]int64, len(candidates))
	indexOf := make(map[int64]int, len(candidates))
	for i, c := range candidates {
		numbers[i], indexOf[c.number] = c.number, i
	}
	leased := make([]smsplus.Message, len(candidates))
	unreadable := make(map[int]smsplus.Unreadable)
	args := []driver.Value{claim.Holder, leaseEnd, jsonNumbers(numbers)}
	err := w.query(writerCtx, leaseMessages, args, func(row []driver.Value) (err error) {
		i := indexOf[integer(row[colNumber])]
		leased[i], err = w.decodeWritableRow(row)
		if errors.Is(err, smsplus.ErrUnreadable) {
			unreadable[i], err = newUnreadable(row, err), nil
		}
		return err
	})
	if err != nil {
		return err
	}
	claimed.Messages, claimed.Due = leased[:0], make([]time.Time, 0, len(leased))
	for i, c := range candidates {
		if u, ok := unreadable[i]; ok {
			claimed.Unreadable = append(claimed.Unreadable, u)
			continue
		}
		claimed.Messages = append(claimed.Messages, leased[i])
		claimed.Due = append(claimed.Due, microtime.Time(c.dueAt))
	}
	return nil
}

const setAside = `UPDATE smsplus_message SET version = version + 1, claims = claims - 1, holder = 0, due_at = ?
WHERE id = ? AND version = ?`

const noteSetAside = `INSERT OR REPLACE INTO smsplus_set_aside (message, version)
SELECT number, version + 1 FROM smsplus_message WHERE id = ? AND version = ?`

// SetAside implements [smsplus.Store].
func (s *Store) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	if err := rowcodec.CheckTime("the time until which messages are set aside", until); err != nil {
		return fmt.Errorf("sqlitestore: SetAside: %w", err)
	}
	dueAt := dueAtValue(until)
	rows = slices.Clone(rows)
	_, err := submitWrite(ctx, s, func(w *writer) (struct{}, error) {
		for i := range rows {
			if err := w.exec(writerCtx, noteSetAside, rows[i].ID[:], rows[i].Version); err != nil {
				return struct{}{}, err
			}
			if err := w.exec(writerCtx, setAside, dueAt, rows[i].ID[:], rows[i].Version); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}
