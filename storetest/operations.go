package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// newPause returns the nth sample of a pause. Odd ones are of a template.
func newPause(n int) smsplus.Pause {
	p := smsplus.Pause{Since: atMinute(n), Note: fmt.Sprint("暫停, 'quoted' ", n)}
	if n%2 == 1 {
		p.Template = fmt.Sprint("訂單 ", n)
	} else {
		p.Channel = channel.Name(fmt.Sprint("channel ", n))
	}
	return p
}

// pause returns one of few pauses.
func (gen generator) pause() smsplus.Pause {
	p := newPause(gen.intN(4))
	p.Since = gen.time()
	return p
}

// newHeartbeat returns the nth sample of a heartbeat: a run that began n minutes after noon,
// and beats then for an hour.
func newHeartbeat(n int) smsplus.Heartbeat {
	return smsplus.Heartbeat{
		ID: messageID(n), Name: fmt.Sprint("host:", n), StartedAt: atMinute(n), At: atMinute(n), Until: atMinute(n + 60),
		Channels: []channel.Name{channel.SMS, "字 'quoted', \"twice\" {}"}, Templates: []string{"otp", `a,b{}"\ `},
		Shares: map[channel.Name]float64{channel.SMS: 100.0 / 3, "字 'quoted', \"twice\" {}": 0},
	}
}

func mustPause(t testingT, s smsplus.Store, ps ...smsplus.Pause) {
	t.Helper()
	for _, p := range ps {
		require.NoError(t, s.SetPause(t.Context(), p))
	}
}

func mustClearPause(t testingT, s smsplus.Store, p smsplus.Pause) {
	t.Helper()
	require.NoError(t, s.ClearPause(t.Context(), p))
}

// mustPauses returns the pauses, and an empty list if there are none.
func mustPauses(t testingT, s smsplus.Store) []smsplus.Pause {
	t.Helper()
	ps, err := s.Pauses(t.Context())
	require.NoError(t, err)
	return append([]smsplus.Pause{}, ps...)
}

func mustBeat(t testingT, s smsplus.Store, hs ...smsplus.Heartbeat) {
	t.Helper()
	for _, h := range hs {
		require.NoError(t, s.Beat(t.Context(), h))
	}
}

// mustHeartbeats returns the heartbeats, and an empty list if there are none.
func mustHeartbeats(t testingT, s smsplus.Store, now time.Time) []smsplus.Heartbeat {
	t.Helper()
	hs, err := s.Heartbeats(t.Context(), now)
	require.NoError(t, err)
	return append([]smsplus.Heartbeat{}, hs...)
}

// mustBacklog returns the backlog, and an empty list if there is none.
func mustBacklog(t testingT, s smsplus.Store, now time.Time) []smsplus.LaneBacklog {
	t.Helper()
	bs, err := s.Backlog(t.Context(), now)
	require.NoError(t, err)
	return append([]smsplus.LaneBacklog{}, bs...)
}

func testPauseKept(t *testing.T, s smsplus.Store) {
	require.Empty(t, mustPauses(t, s))
	p := newPause(1)
	zoned := p
	zoned.Since = p.Since.In(time.FixedZone("", 8*3600))
	mustPause(t, s, zoned)
	require.Equal(t, []smsplus.Pause{p}, mustPauses(t, s), "every field of a pause is kept")
	mustClearPause(t, s, smsplus.Pause{Template: p.Template})
	require.Empty(t, mustPauses(t, s), "a pause ends when it is cleared")
	p.Since, p.Note = atMinute(99), ""
	mustPause(t, s, p)
	require.Equal(t, []smsplus.Pause{p}, mustPauses(t, s), "a template can be paused again")
}

func testSetPauseTwice(t *testing.T, s smsplus.Store) {
	first := newPause(2)
	again := first
	again.Since, again.Note = atMinute(3), "again"
	mustPause(t, s, first, again)
	require.Equal(t, []smsplus.Pause{first}, mustPauses(t, s))
}

