package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// personal are the texts that no answer shows without reveal.
var personal = []string{"912345", "345678", personID, "135790", "Ann Lee"}

func requireMasked(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, text := range personal {
		require.NotContains(t, w.Body.String(), text)
	}
}

func TestMessage_IsMaskedUnlessRevealed(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber))
	requests := []exchange{
		{method: "GET", path: "/messages/" + id.String()},
		{method: "GET", path: "/messages"},
		{method: "POST", path: "/messages/search", body: `{"phone":"+886912345678"}`},
		{method: "POST", path: "/find", body: `{"text":"+886912345678"}`},
	}
	for _, e := range requests {
		w := s.do(t, e.method, e.path, e.body)
		require.Equal(t, http.StatusOK, w.Code, e.path)
		require.Contains(t, w.Body.String(), "+886******678")
		requireMasked(t, w)
		w = s.do(t, e.method, e.path+"?reveal=true", e.body, "Authorization: "+reader)
		require.Equal(t, http.StatusForbidden, w.Code, e.path)
		require.Equal(t, "not_allowed", decode(t, w)["code"])
	}
	require.Empty(t, s.entries())
	for i, e := range requests {
		w := s.do(t, e.method, e.path+"?reveal=true", e.body)
		require.Equal(t, http.StatusOK, w.Code, e.path)
		for _, text := range personal {
			require.Contains(t, w.Body.String(), text, e.path)
		}
		require.Len(t, s.entries(), i+1)
		entry := s.entries()[i]
		require.Equal(t, api.Reveal, entry.Action)
		require.Equal(t, "sender", entry.Caller)
		require.Equal(t, e.path == "/messages/"+id.String(), entry.Message == id)
		require.NotContains(t, entry.Filter, "912345")
	}
	require.Equal(t, http.StatusBadRequest, s.do(t, "GET", "/messages?reveal=yes", "").Code)
}

func TestMessage_ShowsItsAttempts(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, simulated.Number(simulated.Delivered, simulated.Delivered, simulated.Blocked))
	got := decode(t, s.do(t, "GET", "/messages/"+id.String(), ""))
	require.Equal(t, "preparing", got["status"])
	require.Equal(t, false, got["ended"])
	s.end(t)
	w := s.do(t, "GET", "/messages/"+id.String(), "")
	got = decode(t, w)
	require.Equal(t, "undeliverable", got["status"])
	require.Equal(t, true, got["ended"])
	require.Len(t, got["attempts"], 1)
	head := s.do(t, "HEAD", "/messages/"+id.String(), "")
	require.Equal(t, http.StatusOK, head.Code)
}

func TestList_HasTheConsolesGrammar(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, to := range []string{"+886912000001", "+886912000002", "+886912000003"} {
		s.send(t, number(t, to))
	}
	s.clock.Add(2 * 24 * time.Hour)
	_, err := s.Send(t.Context(), smsplus.Trigger{Template: "notice", To: channel.Recipient{Phone: number(t, personNumber)}})
	require.NoError(t, err)
	pages, err := console.New(console.Config{
		Store: s.store, Clock: s.clock, Authorize: func(*http.Request) (string, error) { return "ann", nil },
	})
	require.NoError(t, err)
	for query, want := range map[string]int{
		"range=3m":                                       4,
		"range=today":                                    1,
		"range=7d&template=otp":                          3,
		"range=3m&scenario=notice":                       1,
		"range=3m&channel=sms":                           0,
		"range=3m&tab=sending":                           4,
		"range=3m&tab=failed":                            0,
		"from=2026-11-29&to=2026-11-29":                  3,
		"from=2026-11-29T10:41":                          1,
		"from=2026-11-30T00:00:00%2B08:00&to=2026-12-02": 1,
		"range=30d&size=20":                              4,
		"range=3m&reason=blocked&tab=all&size=50":        0,
	} {
		w := s.do(t, "GET", "/messages?"+query, "")
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		require.Len(t, decode(t, w)["messages"], want, query)

		page := httptest.NewRecorder()
		pages.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/records?"+query, nil))
		require.Equal(t, http.StatusOK, page.Code)
		require.Equal(t, want, strings.Count(page.Body.String(), `id="r-`), query)

		fields, err := url.ParseQuery(query)
		require.NoError(t, err)
		body := map[string]any{}
		for name := range fields {
			body[name] = fields.Get(name)
			if name == "size" {
				body[name] = json.Number(fields.Get(name))
			}
		}
		text, err := json.Marshal(body)
		require.NoError(t, err)
		require.Equal(t, w.Body.String(), s.do(t, "POST", "/messages/search", string(text)).Body.String(), query)
	}
	require.Len(t, decode(t, s.do(t, "GET", "/messages?from=2026-11-29&to=2026-11-29&zone=Asia/Taipei", ""))["messages"], 3)
	require.Len(t, decode(t, s.do(t, "GET", "/messages?from=2026-11-29&to=2026-11-29&zone=Pacific/Auckland", ""))["messages"], 3)
	require.Empty(t, decode(t, s.do(t, "GET", "/messages?from=2026-11-30&to=2026-11-30&zone=Asia/Taipei", ""))["messages"])
}

