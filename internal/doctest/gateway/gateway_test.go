package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/internal/doctest/gateway"
	"github.com/smsplus/smsplus-go/phone"
)

const token, secret = "token-5f3c", "secret-9a1e"

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	channeltest.Run(t, channeltest.Harness{
		Channel: respondWith(http.StatusAccepted),
		Content: channel.Text("Your order has shipped"),
		To:      channel.Recipient{Phone: number},
		Unreachable: map[string]channeltest.Case{
			"no number":      {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}}},
			"invalid number": {Channel: respondWith(http.StatusUnprocessableEntity)},
		},
		Faults: map[string]channeltest.Case{
			"refused":     {Channel: closedProvider},
			"wrong token": {Channel: respondWith(http.StatusUnauthorized)},
			"throttled":   {Channel: respondWith(http.StatusTooManyRequests)},
			"broken":      {Channel: respondWith(http.StatusBadGateway)},
			"senseless":   {Channel: respondWith(http.StatusTeapot)},
		},
		Stalled: channeltest.Case{Channel: stalledProvider},
		Secrets: []string{token, secret},
		Webhook: &channeltest.Webhook{
			Request: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return signedCall(secret, fmt.Sprintf(`{"id":%q,"word":"arrived"}`, id))
			},
			Forged: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return signedCall("guess", fmt.Sprintf(`{"id":%q,"word":"arrived"}`, id))
			},
			Malformed: func(*testing.T, channel.Channel) *http.Request { return signedCall(secret, `{"id":`) },
			Undelivered: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return signedCall(secret, fmt.Sprintf(`{"id":%q,"word":"gave up"}`, id))
			},
			Unknown: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return signedCall(secret, fmt.Sprintf(`{"id":%q,"word":"teleported"}`, id))
			},
		},
	})
}

// respondWith returns a channel whose provider gives every request the same answer. The
// answer repeats the request.
func respondWith(code int) func(t *testing.T) channel.Channel {
	return func(t *testing.T) channel.Channel {
		return newChannel(t, func(w http.ResponseWriter, r *http.Request) {
			var form struct{ ID, To, Text string }
			if json.NewDecoder(r.Body).Decode(&form) != nil || r.Header.Get("Authorization") != "Bearer "+token {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.WriteHeader(code)
			fmt.Fprintf(w, "%+v", form) //nolint:errcheck // fails if the client has left
		})
	}
}

// stalledProvider returns a channel whose provider reads the request and never answers.
func stalledProvider(t *testing.T) channel.Channel {
	return newChannel(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices that the client leaves only after the body
		<-r.Context().Done()
	})
}

// closedProvider returns a channel whose provider refuses connections.
func closedProvider(*testing.T) channel.Channel {
	provider := httptest.NewServer(http.NotFoundHandler())
	provider.Close()
	return &gateway.Channel{URL: provider.URL, Token: token, Secret: secret}
}

func newChannel(t *testing.T, provider http.HandlerFunc) channel.Channel {
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	return &gateway.Channel{URL: server.URL, Token: token, Secret: secret}
}

// signedCall returns a call of the provider, signed with the key.
func signedCall(key, body string) *http.Request {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	r := httptest.NewRequest(http.MethodPost, "/receipts", strings.NewReader(body))
	r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	return r
}
