package twilio_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/internal/interop"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// twilioSDK is Twilio's own SDK for Node.js.
type twilioSDK struct{ *interop.Peer }

func startSDK(t *testing.T) twilioSDK {
	t.Helper()
	p := interop.Node(t, "twilio.js")
	require.Equal(t, "ready", p.Next(t))
	return twilioSDK{p}
}

type arguments map[string]any

// ask calls a function of the SDK and reads its answer.
func (s twilioSDK) ask(t *testing.T, call string, with arguments, answer any) {
	t.Helper()
	with["call"] = call
	line, err := json.Marshal(with)
	require.NoError(t, err)
	s.Tell(t, string(line))
	require.NoError(t, json.Unmarshal([]byte(s.Next(t)), answer))
}

func TestPeerSDK_AcceptsSameCalls(t *testing.T) {
	t.Parallel()
	s := startSDK(t)
	tokens := []string{"new", "old"}
	accepted, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		c := config()
		c.AuthTokens = secret.NewAll(tokens...)
		c.StatusCallback = rapid.SampledFrom([]string{
			public, public + "?tenant=7", "http://example.com/x", "https://example.com:443/x", "https://example.com:8443/",
		}).Draw(rt, "configured")

		// Twilio sends a form with repeated names, or a body with its hash.
		draw := generator{rt}
		body, params := draw.form()
		query := "attempt=" + attempt.String()
		if rapid.IntRange(0, 3).Draw(rt, "no form") == 0 {
			body, params = "{"+draw.text("body"), "" // the SDK takes an empty one for "{}"
			sum := sha256.Sum256([]byte(body + rapid.SampledFrom([]string{"", "", "x"}).Draw(rt, "of another body")))
			query += "&bodySHA256=" + hex.EncodeToString(sum[:])
		}
		received := c.StatusCallback + "?" + query
		if strings.Contains(c.StatusCallback, "?") {
			received = c.StatusCallback + "&" + query
		}

		// Twilio signs the URL and these parameters.
		text := draw.variant(received) + params
		signature := sign(rapid.SampledFrom(append(tokens, "another")).Draw(rt, "token"), text)
		if rapid.Bool().Draw(rt, "the SDK's") {
			s.ask(t, "sign", arguments{"token": tokens[0], "url": received, "body": body}, &signature)
		}
		theirs := false
		for _, token := range tokens {
			var valid bool
			s.ask(t, "validate", arguments{"token": token, "signature": signature, "url": received, "body": body}, &valid)
			theirs = theirs || valid
		}

		u, err := url.Parse(received)
		require.NoError(rt, err)
		code, _ := serve(open(t, c), newCall(signature, u.RequestURI(), body))
		require.Equal(rt, theirs, code != http.StatusUnauthorized, "%q of %q", signature, text)
		if theirs {
			accepted++
		} else {
			refused++
		}
	})
	t.Logf("%d accepted, %d refused", accepted, refused)
	require.Positive(t, accepted)
	require.Positive(t, refused)
}

// generator draws parts of calls.
type generator struct{ *rapid.T }

// text draws text on which implementations may differ. It has no character between the
// surrogates and U+FFFF. In UTF-8, which Go sorts by, they come before the surrogate pairs,
// and in UTF-16, which the SDK sorts by, after them.
func (d generator) text(label string) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune("aAzZ09_-.~ +&=%'\"[];/\\\t\n\x00é漢😀")), 0, 4, -1).Draw(d.T, label)
}

// form draws a form, and computes independently which text its signature covers.
func (d generator) form() (body, params string) {
	names := []string{"MessageSid", "MessageStatus", "To", d.text("name")}
	var pairs []string
	values := url.Values{}
	for range rapid.IntRange(0, 6).Draw(d.T, "size") {
		name, value := rapid.SampledFrom(names).Draw(d.T, "name of"), d.text("value")
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value))
		values.Add(name, value)
	}
	if rapid.IntRange(0, 3).Draw(d.T, "tampered") == 0 {
		values.Add("MessageStatus", d.text("another value"))
	}
	for _, name := range sortedNames(values) {
		params += name + values.Get(name) // right unless a name is repeated
	}
	return strings.Join(pairs, "&"), params
}

