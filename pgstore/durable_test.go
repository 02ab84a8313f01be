package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// A commit that waits for a synchronous standby is seen by others once its wait is cut off,
// although it may not outlive the primary. A call that repeats it must wait too.
func TestDurability_RepeatedCallWaitsAsTheFirst(t *testing.T) {
	t.Parallel()
	if !inOwnProcess(t) {
		return
	}
	ctx := t.Context()
	for _, monthly := range []bool{false, true} {
		pool := pgtest.Pool(t, nil)
		s := openStore(t, pool, pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly})
		insertAll(t, s, fullMessage(0)) // stores the route
		m, receipt := fullMessage(1), receiptFor(fullMessage(2))
		insert := func(ctx context.Context) error {
			taken, err := s.Insert(ctx, []smsplus.Message{m})
			if err == nil {
				require.Len(t, taken, 1, "the first call stored it")
			}
			return err
		}
		insertTx := func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				_, err := s.InsertTx(ctx, tx, m)
				return err
			})
		}
		park := func(ctx context.Context) error { return s.Park(ctx, []channel.Receipt{receipt, receipt}) }

		pgtest.Exec(t, "ALTER SYSTEM SET synchronous_commit = on", "ALTER SYSTEM SET synchronous_standby_names = 'none'", "SELECT pg_reload_conf()")
		waitForSetting(t, "synchronous_standby_names", "none")
		for range 2 {
			for name, call := range map[string]func(context.Context) error{"Insert": insert, "InsertTx": insertTx, "Park": park} {
				bounded, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
				require.Error(t, call(bounded), "%s returned before its row was safe", name)
				cancel()
			}
		}
		pgtest.Exec(t, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
		waitForSetting(t, "synchronous_standby_names", "")
		for _, call := range []func(context.Context) error{insert, insertTx, park} {
			require.NoError(t, call(ctx))
		}
		rs, err := s.Parked(ctx, []channel.Ref{receipt.Ref()})
		require.NoError(t, err)
		require.Len(t, rs, 1)
	}
}

// waitForSetting waits until new connections have a setting.
func waitForSetting(t *testing.T, name, value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.DSN(t))
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing is lost
	for have := "?"; have != value; {
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&have))
	}
}
