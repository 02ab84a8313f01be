package rcs_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// sendThenSMS returns a message that goes by RCS and then by SMS, after the first tick.
func sendThenSMS(t *testing.T, c *rcs.Channel, mock *clock.Mock) (*smsplus.Dispatcher, uuid.UUID) {
	t.Helper()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{c, simulated.SMS(mock)},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.RCS, Content: channel.Text("Your code is 498172"), Wait: time.Hour, Until: smsplus.UntilRead},
			{Channel: channel.SMS, Content: channel.Text("Your code is 498172")},
		}}},
	})
	require.NoError(t, err)
	id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: number(t)}})
	require.NoError(t, err)
	tick(t, d)
	return d, id
}

func tick(t *testing.T, d *smsplus.Dispatcher) {
	t.Helper()
	_, err := d.Tick(t.Context())
	require.NoError(t, err)
}

func attemptsOf(t *testing.T, d *smsplus.Dispatcher, id uuid.UUID) []smsplus.Attempt {
	t.Helper()
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	return m.Attempts
}

func TestEngine_PersonWithoutRCSGetsAnSMSAtOnce(t *testing.T) {
	t.Parallel()
	mock := clock.NewMock()
	c, _ := open(t, refuses(404, "NOT_FOUND"), func(c *rcs.Config) { c.Clock = mock })
	d, id := sendThenSMS(t, c, mock)
	tick(t, d)
	attempts := attemptsOf(t, d, id)
	require.Len(t, attempts, 2)
	require.Equal(t, status.NoContact, attempts[0].Reason)
	require.Equal(t, status.Delivered, attempts[1].Status)
}

// The answer is lost. The repeat has the same ID, so the person gets one message, which counts
// when it is read.
func TestEngine_LostAnswerSendsNoSecondMessage(t *testing.T) {
	t.Parallel()
	mock := clock.NewMock()
	p := &platform{t: t, messages: make(map[string]string)}
	lost := true
	c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !lost {
			p.ServeHTTP(w, r)
			return
		}
		lost = false
		p.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}), func(c *rcs.Config) { c.Clock = mock })
	d, id := sendThenSMS(t, c, mock)
	require.Equal(t, status.InDoubt, attemptsOf(t, d, id)[0].Reason)
	mock.Add(time.Minute)
	tick(t, d)
	require.Equal(t, status.Accepted, attemptsOf(t, d, id)[0].Status)
	require.Equal(t, 2, p.requests)
	require.Len(t, p.messages, 1)

	w := httptest.NewRecorder()
	c.ReceiptHandler(d.Receive).ServeHTTP(w, newEventCall(clientToken, userEvent("READ", attemptsOf(t, d, id)[0].ID.String())))
	require.Equal(t, http.StatusOK, w.Code)
	mock.Add(2 * time.Hour)
	tick(t, d)
	attempts := attemptsOf(t, d, id)
	require.Len(t, attempts, 1)
	require.False(t, attempts[0].ReadAt.IsZero())
}
