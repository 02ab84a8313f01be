package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

const otp = `{"template":"otp","to":{"phone":"+886912345678"},"vars":{"code":"135790"}}`

func TestTrigger_StoresTheWholeTrigger(t *testing.T) {
	t.Parallel()
	s := newService(t)
	w := s.do(t, "POST", "/messages", `{"template":"otp","to":{"phone":"+886912345678","ids":{"line_push":"U4af4980629"}},"vars":{"code":"135790"},
		"reference":"order-17","send_at":"2026-11-29T20:00:00+08:00","ttl_seconds":600,"metadata":{"tenant":"一"}}`, `Idempotency-Key: "key-1"`)
	require.Equal(t, http.StatusAccepted, w.Code, w.Body)
	id := uuid.MustParse(decode(t, w)["id"].(string))
	require.Equal(t, "messages/"+id.String(), w.Header().Get("Location"))
	m, err := s.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "otp", m.Template)
	require.True(t, m.To.Equal(channel.Recipient{Phone: number(t, personNumber), IDs: map[channel.Name]string{channel.LINEPush: personID}}))
	require.Equal(t, map[string]string{"code": "135790"}, m.Vars)
	require.Equal(t, "order-17", m.Reference)
	require.Equal(t, "key-1", m.Key)
	require.Equal(t, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), m.DueAt)
	require.Equal(t, m.DueAt.Add(10*time.Minute), m.ExpiresAt)
	require.Equal(t, map[string]string{"tenant": "一"}, m.Metadata)
	require.Equal(t, []api.AuditEntry{{At: now, Caller: "sender", Action: api.Trigger, Triggers: 1, Template: "otp"}}, s.entries())
}

func TestTrigger_KeyMakesItIdempotent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	first := s.do(t, "POST", "/messages", otp, `Idempotency-Key: "key 1"`)
	require.Equal(t, http.StatusAccepted, first.Code)
	again := s.do(t, "POST", "/messages", otp, `Idempotency-Key: "key 1"`)
	require.Equal(t, http.StatusAccepted, again.Code)
	require.Equal(t, first.Body.String(), again.Body.String())
	other := s.do(t, "POST", "/messages", strings.Replace(otp, "135790", "246802", 1), `Idempotency-Key: "key 1"`)
	require.Equal(t, http.StatusUnprocessableEntity, other.Code)
	require.Equal(t, "key_reused", decode(t, other)["code"])
	require.NotContains(t, other.Body.String(), "246802")

	words := s.do(t, "POST", "/messages", otp, `Idempotency-Key: word`)
	quoted := s.do(t, "POST", "/messages", otp, `Idempotency-Key: "word"`)
	require.Equal(t, words.Body.String(), quoted.Body.String())

	for _, wrong := range []string{`""`, `"`, `"a`, `a b`, `"a"b`, "\"\x01\"", `"ü"`, `a"b`, `"a\b"`, strings.Repeat("k", 256), "a,b"} {
		w := s.do(t, "POST", "/messages", otp, "Idempotency-Key: "+wrong)
		require.Equal(t, http.StatusBadRequest, w.Code, wrong)
		require.Contains(t, mistakesOf(t, w), "Idempotency-Key", wrong)
	}
}

func TestTrigger_ConcurrentRequestsOfAKeyAreOneMessage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var requests sync.WaitGroup
	answers := make([]*httptest.ResponseRecorder, 50)
	for i := range answers {
		r := exchange{method: "POST", path: "/messages", body: otp, headers: []string{`Idempotency-Key: "k"`}}.newRequest(t, "")
		answers[i] = httptest.NewRecorder()
		requests.Go(func() { s.ServeHTTP(answers[i], r) })
	}
	requests.Wait()
	for _, w := range answers {
		require.Equal(t, http.StatusAccepted, w.Code)
		require.Equal(t, answers[0].Body.String(), w.Body.String())
	}
	page, err := s.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
}

