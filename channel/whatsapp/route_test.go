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

// route is a message on its way: WhatsApp, and SMS after an hour.
type route struct {
	*smsplus.Dispatcher
	clock *clock.Mock
	graph *graph
	wa    *whatsapp.Channel
	id    uuid.UUID
}

func newRoute(t *testing.T, answer http.HandlerFunc) *route {
	t.Helper()
	r := &route{clock: clock.NewMock(), graph: newGraph(t, answer)}
	r.clock.Set(time.Unix(1750030000, 0)) // shortly before Meta's examples
	r.wa = open(t, config(r.graph.url))
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: r.clock,
		Channels: []channel.Channel{r.wa, simulated.SMS(r.clock)},
		Templates: []smsplus.Template{{ID: "shipped", Route: []smsplus.Step{
			{Channel: channel.WhatsApp, Content: shipped, Wait: time.Hour},
			{Channel: channel.SMS, Content: channel.Text("Your order has shipped")},
		}}},
	})
	require.NoError(t, err)
	r.Dispatcher = d
	to := channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)}
	r.id, err = d.Send(t.Context(), smsplus.Trigger{Template: "shipped", To: to})
	require.NoError(t, err)
	r.pass(t, 0)
	return r
}

func (r *route) pass(t *testing.T, how time.Duration) {
	t.Helper()
	r.clock.Add(how)
	_, err := r.Tick(t.Context())
	require.NoError(t, err)
}

// hear lets Meta call about the message that it was sent.
func (r *route) hear(t *testing.T, example string, fields ...any) {
	t.Helper()
	var sent struct {
		Attempt string `json:"biz_opaque_callback_data"`
	}
	require.NoError(t, json.Unmarshal(<-r.graph.bodies, &sent))
	w := httptest.NewRecorder()
	r.wa.ReceiptHandler(r.Receive).ServeHTTP(w, signed(t, about(t, example, sent.Attempt, fields...), appSecret))
	require.Equal(t, http.StatusOK, w.Code)
}

func (r *route) require(t *testing.T, want status.Status, on channel.Name, attempts int) smsplus.Message {
	t.Helper()
	m, err := r.Message(t.Context(), r.id)
	require.NoError(t, err)
	require.Equal(t, want, m.Status)
	require.Equal(t, on, m.Channel)
	require.Len(t, m.Attempts, attempts)
	return m
}

func TestAMessageThatMetaCannotDeliverGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	r := newRoute(t, nil)
	r.require(t, status.Accepted, channel.WhatsApp, 1)
	r.hear(t, "webhooks/failed.json")
	r.pass(t, 0)
	m := r.require(t, status.Delivered, channel.SMS, 2)
	require.Equal(t, status.Undeliverable, m.Attempts[0].Status)
	require.Equal(t, status.Blocked, m.Attempts[0].Reason)
}

func TestAMessageThatMetaRefusesGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	r := newRoute(t, refuse(400, 131026, "Message undeliverable", ""))
	m := r.require(t, status.Delivered, channel.SMS, 2)
	require.Equal(t, status.NoContact, m.Attempts[0].Reason)
}

// read is the only word that comes when the person had the chat open.
func TestReadAloneDelivers(t *testing.T) {
	t.Parallel()
	r := newRoute(t, nil)
	r.hear(t, "webhooks/sent.json", "status", "read")
	m := r.require(t, status.Delivered, channel.WhatsApp, 1)
	require.Equal(t, time.Unix(1750030073, 0).UTC(), m.ReadAt.UTC())
}

// Meta took the message and its answer was lost: the receipt finds the attempt by the
// ID that the request carried, and there is no second copy.
func TestALostAnswerIsSettledByItsReceipt(t *testing.T) {
	t.Parallel()
	r := newRoute(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	m := r.require(t, status.Preparing, channel.WhatsApp, 1)
	require.Equal(t, status.InDoubt, m.Attempts[0].Reason)
	r.hear(t, "webhooks/sent.json", "status", "delivered")
	r.require(t, status.Delivered, channel.WhatsApp, 1)
	r.pass(t, 2*time.Hour)
	r.require(t, status.Delivered, channel.WhatsApp, 1)
	require.Empty(t, r.graph.bodies, "a second copy was sent")
}

func TestAThrottledMessageIsTriedAgain(t *testing.T) {
	t.Parallel()
	calls := 0
	r := newRoute(t, func(w http.ResponseWriter, req *http.Request) {
		if calls++; calls == 1 {
			refuse(400, 131056, "Pair rate limit hit", "")(w, req)
			return
		}
		take(w, req)
	})
	r.require(t, status.Preparing, channel.WhatsApp, 1)
	r.pass(t, 5*time.Second)
	r.require(t, status.Preparing, channel.WhatsApp, 1)
	r.pass(t, time.Minute)
	r.require(t, status.Accepted, channel.WhatsApp, 1)
	require.Equal(t, 2, calls)
}
