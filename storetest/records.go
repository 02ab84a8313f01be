package storetest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func testRecordsOrder(t *testing.T, s smsplus.Store) {
	ms := newMessages(1, 21)
	for i := range ms {
		ms[i].TriggeredAt = atMinute(i / 5)
		ms[i].DueAt = atMinute(-i) // due times are in the opposite order of trigger times
	}
	mustInsert(t, s, ms...)
	slices.SortFunc(ms, newestFirst)
	require.Equal(t, ids(ms), ids(mustPage(t, s, smsplus.Filter{}).Messages),
		"the newest trigger time comes first; of equal times, the greatest ID")
}

func testRecordsRange(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 4)...)
	newest := func(from, to int) []string {
		ms := newMessages(from, to)
		slices.Reverse(ms)
		return ids(ms)
	}
	µs, ns := time.Microsecond, time.Nanosecond
	for _, c := range []struct {
		rule     string
		f        smsplus.Filter
		from, to int
	}{
		{"From is included", smsplus.Filter{From: atMinute(2)}, 2, 4},
		{"From excludes a time one microsecond earlier", smsplus.Filter{From: atMinute(2).Add(µs)}, 3, 4},
		{"To is excluded", smsplus.Filter{To: atMinute(2)}, 1, 2},
		{"To includes a time one microsecond earlier", smsplus.Filter{To: atMinute(2).Add(µs)}, 1, 3},
		{"From and To apply together", smsplus.Filter{From: atMinute(2), To: atMinute(3)}, 2, 3},
		{"an empty range selects nothing", smsplus.Filter{From: atMinute(2), To: atMinute(2)}, 2, 2},
		{"From between two microseconds is not rounded down", smsplus.Filter{From: atMinute(2).Add(ns)}, 3, 4},
		{"From between two microseconds is not rounded up", smsplus.Filter{From: atMinute(2).Add(-ns)}, 2, 4},
		{"To between two microseconds is not rounded down", smsplus.Filter{To: atMinute(2).Add(ns)}, 1, 3},
		{"To between two microseconds is not rounded up", smsplus.Filter{To: atMinute(2).Add(-ns)}, 1, 2},
		{"a range may be before all messages", smsplus.Filter{To: atMinute(-1_000_000)}, 1, 1},
		{"a range may be after all messages", smsplus.Filter{From: atMinute(1_000_000)}, 4, 4},
	} {
		require.Equal(t, newest(c.from, c.to), ids(mustPage(t, s, c.f).Messages), c.rule)
		require.Equal(t, c.to-c.from, totalTriggered(mustStats(t, s, c.f)), "in statistics: %s", c.rule)
	}
}

func testRecordsExactText(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, text := range append(trickyTexts, "otp", "OTP", "otp ") {
		m := newMessage(n)
		m.Template = text
		ms = append(ms, m)
	}
	mustInsert(t, s, ms...)
	for i, m := range ms {
		f := smsplus.Filter{Template: m.Template}
		require.Equal(t, ids(ms[i:i+1]), ids(mustPage(t, s, f).Messages), "template %q selects only its own messages", m.Template)
		require.Equal(t, 1, totalTriggered(mustStats(t, s, f)), "template %q is counted separately", m.Template)
	}
}

// randomMessages returns 300 random messages around noon, the same in every call.
func randomMessages() []smsplus.Message {
	gen := newGenerator(1, 2)
	var ms []smsplus.Message
	for n := range 300 {
		ms = append(ms, gen.message(n))
	}
	return ms
}

// combineFilters returns a filter for every combination of the changes, at most one of each
// set.
func combineFilters(sets ...filterChanges) []smsplus.Filter {
	fs := []smsplus.Filter{{}}
	for _, changes := range sets {
		for _, f := range fs {
			for _, change := range changes {
				g := f
				change(&g)
				fs = append(fs, g)
			}
		}
	}
	return fs
}

// filterStride is the stride through the combinations of filters. All of them take a store with
// a server more than ten seconds a rule. Faults need two or three fields together, and
// TestFilters_CombineEveryThreeFields holds that one in filterStride combines these.
const filterStride = 11

// filters returns filters that combine each three of a few values per field.
func filters() []smsplus.Filter {
	all := slices.Concat(combineFilters(recordFields()...), combineFilters(attemptFields()...))
	var some []smsplus.Filter
	for i := 0; i < len(all); i += filterStride {
		some = append(some, all[i])
	}
	return some
}

