package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// mustDamage makes messages unreadable. It skips the test if the store is no Damager.
func mustDamage(t *testing.T, s smsplus.Store, ms ...smsplus.Message) {
	t.Helper()
	d, ok := s.(Damager)
	if !ok {
		t.Skip("the store is no storetest.Damager: no message is made unreadable")
	}
	for _, m := range ms {
		require.NoError(t, d.Damage(t.Context(), m.ID))
	}
}

// waitingMessages returns full samples with from ≤ n < to and without a holder. The nth is
// due n minutes after noon.
func waitingMessages(from, to int) []smsplus.Message {
	var ms []smsplus.Message
	for n := from; n < to; n++ {
		m := fullMessage(n)
		m.DueAt, m.Claims, m.Holder = atMinute(n), 0, 0
		ms = append(ms, m)
	}
	return ms
}

// requireUnreadable requires that exactly the messages are named, in any order.
func requireUnreadable(t *testing.T, want []smsplus.Message, got []smsplus.Unreadable, rule string) {
	t.Helper()
	var named []smsplus.Message
	for _, u := range got {
		named = append(named, smsplus.Message{ID: u.ID, Version: u.Version, Claims: u.Claims})
		require.ErrorIs(t, u.Err, smsplus.ErrUnreadable, rule)
		requireNoContent(t, u.Err)
	}
	for i := range want {
		want[i] = smsplus.Message{ID: want[i].ID, Version: want[i].Version, Claims: want[i].Claims}
	}
	require.ElementsMatch(t, want, named, rule)
}

// requireNoContent requires that an error about a full sample does not hold what is in it.
func requireNoContent(t *testing.T, err error) {
	t.Helper()
	for _, content := range []string{"912345678", "123456", "Ann", "order/", "A-17", "U4af4980629"} {
		require.NotContains(t, err.Error(), content, "an error about a message does not hold its content")
	}
}

func testUnreadableClaim(t *testing.T, s smsplus.Store) {
	ms := waitingMessages(1, 6)
	mustInsert(t, s, ms...)
	mustDamage(t, s, ms[1], ms[3])
	c := smsplus.Claim{Now: atMinute(9), Lease: time.Minute, Limit: 4, Holder: 7}
	claimed := mustClaim(t, s, c)
	for i := range ms[:4] {
		ms[i].DueAt, ms[i].Claims, ms[i].Holder, ms[i].Version = atMinute(10), 1, 7, ms[i].Version+1
	}
	requireMessages(t, []smsplus.Message{ms[0], ms[2]}, claimed.Messages, "Claim returns the messages that it can read")
	require.Equal(t, []time.Time{atMinute(1), atMinute(3)}, claimed.Due, "Claimed.Due is of the messages that can be read")
	requireUnreadable(t, []smsplus.Message{ms[1], ms[3]}, claimed.Unreadable, "Claim names the messages that it cannot read")
	require.Equal(t, atMinute(5), claimed.Next, "messages that cannot be read count against the limit")
	rest := mustClaim(t, s, c)
	require.Equal(t, ids(ms[4:]), ids(rest.Messages), "a message that cannot be read does not stay in the way")
	require.Empty(t, rest.Unreadable, "a message that cannot be read is leased")

	require.NoError(t, s.SetAside(t.Context(), claimed.Unreadable, atMinute(100)))
	c.Now = atMinute(99)
	require.Empty(t, mustClaim(t, s, c).Unreadable, "SetAside sets aside messages that cannot be read")
	c.Now = atMinute(100)
	again := mustClaim(t, s, c)
	set := []smsplus.Message{ms[1], ms[3]}
	for i := range set {
		set[i].Version += 2
	}
	requireUnreadable(t, set, again.Unreadable, "SetAside takes back the claim")
}