// TestTrigger_NamesEveryField proves that each mistake has its place, and that no answer repeats
// a value.
func TestTrigger_NamesEveryField(t *testing.T) {
	t.Parallel()
	secret := "0912345678"
	tests := []struct{ body, code, pointer, detail string }{
		{`{"template":"nothing","to":{"phone":"+886912345678"}}`, "invalid_trigger", "#/template", `no template "nothing" is registered, want one of "notice", "otp", "retired"`},
		{`{"template":"otp","to":{"phone":"+886912345678"}}`, "invalid_trigger", "#/vars", `variable "code" of template "otp" is missing`},
		{`{"template":"notice","to":{"phone":"+886912345678"},"vars":{"0912345678":"x"}}`, "invalid_trigger", "#/vars", `template "notice" has no variable "***", want []`},
		{`{"template":"notice","to":{}}`, "invalid_trigger", "#/to", "is required, and has neither a number nor an ID"},
		{`{"template":"notice","to":{"ids":{"fax":"0912345678"}}}`, "invalid_trigger", "#/to/ids", `no channel "fax" is registered, want one of "line_push", "sms"`},
		{`{"template":"notice","to":{"phone":"+886912345678"},"send_at":"9999-01-01T00:00:00Z"}`, "invalid_trigger", "#/send_at", "is after the year 9998 (year 9999)"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"reference":"` + strings.Repeat("r", 256) + `"}`, "invalid_trigger", "#/reference", "must be UTF-8 without NUL, and 255 bytes at most (256 bytes)"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"metadata":{"name":"\u0000"}}`, "invalid_trigger", "#/metadata", "must be UTF-8 without NUL"},
		{`{"template":"notice","to":{"phone":"0912345678"}}`, "invalid_request", "#/to/phone", "must be a number in E.164, such as +886912345678"},
		{`{"template":"notice","to":{"phone":912345678}}`, "invalid_request", "#/to/phone", "must be a string"},
		{`{"template":"notice","to":"0912345678"}`, "invalid_request", "#/to", "must be an object"},
		{`{"template":"notice"}`, "invalid_request", "#/to", "is required"},
		{`{"to":{"phone":"+886912345678"}}`, "invalid_request", "#/template", "is required"},
		{`{"template":"","to":{"phone":"+886912345678"}}`, "invalid_request", "#/template", "must not be empty; leave it out"},
		{`{"template":null,"to":{"phone":"+886912345678"}}`, "invalid_request", "#/template", "must be a string"},
		{`{"Template":"notice","template":"notice","to":{"phone":"+886912345678"}}`, "invalid_request", "#/Template", "is no field of this object"},
		{`{"template":"notice","to":{"phone":"+886912345678","0912345678":1}}`, "invalid_request", "#/to/%2A%2A%2A", "is no field of this object"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"a/b~":1}`, "invalid_request", "#/a~1b~0", "is no field of this object"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"vars":{"code":135790}}`, "invalid_request", "#/vars/code", "must be a string"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"vars":[]}`, "invalid_request", "#/vars", "must be an object of strings"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"send_at":"tomorrow"}`, "invalid_request", "#/send_at", "must be a time in RFC 3339, such as 2026-11-29T10:00:00+08:00"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"send_at":"2026-11-29T10:00:00,5Z"}`, "invalid_request", "#/send_at", "must be a time in RFC 3339, such as 2026-11-29T10:00:00+08:00"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"ttl_seconds":0}`, "invalid_request", "#/ttl_seconds", "must be an integer from 1 to 9223372036, without exponent"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"ttl_seconds":1e400}`, "invalid_request", "#/ttl_seconds", "must be an integer from 1 to 9223372036, without exponent"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"ttl_seconds":9223372037}`, "invalid_request", "#/ttl_seconds", "must be an integer from 1 to 9223372036, without exponent"},
		{`{"template":"notice","to":{"phone":"+886912345678"},"key":"k"}`, "invalid_request", "#/key", "is no field of this object"},
	}
	s := newService(t)
	for _, tt := range tests {
		w := s.do(t, "POST", "/messages", tt.body)
		require.Equal(t, http.StatusBadRequest, w.Code, tt.body)
		require.Equal(t, tt.code, decode(t, w)["code"], tt.body)
		require.Equal(t, map[string]string{tt.pointer: tt.detail}, mistakesOf(t, w), tt.body)
		require.NotContains(t, w.Body.String(), secret, tt.body)
	}
	w := s.do(t, "POST", "/messages", `{"to":{"phone":"x","ids":7},"vars":{"a":1,"b":2},"x":0}`)
	require.Len(t, mistakesOf(t, w), 6, "all mistakes come at once")
	w = s.do(t, "POST", "/messages", "{"+manyFields(5000)+"}")
	require.Len(t, mistakesOf(t, w), 100, "their number is bounded")
}

