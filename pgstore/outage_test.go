package pgstore_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// ownServerEnv is the environment variable of a process that runs a single test, so that
// the test may restart the process's server.
const ownServerEnv = "PGSTORE_TEST_OWN_SERVER"

// inOwnProcess runs the test in a process and on a server of its own, with additional
// environment variables. It returns true in that process.
func inOwnProcess(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(ownServerEnv) != "" {
		return true
	}
	pgtest.DSN(t) // skips the test if no server is installed
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), ownServerEnv+"=yes"), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("%s", out)
	return false
}

// outageWorld sends messages over a database that fails meanwhile, and keeps what happened.
// It is the dispatcher's channel and observer.
type outageWorld struct {
	t     *testing.T
	store *pgstore.Store

	running  context.Context
	stop     context.CancelFunc
	group    errgroup.Group
	returned atomic.Int64 // calls of Send that returned without an error
	failed   atomic.Int64 // calls of Send that returned an error

	mu     sync.Mutex
	ids    map[string]uuid.UUID // the ID that Send returned, by key
	sent   map[uuid.UUID]int    // the number of sends, by attempt
	errors int                  // the number of StoreFailed events
}

// Observe implements [smsplus.Observer].
func (o *outageWorld) Observe(_ context.Context, e smsplus.Event) {
	if _, ok := e.(smsplus.StoreFailed); ok {
		o.mu.Lock()
		o.errors++
		o.mu.Unlock()
	}
}

func (*outageWorld) Name() channel.Name     { return channel.SMS }
func (*outageWorld) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

// Send delivers at once.
func (o *outageWorld) Send(_ context.Context, e channel.Envelope) (channel.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent[e.AttemptID]++
	return channel.Result{Status: status.Delivered, ProviderID: e.AttemptID.String()}, nil
}

// startSending sends messages until finishAndCheck. A Send that fails is repeated with its
// key.
func startSending(t *testing.T, pool *pgxpool.Pool, schema string) *outageWorld {
	t.Helper()
	o := &outageWorld{
		t: t, store: openStore(t, pool, pgstore.Options{Schema: schema}),
		ids: make(map[string]uuid.UUID), sent: make(map[uuid.UUID]int),
	}
	o.running, o.stop = context.WithCancel(t.Context())
	d := o.newDispatcher(0)
	o.group.Go(func() error { return d.Run(o.running) })
	for sender := range senders {
		o.group.Go(func() error {
			for i := 0; o.running.Err() == nil; i++ {
				key := fmt.Sprintf("%d/%d", sender, i)
				id, err := d.Send(o.running, newTrigger(key))
				for err != nil && o.running.Err() == nil {
					o.failed.Add(1)
					id, err = d.Send(o.running, newTrigger(key))
				}
				if err == nil {
					o.mu.Lock()
					o.ids[key] = id
					o.mu.Unlock()
					o.returned.Add(1)
				}
			}
			return nil
		})
	}
	return o
}

func newTrigger(key string) smsplus.Trigger {
	return smsplus.Trigger{
		Template: "otp", Key: key, To: channel.Recipient{Phone: mustPhone("+886912345678")}, Vars: map[string]string{"text": key},
	}
}

// newDispatcher returns a dispatcher with short timeouts, whose clock is ahead.
func (o *outageWorld) newDispatcher(by time.Duration) *smsplus.Dispatcher {
	o.t.Helper()
	d, err := smsplus.New(smsplus.Config{
		Store: o.store, Clock: offsetClock(by), Channels: []channel.Channel{o}, Observer: o,
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("{{text}}")}}}},
		Poll:      50 * time.Millisecond, SendTimeout: time.Second, StoreTimeout: time.Second, Lease: 3 * time.Second,
	})
	require.NoError(o.t, err)
	return d
}

// waitForIncrease waits until a counter has increased by that much. It polls, because
// nothing signals that a server is up or down.
func waitForIncrease(t *testing.T, counter *atomic.Int64, by int64) {
	t.Helper()
	from := counter.Load()
	require.Eventually(t, func() bool { return counter.Load() >= from+by }, time.Minute, time.Millisecond)
}

// finishAndCheck stops the senders, dispatches until all messages are final, and requires
// that no message is lost and that the statistics equal a recount.
func (o *outageWorld) finishAndCheck() {
	t := o.t
	t.Helper()
	o.stop()
	require.NoError(t, o.group.Wait())
	late := o.newDispatcher(time.Hour)
	for n := 1; n > 0; {
		var err error
		n, err = late.Tick(t.Context())
		require.NoError(t, err)
	}
	held := requireAllFinal(t, o.store)
	for key, id := range o.ids {
		require.Equal(t, key, held[id].Key, "Send returned, and the message is lost")
		require.Equal(t, status.Delivered, held[id].Status)
	}
	keys := make(map[string]bool)
	for _, m := range held {
		require.False(t, keys[m.Key], "a key has two messages")
		keys[m.Key] = true
		require.Len(t, m.Attempts, 1)
		require.Positive(t, o.sent[m.Attempts[0].ID])
	}
	require.Len(t, o.sent, len(held), "every attempt that was sent is the one attempt of a record")
	requireStatsMatchRecount(t, o.store)
	again := 0
	for n := range maps.Values(o.sent) {
		again += n - 1
	}
	t.Logf("Send returned for %d messages and failed %d times; %d errors of the store were observed; %d sends were repeated",
		len(o.ids), o.failed.Load(), o.errors, again)
}

// The database is restarted under load, crashes, and cuts its connections. No message is
// lost whose Send returned, and the dispatcher continues by itself.
func TestOutage_RestartLosesNothing(t *testing.T) {
	t.Parallel()
	if !inOwnProcess(t) {
		return
	}
	pgtest.Durable(t)
	o := startSending(t, pgtest.Pool(t, nil), pgtest.Schema(t))
	for _, happens := range []func(){
		func() { pgtest.Restart(t, "immediate") },
		func() { pgtest.Restart(t, "fast") },
		func() {
			pgtest.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
		},
		func() { pgtest.Restart(t, "immediate") },
	} {
		waitForIncrease(t, &o.returned, 300)
		happens()
	}
	waitForIncrease(t, &o.returned, 300)
	o.finishAndCheck()
	require.Positive(t, o.errors, "errors surface")
}