// variant draws a text of the URL that Twilio may have signed, or must not have signed.
func (d generator) variant(received string) string {
	return strings.NewReplacer(rapid.SampledFrom([][]string{
		{},
		{":443/", "/", ":8443/", "/"},
		{"example.com/", "example.com:443/"},
		{"example.com/", "example.com:80/"},
		{"https://", "http://"},
		{"tenant=7", "tenant=8"},
		{"attempt=8", "attempt=9"},
	}).Draw(d.T, "variant")...).Replace(received)
}

func TestPeerSDK_MakesSameRequest(t *testing.T) {
	t.Parallel()
	s := startSDK(t)
	for name, tt := range map[string]struct {
		change         func(*twilio.Config)
		user, password string
		sender         arguments
	}{
		"with the auth token": {func(*twilio.Config) {}, account, token, arguments{"from": "+15005550006"}},
		"with an API key, by a Messaging Service": {func(c *twilio.Config) {
			c.APIKeySID, c.APIKeySecret = apiKey, secret.New(signingSecret)
			c.From, c.MessagingServiceSID = "", service
		}, apiKey, signingSecret, arguments{"messagingServiceSid": service}},
	} {
		t.Run(name, func(t *testing.T) {
			requests := make(chan sentRequest, 1)
			server := httptest.NewServer(recordRequests(createdBody, requests))
			t.Cleanup(server.Close)
			c := config()
			c.BaseURL = server.URL
			tt.change(&c)
			e := envelope(t)
			e.Content = channel.Text("您的驗證碼是 498172 + 50% & more = 😀\n")
			e.Expires = noonClock{}.Now().Add(10 * time.Minute)
			_, err := open(t, c).Send(t.Context(), e)
			require.NoError(t, err)
			ours := <-requests

			params := tt.sender
			params["to"], params["body"] = e164, string(e.Content.(channel.Text))
			params["statusCallback"] = public + "?attempt=" + attempt.String()
			params["validityPeriod"] = 600
			var sid string
			s.ask(t, "create", arguments{
				"server": server.URL, "user": tt.user, "password": tt.password, "account": account, "params": params,
			}, &sid)
			require.Equal(t, message, sid, "the SDK reads the answer that the channel reads")
			require.Equal(t, <-requests, ours)
		})
	}
}

func TestPeerSDK_CallbacksAreAccepted(t *testing.T) {
	t.Parallel()
	s := startSDK(t)
	requests := make(chan sentRequest, 1)
	ch := openServer(t, recordRequests(createdBody, requests), func(c *twilio.Config) { c.StatusCallback += "?tenant=7#rc=5&rp=all" })
	result, err := ch.Send(t.Context(), envelope(t))
	require.NoError(t, err)

	receipts := make(chan channel.Receipt, 1)
	mux := http.NewServeMux()
	mux.Handle("POST /receipts/twilio", ch.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		receipts <- rs[0]
		return nil
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	call := arguments{
		"token": token, "server": server.URL, "url": (<-requests).form.Get("StatusCallback"),
		"body": callbackForm("undelivered", "30006").Encode(),
	}
	var code int
	s.ask(t, "callback", call, &code)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, channel.Receipt{
		Channel: channel.SMS, ProviderID: attempt.String(), NewID: result.ProviderID, Status: status.Undeliverable, Reason: status.InvalidNumber,
		Detail: "undelivered, error 30006, " + message,
	}, <-receipts)

	call["token"] = "another"
	s.ask(t, "callback", call, &code)
	require.Equal(t, http.StatusUnauthorized, code)
}