func testClearPause(t *testing.T, s smsplus.Store) {
	of, as := smsplus.Pause{Channel: "otp", Since: noon}, smsplus.Pause{Template: "otp", Since: noon}
	other := smsplus.Pause{Template: "OTP", Since: noon}
	mustPause(t, s, of, as, other)
	mustClearPause(t, s, smsplus.Pause{Template: "unknown"})
	mustClearPause(t, s, as)
	require.Equal(t, []smsplus.Pause{other, of}, mustPauses(t, s), "a channel and a template of one name are paused independently")
}

func testPausesOrder(t *testing.T, s smsplus.Store) {
	a, b := smsplus.Pause{Channel: "B", Since: noon}, smsplus.Pause{Channel: "a", Since: noon}
	x, y, z := smsplus.Pause{Template: "Z", Since: noon}, smsplus.Pause{Template: "a", Since: noon}, smsplus.Pause{Template: "é", Since: noon}
	mustPause(t, s, b, z, x, a, y)
	require.Equal(t, []smsplus.Pause{x, y, z, a, b}, mustPauses(t, s))
}

func testInvalidPause(t *testing.T, s smsplus.Store) {
	for _, p := range []smsplus.Pause{{}, {Channel: "sms", Template: "otp"}, {Channel: "sms", Note: "a\x00b"}} {
		require.ErrorIs(t, s.SetPause(t.Context(), p), smsplus.ErrInvalidPause, "%+v", p)
	}
	require.Empty(t, mustPauses(t, s))
}

func testHeartbeatWhole(t *testing.T, s smsplus.Store) {
	h := newHeartbeat(1)
	h.At, h.Until = h.At.Add(1*time.Microsecond), h.Until.Add(2*time.Microsecond)
	mustBeat(t, s, h)
	require.Equal(t, []smsplus.Heartbeat{h}, mustHeartbeats(t, s, noon))
	none := newHeartbeat(2)
	none.Channels, none.Templates = nil, nil
	mustBeat(t, s, none)
	got := mustHeartbeats(t, s, noon)
	require.Len(t, got, 2)
	require.Empty(t, got[1].Channels, "a dispatcher may have no channel")
	require.Empty(t, got[1].Templates)
}

func testBeatReplaces(t *testing.T, s smsplus.Store) {
	h := newHeartbeat(1)
	mustBeat(t, s, h, newHeartbeat(2))
	h.At, h.Until, h.Name = h.At.Add(time.Minute), h.Until.Add(time.Minute), "renamed"
	h.Channels, h.Templates = h.Channels[:1], append([]string{"first"}, h.Templates...)
	mustBeat(t, s, h)
	require.Equal(t, []smsplus.Heartbeat{h, newHeartbeat(2)}, mustHeartbeats(t, s, noon))
}

func testBeatDrops(t *testing.T, s smsplus.Store) {
	over, alive, beats := newHeartbeat(1), newHeartbeat(2), newHeartbeat(3)
	beats.At = over.Until
	mustBeat(t, s, over, alive, beats)
	require.Equal(t, []smsplus.Heartbeat{alive, beats}, mustHeartbeats(t, s, noon),
		"a heartbeat is dropped when another one comes at its Until, and not before")
	beats.Until = beats.At
	mustBeat(t, s, beats)
	require.Equal(t, []smsplus.Heartbeat{alive}, mustHeartbeats(t, s, noon), "a dispatcher leaves with a heartbeat that is over at once")
}

func testHeartbeatsOrder(t *testing.T, s smsplus.Store) {
	young, old, same := newHeartbeat(9), newHeartbeat(1), newHeartbeat(5)
	old.Until, same.ID, same.StartedAt = atMinute(61), uuid.UUID{}, young.StartedAt
	mustBeat(t, s, young, old, same)
	require.Equal(t, []smsplus.Heartbeat{old, same, young}, mustHeartbeats(t, s, atMinute(60)), "equal times come by ID")
	require.Equal(t, []smsplus.Heartbeat{same, young}, mustHeartbeats(t, s, atMinute(61)), "a heartbeat is over at its Until")
}

