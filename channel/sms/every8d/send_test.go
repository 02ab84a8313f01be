package every8d_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/every8d"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestSend_FollowsTheSpecification(t *testing.T) {
	t.Parallel()
	for left, retry := range map[time.Duration]string{0: "", time.Second: "1", 90*time.Minute + 59*time.Second: "90", 40 * time.Hour: "1440"} {
		c, s := open(t, nil)
		e := envelope(t, "您的驗證碼是 4711 & more")
		if left > 0 {
			e.Expires = noonClock{}.Now().Add(left)
		}
		result, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, status.Accepted, result.Status)
		require.Contains(t, s.states, result.ProviderID, "the batch ID")
		want := url.Values{"UID": {userID}, "PWD": {password}, "MSG": {"您的驗證碼是 4711 & more"}, "DEST": {"+886912345678"}}
		if retry != "" {
			want.Set("RETRYTIME", retry)
		}
		require.Equal(t, []url.Values{want}, s.sent)
	}
}

func TestSend_RepliesMeanWhatTheyDo(t *testing.T) {
	t.Parallel()
	for reply, tt := range map[string]struct {
		status status.Status
		reason status.Reason
	}{
		readVector(t, "refused.txt"):      {status.Preparing, status.InDoubt},
		"-1,x":                            {status.Failed, status.SystemError},
		"-2,x":                            {status.Undeliverable, status.Authorization},
		"-3,x":                            {status.Undeliverable, status.InvalidNumber},
		"-4,x":                            {status.Undeliverable, status.Expired},
		"-5":                              {status.Undeliverable, status.ContentRejected},
		"-8,x":                            {status.Undeliverable, status.InvalidNumber},
		"-11,x":                           {status.Undeliverable, status.Permission},
		"-12,x":                           {status.Undeliverable, status.Permission},
		"-666,x":                          {status.Preparing, status.InDoubt},
		"-101,x":                          {status.Undeliverable, status.Authorization},
		"-77,a new one":                   {status.Undeliverable, status.CarrierError},
		"-98,x":                           {status.Undeliverable, status.Blocked}, // by Config.Codes
		"0.00,0,0,1,":                     {status.Undeliverable, status.QuotaExceeded},
		"-3.00,0,0,1,":                    {status.Undeliverable, status.QuotaExceeded},
		"12.00,0,0,1,":                    {status.Undeliverable, status.CarrierError},
		"":                                {status.Preparing, status.InDoubt},
		"<html>":                          {status.Preparing, status.InDoubt},
		"87.00,1,1":                       {status.Preparing, status.InDoubt},
		"87.00,0,0,0,x":                   {status.Preparing, status.InDoubt},
		"many,1,1,0,x":                    {status.Preparing, status.InDoubt},
		"-99999999999999999999,x,x,x,x,x": {status.Preparing, status.InDoubt},
	} {
		c, _ := open(t, says(reply), func(c *every8d.Config) {
			c.Codes = map[int]channel.Verdict{-98: {Status: status.Undeliverable, Reason: status.Blocked}}
		})
		_, err := c.Send(t.Context(), envelope(t, "text"))
		e, ok := errors.AsType[*channel.Error](err)
		require.True(t, ok, "%q: %v", reply, err)
		require.Equal(t, tt.status, e.Status(), reply)
		require.Equal(t, tt.reason, e.Reason(), reply)
	}
	for reply, want := range map[string]string{
		readVector(t, "sent.txt"):            "00000000-0000-0000-0000-000000000000",
		"\uFEFF87.00, 1, 1, 0, 220478cc\r\n": "220478cc",
		"-5.00,1,1,0,220478cc":               "220478cc", // the credit is overdrawn, and the message was taken
	} {
		c, _ := open(t, says(reply))
		result, err := c.Send(t.Context(), envelope(t, "text"))
		require.NoError(t, err, reply)
		require.Equal(t, want, result.ProviderID)
	}
	e := envelope(t, "text")
	c, _ := open(t, says("87.00,1,1,0,<b>"))
	result, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, e.AttemptID.String(), result.ProviderID, "it may be anything")
}

