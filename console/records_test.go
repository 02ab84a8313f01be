package console_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

var (
	recordRow = regexp.MustCompile(`(?s)<tbody id="r-([^"]+)"[^>]*>(.*?)</tbody>`)
	tabCount  = regexp.MustCompile(`>([^<>]*) <span class="n" id="[^"]+">([^<]*)</span></a>`)
)

// listed returns the texts of the rows of the list.
func listed(html string) []string {
	var all []string
	for _, found := range recordRow.FindAllStringSubmatch(html, -1) {
		all = append(all, text(found[2]))
	}
	return all
}

// ids returns the messages of the list.
func ids(html string) []string {
	var all []string
	for _, found := range recordRow.FindAllStringSubmatch(html, -1) {
		all = append(all, found[1])
	}
	return all
}

// idsOf returns the IDs of messages.
func idsOf(ms ...smsplus.Message) []string {
	var all []string
	for _, m := range ms {
		all = append(all, m.ID.String())
	}
	return all
}

func TestRecords_ListsNewestFirst(t *testing.T) {
	t.Parallel()
	html := open(t, day()).page("/records?range=3m")
	require.Equal(t, []string{
		"+886******678 otp scenario otp ✓ Delivered 2026-11-29 17:40:00 2026-11-29 17:40:01 LINE Push",
		"+886******678 otp scenario otp ✓ Delivered 2026-11-29 16:40:00 2026-11-29 16:40:20 SMS",
		"+886******678 otp scenario otp ✕ Undeliverable SMS: Invalid number. 2026-11-29 15:40:00",
		"+886******678 shipped scenario shipped ✓ Delivered 2026-11-28 16:40:00 2026-11-28 17:40:00 WhatsApp",
		"+886******678 shipped scenario shipped ! Failed WhatsApp: Template configured wrongly. 2026-11-28 15:40:00",
		"+886******678 shipped scenario shipped ✓ Delivered 2026-10-20 18:40:00 2026-10-20 18:40:00 SMS",
	}, listed(html))
	require.Contains(t, html, `<time datetime="2026-11-29T09:40:00.000Z" title="2026-11-29 17:40:00.000 +08:00 (Asia/Taipei)">`)
}

func TestRecords_CountsEachTab(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	counts := func(query string) map[string]string {
		all := map[string]string{}
		for _, found := range tabCount.FindAllStringSubmatch(s.page("/records?"+query), -1) {
			all[found[1]] = found[2]
		}
		return all
	}
	require.Equal(t, map[string]string{"All": "6", "Sending": "0", "Sent": "4", "Undeliverable": "1", "Failed": "1"}, counts("range=3m"))
	require.Equal(t, map[string]string{"All": "3", "Sending": "0", "Sent": "2", "Undeliverable": "1", "Failed": "0"}, counts("range=today&tab=failed"))
	html := s.page("/records?range=3m&tab=failed")
	require.Len(t, listed(html), 1)
	require.Regexp(t, `aria-current="page">Failed`, html)
	require.Contains(t, html, `href="/records?range=3m&amp;tab=sent"`)
}

func TestRecords_FiltersByTheURL(t *testing.T) {
	t.Parallel()
	ms := day()
	s := open(t, ms)
	for query, want := range map[string][]string{
		"template=otp":                       idsOf(ms[0], ms[1], ms[2]),
		"channel=sms":                        idsOf(ms[1], ms[2]),
		"channel=whatsapp&tab=failed":        idsOf(ms[4]),
		"from=2026-11-28&to=2026-11-28":      idsOf(ms[3], ms[4]),
		"from=2026-11-29T16:00":              idsOf(ms[0], ms[1]),
		"template=nonsense":                  nil,
		"scenario=otp+scenario":              idsOf(ms[0], ms[1], ms[2]),
		"reason=invalid_number":              idsOf(ms[2]),
		"reason=no_contact&tab=sent":         idsOf(ms[1]),
		"reason=no_contact&channel=sms":      nil,
		"tab=nonsense&size=7&open=x&person=": idsOf(ms[:5]...),
		"template=otp&channel=sms&range=7d":  idsOf(ms[1], ms[2]),
	} {
		require.Equal(t, want, ids(s.page("/records?"+query)), query)
	}
	html := s.page("/records?template=otp&channel=sms")
	require.Contains(t, html, `<option value="otp" selected>`)
	require.Contains(t, html, `<option value="sms" selected>`)
	require.Contains(t, html, `href="/records?range=7d">Clear the filters`)
}

