package rcs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestToken_IsKeptUntilItEnds(t *testing.T) {
	t.Parallel()
	tokens, mock := newTokenServer(t), clock.NewMock()
	mock.Set(noonClock{}.Now())
	c, _ := open(t, nil, withAccount(tokens, mock))
	send := func() {
		_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
		require.NoError(t, err)
	}
	var sends sync.WaitGroup
	for range 20 {
		sends.Go(send)
	}
	sends.Wait()
	require.Equal(t, 1, tokens.requests(), "concurrent sends wait for one token")
	require.Equal(t, map[string]any{
		"iss": "smsplus@rbm-acme.iam.gserviceaccount.com", "scope": "https://www.googleapis.com/auth/rcsbusinessmessaging",
		"aud": tokens.url, "iat": float64(1795521600), "exp": float64(1795525200),
	}, tokens.claims[0])
	mock.Add(3599*time.Second - time.Minute - 1)
	send()
	require.Equal(t, 1, tokens.requests())
	mock.Add(1)
	send()
	require.Equal(t, 2, tokens.requests())
}

// A token that the platform refuses is replaced. Only a new one that is refused too says that
// the account is wrong.
func TestToken_RefusedOneIsReplaced(t *testing.T) {
	t.Parallel()
	tokens := newTokenServer(t)
	refused := false
	c, p := open(t, func(w http.ResponseWriter, _ []byte) bool { return refused && refuses(401, "UNAUTHENTICATED")(w, nil) }, withAccount(tokens, noonClock{}))
	send := func() *channel.Error {
		_, err := c.Send(t.Context(), channel.Envelope{AttemptID: uuid.New(), To: channel.Recipient{Phone: number(t)}, Content: channel.Text("Hi")})
		e, _ := errors.AsType[*channel.Error](err)
		return e
	}
	require.Nil(t, send())
	refused = true
	require.Equal(t, status.Preparing, send().Status())
	require.Equal(t, 1, tokens.requests())
	require.Equal(t, status.Authorization, send().Reason())
	require.Equal(t, 2, tokens.requests())
	refused = false
	require.Nil(t, send())
	require.Equal(t, 3, tokens.requests())
	require.Equal(t, 4, p.requests)
}

func TestToken_WithoutOneNothingIsSent(t *testing.T) {
	t.Parallel()
	answers := func(code int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	for want, answer := range map[string]func(http.ResponseWriter){
		"channel: undeliverable (authorization): no access token: invalid_grant":                    answers(400, `{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`),
		"channel: temporary: no access token: HTTP 503":                                             answers(503, "down"),
		"channel: temporary: no access token: HTTP 200":                                             answers(200, `{"access_token": "", "expires_in": 3599}`),
		"channel: temporary: access token: channel: in doubt: no answer: the connection was closed": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		tokens := newTokenServer(t)
		tokens.answer = answer
		c, p := open(t, nil, withAccount(tokens, noonClock{}))
		_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
		require.EqualError(t, err, want)
		e, _ := errors.AsType[*channel.Error](err)
		require.False(t, e.InDoubt(), "no message was sent")
		require.Zero(t, p.requests)
	}
	for _, token := range []func(context.Context) (secret.Text, error){
		tokenOf(""),
		func(context.Context) (secret.Text, error) { return secret.Text{}, errors.New("secret") },
	} {
		c, p := open(t, nil, func(c *rcs.Config) { c.Token = token })
		_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
		require.EqualError(t, err, "channel: temporary: Config.Token returned no access token")
		require.Zero(t, p.requests)
	}
}

// A send that waits for a token ends with its context, while another one gets it.
func TestToken_WaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tokens := newTokenServer(t)
	asked, release := make(chan struct{}), make(chan struct{})
	tokens.answer = func(w http.ResponseWriter) {
		close(asked)
		<-release
		_, _ = io.WriteString(w, `{"access_token": "`+accessToken+`", "expires_in": "3599"}`)
	}
	c, _ := open(t, nil, withAccount(tokens, noonClock{}))
	first, e := make(chan error), envelope(t, channel.Text("Hi"))
	go func() {
		_, err := c.Send(context.WithoutCancel(t.Context()), e)
		first <- err
	}()
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := c.Send(ctx, envelope(t, channel.Text("Hi")))
	require.EqualError(t, err, "channel: temporary: context deadline exceeded")
	close(release)
	require.NoError(t, <-first)
}
