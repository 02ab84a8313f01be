package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

// CountBySheets is StatsBy that stores what it has counted after so many messages.
func (s *Store) CountBySheets(ctx context.Context, f smsplus.Filter, g smsplus.Grouping, budget int) ([]smsplus.GroupStats, error) {
	return s.countBySheets(ctx, f, g, budget)
}

// CountTwice returns statistics by the stored counts, and by the messages, in one snapshot.
func (s *Store) CountTwice(ctx context.Context, g smsplus.Grouping) (stored, counted []smsplus.GroupStats, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
		c := newSheetCount(s, tx, smsplus.Filter{}, g, countBudget)
		if err := c.run(ctx); err != nil {
			return err
		}
		stored = c.query.Rows()
		sums := g.NewSums(smsplus.Filter{})
		err := s.eachTriggered(ctx, tx, microtime.RangeOf(c.filter.From, c.filter.To), func(m *smsplus.Message, _ bool) bool {
			sums.Add(m)
			return true
		})
		counted = sums.Rows()
		return err
	})
	return stored, counted, err
}
