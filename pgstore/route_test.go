package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// A standby that was behind, or a backup, lacks what was stored last. A process that has
// stored a route there continues.
func TestRoute_IsStoredAgainAfterDatabaseWentBack(t *testing.T) {
	t.Parallel()
	const lost = "TRUNCATE %smsplus_message, %smsplus_state, %smsplus_attempt, %smsplus_route, %smsplus_delta"
	ctx := t.Context()
	for _, monthly := range []bool{false, true} {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly}
		s, other := openStore(t, pool, o), openStore(t, pool, o)
		lose := func() {
			execIn(t, pool, o.Schema, lost)
			if monthly {
				execIn(t, pool, o.Schema, "TRUNCATE %smsplus_key")
			}
		}
		plain, keyed, attempted, inTx := claimedMessage(1), claimedMessage(2), fullMessage(3), claimedMessage(4)
		keyed.Key = "order/2"
		for name, insert := range map[string]func() smsplus.Message{
			"without a key":    func() smsplus.Message { insertAll(t, s, plain); return plain },
			"with a key":       func() smsplus.Message { insertAll(t, s, keyed); return keyed },
			"with an attempt":  func() smsplus.Message { insertAll(t, s, attempted); return attempted },
			"in a transaction": func() smsplus.Message { insertTx(t, s, pool, inTx); return inTx },
		} {
			insert()
			lose()
			want := insert()
			have, err := other.Message(ctx, want.ID)
			require.NoError(t, err, name)
			require.Equal(t, want, have)
			taken, err := s.Insert(ctx, []smsplus.Message{keyed})
			require.NoError(t, err)
			require.Equal(t, want.Key == keyed.Key, len(taken) > 0)
			lose()
		}
	}
}

// insertTx inserts a message in a transaction of its own.
func insertTx(t *testing.T, s *pgstore.Store, pool *pgxpool.Pool, m smsplus.Message) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	taken, err := s.InsertTx(t.Context(), tx, m)
	require.NoError(t, err)
	require.Empty(t, taken)
	require.NoError(t, tx.Commit(t.Context()))
}
