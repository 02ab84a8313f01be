package pgstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestBouncer_StoreWorksBehindIt(t *testing.T) {
	t.Parallel()
	for pooling, modes := range map[string][]pgx.QueryExecMode{
		"session": {pgx.QueryExecModeCacheStatement},
		"transaction": { // PgBouncer before 1.21 knows no prepared statements in this mode
			pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
		},
	} {
		dsn := pgtest.Bouncer(t, pooling)
		for _, mode := range modes {
			t.Run(pooling+", "+mode.String(), func(t *testing.T) {
				t.Parallel()
				c, err := pgxpool.ParseConfig(dsn)
				require.NoError(t, err)
				c.ConnConfig.DefaultQueryExecMode = mode
				c.MaxConns = 8
				if pooling == "session" {
					c.MaxConns = 1 // a connection that is not used keeps one of the server's
				}
				pool, err := pgxpool.NewWithConfig(t.Context(), c)
				require.NoError(t, err)
				t.Cleanup(pool.Close)
				for _, monthly := range []bool{false, true} {
					s := openStore(t, pool, pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly})
					requireWritesWork(t, s)
				}
				s := openStore(t, pool, pgstore.Options{Schema: pgtest.Schema(t)})
				p := &countingChannel{}
				d := newDispatcher(t, s, p, func(c *smsplus.Config) { c.Poll = 20 * time.Millisecond })
				stop := runDispatcher(t, d)
				var group errgroup.Group
				for n := range 60 {
					group.Go(func() error {
						_, err := d.Send(t.Context(), smsplus.Trigger{Template: "paid", To: channel.Recipient{Phone: fullMessage(1).To.Phone}, Key: fmt.Sprint(n)})
						return err
					})
				}
				require.NoError(t, group.Wait())
				waitForDelivered(t, s, 60)
				stop()
				require.Len(t, p.sent, 60)
			})
		}
		if pooling == "transaction" {
			t.Run("conforms", func(t *testing.T) {
				skipUnlessRequired(t)
				c, err := pgxpool.ParseConfig(dsn)
				require.NoError(t, err)
				c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
				pool, err := pgxpool.NewWithConfig(t.Context(), c)
				require.NoError(t, err)
				t.Cleanup(pool.Close)
				schemas := suiteSchemas{suite: t}
				storetest.Run(t, func(t *testing.T) smsplus.Store {
					return openStore(t, pool, pgstore.Options{Schema: schemas.take(t)})
				})
			})
		}
	}
}
