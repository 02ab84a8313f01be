package mitake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestSend_FollowsSpecification(t *testing.T) {
	t.Parallel()
	c, p := open(t, acceptAnswer, nil)
	e := envelope(t, "第一行\r\nsecond & third\rfourth\n")
	e.AttemptID = uuid.MustParse(attempt)
	e.Expires = now.Add(90*time.Minute + 500*time.Millisecond)
	result, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: "000000001"}, result)
	require.Equal(t, url.Values{
		"username": {username},
		"password": {password},
		"dstaddr":  {"0912345678"},
		"smbody":   {"第一行\x06second & third\x06fourth\x06"},
		"clientid": {attempt},
		"response": {responseURL(signingSecret, attempt)},
		"vldtime":  {"5400"},
	}, p.onlyForm(t))

	r := p.calls[0]
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/api/mtk/SmSend?CharsetURL=UTF8", r.RequestURI, "and nothing secret in it")
	require.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
}

func TestSend_RepeatIsSameMessage(t *testing.T) {
	t.Parallel()
	c, p := open(t, acceptAnswer, nil)
	e := envelope(t, "one")
	for range 3 {
		result, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: "000000001"}, result)
	}
	require.Len(t, p.calls, 3)
	require.Len(t, p.sent, 1, "the provider knows the second and third")
}

func TestSend_WritesNumbersAsMitakeDoes(t *testing.T) {
	t.Parallel()
	for e164, want := range map[string]string{
		"+886912345678": "0912345678",
		"+85291234567":  "85291234567",
		"+14155550123":  "14155550123",
	} {
		c, p := open(t, acceptAnswer, func(c *mitake.Config) { c.International = true })
		e := envelope(t, "text")
		e.To.Phone = number(t, e164)
		_, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, want, p.onlyForm(t).Get("dstaddr"))
	}
}

func TestSend_RefusesUnreachableNumbers(t *testing.T) {
	t.Parallel()
	for e164, want := range map[string]status.Reason{
		"+886223456789":  status.InvalidNumber,
		"+88691234567":   status.InvalidNumber,
		"+8869123456789": status.InvalidNumber,
		"+8860912345678": status.InvalidNumber,
		"+85291234567":   status.Permission,
	} {
		c, p := open(t, acceptAnswer, nil)
		e := envelope(t, "text")
		e.To.Phone = number(t, e164)
		_, err := c.Send(t.Context(), e)
		require.Equal(t, status.Undeliverable, requireError(t, err).Status(), e164)
		require.Equal(t, want, requireError(t, err).Reason(), e164)
		require.Empty(t, p.calls)
	}
}

func TestSend_ValidityIsTimeLeft(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		time.Second:             "1",
		time.Hour:               "3600",
		24 * time.Hour:          "86400",
		24*time.Hour + 1:        "86400",
		30 * 24 * time.Hour:     "86400",
		1999 * time.Millisecond: "1",
	} {
		c, p := open(t, acceptAnswer, nil)
		e := envelope(t, "text")
		e.Expires = now.Add(left)
		_, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, want, p.onlyForm(t).Get("vldtime"), left)
	}

	c, p := open(t, acceptAnswer, nil)
	e := envelope(t, "text")
	_, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.NotContains(t, p.onlyForm(t), "vldtime", "no limit")

	e.Expires = now.Add(999 * time.Millisecond)
	_, err = c.Send(t.Context(), e)
	require.Equal(t, status.Undeliverable, requireError(t, err).Status())
	require.Equal(t, status.Expired, requireError(t, err).Reason())
	require.Len(t, p.calls, 1)
}

func TestSend_OmitsCallbackWithoutURL(t *testing.T) {
	t.Parallel()
	c, p := open(t, acceptAnswer, func(c *mitake.Config) { c.CallbackURL, c.CallbackSecrets = "", nil })
	_, err := c.Send(t.Context(), envelope(t, "text"))
	require.NoError(t, err)
	require.NotContains(t, p.onlyForm(t), "response")
}

func requireError(t *testing.T, err error) *channel.Error {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok, "%v", err)
	return e
}

func TestCodes_HaveVerdicts(t *testing.T) {
	t.Parallel()
	const temporary, inDoubt = "temporary", "in doubt"
	for code, want := range map[string]string{
		"0": "accepted", "1": "accepted", "2": "accepted", "3": "accepted", "4": "delivered",
		"5": "undeliverable content_rejected", "6": "undeliverable invalid_number", "7": "undeliverable carrier_error",
		"8": "undeliverable expired", "9": "undeliverable canceled",
		"*": inDoubt, "a": temporary, "b": temporary, "l": temporary, "r": temporary,
		"c": "undeliverable authorization", "d": "undeliverable authorization", "e": "undeliverable authorization",
		"m": "undeliverable authorization", "n": "undeliverable authorization",
		"f": "undeliverable permission", "h": "undeliverable permission", "k": "undeliverable permission", "p": "undeliverable permission",
		"s": "undeliverable quota_exceeded", "t": "undeliverable expired", "u": "undeliverable content_rejected",
		"v": "undeliverable invalid_number", "x": "undeliverable content_rejected",
		"w": "failed system_error", "y": "failed system_error", "z": "failed system_error",
		"q": inDoubt, // not in the table
	} {
		c, _ := open(t, func(url.Values) string { return "statuscode=" + code + "\nError=無效\n" }, nil)
		result, err := c.Send(t.Context(), envelope(t, "text"))
		got := result.Status.String()
		if err != nil {
			e := requireError(t, err)
			require.Equal(t, "statuscode="+code+" 無效", e.Detail(), "in Mitake's words, whatever their encoding")
			got = e.Status().String() + " " + string(e.Reason())
			if e.Status() == status.Preparing {
				got = map[bool]string{true: inDoubt, false: temporary}[e.InDoubt()]
			}
		}
		require.Equal(t, want, got, code)
	}
}