func TestList_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tests := []struct{ query, code, name, detail string }{
		{"status=failed", "invalid_request", "status", "is no parameter of this operation"},
		{"phone=%2B886912345678", "invalid_request", "phone", "may name a person, and must not stand in a URL; send it in the body of a search"},
		{"reference=order-17", "invalid_request", "reference", "may name a person, and must not stand in a URL; send it in the body of a search"},
		{"0912345678=1", "invalid_request", "***", "is no parameter of this operation"},
		{"template=otp&template=notice", "invalid_request", "template", "occurs more than once"},
		{"template=", "invalid_request", "template", "must not be empty; leave it out"},
		{"tab=open", "invalid_filter", "tab", "must be one of all, sending, sent, undeliverable, failed"},
		{"size=1001", "invalid_filter", "size", "must be an integer from 1 to 1000"},
		{"size=99999999999999999999", "invalid_filter", "size", "must be an integer from 1 to 1000"},
		{"range=year", "invalid_filter", "range", "must be one of today, 7d, 30d, month, 3m"},
		{"range=7d&from=2026-11-01", "invalid_filter", "range", "excludes from and to"},
		{"from=yesterday", "invalid_filter", "from", "must be a day (2026-11-29), a minute (2026-11-29T10:00) or a time in RFC 3339"},
		{"from=2026-11-29&to=2026-11-28", "invalid_filter", "to", "must be after from"},
		{"from=2026-08-28", "invalid_filter", "from", "must not be before 2026-08-29T00:00:00Z"},
		{"zone=Local", "invalid_filter", "zone", "must be a time zone of the IANA database, such as Asia/Taipei"},
		{"zone=../../etc/passwd", "invalid_filter", "zone", "must be a time zone of the IANA database, such as Asia/Taipei"},
		{"after=x", "invalid_filter", "after", "is no cursor (1 characters)"},
		{"template=%00", "invalid_filter", "template", "is not UTF-8 without NUL (1 bytes)"},
		{"channel=%ff", "invalid_filter", "channel", "is not UTF-8 without NUL (1 bytes)"},
	}
	for _, tt := range tests {
		w := s.do(t, "GET", "/messages?"+tt.query, "")
		require.Equal(t, http.StatusBadRequest, w.Code, tt.query)
		require.Equal(t, tt.code, decode(t, w)["code"], tt.query)
		require.Equal(t, map[string]string{tt.name: tt.detail}, mistakesOf(t, w), tt.query)
	}
	for _, query := range []string{"%zz", "a;b"} {
		require.Equal(t, http.StatusBadRequest, s.do(t, "GET", "/messages?"+query, "").Code, query)
	}
	for body, want := range map[string]string{
		`{"status":"failed"}`:         "#/status",
		`{"phone":""}`:                "#/phone",
		`{"phone":"0912345678"}`:      "#/phone",
		`{"key":17}`:                  "#/key",
		`{"size":0}`:                  "#/size",
		`{"size":"50"}`:               "#/size",
		`{"reference":"\u0000"}`:      "#/reference",
		`{"tab":"open"}`:              "#/tab",
		`{"by":["day"]}`:              "#/by",
		`{"after":"AAAA"}`:            "#/after",
		`{"recipient_id":["U","V"]}`:  "#/recipient_id",
		`{"range":"7d","to":"today"}`: "#/to",
	} {
		w := s.do(t, "POST", "/messages/search", body)
		require.Equal(t, http.StatusBadRequest, w.Code, body)
		require.Contains(t, mistakesOf(t, w), want, body)
		require.NotContains(t, w.Body.String(), "0912345678")
	}
}

