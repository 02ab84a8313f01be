package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// insertOrder inserts a row of the application.
func insertOrder(t *testing.T, tx pgx.Tx, schema string) {
	t.Helper()
	_, err := tx.Exec(t.Context(), "INSERT INTO "+pgx.Identifier{schema, "orders"}.Sanitize()+" VALUES (1)")
	require.NoError(t, err)
}

func TestInsertTx_StoresOnlyIfCommitted(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	orders := pgx.Identifier{o.Schema, "orders"}.Sanitize()
	pgtest.Exec(t, "CREATE TABLE "+orders+" (id integer PRIMARY KEY)")
	s := openStore(t, pool, o)
	d := newDispatcher(t, s, &countingChannel{}, nil)
	trigger := smsplus.Trigger{Template: "paid", To: channel.Recipient{Phone: fullMessage(1).To.Phone}, Key: "order/1"}

	for _, commit := range []bool{false, true} {
		m, err := d.Prepare(trigger)
		require.NoError(t, err)
		tx := beginTx(t, pool, pgx.TxOptions{})
		insertOrder(t, tx, o.Schema)
		taken, err := s.InsertTx(t.Context(), tx, m)
		require.NoError(t, err)
		require.Empty(t, taken)
		n, err := d.Tick(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "it is invisible before the commit")
		_, err = s.Message(t.Context(), m.ID)
		require.ErrorIs(t, err, smsplus.ErrNotFound)
		if !commit {
			require.NoError(t, tx.Rollback(t.Context()))
			_, err = s.Message(t.Context(), m.ID)
			require.ErrorIs(t, err, smsplus.ErrNotFound, "a rollback removes it")
			continue
		}
		require.NoError(t, tx.Commit(t.Context()))
		n, err = d.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		m, err = s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, status.Delivered, m.Status)
	}
	stats, err := s.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, 1, stats[0].Triggered)
}

func TestInsertTx_TakenKeyKeepsTransactionUsable(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	pgtest.Exec(t, "CREATE TABLE "+pgx.Identifier{o.Schema, "orders"}.Sanitize()+" (id integer PRIMARY KEY)")
	s := openStore(t, pool, o)
	again := func(n int) smsplus.Message {
		m := fullMessage(n)
		m.Key = fullMessage(1).Key
		return m
	}

	// A key that is committed while InsertTx waits for it, and a key that exists already.
	first := beginTx(t, pool, pgx.TxOptions{})
	taken, err := s.InsertTx(t.Context(), first, fullMessage(1))
	require.NoError(t, err)
	require.Empty(t, taken)
	for n, wait := range []bool{true, false} {
		tx := beginTx(t, pool, pgx.TxOptions{})
		if n == 0 {
			insertOrder(t, tx, o.Schema)
		}
		pid := tx.Conn().PgConn().PID()
		done := make(chan error, 1)
		go func() {
			var err error
			taken, err = s.InsertTx(t.Context(), tx, fullMessage(10+n), again(20+n))
			done <- err
		}()
		if wait {
			waitForLock(t, pool, "pid = $1", int(pid))
			require.NoError(t, first.Commit(t.Context()))
		}
		require.NoError(t, <-done)
		require.Equal(t, map[string]smsplus.Message{fullMessage(1).Key: fullMessage(1)}, taken)
		require.NoError(t, tx.Commit(t.Context()))
		_, err = s.Message(t.Context(), fullMessage(10+n).ID)
		require.ErrorIs(t, err, smsplus.ErrNotFound, "all or none")
	}
	var orders int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{o.Schema, "orders"}.Sanitize()).Scan(&orders))
	require.Equal(t, 1, orders)

	// A key that the application's snapshot cannot see is an error. The transaction stays
	// usable.
	tx := beginTx(t, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	_, err = tx.Exec(t.Context(), "SELECT 1")
	require.NoError(t, err)
	insertAll(t, s, fullMessage(2))
	late := fullMessage(3)
	late.Key = fullMessage(2).Key
	_, err = s.InsertTx(t.Context(), tx, late)
	require.ErrorContains(t, err, "smsplus_message_key")
	require.NotContains(t, err.Error(), late.Key)
	_, err = s.InsertTx(t.Context(), tx, fullMessage(4))
	require.NoError(t, err, "the transaction stays usable after an error")
	require.NoError(t, tx.Commit(t.Context()))
	_, err = s.Message(t.Context(), fullMessage(4).ID)
	require.NoError(t, err)
}

// The lookup of the composite types may fail. It must not abort the transaction.
func TestInsertTx_EarlyErrorKeepsTransactionUsable(t *testing.T) {
	t.Parallel()
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pgtest.Pool(t, nil), o)
	tx := beginTx(t, pgtest.Pool(t, nil), pgx.TxOptions{})
	_, err := tx.Exec(t.Context(), "SET LOCAL ROLE pg_monitor") // a role without access to the schema
	require.NoError(t, err)
	_, err = s.InsertTx(t.Context(), tx, fullMessage(1))
	require.ErrorContains(t, err, "42501")
	_, err = tx.Exec(t.Context(), "RESET ROLE")
	require.NoError(t, err)
	_, err = s.InsertTx(t.Context(), tx, fullMessage(1))
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	_, err = s.Message(t.Context(), fullMessage(1).ID)
	require.NoError(t, err)
}

