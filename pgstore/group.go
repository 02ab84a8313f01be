package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/smsplus"
)

// groupPage is the number of messages that StatsBy reads with one statement.
const groupPage = 1000

// oneMoment makes the statements of a transaction see the rows as they are at its beginning.
var oneMoment = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// StatsBy implements [smsplus.Store]. It reads the messages that f matches.
func (s *Store) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) (rows []smsplus.GroupStats, err error) {
	if err := cmp.Or(ctx.Err(), errors.Join(f.Check(), g.Check())); err != nil {
		return nil, err
	}
	f.Limit, f.After = groupPage, ""
	err = s.retryCall(ctx, "stats by", func(ctx context.Context) error {
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
// it yields what the tally has.
func (s *Store) eachCounted(ctx context.Context, tx pgx.Tx, f smsplus.Filter, yield func(smsplus.Message) bool) error {
	hashes, err := s.hashesOfProviderID(ctx, tx, f)
	if err != nil {
		return err
	}
	for {
		sql, args, err := s.pageQuery(f, hashes, f.PageSize()+1)
		if err != nil {
			return fmt.Errorf("pgstore: stats by: %w", err)
		}
		rs, err := s.queryMessages(ctx, tx, sql, args...)
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
		if err := s.eachTally(ctx, tx, page.Unreadable, yield); err != nil || page.Next == "" {
			return err
		}
		f.After = page.Next
	}
}

// eachTally yields what the tallies have of messages that cannot be read.
func (s *Store) eachTally(ctx context.Context, tx pgx.Tx, of []smsplus.Unreadable, yield func(smsplus.Message) bool) error {
	if len(of) == 0 {
		return nil
	}
	ids := make([][16]byte, len(of))
	for i := range of {
		ids[i] = of[i].ID
	}
	rows, err := tx.Query(ctx, s.layout.render("tallies_by_id", params{}), ids)
	if err != nil {
		return err
	}
	var (
		template, tally string
		triggeredAt     time.Time
	)
	_, err = pgx.ForEachRow(rows, []any{&template, &triggeredAt, &tally}, func() error {
		m, err := decodeTally(tally)
		m.Template, m.TriggeredAt = template, triggeredAt.UTC()
		if err == nil {
			yield(m)
		}
		return err
	})
	return err
}
