package storetest

import (
	"math"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the rules need time zones, whatever the machine has

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func mustStatsBy(t testingT, s smsplus.Store, f smsplus.Filter, g smsplus.Grouping) []smsplus.GroupStats {
	t.Helper()
	rows, err := s.StatsBy(t.Context(), f, g)
	require.NoError(t, err, "%+v by %v", f, g.By)
	if len(rows) == 0 {
		return nil
	}
	return rows
}

func requireStatsBy(t testingT, s smsplus.Store, ms []smsplus.Message, f smsplus.Filter, g smsplus.Grouping) {
	t.Helper()
	want := g.Stats(f, slices.Values(matchingMessages(ms, f)))
	if len(want) == 0 {
		want = nil
	}
	require.Equal(t, want, mustStatsBy(t, s, f, g), "grouped statistics equal a recount with Grouping.Stats: %+v by %v in %v", f, g.By, g.Zone)
}

// failedMessage returns the nth sample: LINE blocked it, and then the carrier refused it.
func failedMessage(n int) smsplus.Message {
	m := fullMessage(n)
	m.Attempts[1] = smsplus.Attempt{
		ID: smsplus.AttemptID(m.ID, 1), Step: 1, Channel: channel.SMS, Status: status.Failed,
		Reason: status.CarrierError, Tries: 1, StartedAt: m.TriggeredAt, EndedAt: m.TriggeredAt,
	}
	m.Status, m.Channel, m.DeliveredAt, m.ReadAt = status.Failed, channel.SMS, time.Time{}, time.Time{}
	return m
}

func testStatsByMessages(t *testing.T, s smsplus.Store) {
	require.Empty(t, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{}), "an empty store has no row")
	other := failedMessage(3)
	other.Template, other.Scenario = "order", "order shipped"
	renamed := newMessage(4)
	renamed.Scenario = "sign in"
	mustInsert(t, s, fullMessage(1), failedMessage(2), other, renamed)
	for _, c := range []struct {
		by   smsplus.Dimensions
		want []smsplus.GroupStats
	}{
		{0, []smsplus.GroupStats{{Triggered: 4, Preparing: 1, Failed: 2, Delivered: 1, Read: 1}}},
		{smsplus.ByTemplate, []smsplus.GroupStats{
			{Template: "order", Triggered: 1, Failed: 1},
			{Template: "otp", Triggered: 3, Preparing: 1, Failed: 1, Delivered: 1, Read: 1},
		}},
		{smsplus.ByScenario, []smsplus.GroupStats{
			{Scenario: "OTP", Triggered: 2, Failed: 1, Delivered: 1, Read: 1},
			{Scenario: "order shipped", Triggered: 1, Failed: 1},
			{Scenario: "sign in", Triggered: 1, Preparing: 1},
		}},
		{smsplus.ByReason, []smsplus.GroupStats{
			{Triggered: 2, Preparing: 1, Delivered: 1, Read: 1},
			{Reason: status.CarrierError, Triggered: 2, Failed: 2},
		}},
		{smsplus.ByTemplate | smsplus.ByScenario | smsplus.ByReason, []smsplus.GroupStats{
			{Template: "order", Scenario: "order shipped", Reason: status.CarrierError, Triggered: 1, Failed: 1},
			{Template: "otp", Scenario: "OTP", Triggered: 1, Delivered: 1, Read: 1},
			{Template: "otp", Scenario: "OTP", Reason: status.CarrierError, Triggered: 1, Failed: 1},
			{Template: "otp", Scenario: "sign in", Triggered: 1, Preparing: 1},
		}},
	} {
		require.Equal(t, c.want, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: c.by}),
			"statistics by %v count each message once, with the reason of its last attempt", c.by)
	}
}