func testUnreadableRecords(t *testing.T, s smsplus.Store) {
	ms := waitingMessages(1, 9)
	mustInsert(t, s, ms...)
	slices.SortFunc(ms, newestFirst)
	bad := []smsplus.Message{ms[0], ms[3], ms[4], ms[7]}
	mustDamage(t, s, bad...)
	readable := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return slices.Contains(ids(bad), m.ID.String()) })
	for _, f := range []smsplus.Filter{{}, {Template: ms[0].Template, From: atMinute(-1)}} {
		for f.Limit = 1; f.Limit <= len(ms)+1; f.Limit++ {
			var got []smsplus.Message
			var unreadable []smsplus.Unreadable
			rows := 0
			for f.After = ""; ; {
				p := mustPage(t, s, f)
				got, unreadable = append(got, p.Messages...), append(unreadable, p.Unreadable...)
				rows += len(p.Messages) + len(p.Unreadable)
				require.Equal(t, min(rows, len(ms)) == len(ms), p.Next == "", "Next is empty only on the last page")
				if f.After = p.Next; f.After == "" {
					break
				}
				require.Zero(t, rows%f.Limit, "a page is full, with the messages that cannot be read")
			}
			requireMessages(t, readable, got, "Records return the messages that they can read: %+v", f)
			for i, u := range unreadable {
				require.Equal(t, bad[i].ID, u.ID, "Records name the messages that they cannot read, newest first")
				require.Equal(t, bad[i].TriggeredAt, u.TriggeredAt, "Records say when such a message was triggered")
			}
			requireUnreadable(t, slices.Clone(bad), unreadable, "Records name the messages that they cannot read")
		}
	}
}

// mayMatchUnread reports whether f may select a message that cannot be read: each of its fields
// matches some attempt, though not all of them the same one.
func mayMatchUnread(f smsplus.Filter, m smsplus.Message) bool {
	for _, one := range []smsplus.Filter{{Channel: f.Channel}, {Reason: f.Reason}, {ProviderID: f.ProviderID}} {
		if !one.MatchAttempts(m.Attempts) {
			return false
		}
	}
	f.Channel, f.Reason, f.ProviderID = "", "", ""
	return f.Match(m)
}

func testUnreadableAttempts(t *testing.T, s smsplus.Store) {
	ms := triedMessages()
	for n, m := range triedMessages() {
		twin := triedMessage(20+n, m.Attempts...)
		twin.Template = "order"
		ms = append(ms, twin)
	}
	mustInsert(t, s, ms...)
	bad := map[string]bool{}
	for i := range ms {
		if i%2 == i/10 { // one of each pair, and not all of one template
			mustDamage(t, s, ms[i])
			bad[ms[i].ID.String()] = true
		}
	}
	isReadable := func(m smsplus.Message) bool { return !bad[m.ID.String()] }
	for _, c := range []channel.Name{"", channel.LINEPush, channel.SMS, "chat room"} {
		for _, r := range []status.Reason{"", status.Blocked, status.CarrierError, "odd: 50% of: it", "unknown"} {
			for _, id := range []string{"", "1", "2", "unknown"} {
				for _, f := range []smsplus.Filter{
					{Channel: c, Reason: r, ProviderID: id},
					{Channel: c, Reason: r, ProviderID: id, Template: "order"},
					{Channel: c, Reason: r, ProviderID: id, Phone: ms[0].To.Phone, From: atMinute(3), To: atMinute(27)},
				} {
					requireUnreadableSelected(t, s, ms, isReadable, f)
				}
			}
		}
	}
}

// requireUnreadableSelected checks Records, Stats and StatsBy of a filter on attempts.
func requireUnreadableSelected(t *testing.T, s smsplus.Store, ms []smsplus.Message, isReadable func(smsplus.Message) bool, f smsplus.Filter) {
	t.Helper()
	var must, may []string // be named
	readable := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return !isReadable(m) })
	matching := matchingMessages(ms, f)
	for _, m := range ms {
		if isReadable(m) {
			continue
		}
		if f.Match(m) {
			must = append(must, m.ID.String())
		}
		if mayMatchUnread(f, m) {
			may = append(may, m.ID.String())
		}
	}
	for _, f.Limit = range []int{1, 3, 50} {
		var got []smsplus.Message
		var named []string
		for f.After = ""; ; {
			p := mustPage(t, s, f)
			got = append(got, p.Messages...)
			for _, u := range p.Unreadable {
				require.ErrorIs(t, u.Err, smsplus.ErrUnreadable)
				named = append(named, u.ID.String())
			}
			if f.After = p.Next; f.After == "" {
				break
			}
			require.Equal(t, f.Limit, len(p.Messages)+len(p.Unreadable), "a page is full, with the messages that cannot be read: %+v", f)
		}
		requireMessages(t, matchingMessages(readable, f), got, "Records return the messages that they can read: %+v", f)
		require.Subset(t, named, must, "Records name each message that they cannot read and that f selects: %+v", f)
		require.Subset(t, may, named, "Records name no message that f surely does not select: %+v", f)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(named))), len(named), "Records name a message once: %+v", f)
	}
	f.Limit, f.After = 0, ""
	least, most := totalTriggered(statsOf(matchingMessages(readable, f), f)), totalTriggered(statsOf(matching, f))
	for call, n := range map[string]int{
		"Stats":             totalTriggered(mustStats(t, s, f)),
		"StatsBy":           totalOfGroups(mustStatsBy(t, s, f, smsplus.Grouping{})),
		"StatsBy templates": totalOfGroups(mustStatsBy(t, s, f, smsplus.Grouping{By: smsplus.ByTemplate, Times: true})),
	} {
		require.GreaterOrEqual(t, n, least, "%s count the messages that can be read: %+v", call, f)
		require.LessOrEqual(t, n, most, "%s count a message that cannot be read at most once: %+v", call, f)
	}
}