func manyFields(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"f%d":0`, i))
	}
	return strings.Join(all, ",")
}

// TestBody_MeansOneThing proves that JSON which readers take in different ways is refused.
func TestBody_MeansOneThing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for name, body := range map[string]string{
		"a field twice":           `{"template":"otp","template":"notice"}`,
		"a field twice, escaped":  `{"template":"otp","t\u0065mplate":"notice"}`,
		"a field twice, deeper":   `{"to":{"phone":"+886912345678","phone":"+886912345679"}}`,
		"two values":              otp + otp,
		"a comma too many":        `{"template":"otp",}`,
		"a byte order mark":       "\ufeff" + otp,
		"a comment":               `{"template":"otp"/**/}`,
		"not UTF-8":               "{\"template\":\"\xff\"}",
		"half a character":        `{"template":"\ud800"}`,
		"the other half":          `{"template":"\udc00"}`,
		"half, and another":       `{"template":"\ud800\u0041"}`,
		"a list":                  "[" + otp + "]",
		"a text":                  `"otp"`,
		"nothing":                 " ",
		"too deep":                strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9),
		"far too deep":            strings.Repeat("[", 1_000_000),
		"too deep, and a list":    `{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}",
		"a number that is no one": `{"ttl_seconds":01}`,
		"too many values":         `{"triggers":[` + strings.Repeat(`{},`, 2000) + `{}]}`,
	} {
		w := s.do(t, "POST", "/messages", body)
		require.Equal(t, http.StatusBadRequest, w.Code, name)
		require.Equal(t, "invalid_json", decode(t, w)["code"], name)
	}
	w := s.do(t, "POST", "/messages", strings.Replace(otp, `135790`, `\\ud800 \ud83d\ude00 \"`, 1))
	require.Equal(t, http.StatusAccepted, w.Code, w.Body)
	m, err := s.Message(t.Context(), uuid.MustParse(decode(t, w)["id"].(string)))
	require.NoError(t, err)
	require.Equal(t, `\ud800 😀 "`, m.Vars["code"])
}

func TestBody_IsBoundedJSON(t *testing.T) {
	t.Parallel()
	s := newService(t, func(c *api.Config) { c.MaxBody, c.MaxInFlight = 1000, 1500 })
	long := strings.Replace(otp, "135790", strings.Repeat("1", 1000), 1)
	require.Equal(t, http.StatusRequestEntityTooLarge, s.do(t, "POST", "/messages", long).Code)
	for _, headers := range [][]string{
		{"Content-Type: "},
		{"Content-Type: text/plain"},
		{"Content-Type: application/x-www-form-urlencoded"},
		{"Content-Type: application/json; charset=utf-16"},
		{"Content-Type: application/problem+json"},
		{"Content-Type: ;"},
		{"Content-Encoding: gzip"},
	} {
		require.Equal(t, http.StatusUnsupportedMediaType, s.do(t, "POST", "/messages", otp, headers...).Code, headers)
	}
	require.Equal(t, http.StatusAccepted, s.do(t, "POST", "/messages", otp, "Content-Type: Application/JSON; charset=UTF-8").Code)
}

func TestTriggerMany_IsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := newService(t, func(c *api.Config) { c.MaxTriggers = 3 })
	one := func(template, key string) string {
		return fmt.Sprintf(`{"template":%q,"to":{"phone":"+886912345678"},"key":%q}`, template, key)
	}
	many := func(triggers ...string) string { return `{"triggers":[` + strings.Join(triggers, ",") + `]}` }
	w := s.do(t, "POST", "/messages/batch", many(one("notice", "a"), one("nothing", "b"), one("otp", "c")))
	require.Equal(t, http.StatusBadRequest, w.Code)
	got := mistakesOf(t, w)
	require.Len(t, got, 2)
	require.Contains(t, got, "#/triggers/1/template")
	require.Contains(t, got, "#/triggers/2/vars")
	page, err := s.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Empty(t, page.Messages)

	w = s.do(t, "POST", "/messages/batch", many(one("notice", "a"), one("notice", "b"), one("notice", "a")))
	require.Equal(t, http.StatusAccepted, w.Code, w.Body)
	ids := decode(t, w)["ids"].([]any)
	require.Len(t, ids, 3)
	require.Equal(t, ids[0], ids[2])
	require.NotEqual(t, ids[0], ids[1])
	require.Equal(t, api.AuditEntry{At: now, Caller: "sender", Action: api.Trigger, Triggers: 3, Template: "notice"}, s.entries()[1])

	other := strings.Replace(one("notice", "b"), "678", "679", 1)
	w = s.do(t, "POST", "/messages/batch", many(one("notice", "c"), other))
	require.Equal(t, http.StatusUnprocessableEntity, w.Code, w.Body)
	require.Equal(t, map[string]string{"#/triggers/1/key": "was used for another message"}, mistakesOf(t, w))

	for _, body := range []string{many(), `{}`, `{"triggers":{}}`, many("1"), many(one("notice", "a"), one("notice", "b"), one("notice", "c"), one("notice", "d"))} {
		w = s.do(t, "POST", "/messages/batch", body)
		require.Equal(t, http.StatusBadRequest, w.Code, body)
		require.Contains(t, mistakesOf(t, w), "#/triggers", body)
	}
}