func testStatsByAttempts(t *testing.T, s smsplus.Store) {
	other := failedMessage(3)
	other.Template = "order"
	mustInsert(t, s, fullMessage(1), failedMessage(2), other, newMessage(4))
	require.Equal(t, []smsplus.GroupStats{
		{Channel: channel.LINEPush, Triggered: 3, Undeliverable: 3},
		{Channel: channel.SMS, Triggered: 2, Failed: 2},
		{Channel: channel.WhatsApp, Triggered: 1, Delivered: 1, Read: 1},
	}, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByChannel}), "by channel, each attempt counts")
	require.Equal(t, []smsplus.GroupStats{
		{Template: "order", Channel: channel.LINEPush, Reason: status.Blocked, Triggered: 1, Undeliverable: 1},
		{Template: "order", Channel: channel.SMS, Reason: status.CarrierError, Triggered: 1, Failed: 1},
		{Template: "otp", Channel: channel.LINEPush, Reason: status.Blocked, Triggered: 2, Undeliverable: 2},
		{Template: "otp", Channel: channel.SMS, Reason: status.CarrierError, Triggered: 1, Failed: 1},
		{Template: "otp", Channel: channel.WhatsApp, Triggered: 1, Delivered: 1, Read: 1},
	}, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByTemplate | smsplus.ByChannel | smsplus.ByReason}),
		"by channel and reason, each attempt has its own reason")
	require.Equal(t, []smsplus.GroupStats{{Reason: status.Blocked, Triggered: 2, Undeliverable: 2}},
		mustStatsBy(t, s, smsplus.Filter{Channel: channel.LINEPush, Group: status.FailedGroup}, smsplus.Grouping{By: smsplus.ByReason}),
		"a channel filter counts its attempts, of the messages of the group")
	require.Equal(t, []smsplus.GroupStats{{Channel: channel.SMS, Triggered: 2, Failed: 2}},
		mustStatsBy(t, s, smsplus.Filter{Channel: channel.SMS}, smsplus.Grouping{By: smsplus.ByChannel}),
		"of a channel filter by channel, only that channel's attempts count")
}

// zones are time zones with offsets of whole, half and quarter hours. Some of their clocks
// change at midnight, at a minute past it, or by half an hour.
var zones = []string{
	"UTC", "Asia/Taipei", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York",
	"Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "America/St_Johns",
}

func mustLoadZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func testStatsByZone(t *testing.T, s smsplus.Store) {
	half := mustLoadZone("Asia/Kolkata") // UTC+5:30
	ms := newMessages(0, 4)
	midnight := time.Date(2026, 3, 15, 0, 0, 0, 0, half)
	for i, at := range []time.Time{
		midnight.Add(-time.Microsecond), midnight, midnight.Add(time.Hour - time.Microsecond), midnight.Add(time.Hour),
	} {
		ms[i].TriggeredAt = at.UTC()
	}
	mustInsert(t, s, ms...)
	require.Equal(t, []smsplus.GroupStats{
		{Start: midnight.Add(-24 * time.Hour), Triggered: 1, Preparing: 1},
		{Start: midnight, Triggered: 3, Preparing: 3},
	}, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByDay, Zone: half}), "a day begins at midnight of the zone")
	require.Equal(t, []smsplus.GroupStats{
		{Start: midnight.Add(-time.Hour), Triggered: 1, Preparing: 1},
		{Start: midnight, Triggered: 2, Preparing: 2},
		{Start: midnight.Add(time.Hour), Triggered: 1, Preparing: 1},
	}, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByHour, Zone: half}), "an hour begins on the hour of the zone")
	require.Equal(t, []smsplus.GroupStats{{Start: midnight.Add(-30 * time.Minute).UTC().Truncate(24 * time.Hour), Triggered: 4, Preparing: 4}},
		mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByDay}), "without a zone, days are those of UTC")
}

// testStatsByClockChange tests messages around the changes of clocks in 2008 to 2026.
func testStatsByClockChange(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for _, name := range zones {
		at := time.Date(2008, 1, 1, 0, 0, 0, 0, mustLoadZone(name))
		for {
			_, at = at.ZoneBounds()
			if at.IsZero() || at.Year() > 2026 {
				break
			}
			if at.Year() > 2011 && at.Year() < 2025 {
				continue
			}
			for _, d := range []time.Duration{-time.Hour, -time.Minute, -time.Microsecond, 0, time.Minute, 29 * time.Minute, time.Hour, 12 * time.Hour} {
				m := newMessage(len(ms))
				m.TriggeredAt = at.Add(d).UTC()
				ms = append(ms, m)
			}
		}
	}
	mustInsert(t, s, ms...)
	for _, name := range zones {
		for _, by := range []smsplus.Dimensions{smsplus.ByHour, smsplus.ByDay} {
			requireStatsBy(t, s, ms, smsplus.Filter{}, smsplus.Grouping{By: by, Zone: mustLoadZone(name)})
		}
	}
}