type filterChanges = []func(*smsplus.Filter)

// recordFields are values of the fields that select by what a record says of a message.
func recordFields() []filterChanges {
	var groups filterChanges
	for _, g := range []status.Group{status.Sending, status.Sent, status.UndeliverableGroup, status.FailedGroup} {
		groups = append(groups, func(f *smsplus.Filter) { f.Group = g })
	}
	return []filterChanges{
		{func(f *smsplus.Filter) { f.From = atMinute(-60) }},
		{func(f *smsplus.Filter) { f.To = atMinute(120) }},
		{func(f *smsplus.Filter) { f.Template = "otp" }, func(f *smsplus.Filter) { f.Template = "unknown" }},
		{func(f *smsplus.Filter) { f.Channel = channel.SMS }},
		{func(f *smsplus.Filter) { f.Phone = phones[1] }},
		{func(f *smsplus.Filter) { f.RecipientID = recipientIDs[0] }},
		{func(f *smsplus.Filter) { f.CountryCode = "886" }, func(f *smsplus.Filter) { f.CountryCode = "88" }},
		groups,
	}
}

// attemptFields are values of the fields that select by an attempt or by what the application
// says, with some others.
func attemptFields() []filterChanges {
	return []filterChanges{
		{func(f *smsplus.Filter) { f.Reference = references[1] }},
		{func(f *smsplus.Filter) { f.Scenario = scenarios[1] }},
		{func(f *smsplus.Filter) { f.Reason = reasons[1] }},
		{func(f *smsplus.Filter) { f.ProviderID = providerIDs[1] }},
		{func(f *smsplus.Filter) { f.Channel = channel.SMS }},
		{func(f *smsplus.Filter) { f.Template = "otp" }},
		{func(f *smsplus.Filter) { f.Group = status.Sent }, func(f *smsplus.Filter) { f.Phone = phones[1] }},
		{func(f *smsplus.Filter) { f.From = atMinute(-60) }},
	}
}

func matchingMessages(ms []smsplus.Message, f smsplus.Filter) []smsplus.Message {
	var got []smsplus.Message
	for _, m := range ms {
		if f.Match(m) {
			got = append(got, m)
		}
	}
	slices.SortFunc(got, newestFirst)
	return got
}

func testRecordsFilters(t *testing.T, s smsplus.Store) {
	ms := randomMessages()
	mustInsert(t, s, ms...)
	for _, f := range filters() {
		f.Limit = len(ms)
		requireMessages(t, matchingMessages(ms, f), mustPage(t, s, f).Messages, "Records returns the messages that Filter.Match selects: %+v", f)
	}
	for _, p := range phones {
		f := smsplus.Filter{Phone: p, Limit: len(ms)}
		requireMessages(t, matchingMessages(ms, f), mustPage(t, s, f).Messages, "each number selects its own messages: %v", p)
		f = smsplus.Filter{CountryCode: p.CountryCode(), Limit: len(ms)}
		requireMessages(t, matchingMessages(ms, f), mustPage(t, s, f).Messages, "each country code selects its own messages: %v", p)
	}
}

func testRecordsKey(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, key := range append(trickyTexts, "order", "order/1", "") {
		ms = append(ms, messageWithKey(n, key))
	}
	mustInsert(t, s, ms...)
	keyed := ms[:len(ms)-1]
	keyed[0].Status = status.Delivered
	mustUpdate(t, s, keyed[0])
	keyed[0].Version++
	for i, m := range keyed {
		f := smsplus.Filter{Key: m.Key}
		requireMessages(t, keyed[i:i+1], mustPage(t, s, f).Messages, "key %q selects its own message alone", m.Key)
		requireStats(t, s, keyed[i:i+1], f)
	}
	m := keyed[1]
	for _, f := range []smsplus.Filter{
		{Key: "unknown"},
		{Key: m.Key, Template: "unknown"},
		{Key: m.Key, Phone: phones[2]},
		{Key: m.Key, CountryCode: "852"},
		{Key: m.Key, Channel: channel.SMS},
		{Key: m.Key, Group: status.Sent},
		{Key: m.Key, To: m.TriggeredAt},
		{Key: m.Key, From: m.TriggeredAt.Add(time.Microsecond)},
	} {
		require.Empty(t, mustPage(t, s, f).Messages, "a key and another condition must both hold: %+v", f)
		require.Empty(t, mustStats(t, s, f), "in statistics: %+v", f)
	}
	f := smsplus.Filter{Key: m.Key, From: m.TriggeredAt, Phone: m.To.Phone, Group: status.Sending, Limit: 1}
	page := mustPage(t, s, f)
	requireMessages(t, keyed[1:2], page.Messages, "every condition holds")
	require.Empty(t, page.Next)
}

