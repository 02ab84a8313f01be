package query_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

var errBroken = errors.New("the store is broken")

func collect(seq iter.Seq2[smsplus.Message, error]) ([]smsplus.Message, error) {
	var ms []smsplus.Message
	for m, err := range seq {
		if err != nil {
			return ms, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

func TestTemplates_HasARowPerTriggeredTemplate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms, f := genMessages(t), genFilter(t)
		r := query.New(mockStore(ms...), query.Options{Clock: mockClock(now)})
		got, err := r.Templates(t.Context(), f)
		require.NoError(t, err)

		if f.From.IsZero() {
			f.From = r.Earliest()
		}
		counts := map[string]smsplus.TemplateStats{}
		for _, s := range countStats(ms, f) {
			counts[s.Template] = s
		}
		var want []smsplus.TemplateStats
		for _, s := range countStats(ms, smsplus.Filter{From: f.From, To: f.To, Template: f.Template}) {
			want = append(want, smsplus.TemplateStats{Template: s.Template}.Plus(counts[s.Template]))
		}
		require.ElementsMatch(t, want, got)
		require.True(t, slices.IsSortedFunc(got, func(a, b smsplus.TemplateStats) int {
			if a.Template < b.Template {
				return -1
			}
			return 1
		}))
	})
}

func TestTemplates_QueriesOnceIfNoRowCanBeMissing(t *testing.T) {
	t.Parallel()
	store := mockStore(messages(3)...)
	r := query.New(store, query.Options{Clock: mockClock(now)})
	got, err := r.Templates(t.Context(), smsplus.Filter{Template: "t", Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{{Template: "t", Triggered: 3, Delivered: 3}}, got)
	require.Len(t, store.StatsCalls(), 1)
}

func TestStatsBy_DaysAreThoseOfTheLocation(t *testing.T) {
	t.Parallel()
	taipei := time.FixedZone("CST", 8*60*60)
	midnight := time.Date(2026, 9, 15, 0, 0, 0, 0, taipei)
	ms := messages(3)
	ms[1].TriggeredAt, ms[2].TriggeredAt = midnight, midnight.Add(-time.Microsecond)
	store := mockStore(append(ms, triggeredAt(9, now.AddDate(0, -4, 0)))...)
	r := query.New(store, query.Options{Clock: mockClock(now), Location: taipei})
	f := smsplus.Filter{Limit: 1, After: "ignored"}
	got, err := r.StatsBy(t.Context(), f, smsplus.Grouping{By: smsplus.ByDay})
	require.NoError(t, err)
	require.Equal(t, []smsplus.GroupStats{
		{Start: midnight.AddDate(0, 0, -1), Triggered: 1, Delivered: 1},
		{Start: midnight, Triggered: 2, Delivered: 2},
	}, got, "days are those of Options.Location, of the last three months")

	got, err = r.StatsBy(t.Context(), f, smsplus.Grouping{By: smsplus.ByDay, Zone: time.UTC})
	require.NoError(t, err)
	require.Equal(t, 2, got[0].Triggered, "a zone of the grouping goes first")
	_, err = r.StatsBy(t.Context(), f, smsplus.Grouping{By: smsplus.ByDay | smsplus.ByHour})
	require.ErrorIs(t, err, smsplus.ErrInvalidFilter)
	require.Len(t, store.StatsByCalls(), 2, "an invalid grouping is not passed on")
}

// triggeredAt returns message n, triggered at that time.
func triggeredAt(n int, at time.Time) smsplus.Message {
	m := message(n)
	m.TriggeredAt = at
	return m
}

func TestCountByGroup_EqualsListLengths(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := query.New(mockStore(genMessages(t)...), query.Options{Clock: mockClock(now)})
		f := genFilter(t)
		counts, err := r.CountByGroup(t.Context(), f)
		require.NoError(t, err)

		want := map[status.Group]int{}
		for _, g := range status.Groups() {
			f.Group = g
			listed, err := collect(r.All(t.Context(), f))
			require.NoError(t, err)
			want[g] = len(listed)
		}
		require.Equal(t, want, counts)
	})
}

func TestCountByGroup_CountsRecordsNotAttempts(t *testing.T) {
	t.Parallel()
	m := message(1) // delivered by SMS after an undeliverable push
	m.Attempts = []smsplus.Attempt{
		{Channel: channel.LINEPush, Status: status.Undeliverable},
		{Channel: channel.SMS, Status: status.Delivered, Step: 1},
	}
	r := query.New(mockStore(m), query.Options{Clock: mockClock(now)})
	counts, err := r.CountByGroup(t.Context(), smsplus.Filter{Channel: channel.LINEPush})
	require.NoError(t, err)
	require.Equal(t, map[status.Group]int{
		status.All: 1, status.Sending: 0, status.Sent: 1, status.UndeliverableGroup: 0, status.FailedGroup: 0,
	}, counts)
}