func testStatsByTimes(t *testing.T, s smsplus.Store) {
	slow := fullMessage(2)
	slow.DeliveredAt = slow.TriggeredAt.Add(40 * time.Minute)
	slow.Attempts[1].StartedAt, slow.Attempts[1].DeliveredAt = slow.TriggeredAt.Add(30*time.Minute), slow.DeliveredAt
	late := fullMessage(3)
	late.Status = status.Failed // its times say otherwise
	unknown := fullMessage(4)
	unknown.DeliveredAt, unknown.Attempts[1].DeliveredAt = time.Time{}, time.Time{}
	early := fullMessage(5)
	early.DeliveredAt = early.TriggeredAt.Add(-time.Hour) // by another clock
	mustInsert(t, s, fullMessage(1), slow, late, unknown, early)

	rows := mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{Times: true})
	require.Len(t, rows, 1)
	require.Equal(t, 3, rows[0].Times.Count(), "messages that are Delivered and have a time of delivery are timed")
	require.Zero(t, rows[0].Times.Quantile(0), "a delivery before the trigger took no time")
	requireAbout(t, 5*time.Minute, rows[0].Times.Quantile(0.5))
	requireAbout(t, 40*time.Minute, rows[0].Times.Quantile(1))

	rows = mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByChannel, Times: true})
	require.Len(t, rows, 2)
	require.Zero(t, rows[0].Times.Count(), "a channel that delivered nothing has no times")
	require.Equal(t, 4, rows[1].Times.Count(), "attempts are timed by themselves")
	requireAbout(t, 2*time.Minute, rows[1].Times.Quantile(0.5))
	requireAbout(t, 10*time.Minute, rows[1].Times.Quantile(1))

	rows = mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{})
	require.Zero(t, rows[0].Times.Count(), "there are no times if none are asked for")
}

// requireAbout requires a duration within a tenth of the exact one.
func requireAbout(t testingT, want, got time.Duration) {
	t.Helper()
	require.InEpsilon(t, want, got, 0.1, "a quantile is within a tenth")
}

func testStatsByOrder(t *testing.T, s smsplus.Store) {
	texts := []string{"", "A", "Z", "_", "a", "z", "É", "é", "中", "𠮷"}
	for n := range 6 * len(texts) {
		m := failedMessage(n)
		m.Template, m.Scenario = texts[n%len(texts)], texts[(n*7)%len(texts)]
		m.TriggeredAt = noon.Add(time.Duration(n*7%3) * time.Hour)
		m.Attempts[0].Channel, m.Attempts[0].Reason = channel.Name(texts[(n*3)%len(texts)]), status.Reason(texts[(n*9)%len(texts)])
		mustInsert(t, s, m)
	}
	all := smsplus.ByTemplate | smsplus.ByScenario | smsplus.ByChannel | smsplus.ByReason | smsplus.ByHour
	rows := mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: all})
	require.Greater(t, len(rows), 2*len(texts))
	for i := range rows[1:] {
		a, b := rows[i], rows[i+1]
		less := slices.Compare(
			[]string{a.Start.Format(time.RFC3339), a.Template, a.Scenario, string(a.Channel), string(a.Reason)},
			[]string{b.Start.Format(time.RFC3339), b.Template, b.Scenario, string(b.Channel), string(b.Reason)})
		require.Negative(t, less, "rows come in order of start, template, scenario, channel and reason, by their bytes")
	}
}

// grouping returns a random grouping.
func (gen generator) grouping() smsplus.Grouping {
	g := smsplus.Grouping{Times: gen.intN(3) == 1}
	for _, d := range []smsplus.Dimensions{smsplus.ByTemplate, smsplus.ByScenario, smsplus.ByChannel, smsplus.ByReason} {
		if gen.intN(3) == 1 {
			g.By |= d
		}
	}
	g.By |= pick(gen, 0, smsplus.ByHour, smsplus.ByDay)
	if gen.intN(2) == 1 {
		g.Zone = mustLoadZone(pick(gen, zones...))
	}
	return g
}