func TestRecords_SearchTakesANumberAsPeopleTypeIt(t *testing.T) {
	t.Parallel()
	other := sent(time.Minute, "otp", delivered(channel.SMS, 0))
	var err error
	other.To.Phone, err = phone.Parse("+85291234567")
	require.NoError(t, err)
	s := open(t, append(day(), other))
	for typed, want := range map[string]int{
		"number=0912-345-678&region=TW":           5,
		"number=%2B886 912 345 678&region=JP":     5,
		"number=９１２３４５６７８&region=TW":              5,
		"number=9123 4567&region=HK":              1,
		"number=0912345678&region=TW&channel=sms": 2,
	} {
		w := s.post("/records/search", typed+"&range=7d")
		require.Equal(t, http.StatusSeeOther, w.Code, typed)
		location := w.Header().Get("Location")
		require.NotRegexp(t, `\d{6}`, regexp.MustCompile(`person=[^&]*`).ReplaceAllString(location, ""), "no number stands in a URL")
		require.NotContains(t, location, "912345678")
		html := s.page(location)
		require.Len(t, listed(html), want, typed)
		require.NotContains(t, html, "912345678")
		require.Contains(t, text(html), "To +")
	}
	// What was found stays while other filters change, and until it is removed.
	location := s.post("/records/search", "number=0912345678&region=TW").Header().Get("Location")
	token := regexp.MustCompile(`person=([^&]+)`).FindStringSubmatch(location)[1]
	html := s.page("/records?tab=sent&person=" + token)
	require.Contains(t, html, `name="person" value="`+token+`"`)
	require.Contains(t, html, `aria-label="Remove +886******678"`)
	require.Len(t, listed(html), 3)
}

func TestRecords_SearchExplainsWrongInput(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	for _, number := range []string{"123", "<script>alert(1)</script>", "0912-345-678 ext. 9", strings.Repeat("9", 5000)} {
		w := s.post("/records/search", "region=TW&range=30d&template=otp&number="+url.QueryEscape(number))
		require.Equal(t, http.StatusBadRequest, w.Code)
		html := w.Body.String()
		requireSound(t, html)
		require.Contains(t, html, `<a href="#number">This is no number of the country.</a>`)
		require.Contains(t, html, `aria-describedby="number-wrong"`)
		require.Contains(t, html, `<option value="otp" selected>`, "what was chosen stays")
	}
	w := s.get("/records?from=2025-01-01")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), `<a href="#from">This is too long ago.`)
}

func TestRecords_TokensWorkWhereTheSecretIs(t *testing.T) {
	t.Parallel()
	shared := func(c *console.Config) { c.Secret = secret.New(strings.Repeat("k", 32)) }
	first, second, stranger := open(t, day(), shared), open(t, day(), shared), open(t, day())
	location := first.post("/records/search", "number=0912345678&region=TW&range=7d").Header().Get("Location")
	require.Contains(t, second.page(location), "To <bdi>+886******678</bdi>")
	w := stranger.get(location)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, text(w.Body.String()), "The address names a recipient or a search that can no longer be read.")
	require.Empty(t, listed(w.Body.String()), "records of others are not what was asked for")
	require.Equal(t, http.StatusBadRequest, stranger.get(strings.Replace(location, "/records", "/records.csv", 1)).Code)
}

