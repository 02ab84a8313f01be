package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// testConcurrentCalls makes every call from many goroutines. It then checks that the
// results of different methods agree, because a store may keep one fact in several places.
func testConcurrentCalls(t *testing.T, s smsplus.Store) {
	const callers, rounds = 6, 25
	ctx := t.Context()
	concurrently(t, callers, func(i int) error {
		gen := newGenerator(9, uint64(i))
		for round := range rounds {
			m := gen.message(1_000*i + round)
			m.Key = fmt.Sprint(gen.intN(rounds))
			m.DueAt = gen.time()
			if _, err := s.Insert(ctx, []smsplus.Message{m, gen.message(1_000*i + round + rounds)}); err != nil {
				return fmt.Errorf("Insert: %w", err)
			}
			claimed, err := s.Claim(ctx, withClaimDefaults(smsplus.Claim{Now: atMinute(10_000 + round), Lease: time.Minute, Limit: 1 + gen.intN(5)}))
			if err != nil {
				return fmt.Errorf("Claim: %w", err)
			}
			if i == 0 && len(claimed.Messages) > 1 { // as if this caller could not read the first
				m := claimed.Messages[0]
				if err := s.SetAside(ctx, []smsplus.Unreadable{{ID: m.ID, Version: m.Version}}, atMinute(10_000+round)); err != nil {
					return fmt.Errorf("SetAside: %w", err)
				}
				claimed.Messages = claimed.Messages[1:]
			}
			for j := range claimed.Messages {
				gen.changeState(&claimed.Messages[j])
			}
			if _, err := s.Update(ctx, claimed.Messages); err != nil {
				return fmt.Errorf("Update: %w", err)
			}
			if err := s.Park(ctx, gen.receipts()); err != nil {
				return fmt.Errorf("Park: %w", err)
			}
			if _, err := s.Parked(ctx, gen.refs()); err != nil {
				return fmt.Errorf("Parked: %w", err)
			}
			if _, _, err := s.ListParked(ctx, "", 1+gen.intN(5)); err != nil {
				return fmt.Errorf("ListParked: %w", err)
			}
			if err := s.Unpark(ctx, gen.refs()); err != nil {
				return fmt.Errorf("Unpark: %w", err)
			}
			if _, err := s.ByProviderID(ctx, gen.refs()); err != nil {
				return fmt.Errorf("ByProviderID: %w", err)
			}
			if _, err := s.Records(ctx, gen.filter()); err != nil {
				return fmt.Errorf("Records: %w", err)
			}
			if _, err := s.Stats(ctx, gen.filter()); err != nil {
				return fmt.Errorf("Stats: %w", err)
			}
			if _, err := s.StatsBy(ctx, gen.filter(), gen.grouping()); err != nil {
				return fmt.Errorf("StatsBy: %w", err)
			}
			if _, err := s.Purge(ctx, gen.time(), 1+gen.intN(3)); err != nil {
				return fmt.Errorf("Purge: %w", err)
			}
			if err := s.SetPause(ctx, gen.pause()); err != nil {
				return fmt.Errorf("SetPause: %w", err)
			}
			if err := s.ClearPause(ctx, gen.pause()); err != nil {
				return fmt.Errorf("ClearPause: %w", err)
			}
			if _, err := s.Pauses(ctx); err != nil {
				return fmt.Errorf("Pauses: %w", err)
			}
			if err := s.Beat(ctx, newHeartbeat(i)); err != nil {
				return fmt.Errorf("Beat: %w", err)
			}
			if _, err := s.Heartbeats(ctx, noon); err != nil {
				return fmt.Errorf("Heartbeats: %w", err)
			}
			if _, err := s.Backlog(ctx, gen.time()); err != nil {
				return fmt.Errorf("Backlog: %w", err)
			}
		}
		return nil
	})

	ms := mustListAll(t, s, smsplus.Filter{Limit: 50})
	require.NotEmpty(t, ms, "some messages are left to check")
	keys := map[string]bool{}
	for _, m := range ms {
		requireMessage(t, s, m, "Records and Message return the same message")
		require.False(t, m.Key != "" && keys[m.Key], "no two messages have one key")
		keys[m.Key] = true
	}
	for _, f := range []smsplus.Filter{
		{},
		{Channel: channel.SMS},
		{Channel: channel.WhatsApp},
		{Group: status.Sent},
		{Template: "otp"},
		{Phone: phones[1]},
		{CountryCode: "886"},
		{From: atMinute(-60)},
		{From: atMinute(-60), Channel: channel.SMS},
	} {
		requireStats(t, s, ms, f)
		requireStatsBy(t, s, ms, f, smsplus.Grouping{By: smsplus.ByScenario | smsplus.ByChannel | smsplus.ByReason | smsplus.ByHour, Times: true})
		f.Limit = noLimit
		requireMessages(t, matchingMessages(ms, f), mustPage(t, s, f).Messages, "Records returns the messages that the filter matches: %+v", f)
	}
	waiting := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return m.DueAt.IsZero() })
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(1_000_000), Lease: time.Minute, Limit: noLimit})
	require.ElementsMatch(t, ids(waiting), ids(claimed.Messages), "every message with a due time can be claimed")
}

