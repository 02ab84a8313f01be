package twilio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Twilio took the message and its answer was lost. The callback has the attempt's ID, so
// nothing is sent a second time.
func TestEngine_CallbackSettlesLostAnswer(t *testing.T) {
	t.Parallel()
	addresses := make(chan string, 10)
	mock := clock.NewMock()
	ch := openServer(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		addresses <- form.Get("StatusCallback")
		panic(http.ErrAbortHandler)
	}, func(c *twilio.Config) { c.Clock = mock })
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{ch},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}"), Wait: time.Hour},
		}}},
	})
	require.NoError(t, err)
	id, err := d.Send(t.Context(), smsplus.Trigger{
		Template: "otp", To: channel.Recipient{Phone: number(t)}, Vars: map[string]string{"code": "498172"},
	})
	require.NoError(t, err)
	_, err = d.Tick(t.Context())
	require.NoError(t, err)
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status.InDoubt, m.Attempts[0].Reason)

	w := httptest.NewRecorder()
	ch.ReceiptHandler(d.Receive).ServeHTTP(w, newCallback(token, <-addresses, callbackForm("sent", "")))
	require.Equal(t, http.StatusOK, w.Code)
	mock.Add(30 * time.Minute)
	_, err = d.Tick(t.Context())
	require.NoError(t, err)
	require.Empty(t, addresses, "it was sent twice")
	m, err = d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status.Accepted, m.Status)
}
