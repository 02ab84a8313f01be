package sqlitestore_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// The benchmarks read files with three months of messages of 50 templates. Each message has two
// attempts with provider IDs, and a phone number of its own. One person's share has one number.

var records = flag.Int("records", 20_000, "how many `records` the file of BenchmarkRead holds")

const quarter = 92 * 24 * time.Hour

var (
	opened = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	plan   = []smsplus.PlannedStep{
		{Channel: channel.LINEPush, Wait: time.Hour}, {Channel: channel.LINENotify, Wait: 2 * time.Hour}, {Channel: channel.SMS},
	}
	sharedPhone = number("+886900000000")
)

func number(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

// idOf returns an ID of version 7, except that its random bits contain i.
func idOf(i int, at time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16|0x7000)
	binary.BigEndian.PutUint64(id[8:], uint64(i)*0x9e3779b97f4a7c15)
	return id
}

// triggered returns message i of n, just triggered.
func triggered(i, n int) smsplus.Message {
	at := opened.Add(time.Duration(int64(quarter) / int64(n) * int64(i)))
	to := number(fmt.Sprintf("+8869%08d", i))
	switch {
	case i%5000 == 0:
		to = sharedPhone
	case i%10 == 0:
		to = number(fmt.Sprintf("+8190%08d", i))
	}
	return smsplus.Message{
		ID: idOf(i, at), Template: fmt.Sprintf("template-%02d", i%50), Scenario: "order shipped",
		To: channel.Recipient{Phone: to}, Vars: map[string]string{"code": "123456"}, Plan: plan,
		Channel: channel.LINEPush, Lane: channel.LINEPush,
		TriggeredAt: at, ExpiresAt: at.Add(24 * time.Hour), DueAt: at, Version: 1,
	}
}

// attempted returns message i of n after two attempts. Of a hundred, four are failed,
// six undeliverable, ten accepted and the others delivered.
func attempted(i, n int) smsplus.Message {
	m := triggered(i, n)
	at := func(d time.Duration) time.Time { return m.TriggeredAt.Add(d) }
	m.Attempts = []smsplus.Attempt{{
		ID: smsplus.AttemptID(m.ID, 0), Channel: channel.LINEPush, Status: status.Undeliverable, Reason: status.NoContact,
		ProviderID: smsplus.AttemptID(m.ID, 0).String(), Tries: 1, StartedAt: at(time.Second), EndedAt: at(2 * time.Second),
	}, {
		ID: smsplus.AttemptID(m.ID, 2), Step: 2, Channel: channel.SMS, Status: status.Delivered,
		ProviderID: fmt.Sprintf("SM%032x", i), Tries: 1, StartedAt: at(3 * time.Hour),
		AcceptedAt: at(3*time.Hour + time.Second), DeliveredAt: at(4 * time.Hour), EndedAt: at(4 * time.Hour),
	}}
	last := &m.Attempts[1]
	m.Channel, m.DeliveredAt, m.DueAt = channel.SMS, last.DeliveredAt, time.Time{}
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

func fill(b *testing.B, s *sqlitestore.Store, n int, message func(i, n int) smsplus.Message) {
	const batch = 1000
	ms := make([]smsplus.Message, 0, batch)
	for i := range n {
		if ms = append(ms, message(i, n)); len(ms) == batch || i == n-1 {
			_, err := s.Insert(b.Context(), ms)
			require.NoError(b, err)
			ms = ms[:0]
		}
	}
}

// baselineRowTime returns the time of one row when a loop inserts 500 rows per transaction with
// the bare driver. A row has 200 bytes, and three indexes in addition to the key. The speed of
// a disk changes by the minute, so other figures are compared with this one.
func baselineRowTime(b *testing.B, o sqlitestore.Options) time.Duration {
	const rows = 500
	ctx := b.Context()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "bare.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous("+o.Synchronous.String()+")")
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, `CREATE TABLE t (id BLOB PRIMARY KEY, a INTEGER, b TEXT, c TEXT, d BLOB);
		CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b, a); CREATE INDEX t_c ON t (c, a)`)
	require.NoError(b, err)
	took := make([]time.Duration, 15)
	payload := make([]byte, 140)
	insert, err := db.PrepareContext(ctx, "INSERT INTO t VALUES (?, ?, ?, ?, ?)")
	require.NoError(b, err)
	defer func() { require.NoError(b, insert.Close()) }()
	for batch := range took {
		start := time.Now()
		_, err := db.ExecContext(ctx, "BEGIN IMMEDIATE")
		require.NoError(b, err)
		for row := range rows {
			i := batch*rows + row
			id := idOf(i, opened)
			_, err := insert.ExecContext(ctx, id[:], i, fmt.Sprintf("+8869%08d", i*7919), fmt.Sprintf("template-%d", i%50), payload)
			require.NoError(b, err)
		}
		_, err = db.ExecContext(ctx, "COMMIT")
		require.NoError(b, err)
		took[batch] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2] / rows
}

