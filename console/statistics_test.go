package console_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// rows returns the texts of the rows of the page's wide table, the total last.
func rows(html string) []string {
	_, table, _ := strings.Cut(html, `<table class="wide`)
	table, _, _ = strings.Cut(table, "</table>")
	var all []string
	for _, found := range regexp.MustCompile(`(?s)<tr[^>]*>(.*?)</tr>`).FindAllStringSubmatch(table, -1) {
		all = append(all, text(found[1]))
	}
	return all
}

func TestTemplates_CountsByTemplate(t *testing.T) {
	t.Parallel()
	html := open(t, day()).page("/templates?range=3m")
	require.Equal(t, []string{
		"Template Triggered ▼ Delivered Delivery rate Read Sending Undeliverable Failed Delivered by",
		"otp 3 2 66.6% 0 0 1 0 LINE Push 50.0% SMS 50.0% LINE Push 50.0% · SMS 50.0%",
		"shipped 3 2 66.6% 0 0 0 1 WhatsApp 50.0% SMS 50.0% WhatsApp 50.0% · SMS 50.0%",
		"All templates 6 4 66.6% 0 0 1 1 LINE Push 25.0% WhatsApp 25.0% SMS 50.0% LINE Push 25.0% · WhatsApp 25.0% · SMS 50.0%",
	}, rows(html))
	require.Contains(t, text(html), "Times are trigger times. A delivery by fallback may come a day after its trigger")
}

func TestTemplates_FiltersByChannel(t *testing.T) {
	t.Parallel()
	html := open(t, day()).page("/templates?range=3m&channel=sms&sort=template")
	require.Equal(t, []string{
		"Template ▲ Triggered Delivered Delivery rate Read Sending Undeliverable Failed Delivered by",
		"otp 2 1 50.0% 0 0 1 0 SMS 100% SMS 100%",
		"shipped 1 1 100% 0 0 0 0 SMS 100% SMS 100%",
		"All templates 3 2 66.6% 0 0 1 0 SMS 100% SMS 100%",
	}, rows(html))
	require.Contains(t, html, `<option value="sms" selected>SMS</option>`)
	require.Contains(t, text(html), "With a channel, the numbers count what was sent on it.")
}

func TestTemplates_RangesAreInTheViewersZone(t *testing.T) {
	t.Parallel()
	atMidnight := now.Sub(time.Date(2026, 11, 29, 0, 0, 0, 0, taipei))
	s := open(t, []smsplus.Message{
		sent(atMidnight, "first of today", delivered(channel.SMS, 0)),
		sent(atMidnight+time.Microsecond, "last of yesterday", delivered(channel.SMS, 0)),
	})
	html := s.page("/templates?range=today")
	require.Contains(t, html, "first of today")
	require.NotContains(t, html, "last of yesterday")
	html = s.page("/templates?from=2026-11-28&to=2026-11-28")
	require.NotContains(t, html, "first of today")
	require.Contains(t, html, "last of yesterday")
	html = s.page("/templates?range=today", "Cookie: smsplus_zone=UTC")
	require.NotContains(t, html, "first of today", "in UTC it was yesterday")
}

func TestTemplates_HasPresets(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	html := s.page("/templates?range=month&channel=sms")
	for _, preset := range []string{"today", "7d", "30d", "month", "3m"} {
		require.Contains(t, html, `href="/templates?channel=sms&amp;range=`+preset+`"`)
	}
	require.Contains(t, html, `range=month" aria-current="true">This month</a>`)
	require.Contains(t, html, `name="from" value="2026-11-01"`)
	require.Contains(t, html, `name="to" value="2026-11-29"`)
	require.Contains(t, s.page("/templates"), `range=7d" aria-current="true"`)

	// The form sends the fields as the preset has filled them, and the preset stays.
	html = s.page("/templates?range=month&from=2026-11-01&to=2026-11-29&channel=")
	require.Contains(t, html, `range=month" aria-current="true"`)
	html = s.page("/templates?range=month&from=2026-11-02&to=2026-11-29&channel=")
	require.NotContains(t, html, `aria-current="true"`)
}

func TestTemplates_ReachesThreeMonthsBack(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	require.Contains(t, s.page("/templates"), "At most 3 months back, from 2026-08-29.")
	s.page("/templates?from=2026-08-29")
	w := s.get("/templates?from=2026-08-28&to=2026-11-01")
	require.Equal(t, http.StatusBadRequest, w.Code)
	html := w.Body.String()
	requireSound(t, html)
	require.Contains(t, html, `<a href="#from">This is too long ago. The earliest day is 2026-08-29.</a>`)
	require.Contains(t, html, `aria-invalid="true" aria-describedby="from-wrong"`)
	require.Contains(t, html, `value="2026-08-28"`, "what was typed stays")
}

func TestTemplates_ExplainsWrongDates(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	for query, want := range map[string]string{
		"from=yesterday":                        "This is no date.",
		"to=2026-13-01":                         "This is no date.",
		"from=2026-11-20&to=2026-11-19":         "The end is before the start.",
		"to=2026-01-01":                         "This is too long ago.",
		"from=0000-01-01":                       "This is no date.",
		"to=9999-12-31":                         "This is no date.",
		"from=%00&to=%3Cscript%3E":              "This is no date.",
		"from=2026-11-20T10:00&to=2026-11-20T9": "This is no date.",
	} {
		w := s.get("/templates?" + query)
		require.Equal(t, http.StatusBadRequest, w.Code, query)
		require.Contains(t, text(w.Body.String()), want, query)
		requireSound(t, w.Body.String())
	}
}

