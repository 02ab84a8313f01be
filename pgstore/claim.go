package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Claim implements [smsplus.Store].
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (claimed smsplus.Claimed, err error) {
	var lanes []string // NULL stands for every lane
	if c.Only != nil {
		lanes = make([]string, len(c.Only))
	}
	for i, lane := range c.Only {
		lanes[i] = string(lane)
	}
	skipped := append([]string{}, c.SkipTemplates...)
	err = s.retryCall(ctx, "claim", func(ctx context.Context) (err error) {
		claimed, err = s.claimOrPeek(ctx, c, lanes, skipped)
		return err
	})
	if err == nil {
		s.maybeMaintain(c.Now)
	}
	return claimed, err
}

// claimOnce runs sql/claim.sql. It returns how long the server took to find the messages.
func (s *Store) claimOnce(ctx context.Context, c smsplus.Claim, lanes, skipped []string) (claimed smsplus.Claimed, took time.Duration, err error) {
	rows, err := s.pool.Query(ctx, s.statements.claim.textWithLimit(c.Limit), c.Now, c.Now.Add(c.Lease), lanes, c.Holder, skipped)
	if err != nil {
		return smsplus.Claimed{}, 0, err
	}
	var (
		rs       []scannedMessage
		dues     []time.Time
		next     pgtype.Timestamptz
		passed   []string
		passedAt []time.Time
		seconds  float64
	)
	first := []any{&next, &passed, &passedAt, &seconds} // of the first row
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var due pgtype.Timestamptz
		r, ok, err := s.scanMessage(row, append(first, &due)...)
		first = []any{nil, nil, nil, nil}
		if ok {
			rs, dues = append(rs, r), append(dues, timeOrZero(due))
		}
		return struct{}{}, err
	})
	if err == nil {
		err = s.attachRoutes(ctx, s.pool, rs)
	}
	if err != nil {
		return smsplus.Claimed{}, 0, err
	}
	claimed.Next = timeOrZero(next)
	for i, lane := range passed {
		claimed.Passed = append(claimed.Passed, smsplus.PassedLane{Lane: channel.Name(lane), DueAt: passedAt[i].UTC()})
	}
	for i := range rs {
		if rs[i].err != nil {
			claimed.Unreadable = append(claimed.Unreadable, rs[i].unreadable())
			continue
		}
		claimed.Messages, claimed.Due = append(claimed.Messages, rs[i].Message), append(claimed.Due, dues[i])
	}
	return claimed, time.Duration(seconds * float64(time.Second)), nil
}

// SetAside implements [smsplus.Store].
func (s *Store) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	defer s.idle.noteWrite()()
	ids, versions := make([]pgtype.UUID, len(rows)), make([]int64, len(rows))
	for i, u := range rows {
		ids[i], versions[i] = pgtype.UUID{Bytes: u.ID, Valid: true}, u.Version
	}
	return s.retryCall(ctx, "set aside", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.setAside, ids, versions, until)
		return err
	})
}
