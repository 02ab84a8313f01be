package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// countingChannel is a channel that returns a fixed status and counts the sends.
type countingChannel struct {
	result status.Status // Defaults to Delivered

	mu       sync.Mutex
	sent     map[uuid.UUID]int
	attempts chan uuid.UUID // receives the ID of each attempt, if not nil
}

func (*countingChannel) Name() channel.Name     { return channel.SMS }
func (*countingChannel) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (p *countingChannel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	p.mu.Lock()
	if p.sent == nil {
		p.sent = map[uuid.UUID]int{}
	}
	p.sent[e.AttemptID]++
	p.mu.Unlock()
	if p.attempts != nil {
		select {
		case p.attempts <- e.AttemptID:
		case <-ctx.Done():
		}
	}
	st := p.result
	if st == status.Preparing {
		st = status.Delivered
	}
	return channel.Result{Status: st, ProviderID: e.AttemptID.String()}, nil
}

// newDispatcher returns a dispatcher with a template "paid" of one step.
func newDispatcher(t *testing.T, s smsplus.Store, p *countingChannel, change func(*smsplus.Config)) *smsplus.Dispatcher {
	t.Helper()
	c := smsplus.Config{
		Store: s, Channels: []channel.Channel{p},
		Templates: []smsplus.Template{{ID: "paid", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Paid.")}}}},
	}
	if change != nil {
		change(&c)
	}
	d, err := smsplus.New(c)
	require.NoError(t, err)
	return d
}

// runDispatcher runs a dispatcher until the test ends or stop is called.
func runDispatcher(t *testing.T, d *smsplus.Dispatcher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ran)
	})
	t.Cleanup(stop)
	return stop
}

// waitForDelivered waits until the statistics count that many delivered messages.
func waitForDelivered(t *testing.T, s smsplus.Store, delivered int) {
	t.Helper()
	for {
		stats, err := s.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		if len(stats) == 1 && stats[0].Delivered >= delivered {
			require.Equal(t, delivered, stats[0].Delivered)
			require.Equal(t, delivered, stats[0].Triggered)
			return
		}
	}
}

func TestDispatchers_ShareOnlyDatabase(t *testing.T) {
	t.Parallel()
	const dispatchers, each = 3, 150
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	p := &countingChannel{result: status.Accepted, attempts: make(chan uuid.UUID, dispatchers*each)}
	var ds []*smsplus.Dispatcher
	var s *pgstore.Store
	for range dispatchers {
		s = openStore(t, pgtest.Pool(t, nil), o)
		d := newDispatcher(t, s, p, func(c *smsplus.Config) { c.Poll = 20 * time.Millisecond })
		runDispatcher(t, d)
		ds = append(ds, d)
	}
	var group errgroup.Group
	for n, d := range ds {
		group.Go(func() error {
			var later []smsplus.Trigger
			for i := range each {
				tr := smsplus.Trigger{Template: "paid", To: channel.Recipient{Phone: fullMessage(1).To.Phone}, Key: fmt.Sprintf("%d/%d", n, i)}
				if i%3 == 0 {
					later = append(later, tr)
				} else if _, err := d.Send(t.Context(), tr); err != nil {
					return err
				}
			}
			_, err := d.SendMany(t.Context(), later) // any dispatcher claims them
			return err
		})
	}
	// Receipts come to any dispatcher, and some before the provider ID is stored.
	for range dispatchers * each {
		id := <-p.attempts
		group.Go(func() error {
			return ds[rand.N(len(ds))].Receive(t.Context(), channel.Receipt{
				Channel: channel.SMS, ProviderID: id.String(), Status: status.Delivered, At: time.Now(),
			})
		})
	}
	require.NoError(t, group.Wait())
	waitForDelivered(t, s, dispatchers*each)
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(t, p.sent, dispatchers*each)
	for id, n := range p.sent {
		require.Equal(t, 1, n, "attempt %v", id)
	}
}