func TestRecords_HasKeysetPages(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 47 {
		ms = append(ms, sent(time.Duration(i)*time.Minute, "otp", delivered(channel.SMS, 0)))
	}
	s := open(t, ms)
	var all []string
	next := "/records?size=20"
	for pages := 0; next != ""; pages++ {
		require.Less(t, pages, 3)
		html := s.page(next)
		all = append(all, ids(html)...)
		next = ""
		if found := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(html); found != nil {
			next = strings.ReplaceAll(found[1], "&amp;", "&")
		}
		// A message that comes meanwhile shifts nothing.
		_, err := s.store.Insert(t.Context(), []smsplus.Message{sent(0, "otp", delivered(channel.SMS, 0))})
		require.NoError(t, err)
	}
	require.Equal(t, idsOf(ms...), all)
}

func TestRecords_StaleCursorsLeadToTheFirstPage(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	html := s.page("/records?size=20")
	require.NotContains(t, html, `rel="next"`)
	w := s.get("/records?template=otp&after=AAAA")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/records?range=7d&template=otp", w.Header().Get("Location"))
}

func TestRecords_RowsExpandInPlace(t *testing.T) {
	t.Parallel()
	ms := day()
	s := open(t, ms)
	id := ms[1].ID.String()
	html := s.page("/records?template=otp")
	require.Contains(t, html, `href="/records?open=`+id+`&amp;range=7d&amp;template=otp#r-`+id+`" hx-get="/records/`+id+`/row?open=1" aria-expanded="false"`)

	// Without JavaScript the list comes with the row open.
	html = s.page("/records?template=otp&open=" + id)
	require.Contains(t, html, `href="/records?range=7d&amp;template=otp#r-`+id+`" hx-get="/records/`+id+`/row" aria-expanded="true"`)
	require.Equal(t, 1, strings.Count(html, `class="story"`))

	// With it the row alone is asked for, and knows the list that it stands in.
	part := s.get("/records/"+id+"/row?open=1", "HX-Request: true", "HX-Current-URL: http://localhost/records?template=otp&range=30d").Body.String()
	requireSound(t, part)
	require.True(t, strings.HasPrefix(part, `<tbody id="r-`+id+`" class="open">`), part)
	require.Contains(t, part, `href="/records?range=30d&amp;template=otp#r-`+id+`"`)
	require.Contains(t, part, `class="story"`)
	require.NotContains(t, s.get("/records/"+id+"/row").Body.String(), `class="story"`)
	require.Equal(t, http.StatusNotFound, s.get("/records/"+uuid.NewString()+"/row").Code)
	require.Equal(t, http.StatusNotFound, s.get("/records/nonsense").Code)
}

func TestRecord_HasAPageOfItsOwn(t *testing.T) {
	t.Parallel()
	ms := day()
	html := open(t, ms).page("/records/" + ms[2].ID.String())
	seen := text(html)
	require.Contains(t, seen, "The number does not exist, or is no mobile number.")
	require.Contains(t, seen, "No other channel is left.")
	require.Contains(t, seen, "21211: no such number")
	require.Contains(t, html, `data-copy="`+ms[2].ID.String()+`"`)
}

func TestRecords_MaskPersonalData(t *testing.T) {
	t.Parallel()
	m := personal()
	for _, changes := range [][]func(*console.Config){{}, {revealing}} {
		s := open(t, []smsplus.Message{m}, changes...)
		for _, path := range []string{
			"/templates", "/records", "/records?open=" + m.ID.String(), "/records/" + m.ID.String(),
			"/records/" + m.ID.String() + "/row?open=1", "/records.csv", "/records.ndjson",
		} {
			body := s.get(path).Body.String()
			for _, word := range []string{"912345678", "U4af4980629", "498172", "Ann Lee", "secret note"} {
				require.NotContains(t, body, word, path)
			}
		}
		require.Empty(t, s.audit)
	}
	s := open(t, []smsplus.Message{m}) // asking is not enough
	require.NotContains(t, s.get("/records/"+m.ID.String()+"?reveal=1").Body.String(), "498172")
	require.NotContains(t, s.get("/records.ndjson?reveal=1").Body.String(), "498172")
}

