package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// site is a console on a server.
type site struct {
	t     *testing.T
	url   string
	store smsplus.Store
	d     *smsplus.Dispatcher

	mu    sync.Mutex
	audit []console.AuditEntry
}

// serve serves the pages over a store with messages.
func serve(t *testing.T, base string, ms []smsplus.Message) *site {
	t.Helper()
	file := t.TempDir() + "/messages.db"
	require.NoError(t, sqlitestore.Migrate(t.Context(), file))
	store, err := sqlitestore.Open(t.Context(), file, sqlitestore.Options{Synchronous: sqlitestore.Normal})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	if len(ms) > 0 {
		_, err := store.Insert(t.Context(), ms)
		require.NoError(t, err)
	}
	s := &site{t: t, store: store}
	text := channel.Text("Your code is {{code}}")
	s.d, err = smsplus.New(smsplus.Config{
		Name: "node-1", Store: store, Channels: []channel.Channel{simulated.LINEPush(nil), simulated.LINENotify(nil), simulated.WhatsApp(nil), simulated.SMS(nil)},
		Templates: []smsplus.Template{
			{ID: "otp", Scenario: "驗證碼", Route: []smsplus.Step{{Channel: channel.LINEPush, Content: text}, {Channel: channel.SMS, Content: text}}},
			{ID: "shipped", Scenario: "Order shipped", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("It has left.")}}},
		},
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	pages, err := console.New(console.Config{
		Store: store, Dispatcher: s.d, Context: ctx, BasePath: base, HomeURL: "/", Title: "Example shop",
		Reveal: func(*http.Request) bool { return true },
		Allow:  func(*http.Request, console.Action) bool { return true },
		Audit: func(_ *http.Request, e console.AuditEntry) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.audit = append(s.audit, e)
			return nil
		},
	})
	require.NoError(t, err)
	server := httptest.NewServer(pages)
	t.Cleanup(func() {
		stop()
		server.CloseClientConnections()
		server.Close()
	})
	s.url = server.URL + base
	return s
}

// actions returns what was audited.
func (s *site) actions() (all []console.Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.audit {
		all = append(all, e.Action)
	}
	return all
}

// update stores a message that has changed.
func (s *site) update(m smsplus.Message) {
	s.t.Helper()
	stored, err := s.store.Message(s.t.Context(), m.ID)
	require.NoError(s.t, err)
	m.Version = stored.Version
	stale, err := s.store.Update(s.t.Context(), []smsplus.Message{m})
	require.NoError(s.t, err)
	require.Empty(s.t, stale)
}

// number is the recipient of every message, as people write it: 0912-345-678.
const number = "+886912345678"

// message is one that was triggered some time ago, with a route over the channels of its
// attempts.
func message(ago time.Duration, template string, attempts ...smsplus.Attempt) smsplus.Message {
	to, err := phone.Parse(number)
	if err != nil {
		panic(err)
	}
	at := time.Now().Add(-ago).UTC().Truncate(time.Microsecond)
	m := smsplus.Message{
		ID: uuid.New(), Template: template, Scenario: "Scenario of " + template, To: channel.Recipient{Phone: to}, Reference: "A-1001",
		Vars: map[string]string{"code": "498172"}, TriggeredAt: at, Sending: -1, Version: 1, Attempts: attempts,
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		a.ID, a.Step, a.Tries, a.StartedAt = smsplus.AttemptID(m.ID, i), i, 1, at
		if a.Status.Final() {
			a.EndedAt = at.Add(3 * time.Second)
		}
		m.Plan = append(m.Plan, smsplus.PlannedStep{Channel: a.Channel, Wait: time.Hour})
		m.Status, m.Channel = a.Status, a.Channel
		if a.Status == status.Delivered {
			a.DeliveredAt, m.DeliveredAt = a.EndedAt, a.EndedAt
		}
	}
	return m
}

func delivered(c channel.Name) smsplus.Attempt {
	return smsplus.Attempt{Channel: c, Status: status.Delivered, ProviderID: "SM" + uuid.NewString()}
}

func lost(c channel.Name, st status.Status, why status.Reason, detail string) smsplus.Attempt {
	return smsplus.Attempt{Channel: c, Status: st, Reason: why, Detail: detail}
}

// sending is a message that its first channel has accepted, and that falls back to SMS.
func sending() smsplus.Message {
	m := message(time.Minute, "otp", smsplus.Attempt{Channel: channel.LINENotify, Status: status.Accepted})
	m.Attempts[0].AcceptedAt = m.TriggeredAt
	m.Plan = append(m.Plan, smsplus.PlannedStep{Channel: channel.SMS, Wait: time.Hour})
	m.DueAt, m.Lane = m.TriggeredAt.Add(time.Hour), channel.SMS
	return m
}

// arrived is such a message after its delivery.
func arrived(m smsplus.Message) smsplus.Message {
	now := time.Now().UTC().Truncate(time.Microsecond)
	a := m.Attempts[0]
	a.Status, a.DeliveredAt, a.EndedAt = status.Delivered, now, now
	m.Attempts, m.Status, m.DeliveredAt, m.DueAt, m.Lane = []smsplus.Attempt{a}, status.Delivered, now, time.Time{}, ""
	return m
}

// days are messages of several days, with every status.
func days() []smsplus.Message {
	var ms []smsplus.Message
	for i := range 40 {
		ago := time.Duration(i*i)*40*time.Minute + time.Minute
		ms = append(ms,
			message(ago, "otp", delivered(channel.LINEPush)),
			message(ago, "shipped", lost(channel.LINEPush, status.Undeliverable, status.NoContact, ""), delivered(channel.SMS)),
			message(ago, "appointment", delivered(channel.WhatsApp)))
	}
	return append(ms,
		sending(),
		message(5*time.Minute, "otp", lost(channel.LINEPush, status.Undeliverable, status.Blocked, ""),
			lost(channel.SMS, status.Undeliverable, status.InvalidNumber, "21211: The 'To' number is not a valid phone number.")),
		message(6*time.Minute, "appointment", lost(channel.WhatsApp, status.Failed, status.TemplateConfig, "132001: Template does not exist")))
}

// hostile are names and texts that pages must show, and not obey.
func hostile() []string {
	return []string{
		`<script>window.hacked = 1</script>`, `"><img src=x onerror="window.hacked = 2">`, `'-alert(1)-'`, `{{.}}`, `javascript:alert(1)`,
		"\u202egnp.exe", "مرحبا بالعالم", strings.Repeat("long", 60), "a\tb\u0085c\u200b\ufeff", `</td></tr></table><h1>x`,
	}
}

// hostileMessages have hostile texts in every field.
func hostileMessages() []smsplus.Message {
	var ms []smsplus.Message
	for i, text := range hostile() {
		m := message(time.Duration(i+1)*time.Minute, text,
			lost(channel.Name("c-"+fmt.Sprint(i)+text), status.Undeliverable, status.Reason(text), text), lost(channel.SMS, status.Failed, status.SystemError, text))
		m.Scenario, m.Reference, m.Attempts[1].ProviderID = text, text, text
		m.Metadata = map[string]string{text: text}
		m.Vars = map[string]string{text: text}
		ms = append(ms, m)
	}
	return ms
}
