package every8d_test

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/every8d"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func refTo(id string) []channel.Ref { return []channel.Ref{{Channel: channel.SMS, ProviderID: id}} }

func TestQuery_StatesMeanWhatTheyDo(t *testing.T) {
	t.Parallel()
	c, s := open(t, nil)
	result, err := c.Send(t.Context(), envelope(t, "text"))
	require.NoError(t, err)
	for state, want := range map[string]channel.Receipt{
		"100": {Status: status.Delivered},
		"101": {Status: status.Undeliverable, Reason: status.CarrierError},
		"102": {Status: status.Undeliverable, Reason: status.CarrierError},
		"103": {Status: status.Undeliverable, Reason: status.InvalidNumber},
		"104": {Status: status.Undeliverable, Reason: status.Blocked},
		"301": {Status: status.Undeliverable, Reason: status.QuotaExceeded},
		"303": {Status: status.Undeliverable, Reason: status.Canceled},
		"500": {Status: status.Undeliverable, Reason: status.Permission},
		"-3":  {Status: status.Undeliverable, Reason: status.InvalidNumber},
		"0":   {}, "300": {}, "700": {}, "777": {}, "": {}, "x": {},
	} {
		s.setState(state)
		rs, err := c.Query(t.Context(), refTo(result.ProviderID))
		require.NoError(t, err, state)
		if want == (channel.Receipt{}) {
			require.Empty(t, rs, state)
			continue
		}
		want.Channel, want.ProviderID = channel.SMS, result.ProviderID
		if want.Status != status.Delivered {
			want.Detail = "STATUS " + state
		}
		require.Equal(t, []channel.Receipt{want}, rs)
	}
}

func TestQuery_BatchArrivesWithAllItsLines(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]status.Status{
		readVector(t, "states.txt"): status.Undeliverable,
		"2\n\t+886912345678\t2026/11/24 20:00:01\t1\t100\n\t+886912345678\t2026/11/24 20:00:01\t1\t100": status.Delivered,
		"2\n\t+886912345678\t2026/11/24 20:00:01\t1\t100\n\t+886912345678\t2026/11/24 20:00:01\t1\t0":   status.Preparing,
		"\uFEFF1\r\nx\r\n\t+886912345678\t2026/11/24 20:00:01\t1\t100\r\n":                              status.Delivered,
		"0":               status.Preparing,
		"-77, no batch":   status.Preparing, // that an unknown batch has a code of its own is assumed
		"1\nName\tMobile": status.Preparing,
	} {
		rs, err := openServer(t, answers(200, body)).Query(t.Context(), refTo("220478cc"))
		require.NoError(t, err, body)
		require.Equal(t, want != status.Preparing, len(rs) == 1, body)
		if len(rs) == 1 {
			require.Equal(t, want, rs[0].Status, body)
		}
	}
}

func TestQuery_RefusalEndsIt(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"-2, " + password: "every8d: query: code -2",
		"-11, x":          "every8d: query: code -11",
		"-99, x":          "every8d: query: code -99",
		"<html>":          "every8d: query: the answer has no state",
	} {
		var calls atomic.Int32
		h := answers(200, body)
		c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			h.ServeHTTP(w, r)
		}))
		var refs []channel.Ref
		for i := range 100 {
			refs = append(refs, refTo("batch-"+strconv.Itoa(i))...)
		}
		_, err := c.Query(t.Context(), refs)
		require.EqualError(t, err, want)
		require.LessOrEqual(t, calls.Load(), int32(4), "as many as were under way")
	}
	_, err := openServer(t, answers(503, "")).Query(t.Context(), refTo("220478cc"))
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok)
	require.Equal(t, 7*time.Second, e.RetryAfter())
	_, err = openServer(t, &server{}, func(c *every8d.Config) { c.Password = secret.New("another") }).Query(t.Context(), refTo("220478cc"))
	require.EqualError(t, err, "every8d: query: code -2")
}

// No reports come. Every8D is asked at the interval until it knows the result.
func TestEngine_Every8DIsAskedUntilItKnows(t *testing.T) {
	t.Parallel()
	mock := clock.NewMock()
	c, s := open(t, nil, func(c *every8d.Config) { c.Clock, c.PollEvery = mock, 5*time.Minute })
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{c},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is 1"), Wait: time.Hour},
		}}},
	})
	require.NoError(t, err)
	id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: number(t, "+886912345678")}})
	require.NoError(t, err)
	statusAfter := func(d2 time.Duration) status.Status {
		mock.Add(d2)
		_, err := d.Tick(t.Context())
		require.NoError(t, err)
		m, err := d.Message(t.Context(), id)
		require.NoError(t, err)
		return m.Status
	}
	require.Equal(t, status.Accepted, statusAfter(0))
	require.Equal(t, status.Accepted, statusAfter(5*time.Minute))
	require.Equal(t, 2, s.requests)
	s.setState("100")
	require.Equal(t, status.Accepted, statusAfter(time.Minute), "it is not time to ask")
	require.Equal(t, status.Delivered, statusAfter(4*time.Minute))
	require.Equal(t, 3, s.requests)
	require.Len(t, s.sent, 1)
}

func TestQuery_LostAnswerIsNoBatch(t *testing.T) {
	t.Parallel()
	for _, c := range []*every8d.Channel{
		openServer(t, &server{}), openServer(t, answers(200, "-9, 查無此批次發送紀錄")), openServer(t, answers(200, "-21, 無效的簡訊批次號碼")),
	} {
		rs, err := c.Query(t.Context(), append(refTo(uuid.NewString()), refTo("a,b")...))
		require.NoError(t, err)
		require.Empty(t, rs)
	}
}