// TestList_ContinuesAfterMidnight proves that a list of a range that ends now has each message
// once, also if a page is asked for on the next day.
func TestList_ContinuesAfterMidnight(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for range 5 {
		s.send(t, number(t, personNumber))
	}
	seen := map[string]bool{}
	after := ""
	for range 3 {
		path := "/messages?range=7d&size=2"
		if after != "" {
			path += "&after=" + after
		}
		page := decode(t, s.do(t, "GET", path, ""))
		for _, m := range page["messages"].([]any) {
			seen[m.(map[string]any)["id"].(string)] = true
		}
		after, _ = page["next"].(string)
		s.clock.Add(24 * time.Hour)
	}
	require.Empty(t, after)
	require.Len(t, seen, 5)
	page := decode(t, s.do(t, "GET", "/messages?range=7d&size=2", ""))
	w := s.do(t, "GET", "/messages?range=7d&template=otp&after="+page["next"].(string), "")
	require.Equal(t, map[string]string{"after": "is from another filter"}, mistakesOf(t, w))
}

func TestSearch_FindsByWhatNamesAPerson(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber))
	s.send(t, number(t, "+886912000001"))
	keyed := s.do(t, "POST", "/messages", strings.Replace(otp, "678", "600", 1), `Idempotency-Key: "k-1"`)
	require.Equal(t, http.StatusAccepted, keyed.Code)
	for body, want := range map[string]int{
		`{"phone":"+886912345678"}`:                  1,
		`{"phone":"+886912345678","template":"otp"}`: 1,
		`{"phone":"+886912345678","tab":"failed"}`:   0,
		`{"recipient_id":"U4af4980629"}`:             2,
		`{"reference":"order-17","size":1}`:          1,
		`{"reference":"order-17"}`:                   2,
		`{"key":"k-1"}`:                              1,
		`{"provider_id":"none"}`:                     0,
		`{}`:                                         3,
	} {
		w := s.do(t, "POST", "/messages/search", body)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		require.Len(t, decode(t, w)["messages"], want, body)
	}
	for text, want := range map[string]string{
		personNumber: "phone_number", id.String(): "message_id", "k-1": "key", "order-17": "reference", personID: "recipient_id",
	} {
		w := s.do(t, "POST", "/find", `{"text":"`+text+`"}`)
		matches := decode(t, w)["matches"].([]any)
		require.Len(t, matches, 1, text)
		require.Equal(t, want, matches[0].(map[string]any)["kind"])
	}
	require.Empty(t, decode(t, s.do(t, "POST", "/find", `{"text":"nothing"}`))["matches"])
	require.Equal(t, http.StatusBadRequest, s.do(t, "POST", "/find", `{}`).Code)
}

func TestCancel_StopsAMessage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber))
	for range 2 { // twice is no error
		w := s.do(t, "POST", "/messages/"+id.String()+"/cancel", "")
		require.Equal(t, http.StatusNoContent, w.Code)
		require.Empty(t, w.Body.String())
	}
	m, err := s.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, now, m.CanceledAt)
	require.Equal(t, api.AuditEntry{At: now, Caller: "sender", Action: api.Cancel, Message: id}, s.entries()[0])
	s.end(t)
	ended := s.send(t, simulated.Number(0, 0, simulated.Blocked))
	s.end(t)
	w := s.do(t, "POST", "/messages/"+ended.String()+"/cancel", "")
	require.Equal(t, http.StatusConflict, w.Code)
	require.Equal(t, "ended", decode(t, w)["code"])
}

func TestConfirm_EndsAMessage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber))
	for range 2 { // twice is no error
		require.Equal(t, http.StatusNoContent, s.do(t, "POST", "/messages/"+id.String()+"/confirm", "").Code)
	}
	m, err := s.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status.Delivered, m.Status)
	require.Equal(t, now, m.ConfirmedAt)
	require.Equal(t, api.AuditEntry{At: now, Caller: "sender", Action: api.Confirm, Message: id}, s.entries()[0])
}