func TestBatches_AnyOrderDoesNotDeadlock(t *testing.T) {
	t.Parallel()
	const n, rounds, callers = 300, 8, 4
	var seen recordingTracer
	s := openStore(t, pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &seen }), pgstore.Options{Schema: pgtest.Schema(t)})
	together := func(call func(order []int) error) {
		var group errgroup.Group
		for range callers {
			group.Go(func() error { return call(rand.Perm(n)) })
		}
		require.NoError(t, group.Wait())
	}
	for round := range rounds {
		together(func(order []int) error { // all callers insert the same keys
			var ms []smsplus.Message
			for _, i := range order {
				m := fullMessage(i)
				m.ID, m.Key = uuid.New(), fmt.Sprintf("%d/%d", round, i)
				ms = append(ms, m)
			}
			_, err := s.Insert(t.Context(), ms)
			return err
		})
		page, err := s.Records(t.Context(), smsplus.Filter{Limit: n})
		require.NoError(t, err)
		together(func(order []int) error {
			var ms []smsplus.Message
			for _, i := range order {
				ms = append(ms, page.Messages[i])
			}
			_, err := s.Update(t.Context(), ms)
			return err
		})
		together(func(order []int) error {
			var rs []channel.Receipt
			var refs []channel.Ref
			for _, i := range order {
				rs, refs = append(rs, receiptFor(fullMessage(i))), append(refs, receiptFor(fullMessage(i)).Ref())
			}
			return errors.Join(s.Park(t.Context(), rs), s.Unpark(t.Context(), refs))
		})
	}
	for _, err := range seen.errors {
		require.NotContains(t, err.Error(), "deadlock")
	}
}

