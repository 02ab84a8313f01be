package line_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// routeTest is a route over all channels of an account: a push, a notification message, an
// SMS.
type routeTest struct {
	clock      *clock.Mock
	dispatcher *smsplus.Dispatcher
	webhook    http.Handler
}

func newRouteTest(t *testing.T, answers map[string]http.HandlerFunc) routeTest {
	t.Helper()
	directory := line.NewDirectory()
	a := account(newFakeLINE(t, answers).URL)
	notification := newNotification(t, line.NotificationConfig{Account: a, Followers: directory})
	mock := clock.NewMock()
	content := channel.Text("Your code is {{code}}")
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Clock:    mock,
		Channels: []channel.Channel{newPush(t, line.PushConfig{Account: a, Contacts: directory}), notification, simulated.SMS(mock)},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.LINEPush, Content: content},
			{Channel: channel.LINENotify, Content: content, Wait: time.Hour, InDoubt: smsplus.Forward},
			{Channel: channel.SMS, Content: content},
		}}},
	})
	require.NoError(t, err)
	return routeTest{mock, d, notification.ReceiptHandler(d.Receive)}
}

func (r routeTest) send(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := r.dispatcher.Send(t.Context(), smsplus.Trigger{
		Template: "otp", To: channel.Recipient{Phone: number(t, e164)}, Vars: map[string]string{"code": "498172"},
	})
	require.NoError(t, err)
	r.tick(t)
	return id
}

func (r routeTest) tick(t *testing.T) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = r.dispatcher.Tick(t.Context())
		require.NoError(t, err)
	}
}

// statuses returns the statuses of the attempts, in order.
func (r routeTest) statuses(t *testing.T, id uuid.UUID) (smsplus.Message, []status.Status) {
	t.Helper()
	m, err := r.dispatcher.Message(t.Context(), id)
	require.NoError(t, err)
	var all []status.Status
	for _, a := range m.Attempts {
		all = append(all, a.Status)
	}
	return m, all
}

func TestRoute_DeliverySettlesLostAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"answered": nil,
		"lost":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		r := newRouteTest(t, map[string]http.HandlerFunc{flexiblePath: answer})
		id := r.send(t)
		m, _ := r.statuses(t, id)
		require.Equal(t, status.NoContact, m.Attempts[0].Reason, name)

		body := delivery(m.Attempts[1].ID.String())
		w := httptest.NewRecorder()
		r.webhook.ServeHTTP(w, call(body, sign(signingSecret, []byte(body))))
		require.Equal(t, http.StatusOK, w.Code)
		r.clock.Add(2 * time.Hour)
		r.tick(t)
		m, all := r.statuses(t, id)
		require.Equal(t, status.Delivered, m.Status, name)
		require.Equal(t, []status.Status{status.Undeliverable, status.Delivered}, all, name)
	}
}

func TestRoute_SilenceAndNoMatchTakeSameTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		second status.Status
	}{
		"silence":  {nil, status.Accepted},
		"no match": {refuseWith(http.StatusUnprocessableEntity, `{"message":"Failed to send messages"}`), status.Undeliverable},
	} {
		r := newRouteTest(t, map[string]http.HandlerFunc{flexiblePath: tt.answer})
		id := r.send(t)
		r.clock.Add(time.Hour - time.Second)
		r.tick(t)
		_, all := r.statuses(t, id)
		require.Equal(t, []status.Status{status.Undeliverable, tt.second}, all, name)
		r.clock.Add(time.Second)
		r.tick(t)
		m, _ := r.statuses(t, id)
		require.Len(t, m.Attempts, 3, name)
		require.Equal(t, channel.SMS, m.Attempts[2].Channel)
	}
}
