package whatsapp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// routeTest is a message on a route: WhatsApp, and SMS after an hour.
type routeTest struct {
	*smsplus.Dispatcher
	clock *clock.Mock
	graph *fakeGraph
	wa    *whatsapp.Channel
	id    uuid.UUID
}

func newRouteTest(t *testing.T, answer http.HandlerFunc) *routeTest {
	t.Helper()
	return newRouteTestTo(t, channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)}, answer)
}

func newRouteTestTo(t *testing.T, to channel.Recipient, answer http.HandlerFunc) *routeTest {
	t.Helper()
	r := &routeTest{clock: clock.NewMock(), graph: newFakeGraph(t, answer)}
	r.clock.Set(time.Unix(1750030000, 0)) // shortly before Meta's examples
	r.wa = open(t, config(r.graph.url))
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: r.clock,
		Channels: []channel.Channel{r.wa, simulated.SMS(r.clock)},
		Templates: []smsplus.Template{{ID: "shipped", Route: []smsplus.Step{
			{Channel: channel.WhatsApp, Content: shippedTemplate, Wait: time.Hour},
			{Channel: channel.SMS, Content: channel.Text("Your order has shipped")},
		}}},
	})
	require.NoError(t, err)
	r.Dispatcher = d
	r.id, err = d.Send(t.Context(), smsplus.Trigger{Template: "shipped", To: to})
	require.NoError(t, err)
	r.advance(t, 0)
	return r
}

func (r *routeTest) advance(t *testing.T, how time.Duration) {
	t.Helper()
	r.clock.Add(how)
	_, err := r.Tick(t.Context())
	require.NoError(t, err)
}

// receive lets Meta call about the message that it got.
func (r *routeTest) receive(t *testing.T, example string, fields ...any) {
	t.Helper()
	var sent struct {
		Attempt string `json:"biz_opaque_callback_data"`
	}
	require.NoError(t, json.Unmarshal(<-r.graph.bodies, &sent))
	w := httptest.NewRecorder()
	r.wa.ReceiptHandler(r.Receive).ServeHTTP(w, newSignedCall(t, exampleFor(t, example, sent.Attempt, fields...), appSecret))
	require.Equal(t, http.StatusOK, w.Code)
}

func (r *routeTest) requireMessage(t *testing.T, want status.Status, on channel.Name, attempts int) smsplus.Message {
	t.Helper()
	m, err := r.Message(t.Context(), r.id)
	require.NoError(t, err)
	require.Equal(t, want, m.Status)
	require.Equal(t, on, m.Channel)
	require.Len(t, m.Attempts, attempts)
	return m
}

func TestRoute_UndeliveredForwardsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRouteTest(t, nil)
	r.requireMessage(t, status.Accepted, channel.WhatsApp, 1)
	r.receive(t, "webhooks/failed.json")
	r.advance(t, 0)
	m := r.requireMessage(t, status.Delivered, channel.SMS, 2)
	require.Equal(t, status.Undeliverable, m.Attempts[0].Status)
	require.Equal(t, status.Blocked, m.Attempts[0].Reason)
}

func TestRoute_FailedWithoutCallbackDataForwardsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRouteTest(t, nil)
	r.receive(t, "webhooks/failed.json", "biz_opaque_callback_data", nil)
	r.advance(t, 0)
	m := r.requireMessage(t, status.Delivered, channel.SMS, 2)
	require.Equal(t, status.Blocked, m.Attempts[0].Reason)
}

func TestRoute_RefusedForwardsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRouteTest(t, refuseWith(400, 131026, "Message undeliverable", ""))
	m := r.requireMessage(t, status.Delivered, channel.SMS, 2)
	require.Equal(t, status.NoContact, m.Attempts[0].Reason)
}

// Of a person with a username Meta may tell the user ID alone, which changes with the number.
func TestRoute_ReceiptsOfAUserIDFindTheirMessage(t *testing.T) {
	t.Parallel()
	to := channel.Recipient{IDs: map[channel.Name]string{channel.WhatsApp: userID}}
	for _, told := range []string{userID, "TW.99991208655302741918"} {
		r := newRouteTestTo(t, to, nil)
		r.receive(t, "webhooks/sent.json", "status", "delivered", "recipient_id", nil, "recipient_user_id", told)
		r.requireMessage(t, status.Delivered, channel.WhatsApp, 1)

		r = newRouteTestTo(t, to, nil)
		r.receive(t, "webhooks/failed.json", "biz_opaque_callback_data", nil, "recipient_id", nil, "recipient_user_id", told)
		r.advance(t, 0)
		m := r.requireMessage(t, status.Undeliverable, channel.SMS, 2)
		require.Equal(t, status.Blocked, m.Attempts[0].Reason)
		require.Equal(t, status.InvalidNumber, m.Attempts[1].Reason, "SMS needs a number")
	}
}

// The read status comes alone if the person had the chat open.
func TestRoute_ReadAloneDelivers(t *testing.T) {
	t.Parallel()
	r := newRouteTest(t, nil)
	r.receive(t, "webhooks/sent.json", "status", "read")
	m := r.requireMessage(t, status.Delivered, channel.WhatsApp, 1)
	require.Equal(t, time.Unix(1750030073, 0).UTC(), m.ReadAt.UTC())
}

// Meta took the message and its answer was lost. The receipt finds the attempt by the ID
// that the request carried, and no second copy is sent.
func TestRoute_ReceiptSettlesLostAnswer(t *testing.T) {
	t.Parallel()
	r := newRouteTest(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	m := r.requireMessage(t, status.Preparing, channel.WhatsApp, 1)
	require.Equal(t, status.InDoubt, m.Attempts[0].Reason)
	r.receive(t, "webhooks/sent.json", "status", "delivered")
	r.requireMessage(t, status.Delivered, channel.WhatsApp, 1)
	r.advance(t, 2*time.Hour)
	r.requireMessage(t, status.Delivered, channel.WhatsApp, 1)
	require.Empty(t, r.graph.bodies, "a second copy was sent")
}

func TestRoute_ThrottledIsTriedAgain(t *testing.T) {
	t.Parallel()
	calls := 0
	r := newRouteTest(t, func(w http.ResponseWriter, req *http.Request) {
		if calls++; calls == 1 {
			refuseWith(400, 131056, "Pair rate limit hit", "")(w, req)
			return
		}
		acceptMessage(w, req)
	})
	r.requireMessage(t, status.Preparing, channel.WhatsApp, 1)
	r.advance(t, 5*time.Second)
	r.requireMessage(t, status.Preparing, channel.WhatsApp, 1)
	r.advance(t, time.Minute)
	r.requireMessage(t, status.Accepted, channel.WhatsApp, 1)
	require.Equal(t, 2, calls)
}
