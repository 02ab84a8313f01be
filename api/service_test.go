package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // time zones for machines without them

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the time of all tests: a Sunday evening in Taipei.
var now = time.Date(2026, 11, 29, 10, 40, 0, 0, time.UTC)

// person is the recipient of the tests' messages, by the number and by an ID on LINE.
const (
	personNumber = "+886912345678"
	personID     = "U4af4980629"
)

// The callers, as the Authorization header has them.
const (
	sender  = "Bearer sender"  // may do everything
	reader  = "Bearer reader"  // may read, masked
	blocked = "Bearer blocked" // is refused
)

// service is a handler under test, with what it stands on.
type service struct {
	*smsplus.Dispatcher
	http.Handler

	store *brokenStore
	clock *clock.Mock

	mu    sync.Mutex
	audit []api.AuditEntry
}

// brokenStore is a store that can fail, or not read a message.
type brokenStore struct {
	storetest.Faulty

	unreadable uuid.UUID
}

var errDown = errors.New("the store is down, and " + personNumber + " with it")

// Message returns the store's, if it can be read.
func (s *brokenStore) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	if id == s.unreadable {
		return smsplus.Message{}, smsplus.ErrUnreadable
	}
	return s.Faulty.Message(ctx, id)
}

// Records returns the store's, and the message that is unreadable if there is one.
func (s *brokenStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	page, err := s.Faulty.Records(ctx, f)
	if err == nil && s.unreadable != uuid.Max {
		page.Unreadable = append(page.Unreadable, smsplus.Unreadable{ID: s.unreadable, TriggeredAt: now, Err: smsplus.ErrUnreadable})
	}
	return page, err
}

// fail makes every later call of the store's methods fail, or of all methods if none is named.
func (s *brokenStore) fail(methods ...string) {
	s.Before = func(method string) error {
		if len(methods) == 0 || strings.Contains(strings.Join(methods, " "), method) {
			return errDown
		}
		return nil
	}
}

// templates are those of every service. Only the first one has a variable.
var templates = []smsplus.Template{
	{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")}}},
	{ID: "notice", Scenario: "notice", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Hello")}}},
	{ID: "retired", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Hello")}}},
}

// newService returns a service whose clock stands still.
func newService(t *testing.T, changes ...func(*api.Config)) *service {
	t.Helper()
	s := &service{clock: clock.NewMock(), store: &brokenStore{Faulty: storetest.Faulty{Store: memstore.New()}, unreadable: uuid.Max}}
	s.clock.Set(now)
	sms := simulated.New(simulated.Config{Clock: s.clock})
	push := simulated.LINEPush(s.clock)
	t.Cleanup(func() {
		require.NoError(t, sms.Close())
		require.NoError(t, push.Close())
	})
	var err error
	s.Dispatcher, err = smsplus.New(smsplus.Config{
		Store: s.store, Channels: []channel.Channel{sms, push}, Clock: s.clock,
		Templates: templates,
	})
	require.NoError(t, err)
	c := api.Config{
		Store: s.store, Dispatcher: s.Dispatcher, Clock: s.clock,
		Authorize: func(r *http.Request) (string, error) {
			switch r.Header.Get("Authorization") {
			case sender, reader:
				return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), nil
			case "":
				return "", api.ErrUnauthenticated
			}
			return "", errors.New("no access for " + personNumber)
		},
		Allow:  func(r *http.Request, _ api.Action) bool { return r.Header.Get("Authorization") == sender },
		Reveal: func(r *http.Request) bool { return r.Header.Get("Authorization") == sender },
		Audit: func(_ *http.Request, e api.AuditEntry) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.audit = append(s.audit, e)
			return nil
		},
	}
	for _, change := range changes {
		change(&c)
	}
	s.Handler, err = api.New(c)
	require.NoError(t, err)
	return s
}

// entries returns what was audited.
func (s *service) entries() []api.AuditEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.audit
}

// send triggers a one-time code to a number, and returns its ID.
func (s *service) send(t *testing.T, to phone.Number) uuid.UUID {
	t.Helper()
	id, err := s.Send(t.Context(), smsplus.Trigger{
		Template: "otp", Vars: map[string]string{"code": "135790"}, Reference: "order-17", Metadata: map[string]string{"name": "Ann Lee"},
		To: channel.Recipient{Phone: to, IDs: map[channel.Name]string{channel.LINEPush: personID}},
	})
	require.NoError(t, err)
	return id
}

// end sends what is due, and lets the receipts of the simulated provider arrive.
func (s *service) end(t *testing.T) {
	t.Helper()
	_, err := s.Tick(t.Context())
	require.NoError(t, err)
}

func number(t testing.TB, e164 string) phone.Number {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

// exchange is a request, and what it is answered.
type exchange struct {
	name, method, path, body string
	// headers are "Name: value". A body is JSON, and the caller the sender, unless they say
	// otherwise.
	headers []string

	code int
	// problem is the code of a problem.
	problem string
}

// breakFor makes the named methods of the store fail: "" for none, and "all" for all.
func (s *service) breakFor(down string) {
	switch down {
	case "":
	case "all":
		s.store.fail()
	default:
		s.store.fail(down)
	}
}

// fullMessage returns a message that has everything that a record may have.
func fullMessage(t *testing.T) smsplus.Message {
	t.Helper()
	later := func(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }
	id := uuid.New()
	return smsplus.Message{
		ID: id, Key: "key", Reference: "order-17", ResendOf: uuid.New(), ResentAs: uuid.New(), Template: "otp", Scenario: "OTP", Class: smsplus.Urgent,
		To:   channel.Recipient{Phone: number(t, personNumber), IDs: map[channel.Name]string{channel.LINEPush: personID}},
		Vars: map[string]string{"code": "135790"}, Metadata: map[string]string{"name": "Ann Lee"},
		Plan: []smsplus.PlannedStep{{Channel: channel.SMS}}, Status: status.Delivered, Channel: channel.SMS,
		TriggeredAt: now, DeliveredAt: later(3), ReadAt: later(4), ExpiresAt: later(60), CanceledAt: later(5), ConfirmedAt: later(6), Sending: -1, Version: 1,
		Attempts: []smsplus.Attempt{{
			ID: smsplus.AttemptID(id, 0), Channel: channel.SMS, Status: status.Delivered, Reason: status.SystemError, Detail: "slow",
			ProviderID: "sms-9", Content: smsplus.HashContent(channel.Text("x")), Tries: 2,
			StartedAt: now, AcceptedAt: later(1), DeliveredAt: later(3), ReadAt: later(4), EndedAt: later(3),
		}},
	}
}

// newRequest returns the request of an exchange to a server.
func (e exchange) newRequest(t *testing.T, base string) *http.Request {
	t.Helper()
	var body io.Reader
	if e.body != "" {
		body = strings.NewReader(e.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), e.method, base+e.path, body)
	require.NoError(t, err)
	r.Header.Set("Authorization", sender)
	if e.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range e.headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	return r
}

// do answers a request without a server.
func (s *service) do(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := exchange{method: method, path: path, body: body, headers: headers}.newRequest(t, "http://sms.example")
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// decode returns the JSON of an answer.
func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var got map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
	return got
}

// mistakesOf returns the places and details of a problem's mistakes.
func mistakesOf(t *testing.T, w *httptest.ResponseRecorder) map[string]string {
	t.Helper()
	var p struct {
		Errors []struct{ Pointer, Parameter, Header, Detail string }
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body.String())
	all := map[string]string{}
	for _, e := range p.Errors {
		all[e.Pointer+e.Parameter+e.Header] = e.Detail
	}
	return all
}
