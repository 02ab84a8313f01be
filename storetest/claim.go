package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// atMinute returns the time n minutes after noon, when the nth sample is due.
func atMinute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

func testClaimDue(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 2)...)
	early := mustClaim(t, s, smsplus.Claim{Now: atMinute(1).Add(-time.Microsecond), Lease: time.Minute, Limit: 10})
	require.Empty(t, early.Messages, "nothing is claimed a microsecond before it is due")
	due := mustClaim(t, s, smsplus.Claim{Now: atMinute(1), Lease: time.Minute, Limit: 10})
	require.Equal(t, ids(newMessages(1, 2)), ids(due.Messages), "a message is claimed exactly when it is due")
	mustInsert(t, s, newMessages(2, 3)...)
	late := mustClaim(t, s, smsplus.Claim{Now: atMinute(1_000_000), Lease: time.Minute, Limit: 10})
	require.Contains(t, ids(late.Messages), messageID(2).String(), "a message is claimed long after it is due")
}

func testClaimOrder(t *testing.T, s smsplus.Store) {
	ms := newMessages(1, 11)
	shuffled := []smsplus.Message{ms[4], ms[9], ms[0], ms[7], ms[2], ms[1], ms[8], ms[6], ms[3], ms[5]}
	for i := range ms {
		ms[i].TriggeredAt = atMinute(-i) // trigger times are in the opposite order of due times
		shuffled[i].TriggeredAt = shuffled[i].TriggeredAt.Add(-2 * shuffled[i].DueAt.Sub(noon))
	}
	mustInsert(t, s, shuffled...)
	for from := 0; from < 9; from += 3 {
		claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Hour, Limit: 3})
		require.Equal(t, ids(ms[from:from+3]), ids(claimed.Messages), "Claim takes the earliest first, up to its limit")
	}
	rest := mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Hour, Limit: 3})
	require.Equal(t, ids(ms[9:]), ids(rest.Messages), "Claim takes the rest when that is less than its limit")
}

func testClaimLanes(t *testing.T, s smsplus.Store) {
	a, b, c, ends := newMessage(1), newMessage(2), newMessage(3), newMessage(4)
	a.Lane, b.Lane, c.Lane, ends.Lane = channel.WhatsApp, channel.SMS, channel.LINEPush, ""
	// Only Lane counts, not the channels of the plan and the attempts.
	b.Plan = []smsplus.PlannedStep{{Channel: channel.WhatsApp}, {Channel: channel.SMS}}
	b.Attempts = []smsplus.Attempt{{ID: smsplus.AttemptID(b.ID, 0), Channel: channel.WhatsApp}}
	mustInsert(t, s, a, b, c, ends)
	claim := func(limit int, only ...channel.Name) []string {
		t.Helper()
		if only == nil {
			only = []channel.Name{}
		}
		return ids(mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Minute, Limit: limit, Only: only}).Messages)
	}
	require.Empty(t, claim(10), "a claim of no lane takes nothing")
	require.Empty(t, claim(10, channel.LINENotify, "nobody's"), "a claim of empty lanes takes nothing")
	require.Equal(t, ids([]smsplus.Message{b}), claim(10, channel.SMS), "messages of other lanes are not claimed")
	for _, m := range []smsplus.Message{a, c, ends} {
		requireMessage(t, s, m, "messages of other lanes stay as they are")
	}
	require.Equal(t, ids([]smsplus.Message{c}), claim(1, channel.LINEPush, ""), "messages of other lanes do not count against the limit")
	require.Equal(t, ids([]smsplus.Message{a, ends}), claim(10, "", channel.SMS, channel.WhatsApp, channel.SMS),
		"a claim takes from all of its lanes, earliest first, and from the lane without a name only if it is among them")
	claimed, err := s.Claim(t.Context(), smsplus.Claim{Now: atMinute(60), Lease: time.Minute, Limit: 10, Holder: 1})
	require.NoError(t, err)
	require.Len(t, claimed.Messages, 4, "a claim that names no lanes takes from all")
	require.Empty(t, claimed.Passed)
}

