package mitake_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// newDispatcher returns a dispatcher that sends by the channel alone.
func newDispatcher(t *testing.T, sms channel.Channel, mock *clock.Mock) *smsplus.Dispatcher {
	t.Helper()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("您的驗證碼是 {{code}}"), Wait: time.Hour},
		}}},
	})
	require.NoError(t, err)
	return d
}

// refsTo returns the refs of provider IDs.
func refsTo(ids ...string) []channel.Ref {
	refs := make([]channel.Ref, len(ids))
	for i, id := range ids {
		refs[i] = channel.Ref{Channel: channel.SMS, ProviderID: id}
	}
	return refs
}

// answerQuery returns a server that answers every call like that.
func answerQuery(code int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	})
}

func TestQuery_AsksInOneCall(t *testing.T) {
	t.Parallel()
	var call *http.Request
	var form url.Values
	c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(body))
		call = r
		_, _ = io.WriteString(w, readVector(t, "queries/states.txt"))
	}), nil)
	rs, err := c.Query(t.Context(), refsTo("0311216947", "A1", uuid.NewString(), "0311216948", "1,2", "#3", ""))
	require.NoError(t, err)
	require.Equal(t, http.MethodPost, call.Method)
	require.Equal(t, "/api/mtk/SmQuery", call.URL.String(), "the password is in no URL")
	require.Equal(t, url.Values{"username": {username}, "password": {password}, "msgid": {"0311216947,A1,0311216948"}}, form)
	at := time.Date(2006, 6, 23, 2, 38, 7, 0, time.UTC)
	require.Len(t, rs, 2)
	for i, want := range []channel.Receipt{
		{ProviderID: "0311216947", Status: status.Undeliverable, Reason: status.InvalidNumber, Detail: "statuscode=6 msgid=0311216947", At: at},
		{ProviderID: "0311216948", Status: status.Delivered, At: at.Add(3 * time.Second)},
	} {
		require.True(t, want.At.Equal(rs[i].At))
		want.At, want.Channel = rs[i].At, channel.SMS
		require.Equal(t, want, rs[i])
	}
	call = nil
	rs, err = c.Query(t.Context(), refsTo(uuid.NewString()))
	require.NoError(t, err)
	require.Empty(t, rs)
	require.Nil(t, call, "there was nothing to ask")
}

func TestQuery_AnswerThatIsNoResultSaysNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "z", "1\t0\t20261124120000", "1\t1\t20261124120000", "1\t2\t20261124120000", "2\t4\t20261124120000"} {
		rs, err := openServer(t, answerQuery(200, body), nil).Query(t.Context(), refsTo("1"))
		require.NoError(t, err, body)
		require.Empty(t, rs, body)
	}
}

func TestQuery_RefusalIsAnError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"w": "mitake: query: statuscode=w",
		"statuscode=e\r\nError=帳號 " + username: "mitake: query: statuscode=e",
		"<html>" + password:                    "mitake: query: the answer has no status",
	} {
		_, err := openServer(t, answerQuery(200, body), nil).Query(t.Context(), refsTo("1"))
		require.EqualError(t, err, want)
	}
	_, err := openServer(t, answerQuery(503, "<html>"), nil).Query(t.Context(), refsTo("1"))
	require.EqualError(t, err, "channel: temporary: mitake: query: HTTP 503")
	require.Equal(t, 7*time.Second, err.(*channel.Error).RetryAfter()) //nolint:errorlint // as it is returned
}

// Mitake allows an account 15 connections, those of questions included.
func TestQuery_CountsAsConnection(t *testing.T) {
	t.Parallel()
	held, release := make(chan struct{}), make(chan struct{})
	c := openServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		held <- struct{}{}
		<-release
	}), func(c *mitake.Config) { c.Connections = 1 })
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.Query(t.Context(), refsTo("1"))
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := c.Send(ctx, envelope(t, "text"))
	require.ErrorContains(t, err, "temporary")
	close(release)
	<-done
}

// Receipts are lost. Mitake is asked before the message ends, and knows that it arrived.
func TestEngine_MitakeIsAskedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	mock := clock.NewMock()
	c := openServer(t, newFakeMitake(acceptAnswer), func(c *mitake.Config) { c.Clock = mock })
	d := newDispatcher(t, c, mock)
	id, err := d.Send(t.Context(), smsplus.Trigger{
		Template: "otp", To: channel.Recipient{Phone: number(t, "+886912345678")}, Vars: map[string]string{"code": "498172"},
	})
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
// finds it, and gives it the msgid. Behind package failover, all IDs have the provider's name.
func TestEngine_CallbackFindsEarlierMessages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		behind func(*mitake.Channel) (channel.Channel, error)
		prefix string
	}{
		"alone":           {func(c *mitake.Channel) (channel.Channel, error) { return c, nil }, ""},
		"behind failover": {func(c *mitake.Channel) (channel.Channel, error) { return failover.New(channel.SMS, c) }, "mitake:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := clock.NewMock()
			c := openServer(t, answerQuery(200, "statuscode=1\r\n"), func(c *mitake.Config) {
				c.Name, c.Clock, c.CallbackURL = channel.Name(strings.TrimSuffix(tt.prefix, ":")), mock, "https://app.example.com/sms/mitake"
			})
			sms, err := tt.behind(c)
			require.NoError(t, err)
			d := newDispatcher(t, sms, mock)
			id, err := d.Send(t.Context(), smsplus.Trigger{
				Template: "otp", To: channel.Recipient{Phone: number(t, "+886912345678")}, Vars: map[string]string{"code": "498172"},
			})
			require.NoError(t, err)
			_, err = d.Tick(t.Context())
			require.NoError(t, err)
			m, err := d.Message(t.Context(), id)
			require.NoError(t, err)
			attempt := m.Attempts[0].ID.String()
			require.Equal(t, tt.prefix+attempt, m.Attempts[0].ProviderID)

			path := strings.TrimPrefix(responseURL(signingSecret, attempt), callbackURL)
			w := httptest.NewRecorder()
			sms.(channel.Receiver).ReceiptHandler(d.Receive).ServeHTTP(w,
				newCallback(t, "https://app.example.com/sms/mitake"+path, "msgid=0313887539&statuscode=0&StatusFlag=4"))
			require.Equal(t, http.StatusOK, w.Code)
			m, err = d.Message(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, status.Delivered, m.Status)
			require.Equal(t, tt.prefix+"0313887539", m.Attempts[0].ProviderID)
		})
	}
}

// Queries of a hundred messages are within the limit of a call.
func TestQuery_FitsTheEnginesBatch(t *testing.T) {
	t.Parallel()
	c, p := open(t, acceptAnswer, nil)
	ids := make([]string, 100)
	for i := range ids {
		_, err := c.Send(t.Context(), envelope(t, "text"))
		require.NoError(t, err)
		ids[i] = fmt.Sprintf("%09d", i+1)
	}
	rs, err := c.Query(t.Context(), refsTo(ids...))
	require.NoError(t, err)
	require.Len(t, rs, 100)
	require.Len(t, p.calls, 101)
	_, err = openServer(t, p, func(c *mitake.Config) { c.Password = secret.New("another") }).Query(t.Context(), refsTo("000000001"))
	require.EqualError(t, err, "mitake: query: statuscode=e")
}
