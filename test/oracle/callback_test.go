package oracle

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/callback"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The library of the specification's authors accepts a call with either secret while they rotate,
// and no call that was changed.
func TestCallback_IsAcceptedByTheLibraryForGo(t *testing.T) {
	t.Parallel()
	secrets := []secret.Text{callback.NewSecret(), callback.NewSecret()}
	var header http.Header
	var body []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer receiver.Close()
	s, err := callback.New(callback.Config{URL: secret.New(receiver.URL), Secrets: secrets, Client: receiver.Client()})
	require.NoError(t, err)
	require.NoError(t, s.Publish(t.Context(), smsplus.Outcome{
		ID: uuid.New(), At: time.Now(), Try: 1, Message: smsplus.Message{ID: uuid.New(), Template: "otp", Status: status.Delivered},
	}))
	for _, text := range secrets {
		library, err := standardwebhooks.NewWebhook(text.Reveal())
		require.NoError(t, err)
		require.NoError(t, library.Verify(body, header))
		require.Error(t, library.Verify(append(body, ' '), header))
		changed := header.Clone()
		changed.Set("webhook-id", uuid.NewString())
		require.Error(t, library.Verify(body, changed))
	}
	library, err := standardwebhooks.NewWebhook(callback.NewSecret().Reveal())
	require.NoError(t, err)
	require.Error(t, library.Verify(body, header), "another secret")
}
