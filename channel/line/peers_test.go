package line_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/internal/interop"
	"github.com/smsplus/smsplus-go/status"
)

// prismTransport sends requests to Prism, which checks them against LINE's own description
// of its API. It keeps the violations.
type prismTransport struct {
	prefer string // the answer to ask Prism for

	code       int
	violations string
}

func (d *prismTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if d.prefer != "" {
		r.Header.Set("Prefer", d.prefer)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		d.code, d.violations = resp.StatusCode, resp.Header.Get("Sl-Violations")
	}
	return resp, err
}

// The endpoint of LINE notification messages (template) is not in the description.
// TestNotification_SendsTemplatedToItsEndpoint covers its documentation. Prism only checks
// that a message object has a type.
func TestPeer_AcceptsRequests(t *testing.T) {
	t.Parallel()
	prism := interop.Node(t, "prism.js", "line/messaging-api.yml").Next(t)
	contents := map[string]channel.Content{"text": text, "messages": flex}

	for name, content := range contents {
		transport := &prismTransport{}
		account := account(prism)
		account.Client = &http.Client{Transport: transport}

		push := newPush(t, line.PushConfig{Account: account})
		result, err := push.Send(t.Context(), envelope(t, content))
		require.NoError(t, err, name)
		require.Equal(t, status.Delivered, result.Status)
		require.Equal(t, http.StatusOK, transport.code)
		require.Empty(t, transport.violations)

		transport.prefer = "code=409"
		result, err = push.Send(t.Context(), envelope(t, content))
		require.NoError(t, err, name)
		require.Equal(t, status.Delivered, result.Status, "it was taken before")
		require.Equal(t, http.StatusConflict, transport.code)
		require.Empty(t, transport.violations)

		transport.prefer = ""
		notification := newNotification(t, line.NotificationConfig{Account: account})
		result, err = notification.Send(t.Context(), envelope(t, content))
		require.NoError(t, err, name)
		require.Equal(t, status.Accepted, result.Status)
		require.Equal(t, http.StatusOK, transport.code)
		require.Empty(t, transport.violations)

		transport.prefer = "code=422"
		_, err = notification.Send(t.Context(), envelope(t, content))
		requireVerdict(t, err, status.Undeliverable, status.NoMatch)
		require.Empty(t, transport.violations)
	}

	profiles := &profileOnlyTransport{prismTransport: prismTransport{}}
	account := account(prism)
	account.Client = &http.Client{Transport: profiles}
	push := newPush(t, line.PushConfig{Account: account, CheckProfile: true})
	_, err := push.Send(t.Context(), envelope(t, text))
	requireVerdict(t, err, status.Undeliverable, status.Permission)
	require.Equal(t, http.StatusOK, profiles.code)
	require.Empty(t, profiles.violations)

	for name, broken := range map[string]struct{ path, key, value, token, body string }{
		"no recipient":    {pushPath, "X-Line-Retry-Key", uuid.NewString(), token, `{"messages":[{"type":"text","text":"x"}]}`},
		"no message":      {pushPath, "X-Line-Retry-Key", uuid.NewString(), token, `{"to":"` + user + `","messages":[]}`},
		"no type":         {pushPath, "X-Line-Retry-Key", uuid.NewString(), token, `{"to":"` + user + `","messages":[{"text":"x"}]}`},
		"retry key":       {pushPath, "X-Line-Retry-Key", "1", token, `{"to":"` + user + `","messages":[{"type":"text","text":"x"}]}`},
		"no token":        {pushPath, "X-Line-Retry-Key", uuid.NewString(), "", `{"to":"` + user + `","messages":[{"type":"text","text":"x"}]}`},
		"short tag":       {flexiblePath, "X-Line-Delivery-Tag", "short", token, `{"to":"` + hash + `","messages":[{"type":"text","text":"x"}]}`},
		"no hash":         {flexiblePath, "X-Line-Delivery-Tag", uuid.NewString(), token, `{"messages":[{"type":"text","text":"x"}]}`},
		"no such address": {"/v2/bot/message/pull", "X-Line-Retry-Key", uuid.NewString(), token, `{}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, prism+broken.path, strings.NewReader(broken.body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(broken.key, broken.value)
		if broken.token != "" {
			req.Header.Set("Authorization", "Bearer "+broken.token)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 4, resp.StatusCode/100, "Prism takes anything: %s", name)
	}
}

// profileOnlyTransport passes the profile to Prism, and refuses the message.
type profileOnlyTransport struct{ prismTransport }

func (p *profileOnlyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return p.prismTransport.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusForbidden)
	return w.Result(), nil
}

func TestPeer_SignaturesAgreeWithSDK(t *testing.T) {
	t.Parallel()
	caller := interop.Node(t, "line-webhook.js")
	var got []channel.Receipt
	directory := line.NewDirectory()
	notification := newNotification(t, line.NotificationConfig{Account: account(""), Followers: directory})
	webhook := httptest.NewServer(notification.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		got = append(got, rs...)
		return nil
	}))
	t.Cleanup(webhook.Close)
	type question struct {
		Post   string   `json:"post,omitempty"`
		Verify string   `json:"verify,omitempty"`
		Secret string   `json:"secret"`
		Types  []string `json:"types"`
		Tag    string   `json:"tag"`
		User   string   `json:"user"`
		At     int64    `json:"at"`
		Body   string   `json:"body"`
	}
	type answer struct {
		Code  int
		Types []string
		Valid bool
	}
	ask := func(q question) answer {
		words, err := json.Marshal(q)
		require.NoError(t, err)
		caller.Tell(t, string(words))
		var a answer
		require.NoError(t, json.Unmarshal([]byte(caller.Next(t)), &a))
		return a
	}
	tag, at := uuid.NewString(), int64(1650591346705)

	all := ask(question{Post: webhook.URL, Secret: signingSecret, Tag: tag, User: user, At: at})
	require.Equal(t, http.StatusOK, all.Code)
	require.Greater(t, len(all.Types), 15, "every type that LINE describes was in the call")
	want := channel.Receipt{Channel: channel.LINENotify, ProviderID: tag, Status: status.Delivered, At: time.UnixMilli(at).UTC()}
	require.Equal(t, []channel.Receipt{want}, got)
	blocked, _ := directory.Blocked(t.Context(), user)
	require.True(t, blocked, "both came at once")

	later := ask(question{Post: webhook.URL, Secret: signingSecret, Types: []string{"follow"}, User: user, At: at + 1})
	require.Equal(t, http.StatusOK, later.Code)
	blocked, _ = directory.Blocked(t.Context(), user)
	require.False(t, blocked)

	got = nil
	hashed := ask(question{Post: webhook.URL, Secret: signingSecret, Types: []string{"delivery"}, Tag: hash, User: user, At: at})
	require.Equal(t, http.StatusOK, hashed.Code)
	require.Equal(t, http.StatusOK, ask(question{Post: webhook.URL, Secret: signingSecret, Types: []string{}}).Code, "the console's verify")
	require.Equal(t, http.StatusUnauthorized, ask(question{Post: webhook.URL, Secret: "another", Tag: tag, At: at}).Code)
	require.Empty(t, got)

	for body, signature := range map[string]string{delivery(tag): sign(signingSecret, []byte(delivery(tag))), "ÄÖ\u2028": sign(signingSecret, []byte("ÄÖ\u2028"))} {
		require.True(t, ask(question{Verify: signature, Secret: signingSecret, Body: body}).Valid, "LINE's SDK accepts what our tests sign")
		require.False(t, ask(question{Verify: signature, Secret: signingSecret, Body: body + " "}).Valid)
	}
}