func TestAudit_NamesTheTemplateOfAllTriggers(t *testing.T) {
	t.Parallel()
	s := newService(t)
	one := func(template string) string {
		return fmt.Sprintf(`{"template":%q,"to":{"phone":"+886912345678"}}`, template)
	}
	for triggers, want := range map[string]string{
		one("notice") + "," + one("notice"):                        "notice",
		one("notice") + "," + one("retired"):                       "",
		one("notice") + "," + one("retired") + "," + one("notice"): "",
	} {
		w := s.do(t, "POST", "/messages/batch", `{"triggers":[`+triggers+`]}`)
		require.Equal(t, http.StatusAccepted, w.Code, w.Body)
		require.Equal(t, want, s.entries()[len(s.entries())-1].Template, triggers)
	}
	require.Equal(t, http.StatusBadRequest, s.do(t, "POST", "/messages", one(personNumber)).Code)
	require.NotContains(t, s.entries()[3].Template, "912345678", "a name that the caller made up")
}

func TestTriggerMany_KeyOfTheRequestIsOneForEachTrigger(t *testing.T) {
	t.Parallel()
	s := newService(t)
	notice := `{"template":"notice","to":{"phone":"+886912345678"}}`
	body := `{"triggers":[` + notice + "," + notice + `]}`
	first := s.do(t, "POST", "/messages/batch", body, `Idempotency-Key: "batch"`)
	require.Equal(t, http.StatusAccepted, first.Code)
	again := s.do(t, "POST", "/messages/batch", body, `Idempotency-Key: "batch"`)
	require.Equal(t, first.Body.String(), again.Body.String())
	ids := decode(t, first)["ids"].([]any)
	require.NotEqual(t, ids[0], ids[1])
	m, err := s.Message(t.Context(), uuid.MustParse(ids[1].(string)))
	require.NoError(t, err)
	require.Equal(t, "batch/1", m.Key)
}

func TestTrigger_SaysWhetherItMayBeStored(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.store.fail("Insert")
	for _, path := range []string{"/messages", "/messages/batch"} {
		body := otp
		if path == "/messages/batch" {
			body = `{"triggers":[` + otp + `]}`
		}
		w := s.do(t, "POST", path, body)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "maybe_stored", decode(t, w)["code"])
		require.Equal(t, "5", w.Header().Get("Retry-After"))
		require.NotContains(t, w.Body.String(), personNumber)
	}
}

func TestTrigger_TakesNumbersOfARegion(t *testing.T) {
	t.Parallel()
	s := newService(t, func(c *api.Config) { c.Region = "TW" })
	w := s.do(t, "POST", "/messages", strings.Replace(otp, "+886912345678", "0912-345-678", 1))
	require.Equal(t, http.StatusAccepted, w.Code, w.Body)
	m, err := s.Message(t.Context(), uuid.MustParse(decode(t, w)["id"].(string)))
	require.NoError(t, err)
	require.Equal(t, personNumber, m.To.Phone.E164())
	w = s.do(t, "POST", "/messages", strings.Replace(otp, "+886912345678", "0", 1))
	require.Equal(t, map[string]string{"#/to/phone": "must be a number in E.164, such as +886912345678, or one of TW"}, mistakesOf(t, w))
}
