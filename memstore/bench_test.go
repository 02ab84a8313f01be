package memstore_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The benchmarks read stores with three months of messages of 50 templates. Each message has two
// attempts with provider IDs, and a phone number of its own. One person's share has one number.

const quarter = 92 * 24 * time.Hour

var (
	opened = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sizes  = []int{1e4, 1e5, 1e6}
	plan   = []smsplus.PlannedStep{
		{Channel: channel.LINEPush, Wait: time.Hour}, {Channel: channel.LINENotify, Wait: 2 * time.Hour}, {Channel: channel.SMS},
	}
	vars        = map[string]string{"code": "123456"}
	sharedPhone = number("+886900000000")
)

func number(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

// idOf returns an ID that is distributed like a random one and contains i.
func idOf(i int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(i)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

func phoneOf(i int) phone.Number {
	switch {
	case i%5000 == 0:
		return sharedPhone
	case i%10 == 0:
		return number(fmt.Sprintf("+8190%08d", i))
	default:
		return number(fmt.Sprintf("+8869%08d", i))
	}
}

// triggered returns message i of n, just triggered.
func triggered(i, n int) smsplus.Message {
	at := opened.Add(time.Duration(int64(quarter) / int64(n) * int64(i)))
	return smsplus.Message{
		ID: idOf(i), Template: fmt.Sprintf("template-%02d", i%50), Scenario: "order shipped",
		To: channel.Recipient{Phone: phoneOf(i)}, Vars: vars, Plan: plan, Channel: channel.LINEPush, Lane: channel.LINEPush,
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
		ProviderID: fmt.Sprintf("line-%016x", i), Tries: 1, StartedAt: at(time.Second), EndedAt: at(2 * time.Second),
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

func fill(b *testing.B, s *memstore.Store, n int, message func(i, n int) smsplus.Message) {
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

// storeWith returns a store of n records. It is built once for all benchmarks that only
// read it.
func storeWith(b *testing.B, n int) *memstore.Store {
	sharedStore.Lock()
	defer sharedStore.Unlock()
	if sharedStore.size != n { // only the last one is kept, because all would fill the memory
		sharedStore.store, sharedStore.size = memstore.New(), n
		fill(b, sharedStore.store, n, attempted)
		runtime.GC()
	}
	return sharedStore.store
}

var sharedStore struct {
	sync.Mutex
	store *memstore.Store
	size  int
}

// distinctTexts returns a function that returns n distinct texts of one width. Making
// them costs the benchmark nothing.
func distinctTexts(format string, n int) func(i int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, format, i)
	}
	width := all.Len() / n
	return func(i int) string { return all.String()[i%n*width:][:width] }
}

func BenchmarkLife(b *testing.B) {
	ctx := b.Context()
	s := memstore.New()
	phones, providerIDs := distinctTexts("+8869%08d", 1e6), distinctTexts("line-%016x", 1e6)
	template := triggered(1, 1e6)
	attempts := []smsplus.Attempt{{Channel: channel.LINEPush, Status: status.Delivered, Tries: 1}}
	b.ReportAllocs()
	i := 0
	one := make([]smsplus.Message, 1)
	for b.Loop() {
		i++
		one[0] = template
		m := &one[0]
		m.ID = idOf(i)
		m.To.Phone = number(phones(i))
		m.TriggeredAt = opened.Add(time.Duration(i) * 4 * time.Microsecond)
		m.DueAt, m.Claims = m.TriggeredAt.Add(time.Minute), 1
		if _, err := s.Insert(ctx, one); err != nil {
			b.Fatal(err)
		}
		a := &attempts[0]
		a.ID, a.ProviderID = m.ID, providerIDs(i)
		a.StartedAt, a.DeliveredAt, a.EndedAt = m.TriggeredAt, m.TriggeredAt, m.TriggeredAt
		m.Attempts = attempts
		m.Status, m.DeliveredAt, m.DueAt = status.Delivered, m.TriggeredAt, time.Time{}
		if _, err := s.Update(ctx, one); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeapPerRecord(b *testing.B) {
	const n = 1e6
	heap := func() int {
		runtime.GC()
		runtime.GC() // the second collection frees what pools held
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		s := memstore.New()
		fill(b, s, n, attempted)
		b.ReportMetric(float64(heap()-before)/n, "B/record")
		runtime.KeepAlive(s)
	}
}

func BenchmarkRead(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
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
					s := storeWith(b, n)
					b.ReportAllocs()
					for b.Loop() {
						if _, err := s.Records(b.Context(), f); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			// Edges in the middle of an hour are the worst that a range can have.
			from := opened.Add(29*time.Minute + 59*time.Second)
			for name, f := range map[string]smsplus.Filter{
				"all":           {From: from, To: from.Add(quarter - time.Hour)},
				"channel":       {From: from, To: from.Add(quarter - time.Hour), Channel: channel.SMS},
				"group":         {From: from, To: from.Add(quarter - time.Hour), Group: status.Sent},
				"country":       {From: from, To: from.Add(quarter - time.Hour), CountryCode: "81"},
				"channel+group": {From: from, To: from.Add(quarter - time.Hour), Group: status.Sent, Channel: channel.SMS},
				"hours":         {From: opened, To: opened.Add(quarter)},
				"half an hour":  {From: from.Add(quarter / 2), To: from.Add(quarter/2 + 30*time.Minute)},
			} {
				b.Run("Stats/"+name, func(b *testing.B) {
					s := storeWith(b, n)
					b.ReportAllocs()
					for b.Loop() {
						if _, err := s.Stats(b.Context(), f); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run("StatsBy/day and channel", func(b *testing.B) {
				s := storeWith(b, n)
				f := smsplus.Filter{From: opened, To: opened.Add(quarter)}
				g := smsplus.Grouping{By: smsplus.ByDay | smsplus.ByChannel, Zone: time.FixedZone("", 5*60*60+30*60)}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.StatsBy(b.Context(), f, g); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkClaim(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := memstore.New()
			fill(b, s, n, func(i, n int) smsplus.Message {
				m := attempted(i, n)
				m.Attempts = m.Attempts[:1]
				m.Status, m.Channel = status.Preparing, channel.LINEPush
				m.DueAt = opened.Add(time.Duration(i*7919%n) * time.Second) // not in the order of trigger times
				return m
			})
			runtime.GC()
			c := smsplus.Claim{
				Now: opened.Add(1000 * 24 * time.Hour), Lease: time.Minute, Limit: 100,
				Only: []channel.Name{channel.LINEPush},
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Now = c.Now.Add(c.Lease) // all are due again, the ones claimed first last
				claimed, err := s.Claim(b.Context(), c)
				if err != nil || len(claimed.Messages) != 100 {
					b.Fatal(len(claimed.Messages), err)
				}
			}
		})
	}
}
