//go:build unix

package pgstore_test

import (
	"flag"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

var leadersKilled = flag.Int("leaders-killed", 0, "how many `times` the test of a Patroni cluster kills its leader; 0 skips it")

// The leaders of a Patroni cluster with a synchronous standby are killed under load, one
// after the other. No message is lost whose Send returned, and none has a second attempt.
func TestFailover_PatroniClusterLosesNothing(t *testing.T) {
	t.Parallel()
	if *leadersKilled == 0 {
		t.Skip("it takes some minutes, and needs Patroni and etcd: make ha")
	}
	c := pgtest.NewCluster(t)
	config, err := pgxpool.ParseConfig(c.DSN())
	require.NoError(t, err)
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), "CREATE SCHEMA "+pgx.Identifier{"smsplus"}.Sanitize())
	require.NoError(t, err)
	o := startSending(t, pool, "smsplus")
	for kill := range *leadersKilled {
		waitForIncrease(t, &o.returned, 500)
		c.KillLeader(t)
		t.Logf("leader %d was killed: %d messages were sent so far", kill+1, o.returned.Load())
	}
	waitForIncrease(t, &o.returned, 500)
	o.finishAndCheck()
	require.Positive(t, o.errors, "errors surface")
}
