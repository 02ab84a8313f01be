package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/internal/microtime"
)

// Purge implements [smsplus.Store]. Rows that a concurrent update or purge has locked are
// left to the next call.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.retryCall(ctx, "purge", func(ctx context.Context) error {
		purge := func(db querier) error {
			return db.QueryRow(ctx, s.statements.purge.textWithLimit(limit), microtime.Time(microtime.Ceil(before))).Scan(&n)
		}
		if s.layout.partitioned {
			return s.inTx(ctx, func(tx pgx.Tx) error { return purge(tx) })
		}
		return purge(s.pool)
	})
	return n, err
}
