package recordfilter_test

import (
	"net/url"
	"testing"
	"time"
	_ "time/tzdata" // time zones for machines without them

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// scope is that of a Sunday evening in Taipei.
func scope(t testing.TB) recordfilter.Scope {
	t.Helper()
	taipei, err := time.LoadLocation("Asia/Taipei")
	require.NoError(t, err)
	return recordfilter.Scope{
		Now:      time.Date(2026, 11, 29, 18, 40, 0, 0, taipei),
		Earliest: time.Date(2026, 8, 29, 0, 0, 0, 0, taipei),
		MaxSize:  1000,
	}
}

func parseQuery(t *testing.T, query string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(query)
	require.NoError(t, err)
	return q
}

func TestParseFilter_ReadsEveryField(t *testing.T) {
	t.Parallel()
	s := scope(t)
	f, wrong := s.ParseFilter(parseQuery(t,
		"from=2026-11-28&to=2026-11-29T10:30&template=otp&scenario=OTP&channel=sms&reason=blocked&tab=failed&size=20&after=x"))
	require.Empty(t, wrong)
	require.Equal(t, smsplus.Filter{
		From: time.Date(2026, 11, 28, 0, 0, 0, 0, s.Now.Location()), To: time.Date(2026, 11, 29, 10, 30, 0, 0, s.Now.Location()),
		Template: "otp", Scenario: "OTP", Channel: channel.SMS, Reason: status.Blocked, Group: status.FailedGroup, Limit: 20, After: "x",
	}, f.StoreFilter())
	for _, name := range recordfilter.Fields() {
		_, wrong := s.ParseFilter(url.Values{name: {"\x00"}})
		if f, _ := s.ParseFilter(url.Values{name: {"\x00"}}); len(wrong) == 0 {
			require.Error(t, f.StoreFilter().Check(), "%s is none of the fields", name)
		}
	}
}

func TestParsePeriod_HasPresetsThatEndNow(t *testing.T) {
	t.Parallel()
	s := scope(t)
	day := func(month time.Month, day int) time.Time {
		return time.Date(2026, month, day, 0, 0, 0, 0, s.Now.Location())
	}
	starts := map[string]time.Time{"today": day(11, 29), "7d": day(11, 23), "30d": day(10, 31), "month": day(11, 1), "3m": {}}
	require.Len(t, recordfilter.Presets(), len(starts))
	for _, name := range recordfilter.Presets() {
		p := s.ParsePeriod(url.Values{"range": {name}})
		require.Equal(t, name, p.Preset)
		require.Equal(t, starts[name], p.Start)
		require.Zero(t, p.End)
	}
	require.Equal(t, "7d", s.ParsePeriod(nil).Preset)
	s.Preset = "3m"
	require.Equal(t, "3m", s.ParsePeriod(nil).Preset)
}

func TestParsePeriod_TakesInstants(t *testing.T) {
	t.Parallel()
	p := scope(t).ParsePeriod(url.Values{"from": {"2026-11-28T23:59:59.5Z"}, "to": {"2026-11-29T08:00:00+08:00"}})
	require.Empty(t, p.Wrong)
	require.True(t, p.Start.Equal(time.Date(2026, 11, 28, 23, 59, 59, 500_000_000, time.UTC)))
	require.True(t, p.End.Equal(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)))
}

func TestParseFilter_NamesFields(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]recordfilter.Fault{
		"from=yesterday&to=2026-13-01":   {"from": recordfilter.Invalid, "to": recordfilter.Invalid},
		"from=2026-11-29&to=2026-11-28":  {"to": recordfilter.Backwards},
		"from=2026-08-28":                {"from": recordfilter.TooEarly},
		"to=2026-08-27":                  {"to": recordfilter.TooEarly},
		"range=year":                     {"range": recordfilter.Invalid},
		"tab=everything":                 {"tab": recordfilter.Invalid},
		"tab=Failed":                     {"tab": recordfilter.Invalid},
		"size=0":                         {"size": recordfilter.Invalid},
		"size=1001":                      {"size": recordfilter.Invalid},
		"size=99999999999999999999":      {"size": recordfilter.Invalid},
		"size=%2B5":                      {"size": recordfilter.Invalid},
		"from=9999-01-01&to=10000-01-01": {"from": recordfilter.Invalid, "to": recordfilter.Invalid},
		"from=2026-11-29&to=2026-11-29":  {},
	}
	s := scope(t)
	for query, want := range tests {
		_, wrong := s.ParseFilter(parseQuery(t, query))
		require.Equal(t, want, wrong, query)
	}
	s.Sizes = []int{50, 20}
	_, wrong := s.ParseFilter(parseQuery(t, "size=30"))
	require.Equal(t, map[string]recordfilter.Fault{"size": recordfilter.Invalid}, wrong)
}

// FuzzFilter parses any query. A filter has a canonical query that means the same.
func FuzzFilter(f *testing.F) {
	for _, query := range []string{
		"", "range=7d&template=otp&channel=sms&tab=failed&size=20", "from=2026-11-01&to=2026-11-29&reason=blocked",
		"from=2026-11-29T10:00&scenario=%E8%A8%82%E5%96%AE", "from=2026-11-29T10:00:00%2B08:00", "from=0000-00-00&to=9999-99-99",
		"template=%00&channel=%ff", "range=month&from=2026-11-01&to=2026-11-29", ";;&=&%zz",
	} {
		f.Add(query)
	}
	s := scope(f)
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query) // as net/http does, with what could be parsed
		first, _ := s.ParseFilter(q)
		again, wrong := s.ParseFilter(s.Query(first))
		again.After = first.After
		require.Equal(t, first, again)
		if len(wrong) > 0 { // only the period keeps what is wrong
			require.Equal(t, first.Period.Wrong, wrong)
			return
		}
		if start := first.Period.Start; !start.IsZero() {
			require.False(t, start.Before(s.Earliest))
			require.True(t, first.Period.End.IsZero() || start.Before(first.Period.End))
		}
	})
}
