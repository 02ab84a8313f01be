package twilio_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// otherMessage is the SID of one more message.
var otherMessage = "MM" + strings.Repeat("0a", 16)

// askAbout asks a Twilio about IDs. Its answers are by the SID of the message.
func askAbout(t *testing.T, answers map[string]http.HandlerFunc, ids ...string) ([]channel.Receipt, error) {
	t.Helper()
	ch := openServer(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		sid := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/2010-04-01/Accounts/"+account+"/Messages/"), ".json")
		if r.Method != http.MethodGet || user != account || password != token || answers[sid] == nil {
			t.Errorf("unexpected request: %s %s", r.Method, r.URL)
			return
		}
		answers[sid](w, r)
	})
	refs := make([]channel.Ref, len(ids))
	for i, id := range ids {
		refs[i] = channel.Ref{Channel: channel.SMS, ProviderID: id}
	}
	return ch.Query(t.Context(), refs)
}

func TestQuery_FetchesTheResult(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]channel.Receipt{
		`{"status":"delivered","error_code":null}`:    {Status: status.Delivered},
		`{"status":"undelivered","error_code":30005}`: {Status: status.Undeliverable, Reason: status.InvalidNumber, Detail: "undelivered, error 30005, " + message},
		`{"status":"sent"}`:                           {},
		`{"status":"queued"}`:                         {},
		`{"status":"a new one"}`:                      {},
		`nonsense`:                                    {},
	} {
		got, err := askAbout(t, map[string]http.HandlerFunc{message: answerAll(200, body)}, message)
		require.NoError(t, err, body)
		if want.Status == status.Preparing {
			require.Empty(t, got, body)
			continue
		}
		want.Channel, want.ProviderID = channel.SMS, message
		require.Equal(t, []channel.Receipt{want}, got, body)
	}
}

func TestQuery_AsksAboutSIDsAlone(t *testing.T) {
	t.Parallel()
	got, err := askAbout(t, nil, uuid.NewString(), "SM12", "../Messages", account)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestQuery_UnknownMessageIsNoError(t *testing.T) {
	t.Parallel()
	got, err := askAbout(t, map[string]http.HandlerFunc{message: answerAll(404, faultBody(404, 20404, "not found"))}, message)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestQuery_ReturnsTheAnswersBesideAnError(t *testing.T) {
	t.Parallel()
	got, err := askAbout(t, map[string]http.HandlerFunc{
		message: answerAll(500, faultBody(500, 20500, "no")), otherMessage: answerAll(200, `{"status":"delivered"}`),
	}, message, otherMessage)
	require.EqualError(t, err, "twilio: query: HTTP 500")
	require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: otherMessage, Status: status.Delivered}}, got)
}

// The next message would get the same answer, so it is not asked about.
func TestQuery_EndsWhenAccountIsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []int{401, 429} {
		var calls atomic.Int32
		ch := openServer(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
		})
		refs := make([]channel.Ref, 100)
		for i := range refs {
			refs[i] = channel.Ref{Channel: channel.SMS, ProviderID: fmt.Sprintf("SM%032x", i)}
		}
		_, err := ch.Query(t.Context(), refs)
		temporary, ok := errors.AsType[*channel.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 7*time.Second, temporary.RetryAfter())
		require.LessOrEqual(t, calls.Load(), int32(8), "as many as were under way")
	}
}

// newDispatcher returns a dispatcher that sends by the channel alone.
func newDispatcher(t *testing.T, sms channel.Channel, mock *clock.Mock) *smsplus.Dispatcher {
	t.Helper()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is 1"), Wait: time.Hour},
		}}},
	})
	require.NoError(t, err)
	return d
}

// Receipts are lost. Twilio is asked before the message ends, and knows that it arrived.
func TestEngine_TwilioIsAskedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	mock := clock.NewMock()
	d := newDispatcher(t, openServer(t, newAccount().ServeHTTP, func(c *twilio.Config) { c.Clock = mock }), mock)
	id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: number(t)}})
	require.NoError(t, err)
	for range 2 {
		_, err = d.Tick(t.Context())
		require.NoError(t, err)
		mock.Add(time.Hour)
	}
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status.Delivered, m.Status)
}

// A message of an earlier release has the attempt's ID as its provider ID. A callback still
// finds it, and gives it the SID. Behind package failover, all IDs have the provider's name.
func TestEngine_CallbackFindsEarlierMessages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		behind func(*twilio.Channel) (channel.Channel, error)
		prefix string
	}{
		"alone":           {func(ch *twilio.Channel) (channel.Channel, error) { return ch, nil }, ""},
		"behind failover": {func(ch *twilio.Channel) (channel.Channel, error) { return failover.New(channel.SMS, ch) }, "twilio:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := clock.NewMock()
			ch := openServer(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				answerAll(201, `{"sid":"no SID","status":"queued"}`)(w, r)
			}, func(c *twilio.Config) { c.Name, c.Clock = channel.Name(strings.TrimSuffix(tt.prefix, ":")), mock })
			sms, err := tt.behind(ch)
			require.NoError(t, err)
			d := newDispatcher(t, sms, mock)
			id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: number(t)}})
			require.NoError(t, err)
			_, err = d.Tick(t.Context())
			require.NoError(t, err)
			m, err := d.Message(t.Context(), id)
			require.NoError(t, err)
			attempt := m.Attempts[0].ID.String()
			require.Equal(t, tt.prefix+attempt, m.Attempts[0].ProviderID)

			call := newCallback(token, public+"?attempt="+attempt, callbackForm("delivered", ""))
			call.URL.Path = "/sms/twilio" // a proxy changes the path, which the signature does not cover
			w := httptest.NewRecorder()
			sms.(channel.Receiver).ReceiptHandler(d.Receive).ServeHTTP(w, call)
			require.Equal(t, http.StatusOK, w.Code)
			m, err = d.Message(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, status.Delivered, m.Status)
			require.Equal(t, tt.prefix+message, m.Attempts[0].ProviderID)
		})
	}
}