func testClaimSkipsTemplates(t *testing.T, s smsplus.Store) {
	ms := newMessages(1, 7)
	for i, template := range []string{"old", "otp", "Old", "older", "otp", "otp"} {
		ms[i].Template = template
	}
	ms[4].Lane = ""
	mustInsert(t, s, ms...)
	c := smsplus.Claim{Now: atMinute(5), Lease: time.Hour, Limit: 2, SkipTemplates: []string{"old", "older", "unknown"}}
	claimed := mustClaim(t, s, c)
	require.Equal(t, ids([]smsplus.Message{ms[1], ms[2]}), ids(claimed.Messages),
		"messages of skipped templates are not claimed, and do not count against the limit")
	require.Equal(t, atMinute(5), claimed.Next, "Next ignores skipped templates")
	claimed = mustClaim(t, s, c)
	require.Equal(t, ids(ms[4:5]), ids(claimed.Messages), "the others of every lane are claimed")
	require.Equal(t, atMinute(6), claimed.Next, "Next ignores skipped templates")
	for _, i := range []int{0, 3} {
		requireMessage(t, s, ms[i], "messages of skipped templates stay as they are")
	}

	c.Only = []channel.Name{""}
	require.Equal(t, []smsplus.PassedLane{{Lane: channel.SMS, DueAt: atMinute(1)}}, mustClaim(t, s, c).Passed,
		"Passed counts messages of skipped templates")
	c.Only, c.SkipTemplates = nil, nil
	require.Equal(t, ids([]smsplus.Message{ms[0], ms[3]}), ids(mustClaim(t, s, c).Messages),
		"a later claim that does not skip the templates takes their messages")
}

func testClaimLeases(t *testing.T, s smsplus.Store) {
	m := fullMessage(1)
	mustInsert(t, s, m, newMessage(2))
	claimed := mustClaim(t, s, smsplus.Claim{Now: m.DueAt.Add(time.Minute), Lease: 90 * time.Second, Limit: 1})
	require.Equal(t, ids(newMessages(2, 3)), ids(claimed.Messages), "the earliest is leased")
	claimed = mustClaim(t, s, smsplus.Claim{Now: m.DueAt.Add(time.Minute), Lease: 90 * time.Second, Limit: 1, Holder: 17})
	m.DueAt = m.DueAt.Add(time.Minute + 90*time.Second)
	m.Version++
	m.Claims++
	m.Holder = 17
	requireMessages(t, []smsplus.Message{m}, claimed.Messages,
		"a leased message is due when its lease ends, has the holder, and its version and claims are one more")
	requireMessage(t, s, m, "a lease is stored as it is returned")
}

func testClaimLeaseEnd(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, 1)...)
	for n := range 3 {
		now := atMinute(n)
		claimed := mustClaim(t, s, smsplus.Claim{Now: now, Lease: time.Minute, Limit: 1})
		require.Len(t, claimed.Messages, 1, "a message is due again exactly when its lease ends")
		require.Equal(t, n+1, claimed.Messages[0].Claims, "each claim raises Claims")
		require.EqualValues(t, n+1, claimed.Messages[0].Version, "each claim raises the version")
		again := mustClaim(t, s, smsplus.Claim{Now: now.Add(time.Minute - time.Microsecond), Lease: time.Minute, Limit: 1})
		require.Empty(t, again.Messages, "a message is not claimed again before its lease ends")
	}
}

func testClaimedDue(t *testing.T, s smsplus.Store) {
	require.Empty(t, mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Minute, Limit: 1}).Due,
		"Claimed.Due is empty when the store is empty")
	other := newMessage(0)
	other.Lane = channel.WhatsApp
	mustInsert(t, s, append(newMessages(1, 4), other)...)
	c := smsplus.Claim{Now: atMinute(2), Lease: time.Hour, Limit: 5, Only: []channel.Name{channel.SMS}}
	require.Equal(t, []time.Time{atMinute(1), atMinute(2)}, mustClaim(t, s, c).Due,
		"Claimed.Due holds when each claimed message was due")
	require.Empty(t, mustClaim(t, s, c).Due, "Claimed.Due is empty when nothing is claimed")
	c.Now = atMinute(62)
	require.Equal(t, []time.Time{atMinute(3), atMinute(62), atMinute(62)}, mustClaim(t, s, c).Due,
		"a message whose lease has ended was due at the lease's end")
}