func TestCountByGroup_QueriesPerGroupOnlyForAChannel(t *testing.T) {
	t.Parallel()
	for asked, f := range map[int]smsplus.Filter{1: {CountryCode: "886"}, 4: {Channel: channel.SMS}} {
		store := mockStore(messages(3)...)
		_, err := query.New(store, query.Options{Clock: mockClock(now)}).CountByGroup(t.Context(), f)
		require.NoError(t, err)
		require.Len(t, store.StatsCalls(), asked)
	}
}

func TestCountByGroup_IgnoresGroupLimitAndAfter(t *testing.T) {
	t.Parallel()
	r := query.New(mockStore(messages(3)...), query.Options{Clock: mockClock(now)})
	filter := smsplus.Filter{Group: status.Sent, Limit: 1}
	page, err := r.Records(t.Context(), filter)
	require.NoError(t, err)
	filter.After = page.Next
	counts, err := r.CountByGroup(t.Context(), filter)
	require.NoError(t, err)
	require.Equal(t, 3, counts[status.All])
}

func TestRecords_PagesHoldEveryRecordOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms, f := genMessages(t), genFilter(t)
		r := query.New(mockStore(ms...), query.Options{Clock: mockClock(now)})
		want, err := collect(r.All(t.Context(), f))
		require.NoError(t, err)
		var got []smsplus.Message
		for {
			page, err := r.Records(t.Context(), f)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Messages), f.PageSize())
			got = append(got, page.Messages...)
			if f.After = page.Next; f.After == "" {
				break
			}
		}
		require.Equal(t, want, got)

		if f.From.IsZero() {
			f.From = r.Earliest()
		}
		matching := slices.DeleteFunc(ms, func(m smsplus.Message) bool { return !f.Match(m) })
		require.ElementsMatch(t, ids(matching), ids(got))
	})
}

func TestRecords_CursorStaysValidAfterMidnight(t *testing.T) {
	t.Parallel()
	for rule, f := range map[string]smsplus.Filter{
		"without From": {Limit: 2},
		"with only To": {Limit: 2, To: now.Add(time.Minute)},
		"with a group": {Limit: 2, Group: status.Sent},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := mockClock(now)
			r := query.New(mockStore(messages(5)...), query.Options{Clock: c})
			var got []uuid.UUID
			for range 3 {
				page, err := r.Records(t.Context(), f)
				require.NoError(t, err)
				got = append(got, ids(page.Messages)...)
				f.After = page.Next
				c.Add(24 * time.Hour)
			}
			require.Empty(t, f.After)
			require.Equal(t, ids(messages(5)), got)
		})
	}
}

func TestRecords_RefusesFromThatBecameTooEarly(t *testing.T) {
	t.Parallel()
	c := mockClock(now)
	r := query.New(mockStore(messages(5)...), query.Options{Clock: c})
	f := smsplus.Filter{Limit: 2, From: r.Earliest()}
	page, err := r.Records(t.Context(), f)
	require.NoError(t, err)
	f.After = page.Next
	c.Add(24 * time.Hour)
	_, err = r.Records(t.Context(), f)
	refused, ok := errors.AsType[*query.RangeError](err)
	require.True(t, ok)
	require.Equal(t, f.From.AddDate(0, 0, 1), refused.Earliest)
}

func TestCursor_IsInvalidForAnotherFilter(t *testing.T) {
	t.Parallel()
	r := query.New(mockStore(messages(5)...), query.Options{Clock: mockClock(now)})
	page, err := r.Records(t.Context(), smsplus.Filter{Limit: 2})
	require.NoError(t, err)
	for rule, f := range map[string]smsplus.Filter{
		"another template":             {Template: "t", After: page.Next},
		"another group":                {Group: status.Sent, After: page.Next},
		"the same range, but explicit": {From: r.Earliest(), After: page.Next},
		"not a cursor":                 {After: "AAAA"},
	} {
		_, err := r.Records(t.Context(), f)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, rule)
		_, err = collect(r.All(t.Context(), f))
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, rule)
	}
}