// testRandomCalls checks that a store returns what a Model returns, after any calls in
// any order.
func testRandomCalls(t *testing.T, s smsplus.Store) { testRandomCallsOf(t, s) }

// testRandomCallsOf makes the same random calls to several stores. The calls include
// Erase if every store is an Eraser.
func testRandomCallsOf(t *testing.T, stores ...smsplus.Store) {
	rapid.Check(t, func(t *rapid.T) {
		d := &differential{model: NewModel(), stores: stores, lastSeen: map[uuid.UUID]smsplus.Message{}, now: noon}
		d.forEachStore(func(s smsplus.Store) { clearStore(t, s) })
		calls := map[string]func(*rapid.T){
			"Insert":       d.compareInsert,
			"Claim":        d.compareClaim,
			"Update":       d.compareUpdate,
			"Message":      d.compareMessage,
			"ByProviderID": d.compareByProviderID,
			"SetAside":     d.compareSetAside,
			"Park":         d.comparePark,
			"ListParked":   d.compareListParked,
			"Unpark":       d.compareUnpark,
			"Records":      d.compareRecords,
			"Stats":        d.compareStats,
			"StatsBy":      d.compareStatsBy,
			"Purge":        d.comparePurge,
			"SetPause":     d.compareSetPause,
			"ClearPause":   d.compareClearPause,
			"Beat":         d.compareBeat,
			"Backlog":      d.compareBacklog,
			"":             d.compareContents,
		}
		if !slices.ContainsFunc(stores, func(s smsplus.Store) bool { _, ok := s.(smsplus.Eraser); return !ok }) {
			calls["Erase"] = d.compareErase
		}
		t.Repeat(calls)
	})
}

// clearStore empties the store for the next sequence of calls. A new store for each
// sequence could mean a new database for each.
func clearStore(t testingT, s smsplus.Store) {
	t.Helper()
	ms := mustListAll(t, s, smsplus.Filter{Limit: noLimit})
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	mustUpdate(t, s, ms...)
	mustPurge(t, s, atMinute(1_000_000), noLimit)
	require.Empty(t, mustPage(t, s, smsplus.Filter{}).Messages, "Purge drops every ended message")
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "purged messages are not counted")
	require.Empty(t, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{}), "purged messages are not counted")
	for _, p := range mustPauses(t, s) {
		mustClearPause(t, s, p)
	}
	for _, h := range mustHeartbeats(t, s, noon) {
		h.Until = h.At
		mustBeat(t, s, h)
	}
}

// differential makes the same calls to the model and to the stores, and compares the
// results.
type differential struct {
	model  *Model
	stores []smsplus.Store
	// lastSeen holds a past state of every message, by ID. Updates start from it, so
	// that some of them have a stale version.
	lastSeen map[uuid.UUID]smsplus.Message
	now      time.Time // the last due time that was handed out
	inserted int       // how many messages Insert was called with
}

func (d *differential) forEachStore(do func(s smsplus.Store)) {
	for _, s := range d.stores {
		do(s)
	}
}

// advance returns a later time than any before, so that no due times are equal.
func (d *differential) advance() time.Time {
	d.now = d.now.Add(time.Microsecond)
	return d.now
}

