package pgstore_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
)

// The primary is killed under load, and its synchronous standby takes over. No message is
// lost whose Send returned, and the dispatcher continues by itself.
func TestFailover_SynchronousStandbyLosesNothing(t *testing.T) {
	t.Parallel()
	if !inOwnProcess(t) {
		return
	}
	c, err := pgxpool.ParseConfig(pgtest.Standby(t))
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	o := startSending(t, pool, pgtest.Schema(t))
	waitForIncrease(t, &o.returned, 500)
	pgtest.Failover(t)
	waitForIncrease(t, &o.returned, 500)
	o.finishAndCheck()
	require.Positive(t, o.errors, "errors surface")
}

// A subscriber of logical replication takes over. It has every message, open ones too, and
// their keys, and nothing that new messages need is behind: no sequence, no counter.
func TestFailover_LogicalSubscriberTakesOver(t *testing.T) {
	t.Parallel()
	if !inOwnProcess(t) {
		return
	}
	pgtest.Exec(t, "ALTER SYSTEM SET wal_level = logical")
	pgtest.Restart(t, "fast")
	pgtest.Exec(t, "CREATE SCHEMA smsplus", "CREATE DATABASE subscriber")
	publisher, subscriber := pgtest.Pool(t, nil), pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Database = "subscriber" })
	exec := func(pool *pgxpool.Pool, statement string, args ...any) {
		_, err := pool.Exec(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	exec(subscriber, "CREATE SCHEMA smsplus")
	require.NoError(t, pgstore.Migrate(t.Context(), publisher, pgstore.Options{Schema: "smsplus"}))
	require.NoError(t, pgstore.Migrate(t.Context(), subscriber, pgstore.Options{Schema: "smsplus"}))
	exec(subscriber, "TRUNCATE smsplus.smsplus_migration, smsplus.smsplus_lease") // their rows are replicated
	exec(publisher, "CREATE PUBLICATION smsplus FOR ALL TABLES")
	// On one server, CREATE SUBSCRIPTION would wait for its own transaction to make the slot.
	exec(publisher, "SELECT pg_create_logical_replication_slot('smsplus', 'pgoutput')")
	exec(subscriber, "CREATE SUBSCRIPTION smsplus CONNECTION '"+publisher.Config().ConnString()+"' PUBLICATION smsplus WITH (create_slot = false)")

	o := startSending(t, publisher, "smsplus")
	waitForIncrease(t, &o.returned, 500)
	later := newTrigger("later")
	later.SendAt = time.Now().Add(30 * time.Minute)
	id, err := o.newDispatcher(0).Send(t.Context(), later)
	require.NoError(t, err)
	o.stop()
	require.NoError(t, o.group.Wait())
	o.ids[later.Key] = id
	var end string
	require.NoError(t, publisher.QueryRow(t.Context(), "SELECT pg_current_wal_lsn()::text").Scan(&end))
	require.Eventually(t, func() bool {
		var behind, copying bool
		err := publisher.QueryRow(t.Context(), "SELECT confirmed_flush_lsn < $1::pg_lsn FROM pg_replication_slots WHERE slot_name = 'smsplus'", end).Scan(&behind)
		require.NoError(t, err)
		require.NoError(t, subscriber.QueryRow(t.Context(), "SELECT exists(SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r')").Scan(&copying))
		return !behind && !copying
	}, time.Minute, 10*time.Millisecond)
	exec(subscriber, "DROP SUBSCRIPTION smsplus")

	o.store = openStore(t, subscriber, pgstore.Options{Schema: "smsplus"})
	d := o.newDispatcher(0)
	again, err := d.Send(t.Context(), later)
	require.NoError(t, err)
	require.Equal(t, id, again, "its key is known")
	for _, key := range []string{"new 1", "new 2"} {
		o.ids[key], err = d.Send(t.Context(), newTrigger(key))
		require.NoError(t, err)
	}
	o.finishAndCheck()
}