func TestRecords_ReportsAllFilterErrors(t *testing.T) {
	t.Parallel()
	store := mockStore()
	r := query.New(store, query.Options{Clock: mockClock(now)})
	_, err := r.Records(t.Context(), smsplus.Filter{
		From: now.AddDate(-1, 0, 0), To: now.AddDate(-2, 0, 0), CountryCode: "+886", Limit: -1,
	})
	for _, field := range []string{"Filter.From", "Filter.To", "Filter.CountryCode", "Filter.Limit"} {
		require.ErrorContains(t, err, field)
	}
	require.Empty(t, store.RecordsCalls())
}

func TestAll_CanBeRangedAgain(t *testing.T) {
	t.Parallel()
	all := query.New(mockStore(messages(7)...), query.Options{Clock: mockClock(now)}).
		All(t.Context(), smsplus.Filter{Limit: 3})
	for range 2 {
		got, err := collect(all)
		require.NoError(t, err)
		require.Equal(t, ids(messages(7)), ids(got))
	}
}

func TestAll_ContinuesAfterCursor(t *testing.T) {
	t.Parallel()
	r := query.New(mockStore(messages(7)...), query.Options{Clock: mockClock(now)})
	f := smsplus.Filter{Limit: 3}
	page, err := r.Records(t.Context(), f)
	require.NoError(t, err)
	f.After = page.Next
	got, err := collect(r.All(t.Context(), f))
	require.NoError(t, err)
	require.Equal(t, ids(messages(7))[3:], ids(got))
}

func TestAll_BoundsRangeWhenRangingBegins(t *testing.T) {
	t.Parallel()
	c := mockClock(now)
	store := mockStore(messages(5)...)
	r := query.New(store, query.Options{Clock: c})
	all := r.All(t.Context(), smsplus.Filter{Limit: 2})
	c.Add(24 * time.Hour)
	want := r.Earliest()
	for _, err := range all {
		require.NoError(t, err)
		c.Add(24 * time.Hour)
	}
	require.Len(t, store.RecordsCalls(), 3)
	for _, call := range store.RecordsCalls() {
		require.Equal(t, want, call.F.From)
	}
}

func TestAll_ReadsPagesLazily(t *testing.T) {
	t.Parallel()
	store := mockStore(messages(10)...)
	all := query.New(store, query.Options{Clock: mockClock(now)}).All(t.Context(), smsplus.Filter{Limit: 2})
	require.Empty(t, store.RecordsCalls())
	n := 0
	for _, err := range all {
		require.NoError(t, err)
		if n++; n == 4 {
			break
		}
	}
	require.Len(t, store.RecordsCalls(), 2)
}

func TestAll_EndsAfterFirstError(t *testing.T) {
	t.Parallel()
	store := mockStore(messages(10)...)
	records := store.RecordsFunc
	store.RecordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
		if len(store.RecordsCalls()) > 2 {
			return smsplus.Page{Messages: messages(1)}, errBroken
		}
		return records(ctx, f)
	}
	var got []error
	for m, err := range query.New(store, query.Options{Clock: mockClock(now)}).All(t.Context(), smsplus.Filter{Limit: 2}) {
		got = append(got, err)
		require.Equal(t, err != nil, m.ID == uuid.Nil && m.Template == "")
	}
	require.Len(t, got, 5)
	require.ErrorIs(t, got[4], errBroken)
	require.Equal(t, make([]error, 4), got[:4])
}

func TestAll_YieldsUnreadableRecordsInTheirPlace(t *testing.T) {
	t.Parallel()
	ms := messages(11)
	ms[7].TriggeredAt, ms[8].TriggeredAt = ms[6].TriggeredAt, ms[6].TriggeredAt // the greatest ID comes first
	slices.Reverse(ms[6:9])
	for limit := 1; limit <= 12; limit++ {
		r := query.New(damagedStore(ms...), query.Options{Clock: mockClock(now)})
		var got []uuid.UUID
		for m, err := range r.All(t.Context(), smsplus.Filter{Limit: limit}) {
			got = append(got, m.ID)
			if isDamaged(m.ID) {
				require.ErrorIs(t, err, smsplus.ErrUnreadable)
				require.ErrorContains(t, err, m.ID.String())
				require.Equal(t, smsplus.Message{ID: m.ID}, m)
				continue
			}
			require.NoError(t, err)
		}
		require.Equal(t, ids(ms), got, "limit %d", limit)
	}
}

func TestAll_EndsWhenItsCallerStopsAtAnUnreadableRecord(t *testing.T) {
	t.Parallel()
	r := query.New(damagedStore(messages(3)...), query.Options{Clock: mockClock(now)})
	_, err := collect(r.All(t.Context(), smsplus.Filter{}))
	require.ErrorIs(t, err, smsplus.ErrUnreadable)
}