func testStatsByFilters(t *testing.T, s smsplus.Store) {
	ms := randomMessages()
	mustInsert(t, s, ms...)
	gen := newGenerator(11, 12)
	for _, f := range filters() {
		requireStatsBy(t, s, ms, f, gen.grouping())
	}
	for range 100 {
		requireStatsBy(t, s, ms, gen.filter(), gen.grouping())
	}
	for _, d := range []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour} {
		for n := range 4 {
			from := noon.Truncate(24 * time.Hour).Add(time.Duration(n) * d)
			requireStatsBy(t, s, ms, smsplus.Filter{From: from, To: from.Add(d)}, gen.grouping())
			requireStatsBy(t, s, ms, smsplus.Filter{From: from}, gen.grouping())
		}
	}
}

func testStatsByUpdates(t *testing.T, s smsplus.Store) {
	ms := randomMessages()[:80]
	mustInsert(t, s, ms...)
	gen := newGenerator(13, 14)
	for range 4 {
		for i := range ms {
			gen.changeState(&ms[i])
		}
		mustUpdate(t, s, ms...)
		_, err := s.Update(t.Context(), ms[:10]) // stale
		require.NoError(t, err)
		for i := range ms {
			ms[i].Version++
		}
		for range 10 {
			requireStatsBy(t, s, ms, smsplus.Filter{}, gen.grouping())
			requireStatsBy(t, s, ms, gen.filter(), gen.grouping())
		}
	}
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	mustUpdate(t, s, ms...)
	mustPurge(t, s, noon, noLimit)
	ms = slices.DeleteFunc(ms, func(m smsplus.Message) bool { return m.TriggeredAt.Before(noon) })
	for range 10 {
		requireStatsBy(t, s, ms, smsplus.Filter{}, gen.grouping())
	}
	mustPurge(t, s, atMinute(1_000_000), noLimit)
	require.Empty(t, mustStatsBy(t, s, smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByChannel}), "purged messages are not counted")
}

func testStatsByIgnorePaging(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, 150)...)
	f := smsplus.Filter{Limit: 1}
	g := smsplus.Grouping{By: smsplus.ByHour}
	require.Len(t, mustStatsBy(t, s, f, g), 3, "Limit does not limit the rows")
	require.Equal(t, 60, mustStatsBy(t, s, f, g)[0].Triggered, "grouped statistics ignore Limit")
	f.After = mustPage(t, s, f).Next
	require.Equal(t, 60, mustStatsBy(t, s, f, g)[0].Triggered, "grouped statistics ignore After")
}

func testInvalidGrouping(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessage(1))
	for _, c := range []struct {
		f smsplus.Filter
		g smsplus.Grouping
	}{
		{g: smsplus.Grouping{By: smsplus.ByHour | smsplus.ByDay}},
		{g: smsplus.Grouping{By: math.MaxUint8}},
		{f: smsplus.Filter{From: atMinute(2), To: atMinute(1)}},
	} {
		_, err := s.StatsBy(t.Context(), c.f, c.g)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, "StatsBy refuses an invalid filter and an invalid grouping: %+v by %v", c.f, c.g.By)
	}
}

func testUnreadableStatsBy(t *testing.T, s smsplus.Store) {
	ms := waitingMessages(1, 5)
	mustInsert(t, s, ms...)
	mustDamage(t, s, ms[1])
	for _, g := range []smsplus.Grouping{
		{},
		{By: smsplus.ByTemplate | smsplus.ByChannel | smsplus.ByReason, Times: true},
		{By: smsplus.ByScenario | smsplus.ByHour},
	} {
		for _, f := range []smsplus.Filter{{Channel: channel.WhatsApp}, {From: atMinute(0), To: atMinute(30)}, {Phone: ms[0].To.Phone}} {
			total := 0
			for _, row := range mustStatsBy(t, s, f, g) {
				if f.Channel != "" || !g.By.Has(smsplus.ByChannel) || row.Channel == channel.WhatsApp {
					total += row.Triggered
				}
			}
			require.GreaterOrEqual(t, total, 3, "the messages that can be read are counted: %+v by %v", f, g.By)
			require.LessOrEqual(t, total, 4, "a message that cannot be read is counted at most once: %+v by %v", f, g.By)
		}
	}
}
