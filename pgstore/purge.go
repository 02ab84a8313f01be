package pgstore

import (
	"context"
	"time"
)

// Purge implements [smsplus.Store]. What an update or another purge holds at the same
// time is left for the next call.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.do(ctx, "purge", func(ctx context.Context) error {
		return s.pool.QueryRow(ctx, s.purge.text(limit), up(before)).Scan(&n)
	})
	return n, err
}
