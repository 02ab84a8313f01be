package rcs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// tokenOf returns a Config.Token.
func tokenOf(token string) func(context.Context) (secret.Text, error) {
	return func(context.Context) (secret.Text, error) { return secret.New(token), nil }
}

func TestSend_FollowsTheReference(t *testing.T) {
	t.Parallel()
	card := rcs.Message(`{"contentMessage": {"richCard": {"standaloneCard": {"cardContent": {"title": "Shipped", "n": 1.50}}}}, "messageTrafficType": "TRANSACTION"}`)
	for name, tt := range map[string]struct {
		content channel.Content
		expires time.Duration
		traffic string
		want    string
	}{
		"a text":              {channel.Text("您好 😀"), 0, "", `{"contentMessage": {"text": "您好 😀"}}`},
		"with a traffic type": {channel.Text("Hi"), 0, "AUTHENTICATION", `{"contentMessage": {"text": "Hi"}, "messageTrafficType": "AUTHENTICATION"}`},
		"with its own":        {card, 0, "AUTHENTICATION", string(card)},
		"with a time to live": {channel.Text("Hi"), 90*time.Second + 900*time.Millisecond, "", `{"contentMessage": {"text": "Hi"}, "ttl": "90s"}`},
		"with a long time":    {channel.Text("Hi"), 40 * 24 * time.Hour, "", `{"contentMessage": {"text": "Hi"}, "ttl": "1296000s"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, p := open(t, nil, func(c *rcs.Config) { c.TrafficType = tt.traffic })
			e := envelope(t, tt.content)
			if tt.expires > 0 {
				e.Expires = noonClock{}.Now().Add(tt.expires)
			}
			result, err := c.Send(t.Context(), e)
			require.NoError(t, err)
			require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: attempt}, result)
			require.JSONEq(t, tt.want, p.onlyMessage())
		})
	}
}

func TestSend_ExpiredMessageIsNotSent(t *testing.T) {
	t.Parallel()
	c, p := open(t, nil)
	e := envelope(t, channel.Text("Hi"))
	e.Expires = noonClock{}.Now().Add(999 * time.Millisecond)
	_, err := c.Send(t.Context(), e)
	require.EqualError(t, err, "channel: undeliverable (expired): not sent: its time was over")
	require.Zero(t, p.requests)
}

func TestSend_RepeatIsSameMessage(t *testing.T) {
	t.Parallel()
	c, p := open(t, nil)
	for range 2 {
		_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
		require.NoError(t, err)
	}
	require.Equal(t, 2, p.requests)
	require.Len(t, p.messages, 1)
}

func TestSend_RefusalsMeanWhatTheyDo(t *testing.T) {
	t.Parallel()
	for word, tt := range map[string]struct {
		code   int
		status status.Status
		reason status.Reason
	}{
		"NOT_FOUND":           {404, status.Undeliverable, status.NoContact},
		"INVALID_ARGUMENT":    {400, status.Undeliverable, status.ContentRejected},
		"FAILED_PRECONDITION": {400, status.Undeliverable, status.ContentRejected},
		"PERMISSION_DENIED":   {403, status.Undeliverable, status.Permission},
		"UNAUTHENTICATED":     {401, status.Undeliverable, status.Authorization},
		"RESOURCE_EXHAUSTED":  {429, status.Preparing, status.SystemError},
		"INTERNAL":            {500, status.Preparing, status.InDoubt},
		"NOT_FOUND_":          {404, status.Failed, status.SystemError}, // no word of Google's: not the platform's 404
		"UNIMPLEMENTED":       {501, status.Preparing, status.InDoubt},
		"ABORTED":             {409, status.Undeliverable, status.Canceled}, // by Config.Codes
	} {
		c, _ := open(t, refuses(tt.code, word), func(c *rcs.Config) {
			c.Codes = map[string]channel.Verdict{"ABORTED": {Status: status.Undeliverable, Reason: status.Canceled}}
		})
		_, err := c.Send(t.Context(), envelope(t, channel.Text("Your order 4711-0815 has shipped")))
		e, ok := errors.AsType[*channel.Error](err)
		require.True(t, ok, "%s: %v", word, err)
		require.Equal(t, tt.status, e.Status(), word)
		require.Equal(t, tt.reason, e.Reason(), word)
		require.True(t, strings.HasPrefix(e.Detail(), "HTTP "), e.Detail())
		require.Contains(t, e.Detail(), "The message cannot be sent", "the platform's words")
	}
	c, _ := open(t, refuses(409, "ALREADY_EXISTS"))
	result, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
	require.NoError(t, err, "the platform has a message with that ID")
	require.Equal(t, status.Accepted, result.Status)
}

func TestSend_KeepsThePauseThatThePlatformAsksFor(t *testing.T) {
	t.Parallel()
	c, _ := open(t, func(w http.ResponseWriter, _ []byte) bool {
		w.Header().Set("Retry-After", "7")
		refuseWith(w, 429, "RESOURCE_EXHAUSTED", "Quota exceeded.")
		return true
	})
	_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
	e, _ := errors.AsType[*channel.Error](err)
	require.Equal(t, 7*time.Second, e.RetryAfter())
}

func TestSend_AnswerThatIsNoMessageIsInDoubt(t *testing.T) {
	t.Parallel()
	c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
	require.EqualError(t, err, "channel: in doubt: HTTP 200 without a message")
}

func TestSend_ContentWithinTheLimits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("字", 3072)
	for name, tt := range map[string]struct {
		content channel.Content
		want    string
	}{
		"the longest text":            {channel.Text(long), ""},
		"a longer one":                {channel.Text(long + "x"), "channel: undeliverable (content_rejected): the text has 3073 characters, want at most 3072"},
		"no text":                     {channel.Text(" \n"), "channel: undeliverable (content_rejected): the text is empty"},
		"no UTF-8":                    {channel.Text("\xff"), "channel: undeliverable (content_rejected): the text is no valid UTF-8"},
		"a longer one in a message":   {rcs.Message(`{"contentMessage": {"text": "` + long + `x"}}`), "channel: undeliverable (content_rejected): the text has 3073 characters, want at most 3072"},
		"a message that is too large": {rcs.Message(`{"contentMessage": {"x": "` + strings.Repeat("x", 250_000) + `"}}`), "channel: undeliverable (content_rejected): the message has 250027 bytes, want at most 250000"},
		"no JSON":                     {rcs.Message(`{`), "channel: failed (template_config): message: no valid JSON; a variable stands inside a string"},
		"no content":                  {rcs.Message(`{"contentMessage": {}}`), "channel: failed (template_config): message: contentMessage is required, as in the reference's AgentMessage"},
	} {
		c, _ := open(t, nil)
		_, err := c.Send(t.Context(), envelope(t, tt.content))
		if tt.want == "" {
			require.NoError(t, err, name)
		} else {
			require.EqualError(t, err, tt.want, name)
		}
	}
}

func TestSend_NeedsANumber(t *testing.T) {
	t.Parallel()
	c, p := open(t, nil)
	_, err := c.Send(t.Context(), channel.Envelope{
		AttemptID: uuid.New(), To: channel.Recipient{IDs: map[channel.Name]string{channel.RCS: "x"}}, Content: channel.Text("Hi"),
	})
	require.EqualError(t, err, "channel: undeliverable (invalid_number): no phone number")
	require.Zero(t, p.requests)
}