// totalOfGroups returns the number of messages, or of attempts, that rows count.
func totalOfGroups(rows []smsplus.GroupStats) (total int) {
	for i := range rows {
		total += rows[i].Triggered
	}
	return total
}

func testUnreadableMessage(t *testing.T, s smsplus.Store) {
	ms := waitingMessages(1, 3)
	mustInsert(t, s, ms...)
	mustDamage(t, s, ms[0])
	_, err := s.Message(t.Context(), ms[0].ID)
	require.ErrorIs(t, err, smsplus.ErrUnreadable, "Message returns ErrUnreadable for a message that it cannot read")
	require.NotErrorIs(t, err, smsplus.ErrNotFound, "a message that cannot be read is not missing")
	requireNoContent(t, err)
	requireMessage(t, s, ms[1], "the others can be read")

	_, err = s.Insert(t.Context(), []smsplus.Message{newMessage(10), messageWithKey(11, ms[0].Key)})
	require.ErrorIs(t, err, smsplus.ErrUnreadable, "Insert returns ErrUnreadable for a key of a message that it cannot read")
	requireNoContent(t, err)
	requireNotFound(t, s, messageID(10), "nothing is added if a key is taken by a message that cannot be read")
	requireNotFound(t, s, messageID(11), "the key of a message that cannot be read is still taken")
}

func testUnreadableByProviderID(t *testing.T, s smsplus.Store) {
	a, b, c := sentMessage(1, channel.SMS, "1"), sentMessage(2, channel.SMS, "2"), sentMessage(3, channel.SMS, "2")
	mustInsert(t, s, a, b, c)
	mustDamage(t, s, b)
	require.Empty(t, mustFindByProviderID(t, s, smsRef("3")))
	requireMessages(t, []smsplus.Message{c}, mustFindByProviderID(t, s, smsRef("2")), "a message that cannot be read is not found, and others with its provider ID are")
	require.Len(t, mustFindByProviderID(t, s, smsRef("1"), smsRef("2")), 2, "the messages of other refs are found")
}

func testUnreadableStats(t *testing.T, s smsplus.Store) {
	ms := waitingMessages(1, 5)
	mustInsert(t, s, ms...)
	mustDamage(t, s, ms[1])
	for _, f := range []smsplus.Filter{
		{},
		{Channel: channel.WhatsApp},
		{From: atMinute(0), To: atMinute(30)},
		{From: atMinute(0), To: atMinute(30), Channel: channel.WhatsApp},
		{Phone: ms[0].To.Phone},
		{CountryCode: "886"},
	} {
		got := totalTriggered(mustStats(t, s, f))
		require.GreaterOrEqual(t, got, 3, "the messages that can be read are counted: %+v", f)
		require.LessOrEqual(t, got, 4, "a message that cannot be read is counted at most once: %+v", f)
	}
}

func testUnreadablePurge(t *testing.T, s smsplus.Store) {
	ms := waitingMessages(1, 4)
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	mustInsert(t, s, ms...)
	mustDamage(t, s, ms[0])
	require.Equal(t, 1, mustPurge(t, s, atMinute(9), 1), "Purge drops a message that cannot be read, in its turn")
	requireNotFound(t, s, ms[0].ID, "Purge drops a message that cannot be read")
	require.Equal(t, 2, mustPurge(t, s, atMinute(9), noLimit), "Purge drops the others")
	require.Empty(t, mustStats(t, s, smsplus.Filter{}), "purged messages are not counted")
}
