package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// acting adds a dispatcher with two templates on simulated channels, and lets every request
// take every action.
func acting(t *testing.T, d **smsplus.Dispatcher) func(*console.Config) {
	return func(c *console.Config) {
		var err error
		*d, err = smsplus.New(smsplus.Config{
			Store: c.Store, Clock: c.Clock,
			Channels: []channel.Channel{simulated.LINEPush(c.Clock), simulated.SMS(c.Clock)},
			Templates: []smsplus.Template{
				{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
					{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}")},
					{Channel: channel.SMS, Content: channel.Text("Code {{code}} of {{shop}}")},
				}},
				{ID: "shipped", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("It has left.")}}},
			},
		})
		require.NoError(t, err)
		c.Dispatcher = *d
		c.Allow = func(*http.Request, console.Action) bool { return true }
	}
}

// onSQLite puts the pages on a sqlitestore, which can erase.
func onSQLite(t *testing.T) func(*console.Config) {
	return func(c *console.Config) {
		path := filepath.Join(t.TempDir(), "messages.db")
		require.NoError(t, sqlitestore.Migrate(t.Context(), path))
		store, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		c.Store = store
	}
}

// trigger stores a message of the template shipped.
func trigger(t *testing.T, d *smsplus.Dispatcher, number string) uuid.UUID {
	t.Helper()
	m := sent(0, "shipped", delivered(channel.SMS, 0))
	id, err := d.Send(t.Context(), smsplus.Trigger{Template: "shipped", To: m.To, Reference: number})
	require.NoError(t, err)
	return id
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// confirm sends the form that a page of the site asks for confirmation with.
func (s *site) confirm(html string) *httptest.ResponseRecorder {
	s.t.Helper()
	main := html[strings.Index(html, "<main"):strings.Index(html, "</main>")]
	action := regexp.MustCompile(`<form method="post"[^>]* action="([^"]+)"`).FindStringSubmatch(main)
	require.NotNil(s.t, action, "the page asks for nothing")
	form := url.Values{}
	for _, f := range hidden.FindAllStringSubmatch(main, -1) {
		form.Set(f[1], f[2])
	}
	return s.post(action[1], form.Encode())
}

// follow returns the page that an answer redirects to.
func (s *site) follow(w *httptest.ResponseRecorder) string {
	s.t.Helper()
	require.Equal(s.t, http.StatusSeeOther, w.Code, w.Body.String())
	return s.page(w.Header().Get("Location"))
}

func TestActions_CancelIsConfirmedAndAudited(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, acting(t, &d))
	id := trigger(t, d, "A-1")
	require.Contains(t, s.page("/records/"+id.String()), "/actions/cancel?message="+id.String())

	asked := s.page("/actions/cancel?message=" + id.String())
	require.Contains(t, text(asked), "cannot be called back")
	require.NotContains(t, asked, "912345678")
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, m.CanceledAt, "a question changes nothing")
	require.Empty(t, s.audit)

	html := s.follow(s.confirm(asked))
	require.Contains(t, text(html), "The message is canceled.")
	m, err = d.Message(t.Context(), id)
	require.NoError(t, err)
	require.NotZero(t, m.CanceledAt)
	require.Equal(t, []console.AuditEntry{{At: now, User: "ann", Action: console.Cancel, Message: id, Page: "/actions/cancel"}}, s.audit)
}

func TestActions_ResendLeadsToTheNewMessage(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	old := sent(time.Hour, "shipped", lost(channel.SMS, status.Undeliverable, status.CarrierError, "", time.Hour))
	s := open(t, []smsplus.Message{old}, acting(t, &d))
	require.Contains(t, s.page("/records/"+old.ID.String()), "/actions/resend?message=")
	asked := s.page("/actions/resend?message=" + old.ID.String())
	first := s.confirm(asked)
	html := s.follow(first)
	require.Contains(t, text(html), "This is the new one.")
	m, err := d.Message(t.Context(), old.ID)
	require.NoError(t, err)
	require.Contains(t, first.Header().Get("Location"), m.ResentAs.String())
	second := s.confirm(asked)
	require.Equal(t, first.Header().Get("Location"), second.Header().Get("Location"), "a second click sends no third message")
	require.NotContains(t, s.page("/records/"+old.ID.String()), "/actions/resend?")
}