func TestTemplates_SortsByAnyColumn(t *testing.T) {
	t.Parallel()
	s := open(t, append(day(), sent(time.Hour, "alone", delivered(channel.SMS, 0))))
	first := func(sort string) string {
		name, _, _ := strings.Cut(rows(s.page("/templates?range=3m&sort=" + sort))[1], " ")
		return name
	}
	for sort, want := range map[string]string{
		"template": "alone", "-template": "shipped", "triggered": "alone", "-rate": "alone", "-failed": "shipped",
		"-undeliverable": "otp", "": "otp", "nonsense": "otp",
	} {
		require.Equal(t, want, first(sort), sort)
	}
	html := s.page("/templates?range=3m&sort=-failed")
	require.Contains(t, html, `aria-sort="descending"><a href="/templates?range=3m&amp;sort=failed">Failed`)
	require.Equal(t, 1, strings.Count(html, "aria-sort"))
}

func TestTemplates_LinksToRecords(t *testing.T) {
	t.Parallel()
	html := open(t, day()).page("/templates?range=3m")
	require.Contains(t, html, `href="/records?range=3m&amp;tab=sent&amp;template=otp"`)
	require.Contains(t, html, `href="/records?range=3m&amp;tab=failed&amp;template=shipped"`)
}

func TestTemplates_DrawsEachDay(t *testing.T) {
	t.Parallel()
	html := open(t, day()).page("/templates?range=7d")
	require.Equal(t, 7, strings.Count(html, "<g><title>"))
	require.Contains(t, html, "<title>2026-11-29 · triggered: 3 · delivered by LINE Push: 1 · delivered by SMS: 1</title>")
	require.Contains(t, text(html), "The numbers of the chart Day Triggered LINE Push WhatsApp SMS 2026-11-23 0 0 0 0")
	html = open(t, day()).page("/templates?range=today")
	require.Contains(t, html, "<title>17:00 · triggered: 1 · delivered by LINE Push: 1</title>")
}

func TestTemplates_CSVHasWhatIsShown(t *testing.T) {
	t.Parallel()
	s := open(t, append(day(), sent(time.Minute, "=HYPERLINK()", delivered(channel.SMS, 0)), sent(time.Minute, "11-12", delivered(channel.SMS, 0))))
	found := regexp.MustCompile(`href="(/templates.csv[^"]+)"`).FindStringSubmatch(s.page("/templates?range=30d&channel=sms&sort=template"))
	require.NotNil(t, found)
	w := s.get(strings.ReplaceAll(found[1], "&amp;", "&"))
	require.Equal(t, `attachment; filename="templates-20261129-1840.csv"`, w.Header().Get("Content-Disposition"))
	cells, err := csv.NewReader(w.Body).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"template", "triggered", "delivered", "delivery_rate", "read", "preparing", "accepted", "undeliverable", "failed", "delivered_twice", "delivered_by_sms"}, cells[0])
	require.Equal(t, []string{"'11-12", "1", "1", "1.0000", "0", "0", "0", "0", "0", "0", "1"}, cells[1], "no spreadsheet makes a date of a name")
	require.Equal(t, []string{"'=HYPERLINK()", "1", "1", "1.0000", "0", "0", "0", "0", "0", "0", "1"}, cells[2])
	require.Equal(t, []string{"otp", "2", "1", "0.5000", "0", "0", "0", "1", "0", "0", "1"}, cells[3])
}

func TestTemplates_CSVTellsChannelsWithOneLabelApart(t *testing.T) {
	t.Parallel()
	s := open(t, []smsplus.Message{
		sent(time.Minute, "otp", delivered(channel.SMS, 0)), sent(time.Minute, "otp", delivered(channel.SMS, 0)), sent(time.Minute, "otp", delivered("SMS", 0)),
	})
	cells, err := csv.NewReader(s.get("/templates.csv").Body).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"delivered_by_sms", "delivered_by_SMS"}, cells[0][len(cells[0])-2:])
	require.Equal(t, []string{"2", "1"}, cells[1][len(cells[1])-2:])
}

// hostile are texts that must not leave their place in a page.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `{{.}}`, `javascript:alert(1)`,
	"\u202edetrevni\u2066", "a\x01\x7f\u0000b"[:3], strings.Repeat("長", 80), "\u0000"[:0] + "&lt;b&gt;", "</title></svg><style>*{}",
}

func TestTemplates_ShowHostileNamesAsText(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for _, name := range hostile {
		ms = append(ms, sent(time.Hour, name, lost(channel.Name(name), status.Failed, status.Reason(name), name, time.Hour)))
	}
	s := open(t, ms)
	html := s.page("/templates")
	for _, name := range hostile {
		require.Contains(t, html, "<bdi>")
		s.page("/templates?channel=" + url.QueryEscape(name))
		s.page("/templates?template=" + url.QueryEscape(name) + "&sort=" + url.QueryEscape(name) + "&range=" + url.QueryEscape(name))
	}
	require.NotContains(t, html, "<script>alert")
	require.NotContains(t, html, "<img")
}

func TestTemplates_FitIntoThePageAtThreeMonths(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 85 {
		for j := range 3 {
			ago := time.Duration(i)*24*time.Hour + time.Hour
			ms = append(ms, sent(ago, "template "+string(rune('a'+(i+j)%26)),
				lost(channel.LINEPush, status.Undeliverable, status.Blocked, "", ago), delivered(channel.SMS, ago)))
		}
	}
	open(t, ms).page("/templates?range=3m", "Accept-Language: zh-TW")
}
