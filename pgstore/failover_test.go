package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
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
	o := startSending(t, pool)
	waitForIncrease(t, &o.returned, 500)
	pgtest.Failover(t)
	waitForIncrease(t, &o.returned, 500)
	o.finishAndCheck()
}