// reportPerMessage reports the time of a message as a multiple of baselineRowTime.
func reportPerMessage(b *testing.B, o sqlitestore.Options, messages int) {
	b.StopTimer()
	took := b.Elapsed() / time.Duration(messages)
	b.ReportMetric(float64(took.Nanoseconds()), "ns/message")
	b.ReportMetric(float64(took)/float64(baselineRowTime(b, o)), "bare-rows/message")
}

// runModes runs a benchmark with each Synchronous.
func runModes(b *testing.B, run func(b *testing.B, o sqlitestore.Options)) {
	for _, mode := range []sqlitestore.Synchronous{sqlitestore.Full, sqlitestore.Normal} {
		b.Run(mode.String(), func(b *testing.B) { run(b, sqlitestore.Options{Synchronous: mode}) })
	}
}

const batch = 256

// batchOf returns messages that no other batch contains.
func batchOf(n int) []smsplus.Message {
	ms := make([]smsplus.Message, batch)
	for i := range ms {
		ms[i] = triggered(n*batch+i, 1e7)
	}
	return ms
}

func BenchmarkInsert(b *testing.B) {
	runModes(b, func(b *testing.B, o sqlitestore.Options) {
		s, _ := openStore(b, o)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			_, err := s.Insert(b.Context(), batchOf(n))
			require.NoError(b, err)
			n++
		}
		reportPerMessage(b, o, n*batch)
	})
}

// BenchmarkInsertTaken repeats an Insert with its keys. The time a key must not grow with
// their number.
func BenchmarkInsertTaken(b *testing.B) {
	for _, n := range []int{1000, 16_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s, _ := openStore(b, sqlitestore.Options{})
			ms := make([]smsplus.Message, n)
			for i := range ms {
				ms[i] = triggered(i, n)
				ms[i].Key = strconv.Itoa(i)
			}
			_, err := s.Insert(b.Context(), ms)
			require.NoError(b, err)
			for i := range ms {
				ms[i].ID = uuid.New()
			}
			for b.Loop() {
				taken, err := s.Insert(b.Context(), ms)
				require.NoError(b, err)
				require.Len(b, taken, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/key")
		})
	}
}

func BenchmarkClaim(b *testing.B) {
	runModes(b, func(b *testing.B, o sqlitestore.Options) {
		s, _ := openStore(b, o)
		for n := range 40 {
			_, err := s.Insert(b.Context(), batchOf(n))
			require.NoError(b, err)
		}
		c := smsplus.Claim{
			Now: opened.Add(quarter), Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush},
		}
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			c.Now = c.Now.Add(c.Lease) // all are due again, the ones claimed first last
			claimed, err := s.Claim(b.Context(), c)
			require.NoError(b, err)
			require.Len(b, claimed.Messages, batch)
			n++
		}
		reportPerMessage(b, o, n*batch)
	})
}

func BenchmarkUpdate(b *testing.B) {
	runModes(b, func(b *testing.B, o sqlitestore.Options) {
		s, _ := openStore(b, o)
		ms := batchOf(0)
		_, err := s.Insert(b.Context(), ms)
		require.NoError(b, err)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			for i := range ms {
				// The first update is that of an attempt, every other one that of a
				// receipt.
				ms[i].Attempts = attempted(i, 1e7).Attempts[:1+n%2]
				ms[i].Status = ms[i].Attempts[n%2].Status
				ms[i].Version = int64(1 + n)
			}
			stale, err := s.Update(b.Context(), ms)
			require.NoError(b, err)
			require.Empty(b, stale)
			n++
		}
		reportPerMessage(b, o, n*batch)
	})
}