func TestRecords_NamesUnreadableRecords(t *testing.T) {
	t.Parallel()
	r := query.New(damagedStore(messages(5)...), query.Options{Clock: mockClock(now)})
	page, err := r.Records(t.Context(), smsplus.Filter{Limit: 4})
	require.NoError(t, err)
	require.Equal(t, ids(messages(3)[1:]), ids(page.Messages))
	require.Len(t, page.Unreadable, 2)
	require.NotEmpty(t, page.Next)
}

func TestAll_EndsWithContext(t *testing.T) {
	t.Parallel()
	store := mockStore(messages(10)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range query.New(store, query.Options{Clock: mockClock(now)}).All(ctx, smsplus.Filter{Limit: 4}) {
		if n++; n == 6 { // in the middle of a page
			cancel()
		}
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Equal(t, 7, n)
	require.Len(t, store.RecordsCalls(), 2)
}

func TestRecord_IgnoresRange(t *testing.T) {
	t.Parallel()
	old := message(1)
	old.TriggeredAt = now.AddDate(-2, 0, 0)
	r := query.New(mockStore(old), query.Options{Clock: mockClock(now)})
	got, err := r.Record(t.Context(), old.ID)
	require.NoError(t, err)
	require.Equal(t, old, got)
	_, err = r.Record(t.Context(), messageID(99))
	require.ErrorIs(t, err, smsplus.ErrNotFound)
	require.ErrorContains(t, err, messageID(99).String())
}

func TestReader_WrapsStoreErrors(t *testing.T) {
	t.Parallel()
	store := &StoreMock{
		RecordsFunc: func(context.Context, smsplus.Filter) (smsplus.Page, error) { return smsplus.Page{}, errBroken },
		StatsFunc: func(_ context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			if f.CountryCode != "" {
				return nil, nil // only the second query, without the filter's other fields, fails
			}
			return nil, errBroken
		},
		StatsByFunc: func(context.Context, smsplus.Filter, smsplus.Grouping) ([]smsplus.GroupStats, error) {
			return nil, errBroken
		},
		MessageFunc: func(context.Context, uuid.UUID) (smsplus.Message, error) { return smsplus.Message{}, errBroken },
	}
	r := query.New(store, query.Options{Clock: mockClock(now)})
	for name, err := range filterMethodErrors(t, r, smsplus.Filter{}) {
		require.ErrorIs(t, err, errBroken, name)
		require.ErrorContains(t, err, "query: ", name)
	}
	_, err := r.Templates(t.Context(), smsplus.Filter{CountryCode: "886"})
	require.ErrorIs(t, err, errBroken)
	_, err = r.CountByGroup(t.Context(), smsplus.Filter{Channel: channel.SMS})
	require.ErrorIs(t, err, errBroken)
	_, err = r.Record(t.Context(), messageID(1))
	require.ErrorIs(t, err, errBroken)
}

func TestRecords_ReportsInvalidStoreCursor(t *testing.T) {
	t.Parallel()
	store := &StoreMock{RecordsFunc: func(context.Context, smsplus.Filter) (smsplus.Page, error) {
		return smsplus.Page{Next: "17"}, nil
	}}
	_, err := query.New(store, query.Options{Clock: mockClock(now)}).Records(t.Context(), smsplus.Filter{})
	require.ErrorContains(t, err, "the store's cursor")
}

func TestReader_MemstoreMatchesMock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms, f := genMessages(t), genFilter(t)
		store := memstore.New()
		_, err := store.Insert(t.Context(), ms)
		require.NoError(t, err)
		want := query.New(mockStore(ms...), query.Options{Clock: mockClock(now)})
		got := query.New(store, query.Options{Clock: mockClock(now)})

		wantTemplates, err := want.Templates(t.Context(), f)
		require.NoError(t, err)
		gotTemplates, err := got.Templates(t.Context(), f)
		require.NoError(t, err)
		require.ElementsMatch(t, wantTemplates, gotTemplates)

		wantCounts, err := want.CountByGroup(t.Context(), f)
		require.NoError(t, err)
		gotCounts, err := got.CountByGroup(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, wantCounts, gotCounts)

		wantAll, err := collect(want.All(t.Context(), f))
		require.NoError(t, err)
		gotAll, err := collect(got.All(t.Context(), f))
		require.NoError(t, err)
		require.Equal(t, ids(wantAll), ids(gotAll))
	})
}