// personal is a message with everything that names a person.
func personal() smsplus.Message {
	m := sent(time.Hour, "otp", delivered(channel.LINEPush, time.Hour))
	m.To.IDs = map[channel.Name]string{channel.LINEPush: "U4af4980629"}
	m.Vars = map[string]string{"code": "498172", "name": "Ann Lee"}
	m.Metadata = map[string]string{"note": "secret note"}
	return m
}

func TestRecords_RevealIsAudited(t *testing.T) {
	t.Parallel()
	m := personal()
	s := open(t, []smsplus.Message{m}, revealing)
	id := m.ID.String()
	require.Contains(t, s.page("/records"), `href="/records?reveal=1">Show numbers and texts`)

	html := s.page("/records?reveal=1&template=otp")
	require.Contains(t, html, "+886912345678")
	require.NotContains(t, html, "498172")
	require.Equal(t, console.AuditEntry{At: now, User: "ann", Action: console.Reveal, Page: "/records", Filter: s.audit[0].Filter}, s.audit[0])
	require.Contains(t, s.audit[0].Filter, "otp")
	require.Contains(t, html, `/row?open=1&amp;reveal=1"`, "what is shown stays shown")

	html = s.page("/records/" + id + "?reveal=1")
	for _, word := range []string{"+886912345678", "U4af4980629", "498172", "Ann Lee", "secret note"} {
		require.Contains(t, html, word)
	}
	require.Equal(t, console.AuditEntry{At: now, User: "ann", Action: console.Reveal, Message: m.ID, Page: "/records/" + id}, s.audit[1])

	require.Contains(t, s.get("/records/"+id+"/row?open=1&reveal=1").Body.String(), "498172")
	require.Contains(t, s.get("/records.ndjson?reveal=1").Body.String(), "498172")
	require.Contains(t, s.get("/records.csv?reveal=1").Body.String(), "912345678")
	require.Len(t, s.audit, 5)
	require.NotContains(t, fmt.Sprint(s.audit), "912345678")
}

func TestRecords_NothingIsRevealedWithoutAnAudit(t *testing.T) {
	t.Parallel()
	m := personal()
	s := open(t, []smsplus.Message{m}, revealing, func(c *console.Config) {
		c.Audit = func(*http.Request, console.AuditEntry) error { return errors.New("disk full") }
	})
	for _, path := range []string{"/records", "/records/" + m.ID.String(), "/records.csv", "/records.ndjson", "/records/" + m.ID.String() + "/row"} {
		w := s.get(path + "?reveal=1")
		require.Equal(t, http.StatusInternalServerError, w.Code, path)
		require.NotContains(t, w.Body.String(), "912345678")
	}
}

func TestRecords_ShowHostileTextsAsText(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for _, word := range hostile {
		m := sent(time.Hour, word, lost(channel.Name(word), status.Failed, status.Reason(word), word, time.Hour))
		m.Scenario, m.Reference, m.Key = word, word, word
		m.Attempts[0].ProviderID = word
		m.Vars, m.Metadata = map[string]string{word: word}, map[string]string{word: word}
		m.To.IDs = map[channel.Name]string{channel.Name(word): word}
		ms = append(ms, m)
	}
	s := open(t, ms, revealing)
	for _, path := range []string{"/records", "/records?reveal=1"} {
		html := s.page(path)
		require.NotContains(t, html, "<script>alert")
		require.NotContains(t, html, "<img")
	}
	for _, m := range ms {
		html := s.page("/records/" + m.ID.String() + "?reveal=1")
		require.NotContains(t, html, "<script>alert")
		require.NotContains(t, html, "<img")
		require.NotContains(t, html, "<style")
	}
	for _, word := range hostile {
		query := url.QueryEscape(word)
		for _, field := range []string{"template", "scenario", "channel", "reason", "tab", "person", "find", "after", "size", "open", "from", "to", "range", "reveal"} {
			w := s.get("/records?" + field + "=" + query)
			require.Less(t, w.Code, 500, field)
			if w.Code != http.StatusSeeOther {
				requireSound(t, w.Body.String())
			}
		}
	}
}

