package pgstore

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/smsplus"
)

// groupPage is the number of messages that StatsBy reads with one statement.
const groupPage = 1000

// oneMoment makes the statements of a transaction see the rows as they are at its beginning.
var oneMoment = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// StatsBy implements [smsplus.Store]. It reads stored counts of days and hours, and the
// messages of hours that have changed since the counts were stored. With more than a range, a
// template, a channel and a group in the filter, it reads the messages that f matches.
func (s *Store) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) (rows []smsplus.GroupStats, err error) {
	if err := cmp.Or(ctx.Err(), errors.Join(f.Check(), g.Check())); err != nil {
		return nil, err
	}
	if daysheet.HasCounters(f) {
		return s.countBySheets(ctx, f, g, countBudget)
	}
	f.Limit, f.After = groupPage, ""
	err = s.retryQuery(ctx, "stats by", func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) (err error) {
			rows = g.Stats(f, func(yield func(smsplus.Message) bool) { err = s.eachCounted(ctx, tx, f, yield) })
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// eachCounted yields the messages that f matches, page by page. Of one that cannot be read
// it yields what the tally has, if f matches that: the tally has the reasons, and no provider's
// ID.
func (s *Store) eachCounted(ctx context.Context, tx pgx.Tx, f smsplus.Filter, yield func(smsplus.Message) bool) error {
	hashes, err := s.hashesOfProviderID(ctx, tx, f)
	if err != nil {
		return err
	}
	for {
		rs, err := s.queryPage(ctx, tx, f, hashes)
		if err != nil {
			return err
		}
		ms, unreadable := splitReadable(rs)
		page := f.Page(ms, unreadable...)
		for _, m := range page.Messages {
			if !f.MatchAttempts(m.Attempts) {
				continue // see Records
			}
			if !yield(m) {
				return nil
			}
		}
		var ids [][16]byte
		for _, u := range page.Unreadable {
			ids = append(ids, u.ID)
		}
		err = s.eachTally(ctx, tx, ids, func(m smsplus.Message) bool {
			return !f.MatchAttempts(m.Attempts) || yield(m)
		})
		if err != nil || page.Next == "" {
			return err
		}
		f.After = page.Next
	}
}

// eachTally yields what the tallies have of messages that cannot be read.
func (s *Store) eachTally(ctx context.Context, tx pgx.Tx, ids [][16]byte, yield func(smsplus.Message) bool) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, s.statements.talliesByID, ids)
	if err != nil {
		return err
	}
	var (
		id             [16]byte
		template       string
		triggeredAt    time.Time
		tally, reasons string
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &template, &triggeredAt, &tally, &reasons}, func() error {
		m, err := decodeTally(tally)
		setReasons(&m, reasons)
		m.ID, m.Template, m.TriggeredAt = id, template, triggeredAt.UTC()
		if err == nil {
			yield(m)
		}
		return err
	})
	return err
}