func testRecordsUpdate(t *testing.T, s smsplus.Store) {
	ms := randomMessages()[:100]
	mustInsert(t, s, ms...)
	gen := newGenerator(3, 4)
	for range 3 {
		for i := range ms {
			gen.changeState(&ms[i])
		}
		mustUpdate(t, s, ms...)
		for i := range ms {
			ms[i].Version++
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
			{Reason: reasons[1]},
			{Channel: channel.SMS, Reason: reasons[2]},
			{ProviderID: providerIDs[0]},
		} {
			f.Limit = len(ms)
			requireMessages(t, matchingMessages(ms, f), mustPage(t, s, f).Messages, "Records returns the current state of messages: %+v", f)
		}
	}
}

func testRecordsPages(t *testing.T, s smsplus.Store) {
	ms := randomMessages()[:60]
	mustInsert(t, s, ms...)
	for limit := 1; limit <= len(ms)+1; limit++ {
		f := smsplus.Filter{Limit: limit}
		requireMessages(t, matchingMessages(ms, f), mustListAll(t, s, f), "pages of %d hold every record once", limit)
	}
	for _, f := range []smsplus.Filter{
		{Template: "otp"},
		{Channel: channel.SMS},
		{Phone: phones[1]},
		{RecipientID: recipientIDs[0]},
		{CountryCode: "886"},
		{Group: status.Sent},
		{From: atMinute(-60), To: atMinute(120)},
		{Reference: references[1]},
		{Scenario: scenarios[1]},
		{Reason: reasons[1]},
		{Channel: channel.SMS, Reason: reasons[1]},
		{ProviderID: providerIDs[1]},
		{Template: "otp", Channel: channel.SMS, Group: status.Sending},
	} {
		for _, f.Limit = range []int{1, 2, 7} {
			requireMessages(t, matchingMessages(ms, f), mustListAll(t, s, f), "pages hold every record once: %+v", f)
		}
	}
}

func testRecordsLastPage(t *testing.T, s smsplus.Store) {
	require.Equal(t, smsplus.Page{}, normalizePage(mustPage(t, s, smsplus.Filter{})), "an empty list has one page")
	mustInsert(t, s, newMessages(0, 6)...)
	mustInsert(t, s, endedMessage(10))
	f := smsplus.Filter{Template: "otp", To: atMinute(6)}
	for _, c := range []struct{ limit, pages int }{{1, 6}, {2, 3}, {3, 2}, {4, 2}, {5, 2}, {6, 1}, {7, 1}} {
		f.Limit, f.After = c.limit, ""
		for n := 1; ; n++ {
			p := mustPage(t, s, f)
			require.NotEmpty(t, p.Messages, "the page of a Next is not empty (limit %d)", c.limit)
			require.Equal(t, n == c.pages, p.Next == "", "Next is empty only on the last page (limit %d)", c.limit)
			if f.After = p.Next; f.After == "" {
				break
			}
		}
	}
}

func normalizePage(p smsplus.Page) smsplus.Page {
	if len(p.Messages) == 0 {
		p.Messages = nil
	}
	return p
}

func testRecordsDefaultLimit(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, smsplus.DefaultLimit+1)...)
	first := mustPage(t, s, smsplus.Filter{})
	require.Len(t, first.Messages, smsplus.DefaultLimit, "a page holds DefaultLimit records if the filter sets no limit")
	last := mustPage(t, s, smsplus.Filter{After: first.Next})
	require.Equal(t, ids(newMessages(0, 1)), ids(last.Messages), "the last page holds the remaining records")
}

