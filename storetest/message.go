package storetest

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func testEveryField(t *testing.T, s smsplus.Store) {
	bare := smsplus.Message{ID: messageID(1), TriggeredAt: noon}
	mustInsert(t, s, bare, fullMessage(2))
	requireMessage(t, s, bare, "a bare message is kept by Insert")
	requireMessage(t, s, fullMessage(2), "a full message is kept by Insert")

	// The update sets every field that it may change on one message and clears it on the
	// other.
	set := fullMessage(1)
	set.Key, set.Template, set.Scenario, set.To = bare.Key, bare.Template, bare.Scenario, bare.To
	set.Vars, set.Metadata, set.Plan = bare.Vars, bare.Metadata, bare.Plan
	set.Reference, set.ResendOf, set.Class = bare.Reference, bare.ResendOf, bare.Class
	set.TriggeredAt, set.Version = bare.TriggeredAt, bare.Version
	unset := fullMessage(2)
	unset.Attempts, unset.Status, unset.Channel, unset.ResentAs = nil, status.Preparing, "", uuid.UUID{}
	unset.DeliveredAt, unset.ReadAt, unset.ExpiresAt, unset.CanceledAt, unset.DueAt =
		time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	unset.ConfirmedAt, unset.Published = time.Time{}, smsplus.Published{}
	mustUpdate(t, s, set, unset)
	for _, m := range []smsplus.Message{set, unset} {
		m.Version++
		requireMessage(t, s, m, "every field is kept by Update")
	}

	// Every status of a message and an attempt, and values that are allowed but unusual.
	var ms []smsplus.Message
	for n, st := range status.Statuses() {
		m := fullMessage(10 + n)
		m.Status, m.Attempts[0].Status = st, st
		ms = append(ms, m)
	}
	onLINE := newMessage(20)
	onLINE.To = channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}}
	ownChannel := newMessage(21)
	ownChannel.Channel = "carrier_pigeon"
	ownReason := sentMessage(22, channel.SMS, "sms 22")
	ownReason.Attempts[0].Reason = "pigeon_lost"
	longest := newMessage(23)
	longest.To.Phone = mustParsePhone("+999999999999999")
	ms = append(ms, onLINE, ownChannel, ownReason, longest)
	mustInsert(t, s, ms...)
	for _, m := range ms {
		requireMessage(t, s, m, "every value of a field is kept")
	}
}

func testConfirmation(t *testing.T, s smsplus.Store) {
	for n := range 4 {
		m := newMessage(n)
		mustInsert(t, s, m)
		for _, has := range []int{n, n ^ 3, n ^ 1, 0} {
			m.CanceledAt, m.ConfirmedAt = time.Time{}, time.Time{}
			if has&1 != 0 {
				m.CanceledAt = atMinute(20 + has)
			}
			if has&2 != 0 {
				m.ConfirmedAt = atMinute(30 + has)
			}
			mustUpdate(t, s, m)
			m.Version++
			requireMessage(t, s, m, "CanceledAt and ConfirmedAt are kept apart, whichever are set")
		}
	}
}

func testAnyScript(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, text := range trickyTexts {
		m := sentMessage(n, channel.SMS, text)
		m.Key, m.Template, m.Scenario = text, text, text
		m.To.IDs = map[channel.Name]string{channel.Name(text): text}
		m.Vars = map[string]string{text: text}
		m.Metadata = map[string]string{text: text}
		m.Attempts[0].Reason, m.Attempts[0].Detail = status.Reason(text), text
		ms = append(ms, m)
	}
	mustInsert(t, s, ms...)
	for n, text := range trickyTexts {
		want := ms[n : n+1]
		requireMessage(t, s, want[0], "text %q is returned unchanged", text)
		requireMessages(t, want, mustFindByProviderID(t, s, smsRef(text)), "provider ID %q finds only its message", text)
	}

	var rs []channel.Receipt
	for n, text := range trickyTexts {
		r := newReceipt(n, smsRef(text))
		r.Reason, r.Detail = status.Reason(text), text
		rs = append(rs, r)
	}
	mustPark(t, s, rs...)
	for n, text := range trickyTexts {
		requireReceipts(t, s, rs[n:n+1], []channel.Ref{smsRef(text)}, "receipt %q is returned unchanged", text)
	}
}