func testBacklogDue(t *testing.T, s smsplus.Store) {
	require.Empty(t, mustBacklog(t, s, noon))
	sms := newMessages(1, 5) // due from 1 to 4
	first := newMessage(-1)
	first.DueAt = atMinute(-5)
	end, ended := newMessage(10), endedMessage(0)
	end.Lane, end.DueAt = "", atMinute(2)
	mustInsert(t, s, append(sms, first, end, ended)...)
	require.Equal(t, []smsplus.LaneBacklog{
		{Lane: "", Due: 1, OldestDue: atMinute(2)},
		{Lane: channel.SMS, Due: 4, OldestDue: atMinute(-5)},
	}, mustBacklog(t, s, atMinute(3)), "a message counts from its DueAt on, and an ended one never")
	mustClaim(t, s, smsplus.Claim{Now: atMinute(3), Lease: time.Hour, Limit: 2, Only: []channel.Name{channel.SMS}})
	require.Equal(t, []smsplus.LaneBacklog{
		{Lane: "", Due: 1, OldestDue: atMinute(2)},
		{Lane: channel.SMS, Due: 2, OldestDue: atMinute(2)},
	}, mustBacklog(t, s, atMinute(3)), "a message under a lease does not count")
}

func testBacklogOrder(t *testing.T, s smsplus.Store) {
	lanes := []channel.Name{"", "B", "a", "é", "字"}
	for i, n := range []int{3, 1, 4, 0, 2} {
		m := newMessage(i)
		m.Lane = lanes[n]
		mustInsert(t, s, m)
	}
	var got []channel.Name
	for _, b := range mustBacklog(t, s, atMinute(10)) {
		got = append(got, b.Lane)
	}
	require.Equal(t, lanes, got)
}

func testBacklogSetAside(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessages(1, 4)...)
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(5), Lease: time.Minute, Limit: 3}).Messages
	setAside := func(m smsplus.Message, until int) {
		require.NoError(t, s.SetAside(t.Context(), []smsplus.Unreadable{{ID: m.ID, Version: m.Version}}, atMinute(until)))
	}
	setAside(claimed[0], 60)
	setAside(claimed[1], 60)
	claimed[2].Version-- // stale
	setAside(claimed[2], 60)
	want := []smsplus.LaneBacklog{{Lane: channel.SMS, SetAside: 2}}
	require.Equal(t, want, mustBacklog(t, s, atMinute(5)), "a message that is set aside is not due, and a stale one is not set aside")
	want[0].Due, want[0].OldestDue = 2, atMinute(60)
	claimed[2].Version++
	claimed[2].DueAt = atMinute(99)
	mustUpdate(t, s, claimed[2])
	require.Equal(t, want, mustBacklog(t, s, atMinute(60)), "a message that is set aside falls due")
	again := mustClaim(t, s, smsplus.Claim{Now: atMinute(60), Lease: time.Minute, Limit: 2}).Messages
	require.Empty(t, mustBacklog(t, s, atMinute(60)), "a message that is claimed is not set aside any more")
	setAside(again[0], 70)
	want = []smsplus.LaneBacklog{{Lane: channel.SMS, SetAside: 1}}
	require.Equal(t, want, mustBacklog(t, s, atMinute(60)), "a message may be set aside again")
	m := mustGet(t, s, again[0].ID)
	m.DueAt = time.Time{}
	mustUpdate(t, s, m)
	require.Empty(t, mustBacklog(t, s, atMinute(60)), "a message that has ended is not set aside")
}

func testUnreadableBacklog(t *testing.T, s smsplus.Store) {
	m := newMessage(1)
	mustInsert(t, s, m)
	mustDamage(t, s, m)
	require.Equal(t, []smsplus.LaneBacklog{{Lane: channel.SMS, Due: 1, OldestDue: atMinute(1)}}, mustBacklog(t, s, atMinute(1)))
	u := mustClaim(t, s, smsplus.Claim{Now: atMinute(1), Lease: time.Minute, Limit: 1}).Unreadable
	require.NoError(t, s.SetAside(t.Context(), u, atMinute(60)))
	require.Equal(t, []smsplus.LaneBacklog{{Lane: channel.SMS, SetAside: 1}}, mustBacklog(t, s, atMinute(1)))
}
