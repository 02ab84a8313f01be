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

// everythingAtOnce makes every call from many goroutines, and then looks whether
// what a store may keep in several places still tells one story.
func everythingAtOnce(t *testing.T, s smsplus.Store) {
	const callers, rounds = 6, 25
	ctx := t.Context()
	together(t, callers, func(i int) error {
		roll := dice(rand.New(rand.NewPCG(9, uint64(i))).IntN)
		for round := range rounds {
			m := roll.message(1_000*i + round)
			m.Key = fmt.Sprint(roll(rounds))
			m.DueAt = roll.time()
			if _, err := s.Insert(ctx, []smsplus.Message{m, roll.message(1_000*i + round + rounds)}); err != nil {
				return fmt.Errorf("Insert: %w", err)
			}
			claimed, err := s.Claim(ctx, smsplus.Claim{Now: at(10_000 + round), Lease: time.Minute, Limit: 1 + roll(5)})
			if err != nil {
				return fmt.Errorf("Claim: %w", err)
			}
			for j := range claimed.Messages {
				roll.progress(&claimed.Messages[j])
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

	ms := records(t, s, smsplus.Filter{Limit: 50})
	require.NotEmpty(t, ms, "something is left to look at")
	keys := map[string]bool{}
	for _, m := range ms {
		holds(t, s, m, "a record is its message")
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
		{From: at(-60)},
		{From: at(-60), Channel: channel.SMS},
	} {
		requireStats(t, s, ms, f)
		f.Limit = all
		same(t, matching(ms, f), page(t, s, f).Messages, "a filter selects what it matches: %+v", f)
	}
	waiting := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return m.DueAt.IsZero() })
	claimed := claim(t, s, smsplus.Claim{Now: at(1_000_000), Lease: time.Minute, Limit: all})
	require.ElementsMatch(t, ids(waiting), ids(claimed.Messages), "what has a due time falls due")
}

// anySequence is the rule behind the rules: after any calls, in any order, a store
// answers as the model does.
func anySequence(t *testing.T, s smsplus.Store) { anySequenceOf(t, s) }

// anySequenceOf makes the same calls of several stores side by side. If each of them can
// forget a person, that is among the calls.
func anySequenceOf(t *testing.T, stores ...smsplus.Store) {
	rapid.Check(t, func(t *rapid.T) {
		d := &duel{model: newModel(), stores: stores, book: map[uuid.UUID]smsplus.Message{}, now: noon}
		d.each(func(s smsplus.Store) { empty(t, s) })
		calls := map[string]func(*rapid.T){
			"Insert":       d.insert,
			"Claim":        d.claim,
			"Update":       d.update,
			"Message":      d.message,
			"ByProviderID": d.byProviderID,
			"Park":         d.park,
			"Unpark":       d.unpark,
			"Records":      d.records,
			"Stats":        d.stats,
			"Purge":        d.purge,
			"":             d.check,
		}
		if !slices.ContainsFunc(stores, func(s smsplus.Store) bool { _, ok := s.(smsplus.Eraser); return !ok }) {
			calls["Erase"] = d.erase
		}
		t.Repeat(calls)
	})
}

// empty makes one store serve many sequences; a new one each would cost a
// database for each.
func empty(t tester, s smsplus.Store) {
	t.Helper()
	ms := records(t, s, smsplus.Filter{Limit: all})
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	update(t, s, ms...)
	purge(t, s, at(1_000_000), all)
	require.Empty(t, page(t, s, smsplus.Filter{}).Messages, "Purge drops all that has ended")
	require.Empty(t, stats(t, s, smsplus.Filter{}), "what is purged is not counted")
}

// duel makes the same calls to the model and to the stores.
type duel struct {
	model  *model
	stores []smsplus.Store
	// book holds every message as it was last seen, for updates to begin with, and
	// versions that have moved on.
	book map[uuid.UUID]smsplus.Message
	now  time.Time
	n    int
}

func (d *duel) each(do func(s smsplus.Store)) {
	for _, s := range d.stores {
		do(s)
	}
}

func rapidDice(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "roll") }
}

// later returns a time that is no one else's, so that no due times tie.
func (d *duel) later() time.Time {
	d.now = d.now.Add(time.Microsecond)
	return d.now
}

