package query_test

import (
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

func loadZone(t require.TestingT, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

func TestEarliest_IsMonthsBeforeToday(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule   string
		zone   string
		now    string // RFC 3339
		months int
		want   string
	}{
		{"three months by default", "UTC", "2026-09-15T10:30:00Z", 0, "2026-06-15T00:00:00Z"},
		{"a negative number means the default", "UTC", "2026-09-15T10:30:00Z", -1, "2026-06-15T00:00:00Z"},
		{"one month", "UTC", "2026-09-15T10:30:00Z", 1, "2026-08-15T00:00:00Z"},
		{"across the end of a year", "UTC", "2026-02-15T10:30:00Z", 3, "2025-11-15T00:00:00Z"},
		{"across several years", "UTC", "2026-02-15T10:30:00Z", 27, "2023-11-15T00:00:00Z"},
		{"at midnight today is the new day", "UTC", "2026-09-15T00:00:00Z", 3, "2026-06-15T00:00:00Z"},
		{"before midnight today is the old day", "UTC", "2026-09-14T23:59:59.999999Z", 3, "2026-06-14T00:00:00Z"},

		{"the 31st in a month of 30 days is its last day", "UTC", "2026-07-31T10:00:00Z", 1, "2026-06-30T00:00:00Z"},
		{"the 31st before a February", "UTC", "2026-05-31T10:00:00Z", 3, "2026-02-28T00:00:00Z"},
		{"the 30th before a February", "UTC", "2026-05-30T10:00:00Z", 3, "2026-02-28T00:00:00Z"},
		{"the 29th before a February", "UTC", "2026-05-29T10:00:00Z", 3, "2026-02-28T00:00:00Z"},
		{"the 28th before a February", "UTC", "2026-05-28T10:00:00Z", 3, "2026-02-28T00:00:00Z"},
		{"the 31st before a leap February", "UTC", "2028-05-31T10:00:00Z", 3, "2028-02-29T00:00:00Z"},
		{"the 29th before a leap February", "UTC", "2024-05-29T10:00:00Z", 3, "2024-02-29T00:00:00Z"},
		{"from a leap day", "UTC", "2024-02-29T10:00:00Z", 3, "2023-11-29T00:00:00Z"},
		{"from a leap day of 2028", "UTC", "2028-02-29T10:00:00Z", 3, "2027-11-29T00:00:00Z"},
		{"a year from a leap day", "UTC", "2028-02-29T10:00:00Z", 12, "2027-02-28T00:00:00Z"},
		{"a century is no leap year", "UTC", "2100-05-29T10:00:00Z", 3, "2100-02-28T00:00:00Z"},
		{"the last day of February stays the 28th", "UTC", "2026-02-28T10:00:00Z", 3, "2025-11-28T00:00:00Z"},

		{"today is the day in the location", "Asia/Taipei", "2026-06-30T16:30:00Z", 3, "2026-04-01T00:00:00+08:00"},
		{"before midnight in the location", "Asia/Taipei", "2026-06-30T15:59:59Z", 3, "2026-03-30T00:00:00+08:00"},
		{"leap day in Taipei", "Asia/Taipei", "2024-05-30T16:00:00Z", 3, "2024-02-29T00:00:00+08:00"},
		{"west of Greenwich", "America/Los_Angeles", "2026-10-01T06:59:59Z", 3, "2026-06-30T00:00:00-07:00"},

		{"the offset is that of the earliest day, in winter", "Europe/Berlin", "2026-04-15T10:00:00Z", 3, "2026-01-15T00:00:00+01:00"},
		{"the offset is that of the earliest day, in summer", "Europe/Berlin", "2026-12-15T10:00:00Z", 3, "2026-09-15T00:00:00+02:00"},
		{"the clocks change later that day", "Europe/Berlin", "2026-06-29T10:00:00Z", 3, "2026-03-29T00:00:00+01:00"},
		{"no midnight in São Paulo", "America/Sao_Paulo", "2019-02-04T12:00:00Z", 3, "2018-11-04T01:00:00-02:00"},
		{"no midnight in Beirut", "Asia/Beirut", "2021-06-28T12:00:00Z", 3, "2021-03-28T01:00:00+03:00"},
		{"no midnight in Cairo", "Africa/Cairo", "2023-07-28T12:00:00Z", 3, "2023-04-28T01:00:00+03:00"},
		{"clocks go back at midnight to the previous day", "America/Sao_Paulo", "2018-05-18T12:00:00Z", 3, "2018-02-18T00:00:00-03:00"},
		{"the first of two midnights", "America/Havana", "2019-02-04T12:00:00Z", 3, "2018-11-04T00:00:00-04:00"},
		{"a midnight that is repeated after a minute", "America/St_Johns", "2007-01-29T12:00:00Z", 3, "2006-10-29T00:00:00-02:30"},
		{"a day that was skipped", "Pacific/Apia", "2012-03-30T12:00:00Z", 3, "2011-12-31T00:00:00+14:00"},
		{"an offset change by half an hour", "Asia/Pyongyang", "2018-08-05T12:00:00Z", 3, "2018-05-05T00:00:00+09:00"},
		{"a year after the table of transitions", "America/New_York", "2080-06-15T12:00:00Z", 3, "2080-03-15T00:00:00-04:00"},
		{"the last day of a leap year after the table of transitions", "America/New_York", "2041-03-31T12:00:00Z", 3, "2040-12-31T00:00:00-05:00"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339Nano, tt.now)
			require.NoError(t, err)
			r := query.New(mockStore(), query.Options{Clock: mockClock(at), Location: loadZone(t, tt.zone), Months: tt.months})
			require.Equal(t, tt.want, r.Earliest().Format(time.RFC3339Nano))
		})
	}
}

