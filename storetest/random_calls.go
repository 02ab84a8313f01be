package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
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

// testConcurrentCalls makes every call from many goroutines, and then looks whether
// what a store may keep in several places still tells one story.
func testConcurrentCalls(t *testing.T, s smsplus.Store) {
	const callers, rounds = 6, 25
	ctx := t.Context()
	concurrently(t, callers, func(i int) error {
		roll := generator(rand.New(rand.NewPCG(9, uint64(i))).IntN)
		for round := range rounds {
			m := roll.message(1_000*i + round)
			m.Key = fmt.Sprint(roll(rounds))
			m.DueAt = roll.time()
			if _, err := s.Insert(ctx, []smsplus.Message{m, roll.message(1_000*i + round + rounds)}); err != nil {
				return fmt.Errorf("Insert: %w", err)
			}
			claimed, err := s.Claim(ctx, smsplus.Claim{Now: atMinute(10_000 + round), Lease: time.Minute, Limit: 1 + roll(5)})
			if err != nil {
				return fmt.Errorf("Claim: %w", err)
			}
			for j := range claimed.Messages {
				roll.changeState(&claimed.Messages[j])
			}
			if _, err := s.Update(ctx, claimed.Messages); err != nil {
				return fmt.Errorf("Update: %w", err)
			}
			if err := s.Park(ctx, roll.receipts()); err != nil {
				return fmt.Errorf("Park: %w", err)
			}
			if _, err := s.Parked(ctx, roll.refs()); err != nil {
				return fmt.Errorf("Parked: %w", err)
			}
			if err := s.Unpark(ctx, roll.refs()); err != nil {
				return fmt.Errorf("Unpark: %w", err)
			}
			if _, err := s.ByProviderID(ctx, roll.refs()); err != nil {
				return fmt.Errorf("ByProviderID: %w", err)
			}
			if _, err := s.Records(ctx, roll.filter()); err != nil {
				return fmt.Errorf("Records: %w", err)
			}
			if _, err := s.Stats(ctx, roll.filter()); err != nil {
				return fmt.Errorf("Stats: %w", err)
			}
			if _, err := s.Purge(ctx, roll.time(), 1+roll(3)); err != nil {
				return fmt.Errorf("Purge: %w", err)
			}
		}
		return nil
	})

	ms := mustListAll(t, s, smsplus.Filter{Limit: 50})
	require.NotEmpty(t, ms, "something is left to look at")
	keys := map[string]bool{}
	for _, m := range ms {
		requireMessage(t, s, m, "a record is its message")
		require.False(t, m.Key != "" && keys[m.Key], "a key is one message's")
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
		f.Limit = noLimit
		requireMessages(t, matchingMessages(ms, f), mustPage(t, s, f).Messages, "a filter selects what it matches: %+v", f)
	}
	waiting := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return m.DueAt.IsZero() })
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(1_000_000), Lease: time.Minute, Limit: noLimit})
	require.ElementsMatch(t, ids(waiting), ids(claimed.Messages), "what has a due time falls due")
}

// testRandomCalls is the rule behind the rules: after any calls, in any order, a store
// answers as the model does.
func testRandomCalls(t *testing.T, s smsplus.Store) { testRandomCallsOf(t, s) }

// testRandomCallsOf makes the same calls of several stores side by side. If each of them can
// forget a person, that is among the calls.
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
			"Park":         d.comparePark,
			"Unpark":       d.compareUnpark,
			"Records":      d.compareRecords,
			"Stats":        d.compareStats,
			"Purge":        d.comparePurge,
			"":             d.compareContents,
		}
		if !slices.ContainsFunc(stores, func(s smsplus.Store) bool { _, ok := s.(smsplus.Eraser); return !ok }) {
			calls["Erase"] = d.compareErase
		}
		t.Repeat(calls)
	})
}

// clearStore makes one store serve many sequences; a new one each would cost a
// database for each.
func clearStore(t testingT, s smsplus.Store) {
	t.Helper()
	ms := mustListAll(t, s, smsplus.Filter{Limit: noLimit})
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	mustUpdate(t, s, ms...)
	mustPurge(t, s, atMinute(1_000_000), noLimit)
	require.Empty(t, mustPage(t, s, smsplus.Filter{}).Messages, "Purge drops all that has ended")
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "what is purged is not counted")
}

// differential makes the same calls to the model and to the stores.
type differential struct {
	model  *Model
	stores []smsplus.Store
	// lastSeen holds every message as it was last seen, for updates to begin with, and
	// versions that have moved on.
	lastSeen map[uuid.UUID]smsplus.Message
	now      time.Time
	inserted int
}

func (d *differential) forEachStore(do func(s smsplus.Store)) {
	for _, s := range d.stores {
		do(s)
	}
}

func rapidGenerator(t *rapid.T) generator {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "roll") }
}

// advance returns a time that is no one else's, so that no due times tie.
func (d *differential) advance() time.Time {
	d.now = d.now.Add(time.Microsecond)
	return d.now
}