// The connection of a transaction that has ended may belong to another transaction.
func TestInsertTx_LeavesEndedTransactionAlone(t *testing.T) {
	t.Parallel()
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pgtest.Pool(t, nil), o)
	pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	ended := beginTx(t, pool, pgx.TxOptions{})
	require.NoError(t, ended.Commit(t.Context()))
	other := beginTx(t, pool, pgx.TxOptions{})
	rows, err := other.Query(t.Context(), "SELECT generate_series(1, 3)")
	require.NoError(t, err)
	_, err = s.InsertTx(t.Context(), ended, fullMessage(1))
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	read, err := pgx.CollectRows(rows, pgx.RowTo[int])
	require.NoError(t, err)
	require.Len(t, read, 3)
}

func TestInsertTx_RollbackForgetsRoute(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	tx := beginTx(t, pool, pgx.TxOptions{})
	_, err := s.InsertTx(t.Context(), tx, fullMessage(1))
	require.NoError(t, err)
	again := fullMessage(2)
	again.Key = fullMessage(1).Key
	taken, err := s.InsertTx(t.Context(), tx, again)
	require.NoError(t, err)
	require.Equal(t, fullMessage(1), taken[again.Key], "a transaction sees its own")
	require.NoError(t, tx.Rollback(t.Context()))

	insertAll(t, s, fullMessage(1)) // its route must be stored again
	m, err := openStore(t, pool, o).Message(t.Context(), fullMessage(1).ID)
	require.NoError(t, err)
	require.Equal(t, fullMessage(1), m)
}

// beginTx begins a transaction, which is rolled back at the end of the test unless it has
// ended.
func beginTx(t *testing.T, pool *pgxpool.Pool, o pgx.TxOptions) pgx.Tx {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // it may have ended
	return tx
}

// waitForLock waits until a connection waits for a lock. The condition selects the connection
// in pg_stat_activity, and $1 in it is arg.
func waitForLock(t *testing.T, pool *pgxpool.Pool, condition string, arg any) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		require.NoError(t, pool.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "+condition, arg).Scan(&waiting))
	}
}

// InsertTx waits for a transaction that inserts the same key, but no longer than its
// deadline.
func TestInsertTx_HasDeadline(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	o.Timeout = 100 * time.Millisecond
	impatient := openStore(t, pool, o)
	insertAll(t, s, fullMessage(0)) // stores the route
	first := beginTx(t, pool, pgx.TxOptions{})
	_, err := s.InsertTx(t.Context(), first, fullMessage(1))
	require.NoError(t, err)

	second := beginTx(t, pool, pgx.TxOptions{})
	same := fullMessage(2)
	same.Key = fullMessage(1).Key
	_, err = impatient.InsertTx(t.Context(), second, same)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, first.Commit(t.Context()))
}

func TestInsertTx_SaysWhatToRepeat(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, monthly := range []bool{false, true} {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly}
		s := openStore(t, pool, o)
		insertAll(t, s, fullMessage(0))
		same := func(n, key int) smsplus.Message {
			m := fullMessage(n)
			m.Key = fullMessage(key).Key
			return m
		}
		snapshot := func(level pgx.TxIsoLevel) pgx.Tx {
			tx := beginTx(t, pool, pgx.TxOptions{IsoLevel: level})
			_, err := tx.Exec(ctx, "SELECT 1")
			require.NoError(t, err)
			return tx
		}

		tx := snapshot(pgx.RepeatableRead)
		insertAll(t, s, fullMessage(1))
		_, err := s.InsertTx(ctx, tx, same(2, 1))
		require.ErrorIs(t, err, pgstore.ErrKeyTaken)
		require.NotErrorIs(t, err, pgstore.ErrAborted)
		require.NotContains(t, err.Error(), fullMessage(1).Key)
		require.NoError(t, tx.Rollback(ctx))

		again := fullMessage(1)
		again.Key = "another"
		tx = snapshot(pgx.ReadCommitted)
		_, err = s.InsertTx(ctx, tx, again)
		require.Error(t, err)
		require.NoError(t, tx.Rollback(ctx))
		require.NotErrorIs(t, err, pgstore.ErrKeyTaken, "an ID that is taken is not a key")
		require.NotErrorIs(t, err, pgstore.ErrAborted)

		// The message that has the key was dropped since the snapshot.
		tx = snapshot(pgx.RepeatableRead)
		_, err = s.Purge(ctx, noon.AddDate(1, 0, 0), 10)
		require.NoError(t, err)
		_, err = s.InsertTx(ctx, tx, same(3, 1))
		require.ErrorIs(t, err, pgstore.ErrAborted)
		require.NotErrorIs(t, err, pgstore.ErrKeyTaken)
		require.NoError(t, tx.Rollback(ctx))
	}
}
