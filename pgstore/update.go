package pgstore

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Update implements [smsplus.Store].
func (s *Store) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	var (
		ids      = make([][16]byte, 0, len(ms))
		versions = make([]int64, 0, len(ms))
		ats      = make([]time.Time, 0, len(ms))
		next     states
	)
	next.grow(len(ms))
	for _, m := range inOrder(ms, func(a, b *smsplus.Message) int { return bytes.Compare(a.ID[:], b.ID[:]) }) {
		if n := len(ids); n > 0 && ids[n-1] == m.ID { // the one before it in the batch moves the version on
			stale = append(stale, m.ID)
			continue
		}
		ids = append(ids, m.ID)
		versions = append(versions, m.Version)
		ats = append(ats, m.TriggeredAt)
		if err := next.add(s.codec, m); err != nil {
			return nil, fmt.Errorf("pgstore: update: %w", err)
		}
	}
	args := []any{
		ids, versions, next.due, next.status, next.tab, next.channel, next.lane, next.tally, next.body,
		next.last, next.name, next.names,
	}
	sql := s.update.sql
	if s.layout.monthly {
		args, sql = append(args, ats), s.update.text(ats)
	}
	var updated map[uuid.UUID]bool
	err = s.do(ctx, "update", func(ctx context.Context) error {
		updated = make(map[uuid.UUID]bool, len(ids))
		rows, err := s.pool.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		var id [16]byte
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
			updated[id] = true
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !updated[id] {
			stale = append(stale, id)
		}
	}
	return stale, nil
}