func TestActions_SayWhyTheyMakeNoSense(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	arrived := sent(time.Hour, "shipped", delivered(channel.SMS, time.Hour))
	foreign := sent(time.Hour, "gone", lost(channel.SMS, status.Failed, status.SystemError, "", time.Hour))
	s := open(t, []smsplus.Message{arrived, foreign}, acting(t, &d))
	open := trigger(t, d, "A-1")
	for _, tt := range []struct {
		action, id, want string
		code             int
	}{
		{"cancel", arrived.ID.String(), "The message has ended", http.StatusConflict},
		{"resend", arrived.ID.String(), "The message was delivered", http.StatusConflict},
		{"resend", open.String(), "still under way", http.StatusConflict},
		{"cancel", uuid.NewString(), "There is no such message", http.StatusNotFound},
		{"cancel", "0912345678", "This is no message ID", http.StatusBadRequest},
		{"pause", "", "Name one channel", http.StatusBadRequest},
	} {
		form := url.Values{"message": {tt.id}}.Encode()
		for _, w := range []*httptest.ResponseRecorder{s.get("/actions/" + tt.action + "?" + form), s.post("/actions/"+tt.action, form)} {
			require.Equal(t, tt.code, w.Code, "%s %s", tt.action, tt.id)
			require.Contains(t, text(w.Body.String()), tt.want)
			requireSound(t, w.Body.String())
		}
	}
	w := s.post("/actions/resend", "message="+foreign.ID.String())
	require.Equal(t, http.StatusConflict, w.Code)
	require.Contains(t, text(w.Body.String()), "the template may have changed")
	for _, m := range []smsplus.Message{arrived, foreign} {
		require.NotContains(t, s.page("/records/"+m.ID.String()), "/actions/cancel?")
	}
}

func TestActions_PauseAndResume(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, acting(t, &d))
	id := trigger(t, d, "A-1")
	require.Contains(t, s.page("/providers"), "/actions/pause?channel=sms")
	for _, of := range []string{"channel=sms", "template=shipped"} {
		asked := s.page("/actions/pause?" + of)
		require.Contains(t, asked, `name="why"`)
		html := s.follow(s.post("/actions/pause", of+"&why=carrier%0Ais+down"))
		require.Contains(t, text(html), "It is paused.")
		require.Contains(t, text(html), "ann: carrier is down")
		require.Contains(t, html, "/actions/resume?"+of)
		require.NotContains(t, html, "/actions/pause?"+of+`"`)
		_, err := d.Tick(t.Context())
		require.NoError(t, err)
		m, err := d.Message(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, m.Attempts)

		require.Contains(t, s.page("/operations"), "/actions/resume?"+of)
		if of == "channel=sms" {
			require.Contains(t, s.page("/providers"), "/actions/resume?"+of)
		}

		html = s.follow(s.confirm(s.page("/actions/resume?" + of)))
		require.Contains(t, text(html), "Nothing is paused.")
	}
	var did []console.Action
	for _, e := range s.audit {
		did = append(did, e.Action)
	}
	require.Equal(t, []console.Action{console.Pause, console.Resume, console.Pause, console.Resume}, did)
	require.Equal(t, channel.SMS, s.audit[0].Channel)
	require.Equal(t, "shipped", s.audit[2].Template)

	s.follow(s.post("/actions/pause", "channel=sms&why="+strings.Repeat("%E9%9B%BB", 200)+"%ff"))
	pauses, err := s.store.Pauses(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, len(pauses[0].Note), 255)
}