func testRecordsAdded(t *testing.T, s smsplus.Store) {
	old := newMessages(0, 30)
	for i := range old {
		old[i].TriggeredAt = atMinute(i / 3) // a page ends between equal times
	}
	mustInsert(t, s, old...)
	slices.SortFunc(old, newestFirst)
	f := smsplus.Filter{Template: "otp", Limit: 4}
	var seen []smsplus.Message
	for n := 100; ; n += 10 {
		p := mustPage(t, s, f)
		seen = append(seen, p.Messages...)
		if f.After = p.Next; f.After == "" {
			break
		}
		require.Less(t, n, 1_000, "the list ends")
		var added []smsplus.Message
		for i := range 4 { // newer than all, older than all, and two at times already seen
			m := newMessage(n + i)
			m.TriggeredAt = []time.Time{atMinute(n), atMinute(-n), seen[0].TriggeredAt, seen[len(seen)/2].TriggeredAt}[i]
			added = append(added, m)
		}
		mustInsert(t, s, added...)
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids(seen)))), len(seen), "no message is on two pages")
	require.True(t, slices.IsSortedFunc(seen, newestFirst), "the pages stay in order")
	seen = slices.DeleteFunc(seen, func(m smsplus.Message) bool { return !slices.Contains(ids(old), m.ID.String()) })
	require.Equal(t, ids(old), ids(seen), "each message from before the first page is on one page")
}

func testRecordsUpdated(t *testing.T, s smsplus.Store) {
	ms := newMessages(0, 30)
	mustInsert(t, s, ms...)
	slices.SortFunc(ms, newestFirst)
	f := smsplus.Filter{Limit: 4}
	var seen []smsplus.Message
	for n := 0; ; n++ {
		p := mustPage(t, s, f)
		seen = append(seen, p.Messages...)
		if f.After = p.Next; f.After == "" {
			break
		}
		require.Less(t, n, 100, "the list ends")
		for i := range ms {
			ms[i].Status = status.Statuses()[(i+n)%5]
			ms[i].DueAt = atMinute(1000 - i*n)
			ms[i].Channel = []channel.Name{channel.SMS, channel.WhatsApp}[n%2]
		}
		mustUpdate(t, s, ms...)
		for i := range ms {
			ms[i].Version++
		}
	}
	require.Equal(t, ids(ms), ids(seen), "without a group filter, updates between two pages do not change the list")
}

func testRecordsPurgedCursor(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, 3)...)
	mustInsert(t, s, endedMessage(3))
	mustInsert(t, s, newMessages(4, 6)...)
	f := smsplus.Filter{Limit: 3}
	p := mustPage(t, s, f)
	require.Equal(t, messageID(3), p.Messages[2].ID)
	require.Equal(t, 1, mustPurge(t, s, atMinute(100), 10))
	f.After = p.Next
	p = mustPage(t, s, f)
	require.Equal(t, ids([]smsplus.Message{newMessage(2), newMessage(1), newMessage(0)}), ids(p.Messages),
		"the list continues at the position of the purged message")
}

func testInvalidFilter(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, 3)...)
	other := mustPage(t, s, smsplus.Filter{Template: "otp", Limit: 1}).Next
	require.NotEmpty(t, other, "a page that is not the last has a Next")
	for _, f := range []smsplus.Filter{
		{From: atMinute(2), To: atMinute(1)},
		{Limit: -1},
		{Limit: math.MaxInt32},
		{From: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{To: time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)},
		{Group: 99},
		{CountryCode: "+886"},
		{Template: "zero \x00"},
		{Key: "zero \x00"},
		{RecipientID: "zero \x00"},
		{Key: "not UTF-8 \xff"},
		{Reference: "zero \x00"},
		{Scenario: "zero \x00"},
		{Reason: "zero \x00"},
		{ProviderID: "not UTF-8 \xff"},
		{After: "no cursor"},
		{After: other},
		{Template: "otp", Channel: channel.SMS, After: other},
		{Template: "otp", Group: status.Sent, After: other},
	} {
		_, err := s.Records(t.Context(), f)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, "Records refuses an invalid filter: %+v", f)
		_, err = s.Stats(t.Context(), f)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, "Stats refuses an invalid filter: %+v", f)
	}
	_, err := s.Records(t.Context(), smsplus.Filter{Template: "otp", Limit: 2, After: other})
	require.NoError(t, err, "a cursor is valid for its filter with another limit")
}
