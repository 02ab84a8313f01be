package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// deliveredTwice returns the nth sample as a late receipt leaves it: the second channel
// delivered it, it was read there, and then the first channel reported its delivery.
func deliveredTwice(n int) smsplus.Message {
	m := fullMessage(n)
	m.Attempts[0].Status, m.Attempts[0].Reason = status.Delivered, ""
	return m
}

func testStatsMessages(t *testing.T, s smsplus.Store) {
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "an empty store has no row")
	var ms []smsplus.Message
	for n, st := range status.Statuses() {
		for i := range n + 1 {
			m := newMessage(10*n + i)
			m.Status = st
			ms = append(ms, m)
		}
	}
	other := deliveredTwice(100)
	other.Template = "order"
	unread := deliveredTwice(101)
	unread.Template, unread.ReadAt = "order", time.Time{}
	mustInsert(t, s, append(ms, other, unread)...)
	require.Equal(t, []smsplus.TemplateStats{
		{Template: "order", Triggered: 2, Delivered: 2, Read: 1, DeliveredTwice: 2},
		{Template: "otp", Triggered: 15, Preparing: 1, Accepted: 2, Failed: 3, Undeliverable: 4, Delivered: 5},
	}, mustStats(t, s, smsplus.Filter{}), "a row for each template counts its messages by status, read and delivered twice")
}

func testStatsAttempts(t *testing.T, s smsplus.Store) {
	once, twice := fullMessage(1), deliveredTwice(2)
	tried := sentMessage(3, channel.SMS, "3") // a late LINE receipt delivered the message, and the SMS attempt stays Accepted
	tried.Status, tried.Channel = status.Delivered, channel.LINEPush
	mustInsert(t, s, once, twice, tried, newMessage(4))
	for _, c := range []struct {
		channel channel.Name
		want    []smsplus.TemplateStats
	}{
		{channel.LINEPush, []smsplus.TemplateStats{
			{Template: "otp", Triggered: 2, Undeliverable: 1, Delivered: 1, DeliveredTwice: 1},
		}},
		{channel.WhatsApp, []smsplus.TemplateStats{
			{Template: "otp", Triggered: 2, Delivered: 2, Read: 2, DeliveredTwice: 1},
		}},
		{channel.SMS, []smsplus.TemplateStats{{Template: "otp", Triggered: 1, Accepted: 1}}},
		{channel.LINENotify, nil},
	} {
		got := mustStats(t, s, smsplus.Filter{Channel: c.channel})
		require.Equal(t, c.want, normalizeStats(got), "statistics of %s count its attempts", c.channel)
	}
	require.Equal(t, []smsplus.TemplateStats{{Template: "otp", Triggered: 1, Accepted: 1}},
		mustStats(t, s, smsplus.Filter{Channel: channel.SMS, Group: status.Sent}),
		"the group selects by the message's status, and the counts are the attempts'")
}

func normalizeStats(rows []smsplus.TemplateStats) []smsplus.TemplateStats {
	if len(rows) == 0 {
		return nil
	}
	return rows
}

func testStatsOrder(t *testing.T, s smsplus.Store) {
	templates := []string{"", "A", "Z", "_", "a", "b", "z", "É", "é", "中", "文", "𠮷"}
	for n := range templates {
		m := newMessage(n)
		m.Template = templates[len(templates)-1-n]
		mustInsert(t, s, m)
	}
	var got []string
	for _, row := range mustStats(t, s, smsplus.Filter{}) {
		got = append(got, row.Template)
	}
	require.Equal(t, templates, got, "rows come in the order of the templates' bytes, as Go compares strings")
}

func testStatsFilters(t *testing.T, s smsplus.Store) {
	ms := randomMessages()
	mustInsert(t, s, ms...)
	for _, f := range filters() {
		requireStats(t, s, ms, f)
	}
}

func requireStats(t testingT, s smsplus.Store, ms []smsplus.Message, f smsplus.Filter) {
	t.Helper()
	require.Equal(t, statsOf(matchingMessages(ms, f), f), normalizeStats(mustStats(t, s, f)),
		"statistics equal a recount with TemplateStats.Add: %+v", f)
}

// testStatsRanges tests ranges that cut hours and days, and ranges that end on their
// edges. A store may keep a counter for each.
func testStatsRanges(t *testing.T, s smsplus.Store) {
	ms := randomMessages()
	mustInsert(t, s, ms...)
	gen := newGenerator(5, 6)
	for range 150 {
		f := smsplus.Filter{From: gen.time(), To: gen.time()}
		if f.To.Before(f.From) {
			f.From, f.To = f.To, f.From
		}
		requireStats(t, s, ms, f)
		f.Channel = pick(gen, channel.SMS, channel.WhatsApp)
		requireStats(t, s, ms, f)
	}
	day := noon.Truncate(24 * time.Hour)
	for _, unit := range []time.Duration{time.Hour, 24 * time.Hour} {
		for n := range 3 {
			from := day.Add(time.Duration(n-1) * unit)
			requireStats(t, s, ms, smsplus.Filter{From: from, To: from.Add(unit)})
			requireStats(t, s, ms, smsplus.Filter{From: from})
			requireStats(t, s, ms, smsplus.Filter{To: from})
		}
	}
}

func testStatsUpdates(t *testing.T, s smsplus.Store) {
	ms := randomMessages()[:100]
	mustInsert(t, s, ms...)
	gen := newGenerator(7, 8)
	for range 4 {
		for i := range ms {
			gen.changeState(&ms[i])
		}
		mustUpdate(t, s, ms...)
		stale, err := s.Update(t.Context(), ms[:10])
		require.NoError(t, err)
		require.Len(t, stale, 10, "an update of the previous version is stale")
		for i := range ms {
			ms[i].Version++
		}
		mustClaim(t, s, smsplus.Claim{Now: atMinute(1_000_000), Lease: time.Minute, Limit: len(ms)})
		for i := range ms {
			if !ms[i].DueAt.IsZero() {
				ms[i].Version++
			}
		}
		for _, f := range []smsplus.Filter{
			{},
			{Channel: channel.SMS},
			{Channel: channel.WhatsApp},
			{Channel: channel.LINEPush, Group: status.Sent},
			{Group: status.Sending},
			{Template: "otp"},
			{Phone: phones[1]},
			{RecipientID: recipientIDs[0]},
			{CountryCode: "886"},
			{From: atMinute(-60), To: atMinute(120)},
			{From: atMinute(-60), To: atMinute(120), Channel: channel.SMS},
		} {
			requireStats(t, s, ms, f)
		}
	}
}

func testStatsIgnorePaging(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, 150)...)
	f := smsplus.Filter{Template: "otp", Limit: 1}
	want := []smsplus.TemplateStats{{Template: "otp", Triggered: 150, Preparing: 150}}
	require.Equal(t, want, mustStats(t, s, smsplus.Filter{}), "statistics ignore DefaultLimit")
	require.Equal(t, want, mustStats(t, s, f), "statistics ignore Limit")
	f.After = mustPage(t, s, f).Next
	require.Equal(t, want, mustStats(t, s, f), "statistics ignore After")
	templates := newMessages(200, 203)
	for i := range templates {
		templates[i].Template = []string{"a", "b", "c"}[i]
	}
	mustInsert(t, s, templates...)
	require.Len(t, mustStats(t, s, smsplus.Filter{Limit: 2}), 4, "Limit does not limit the rows")
}
