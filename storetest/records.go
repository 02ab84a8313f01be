package storetest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func recordsOrder(t *testing.T, s smsplus.Store) {
	ms := messages(1, 21)
	for i := range ms {
		ms[i].TriggeredAt = at(i / 5)
		ms[i].DueAt = at(-i) // the order is that of trigger times, not of due times
	}
	insert(t, s, ms...)
	slices.SortFunc(ms, newestFirst)
	require.Equal(t, ids(ms), ids(page(t, s, smsplus.Filter{}).Messages),
		"newest trigger first, equal times by ID, greatest first")
}

func recordsRange(t *testing.T, s smsplus.Store) {
	insert(t, s, messages(1, 4)...)
	newest := func(from, to int) []string {
		ms := messages(from, to)
		slices.Reverse(ms)
		return ids(ms)
	}
	µs, ns := time.Microsecond, time.Nanosecond
	for _, c := range []struct {
		rule     string
		f        smsplus.Filter
		from, to int
	}{
		{"From is included", smsplus.Filter{From: at(2)}, 2, 4},
		{"From leaves out what is a microsecond earlier", smsplus.Filter{From: at(2).Add(µs)}, 3, 4},
		{"To is excluded", smsplus.Filter{To: at(2)}, 1, 2},
		{"To takes in what is a microsecond earlier", smsplus.Filter{To: at(2).Add(µs)}, 1, 3},
		{"From and To bound the list together", smsplus.Filter{From: at(2), To: at(3)}, 2, 3},
		{"From and To may be one time, which selects nothing", smsplus.Filter{From: at(2), To: at(2)}, 2, 2},
		{"From between two microseconds is not rounded down", smsplus.Filter{From: at(2).Add(ns)}, 3, 4},
		{"From between two microseconds is not rounded up", smsplus.Filter{From: at(2).Add(-ns)}, 2, 4},
		{"To between two microseconds is not rounded down", smsplus.Filter{To: at(2).Add(ns)}, 1, 3},
		{"To between two microseconds is not rounded up", smsplus.Filter{To: at(2).Add(-ns)}, 1, 2},
		{"a range may lie before everything", smsplus.Filter{To: at(-1_000_000)}, 1, 1},
		{"a range may lie after everything", smsplus.Filter{From: at(1_000_000)}, 4, 4},
	} {
		require.Equal(t, newest(c.from, c.to), ids(page(t, s, c.f).Messages), c.rule)
		require.Equal(t, c.to-c.from, countOf(stats(t, s, c.f)), "in statistics: %s", c.rule)
	}
}

func recordsExactText(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, text := range append(texts, "otp", "OTP", "otp ") {
		m := message(n)
		m.Template = text
		ms = append(ms, m)
	}
	insert(t, s, ms...)
	for i, m := range ms {
		f := smsplus.Filter{Template: m.Template}
		require.Equal(t, ids(ms[i:i+1]), ids(page(t, s, f).Messages), "template %q selects itself alone", m.Template)
		require.Equal(t, 1, countOf(stats(t, s, f)), "template %q is counted alone", m.Template)
	}
}

// population returns messages at random around noon, always the same.
func population() []smsplus.Message {
	roll := dice(rand.New(rand.NewPCG(1, 2)).IntN)
	var ms []smsplus.Message
	for n := range 300 {
		ms = append(ms, roll.message(n))
	}
	return ms
}

// filters returns every combination of a few values of each field.
func filters() []smsplus.Filter {
	fs := []smsplus.Filter{{}}
	vary := func(set ...func(*smsplus.Filter)) {
		for _, f := range fs {
			for _, change := range set {
				g := f
				change(&g)
				fs = append(fs, g)
			}
		}
	}
	vary(func(f *smsplus.Filter) { f.From = at(-60) })
	vary(func(f *smsplus.Filter) { f.To = at(120) })
	vary(func(f *smsplus.Filter) { f.Template = "otp" }, func(f *smsplus.Filter) { f.Template = "unknown" })
	vary(func(f *smsplus.Filter) { f.Channel = channel.SMS })
	vary(func(f *smsplus.Filter) { f.Phone = phones[1] })
	vary(func(f *smsplus.Filter) { f.CountryCode = "886" }, func(f *smsplus.Filter) { f.CountryCode = "88" })
	var groups []func(*smsplus.Filter)
	for _, g := range []status.Group{status.Sending, status.Sent, status.UndeliverableGroup, status.FailedGroup} {
		groups = append(groups, func(f *smsplus.Filter) { f.Group = g })
	}
	vary(groups...)
	return fs
}