func testLongText(t *testing.T, s smsplus.Store) {
	long := strings.Repeat("繁體中文 and English, ", 4_000)
	m := sentMessage(1, channel.SMS, strings.Repeat("p", 250))
	m.Key = strings.Repeat("k", 250)
	m.Vars = map[string]string{"essay": long}
	m.Metadata = map[string]string{"essay": long}
	m.Attempts[0].Detail = long
	mustInsert(t, s, m)
	requireMessage(t, s, m, "long text is returned unchanged")
	requireMessages(t, []smsplus.Message{m}, mustFindByProviderID(t, s, smsRef(m.Attempts[0].ProviderID)), "a long provider ID finds its message")
	r := newReceipt(1, smsRef("p"))
	r.Detail = long
	mustPark(t, s, r)
	requireReceipts(t, s, []channel.Receipt{r}, []channel.Ref{smsRef("p")}, "a long receipt is returned unchanged")
}

// earliestTime and latestTime are the bounds of the times that a store keeps.
var (
	earliestTime = time.Date(1, 1, 1, 0, 0, 0, 1_000, time.UTC) // a microsecond after the zero time
	latestTime   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

func testExtremeValues(t *testing.T, s smsplus.Store) {
	first, last := fullMessage(1), fullMessage(2)
	for i, at := range []time.Time{earliestTime, latestTime} {
		m := []*smsplus.Message{&first, &last}[i]
		for _, field := range times(m) {
			*field = at
		}
		m.Plan[0].Wait = 100 * 365 * 24 * time.Hour
		a := &m.Attempts[1]
		a.Step, a.Tries, a.Doubts, a.Detail = math.MaxInt16, math.MaxInt32, math.MaxInt32, strings.Repeat("長", 1<<20)
		a.Recall, a.RecallTries = channel.Recalled, math.MaxInt16
		m.Claims, m.Sending, m.Holder, m.Version = math.MaxInt32-1, math.MaxInt16, math.MaxInt64, math.MaxInt64-10
	}
	empty := newMessage(3)
	empty.Vars, empty.Metadata = map[string]string{}, map[string]string{}
	empty.Plan, empty.Attempts = []smsplus.PlannedStep{}, []smsplus.Attempt{}
	empty.DueAt = time.Time{}
	mustInsert(t, s, first, last, empty)
	for _, m := range []smsplus.Message{first, last, empty} {
		requireMessage(t, s, m, "Insert keeps extreme values")
	}
	mustUpdate(t, s, first, last, empty)
	first.Version, last.Version, empty.Version = first.Version+1, last.Version+1, empty.Version+1
	for _, m := range []smsplus.Message{first, last, empty} {
		requireMessage(t, s, m, "Update keeps extreme values")
	}

	claimed := mustClaim(t, s, smsplus.Claim{Now: earliestTime, Lease: time.Hour, Limit: 10, Holder: math.MaxInt64})
	first.DueAt, first.Claims, first.Version = earliestTime.Add(time.Hour), math.MaxInt32, first.Version+1
	requireMessages(t, []smsplus.Message{first}, claimed.Messages, "a message may be due at the earliest time")
	require.Equal(t, []time.Time{earliestTime}, claimed.Due, "Claimed.Due may be the earliest time")
	require.Equal(t, latestTime, claimed.Next, "Claimed.Next may be the latest time")

	all := []smsplus.Message{last, empty, first}
	for _, f := range []smsplus.Filter{{}, {From: earliestTime}, {From: earliestTime, Limit: 1}, {Limit: 1}, {To: latestTime.Add(999), Limit: 2}} {
		requireMessages(t, all, mustListAll(t, s, f), "records may have extreme times: %+v", f)
		requireStats(t, s, all, f)
	}
	requireMessages(t, all[1:], mustListAll(t, s, smsplus.Filter{To: latestTime}), "To may be the latest time")
	requireMessages(t, all[:1], mustListAll(t, s, smsplus.Filter{From: latestTime}), "From may be the latest time")

	early, late := newReceipt(1, smsRef("1")), newReceipt(2, smsRef("1"))
	early.At, late.At = earliestTime, latestTime
	rs := []channel.Receipt{early, late}
	mustPark(t, s, rs...)
	requireReceipts(t, s, rs, []channel.Ref{smsRef("1")}, "a receipt may have an extreme time")
	for limit := 1; limit <= 2; limit++ {
		require.ElementsMatch(t, rs, mustListParked(t, s, limit, func([]channel.Receipt) {}), "ListParked lists extreme times")
	}
	first.DueAt, last.DueAt = time.Time{}, time.Time{}
	mustUpdate(t, s, first, last)
	require.Equal(t, 0, mustPurge(t, s, earliestTime, noLimit), "nothing is before the earliest time")
	require.Equal(t, 3, mustPurge(t, s, latestTime, noLimit), "everything but the latest is before the latest time")
	requireReceipts(t, s, rs[1:], []channel.Ref{smsRef("1")}, "Purge keeps receipts from its time on")
	requireNotFound(t, s, first.ID, "Purge drops messages from the earliest time on")
}

func testHighestLimit(t *testing.T, s smsplus.Store) {
	const highest = math.MaxInt32 - 1
	mustInsert(t, s, newMessages(1, 4)...)
	rs := []channel.Receipt{newReceipt(1, smsRef("1")), newReceipt(2, smsRef("2"))}
	mustPark(t, s, rs...)
	f := smsplus.Filter{Limit: highest}
	require.Len(t, mustPage(t, s, f).Messages, 3, "the limit of a page may be as high as an int32")
	requireStats(t, s, newMessages(1, 4), f)
	require.ElementsMatch(t, rs, mustListParked(t, s, highest, nil), "the limit of ListParked may be as high as an int32")
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(3), Lease: time.Minute, Limit: highest}).Messages
	require.Len(t, claimed, 3, "the limit of a claim may be as high as an int32")
	for i := range claimed {
		claimed[i].DueAt = time.Time{}
	}
	mustUpdate(t, s, claimed...)
	require.Equal(t, 5, mustPurge(t, s, atMinute(9), highest), "the limit of Purge may be as high as an int32")
}