func testClaimedNext(t *testing.T, s smsplus.Store) {
	next := func(want time.Time, c smsplus.Claim, rule string) {
		t.Helper()
		require.Equal(t, want, mustClaim(t, s, c).Next, rule)
	}
	next(time.Time{}, smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1}, "Next is zero when the store is empty")
	other := newMessage(2)
	other.Lane = channel.WhatsApp
	mustInsert(t, s, newMessage(1), other, newMessage(3), newMessage(4), endedMessage(5))
	next(atMinute(1), smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1},
		"Next is the earliest due time when nothing is due yet")
	next(atMinute(2), smsplus.Claim{Now: atMinute(3), Lease: time.Hour, Limit: 1},
		"Next is in the past when the limit left due messages unclaimed")
	next(atMinute(3), smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1, Only: []channel.Name{channel.SMS}},
		"Next ignores other lanes")
	next(atMinute(4), smsplus.Claim{Now: atMinute(3), Lease: time.Minute / 2, Limit: 5},
		"Next is the first due time of the messages that are not due yet, and not the end of a lease of this claim")
	next(atMinute(3).Add(time.Minute/2), smsplus.Claim{Now: atMinute(3).Add(time.Second), Lease: time.Minute, Limit: 5},
		"Next is the end of an earlier claim's lease when that comes first")
}

func testClaimedPassed(t *testing.T, s smsplus.Store) {
	passed := func(now int, only ...channel.Name) map[channel.Name]time.Time {
		t.Helper()
		claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(now), Lease: time.Hour, Limit: 1, Only: append([]channel.Name{}, only...)})
		lanes := map[channel.Name]time.Time{}
		for _, p := range claimed.Passed {
			require.Equal(t, time.UTC, p.DueAt.Location(), "the due time of a passed lane is in UTC")
			lanes[p.Lane] = p.DueAt
		}
		require.Len(t, claimed.Passed, len(lanes), "each passed lane is named once")
		return lanes
	}
	require.Empty(t, passed(10), "an empty store has no lanes")
	ms := newMessages(1, 7)
	for i, lane := range []channel.Name{channel.SMS, channel.WhatsApp, channel.WhatsApp, "", channel.SMS, "carrier_pigeon"} {
		ms[i].Lane = lane
	}
	ended := endedMessage(0)
	ended.Lane = channel.LINEPush
	mustInsert(t, s, append(ms, ended)...)
	all := map[channel.Name]time.Time{
		channel.SMS: atMinute(1), channel.WhatsApp: atMinute(2), "": atMinute(4), "carrier_pigeon": atMinute(6),
	}
	require.Equal(t, all, passed(0), "every lane that holds a message with a due time is passed, due or not")
	require.Equal(t, all, passed(10), "passed lanes are left as they are")
	delete(all, channel.WhatsApp)
	require.Equal(t, all, passed(10, channel.WhatsApp, channel.LINEPush), "lanes that the claim takes from are not passed, also if messages stay")
	delete(all, "")
	require.Equal(t, all, passed(10, channel.WhatsApp, ""), "the lane without a name is passed like any other")
	require.Equal(t, map[channel.Name]time.Time{channel.WhatsApp: atMinute(70), "": atMinute(4), "carrier_pigeon": atMinute(6)},
		passed(10, channel.SMS), "a lane whose messages are all leased is passed with the earliest lease's end")
}

func testSetAside(t *testing.T, s smsplus.Store) {
	m := fullMessage(1)
	m.Claims = 0
	mustInsert(t, s, m, newMessage(2))
	c := smsplus.Claim{Now: m.DueAt, Lease: time.Minute, Limit: 2}
	mustClaim(t, s, c)
	c.Now = c.Now.Add(time.Minute)
	mustClaim(t, s, c)
	set := mustGet(t, s, m.ID)
	require.NoError(t, s.SetAside(t.Context(), nil, atMinute(100)), "SetAside of nothing")
	require.NoError(t, s.SetAside(t.Context(), []smsplus.Unreadable{{ID: set.ID, Version: set.Version}}, atMinute(100)))
	set.DueAt, set.Claims, set.Holder, set.Version = atMinute(100), 1, 0, set.Version+1
	requireMessage(t, s, set, "SetAside sets the due time, takes back the claim, removes the holder, raises the version, and changes no more")

	c.Now = atMinute(100).Add(-time.Microsecond)
	c.Lease = time.Hour
	require.Equal(t, ids(newMessages(2, 3)), ids(mustClaim(t, s, c).Messages), "a message that is set aside is not claimed before its time")
	c.Now = atMinute(100)
	claimed := mustClaim(t, s, c).Messages
	set.DueAt, set.Claims, set.Holder, set.Version = atMinute(160), 2, defaultHolder, set.Version+1
	requireMessages(t, []smsplus.Message{set}, claimed, "a message that is set aside is claimed when its time has come")
}

