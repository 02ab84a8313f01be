package storetest

import (
	"slices"
	"testing"
	"time"

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

func testClaimExcludedLanes(t *testing.T, s smsplus.Store) {
	a, b, c := newMessage(1), newMessage(2), newMessage(3)
	a.Lane, b.Lane, c.Lane = channel.WhatsApp, channel.SMS, channel.LINEPush
	// Only Lane counts, not the channels of the plan and the attempts.
	b.Plan = []smsplus.PlannedStep{{Channel: channel.WhatsApp}, {Channel: channel.SMS}}
	b.Attempts = []smsplus.Attempt{{ID: smsplus.AttemptID(b.ID, 0), Channel: channel.WhatsApp}}
	mustInsert(t, s, a, b, c)
	claimed := mustClaim(t, s, smsplus.Claim{
		Now: atMinute(10), Lease: time.Minute, Limit: 10, Except: []channel.Name{channel.WhatsApp, channel.LINEPush},
	})
	require.Equal(t, ids([]smsplus.Message{b}), ids(claimed.Messages), "messages of excluded lanes are not claimed")
	for _, m := range []smsplus.Message{a, c} {
		requireMessage(t, s, m, "messages of excluded lanes stay as they are")
	}
	except := []channel.Name{channel.WhatsApp}
	claimed = mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Minute, Limit: 1, Except: except})
	require.Equal(t, ids([]smsplus.Message{c}), ids(claimed.Messages), "messages of excluded lanes do not count against the limit")
	claimed = mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Minute, Limit: 10})
	require.Equal(t, ids([]smsplus.Message{a}), ids(claimed.Messages), "a later claim that does not exclude the lane takes the message")
}

func testClaimLeases(t *testing.T, s smsplus.Store) {
	m := fullMessage(1)
	mustInsert(t, s, m, newMessage(2))
	claimed := mustClaim(t, s, smsplus.Claim{Now: m.DueAt.Add(time.Minute), Lease: 90 * time.Second, Limit: 1})
	require.Equal(t, ids(newMessages(2, 3)), ids(claimed.Messages), "the earliest is leased")
	claimed = mustClaim(t, s, smsplus.Claim{Now: m.DueAt.Add(time.Minute), Lease: 90 * time.Second, Limit: 1})
	m.DueAt = m.DueAt.Add(time.Minute + 90*time.Second)
	m.Version++
	m.Claims++
	requireMessages(t, []smsplus.Message{m}, claimed.Messages,
		"a leased message is due when its lease ends, and its version and claims are one more")
	requireMessage(t, s, m, "a lease is stored as it is returned")
}

func testClaimLeaseEnd(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(0, 1)...)
	for n := range 3 {
		now := atMinute(n)
		claimed := mustClaim(t, s, smsplus.Claim{Now: now, Lease: time.Minute, Limit: 1})
		require.Len(t, claimed.Messages, 1, "a message is due again exactly when its lease ends")
		require.Equal(t, n+1, claimed.Messages[0].Claims, "Claims counts the claims since the last update")
		require.EqualValues(t, n+1, claimed.Messages[0].Version, "each claim raises the version")
		again := mustClaim(t, s, smsplus.Claim{Now: now.Add(time.Minute - time.Microsecond), Lease: time.Minute, Limit: 1})
		require.Empty(t, again.Messages, "a message is not claimed again before its lease ends")
	}
}

func testClaimedDueAt(t *testing.T, s smsplus.Store) {
	none := mustClaim(t, s, smsplus.Claim{Now: atMinute(10), Lease: time.Minute, Limit: 1})
	require.True(t, none.DueAt.IsZero(), "Claimed.DueAt is zero when the store is empty")
	other := newMessage(0)
	other.Lane = channel.WhatsApp
	mustInsert(t, s, append(newMessages(1, 4), other)...)
	c := smsplus.Claim{Now: atMinute(2), Lease: time.Hour, Limit: 5, Except: []channel.Name{channel.WhatsApp}}
	require.Equal(t, atMinute(1), mustClaim(t, s, c).DueAt, "Claimed.DueAt is when the first claimed message was due")
	none = mustClaim(t, s, c)
	require.Empty(t, none.Messages, "every due message is leased")
	require.True(t, none.DueAt.IsZero(), "Claimed.DueAt is zero when nothing is claimed")
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
	next(atMinute(3), smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1, Except: []channel.Name{channel.WhatsApp}},
		"Next ignores excluded lanes")
	next(atMinute(4), smsplus.Claim{Now: atMinute(3), Lease: time.Minute / 2, Limit: 5},
		"Next is the first due time of the messages that are not due yet, and not the end of a lease of this claim")
	next(atMinute(3).Add(time.Minute/2), smsplus.Claim{Now: atMinute(3).Add(time.Second), Lease: time.Minute, Limit: 5},
		"Next is the end of an earlier claim's lease when that comes first")
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
	except := []channel.Name{channel.WhatsApp}
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(30), Lease: time.Minute, Limit: 3, Except: except})
	require.Equal(t, ids([]smsplus.Message{ms[2], ms[0]}), ids(claimed.Messages),
		"an update moves a message in the queue, and to another lane")
	require.Equal(t, 1, claimed.Messages[0].Claims, "Claims counts from the update")
}

func testClaimRace(t *testing.T, s smsplus.Store) {
	const n, callers = 200, 8
	mustInsert(t, s, newMessages(0, n)...)
	for round := 1; round <= 2; round++ {
		now := atMinute(n * round)
		var got [callers][]smsplus.Message
		concurrently(t, callers, func(i int) error {
			for {
				claimed, err := s.Claim(t.Context(), smsplus.Claim{Now: now, Lease: time.Minute, Limit: 7})
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