func testMicrosecondsUTC(t *testing.T, s smsplus.Store) {
	taipei := time.FixedZone("Asia/Taipei", 8*60*60)
	inTaipei := func(m smsplus.Message) smsplus.Message {
		m = clone(m)
		for _, at := range times(&m) {
			*at = at.In(taipei)
		}
		return m
	}
	requireUTC := func(got smsplus.Message) {
		t.Helper()
		for _, at := range times(&got) {
			require.Equal(t, time.UTC, at.Location(), "every time is returned in UTC")
		}
	}

	zero := smsplus.Message{ID: messageID(1), TriggeredAt: noon}
	taken, err := s.Insert(t.Context(), []smsplus.Message{inTaipei(fullMessage(0)), zero})
	require.NoError(t, err)
	require.Empty(t, taken, "no key is taken")
	for _, want := range []smsplus.Message{fullMessage(0), zero} {
		got := mustGet(t, s, want.ID)
		requireUTC(got)
		requireMessages(t, []smsplus.Message{want}, []smsplus.Message{got}, "times are kept to the microsecond, and zero times stay zero")
	}

	changed := fullMessage(0)
	for i, at := range times(&changed)[1:] { // an update never changes the trigger time
		*at = at.Add(time.Duration(i+1) * time.Microsecond)
	}
	mustUpdate(t, s, inTaipei(changed))
	changed.Version++
	requireUTC(mustGet(t, s, changed.ID))
	requireMessage(t, s, changed, "Update keeps times to the microsecond")

	claimed := mustClaim(t, s, smsplus.Claim{Now: changed.DueAt.In(taipei), Lease: 7 * time.Microsecond, Limit: 1})
	require.Len(t, claimed.Messages, 1, "the time zone of a time does not matter")
	requireUTC(claimed.Messages[0])
	require.Equal(t, time.UTC, claimed.Due[0].Location(), "Claimed.Due is returned in UTC")
	require.Equal(t, changed.DueAt, claimed.Due[0], "Claimed.Due is kept to the microsecond")
	claimed = mustClaim(t, s, smsplus.Claim{Now: changed.DueAt.In(taipei), Lease: time.Minute, Limit: 1})
	require.Equal(t, time.UTC, claimed.Next.Location(), "Claimed.Next is returned in UTC")
	require.Equal(t, changed.DueAt.Add(7*time.Microsecond), claimed.Next, "a lease ends to the microsecond")

	for _, f := range []smsplus.Filter{{From: noon.In(taipei)}, {To: noon.Add(time.Microsecond).In(taipei)}} {
		require.Len(t, mustPage(t, s, f).Messages, 2, "the time zone of a filter's time does not matter")
	}

	r := newReceipt(1, smsRef("1"))
	other := r
	other.At = r.At.In(taipei)
	mustPark(t, s, other)
	mustPark(t, s, r)
	requireReceipts(t, s, []channel.Receipt{r}, []channel.Ref{smsRef("1")}, "a receipt's time is kept to the microsecond, and its zone makes no second receipt")
	parked, err := s.Parked(t.Context(), []channel.Ref{smsRef("1")})
	require.NoError(t, err)
	require.Equal(t, time.UTC, parked[0].At.Location(), "a receipt's time is returned in UTC")
}

