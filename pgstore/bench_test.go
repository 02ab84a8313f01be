package pgstore_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
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

var quarterStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// idAt returns the nth version 7 UUID of a time.
func idAt(at time.Time, n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
	id[6], id[8] = 0x70|byte(n&15), id[8]&0x3f|0x80
	return id
}

// claimedMessage returns the nth message, triggered and claimed.
func claimedMessage(n int) smsplus.Message {
	at := quarterStart.Add(time.Duration(n) * time.Millisecond)
	return smsplus.Message{
		ID: idAt(at, n), Template: fmt.Sprintf("template-%02d", n%50), Scenario: "order shipped",
		To:      channel.Recipient{Phone: mustPhone(fmt.Sprintf("+8869%08d", n%1e8))},
		Vars:    map[string]string{"code": "123456"},
		Plan:    []smsplus.PlannedStep{{Channel: channel.LINEPush, Wait: time.Hour}, {Channel: channel.SMS}},
		Channel: channel.LINEPush, Lane: channel.LINEPush,
		TriggeredAt: at, ExpiresAt: at.Add(24 * time.Hour), DueAt: at.Add(time.Minute), Claims: 1, Version: 1,
	}
}

// setDelivered changes a message to delivered on its first channel.
func setDelivered(m *smsplus.Message, n int) {
	at := m.TriggeredAt.Add(time.Second)
	m.Attempts = []smsplus.Attempt{{
		ID: smsplus.AttemptID(m.ID, 0), Channel: channel.LINEPush, Status: status.Delivered,
		ProviderID: fmt.Sprintf("line-%016x", n), Tries: 1, StartedAt: at, AcceptedAt: at, DeliveredAt: at, EndedAt: at,
	}}
	m.Status, m.DeliveredAt, m.DueAt, m.Lane = status.Delivered, at, time.Time{}, ""
}

const batch = 256

func claimedBatch(n int) []smsplus.Message {
	ms := make([]smsplus.Message, batch)
	for i := range ms {
		ms[i] = claimedMessage(n*batch + i)
	}
	return ms
}

