package rcs_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/secret"
)

func refTo(id string) channel.Ref { return channel.Ref{Channel: channel.RCS, ProviderID: id} }

func TestRecall_RevokesWhatHasNotArrived(t *testing.T) {
	t.Parallel()
	c, p := open(t, nil)
	recall := func(id string) channel.Recall {
		answer, err := c.Recall(t.Context(), refTo(id))
		require.NoError(t, err)
		return answer
	}
	require.Equal(t, channel.Impossible, recall(attempt), "this process has not sent it")
	require.Equal(t, channel.Impossible, recall("1"))
	require.Zero(t, p.requests)
	_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
	require.NoError(t, err)
	require.Equal(t, channel.Recalled, recall(attempt))
	require.Equal(t, channel.TooLate, recall(attempt), "it is no longer there")
	require.Equal(t, []string{attempt}, p.revoked)
}

// A message whose answer was lost may have been taken, and can be revoked.
func TestRecall_TakesBackAMessageInDoubt(t *testing.T) {
	t.Parallel()
	p := &platform{t: t, messages: make(map[string]string)}
	lost := true
	c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.ServeHTTP(w, r)
		if lost {
			lost = false
			panic(http.ErrAbortHandler)
		}
	}))
	_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
	require.ErrorContains(t, err, "in doubt")
	answer, err := c.Recall(t.Context(), refTo(attempt))
	require.NoError(t, err)
	require.Equal(t, channel.Recalled, answer)
}

func TestRecall_RefusalsMeanWhatTheyDo(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]channel.Recall{400: channel.Impossible, 403: channel.Impossible, 404: channel.TooLate, 401: 0, 429: 0, 500: 0} {
		refusing := false
		c, _ := open(t, func(w http.ResponseWriter, _ []byte) bool {
			if refusing {
				w.Header().Set("Retry-After", "7")
				refuseWith(w, code, "NO", "about "+e164)
			}
			return refusing
		})
		_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
		require.NoError(t, err)
		refusing = true
		answer, err := c.Recall(t.Context(), refTo(attempt))
		require.Equal(t, want, answer, code)
		if want != 0 {
			require.NoError(t, err)
			continue
		}
		e, ok := errors.AsType[*channel.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 7*time.Second, e.RetryAfter())
		require.NotContains(t, err.Error(), e164[1:])
	}
	sent := false
	c, _ := open(t, nil, func(c *rcs.Config) {
		token := c.Token
		c.Token = func(ctx context.Context) (secret.Text, error) {
			if sent {
				return secret.Text{}, errors.New("gone")
			}
			return token(ctx)
		}
	})
	_, err := c.Send(t.Context(), envelope(t, channel.Text("Hi")))
	require.NoError(t, err)
	sent = true
	_, err = c.Recall(t.Context(), refTo(attempt))
	require.EqualError(t, err, "rcs: recall: channel: temporary: Config.Token returned no access token")
	answer, err := c.Recall(t.Context(), refTo(uuid.NewString()))
	require.NoError(t, err)
	require.Equal(t, channel.Impossible, answer)
}