func TestResend_SendsOnceMore(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, simulated.Number(0, 0, simulated.Blocked))
	path := "/messages/" + id.String() + "/resend"
	w := s.do(t, "POST", path, "")
	require.Equal(t, "not_ended", decode(t, w)["code"])
	s.end(t)
	first, second := s.do(t, "POST", path, ""), s.do(t, "POST", path, "")
	require.Equal(t, http.StatusAccepted, first.Code, first.Body)
	require.Equal(t, first.Body.String(), second.Body.String())
	again := decode(t, first)["id"].(string)
	base, err := url.Parse("https://app.example/sms-plus" + path)
	require.NoError(t, err)
	target, err := base.Parse(first.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "https://app.example/sms-plus/messages/"+again, target.String())
	require.Equal(t, id.String(), decode(t, s.do(t, "GET", "/messages/"+again, ""))["resend_of"])

	require.NoError(t, s.SetTemplates(nil))
	gone := s.do(t, "POST", "/messages/"+again+"/resend", "")
	require.Equal(t, http.StatusConflict, gone.Code)
	_, err = s.Tick(t.Context())
	require.NoError(t, err)
}

func TestStatistics_CountsByWords(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.send(t, simulated.Number(0, 0, simulated.Blocked))
	s.end(t)
	s.send(t, number(t, personNumber))
	_, err := s.Send(t.Context(), smsplus.Trigger{Template: "notice", To: channel.Recipient{Phone: number(t, personNumber)}})
	require.NoError(t, err)

	w := s.do(t, "GET", "/statistics", "")
	require.JSONEq(t, `{"rows":[
		{"template":"notice","triggered":1,"preparing":1,"accepted":0,"failed":0,"undeliverable":0,"delivered":0,"read":0,"delivered_twice":0},
		{"template":"otp","triggered":2,"preparing":1,"accepted":0,"failed":0,"undeliverable":1,"delivered":0,"read":0,"delivered_twice":0}]}`,
		w.Body.String())
	w = s.do(t, "GET", "/statistics?by=reason,day,channel&times=true&zone=Asia/Taipei", "")
	require.JSONEq(t, `{"rows":[{"channel":"sms","reason":"blocked","start":"2026-11-29T00:00:00+08:00","triggered":1,"preparing":0,"accepted":0,
		"failed":0,"undeliverable":1,"delivered":0,"read":0,"delivered_twice":0,"times":{"count":0,"median_seconds":0,"p95_seconds":0}}]}`,
		w.Body.String())
	w = s.do(t, "POST", "/statistics/search", `{"reference":"order-17","by":["scenario","reason"],"times":false}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Len(t, decode(t, w)["rows"], 2)
	for _, query := range []string{"by=hour,day", "by=sender", "times=yes", "size=5", "after=x"} {
		require.Equal(t, http.StatusBadRequest, s.do(t, "GET", "/statistics?"+query, "").Code, query)
	}
	for _, body := range []string{`{"by":"day"}`, `{"by":["hour","day"]}`, `{"by":[1]}`, `{"times":"true"}`, `{"size":5}`} {
		require.Equal(t, http.StatusBadRequest, s.do(t, "POST", "/statistics/search", body).Code, body)
	}
}

func TestAudit_ComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := newService(t, func(c *api.Config) {
		c.Audit = func(*http.Request, api.AuditEntry) error { return errors.New("the disk is full") }
	})
	id := s.send(t, number(t, personNumber))
	for _, e := range []exchange{
		{method: "POST", path: "/messages", body: otp},
		{method: "POST", path: "/messages/batch", body: `{"triggers":[` + otp + `]}`},
		{method: "POST", path: "/messages/" + id.String() + "/cancel"},
		{method: "POST", path: "/messages/" + id.String() + "/resend"},
		{method: "POST", path: "/messages/" + id.String() + "/confirm"},
		{method: "GET", path: "/messages/" + id.String() + "?reveal=true"},
		{method: "GET", path: "/messages?reveal=true"},
		{method: "POST", path: "/find?reveal=true", body: `{"text":"order-17"}`},
	} {
		w := s.do(t, e.method, e.path, e.body)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, e.path)
		requireMasked(t, w)
	}
	m, err := s.Message(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, m.CanceledAt)
	page, err := s.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
}

func TestID_HasOneForm(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.send(t, number(t, personNumber)).String()
	for _, other := range []string{
		"{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""), uuid.NewString(), "x", "", "..", "%2e%2e", id + "%00",
	} {
		w := s.do(t, "GET", "/messages/"+other, "")
		require.Equal(t, http.StatusNotFound, w.Code, other)
	}
}