func matching(ms []smsplus.Message, f smsplus.Filter) []smsplus.Message {
	var got []smsplus.Message
	for _, m := range ms {
		if f.Match(m) {
			got = append(got, m)
		}
	}
	slices.SortFunc(got, newestFirst)
	return got
}

func recordsFilters(t *testing.T, s smsplus.Store) {
	ms := population()
	insert(t, s, ms...)
	for _, f := range filters() {
		f.Limit = len(ms)
		same(t, matching(ms, f), page(t, s, f).Messages, "Records returns what Filter.Match selects: %+v", f)
	}
	for _, p := range phones {
		f := smsplus.Filter{Phone: p, Limit: len(ms)}
		same(t, matching(ms, f), page(t, s, f).Messages, "each number selects its own messages: %v", p)
		f = smsplus.Filter{CountryCode: p.CountryCode(), Limit: len(ms)}
		same(t, matching(ms, f), page(t, s, f).Messages, "each country code selects its own messages: %v", p)
	}
}

func recordsUpdate(t *testing.T, s smsplus.Store) {
	ms := population()[:100]
	insert(t, s, ms...)
	roll := dice(rand.New(rand.NewPCG(3, 4)).IntN)
	for range 3 {
		for i := range ms {
			roll.progress(&ms[i])
		}
		update(t, s, ms...)
		for i := range ms {
			ms[i].Version++
			ms[i].Claims = 0
		}
		for _, f := range []smsplus.Filter{
			{},
			{Group: status.Sending},
			{Group: status.Sent},
			{Group: status.UndeliverableGroup},
			{Group: status.FailedGroup},
			{Channel: channel.SMS},
			{Channel: channel.WhatsApp},
			{Channel: channel.LINEPush, Group: status.Sent},
		} {
			f.Limit = len(ms)
			same(t, matching(ms, f), page(t, s, f).Messages, "Records shows messages as they are now: %+v", f)
		}
	}
}

func recordsPages(t *testing.T, s smsplus.Store) {
	ms := population()[:60]
	insert(t, s, ms...)
	for limit := 1; limit <= len(ms)+1; limit++ {
		f := smsplus.Filter{Limit: limit}
		same(t, matching(ms, f), records(t, s, f), "pages of %d hold every record once", limit)
	}
	for _, f := range []smsplus.Filter{
		{Template: "otp"},
		{Channel: channel.SMS},
		{Phone: phones[1]},
		{CountryCode: "886"},
		{Group: status.Sent},
		{From: at(-60), To: at(120)},
		{Template: "otp", Channel: channel.SMS, Group: status.Sending},
	} {
		for _, f.Limit = range []int{1, 2, 7} {
			same(t, matching(ms, f), records(t, s, f), "pages hold every record once: %+v", f)
		}
	}
}

func recordsLastPage(t *testing.T, s smsplus.Store) {
	require.Equal(t, smsplus.Page{}, normalPage(page(t, s, smsplus.Filter{})), "the first page of nothing is the last")
	insert(t, s, messages(0, 6)...)
	insert(t, s, ended(10))
	f := smsplus.Filter{Template: "otp", To: at(6)}
	for _, c := range []struct{ limit, pages int }{{1, 6}, {2, 3}, {3, 2}, {4, 2}, {5, 2}, {6, 1}, {7, 1}} {
		f.Limit, f.After = c.limit, ""
		for n := 1; ; n++ {
			p := page(t, s, f)
			require.NotEmpty(t, p.Messages, "a page that Next led to holds something (limit %d)", c.limit)
			require.Equal(t, n == c.pages, p.Next == "", "Next is empty on the last page and only there (limit %d)", c.limit)
			if f.After = p.Next; f.After == "" {
				break
			}
		}
	}
}

func normalPage(p smsplus.Page) smsplus.Page {
	if len(p.Messages) == 0 {
		p.Messages = nil
	}
	return p
}