func TestActions_ErasesAPerson(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	ended := sent(time.Hour, "shipped", delivered(channel.SMS, time.Hour))
	s := open(t, []smsplus.Message{ended}, onSQLite(t), acting(t, &d))
	w := s.post("/actions/erase", "region=TW&number=0912-345-678")
	require.Equal(t, http.StatusOK, w.Code)
	asked := w.Body.String()
	requireSound(t, asked)
	require.Contains(t, text(asked), "This cannot be undone.")
	require.NotContains(t, asked, "912345678")
	require.NotContains(t, asked, "345-678")
	require.Empty(t, s.audit)
	html := s.follow(s.confirm(asked))
	require.Contains(t, text(html), "Erased from 1 messages.")
	m, err := d.Message(t.Context(), ended.ID)
	require.NoError(t, err)
	require.True(t, m.To.IsZero())
	require.Equal(t, []console.AuditEntry{{At: now, User: "ann", Action: console.Erase, Page: "/actions/erase"}}, s.audit)
}

func TestActions_EraseLeavesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, onSQLite(t), acting(t, &d))
	trigger(t, d, "A-1")
	html := s.follow(s.confirm(s.post("/actions/erase", "region=TW&number=0912345678").Body.String()))
	require.Contains(t, text(html), "Erased from 0 messages. Others are still under way")
}

func TestActions_EraseTakesAnID(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	m := sent(time.Hour, "otp", delivered(channel.LINEPush, time.Hour))
	m.To.IDs = map[channel.Name]string{channel.LINEPush: "U4af4980629"}
	s := open(t, []smsplus.Message{m}, onSQLite(t), acting(t, &d))
	asked := s.post("/actions/erase", "channel=line_push&id=U4af4980629").Body.String()
	require.NotContains(t, asked, "U4af4980629")
	html := s.follow(s.confirm(asked))
	require.Contains(t, text(html), "Erased from 1 messages.")

	for _, form := range []string{"", "region=TW&number=12", "region=TW&number=0912345678&channel=sms&id=x", "person=AAAA"} {
		w := s.post("/actions/erase", form)
		require.Equal(t, http.StatusBadRequest, w.Code, form)
		requireSound(t, w.Body.String())
	}
}

func TestActions_SendsATestOnce(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, acting(t, &d))
	form := s.page("/actions/test?template=otp")
	require.Contains(t, form, `for="var-0"><bdi>code</bdi>`)
	require.Contains(t, form, `for="var-1"><bdi>shop</bdi>`)
	require.Contains(t, text(form), "LINE Push → SMS")
	w := s.post("/actions/test", "template=otp&region=TW&number=0912+345+678&var-0=1234&var-1=Aa")
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	asked := w.Body.String()
	requireSound(t, asked)
	require.NotContains(t, asked, "912345678")
	require.NotContains(t, asked, "1234")
	first := s.confirm(asked)
	require.Contains(t, text(s.follow(first)), "The test is on its way.")
	require.Equal(t, first.Header().Get("Location"), s.confirm(asked).Header().Get("Location"), "a second click sends no second message")
	page, err := s.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
	m := page.Messages[0]
	require.Equal(t, map[string]string{"code": "1234", "shop": "Aa"}, m.Vars)
	require.Equal(t, "console-test", m.Reference)
	require.Equal(t, console.AuditEntry{At: now, User: "ann", Action: console.SendTest, Template: "otp", Page: "/actions/test"}, s.audit[0])
}

func TestActions_TestSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, acting(t, &d))
	w := s.post("/actions/test", "template=otp&region=TW&number=12&var-0=%22%3E%3Cb%3E&var-1=b")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, text(w.Body.String()), "This is no number of the country.")
	require.Contains(t, w.Body.String(), `value="&#34;&gt;&lt;b&gt;"`, "what was typed is kept")
	requireSound(t, w.Body.String())
	w = s.post("/actions/test", "template=otp&region=TW&number=0912345678&var-0=a%00b")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Equal(t, http.StatusNotFound, s.get("/actions/test?template=none").Code)
	require.Equal(t, http.StatusBadRequest, s.post("/actions/test", "test=AAAA").Code)
	page, err := s.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Empty(t, page.Messages)
}

// actionForms is a form of each action, by its path.
func actionForms(id uuid.UUID) map[console.Action][2]string {
	return map[console.Action][2]string{
		console.Cancel: {"/actions/cancel", "message=" + id.String()}, console.Resend: {"/actions/resend", "message=" + id.String()},
		console.Pause: {"/actions/pause", "channel=sms"}, console.Resume: {"/actions/resume", "channel=sms"},
		console.Erase: {"/actions/erase", "region=TW&number=0912345678"}, console.SendTest: {"/actions/test", "template=shipped&region=TW&number=0912345678"},
	}
}