func (d *differential) compareInsert(t *rapid.T) {
	gen := rapidGenerator(t)
	var ms []smsplus.Message
	keys := map[string]bool{}
	for range 1 + gen.intN(4) {
		m := gen.message(d.inserted)
		d.inserted++
		if !m.DueAt.IsZero() {
			m.DueAt = d.advance()
			m.Claims = gen.intN(2) // 1 if it is inserted claimed
			m.Holder, m.Version = int64(m.Claims), int64(m.Claims)
		}
		if key := pick(gen, "", "a", "b", "c", "d"); !keys[key] {
			m.Key = key
			keys[key] = key != ""
		}
		ms = append(ms, m)
	}
	t.Logf("Insert %v, keys %v", ids(ms), slices.Sorted(maps.Keys(keys)))
	want, err := d.model.Insert(t.Context(), ms)
	require.NoError(t, err)
	keysOf := func(taken map[string]smsplus.Message) []string { return slices.Sorted(maps.Keys(taken)) }
	d.forEachStore(func(s smsplus.Store) {
		got, err := s.Insert(t.Context(), ms)
		require.NoError(t, err)
		require.Equal(t, keysOf(want), keysOf(got), "Insert returns the taken keys")
		for key := range want {
			requireMessages(t, []smsplus.Message{want[key]}, []smsplus.Message{got[key]}, "Insert returns the message that has a taken key")
		}
	})
}

func (d *differential) compareClaim(t *rapid.T) {
	gen := rapidGenerator(t)
	c := smsplus.Claim{Now: d.advance(), Lease: time.Duration(1+gen.intN(3)) * time.Microsecond, Limit: 1 + gen.intN(5)}
	c.Holder = int64(1 + gen.intN(9))
	c.Only = []channel.Name{}
	for _, lane := range allLanes {
		if gen.intN(4) < 3 {
			c.Only = append(c.Only, lane)
		}
	}
	if gen.intN(3) == 1 {
		c.SkipTemplates = []string{pick(gen, "otp", "OTP"), pick(gen, "OTP", "訂單", "unknown")}
	}
	// Leases of one claim end together, and the contract leaves the order of equal due
	// times open. So the limit must not fall between equal due times.
	dueBefore := map[uuid.UUID]time.Time{}
	var dues []time.Time
	for _, m := range mustListAll(t, d.model, smsplus.Filter{Limit: noLimit}) {
		dueBefore[m.ID] = m.DueAt
		if !m.DueAt.IsZero() && !m.DueAt.After(c.Now) && slices.Contains(c.Only, m.Lane) &&
			!slices.Contains(c.SkipTemplates, m.Template) {
			dues = append(dues, m.DueAt)
		}
	}
	c.Limit = extendToTies(dues, c.Limit)

	t.Logf("Claim %+v", c)
	want := mustClaim(t, d.model, c)
	slices.SortFunc(want.Messages, byID)
	d.forEachStore(func(s smsplus.Store) {
		got := mustClaim(t, s, c)
		require.True(t, slices.IsSortedFunc(got.Messages, func(a, b smsplus.Message) int {
			return dueBefore[a.ID].Compare(dueBefore[b.ID])
		}), "Claim returns the earliest due first")
		slices.SortFunc(got.Messages, byID)
		requireMessages(t, want.Messages, got.Messages, "Claim leases the due messages")
		require.ElementsMatch(t, want.Due, got.Due, "Claimed.Due")
		require.ElementsMatch(t, want.Passed, got.Passed, "Claimed.Passed")
		require.True(t, want.Next.Equal(got.Next), "Claimed.Next: want %v, got %v", want.Next, got.Next)
	})
}

// extendToTies returns the limit, or a higher one if the limit would fall between equal
// times. It sorts ts.
func extendToTies(ts []time.Time, limit int) int {
	slices.SortFunc(ts, time.Time.Compare)
	for limit < len(ts) && ts[limit-1].Equal(ts[limit]) {
		limit++
	}
	return limit
}

func (d *differential) compareUpdate(t *rapid.T) {
	gen := rapidGenerator(t)
	var ms []smsplus.Message
	for range 1 + gen.intN(4) {
		m, known := d.lastSeen[messageID(gen.intN(d.inserted+1))]
		if !known || slices.Contains(ids(ms), m.ID.String()) {
			continue
		}
		gen.changeState(&m)
		if !m.DueAt.IsZero() {
			m.DueAt = d.advance()
		}
		ms = append(ms, m)
	}
	t.Logf("Update %v", ids(ms))
	want, err := d.model.Update(t.Context(), ms)
	require.NoError(t, err)
	d.forEachStore(func(s smsplus.Store) {
		got, err := s.Update(t.Context(), ms)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, "Update returns the stale IDs")
	})
	for _, m := range mustListAll(t, d.model, smsplus.Filter{Limit: noLimit}) {
		if gen.intN(2) == 1 { // the next update of the others has an old version
			d.lastSeen[m.ID] = m
		}
	}
}

