package storetest

import (
	"context"
	"maps"
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

func everyField(t *testing.T, s smsplus.Store) {
	bare := smsplus.Message{ID: id(1), TriggeredAt: noon}
	insert(t, s, bare, full(2))
	holds(t, s, bare, "a bare message is kept by Insert")
	holds(t, s, full(2), "a full message is kept by Insert")

	// What an update may change is now set on the one and unset on the other.
	set := full(1)
	set.Key, set.Template, set.Scenario, set.To = bare.Key, bare.Template, bare.Scenario, bare.To
	set.Vars, set.Metadata, set.Plan = bare.Vars, bare.Metadata, bare.Plan
	set.TriggeredAt, set.Version = bare.TriggeredAt, bare.Version
	unset := full(2)
	unset.Attempts, unset.Status, unset.Channel = nil, status.Preparing, ""
	unset.DeliveredAt, unset.ReadAt, unset.ExpiresAt, unset.CanceledAt, unset.DueAt =
		time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	update(t, s, set, unset)
	for _, m := range []smsplus.Message{set, unset} {
		m.Version++
		m.Claims = 0
		holds(t, s, m, "every field is kept by Update")
	}

	// Every value of the small types, and attempts of every status.
	var ms []smsplus.Message
	for n, st := range status.Statuses() {
		m := full(10 + n)
		m.Status, m.Attempts[0].Status = st, st
		ms = append(ms, m)
	}
	onLINE := message(20)
	onLINE.To = channel.Recipient{LINEUserID: "U4af4980629"}
	ownChannel := message(21)
	ownChannel.Channel = "carrier_pigeon"
	ownReason := sent(22, channel.SMS, "sms 22")
	ownReason.Attempts[0].Reason = "pigeon_lost"
	longest := message(23)
	longest.To.Phone = number("+999999999999999")
	ms = append(ms, onLINE, ownChannel, ownReason, longest)
	insert(t, s, ms...)
	for _, m := range ms {
		holds(t, s, m, "every value of a field is kept")
	}
}

func anyScript(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, text := range texts {
		m := sent(n, channel.SMS, text)
		m.Key, m.Template, m.Scenario, m.To.LINEUserID = text, text, text, text
		m.Vars = map[string]string{text: text}
		m.Metadata = map[string]string{text: text}
		m.Attempts[0].Reason, m.Attempts[0].Detail = status.Reason(text), text
		ms = append(ms, m)
	}
	insert(t, s, ms...)
	for n, text := range texts {
		want := ms[n : n+1]
		holds(t, s, want[0], "text %q comes back as it was", text)
		same(t, want, named(t, s, sms(text)), "provider ID %q finds its message alone", text)
	}

	var rs []channel.Receipt
	for n, text := range texts {
		r := receipt(n, sms(text))
		r.Reason, r.Detail = status.Reason(text), text
		rs = append(rs, r)
	}
	park(t, s, rs...)
	for n, text := range texts {
		sameReceipts(t, s, rs[n:n+1], []channel.Ref{sms(text)}, "receipt %q comes back as it was", text)
	}
}

func longText(t *testing.T, s smsplus.Store) {
	long := strings.Repeat("繁體中文 and English, ", 4_000)
	m := sent(1, channel.SMS, strings.Repeat("p", 250))
	m.Key = strings.Repeat("k", 250)
	m.Vars = map[string]string{"essay": long}
	m.Metadata = map[string]string{"essay": long}
	m.Attempts[0].Detail = long
	insert(t, s, m)
	holds(t, s, m, "long text comes back whole")
	same(t, []smsplus.Message{m}, named(t, s, sms(m.Attempts[0].ProviderID)), "a long provider ID finds its message")
	r := receipt(1, sms("p"))
	r.Detail = long
	park(t, s, r)
	sameReceipts(t, s, []channel.Receipt{r}, []channel.Ref{sms("p")}, "a long receipt comes back whole")
}

func microsecondsUTC(t *testing.T, s smsplus.Store) {
	taipei := time.FixedZone("Asia/Taipei", 8*60*60)
	abroad := func(m smsplus.Message) smsplus.Message {
		m = clone(m)
		in := func(at time.Time) time.Time { return at.In(taipei) }
		for _, at := range times(&m) {
			inPlace(in, at)
		}
		return m
	}
	requireUTC := func(got smsplus.Message) {
		t.Helper()
		for _, at := range times(&got) {
			require.Equal(t, time.UTC, at.Location(), "every time comes back in UTC")
		}
	}

	zero := smsplus.Message{ID: id(1), TriggeredAt: noon}
	taken, err := s.Insert(t.Context(), []smsplus.Message{abroad(full(0)), zero})
	require.NoError(t, err)
	require.Empty(t, taken, "no key is taken")
	for _, want := range []smsplus.Message{full(0), zero} {
		got := get(t, s, want.ID)
		requireUTC(got)
		same(t, []smsplus.Message{want}, []smsplus.Message{got}, "times are kept to the microsecond, and zero as zero")
	}

	changed := full(0)
	for i, at := range times(&changed)[1:] { // the trigger time is fixed
		*at = at.Add(time.Duration(i+1) * time.Microsecond)
	}
	update(t, s, abroad(changed))
	changed.Claims, changed.Version = 0, changed.Version+1
	requireUTC(get(t, s, changed.ID))
	holds(t, s, changed, "Update keeps times to the microsecond")

	claimed := claim(t, s, smsplus.Claim{Now: changed.DueAt.In(taipei), Lease: 7 * time.Microsecond, Limit: 1})
	require.Len(t, claimed.Messages, 1, "a time means the same in every zone")
	requireUTC(claimed.Messages[0])
	require.Equal(t, time.UTC, claimed.DueAt.Location(), "Claimed.DueAt comes back in UTC")
	require.Equal(t, changed.DueAt, claimed.DueAt, "Claimed.DueAt is kept to the microsecond")
	claimed = claim(t, s, smsplus.Claim{Now: changed.DueAt.In(taipei), Lease: time.Minute, Limit: 1})
	require.Equal(t, time.UTC, claimed.Next.Location(), "Claimed.Next comes back in UTC")
	require.Equal(t, changed.DueAt.Add(7*time.Microsecond), claimed.Next, "a lease ends to the microsecond")

	for _, f := range []smsplus.Filter{{From: noon.In(taipei)}, {To: noon.Add(time.Microsecond).In(taipei)}} {
		require.Len(t, page(t, s, f).Messages, 2, "a filter's time means the same in every zone")
	}

	r := receipt(1, sms("1"))
	there := r
	there.At = r.At.In(taipei)
	park(t, s, there)
	park(t, s, r)
	sameReceipts(t, s, []channel.Receipt{r}, []channel.Ref{sms("1")}, "a receipt's time is kept to the microsecond, once")
	parked, err := s.Parked(t.Context(), []channel.Ref{sms("1")})
	require.NoError(t, err)
	require.Equal(t, time.UTC, parked[0].At.Location(), "a receipt's time comes back in UTC")
}

// times returns where m's times are, the trigger time first.
func times(m *smsplus.Message) []*time.Time {
	list := []*time.Time{&m.TriggeredAt, &m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt, &m.DueAt}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		list = append(list, &a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	}
	return list
}

// ways are the calls that return messages, each asked for the message m alone.
var ways = []struct {
	name string
	ask  func(t tester, s smsplus.Store, m smsplus.Message) []smsplus.Message
}{
	{"Message", func(t tester, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return []smsplus.Message{get(t, s, m.ID)}
	}},
	{"ByProviderID", func(t tester, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return named(t, s, channel.Ref{Channel: m.Attempts[0].Channel, ProviderID: m.Attempts[0].ProviderID})
	}},
	{"Records", func(t tester, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return page(t, s, smsplus.Filter{Template: m.Template}).Messages
	}},
	{"Insert", func(t tester, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		taken, err := s.Insert(t.Context(), []smsplus.Message{{ID: id(-1), Key: m.Key, TriggeredAt: noon}})
		require.NoError(t, err)
		return slices.Collect(maps.Values(taken))
	}},
	{"Claim", func(t tester, s smsplus.Store, m smsplus.Message) []smsplus.Message {
		return claim(t, s, smsplus.Claim{Now: m.DueAt, Lease: time.Minute, Limit: 10}).Messages
	}},
}

func wholeMessage(t *testing.T, s smsplus.Store) {
	m := full(1)
	insert(t, s, m)
	for _, way := range ways {
		want := m
		if way.name == "Claim" {
			want.DueAt, want.Version, want.Claims = m.DueAt.Add(time.Minute), m.Version+1, m.Claims+1
		}
		same(t, []smsplus.Message{want}, way.ask(t, s, m), "%s returns the whole message", way.name)
	}
}

func nothingShared(t *testing.T, s smsplus.Store) {
	m := full(1)
	handed := clone(m)
	insert(t, s, handed)
	scribble(&handed)
	holds(t, s, m, "what Insert was handed is the caller's to change")

	handed = clone(m)
	handed.Claims = 0
	update(t, s, handed)
	m.Version, m.Claims = m.Version+1, 0
	scribble(&handed)
	holds(t, s, m, "what Update was handed is the caller's to change")

	for _, way := range ways {
		returned := way.ask(t, s, m)
		require.Len(t, returned, 1, "%s returns the message", way.name)
		if way.name == "Claim" {
			m.DueAt, m.Version, m.Claims = m.DueAt.Add(time.Minute), m.Version+1, m.Claims+1
		}
		scribble(&returned[0])
		holds(t, s, m, "what %s returned is the caller's to change", way.name)
	}
}

// scribble changes everything that m could share with a store.
func scribble(m *smsplus.Message) {
	m.Vars["code"], m.Metadata["order"] = "spoilt", "spoilt"
	m.Plan[0].Channel = "spoilt"
	m.Attempts[0].Detail, m.Attempts[1].ProviderID = "spoilt", "spoilt"
}

// largeBatches is about limits that a store must hide, such as how many
// parameters a statement may have.
func largeBatches(t *testing.T, s smsplus.Store) {
	const n = 3_000
	ms := make([]smsplus.Message, n)
	refs := make([]channel.Ref, n)
	rs := make([]channel.Receipt, n)
	for i := range n {
		ms[i] = message(i)
		ms[i].Key = ms[i].ID.String()
		refs[i] = sms(ms[i].Key)
		rs[i] = receipt(i, refs[i])
	}
	insert(t, s, ms...)
	taken, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	require.Len(t, taken, n, "every taken key is named")

	claimed := claim(t, s, smsplus.Claim{Now: ms[n-1].DueAt, Lease: time.Minute, Limit: n})
	require.Equal(t, ids(ms), ids(claimed.Messages), "a claim may be as large as its limit")
	for i, m := range claimed.Messages {
		claimed.Messages[i].Attempts = sent(0, channel.SMS, m.Key).Attempts
		claimed.Messages[i].Attempts[0].ID = smsplus.AttemptID(m.ID, 0)
	}
	update(t, s, claimed.Messages...)
	stale, err := s.Update(t.Context(), claimed.Messages)
	require.NoError(t, err)
	require.Len(t, stale, n, "every stale message is named")

	require.Len(t, named(t, s, refs...), n, "a lookup may be of many refs")
	require.Len(t, page(t, s, smsplus.Filter{Limit: n}).Messages, n, "a page may be as large as its limit")
	park(t, s, rs...)
	sameReceipts(t, s, rs, refs, "many receipts may be parked at once")
	unpark(t, s, refs...)
	sameReceipts(t, s, nil, refs, "many receipts may be dropped at once")
}

func emptyCalls(t *testing.T, s smsplus.Store) {
	m := sent(1, channel.SMS, "1")
	insert(t, s, m)
	park(t, s, receipt(1, sms("2")))

	taken, err := s.Insert(t.Context(), nil)
	require.NoError(t, err, "Insert of nothing")
	require.Empty(t, taken, "Insert of nothing finds no key taken")
	stale, err := s.Update(t.Context(), nil)
	require.NoError(t, err, "Update of nothing")
	require.Empty(t, stale, "Update of nothing finds nothing stale")
	require.Empty(t, named(t, s), "ByProviderID finds nothing for no refs")
	park(t, s)
	sameReceipts(t, s, nil, nil, "Parked returns nothing for no refs")
	unpark(t, s)

	same(t, []smsplus.Message{m}, records(t, s, smsplus.Filter{}), "calls about nothing change no message")
	sameReceipts(t, s, []channel.Receipt{receipt(1, sms("2"))}, []channel.Ref{sms("2")},
		"calls about nothing drop no receipt")
}

func endedContext(t *testing.T, s smsplus.Store) {
	insert(t, s, message(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	calls := map[string]func() error{
		"Insert": func() error { _, err := s.Insert(ctx, messages(2, 4)); return err },
		"Claim": func() error {
			_, err := s.Claim(ctx, smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1})
			return err
		},
		"Update":       func() error { _, err := s.Update(ctx, messages(1, 2)); return err },
		"Message":      func() error { _, err := s.Message(ctx, id(1)); return err },
		"ByProviderID": func() error { _, err := s.ByProviderID(ctx, []channel.Ref{sms("1")}); return err },
		"Park":         func() error { return s.Park(ctx, []channel.Receipt{receipt(1, sms("1"))}) },
		"Parked":       func() error { _, err := s.Parked(ctx, []channel.Ref{sms("1")}); return err },
		"Unpark":       func() error { return s.Unpark(ctx, []channel.Ref{sms("2")}) },
		"Records":      func() error { _, err := s.Records(ctx, smsplus.Filter{}); return err },
		"Stats":        func() error { _, err := s.Stats(ctx, smsplus.Filter{}); return err },
		"Purge":        func() error { _, err := s.Purge(ctx, noon, 1); return err },
	}
	for name, call := range calls {
		require.Error(t, call(), "%s does not succeed once its context has ended", name)
	}

	m := full(10)
	insert(t, s, m)
	m.Status = status.Failed
	m.DueAt = time.Time{}
	update(t, s, m)
	m.Version, m.Claims = m.Version+1, 0
	holds(t, s, m, "the store is of use after a context has ended")
	get(t, s, id(1))
	require.Equal(t, 1, countOf(stats(t, s, smsplus.Filter{Group: status.FailedGroup})),
		"statistics are right after a context has ended")
	park(t, s, receipt(1, sms("3")))
	sameReceipts(t, s, []channel.Receipt{receipt(1, sms("3"))}, []channel.Ref{sms("3")},
		"receipts are parked after a context has ended")
}

func countOf(rows []smsplus.TemplateStats) int {
	n := 0
	for _, row := range rows {
		n += row.Triggered
	}
	return n
}

func messageNotFound(t *testing.T, s smsplus.Store) {
	insert(t, s, message(1))
	missing(t, s, id(2), "an ID that the store does not hold is ErrNotFound")
	missing(t, s, uuid.Nil, "the zero ID is ErrNotFound")
}