func TestOptions_DefaultToRealClockAndUTC(t *testing.T) {
	t.Parallel()
	want := query.New(mockStore(), query.Options{Clock: clock.New(), Location: time.UTC, Months: 3}).Earliest()
	got := query.New(mockStore(), query.Options{}).Earliest()
	require.Equal(t, time.UTC, got.Location())
	require.Less(t, got.Sub(want), 48*time.Hour) // midnight may fall between the two
	require.GreaterOrEqual(t, got, want)
}

// TestEarliest_IsStartOfDay compares Earliest with a search in steps of 15 minutes. Since
// 1990 clocks have changed only at multiples of 15 minutes, except in Newfoundland (one
// minute past).
func TestEarliest_IsStartOfDay(t *testing.T) {
	t.Parallel()
	zones := []string{
		"UTC", "Asia/Taipei", "Asia/Beirut", "Asia/Tehran", "Asia/Amman", "Asia/Kathmandu", "Africa/Cairo",
		"Africa/Casablanca", "America/Sao_Paulo", "America/Havana", "America/Asuncion", "America/Santiago",
		"America/New_York", "Europe/London", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia",
		"Pacific/Kwajalein", "Pacific/Chatham", "Antarctica/Troll",
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := loadZone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		at := time.Unix(rapid.Int64Range(636_000_000, 2_500_000_000).Draw(t, "now"), 0)
		months := rapid.IntRange(1, 24).Draw(t, "months")
		got := query.New(mockStore(), query.Options{Clock: mockClock(at), Location: loc, Months: months}).Earliest()

		year, month, day := at.In(loc).Date()
		date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).AddDate(0, -months, 0)
		if date.Day() != day { // AddDate normalized to the next month
			date = date.AddDate(0, 0, -date.Day())
		}
		hasBegun := func(t time.Time) bool {
			y, m, d := t.In(loc).Date()
			return !time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(date)
		}
		require.True(t, hasBegun(got))
		for before := got.Add(-time.Nanosecond); before.After(got.Add(-26 * time.Hour)); before = before.Add(-15 * time.Minute) {
			require.False(t, hasBegun(before), "the day has begun at %v already", before)
		}
	})
}