func TestActions_AreRefusedOneByOne(t *testing.T) {
	t.Parallel()
	for allowed := range actionForms(uuid.UUID{}) {
		var d *smsplus.Dispatcher
		s := open(t, nil, onSQLite(t), acting(t, &d), func(c *console.Config) {
			c.Allow = func(_ *http.Request, a console.Action) bool { return a == allowed }
		})
		id := trigger(t, d, "A-1")
		html := s.page("/actions")
		require.Equal(t, allowed == console.Erase, strings.Contains(html, `action="/actions/erase"`))
		require.Equal(t, allowed == console.Cancel, strings.Contains(s.page("/records/"+id.String()), "/actions/cancel?"))
		for a, form := range actionForms(id) {
			if a == allowed {
				require.NotEqual(t, http.StatusForbidden, s.post(form[0], form[1]).Code, "%s", a)
				continue
			}
			require.Equal(t, http.StatusForbidden, s.post(form[0], form[1]).Code, "%s", a)
			if a != console.Erase {
				require.Equal(t, http.StatusForbidden, s.get(form[0]+"?"+form[1]).Code, "%s", a)
			}
		}
		for _, e := range s.audit {
			require.Equal(t, allowed, e.Action)
		}
	}
}

func TestActions_AreHiddenFromReadOnlyViewers(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	for name, change := range map[string]func(*console.Config){
		"no dispatcher": func(c *console.Config) { c.Dispatcher = nil },
		"no Allow":      func(c *console.Config) { c.Allow = nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, nil, acting(t, &d), change)
			id := trigger(t, d, "A-1")
			for _, path := range []string{"/templates", "/records", "/records?open=" + id.String(), "/records/" + id.String(), "/providers", "/operations"} {
				require.NotContains(t, s.page(path), "/actions")
			}
			require.Equal(t, http.StatusForbidden, s.get("/actions").Code)
			for a, form := range actionForms(id) {
				require.Equal(t, http.StatusForbidden, s.post(form[0], form[1]).Code, "%s", a)
			}
			require.Empty(t, s.audit)
		})
	}
}

func TestActions_AreNotTakenWithoutAudit(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, acting(t, &d), func(c *console.Config) {
		c.Audit = func(*http.Request, console.AuditEntry) error { return errors.New("disk is full") }
	})
	id := trigger(t, d, "A-1")
	w := s.post("/actions/cancel", "message="+id.String())
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, text(w.Body.String()), "Nothing was done")
	require.NotContains(t, w.Body.String(), "disk")
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, m.CanceledAt)
}

func TestActions_AreFinishedWhenTheViewerLeaves(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	ctx, leave := context.WithCancel(t.Context())
	s := open(t, nil, acting(t, &d), func(c *console.Config) {
		c.Audit = func(*http.Request, console.AuditEntry) error {
			leave()
			return nil
		}
	})
	id := trigger(t, d, "A-1")
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/actions/cancel", strings.NewReader("message="+id.String()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.do(r)
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.NotZero(t, m.CanceledAt)
}

func TestActions_RefuseCrossOriginForms(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, onSQLite(t), acting(t, &d))
	id := trigger(t, d, "A-1")
	for a, form := range actionForms(id) {
		r := httptest.NewRequest(http.MethodPost, form[0], strings.NewReader(form[1]))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		require.Equal(t, http.StatusForbidden, s.do(r).Code, "%s", a)
	}
	require.Empty(t, s.audit)
}

func TestActions_InChinese(t *testing.T) {
	t.Parallel()
	var d *smsplus.Dispatcher
	s := open(t, nil, onSQLite(t), acting(t, &d))
	id := trigger(t, d, "A-1")
	for _, path := range []string{"/actions", "/actions/cancel?message=" + id.String(), "/actions/pause?template=otp", "/actions/test?template=otp"} {
		require.Contains(t, s.page(path, "Accept-Language: zh-TW"), `lang="zh-Hant"`)
	}
}