// messageReaders are the calls that return messages. Each returns only the message m, as
// the store holds it.
var messageReaders = []struct {
	name string
	read func(t testingT, s smsplus.Store, m smsplus.Message) []smsplus.Message
}{
	{"Message", func(t testingT, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return []smsplus.Message{mustGet(t, s, m.ID)}
	}},
	{"ByProviderID", func(t testingT, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return mustFindByProviderID(t, s, channel.Ref{Channel: m.Attempts[0].Channel, ProviderID: m.Attempts[0].ProviderID})
	}},
	{"Records", func(t testingT, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return mustPage(t, s, smsplus.Filter{Template: m.Template}).Messages
	}},
	{"Insert", func(t testingT, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		taken, err := s.Insert(t.Context(), []smsplus.Message{{ID: messageID(-1), Key: m.Key, TriggeredAt: noon}})
		require.NoError(t, err)
		return slices.Collect(maps.Values(taken))
	}},
	{"Claim", func(t testingT, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return mustClaim(t, s, smsplus.Claim{Now: m.DueAt, Lease: time.Minute, Limit: 10}).Messages
	}},
}

func testWholeMessage(t *testing.T, s smsplus.Store) {
	m := fullMessage(1)
	mustInsert(t, s, m)
	for _, reader := range messageReaders {
		want := m
		if reader.name == "Claim" {
			want.DueAt, want.Version, want.Claims, want.Holder = m.DueAt.Add(time.Minute), m.Version+1, m.Claims+1, defaultHolder
		}
		requireMessages(t, []smsplus.Message{want}, reader.read(t, s, m), "%s returns the whole message", reader.name)
	}
}

func testNothingShared(t *testing.T, s smsplus.Store) {
	m := fullMessage(1)
	passed := clone(m)
	mustInsert(t, s, passed)
	overwrite(&passed)
	requireMessage(t, s, m, "the caller may change a message that it passed to Insert")

	passed = clone(m)
	mustUpdate(t, s, passed)
	m.Version++
	overwrite(&passed)
	requireMessage(t, s, m, "the caller may change a message that it passed to Update")

	for _, reader := range messageReaders {
		returned := reader.read(t, s, m)
		require.Len(t, returned, 1, "%s returns the message", reader.name)
		if reader.name == "Claim" {
			m.DueAt, m.Version, m.Claims, m.Holder = m.DueAt.Add(time.Minute), m.Version+1, m.Claims+1, defaultHolder
		}
		overwrite(&returned[0])
		requireMessage(t, s, m, "the caller may change a message that %s returned", reader.name)
	}
}

// overwrite changes every map and slice that m could share with a store.
func overwrite(m *smsplus.Message) {
	m.To.IDs[channel.LINEPush], m.Vars["code"], m.Metadata["order"] = "overwritten", "overwritten", "overwritten"
	m.Plan[0].Channel = "overwritten"
	m.Attempts[0].Detail, m.Attempts[1].ProviderID = "overwritten", "overwritten"
}

// testLargeBatches calls each method with more items than a database may allow
// parameters in a statement. A store must hide such limits.
func testLargeBatches(t *testing.T, s smsplus.Store) {
	const n = 3_000
	ms := make([]smsplus.Message, n)
	refs := make([]channel.Ref, n)
	rs := make([]channel.Receipt, n)
	for i := range n {
		ms[i] = newMessage(i)
		ms[i].Key = ms[i].ID.String()
		refs[i] = smsRef(ms[i].Key)
		rs[i] = newReceipt(i, refs[i])
	}
	mustInsert(t, s, ms...)
	taken, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	require.Len(t, taken, n, "every taken key is returned")

	claimed := mustClaim(t, s, smsplus.Claim{Now: ms[n-1].DueAt, Lease: time.Minute, Limit: n})
	require.Equal(t, ids(ms), ids(claimed.Messages), "a claim may be as large as its limit")
	for i, m := range claimed.Messages {
		claimed.Messages[i].Attempts = sentMessage(0, channel.SMS, m.Key).Attempts
		claimed.Messages[i].Attempts[0].ID = smsplus.AttemptID(m.ID, 0)
	}
	mustUpdate(t, s, claimed.Messages...)
	stale, err := s.Update(t.Context(), claimed.Messages)
	require.NoError(t, err)
	require.Len(t, stale, n, "every stale ID is returned")

	require.Len(t, mustFindByProviderID(t, s, refs...), n, "a lookup may have many refs")
	require.Len(t, mustPage(t, s, smsplus.Filter{Limit: n}).Messages, n, "a page may be as large as its limit")
	mustPark(t, s, rs...)
	requireReceipts(t, s, rs, refs, "many receipts may be parked at once")
	mustUnpark(t, s, refs...)
	requireReceipts(t, s, nil, refs, "many receipts may be dropped at once")
}