func testSetAsideStale(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 5)...)
	held := mustClaim(t, s, smsplus.Claim{Now: atMinute(4), Lease: time.Minute, Limit: 4}).Messages
	rows := make([]smsplus.Unreadable, len(held))
	for i, m := range held {
		rows[i] = smsplus.Unreadable{ID: m.ID, Version: m.Version}
	}
	rows[0].Version--
	rows[1].Version++
	rows = append(rows, smsplus.Unreadable{ID: messageID(99), Version: 1})
	require.NoError(t, s.SetAside(t.Context(), rows, atMinute(100)), "a stale message is no error")
	requireMessage(t, s, held[0], "a message with a later version is left alone")
	requireMessage(t, s, held[1], "a message with an earlier version is left alone")
	requireNotFound(t, s, messageID(99), "SetAside adds no message")
	for _, m := range held[2:] {
		require.Equal(t, atMinute(100), mustGet(t, s, m.ID).DueAt, "the others are set aside")
	}
	stale, err := s.Update(t.Context(), held)
	require.NoError(t, err)
	require.ElementsMatch(t, []uuid.UUID{held[2].ID, held[3].ID}, stale, "an update of the version before is stale")
}

func testClaimNeverDue(t *testing.T, s smsplus.Store) {
	m := newMessage(2)
	mustInsert(t, s, endedMessage(1), m)
	m.DueAt = time.Time{}
	mustUpdate(t, s, m)
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(1_000_000), Lease: time.Minute, Limit: 10})
	require.Empty(t, claimed.Messages, "a message without a due time is never claimed")
	require.True(t, claimed.Next.IsZero(), "a message without a due time is never next")
}

func testUpdateRequeues(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 4)...)
	ms := mustClaim(t, s, smsplus.Claim{Now: atMinute(3), Lease: time.Minute, Limit: 3}).Messages
	ms[0].DueAt, ms[1].DueAt, ms[2].DueAt = atMinute(30), atMinute(20), atMinute(10)
	ms[1].Lane = channel.WhatsApp
	mustUpdate(t, s, ms...)
	none := mustClaim(t, s, smsplus.Claim{Now: atMinute(10).Add(-time.Microsecond), Lease: time.Minute, Limit: 3})
	require.Empty(t, none.Messages, "an update ends the lease and sets the due time")
	require.Equal(t, atMinute(10), none.Next, "an update moves a message in the queue")
	only := []channel.Name{channel.SMS}
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(30), Lease: time.Minute, Limit: 3, Only: only})
	require.Equal(t, ids([]smsplus.Message{ms[2], ms[0]}), ids(claimed.Messages),
		"an update moves a message in the queue, and to another lane")
}

func testClaimRace(t *testing.T, s smsplus.Store) {
	const n, callers = 200, 8
	mustInsert(t, s, newMessages(0, n)...)
	for round := 1; round <= 2; round++ {
		now := atMinute(n * round)
		var got [callers][]smsplus.Message
		concurrently(t, callers, func(i int) error {
			for {
				claimed, err := s.Claim(t.Context(), withClaimDefaults(smsplus.Claim{Now: now, Lease: time.Minute, Limit: 7}))
				if err != nil || len(claimed.Messages) == 0 {
					return err
				}
				got[i] = append(got[i], claimed.Messages...)
			}
		})
		all := slices.Concat(got[:]...)
		slices.SortFunc(all, byID)
		want := newMessages(0, n)
		slices.SortFunc(want, byID)
		require.Equal(t, ids(want), ids(all), "each message is returned by exactly one of the concurrent claims")
		for _, m := range all {
			require.Equal(t, round, m.Claims, "each message is claimed once per lease")
		}
	}
}
