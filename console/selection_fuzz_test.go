package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
)

// FuzzSelection parses any query. What it selects has a canonical URL that selects the same,
// and a filter that is either sound or refused as a whole.
func FuzzSelection(f *testing.F) {
	s := fuzzedSite(f)
	number := s.tokens.sealText(personPurpose, "+886912345678")
	for _, query := range []string{
		"", "range=7d&template=otp&channel=sms&tab=failed&size=20", "from=2026-11-01&to=2026-11-29&reason=blocked",
		"from=2026-11-29T10:00&scenario=%E8%A8%82%E5%96%AE", "person=" + number, "person=x&find=y", "after=AAAA&open=01a228c2-6ebb-7a57-ab40-c998677d29c2",
		"from=0000-00-00&to=9999-99-99", "template=%00&channel=%ff", "range=month&from=2026-11-01&to=2026-11-29", ";;&=&%zz",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query) // as net/http does, with what could be parsed
		v := s.newVisit(httptest.NewRequest(http.MethodGet, "/records", nil))
		first := v.parseSelection(q)
		again := v.parseSelection(first.query())
		again.After, again.open, again.stale = first.After, first.open, first.stale
		require.Equal(t, first, again)
		if len(first.Period.Wrong) > 0 {
			require.True(t, first.Period.Start.IsZero() || first.Period.From != "")
			return
		}
		require.Empty(t, first.Period.Wrong)
		if start := first.Period.Start; !start.IsZero() {
			require.False(t, start.Before(v.reader.Earliest()))
		}
		filter := first.filter()
		filter.After = ""
		if err := filter.Check(); err != nil {
			require.Equal(t, http.StatusBadRequest, failureOf(err).code)
		}
	})
}

// FuzzLocalURL takes any text for the page to return to. The result is a page of the site.
func FuzzLocalURL(f *testing.F) {
	s := fuzzedSite(f)
	for _, text := range []string{"/sms/templates?range=7d", "https://evil.example", "//evil.example/sms/", "/sms/../..", "/sms/%0d%0a", "\\\\evil", "/sms//evil.example"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := s.newVisit(httptest.NewRequest(http.MethodGet, "/", nil))
		local := v.localURL(text)
		base, err := url.Parse("https://app.example/sms/preferences")
		require.NoError(t, err)
		target, err := base.Parse(local)
		require.NoError(t, err)
		require.Equal(t, "app.example", target.Host)
		require.Equal(t, "https", target.Scheme)
		require.NotRegexp(t, `[\r\n\\]`, local)
		require.Regexp(t, `^/sms/`, local)
	})
}

func fuzzedSite(f *testing.F) *site {
	f.Helper()
	mock := clock.NewMock()
	mock.Set(time.Date(2026, 11, 29, 10, 40, 0, 0, time.UTC))
	pages, err := New(Config{Store: memstore.New(), Clock: mock, BasePath: "/sms", Secret: secret.New("01234567890123456789012345678901")})
	require.NoError(f, err)
	return pages.(*site)
}
