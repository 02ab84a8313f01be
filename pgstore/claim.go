package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Claim implements [smsplus.Store].
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (claimed smsplus.Claimed, err error) {
	excluded := make([]string, len(c.Except))
	for i, lane := range c.Except {
		excluded[i] = string(lane)
	}
	err = s.retry(ctx, "claim", func(ctx context.Context) (err error) {
		claimed, err = s.claimOnce(ctx, c, excluded)
		return err
	})
	if err == nil {
		s.maybeMaintain(c.Now)
	}
	return claimed, err
}

// claimOnce runs sql/claim.sql.
func (s *Store) claimOnce(ctx context.Context, c smsplus.Claim, excluded []string) (claimed smsplus.Claimed, err error) {
	rows, err := s.pool.Query(ctx, s.statements.claim.text(c.Limit), c.Now, c.Now.Add(c.Lease), excluded)
	if err != nil {
		return smsplus.Claimed{}, err
	}
	var rs []scannedMessage
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var next, due pgtype.Timestamptz
		if row.RawValues()[1] == nil { // nothing was due: the row has the next due time alone
			targets := make([]any, len(row.RawValues()))
			targets[0] = &next
			err := row.Scan(targets...)
			claimed.Next = timeOrZero(next)
			return struct{}{}, err
		}
		r, err := s.scanMessage(row, &next, &due)
		claimed.Next = timeOrZero(next)
		if len(rs) == 0 {
			claimed.DueAt = timeOrZero(due)
		}
		rs = append(rs, r)
		return struct{}{}, err
	})
	if err != nil {
		return smsplus.Claimed{}, err
	}
	claimed.Messages, err = s.attachRoutes(ctx, s.pool, rs)
	return claimed, err
}
