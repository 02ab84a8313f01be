package pgstore

import (
	"context"
	"fmt"
	"time"
)

// DropMonths drops whole calendar months (UTC): each that ends at or before the given
// time and in which no message is open, that is, has a DueAt. It returns how many
// messages they held. A month with an open message stays, for a later call, and
// [Store.Purge] drops what has ended of it; so does what no month was made for. The
// messages' keys are free again, and statistics count them no more. Receipts that are
// parked are Purge's.
//
// A month goes in one transaction. Dispatchers are held up for the instant that it
// takes to lock and drop its tables; when the lock does not come at once, it gives way
// to them and tries again, and in the end returns an error that leaves the month as it
// is. The pool's user must own the tables. It returns [ErrNotPartitioned] where there are
// no months.
func (s *Store) DropMonths(ctx context.Context, before time.Time) (messages int, err error) {
	if !s.layout.monthly {
		return 0, ErrNotPartitioned
	}
	var ms []month
	err = s.do(ctx, "drop months", func(ctx context.Context) error {
		ms, err = monthsOf(ctx, s.pool, s.layout)
		return err
	})
	for _, m := range ms {
		if err != nil || m.add(1).After(before) {
			break
		}
		var n int
		err = s.do(ctx, "drop months", func(ctx context.Context) error {
			n, err = s.dropMonth(ctx, m)
			return err
		})
		messages += n
	}
	return messages, err
}

// dropMonth drops a month and returns how many messages it held: none if one is open.
func (s *Store) dropMonth(ctx context.Context, m month) (n int, err error) {
	tx, err := s.pool.BeginTx(ctx, readCommitted)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to undo
	exec := func(sql string, args ...any) {
		if err == nil {
			_, err = tx.Exec(ctx, qualified(sql, s.layout), args...)
		}
	}
	count := func(sql string, args ...any) (n int) {
		if err == nil {
			err = tx.QueryRow(ctx, qualified(sql, s.layout), args...).Scan(&n)
		}
		return n
	}
	open := func() bool {
		return count(fmt.Sprintf("SELECT count(*) FROM (SELECT FROM /*schema*/smsplus_state%s WHERE due_at IS NOT NULL LIMIT 1) open",
			m.suffix())) > 0
	}
	if open() || err != nil {
		return 0, err
	}

	// What takes its time comes first, while everything goes on but folds: so the totals
	// of the month stay as they are, and what is done to it leaves deltas.
	from, to := hourOf(m.Time), hourOf(m.add(1).Time)
	exec("INSERT INTO /*schema*/smsplus_lease (task, holder, until) VALUES ('fold', $1, '-infinity') ON CONFLICT DO NOTHING",
		s.folds.holder)
	exec("SELECT FROM /*schema*/smsplus_lease WHERE task = 'fold' FOR UPDATE")
	if err == nil {
		err = quiet(ctx, tx, s.layout, m.suffix(), "_default")
	}
	forgetKeys := fmt.Sprintf("DELETE FROM /*schema*/smsplus_key k USING /*schema*/smsplus_message%s m WHERE k.key = m.key AND k.id = m.id",
		m.suffix())
	exec(forgetKeys)
	n = count(forgetTotalsSQL, from, to)
	exec("DELETE FROM /*schema*/smsplus_total WHERE span = $1 AND start >= $2 AND start < $3 "+
		"AND preparing = 0 AND accepted = 0 AND failed = 0 AND undeliverable = 0 AND delivered = 0 AND \"read\" = 0 AND twice = 0",
		spans[len(spans)-1], inSpans(from, spans[len(spans)-1]), inSpans(to-1, spans[len(spans)-1])+1)

	// From here on everybody waits.
	if err == nil {
		err = alone(ctx, tx, s.layout)
	}
	if open() || err != nil {
		return 0, err
	}
	if count("SELECT count(*) FROM /*schema*/smsplus_delta WHERE hour >= $1 AND hour < $2", from, to) > 0 {
		exec(forgetKeys) // something may have been inserted
	}
	n += count("WITH gone AS (DELETE FROM /*schema*/smsplus_delta WHERE hour >= $1 AND hour < $2 RETURNING n) "+
		"SELECT coalesce(sum(n), 0) FROM gone", from, to)
	for _, table := range partitioned {
		exec("DROP TABLE /*schema*/" + table + m.suffix())
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// forgetTotalsSQL takes hours out of the totals and returns how many messages they
// counted. The hours are whole days.
const forgetTotalsSQL = `
WITH gone AS (
	DELETE FROM /*schema*/smsplus_total
	WHERE span = 1 AND start >= $1 AND start < $2 OR span = 24 AND start >= $1 / 24 AND start < $2 / 24
	RETURNING *
), long AS (
	SELECT channel, floor(start / 8.0)::integer AS start, tab, template, sum(preparing) AS preparing, sum(accepted) AS accepted,
		sum(failed) AS failed, sum(undeliverable) AS undeliverable, sum(delivered) AS delivered, sum("read") AS "read", sum(twice) AS twice
	FROM gone WHERE span = 24
	GROUP BY 1, 2, 3, 4
), less AS (
	UPDATE /*schema*/smsplus_total t SET preparing = t.preparing - l.preparing, accepted = t.accepted - l.accepted,
		failed = t.failed - l.failed, undeliverable = t.undeliverable - l.undeliverable, delivered = t.delivered - l.delivered,
		"read" = t."read" - l."read", twice = t.twice - l.twice
	FROM long l
	WHERE t.channel = l.channel AND t.span = 192 AND t.start = l.start AND t.tab = l.tab AND t.template = l.template
)
SELECT coalesce(sum(preparing + accepted + failed + undeliverable + delivered), 0)
FROM gone WHERE span = 24 AND channel = ''`