// compareSetAside sets aside messages that are held, some of them with a stale version.
func (d *differential) compareSetAside(t *rapid.T) {
	gen := rapidGenerator(t)
	var rows []smsplus.Unreadable
	for _, m := range mustListAll(t, d.model, smsplus.Filter{Limit: noLimit}) {
		if m.Claims > 0 && len(rows) < 3 && gen.intN(2) == 1 {
			rows = append(rows, smsplus.Unreadable{ID: m.ID, Version: m.Version - int64(gen.intN(2))})
		}
	}
	until := d.advance()
	t.Logf("SetAside %v", rows)
	require.NoError(t, d.model.SetAside(t.Context(), rows, until))
	d.forEachStore(func(s smsplus.Store) { require.NoError(t, s.SetAside(t.Context(), rows, until)) })
}

func (d *differential) compareMessage(t *rapid.T) {
	id := messageID(rapidGenerator(t).intN(d.inserted + 1))
	want, err := d.model.Message(t.Context(), id)
	if err != nil {
		d.forEachStore(func(s smsplus.Store) {
			requireNotFound(t, s, id, "Message finds no message that the store does not hold")
		})
		return
	}
	d.forEachStore(func(s smsplus.Store) { requireMessage(t, s, want, "Message returns the message as it is now") })
}

func (d *differential) compareByProviderID(t *rapid.T) {
	refs := rapidGenerator(t).refs()
	want := mustFindByProviderID(t, d.model, refs...)
	d.forEachStore(func(s smsplus.Store) {
		requireMessages(t, want, mustFindByProviderID(t, s, refs...), "ByProviderID finds the messages of its refs")
	})
}

func (d *differential) comparePark(t *rapid.T) {
	rs := rapidGenerator(t).receipts()
	t.Logf("Park %+v", rs)
	mustPark(t, d.model, rs...)
	d.forEachStore(func(s smsplus.Store) { mustPark(t, s, rs...) })
}

func (d *differential) compareListParked(t *rapid.T) {
	limit := rapid.IntRange(1, 5).Draw(t, "limit")
	want := countReceipts(mustListParked(t, d.model, limit, func([]channel.Receipt) {}))
	d.forEachStore(func(s smsplus.Store) {
		got := countReceipts(mustListParked(t, s, limit, func([]channel.Receipt) {}))
		require.Equal(t, want, got, "ListParked lists the receipts that were parked")
	})
}

func (d *differential) compareUnpark(t *rapid.T) {
	refs := rapidGenerator(t).refs()
	t.Logf("Unpark %+v", refs)
	mustUnpark(t, d.model, refs...)
	d.forEachStore(func(s smsplus.Store) { mustUnpark(t, s, refs...) })
}

func (d *differential) compareRecords(t *rapid.T) {
	gen := rapidGenerator(t)
	f := gen.filter()
	f.Limit = 1 + gen.intN(5)
	want := mustListAll(t, d.model, f)
	d.forEachStore(func(s smsplus.Store) {
		requireMessages(t, want, mustListAll(t, s, f), "Records lists what its filter matches: %+v", f)
	})
}

func (d *differential) compareStats(t *rapid.T) {
	f := rapidGenerator(t).filter()
	want := normalizeStats(mustStats(t, d.model, f))
	d.forEachStore(func(s smsplus.Store) {
		require.Equal(t, want, normalizeStats(mustStats(t, s, f)), "Stats counts what its filter matches: %+v", f)
	})
}

func (d *differential) compareStatsBy(t *rapid.T) {
	gen := rapidGenerator(t)
	f, g := gen.filter(), gen.grouping()
	want := mustStatsBy(t, d.model, f, g)
	d.forEachStore(func(s smsplus.Store) {
		require.Equal(t, want, mustStatsBy(t, s, f, g), "StatsBy counts what its filter matches: %+v by %v in %v", f, g.By, g.Zone)
	})
}