func (d *duel) insert(t *rapid.T) {
	roll := rapidDice(t)
	var ms []smsplus.Message
	keys := map[string]bool{}
	for range 1 + roll(4) {
		m := roll.message(d.n)
		d.n++
		if !m.DueAt.IsZero() {
			m.DueAt = d.later()
			m.Claims = roll(2) // one that comes claimed
			m.Version = int64(m.Claims)
		}
		if key := one(roll, "", "a", "b", "c", "d"); !keys[key] {
			m.Key = key
			keys[key] = key != ""
		}
		ms = append(ms, m)
	}
	t.Logf("Insert %v, keys %v", ids(ms), slices.Sorted(maps.Keys(keys)))
	want, err := d.model.Insert(t.Context(), ms)
	require.NoError(t, err)
	keysOf := func(taken map[string]smsplus.Message) []string { return slices.Sorted(maps.Keys(taken)) }
	d.each(func(s smsplus.Store) {
		got, err := s.Insert(t.Context(), ms)
		require.NoError(t, err)
		require.Equal(t, keysOf(want), keysOf(got), "Insert says which keys are taken")
		for key := range want {
			same(t, []smsplus.Message{want[key]}, []smsplus.Message{got[key]}, "Insert says who has a taken key")
		}
	})
}

func (d *duel) claim(t *rapid.T) {
	roll := rapidDice(t)
	c := smsplus.Claim{Now: d.later(), Lease: time.Duration(1+roll(3)) * time.Microsecond, Limit: 1 + roll(5)}
	if roll(3) == 1 {
		c.Except = []channel.Name{one(roll, channel.SMS, channel.WhatsApp, channel.LINEPush)}
	}
	// Leases end together, and among equal due times the order is free: a limit
	// may not cut there.
	was := map[uuid.UUID]time.Time{}
	var dues []time.Time
	for _, m := range records(t, d.model, smsplus.Filter{Limit: all}) {
		was[m.ID] = m.DueAt
		if !m.DueAt.IsZero() && !m.DueAt.After(c.Now) && !slices.Contains(c.Except, m.Lane) {
			dues = append(dues, m.DueAt)
		}
	}
	c.Limit = uncut(dues, c.Limit)

	t.Logf("Claim %+v", c)
	want := claim(t, d.model, c)
	slices.SortFunc(want.Messages, byID)
	d.each(func(s smsplus.Store) {
		got := claim(t, s, c)
		require.True(t, slices.IsSortedFunc(got.Messages, func(a, b smsplus.Message) int {
			return was[a.ID].Compare(was[b.ID])
		}), "Claim returns the earliest due first")
		slices.SortFunc(got.Messages, byID)
		same(t, want.Messages, got.Messages, "Claim leases what is due")
		require.True(t, want.DueAt.Equal(got.DueAt), "Claimed.DueAt: want %v, got %v", want.DueAt, got.DueAt)
		require.True(t, want.Next.Equal(got.Next), "Claimed.Next: want %v, got %v", want.Next, got.Next)
	})
}

// uncut returns the limit, or a higher one if it would cut between equal times.
func uncut(ts []time.Time, limit int) int {
	slices.SortFunc(ts, time.Time.Compare)
	for limit < len(ts) && ts[limit-1].Equal(ts[limit]) {
		limit++
	}
	return limit
}

func (d *duel) update(t *rapid.T) {
	roll := rapidDice(t)
	var ms []smsplus.Message
	for range 1 + roll(4) {
		m, known := d.book[id(roll(d.n+1))]
		if !known || slices.Contains(ids(ms), m.ID.String()) {
			continue
		}
		roll.progress(&m)
		if !m.DueAt.IsZero() {
			m.DueAt = d.later()
		}
		ms = append(ms, m)
	}
	t.Logf("Update %v", ids(ms))
	want, err := d.model.Update(t.Context(), ms)
	require.NoError(t, err)
	d.each(func(s smsplus.Store) {
		got, err := s.Update(t.Context(), ms)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, "Update says what is stale")
	})
	for _, m := range records(t, d.model, smsplus.Filter{Limit: all}) {
		if roll(2) == 1 { // the others' next update comes from an old version
			d.book[m.ID] = m
		}
	}
}