func recordsDefaultLimit(t *testing.T, s smsplus.Store) {
	insert(t, s, messages(0, smsplus.DefaultLimit+1)...)
	first := page(t, s, smsplus.Filter{})
	require.Len(t, first.Messages, smsplus.DefaultLimit, "a page holds DefaultLimit records unless the filter says")
	last := page(t, s, smsplus.Filter{After: first.Next})
	require.Equal(t, ids(messages(0, 1)), ids(last.Messages), "the last page holds the rest")
}

func recordsAdded(t *testing.T, s smsplus.Store) {
	old := messages(0, 30)
	for i := range old {
		old[i].TriggeredAt = at(i / 3) // a page ends among equal times
	}
	insert(t, s, old...)
	slices.SortFunc(old, newestFirst)
	f := smsplus.Filter{Template: "otp", Limit: 4}
	var seen []smsplus.Message
	for n := 100; ; n += 10 {
		p := page(t, s, f)
		seen = append(seen, p.Messages...)
		if f.After = p.Next; f.After == "" {
			break
		}
		require.Less(t, n, 1_000, "the pages come to an end")
		var added []smsplus.Message
		for i := range 4 { // newer than all, older than all, and two among those already seen
			m := message(n + i)
			m.TriggeredAt = []time.Time{at(n), at(-n), seen[0].TriggeredAt, seen[len(seen)/2].TriggeredAt}[i]
			added = append(added, m)
		}
		insert(t, s, added...)
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids(seen)))), len(seen), "no message is on two pages")
	require.True(t, slices.IsSortedFunc(seen, newestFirst), "the pages stay in order")
	seen = slices.DeleteFunc(seen, func(m smsplus.Message) bool { return !slices.Contains(ids(old), m.ID.String()) })
	require.Equal(t, ids(old), ids(seen), "what was there from the first page on is on the pages, once")
}

func recordsUpdated(t *testing.T, s smsplus.Store) {
	ms := messages(0, 30)
	insert(t, s, ms...)
	slices.SortFunc(ms, newestFirst)
	f := smsplus.Filter{Limit: 4}
	var seen []smsplus.Message
	for n := 0; ; n++ {
		p := page(t, s, f)
		seen = append(seen, p.Messages...)
		if f.After = p.Next; f.After == "" {
			break
		}
		require.Less(t, n, 100, "the pages come to an end")
		for i := range ms {
			ms[i].Status = status.Statuses()[(i+n)%5]
			ms[i].DueAt = at(1000 - i*n)
			ms[i].Channel = []channel.Name{channel.SMS, channel.WhatsApp}[n%2]
		}
		update(t, s, ms...)
		for i := range ms {
			ms[i].Version++
		}
	}
	require.Equal(t, ids(ms), ids(seen), "a list that no group narrows is the same whatever updates it meanwhile")
}

func recordsPurgedCursor(t *testing.T, s smsplus.Store) {
	insert(t, s, messages(0, 3)...)
	insert(t, s, ended(3))
	insert(t, s, messages(4, 6)...)
	f := smsplus.Filter{Limit: 3}
	p := page(t, s, f)
	require.Equal(t, id(3), p.Messages[2].ID)
	require.Equal(t, 1, purge(t, s, at(100), 10))
	f.After = p.Next
	p = page(t, s, f)
	require.Equal(t, ids([]smsplus.Message{message(2), message(1), message(0)}), ids(p.Messages),
		"a list goes on where a purged message was")
}

func badFilter(t *testing.T, s smsplus.Store) {
	insert(t, s, messages(0, 3)...)
	other := page(t, s, smsplus.Filter{Template: "otp", Limit: 1}).Next
	require.NotEmpty(t, other, "a page that is not the last has a Next")
	for _, f := range []smsplus.Filter{
		{From: at(2), To: at(1)},
		{Limit: -1},
		{Group: 99},
		{CountryCode: "+886"},
		{After: "no cursor"},
		{After: other},
		{Template: "otp", Channel: channel.SMS, After: other},
		{Template: "otp", Group: status.Sent, After: other},
	} {
		_, err := s.Records(t.Context(), f)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, "Records refuses a filter that is wrong: %+v", f)
		_, err = s.Stats(t.Context(), f)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, "Stats refuses a filter that is wrong: %+v", f)
	}
	_, err := s.Records(t.Context(), smsplus.Filter{Template: "otp", Limit: 2, After: other})
	require.NoError(t, err, "a cursor fits its filter, whatever the limit")
}