func TestRangeError_NamesEarliestAllowed(t *testing.T) {
	t.Parallel()
	taipei := loadZone(t, "Asia/Taipei")
	earliest := time.Date(2026, 6, 15, 0, 0, 0, 0, taipei)
	tests := []struct {
		rule   string
		filter smsplus.Filter
		field  string
	}{
		{"a From a microsecond too early", smsplus.Filter{From: earliest.Add(-time.Microsecond)}, "Filter.From"},
		{"a From years ago", smsplus.Filter{From: earliest.AddDate(-5, 0, 0), To: earliest.AddDate(0, 0, 1)}, "Filter.From"},
		{"no From, and a To before the earliest allowed time", smsplus.Filter{To: earliest.Add(-time.Microsecond)}, "Filter.To"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			store := mockStore()
			r := query.New(store, query.Options{Clock: mockClock(now), Location: taipei})
			for name, err := range filterMethodErrors(t, r, tt.filter) {
				require.ErrorIs(t, err, smsplus.ErrInvalidFilter, name)
				var refused *query.RangeError
				require.ErrorAs(t, err, &refused, name)
				require.Equal(t, tt.field, refused.Field)
				require.Equal(t, earliest, refused.Earliest)
				require.Equal(t, 3, refused.Months)
				require.ErrorContains(t, err, tt.field)
				require.ErrorContains(t, err, "2026-06-15T00:00:00+08:00 (Asia/Taipei)")
				require.ErrorContains(t, err, "3 month(s)")
			}
			require.Empty(t, store.RecordsCalls())
			require.Empty(t, store.StatsCalls())
		})
	}
}

func TestReader_PassesBoundedRangeToStore(t *testing.T) {
	t.Parallel()
	earliest := time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		rule     string
		from, to time.Time
		want     time.Time
	}{
		{"a zero From becomes the earliest, and a zero To stays open", time.Time{}, time.Time{}, earliest},
		{"the earliest itself is allowed", earliest, time.Time{}, earliest},
		{"the earliest in another zone is the same instant", earliest.In(loadZone(t, "Asia/Taipei")), time.Time{}, earliest},
		{"a later From is unchanged", earliest.Add(time.Hour), earliest.Add(2 * time.Hour), earliest.Add(time.Hour)},
		{"a range may be empty", time.Time{}, earliest, earliest},
		{"a range may be in the future", now.AddDate(1, 0, 0), now.AddDate(2, 0, 0), now.AddDate(1, 0, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			store := mockStore()
			r := query.New(store, query.Options{Clock: mockClock(now)})
			for name, err := range filterMethodErrors(t, r, smsplus.Filter{From: tt.from, To: tt.to}) {
				require.NoError(t, err, name)
			}
			var asked []smsplus.Filter
			for _, c := range store.RecordsCalls() {
				asked = append(asked, c.F)
			}
			for _, c := range store.StatsCalls() {
				asked = append(asked, c.F)
			}
			require.Len(t, asked, 4)
			for _, f := range asked {
				require.True(t, f.From.Equal(tt.want), "From is %v", f.From)
				require.True(t, f.To.Equal(tt.to), "To is %v", f.To)
			}
		})
	}
}

// filterMethodErrors calls each method that takes a filter and returns its error.
func filterMethodErrors(t *testing.T, r *query.Reader, f smsplus.Filter) map[string]error {
	_, templates := r.Templates(t.Context(), f)
	_, counts := r.CountByGroup(t.Context(), f)
	_, records := r.Records(t.Context(), f)
	_, all := collect(r.All(t.Context(), f))
	_, groups := r.StatsBy(t.Context(), f, smsplus.Grouping{})
	return map[string]error{"StatsBy": groups, "Templates": templates, "CountByGroup": counts, "Records": records, "All": all}
}