func TestSend_RefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*channel.Envelope)
		want   string
	}{
		"no text":         {func(e *channel.Envelope) { e.Content = channel.Text(" \n") }, "undeliverable (content_rejected): the text is empty"},
		"no UTF-8":        {func(e *channel.Envelope) { e.Content = channel.Text("\xff") }, "undeliverable (content_rejected): the text is no valid UTF-8"},
		"six segments":    {func(e *channel.Envelope) { e.Content = channel.Text(strings.Repeat("字", 336)) }, "undeliverable (content_rejected): the text takes 6 segments, and Config.MaxSegments is 5"},
		"no number":       {func(e *channel.Envelope) { e.To = channel.Recipient{} }, "undeliverable (invalid_number): there is no number"},
		"a landline":      {func(e *channel.Envelope) { e.To.Phone = number(t, "+886223456789") }, "undeliverable (invalid_number): no mobile number of Taiwan"},
		"a number abroad": {func(e *channel.Envelope) { e.To.Phone = number(t, "+85291234567") }, "undeliverable (permission): the number is not of Taiwan, and Config.International is false"},
		"too late":        {func(e *channel.Envelope) { e.Expires = noonClock{}.Now() }, "undeliverable (expired): not sent: its time was over"},
	} {
		c, s := open(t, nil)
		e := envelope(t, "text")
		tt.change(&e)
		_, err := c.Send(t.Context(), e)
		require.EqualError(t, err, "channel: "+tt.want, name)
		require.Zero(t, s.requests)
	}
	c, _ := open(t, nil, func(c *every8d.Config) { c.International = true })
	e := envelope(t, strings.Repeat("字", 335))
	e.To.Phone = number(t, "+85291234567")
	_, err := c.Send(t.Context(), e)
	require.NoError(t, err)
}

func TestCheckContent_RefusesTextThatCannotFit(t *testing.T) {
	t.Parallel()
	c, _ := open(t, nil)
	for text, want := range map[channel.Text]string{
		"您的驗證碼是 {{code}}":                      "",
		" {{text}}":                            "",
		channel.Text(strings.Repeat("字", 336)): "every8d: the text takes 6 segments, and Config.MaxSegments is 5",
		"":                                     "every8d: the text is empty",
		"{{ no }":                              `channel: text holds a "{{" that begins no variable such as {{code}}`,
	} {
		if err := c.CheckContent(text); want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
	require.Equal(t, 3, c.Size(channel.Text(strings.Repeat("字", 135))))
}

func TestConfig_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := every8d.New(every8d.Config{})
	require.EqualError(t, err, "every8d: Config.UserID is required\nevery8d: Config.Password is required")
	_, err = every8d.New(every8d.Config{
		BaseURL: "https://user@example.com", UserID: userID, Password: secret.New(password), PollEvery: time.Millisecond, MaxSegments: -1,
		Codes: map[int]channel.Verdict{-7: {Status: status.Failed}},
	})
	require.EqualError(t, err, strings.Join([]string{
		"every8d: Config.BaseURL must be an absolute http or https URL without a query",
		"every8d: Config.PollEvery is 1ms, want at least 1s",
		"every8d: Config.MaxSegments is negative",
		"every8d: Config.Codes[-7] has no Reason",
	}, "\n"))
}

func TestFormat_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	config := every8d.Config{UserID: userID, Password: secret.New(password)}
	c, err := every8d.New(config)
	require.NoError(t, err)
	var said bytes.Buffer
	for _, v := range []any{config, &config, c, *c, []any{config, c}, struct{ C every8d.Config }{config}, struct{ c every8d.Channel }{*c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&said, verb+"\n", v)
		}
		slog.New(slog.NewJSONHandler(&said, nil)).Info("here", "value", v)
		_ = json.NewEncoder(&said).Encode(v)
	}
	require.Contains(t, said.String(), "every8d.Config(sms)")
	for _, s := range []string{userID, password, fmt.Sprintf("%x", password)} {
		require.NotContains(t, said.String(), s)
	}
}