func testEmptyCalls(t *testing.T, s smsplus.Store) {
	m := sentMessage(1, channel.SMS, "1")
	mustInsert(t, s, m)
	mustPark(t, s, newReceipt(1, smsRef("2")))

	taken, err := s.Insert(t.Context(), nil)
	require.NoError(t, err, "Insert of nothing")
	require.Empty(t, taken, "Insert of nothing returns no taken key")
	stale, err := s.Update(t.Context(), nil)
	require.NoError(t, err, "Update of nothing")
	require.Empty(t, stale, "Update of nothing returns no stale ID")
	require.Empty(t, mustFindByProviderID(t, s), "ByProviderID finds nothing for no refs")
	mustPark(t, s)
	requireReceipts(t, s, nil, nil, "Parked returns nothing for no refs")
	mustUnpark(t, s)

	requireMessages(t, []smsplus.Message{m}, mustListAll(t, s, smsplus.Filter{}), "empty calls change no message")
	requireReceipts(t, s, []channel.Receipt{newReceipt(1, smsRef("2"))}, []channel.Ref{smsRef("2")},
		"empty calls drop no receipt")
}

func testEndedContext(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessage(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	calls := map[string]func() error{
		"Insert": func() error { _, err := s.Insert(ctx, newMessages(2, 4)); return err },
		"Claim": func() error {
			_, err := s.Claim(ctx, withClaimDefaults(smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1}))
			return err
		},
		"Update": func() error { _, err := s.Update(ctx, newMessages(1, 2)); return err },
		"SetAside": func() error {
			return s.SetAside(ctx, []smsplus.Unreadable{{ID: messageID(1)}}, noon)
		},
		"Message":      func() error { _, err := s.Message(ctx, messageID(1)); return err },
		"ByProviderID": func() error { _, err := s.ByProviderID(ctx, []channel.Ref{smsRef("1")}); return err },
		"Park":         func() error { return s.Park(ctx, []channel.Receipt{newReceipt(1, smsRef("1"))}) },
		"Parked":       func() error { _, err := s.Parked(ctx, []channel.Ref{smsRef("1")}); return err },
		"ListParked":   func() error { _, _, err := s.ListParked(ctx, "", 1); return err },
		"Unpark":       func() error { return s.Unpark(ctx, []channel.Ref{smsRef("2")}) },
		"Records":      func() error { _, err := s.Records(ctx, smsplus.Filter{}); return err },
		"Stats":        func() error { _, err := s.Stats(ctx, smsplus.Filter{}); return err },
		"StatsBy":      func() error { _, err := s.StatsBy(ctx, smsplus.Filter{}, smsplus.Grouping{}); return err },
		"Purge":        func() error { _, err := s.Purge(ctx, noon, 1); return err },
		"SetPause":     func() error { return s.SetPause(ctx, newPause(1)) },
		"ClearPause":   func() error { return s.ClearPause(ctx, newPause(1)) },
		"Pauses":       func() error { _, err := s.Pauses(ctx); return err },
		"Beat":         func() error { return s.Beat(ctx, newHeartbeat(1)) },
		"Heartbeats":   func() error { _, err := s.Heartbeats(ctx, noon); return err },
		"Backlog":      func() error { _, err := s.Backlog(ctx, noon); return err },
	}
	for name, call := range calls {
		require.Error(t, call(), "%s returns an error if its context has ended", name)
	}

	m := fullMessage(10)
	mustInsert(t, s, m)
	m.Status = status.Failed
	m.DueAt = time.Time{}
	mustUpdate(t, s, m)
	m.Version++
	requireMessage(t, s, m, "the store works after a context has ended")
	mustGet(t, s, messageID(1))
	require.Equal(t, 1, totalTriggered(mustStats(t, s, smsplus.Filter{Group: status.FailedGroup})),
		"statistics are correct after a context has ended")
	mustPark(t, s, newReceipt(1, smsRef("3")))
	requireReceipts(t, s, []channel.Receipt{newReceipt(1, smsRef("3"))}, []channel.Ref{smsRef("3")},
		"receipts can be parked after a context has ended")
}

func totalTriggered(rows []smsplus.TemplateStats) int {
	n := 0
	for _, row := range rows {
		n += row.Triggered
	}
	return n
}

func testMessageNotFound(t *testing.T, s smsplus.Store) {
	mustInsert(t, s, newMessage(1))
	requireNotFound(t, s, messageID(2), "an ID that the store does not hold is ErrNotFound")
	requireNotFound(t, s, uuid.Nil, "the zero ID is ErrNotFound")
}
