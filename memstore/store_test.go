package memstore

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// messageDue returns message i, triggered and due i milliseconds after noon.
func messageDue(i int) smsplus.Message {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	at := noon.Add(time.Duration(i) * time.Millisecond)
	return smsplus.Message{
		ID: id, Key: id.String(), Template: "otp", Scenario: "OTP", Channel: channel.SMS,
		To: channel.Recipient{Phone: mustParse("+886912345678")}, Vars: map[string]string{"code": "123456"},
		TriggeredAt: at, DueAt: at,
	}
}

func messagesDue(from, to int) []smsplus.Message {
	var ms []smsplus.Message
	for i := from; i < to; i++ {
		ms = append(ms, messageDue(i))
	}
	return ms
}

func TestClaim_NeverSharesMessageBetweenCallers(t *testing.T) {
	t.Parallel()
	const (
		workers = 8
		n       = 2000
	)
	s := New()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		claims = map[uuid.UUID]int{}
	)
	for w := range workers {
		wg.Go(func() { // all insert and claim concurrently
			for i := w; i < n; i += workers {
				_, err := s.Insert(t.Context(), []smsplus.Message{messageDue(i)})
				if err != nil {
					t.Error(err)
				}
				c, err := s.Claim(t.Context(), smsplus.Claim{
					Now: noon.Add(time.Hour), Lease: time.Hour, Limit: 3, Only: []channel.Name{messageDue(0).Lane},
				})
				if err != nil {
					t.Error(err)
				}
				for j := range c.Messages {
					m := &c.Messages[j]
					m.Status, m.DueAt = status.Delivered, time.Time{}
					m.Attempts = []smsplus.Attempt{{Channel: channel.SMS, Status: status.Delivered, ProviderID: m.Key}}
				}
				stale, err := s.Update(t.Context(), c.Messages)
				if err != nil || len(stale) > 0 {
					t.Error("a claimed message is stale", err)
				}
				if _, err := s.Stats(t.Context(), smsplus.Filter{Channel: channel.SMS}); err != nil {
					t.Error(err)
				}
				if _, err := s.Records(t.Context(), smsplus.Filter{Group: status.Sent, Limit: 3}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, m := range c.Messages {
					claims[m.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, claims, n, "each insert is followed by a claim of three")
	for _, times := range claims {
		require.Equal(t, 1, times)
	}
}

func TestPurge_FreesMemoryForReuse(t *testing.T) {
	t.Parallel()
	const batch = 2000
	s := New()
	round := func(i int) {
		ms := messagesDue(i*batch, (i+1)*batch)
		_, err := s.Insert(t.Context(), ms)
		require.NoError(t, err)
		for j := range ms {
			ms[j].Status, ms[j].DueAt = status.Delivered, time.Time{}
			ms[j].Attempts = []smsplus.Attempt{{Channel: channel.SMS, Status: status.Delivered, ProviderID: ms[j].Key}}
		}
		stale, err := s.Update(t.Context(), ms)
		require.NoError(t, err)
		require.Empty(t, stale)
		require.NoError(t, s.Park(t.Context(), []channel.Receipt{{ProviderID: ms[0].Key, At: ms[0].TriggeredAt}}))
		n, err := s.Purge(t.Context(), ms[0].TriggeredAt, 2*batch)
		require.NoError(t, err)
		require.Equal(t, min(i, 1)*(batch+1), n, "everything of the previous round")
	}
	round(0)
	round(1)
	before := allocatedSlots(s)
	for i := range 20 {
		round(i + 2)
	}
	require.LessOrEqual(t, allocatedSlots(s), before+before/4, "20 more rounds allocate no more memory")

	n, err := s.Purge(t.Context(), noon.Add(time.Hour), 10*batch)
	require.NoError(t, err)
	require.Equal(t, batch+1, n)
	requireEmpty(t, s)
}

// allocatedSlots returns the number of slots that the store has allocated, in use or
// not.
func allocatedSlots(s *Store) int {
	x := s.table
	room := (len(x.slab.chunks) + len(s.parked.slab.chunks)) * chunkSize
	for _, ls := range [][]list{{x.all, s.parked.byTime}, x.byTemplate, x.byChannel, x.byCountry, x.byGroup[:], x.dueByLane} {
		for i := range ls {
			room += len(ls[i].runs) * runSize
		}
	}
	for _, m := range []*hashIndex{&x.byID, &x.byPhone, &x.byKey, &x.byProviderID} {
		room += cap(m.freeLists)
		for i := range m.shards {
			room += len(m.shards[i].slots)
		}
		for i := range m.lists {
			room += len(m.lists[i].runs) * runSize
		}
	}
	for _, tier := range []tier{x.counters.hours, x.counters.days} {
		for _, b := range tier.buckets {
			room += len(b.cells)
		}
	}
	return room
}

// requireEmpty requires that no index and no counter contains anything.
func requireEmpty(t *testing.T, s *Store) {
	t.Helper()
	x := s.table
	require.Len(t, x.slab.freeHandles, int(x.slab.highest))
	require.Zero(t, x.all.length)
	for _, ls := range [][]list{x.byTemplate, x.byChannel, x.byCountry, x.byGroup[:], x.dueByLane, {s.parked.byTime}} {
		for i := range ls {
			require.Zero(t, ls[i].length)
		}
	}
	for _, m := range []*hashIndex{&x.byID, &x.byPhone, &x.byKey, &x.byProviderID} {
		for i := range m.shards {
			require.Zero(t, m.shards[i].used)
		}
		require.Len(t, m.freeLists, len(m.lists))
	}
	require.Empty(t, x.counters.hours.buckets)
	require.Empty(t, x.counters.days.buckets)
	require.Empty(t, s.parked.handlesByRef)
	require.Len(t, s.parked.slab.freeHandles, int(s.parked.slab.highest))
}

func TestInsert_FailedLeavesNothing(t *testing.T) {
	t.Parallel()
	s := New()
	ms := messagesDue(0, 3)
	ms[2].ID = ms[0].ID
	ms[2].Key = ""
	_, err := s.Insert(t.Context(), ms)
	require.ErrorContains(t, err, "Message.ID")
	requireEmpty(t, s)
}

func TestStore_RejectsInvalidStatus(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]smsplus.Message{
		"Message.Status":             {Status: 9},
		"Message.Attempts[1].Status": {Attempts: []smsplus.Attempt{{}, {Status: 9}}},
	} {
		s := New()
		_, err := s.Insert(t.Context(), []smsplus.Message{m})
		require.ErrorContains(t, err, name)
		_, err = s.Insert(t.Context(), messagesDue(0, 1))
		require.NoError(t, err)
		m.ID = messageDue(0).ID
		_, err = s.Update(t.Context(), []smsplus.Message{m})
		require.ErrorContains(t, err, name)
	}
}

func TestStore_ClosedRejectsEveryCall(t *testing.T) {
	t.Parallel()
	s := New()
	require.NoError(t, s.Close())
	ctx, ms, refs := t.Context(), messagesDue(0, 1), []channel.Ref{{Channel: channel.SMS, ProviderID: "p"}}
	for name, call := range map[string]func() error{
		"Insert":       func() error { _, err := s.Insert(ctx, ms); return err },
		"Claim":        func() error { _, err := s.Claim(ctx, smsplus.Claim{Now: noon, Limit: 1}); return err },
		"Update":       func() error { _, err := s.Update(ctx, ms); return err },
		"SetAside":     func() error { return s.SetAside(ctx, nil, noon) },
		"Message":      func() error { _, err := s.Message(ctx, ms[0].ID); return err },
		"ByProviderID": func() error { _, err := s.ByProviderID(ctx, refs); return err },
		"Park":         func() error { return s.Park(ctx, nil) },
		"Parked":       func() error { _, err := s.Parked(ctx, refs); return err },
		"ListParked":   func() error { _, _, err := s.ListParked(ctx, "", 1); return err },
		"Unpark":       func() error { return s.Unpark(ctx, refs) },
		"Records":      func() error { _, err := s.Records(ctx, smsplus.Filter{}); return err },
		"Stats":        func() error { _, err := s.Stats(ctx, smsplus.Filter{}); return err },
		"Purge":        func() error { _, err := s.Purge(ctx, noon, 1); return err },
	} {
		require.ErrorIs(t, call(), errClosed, name)
	}
}

func TestByProviderID_ReturnsAllMessagesOfOneID(t *testing.T) {
	t.Parallel()
	s := New()
	ms := messagesDue(0, 1000)
	for i := range ms {
		ms[i].Attempts = []smsplus.Attempt{
			{Channel: channel.SMS, ProviderID: "ok"}, {Channel: channel.SMS, ProviderID: "ok"}, {Channel: channel.LINEPush, ProviderID: "ok"},
		}
	}
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	ref := channel.Ref{Channel: channel.SMS, ProviderID: "ok"}
	got, err := s.ByProviderID(t.Context(), []channel.Ref{ref, ref})
	require.NoError(t, err)
	slices.SortFunc(got, func(a, b smsplus.Message) int { return a.TriggeredAt.Compare(b.TriggeredAt) })
	require.Len(t, got, len(ms))
	for i := range got {
		require.Equal(t, ms[i].ID, got[i].ID)
	}
}

func TestRecords_LongWalkMissesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	const n = 5*walkBatchSize + 7
	s := New()
	ms := messagesDue(0, n)
	var want []uuid.UUID
	for i := range ms {
		ms[i].TriggeredAt = noon.Add(time.Duration(i/10) * time.Hour) // ten with each trigger time
		ms[i].Template = []string{"even", "odd"}[i%2]
		if i%7 == 0 {
			ms[i].Status = status.Delivered
		}
	}
	for i := n - 1; i >= 0; i-- {
		if i%14 == 0 {
			want = append(want, ms[i].ID)
		}
	}
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)

	rows, err := s.Stats(t.Context(), smsplus.Filter{CountryCode: "886"})
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, n, rows[0].Triggered+rows[1].Triggered)
	require.Equal(t, (n+6)/7, rows[0].Delivered+rows[1].Delivered)

	// The shortest list of this filter is long and rarely matches.
	f := smsplus.Filter{Template: "even", Group: status.Sent, CountryCode: "886", Limit: 200}
	var got []uuid.UUID
	for {
		page, err := s.Records(t.Context(), f)
		require.NoError(t, err)
		for _, m := range page.Messages {
			got = append(got, m.ID)
		}
		if f.After = page.Next; f.After == "" {
			break
		}
	}
	require.Equal(t, want, got)
}