func TestRecords_NULIsNoSearch(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	for _, query := range []string{"template=a%00", "channel=%ff"} {
		require.Equal(t, http.StatusBadRequest, s.get("/records?"+query).Code, query)
		require.Equal(t, http.StatusBadRequest, s.get("/records.csv?"+query).Code, query)
	}
}

func TestRecords_FullPagesAreSmall(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 120 {
		m := sent(time.Duration(i)*time.Minute, "order_shipped_v2", lost(channel.LINENotify, status.Accepted, "", "", 0))
		m.Plan = append(m.Plan, smsplus.PlannedStep{Channel: channel.SMS})
		m.DueAt, m.Lane, m.Scenario = now.Add(time.Hour), channel.SMS, "訂單出貨通知"
		m.Attempts[0].EndedAt = time.Time{}
		ms = append(ms, m)
	}
	s := open(t, ms)
	location := s.post("/records/search", "number=0912345678&region=TW&template=order_shipped_v2&channel=line_notify&size=50").Header().Get("Location")
	for _, language := range []string{"en", "zh-TW"} {
		html := s.page(location+"&open="+ms[3].ID.String(), "Accept-Language: "+language)
		require.Len(t, ids(html), 50)
	}
}

func TestExports_HaveTheWholeResult(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 130 {
		ms = append(ms, sent(time.Duration(i)*time.Second, "otp", delivered(channel.SMS, 0)))
	}
	s := open(t, append(ms, sent(time.Second, "other", delivered(channel.SMS, 0))))
	html := s.page("/records?template=otp&size=20")
	require.Contains(t, text(html), "All 130 records as a file: CSV NDJSON")
	link := func(kind string) string {
		found := regexp.MustCompile(`href="(/records\.` + kind + `[^"]+)" download`).FindStringSubmatch(html)
		require.NotNil(t, found, kind)
		return strings.ReplaceAll(found[1], "&amp;", "&")
	}
	w := s.get(link("csv"))
	require.Equal(t, "text/csv; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, `attachment; filename="records-20261129-1840.csv"`, w.Header().Get("Content-Disposition"))
	cells, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(w.Body.Bytes(), []byte("\uFEFF")))).ReadAll()
	require.NoError(t, err)
	require.Len(t, cells, 131)
	require.Contains(t, strings.Join(cells[1], ","), "2026-11-29T18:40:00+08:00", "times are the viewer's")

	w = s.get(link("ndjson"))
	require.Equal(t, "application/x-ndjson", w.Header().Get("Content-Type"))
	require.Equal(t, 130, strings.Count(w.Body.String(), "\n"))

	progress := regexp.MustCompile(`hx-get="(/exports/[0-9a-f]{16})"`).FindStringSubmatch(html)
	require.NotNil(t, progress)
	require.Contains(t, text(s.get(progress[1]).Body.String()), "130 of 130 records The file is complete.")
	waiting := s.get("/exports/0123456789abcdef").Body.String()
	requireSound(t, waiting)
	require.Contains(t, waiting, `hx-get="/exports/0123456789abcdef?asked=1"`)
	require.NotContains(t, s.get("/exports/0123456789abcdef?asked=10").Body.String(), "load delay", "it does not ask forever")
	require.Equal(t, http.StatusNotFound, s.get("/exports/nonsense").Code)
}

// endingStore is a store that fails after some pages.
type endingStore struct {
	smsplus.Store

	pages int
}

func (s *endingStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if s.pages--; s.pages < 0 {
		return smsplus.Page{}, errors.New("connection reset")
	}
	f.Limit = 1
	return s.Store.Records(ctx, f)
}