func (d *differential) compareInsert(t *rapid.T) {
	roll := rapidGenerator(t)
	var ms []smsplus.Message
	keys := map[string]bool{}
	for range 1 + roll(4) {
		m := roll.message(d.inserted)
		d.inserted++
		if !m.DueAt.IsZero() {
			m.DueAt = d.advance()
			m.Claims = roll(2) // one that comes claimed
			m.Version = int64(m.Claims)
		}
		if key := pick(roll, "", "a", "b", "c", "d"); !keys[key] {
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
		require.Equal(t, keysOf(want), keysOf(got), "Insert says which keys are taken")
		for key := range want {
			requireMessages(t, []smsplus.Message{want[key]}, []smsplus.Message{got[key]}, "Insert says who has a taken key")
		}
	})
}

func (d *differential) compareClaim(t *rapid.T) {
	roll := rapidGenerator(t)
	c := smsplus.Claim{Now: d.advance(), Lease: time.Duration(1+roll(3)) * time.Microsecond, Limit: 1 + roll(5)}
	if roll(3) == 1 {
		c.Except = []channel.Name{pick(roll, channel.SMS, channel.WhatsApp, channel.LINEPush)}
	}
	// Leases end together, and among equal due times the order is free: a limit
	// may not cut there.
	was := map[uuid.UUID]time.Time{}
	var dues []time.Time
	for _, m := range mustListAll(t, d.model, smsplus.Filter{Limit: noLimit}) {
		was[m.ID] = m.DueAt
		if !m.DueAt.IsZero() && !m.DueAt.After(c.Now) && !slices.Contains(c.Except, m.Lane) {
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
			return was[a.ID].Compare(was[b.ID])
		}), "Claim returns the earliest due first")
		slices.SortFunc(got.Messages, byID)
		requireMessages(t, want.Messages, got.Messages, "Claim leases what is due")
		require.True(t, want.DueAt.Equal(got.DueAt), "Claimed.DueAt: want %v, got %v", want.DueAt, got.DueAt)
		require.True(t, want.Next.Equal(got.Next), "Claimed.Next: want %v, got %v", want.Next, got.Next)
	})
}

// extendToTies returns the limit, or a higher one if it would cut between equal times.
func extendToTies(ts []time.Time, limit int) int {
	slices.SortFunc(ts, time.Time.Compare)
	for limit < len(ts) && ts[limit-1].Equal(ts[limit]) {
		limit++
	}
	return limit
}

func (d *differential) compareUpdate(t *rapid.T) {
	roll := rapidGenerator(t)
	var ms []smsplus.Message
	for range 1 + roll(4) {
		m, known := d.lastSeen[messageID(roll(d.inserted+1))]
		if !known || slices.Contains(ids(ms), m.ID.String()) {
			continue
		}
		roll.changeState(&m)
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
		require.ElementsMatch(t, want, got, "Update says what is stale")
	})
	for _, m := range mustListAll(t, d.model, smsplus.Filter{Limit: noLimit}) {
		if roll(2) == 1 { // the others' next update comes from an old version
			d.lastSeen[m.ID] = m
		}
	}
}

func (d *differential) compareMessage(t *rapid.T) {
	id := messageID(rapidGenerator(t)(d.inserted + 1))
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

func (d *differential) compareUnpark(t *rapid.T) {
	refs := rapidGenerator(t).refs()
	t.Logf("Unpark %+v", refs)
	mustUnpark(t, d.model, refs...)
	d.forEachStore(func(s smsplus.Store) { mustUnpark(t, s, refs...) })
}

func (d *differential) compareRecords(t *rapid.T) {
	roll := rapidGenerator(t)
	f := roll.filter()
	f.Limit = 1 + roll(5)
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

func (d *differential) comparePurge(t *rapid.T) {
	roll := rapidGenerator(t)
	before, limit := roll.time(), 1+roll(5)
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
		require.Equal(t, want, mustPurge(t, s, before, limit), "Purge says how much it dropped")
	})
}

func (d *differential) compareErase(t *rapid.T) {
	n := pick(rapidGenerator(t), phones...)
	t.Logf("Erase the one with %d characters", len(n.E164()))
	want, under := d.model.Erase(t.Context(), n)
	d.forEachStore(func(s smsplus.Store) {
		got, err := s.(smsplus.Eraser).Erase(t.Context(), n)
		require.Equal(t, want, got, "Erase says how many messages it erased")
		if under == nil {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, smsplus.ErrNotFinal, "Erase says that messages have not ended")
		}
	})
}

// compareContents compares all that both hold.
func (d *differential) compareContents(t *rapid.T) {
	f := smsplus.Filter{Limit: noLimit}
	ms := mustListAll(t, d.model, f)
	d.forEachStore(func(s smsplus.Store) {
		requireMessages(t, ms, mustListAll(t, s, f), "the store holds what it was told to")
	})
	for _, m := range ms {
		if _, known := d.lastSeen[m.ID]; !known {
			d.lastSeen[m.ID] = m
		}
	}
	rs, err := d.model.Parked(t.Context(), allRefs)
	require.NoError(t, err)
	d.forEachStore(func(s smsplus.Store) {
		requireReceipts(t, s, rs, allRefs, "the store holds the receipts that it was told to")
	})
}

// allRefs holds all refs that the dice know.
var allRefs = func() []channel.Ref {
	var refs []channel.Ref
	for _, c := range []channel.Name{channel.SMS, channel.WhatsApp, channel.LINEPush} {
		for _, providerID := range providerIDs {
			refs = append(refs, channel.Ref{Channel: c, ProviderID: providerID})
		}
	}
	return refs
}()