func (d *duel) message(t *rapid.T) {
	id := id(rapidDice(t)(d.n + 1))
	want, err := d.model.Message(t.Context(), id)
	if err != nil {
		d.each(func(s smsplus.Store) { missing(t, s, id, "Message finds no message that the store does not hold") })
		return
	}
	d.each(func(s smsplus.Store) { holds(t, s, want, "Message returns the message as it is now") })
}

func (d *duel) byProviderID(t *rapid.T) {
	refs := rapidDice(t).refs()
	want := named(t, d.model, refs...)
	d.each(func(s smsplus.Store) {
		same(t, want, named(t, s, refs...), "ByProviderID finds the messages of its refs")
	})
}

func (d *duel) park(t *rapid.T) {
	rs := rapidDice(t).receipts()
	t.Logf("Park %+v", rs)
	park(t, d.model, rs...)
	d.each(func(s smsplus.Store) { park(t, s, rs...) })
}

func (d *duel) unpark(t *rapid.T) {
	refs := rapidDice(t).refs()
	t.Logf("Unpark %+v", refs)
	unpark(t, d.model, refs...)
	d.each(func(s smsplus.Store) { unpark(t, s, refs...) })
}

func (d *duel) records(t *rapid.T) {
	roll := rapidDice(t)
	f := roll.filter()
	f.Limit = 1 + roll(5)
	want := records(t, d.model, f)
	d.each(func(s smsplus.Store) {
		same(t, want, records(t, s, f), "Records lists what its filter matches: %+v", f)
	})
}

func (d *duel) stats(t *rapid.T) {
	f := rapidDice(t).filter()
	want := normalStats(stats(t, d.model, f))
	d.each(func(s smsplus.Store) {
		require.Equal(t, want, normalStats(stats(t, s, f)), "Stats counts what its filter matches: %+v", f)
	})
}

func (d *duel) purge(t *rapid.T) {
	roll := rapidDice(t)
	before, limit := roll.time(), 1+roll(5)
	var ages []time.Time
	for _, m := range records(t, d.model, smsplus.Filter{Limit: all}) {
		if m.DueAt.IsZero() && m.TriggeredAt.Before(before) {
			ages = append(ages, m.TriggeredAt)
		}
	}
	rs, err := d.model.Parked(t.Context(), everyRef)
	require.NoError(t, err)
	for _, r := range rs {
		if r.At.Before(before) {
			ages = append(ages, r.At)
		}
	}
	limit = uncut(ages, limit)
	t.Logf("Purge before %v, at most %d", before, limit)
	want := purge(t, d.model, before, limit)
	d.each(func(s smsplus.Store) {
		require.Equal(t, want, purge(t, s, before, limit), "Purge says how much it dropped")
	})
}

func (d *duel) erase(t *rapid.T) {
	n := one(rapidDice(t), phones...)
	t.Logf("Erase the one with %d characters", len(n.E164()))
	want, under := d.model.Erase(t.Context(), n)
	d.each(func(s smsplus.Store) {
		got, err := s.(smsplus.Eraser).Erase(t.Context(), n)
		require.Equal(t, want, got, "Erase says how many messages it erased")
		if under == nil {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, smsplus.ErrNotFinal, "Erase says that messages have not ended")
		}
	})
}

// check compares all that both hold.
func (d *duel) check(t *rapid.T) {
	f := smsplus.Filter{Limit: all}
	ms := records(t, d.model, f)
	d.each(func(s smsplus.Store) { same(t, ms, records(t, s, f), "the store holds what it was told to") })
	for _, m := range ms {
		if _, known := d.book[m.ID]; !known {
			d.book[m.ID] = m
		}
	}
	rs, err := d.model.Parked(t.Context(), everyRef)
	require.NoError(t, err)
	d.each(func(s smsplus.Store) {
		sameReceipts(t, s, rs, everyRef, "the store holds the receipts that it was told to")
	})
}

// everyRef holds all refs that the dice know.
var everyRef = func() []channel.Ref {
	var refs []channel.Ref
	for _, c := range []channel.Name{channel.SMS, channel.WhatsApp, channel.LINEPush} {
		for _, providerID := range providerIDs {
			refs = append(refs, channel.Ref{Channel: c, ProviderID: providerID})
		}
	}
	return refs
}()
