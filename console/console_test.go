package console_test

import (
	"encoding/xml"
	"errors"
	unescape "html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // time zones for machines without them

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the time of all tests: a Sunday evening in Taipei.
var now = time.Date(2026, 11, 29, 10, 40, 0, 0, time.UTC)

var taipei = time.FixedZone("Asia/Taipei", 8*60*60)

// site is the handler under test, with what it stands on.
type site struct {
	t     *testing.T
	pages http.Handler
	store smsplus.Store
	clock *clock.Mock
	audit []console.AuditEntry
}

// open returns the pages over a memstore with the messages. The changes are made to the
// config in their order.
func open(t *testing.T, ms []smsplus.Message, changes ...func(*console.Config)) *site {
	t.Helper()
	s := &site{t: t, store: memstore.New(), clock: clock.NewMock()}
	s.clock.Set(now)
	c := console.Config{
		Store: s.store, Clock: s.clock, Location: taipei,
		Authorize: func(*http.Request) (string, error) { return "ann", nil },
		Audit: func(_ *http.Request, e console.AuditEntry) error {
			s.audit = append(s.audit, e)
			return nil
		},
	}
	for _, change := range changes {
		change(&c)
	}
	s.store = c.Store
	if len(ms) > 0 {
		_, err := s.store.Insert(t.Context(), ms)
		require.NoError(t, err)
	}
	pages, err := console.New(c)
	require.NoError(t, err)
	s.pages = pages
	return s
}

// revealing lets every request see personal data.
func revealing(c *console.Config) { c.Reveal = func(*http.Request) bool { return true } }

// do answers a request.
func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.pages.ServeHTTP(w, r)
	return w
}

// get answers a GET, with headers as "Name: value".
func (s *site) get(path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return s.do(r)
}

// page returns the HTML of a page that is found, and checks what every page keeps.
func (s *site) page(path string, headers ...string) string {
	s.t.Helper()
	w := s.get(path, headers...)
	require.Equal(s.t, http.StatusOK, w.Code, path)
	requireSound(s.t, w.Body.String())
	return strings.ReplaceAll(w.Body.String(), "&#43;", "+")
}

// post answers a form that the pages themselves send.
func (s *site) post(path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r)
}

var (
	// inline matches a script or a style of an element's own. Package html/template takes
	// data-on… for a script, and quotes its value.
	inline   = regexp.MustCompile(`(?i)^<style|^<script(?: defer)?>|\s(style|(data-)?on[a-z]+|hx-on[^=]*)=`)
	scripted = regexp.MustCompile(`(?i)(href|src|action|hx-[a-z]+)="\s*(javascript|js|data):`)
	quoted   = regexp.MustCompile(`"[^"]*"`)
	elements = regexp.MustCompile(`<[^>]*>`)
	void     = regexp.MustCompile(`^(<(?:meta|link|input|br|hr|img)\b[^>]*?)/?>$`)
	booleans = regexp.MustCompile(` (defer|selected|checked|download|hidden|open|disabled|required|autofocus)([ >])`)
)

// maxPage is the size of the largest page.
const maxPage = 100_000

// requireSound checks what every page keeps: it is well-formed, small, without scripts and
// styles of its own, and has every text.
func requireSound(t *testing.T, html string) {
	t.Helper()
	require.LessOrEqual(t, len(html), maxPage)
	require.NotContains(t, html, "⟦", "a text is missing")
	require.NotContains(t, html, "%!", "a format does not fit its arguments")
	require.NotContains(t, html, "ZgotmplZ", "a value does not fit its place")
	for _, tag := range elements.FindAllString(html, -1) {
		if inline.MatchString(quoted.ReplaceAllString(tag, `""`)) || scripted.MatchString(tag) {
			require.Fail(t, "an element has a script or a style of its own", tag)
		}
	}
	html = strings.Map(func(r rune) rune { // XML has no control characters, HTML does
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, html)
	ids := map[string]bool{}
	html = elements.ReplaceAllStringFunc(html, func(tag string) string { // to XML
		return void.ReplaceAllString(booleans.ReplaceAllString(tag, ` $1=""$2`), "$1/>")
	})
	d := xml.NewDecoder(strings.NewReader(html))
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok {
			for _, a := range start.Attr {
				if a.Name.Local == "id" && a.Name.Space == "" {
					require.False(t, ids[a.Value], "two elements have the ID %q", a.Value)
					ids[a.Value] = true
				}
			}
		}
	}
}

// text returns what a reader sees of HTML, with single spaces.
func text(html string) string {
	return strings.Join(strings.Fields(unescape.UnescapeString(elements.ReplaceAllString(html, " "))), " ")
}

var lastID atomic.Uint32

// sent is a message to +886912345678 that was triggered some time ago, with a route over the
// channels of its attempts. Its status is that of the last attempt, or Delivered.
func sent(ago time.Duration, template string, attempts ...smsplus.Attempt) smsplus.Message {
	id := lastID.Add(1)
	number, err := phone.Parse("+886912345678")
	if err != nil {
		panic(err)
	}
	m := smsplus.Message{
		ID:       uuid.UUID{0: 0x01, 6: 0x70, 8: 0x80, 14: byte(id >> 8), 15: byte(id)},
		Template: template, Scenario: template + " scenario", To: channel.Recipient{Phone: number},
		TriggeredAt: now.Add(-ago), Sending: -1, Attempts: attempts,
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		a.ID, a.Step = smsplus.AttemptID(m.ID, i), i
		if a.StartedAt.IsZero() {
			a.StartedAt = m.TriggeredAt
		}
		m.Plan = append(m.Plan, smsplus.PlannedStep{Channel: a.Channel})
		if m.Status != status.Delivered {
			m.Status, m.Channel = a.Status, a.Channel
		}
		if a.Status == status.Delivered && m.DeliveredAt.IsZero() {
			m.DeliveredAt = a.DeliveredAt
		}
		m.ReadAt = a.ReadAt
	}
	return m
}

// delivered is an attempt that arrived some time after the trigger.
func delivered(c channel.Name, ago time.Duration) smsplus.Attempt {
	return smsplus.Attempt{Channel: c, Status: status.Delivered, Tries: 1, DeliveredAt: now.Add(-ago), EndedAt: now.Add(-ago)}
}

// lost is an attempt that did not arrive.
func lost(c channel.Name, st status.Status, why status.Reason, detail string, ago time.Duration) smsplus.Attempt {
	return smsplus.Attempt{Channel: c, Status: st, Reason: why, Detail: detail, Tries: 1, EndedAt: now.Add(-ago)}
}

// day is a day's work: two templates on four channels, with every status.
func day() []smsplus.Message {
	return []smsplus.Message{
		sent(time.Hour, "otp", delivered(channel.LINEPush, time.Hour-time.Second)),
		sent(2*time.Hour, "otp",
			lost(channel.LINEPush, status.Undeliverable, status.NoContact, "", 2*time.Hour),
			delivered(channel.SMS, 2*time.Hour-20*time.Second)),
		sent(3*time.Hour, "otp",
			lost(channel.LINEPush, status.Undeliverable, status.Blocked, "", 3*time.Hour),
			lost(channel.SMS, status.Undeliverable, status.InvalidNumber, "21211: no such number", 3*time.Hour)),
		sent(26*time.Hour, "shipped", delivered(channel.WhatsApp, 25*time.Hour)),
		sent(27*time.Hour, "shipped", lost(channel.WhatsApp, status.Failed, status.TemplateConfig, "131051: unsupported", 27*time.Hour)),
		sent(40*24*time.Hour, "shipped", delivered(channel.SMS, 40*24*time.Hour)),
	}
}
