package rcs_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/rcs"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	refusing := func(code int, word string) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel {
			c, _ := open(t, refuses(code, word))
			return c
		}}
	}
	serving := func(h http.HandlerFunc) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel { return openServer(t, h) }}
	}
	const card = `{"contentMessage": {"richCard": {"standaloneCard": {"cardContent": {"title": "Your order 4711-0815 has shipped"}}}}}`
	for name, content := range map[string]channel.Content{
		"text": channel.Text("Your order has shipped and will arrive on Friday"),
		"card": rcs.Message(card),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Run(t, channeltest.Harness{
				Channel: func(t *testing.T) channel.Channel {
					c, _ := open(t, nil)
					return c
				},
				Content: content,
				To:      channel.Recipient{Phone: number(t)},
				Unreachable: map[string]channeltest.Case{
					"no number":      {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
					"no RCS":         refusing(404, "NOT_FOUND"),
					"a feature":      refusing(400, "INVALID_ARGUMENT"),
					"no permission":  refusing(403, "PERMISSION_DENIED"),
					"a wrong token":  {Channel: func(t *testing.T) channel.Channel { c, _ := open(t, nil, wrongToken); return c }},
					"not authorized": refusing(401, "UNAUTHENTICATED"),
				},
				Faults: map[string]channeltest.Case{
					"refused connection": {Channel: func(t *testing.T) channel.Channel {
						gone := httptest.NewServer(nil)
						gone.Close()
						return openServer(t, nil, func(c *rcs.Config) { c.BaseURL = gone.URL })
					}},
					"throttled":       refusing(429, "RESOURCE_EXHAUSTED"),
					"a server error":  refusing(500, "INTERNAL"),
					"unavailable":     refusing(503, "UNAVAILABLE"),
					"an unknown word": refusing(418, "TEAPOT"),
					"another server":  serving(http.NotFound),
					"nonsense":        serving(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body); _, _ = io.WriteString(w, "x") }),
					"half an answer":  serving(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99") }),
					"hangs up":        serving(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
				},
				Stalled: serving(func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // the server notices only after reading the body that the client disconnects
					<-r.Context().Done()
				}),
				BadContent: []channel.Content{channel.Text(""), channel.Text(strings.Repeat("x", 3073)), rcs.Message(`{}`)},
				Secrets:    []string{accessToken, clientToken, "4711-0815"},
				Webhook: &channeltest.Webhook{
					Request: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
						return newEventCall(clientToken, userEvent("READ", id))
					},
					Forged: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
						return newEventCall("guess", userEvent("READ", id))
					},
					Malformed: func(*testing.T, channel.Channel) *http.Request { return newEventCall(clientToken, "nonsense") },
					Undelivered: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
						return newEventCall(clientToken, userEvent("TTL_EXPIRATION_REVOKED", id))
					},
					Unknown: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
						return newEventCall(clientToken, userEvent("SHREDDED", id))
					},
				},
			})
		})
	}
}

func wrongToken(c *rcs.Config) { c.Token = tokenOf("another") }

// The first Send of a service account also gets its access token.
func TestChannel_KeepsContractWithServiceAccount(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, channeltest.Harness{
		Channel: func(t *testing.T) channel.Channel {
			c, _ := open(t, nil, withAccount(newTokenServer(t), noonClock{}))
			return c
		},
		Content: channel.Text("Your order has shipped and will arrive on Friday"),
		To:      channel.Recipient{Phone: number(t)},
		Unreachable: map[string]channeltest.Case{"no account": {Channel: func(t *testing.T) channel.Channel {
			tokens := newTokenServer(t)
			tokens.answer = func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error": "invalid_grant"}`)
			}
			c, _ := open(t, nil, withAccount(tokens, noonClock{}))
			return c
		}}},
		Faults: map[string]channeltest.Case{"token endpoint down": {Channel: func(t *testing.T) channel.Channel {
			tokens := newTokenServer(t)
			tokens.answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
			c, _ := open(t, nil, withAccount(tokens, noonClock{}))
			return c
		}}},
		Stalled: channeltest.Case{Channel: func(t *testing.T) channel.Channel {
			return openServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			}), withAccount(newTokenServer(t), noonClock{}))
		}},
		Secrets:         []string{accessToken, clientToken, keyFile(t, "https://example.com").Reveal()},
		RequestsPerSend: 2,
		NoReceipts:      true, // the other harness has them
	})
}

func TestTraits_ReadAndRepeat(t *testing.T) {
	t.Parallel()
	c, _ := open(t, nil)
	require.True(t, c.Traits().Idempotent && c.Traits().Reads && c.Traits().Expires)
	require.Equal(t, channel.RCS, c.Name())
}