func (d *differential) comparePurge(t *rapid.T) {
	gen := rapidGenerator(t)
	before, limit := gen.time(), 1+gen.intN(5)
	var ages []time.Time
	for _, m := range mustListAll(t, d.model, smsplus.Filter{Limit: noLimit}) {
		if m.DueAt.IsZero() && m.TriggeredAt.Before(before) {
			ages = append(ages, m.TriggeredAt)
		}
	}
	rs, err := d.model.Parked(t.Context(), allRefs)
	require.NoError(t, err)
	for _, r := range rs {
		if r.At.Before(before) {
			ages = append(ages, r.At)
		}
	}
	limit = extendToTies(ages, limit)
	t.Logf("Purge before %v, at most %d", before, limit)
	want := mustPurge(t, d.model, before, limit)
	d.forEachStore(func(s smsplus.Store) {
		require.Equal(t, want, mustPurge(t, s, before, limit), "Purge returns how many it dropped")
	})
}

func (d *differential) compareErase(t *rapid.T) {
	gen := rapidGenerator(t)
	person := channel.Recipient{Phone: pick(gen, phones...), IDs: gen.idsByChannel()}
	t.Logf("Erase a number of %d characters, and %d IDs", len(person.Phone.E164()), len(person.IDs))
	want, wantErr := d.model.Erase(t.Context(), person)
	d.forEachStore(func(s smsplus.Store) {
		got, err := s.(smsplus.Eraser).Erase(t.Context(), person)
		require.Equal(t, want, got, "Erase returns how many messages it erased")
		if wantErr == nil {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, smsplus.ErrNotFinal, "Erase reports messages that have not ended")
		}
	})
}

func (d *differential) compareSetPause(t *rapid.T) {
	p := rapidGenerator(t).pause()
	t.Logf("SetPause %+v", p)
	mustPause(t, d.model, p)
	d.forEachStore(func(s smsplus.Store) { mustPause(t, s, p) })
}

func (d *differential) compareClearPause(t *rapid.T) {
	p := rapidGenerator(t).pause()
	t.Logf("ClearPause %+v", p)
	mustClearPause(t, d.model, p)
	d.forEachStore(func(s smsplus.Store) { mustClearPause(t, s, p) })
}

func (d *differential) compareBeat(t *rapid.T) {
	gen := rapidGenerator(t)
	h := newHeartbeat(gen.intN(4))
	h.At = atMinute(gen.intN(10))
	h.Until = h.At.Add(time.Duration(gen.intN(5)) * time.Minute)
	t.Logf("Beat %+v", h)
	mustBeat(t, d.model, h)
	d.forEachStore(func(s smsplus.Store) { mustBeat(t, s, h) })
}

func (d *differential) compareBacklog(t *rapid.T) {
	now := d.now.Add(-time.Duration(rapidGenerator(t).intN(10)) * time.Microsecond)
	want := mustBacklog(t, d.model, now)
	d.forEachStore(func(s smsplus.Store) { require.Equal(t, want, mustBacklog(t, s, now), "Backlog at %v", now) })
}

// compareContents compares all messages and parked receipts, pauses and heartbeats.
func (d *differential) compareContents(t *rapid.T) {
	f := smsplus.Filter{Limit: noLimit}
	ms := mustListAll(t, d.model, f)
	d.forEachStore(func(s smsplus.Store) {
		requireMessages(t, ms, mustListAll(t, s, f), "the store holds the messages that were stored")
	})
	for _, m := range ms {
		if _, known := d.lastSeen[m.ID]; !known {
			d.lastSeen[m.ID] = m
		}
	}
	rs, err := d.model.Parked(t.Context(), allRefs)
	require.NoError(t, err)
	d.forEachStore(func(s smsplus.Store) {
		requireReceipts(t, s, rs, allRefs, "the store holds the receipts that were parked")
	})
	pauses, heartbeats := mustPauses(t, d.model), mustHeartbeats(t, d.model, noon)
	d.forEachStore(func(s smsplus.Store) {
		require.Equal(t, pauses, mustPauses(t, s), "the store holds the pauses")
		require.Equal(t, heartbeats, mustHeartbeats(t, s, noon), "the store holds the heartbeats")
	})
}

// allRefs are all refs that a generator makes.
var allRefs = func() []channel.Ref {
	var refs []channel.Ref
	for _, c := range []channel.Name{channel.SMS, channel.WhatsApp, channel.LINEPush} {
		for _, providerID := range providerIDs {
			refs = append(refs, channel.Ref{Channel: c, ProviderID: providerID})
		}
	}
	return refs
}()