// BenchmarkBatches writes batches of messages and then their outcomes. It compares the store
// with a baseline that writes the minimum into the same tables and indexes.
func BenchmarkBatches(b *testing.B) {
	pgtest.Durable(b)
	pool := pgtest.Pool(b, nil)
	for _, bm := range []struct {
		name  string
		write func(s *pgstore.Store, schema string, ms []smsplus.Message, finish func()) error
	}{
		{"store", func(s *pgstore.Store, _ string, ms []smsplus.Message, finish func()) error {
			_, err := s.Insert(b.Context(), ms)
			if err != nil {
				return err
			}
			finish()
			stale, err := s.Update(b.Context(), ms)
			if len(stale) > 0 {
				b.Fatal("stale")
			}
			return err
		}},
		{"bare", func(_ *pgstore.Store, schema string, ms []smsplus.Message, finish func()) error {
			return writeBaseline(b.Context(), pool, pgx.Identifier{schema}.Sanitize(), ms, finish)
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			schema := pgtest.Schema(b)
			s := openStore(b, pool, pgstore.Options{Schema: schema})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				ms := claimedBatch(n)
				err := bm.write(s, schema, ms, func() {
					for i := range ms {
						setDelivered(&ms[i], n*batch+i)
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// writeBaseline writes rows of the same size as the store, with one statement for the insert
// and one for the update. It checks only the version.
func writeBaseline(ctx context.Context, pool *pgxpool.Pool, schema string, ms []smsplus.Message, finish func()) error {
	var (
		ids                      [][16]byte
		ats, dues                []time.Time
		templates, phones, lanes []string
		channels, tallies        []string
		fixed, body, bodies      [][]byte
		names                    []int64
	)
	for i := range ms {
		m := &ms[i]
		ids, ats, dues = append(ids, m.ID), append(ats, m.TriggeredAt), append(dues, m.DueAt)
		templates, phones, lanes = append(templates, m.Template), append(phones, m.To.Phone.E164()), append(lanes, string(m.Lane))
		channels, tallies = append(channels, string(m.Channel)), append(tallies, "4 line_push:4")
		fixed, body, bodies = append(fixed, make([]byte, 16)), append(body, make([]byte, 10)), append(bodies, make([]byte, 50))
		names = append(names, int64(binary.BigEndian.Uint64(m.ID[8:])))
	}
	_, err := pool.Exec(ctx, `WITH message AS (
			INSERT INTO `+schema+`.smsplus_message (id, triggered_at, route, template, country, phone, fixed)
			SELECT id, at, 1, template, '886', phone, fixed
			FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[]) AS n (id, at, template, phone, fixed)
		)
		INSERT INTO `+schema+`.smsplus_state
			(id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body)
		SELECT id, at, due, 1, 1, 0, 1, channel, lane, template, '0', body
		FROM unnest($1::uuid[], $2::timestamptz[], $6::timestamptz[], $7::text[], $8::text[], $3::text[], $9::bytea[])
			AS n (id, at, due, channel, lane, template, body)`,
		ids, ats, templates, phones, fixed, dues, channels, lanes, body)
	if err != nil {
		return err
	}
	finish()
	_, err = pool.Exec(ctx, `WITH state AS (
			UPDATE `+schema+`.smsplus_state s
			SET due_at = NULL, version = 2, claims = 0, status = 4, tab = 2, channel = n.channel, lane = '', tally = n.tally, body = n.body
			FROM unnest($1::uuid[], $3::text[], $4::text[], $5::bytea[]) AS n (id, channel, tally, body)
			WHERE s.id = n.id AND s.version = 1
		)
		INSERT INTO `+schema+`.smsplus_attempt (id, triggered_at, channel, name)
		SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $6::bigint[])`,
		ids, ats, channels, tallies, bodies, names)
	return err
}

// quarter is the time from which pastMessage takes its messages.
const quarter = 92 * 24 * time.Hour

// pastMessage returns message i of the n messages of a quarter. They have 50 templates and
// two attempts each with provider IDs. Each has a phone number of its own, except that one
// message in 5000 is to onePerson. Of a hundred, four failed, six are undeliverable, ten are
// open and the others are delivered.
func pastMessage(i, n int) smsplus.Message {
	m := claimedMessage(i)
	m.TriggeredAt = quarterStart.Add(time.Duration(int64(quarter) / int64(n) * int64(i)))
	m.ID = idAt(m.TriggeredAt, i)
	at := func(d time.Duration) time.Time { return m.TriggeredAt.Add(d) }
	m.ExpiresAt = at(24 * time.Hour)
	if i%10 == 0 {
		m.To.Phone = mustPhone(fmt.Sprintf("+8190%08d", i))
	}
	if i%5000 == 0 {
		m.To.Phone = onePerson
	}
	if i%4 == 3 {
		m.To.IDs = map[channel.Name]string{"chat": pastID(i)}
	}
	m.Attempts = []smsplus.Attempt{{
		ID: smsplus.AttemptID(m.ID, 0), Channel: channel.LINEPush, Status: status.Undeliverable, Reason: status.NoContact,
		ProviderID: fmt.Sprintf("line-%016x", i), Tries: 1, StartedAt: at(time.Second), EndedAt: at(2 * time.Second),
	}, {
		ID: smsplus.AttemptID(m.ID, 1), Step: 1, Channel: channel.SMS, Status: status.Delivered,
		ProviderID: fmt.Sprintf("SM%032x", i), Tries: 1, StartedAt: at(time.Hour),
		AcceptedAt: at(time.Hour + time.Second), DeliveredAt: at(2 * time.Hour), EndedAt: at(2 * time.Hour),
	}}
	last := &m.Attempts[1]
	m.Channel, m.Lane, m.DeliveredAt, m.DueAt, m.Claims = channel.SMS, "", last.DeliveredAt, time.Time{}, 0
	switch r := i / 50 % 100; {
	case r < 4:
		last.Status, last.Reason = status.Failed, status.SystemError
	case r < 10:
		last.Status, last.Reason = status.Undeliverable, status.CarrierError
	case r < 20:
		last.Status, last.EndedAt = status.Accepted, time.Time{}
		m.DueAt = at(72 * time.Hour)
	}
	if m.Status = last.Status; m.Status != status.Delivered {
		last.DeliveredAt, m.DeliveredAt = time.Time{}, time.Time{}
	}
	return m
}

var onePerson = mustPhone("+886900000000")

// pastID returns the ID of every fourth pastMessage's recipient, those from 3 on.
func pastID(i int) string { return fmt.Sprintf("chat-%016x", i) }

// fillQuarter inserts a quarter of n messages, folds the statistics and analyzes the tables.
func fillQuarter(tb testing.TB, s *pgstore.Store, schema string, n int) {
	tb.Helper()
	ms := make([]smsplus.Message, 0, 1000)
	for i := range n {
		if ms = append(ms, pastMessage(i, n)); len(ms) == cap(ms) || i == n-1 {
			_, err := s.Insert(tb.Context(), ms)
			require.NoError(tb, err)
			ms = ms[:0]
		}
	}
	require.NoError(tb, s.Maintain(tb.Context(), quarterStart))
	for _, table := range []string{"message", "state", "attempt", "parked", "delta", "total"} {
		pgtest.Exec(tb, "VACUUM ANALYZE "+pgx.Identifier{schema, "smsplus_" + table}.Sanitize())
	}
}

// BenchmarkRead reads pages and statistics of a quarter.
func BenchmarkRead(b *testing.B) {
	schema := pgtest.Schema(b)
	pool := pgtest.Pool(b, nil)
	s := openStore(b, pool, pgstore.Options{Schema: schema})
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SMSPLUS_BENCH_RECORDS"), "20000"))
	require.NoError(b, err)
	fillQuarter(b, s, schema, n)
	// A range that begins and ends in the middle of an hour is the most expensive.
	from := quarterStart.Add(29*time.Minute + 59*time.Second)
	to := from.Add(quarter - time.Hour)
	for name, f := range map[string]smsplus.Filter{
		"none":            {},
		"range":           {From: from, To: quarterStart.Add(quarter / 2)},
		"template":        {Template: "template-07"},
		"channel":         {Channel: channel.SMS},
		"phone":           {Phone: onePerson},
		"country":         {CountryCode: "81"},
		"sending":         {Group: status.Sending},
		"sent":            {Group: status.Sent},
		"failed":          {Group: status.FailedGroup},
		"template+failed": {Template: "template-07", Group: status.FailedGroup},
	} {
		b.Run("Page/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Records(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, f := range map[string]smsplus.Filter{
		"all":           {From: from, To: to},
		"channel":       {From: from, To: to, Channel: channel.SMS},
		"group":         {From: from, To: to, Group: status.Sent},
		"template":      {From: from, To: to, Template: "template-07"},
		"channel+group": {From: from, To: to, Group: status.Sent, Channel: channel.SMS},
		"phone":         {From: from, To: to, Phone: onePerson},
		"country":       {From: from, To: to, CountryCode: "81"},
	} {
		b.Run("Stats/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Stats(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("Size", func(b *testing.B) {
		var size float64
		for b.Loop() {
			require.NoError(b, pool.QueryRow(b.Context(), "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "+
				"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'", schema).Scan(&size))
		}
		b.ReportMetric(size/float64(n), "B/record")
	})
}

// BenchmarkRetention drops a month, or purges as many messages, while another store claims.
// It reports the longest of these claims.
func BenchmarkRetention(b *testing.B) {
	pgtest.Durable(b)
	pool, others := pgtest.Pool(b, nil), pgtest.Pool(b, nil)
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SMSPLUS_BENCH_RECORDS"), "20000"))
	require.NoError(b, err)
	for _, keyed := range []bool{false, true} {
		for _, monthly := range []bool{true, false} {
			name := map[bool]string{true: "drop", false: "purge"}[monthly] + map[bool]string{true: "/keyed", false: "/keyless"}[keyed]
			b.Run(name, func(b *testing.B) {
				o := pgstore.Options{Schema: pgtest.Schema(b), PartitionByMonth: monthly}
				other := openStore(b, others, o)
				longest, gone, now := time.Duration(0), 0, quarterStart
				for b.Loop() {
					b.StopTimer()
					now = now.Add(10 * time.Minute)
					s := openStore(b, pool, o)
					fillMonth(b, s, now, n, keyed)
					ctx, cancel := context.WithCancel(b.Context())
					var claims errgroup.Group
					claims.Go(func() error {
						for ctx.Err() == nil {
							before := time.Now()
							if _, err := other.Claim(b.Context(), smsplus.Claim{Now: now, Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush}}); err != nil {
								return err
							}
							longest = max(longest, time.Since(before))
						}
						return nil
					})
					b.StartTimer()
					dropped := 0
					if monthly {
						dropped, err = s.DropMonths(b.Context(), quarterStart.AddDate(0, 1, 0))
						require.NoError(b, err)
					}
					for !monthly && dropped < n {
						k, err := s.Purge(b.Context(), quarterStart.AddDate(0, 1, 0), 1000)
						require.NoError(b, err)
						dropped += k
					}
					b.StopTimer()
					cancel()
					require.NoError(b, claims.Wait())
					require.Equal(b, n, dropped)
					gone += dropped
					b.StartTimer()
				}
				b.ReportMetric(float64(gone)/b.Elapsed().Seconds(), "messages/s")
				b.ReportMetric(float64(longest)/float64(time.Millisecond), "longest-claim-ms")
			})
		}
	}
}

// fillMonth inserts a month of n ended messages.
func fillMonth(b *testing.B, s *pgstore.Store, now time.Time, n int, keyed bool) {
	require.NoError(b, s.Maintain(b.Context(), now))
	ms := make([]smsplus.Message, 0, 1000)
	for i := range n {
		m := pastMessage(i, 3*n)
		m.DueAt = time.Time{}
		if keyed {
			m.Key = m.ID.String()
		}
		if ms = append(ms, m); len(ms) == cap(ms) || i == n-1 {
			insertAll(b, s, ms...)
			ms = ms[:0]
		}
	}
	require.NoError(b, s.Maintain(b.Context(), now))
	pgtest.Exec(b, "VACUUM ANALYZE") // as autovacuum has done to a month that is over
}

// BenchmarkClaim claims batches from a queue that never gets empty. A third of its messages are
// in a lane that is left alone. It also claims from a queue in which nothing is due.
func BenchmarkClaim(b *testing.B) {
	schema := pgtest.Schema(b)
	s := openStore(b, pgtest.Pool(b, nil), pgstore.Options{Schema: schema})
	const n = 20 * batch
	for i := range n / batch {
		ms := claimedBatch(i)
		for j := range ms {
			ms[j].Lane = []channel.Name{channel.LINEPush, channel.WhatsApp, channel.SMS}[j%3]
		}
		insertAll(b, s, ms...)
	}
	c := smsplus.Claim{Now: quarterStart, Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush, channel.WhatsApp}}
	b.Run("idle", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if claimed, err := s.Claim(b.Context(), c); err != nil || len(claimed.Messages) != 0 {
				b.Fatal(len(claimed.Messages), err)
			}
		}
	})
	b.Run("due", func(b *testing.B) {
		b.ReportAllocs()
		c.Now = quarterStart.Add(24 * time.Hour)
		for b.Loop() {
			c.Now = c.Now.Add(c.Lease) // all are due again, in the order in which they were claimed
			if claimed, err := s.Claim(b.Context(), c); err != nil || len(claimed.Messages) != batch {
				b.Fatal(len(claimed.Messages), err)
			}
		}
		b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "messages/s")
	})
}

// BenchmarkClaimOldTransaction claims once a second from a queue in which nothing is due. Many
// messages were sent before, while a transaction was open. It keeps vacuum from their index
// entries.
func BenchmarkClaimOldTransaction(b *testing.B) {
	pool := pgtest.Pool(b, nil)
	s := openStore(b, pool, pgstore.Options{Schema: pgtest.Schema(b)})
	c := smsplus.Claim{Now: quarterStart, Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush}}
	for _, sent := range []int{0, 25_600} {
		b.Run(fmt.Sprint("sent-", sent), func(b *testing.B) {
			openOldTransaction(b)
			deliverBatches(b, s, &c, 0, sent/batch)
			for b.Loop() {
				c.Now = c.Now.Add(time.Second)
				if claimed, err := s.Claim(b.Context(), c); err != nil || len(claimed.Messages) != 0 {
					b.Fatal(len(claimed.Messages), err)
				}
			}
		})
	}
}

// BenchmarkLife measures the full life of a message. 64 goroutines call Send, a channel that
// does nothing delivers, and the record and the counters are stored.
func BenchmarkLife(b *testing.B) {
	const senders = 64
	pgtest.Durable(b)
	s := openStore(b, pgtest.Pool(b, nil), pgstore.Options{Schema: pgtest.Schema(b)})
	ch := &instantChannel{done: make(chan struct{})}
	d, err := smsplus.New(smsplus.Config{
		Store: s, Channels: []channel.Channel{ch},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("{{code}}")}}}},
	})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	send := func(n int) {
		_, err := d.Send(ctx, smsplus.Trigger{
			Template: "otp", To: channel.Recipient{Phone: mustPhone(fmt.Sprintf("+8869%08d", n%1e8))}, Vars: map[string]string{"code": "498172"},
		})
		if err != nil {
			b.Error(err)
		}
	}
	ch.target.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var group errgroup.Group
	var next atomic.Int64
	for range senders {
		group.Go(func() error {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				send(int(n))
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
	<-ch.done
	cancel()
	require.NoError(b, <-ran) // the last outcomes are stored
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lives/s")
	stats, err := s.Stats(b.Context(), smsplus.Filter{})
	require.NoError(b, err)
	require.Equal(b, b.N, stats[0].Delivered)
}

// instantChannel delivers each message at once.
type instantChannel struct {
	sent, target atomic.Int64
	done         chan struct{}
}

func (*instantChannel) Name() channel.Name     { return channel.SMS }
func (*instantChannel) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (c *instantChannel) Send(context.Context, channel.Envelope) (channel.Result, error) {
	if c.sent.Add(1) == c.target.Load() {
		close(c.done)
	}
	return channel.Result{Status: status.Delivered}, nil
}