func TestStats_RightDuringWritesAndFolds(t *testing.T) {
	t.Parallel()
	const writers, rounds, each = 3, 12, 20
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	var stored atomic.Int64
	var group errgroup.Group
	for n := range writers {
		s := openStore(t, pgtest.Pool(t, nil), o)
		group.Go(func() error {
			for round := range rounds {
				var ms []smsplus.Message
				for i := range each {
					m := fullMessage((n*rounds+round)*each + i)
					m.Key, m.Attempts, m.Status = "", nil, status.Preparing
					ms = append(ms, m)
				}
				if _, err := s.Insert(t.Context(), ms); err != nil {
					return err
				}
				stored.Add(each)
				for version, st := range []status.Status{status.Accepted, status.Delivered} {
					for i := range ms {
						ms[i].Status, ms[i].Version = st, int64(version)+1
					}
					if _, err := s.Update(t.Context(), ms); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	reader, folder := openStore(t, pgtest.Pool(t, nil), o), openStore(t, pgtest.Pool(t, nil), o)
	for over := false; !over; {
		select {
		case err := <-done:
			require.NoError(t, err)
			over = true
		default:
			require.NoError(t, folder.Maintain(t.Context(), noon))
		}
		least := stored.Load()
		rows, err := reader.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		if len(rows) == 0 {
			require.Zero(t, least)
			continue
		}
		require.GreaterOrEqual(t, int64(rows[0].Triggered), least)
		require.LessOrEqual(t, int64(rows[0].Triggered), stored.Load()+writers*each)
		for _, n := range []int{rows[0].Preparing, rows[0].Accepted, rows[0].Delivered} {
			require.GreaterOrEqual(t, n, 0)
		}
	}
	rows, err := reader.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{
		{Template: "otp", Triggered: writers * rounds * each, Delivered: writers * rounds * each},
	}, rows)
}

func TestMaintain_OneStoreFolds(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	first, second := openStore(t, pool, o), openStore(t, pool, o)
	deltas := func() (n int) {
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{o.Schema, "smsplus_delta"}.Sanitize()).Scan(&n))
		return n
	}
	require.NoError(t, first.Maintain(t.Context(), noon))
	insertAll(t, first, fullMessage(1))
	require.Equal(t, 1, deltas())
	require.NoError(t, second.Maintain(t.Context(), noon.Add(time.Minute-time.Second)))
	require.Equal(t, 1, deltas(), "the first store holds the lease")
	require.NoError(t, second.Maintain(t.Context(), noon.Add(time.Minute)))
	require.Zero(t, deltas(), "a lease that has ended is taken over")
	insertAll(t, first, fullMessage(2))
	require.NoError(t, first.Maintain(t.Context(), noon.Add(time.Minute)))
	require.Equal(t, 1, deltas())
	require.NoError(t, second.Maintain(t.Context(), noon.Add(time.Hour)))
	require.Zero(t, deltas())

	// A store that claims folds in the background.
	third := openStore(t, pool, o)
	insertAll(t, first, fullMessage(3))
	_, err := third.Claim(t.Context(), smsplus.Claim{Now: noon.Add(2 * time.Hour), Lease: time.Minute, Limit: 1, Holder: 1})
	require.NoError(t, err)
	for deltas() > 0 { //nolint:revive // until it has
	}
	require.NoError(t, third.Close())
}

func TestOutage_CutConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	// On a slow machine no call would ever end before its connection is cut.
	const senders, each, maxCuts = 4, 60, 200
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	p := &countingChannel{}
	name := "cut " + o.Schema
	named := func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["application_name"] = name }
	admin := pgtest.Pool(t, nil)
	whole := openStore(t, admin, o)
	var ds []*smsplus.Dispatcher
	var stops []func()
	for range 2 {
		d := newDispatcher(t, openStore(t, pgtest.Pool(t, named), o), p, func(c *smsplus.Config) {
			c.Poll, c.SendTimeout, c.StoreTimeout, c.Lease = 20*time.Millisecond, time.Second, time.Second, 3*time.Second
		})
		ds, stops = append(ds, d), append(stops, runDispatcher(t, d))
	}
	var group errgroup.Group
	var failures [senders]int
	for n := range senders {
		group.Go(func() error {
			for i := 0; i < each; {
				_, err := ds[n%len(ds)].Send(t.Context(), smsplus.Trigger{Template: "paid", To: channel.Recipient{Phone: fullMessage(1).To.Phone}, Key: fmt.Sprintf("%d/%d", n, i)})
				if err != nil {
					failures[n]++ // the key makes it safe to repeat the call
					continue
				}
				i++
			}
			return nil
		})
	}
	sent := make(chan error, 1)
	go func() { sent <- group.Wait() }()
	cuts := 0
	for over := false; !over && cuts < maxCuts; {
		select {
		case err := <-sent:
			sent <- err
			over = true
		default:
			var n int
			require.NoError(t, admin.QueryRow(t.Context(), "SELECT count(pg_terminate_backend(pid)) FROM ("+
				"SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND state = 'active' LIMIT 1) a", name).Scan(&n))
			cuts += n
		}
	}
	require.NoError(t, <-sent)
	waitForDelivered(t, whole, senders*each)
	for _, stop := range stops {
		stop()
	}
	t.Logf("%d connections cut, %v sends failed", cuts, failures)
	require.Positive(t, cuts)
	require.Len(t, p.sent, senders*each)
}

func TestNotify_WakesOtherDispatchers(t *testing.T) {
	t.Parallel()
	o := pgstore.Options{Schema: pgtest.Schema(t), Notify: true}
	p := &countingChannel{attempts: make(chan uuid.UUID)}
	runDispatcher(t, newDispatcher(t, openStore(t, pgtest.Pool(t, nil), o), p, func(c *smsplus.Config) { c.Poll = time.Hour }))
	sender := newDispatcher(t, openStore(t, pgtest.Pool(t, nil), o), p, nil)
	for range 3 {
		_, err := sender.Send(t.Context(), smsplus.Trigger{Template: "paid", To: channel.Recipient{Phone: fullMessage(1).To.Phone}})
		require.NoError(t, err)
		<-p.attempts
	}
}