func TestCodes_UnknownIsAcceptedWithMsgID(t *testing.T) {
	t.Parallel()
	c, _ := open(t, func(url.Values) string { return "msgid=#000000013\nstatuscode=q\n" }, nil)
	result, err := c.Send(t.Context(), envelope(t, "text"))
	require.NoError(t, err)
	require.Equal(t, status.Accepted, result.Status)
}

func TestCodes_AccountOverrides(t *testing.T) {
	t.Parallel()
	codes := map[string]channel.Verdict{
		"7": {Status: status.Undeliverable, Reason: status.Blocked},
		"q": {Status: status.Failed, Reason: "their_word"},
	}
	for code, want := range codes {
		c, _ := open(t, refuseAnswer(code), func(c *mitake.Config) { c.Codes = codes })
		_, err := c.Send(t.Context(), envelope(t, "text"))
		require.Equal(t, want, channel.Verdict{Status: requireError(t, err).Status(), Reason: requireError(t, err).Reason()})

		_, sunk := serveCallback(c, newCallback(t, responseURL(signingSecret, attempt), "msgid=1&StatusFlag="+code), nil)
		require.Equal(t, want, channel.Verdict{Status: sunk[0].Status, Reason: sunk[0].Reason})
	}
}

func TestSend_ForeignAnswerFollowsHTTPStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		http.StatusOK:                  "channel: in doubt: the answer makes no sense",
		http.StatusNoContent:           "channel: in doubt: the answer makes no sense",
		http.StatusNotFound:            "channel: failed (system_error): HTTP 404",
		http.StatusForbidden:           "channel: undeliverable (permission): HTTP 403",
		http.StatusTooManyRequests:     "channel: temporary: HTTP 429",
		http.StatusBadGateway:          "channel: in doubt: HTTP 502",
		http.StatusTemporaryRedirect:   "channel: failed (system_error): HTTP 307",
		http.StatusInternalServerError: "channel: in doubt: HTTP 500",
	} {
		c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }), nil)
		_, err := c.Send(t.Context(), envelope(t, "text"))
		require.EqualError(t, err, want)
	}
}

// blockingTransport is a transport whose calls wait until the test releases them.
type blockingTransport struct {
	under atomic.Int32 // calls in progress
	leave chan struct{}
}

func (b *blockingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	b.under.Add(1)
	<-b.leave
	b.under.Add(-1)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("msgid=1\nstatuscode=1\n"))}, nil
}

func TestSend_LimitsConcurrentCalls(t *testing.T) {
	t.Parallel()
	for connections, want := range map[int]int32{0: 15, 1: 1, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			const sends = 20
			b := &blockingTransport{leave: make(chan struct{})}
			c, err := mitake.New(mitake.Config{
				URL: "https://127.0.0.1", Username: username, Password: secret.New(password),
				Client: &http.Client{Transport: b}, Connections: connections,
			})
			require.NoError(t, err)
			outcomes := make(chan error, sends)
			for range sends {
				e := envelope(t, "text")
				go func() {
					_, err := c.Send(t.Context(), e)
					outcomes <- err
				}()
			}
			synctest.Wait()
			require.Equal(t, want, b.under.Load())

			brief, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = c.Send(brief, envelope(t, "text"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.False(t, requireError(t, err).InDoubt(), "it waited, and wrote nothing")

			b.leave <- struct{}{}
			synctest.Wait()
			require.Equal(t, want, b.under.Load(), "another takes the place")
			close(b.leave)
			for range sends {
				require.NoError(t, <-outcomes)
			}
		})
	}
}

func TestSend_OmitsWordsThatRepeatText(t *testing.T) {
	t.Parallel()
	c, _ := open(t, func(form url.Values) string { return "statuscode=5\nError=" + form.Get("smbody") + "\n" }, nil)
	_, err := c.Send(t.Context(), envelope(t, strings.Repeat("ab\n", 5)))
	require.EqualError(t, err, "channel: undeliverable (content_rejected): statuscode=5")
}

// An answer without a msgid, or with one that is no number, leaves the attempt's own ID.
func TestSend_ProviderIDIsMsgid(t *testing.T) {
	t.Parallel()
	e := envelope(t, "text")
	for lines, want := range map[string]string{
		"msgid=0313887539\nstatuscode=1\n":                           "0313887539",
		"msgid=#000000013\nstatuscode=1\n":                           "000000013",
		"msgid=A313887539\nstatuscode=1\n":                           "A313887539",
		"statuscode=1\n":                                             e.AttemptID.String(),
		"msgid=\nstatuscode=1\n":                                     e.AttemptID.String(),
		"msgid=1,2\nstatuscode=1\n":                                  e.AttemptID.String(),
		"msgid=" + strings.Repeat("1", 31) + "\nstatuscode=1\n":      e.AttemptID.String(),
		"msgid=00000000-0000-4000-8000-000000000000\nstatuscode=1\n": e.AttemptID.String(),
	} {
		c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, lines) }), nil)
		result, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, want, result.ProviderID, lines)
	}
}