// noopChannel delivers everything at once.
type noopChannel struct {
	sent   atomic.Int64
	target int64
	done   chan struct{} // closed by the send that reaches the target
}

func (*noopChannel) Name() channel.Name     { return channel.SMS }
func (*noopChannel) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (n *noopChannel) Send(_ context.Context, e channel.Envelope) (channel.Result, error) {
	if n.sent.Add(1) == n.target {
		close(n.done)
	}
	return channel.Result{Status: status.Delivered, ProviderID: e.AttemptID.String()}, nil
}

// BenchmarkLife measures the full life of a message: 64 goroutines call Send, a channel
// delivers at once, and the record and the counts are stored.
func BenchmarkLife(b *testing.B) {
	runModes(b, func(b *testing.B, o sqlitestore.Options) {
		const senders = 64
		s, _ := openStore(b, o)
		perSender := max(1, b.N/senders)
		ch := &noopChannel{done: make(chan struct{}), target: int64(perSender * senders)}
		d, err := smsplus.New(smsplus.Config{
			Store: s, Channels: []channel.Channel{ch}, Limits: map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 256}},
			Templates: []smsplus.Template{{
				ID: "otp", Scenario: "OTP", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")}},
			}},
		})
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(b.Context())
		ran := make(chan error, 1)
		go func() { ran <- d.Run(ctx) }()
		var wg sync.WaitGroup
		b.ReportAllocs()
		b.ResetTimer()
		for sender := range senders {
			wg.Go(func() {
				for i := range perSender {
					_, err := d.Send(ctx, smsplus.Trigger{
						Template: "otp", To: channel.Recipient{Phone: number(fmt.Sprintf("+8869%08d", sender*perSender+i))},
						Vars: map[string]string{"code": "123456"},
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		<-ch.done
		cancel()
		require.NoError(b, <-ran) // Run returns after it stored the last outcome
		reportPerMessage(b, o, perSender*senders)
		rows, err := s.Stats(b.Context(), smsplus.Filter{})
		require.NoError(b, err)
		require.Equal(b, perSender*senders, rows[0].Delivered)
	})
}

func BenchmarkRead(b *testing.B) {
	s, path := openStore(b, sqlitestore.Options{Synchronous: sqlitestore.Normal})
	fill(b, s, *records, attempted)
	b.Run("Size", func(b *testing.B) {
		for b.Loop() {
			info, err := os.Stat(path)
			require.NoError(b, err)
			b.ReportMetric(float64(info.Size())/float64(*records), "B/record")
		}
	})

	for name, f := range map[string]smsplus.Filter{
		"none":          {},
		"range":         {From: opened.Add(quarter / 3), To: opened.Add(quarter / 2)},
		"template":      {Template: "template-07"},
		"channel":       {Channel: channel.SMS},
		"phone":         {Phone: sharedPhone},
		"country":       {CountryCode: "81"},
		"sending":       {Group: status.Sending},
		"sent":          {Group: status.Sent},
		"undeliverable": {Group: status.UndeliverableGroup},
		"failed":        {Group: status.FailedGroup},
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
	// The worst range has its edges in the middle of an hour.
	from := opened.Add(29*time.Minute + 59*time.Second)
	for name, f := range map[string]smsplus.Filter{
		"all":           {From: from, To: from.Add(quarter - time.Hour)},
		"channel":       {From: from, To: from.Add(quarter - time.Hour), Channel: channel.SMS},
		"channel+group": {From: from, To: from.Add(quarter - time.Hour), Group: status.Sent, Channel: channel.SMS},
		"template":      {From: from, To: from.Add(quarter - time.Hour), Template: "template-07"},
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
	b.Run("Message", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Message(b.Context(), triggered(i*7919%*records, *records).ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("IdleClaim", func(b *testing.B) {
		idle := smsplus.Claim{
			Now: opened, Lease: time.Minute, Limit: 100, Holder: 1, Only: []channel.Name{channel.LINEPush, channel.SMS, ""},
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Claim(b.Context(), idle); err != nil {
				b.Fatal(err)
			}
		}
	})
}