func TestExports_ThatFailAreNotTakenForComplete(t *testing.T) {
	t.Parallel()
	failing := func(pages int) *site {
		return open(t, day(), func(c *console.Config) { c.Store = &endingStore{c.Store, pages} })
	}
	require.Equal(t, http.StatusInternalServerError, failing(0).get("/records.csv").Code, "before the first record it is an error page")
	s := failing(2)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { s.get("/records.csv?job=0123456789abcdef") })
	require.Contains(t, text(s.get("/exports/0123456789abcdef").Body.String()), "The file is not complete.")
}

// slowStore is a store whose queries end with their deadlines only.
type slowStore struct{ smsplus.Store }

func (slowStore) Records(ctx context.Context, _ smsplus.Filter) (smsplus.Page, error) {
	<-ctx.Done()
	return smsplus.Page{}, ctx.Err()
}

func TestRecords_EveryQueryHasADeadline(t *testing.T) {
	t.Parallel()
	s := open(t, day(), func(c *console.Config) { c.Store, c.Timeout = slowStore{c.Store}, time.Millisecond })
	for _, path := range []string{"/records", "/records.csv"} {
		w := s.get(path)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, path)
		require.Contains(t, text(w.Body.String()), "The store did not answer in time.")
	}
}

// interruptedStore is a store whose statistics end with their deadlines, and an error of its own.
type interruptedStore struct{ smsplus.Store }

func (interruptedStore) Stats(ctx context.Context, _ smsplus.Filter) ([]smsplus.TemplateStats, error) {
	<-ctx.Done()
	return nil, errors.New("interrupted")
}

func TestTemplates_EveryQueryHasADeadline(t *testing.T) {
	t.Parallel()
	s := open(t, day(), func(c *console.Config) { c.Store, c.Timeout = interruptedStore{c.Store}, time.Millisecond })
	for _, path := range []string{"/templates", "/templates.csv?range=3m"} {
		w := s.get(path)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, path)
		require.Contains(t, text(w.Body.String()), "The store did not answer in time.")
	}
}

func TestRecords_WorkOnSQLite(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/messages.db"
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	store, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	ms := day()
	s, m := open(t, ms, func(c *console.Config) { c.Store = store }), open(t, ms)
	for _, path := range []string{"/templates?range=3m", "/records?range=3m", "/records?channel=sms&tab=sent", "/records/" + ms[1].ID.String(), "/templates.csv?range=3m"} {
		onSQLite, inMemory := s.get(path), m.get(path)
		require.Equal(t, http.StatusOK, onSQLite.Code)
		require.Equal(t, withoutJobs(inMemory), withoutJobs(onSQLite), path)
	}
}

// withoutJobs returns a page without what is random in it.
func withoutJobs(w *httptest.ResponseRecorder) string {
	return regexp.MustCompile(`(job=|exports/)[0-9a-f]{16}`).ReplaceAllString(w.Body.String(), "$1")
}

func TestRecords_OfferWhatThereIs(t *testing.T) {
	t.Parallel()
	html := open(t, day()).page("/records")
	option := regexp.MustCompile(`<option value="([^"]*)"`)
	offered := map[string][]string{}
	for _, found := range regexp.MustCompile(`(?s)<select id="([a-z]+)"[^>]*>(.*?)</select>`).FindAllStringSubmatch(html, -1) {
		for _, o := range option.FindAllStringSubmatch(found[2], -1) {
			offered[found[1]] = append(offered[found[1]], o[1])
		}
	}
	require.Equal(t, []string{"channel", "reason", "region", "scenario", "template"}, slices.Sorted(maps.Keys(offered)))
	require.Equal(t, []string{"", "otp", "shipped"}, offered["template"])
	require.Equal(t, []string{"", "otp scenario", "shipped scenario"}, offered["scenario"])
	require.Len(t, offered["reason"], 20)
	require.Greater(t, len(offered["region"]), 200)
	require.Contains(t, html, `<option value="TW" selected>Taiwan +886</option>`)
	require.Contains(t, open(t, nil).page("/records", "Accept-Language: zh-TW"), `selected>台灣 +886</option>`)
}
