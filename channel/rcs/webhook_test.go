package rcs_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// newCall returns a call of the webhook with that body and signature.
func newCall(body, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/receipts/rcs", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if signature != "" {
		r.Header.Set("X-Goog-Signature", signature)
	}
	return r
}

// newEventCall returns a call as the platform makes it about an event.
func newEventCall(token, event string) *http.Request {
	mac := hmac.New(sha512.New, []byte(token))
	mac.Write([]byte(event))
	body := fmt.Sprintf(`{"message": {"data": %q, "messageId": "1"}, "subscription": "projects/x"}`, base64.StdEncoding.EncodeToString([]byte(event)))
	return newCall(body, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// userEvent returns an event about a message.
func userEvent(word, message string) string {
	return fmt.Sprintf(`{"senderPhoneNumber": %q, "eventType": %q, "eventId": "e1", "messageId": %q, "sendTime": "2026-11-24T12:00:07.125Z", "agentId": "acme_agent"}`,
		e164, word, message)
}

// serve returns the answer to a call and the receipts that the sink got.
func serve(c *rcs.Channel, r *http.Request) (*httptest.ResponseRecorder, []channel.Receipt) {
	var sunk []channel.Receipt
	w := httptest.NewRecorder()
	c.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		sunk = append(sunk, rs...)
		return nil
	}).ServeHTTP(w, r)
	return w, sunk
}

func readVector(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return strings.TrimSpace(string(b))
}

// The vector was signed by OpenSSL, as the guide verifies it.
func TestWebhook_TakesSignedCall(t *testing.T) {
	t.Parallel()
	body, signature := readVector(t, "delivered.json"), readVector(t, "delivered.signature")
	c, _ := open(t, nil, func(c *rcs.Config) { c.ClientTokens = secret.NewAll("another", clientToken) })
	w, sunk := serve(c, newCall(body, signature))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, []channel.Receipt{{
		Channel: channel.RCS, ProviderID: attempt, Status: status.Delivered, At: time.Date(2026, 11, 24, 12, 0, 7, 125e6, time.UTC),
	}}, sunk)
	for name, r := range map[string]*http.Request{
		"no signature":      newCall(body, ""),
		"another signature": newCall(body, strings.Replace(signature, "cOwi", "cOwj", 1)),
		"no base64":         newCall(body, "!"),
		"another token":     newEventCall("guess", userEvent("DELIVERED", attempt)),
		"no event":          newCall(`{"message": {}}`, signature),
		"no JSON":           newCall(`x`, signature),
	} {
		w, sunk := serve(c, r)
		require.Equal(t, http.StatusUnauthorized, w.Code, name)
		require.Empty(t, sunk, name)
	}
	c, _ = open(t, nil, func(c *rcs.Config) { c.ClientTokens = nil })
	w, _ = serve(c, newEventCall("", userEvent("DELIVERED", attempt)))
	require.Equal(t, http.StatusUnauthorized, w.Code, "nothing signs without a client token")
}

func TestWebhook_EventsMeanWhatTheyDo(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 12, 0, 7, 125e6, time.UTC)
	c, _ := open(t, nil)
	for event, want := range map[string]channel.Receipt{
		userEvent("DELIVERED", attempt):                                         {Status: status.Delivered, At: at},
		userEvent("READ", strings.ToUpper(attempt)):                             {Status: status.Delivered, Read: true, At: at},
		userEvent("TTL_EXPIRATION_REVOKED", attempt):                            {Status: status.Undeliverable, Reason: status.Expired, Detail: "TTL_EXPIRATION_REVOKED", At: at},
		`{"eventType": "DELIVERED", "messageId": "` + attempt + `"}`:            {Status: status.Delivered},
		userEvent("TTL_EXPIRATION_REVOKE_FAILED", attempt):                      {},
		userEvent("A_NEW_ONE", attempt):                                         {},
		userEvent("DELIVERED", "another program's"):                             {},
		`{"senderPhoneNumber": "+1", "eventType": "IS_TYPING", "eventId": "1"}`: {},
		`{"messageId": "` + attempt + `", "text": "STOP"}`:                      {},
	} {
		w, sunk := serve(c, newEventCall(clientToken, event))
		require.Equal(t, http.StatusOK, w.Code, event)
		if want == (channel.Receipt{}) {
			require.Empty(t, sunk, event)
			continue
		}
		want.Channel, want.ProviderID = channel.RCS, attempt
		require.Equal(t, []channel.Receipt{want}, sunk, event)
	}
	w, sunk := serve(c, newEventCall(clientToken, "[]"))
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Empty(t, sunk)
}

// The platform checks a new webhook with a call that is not signed.
func TestWebhook_AnswersItsCheck(t *testing.T) {
	t.Parallel()
	c, _ := open(t, nil, func(c *rcs.Config) { c.ClientTokens = secret.NewAll("another", clientToken) })
	w, sunk := serve(c, newCall(`{"clientToken": "`+clientToken+`", "secret": "1234567890"}`, ""))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "1234567890", w.Body.String())
	require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
	require.Empty(t, sunk)
	for _, body := range []string{
		`{"clientToken": "guess", "secret": "1234567890"}`, `{"clientToken": "", "secret": "1234567890"}`, `{"secret": "1234567890"}`,
		`{"message": {}, "clientToken": "` + clientToken + `", "secret": "1234567890"}`,
	} {
		w, _ := serve(c, newCall(body, ""))
		require.Equal(t, http.StatusUnauthorized, w.Code, body)
		require.Empty(t, w.Body.String())
	}
}

func FuzzWebhook(f *testing.F) {
	for _, event := range []string{userEvent("DELIVERED", attempt), userEvent("READ", attempt), `{"eventType": 1, "messageId": 2}`, "x"} {
		f.Add(`{"message": {"data": "`+base64.StdEncoding.EncodeToString([]byte(event))+`"}}`, event, true)
	}
	f.Add(`{"clientToken": "`+clientToken+`", "secret": "<html>"}`, "", false)
	c, err := rcs.New(rcs.Config{AgentID: agent, Token: tokenOf(accessToken), ClientTokens: secret.NewAll(clientToken)})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body, event string, signed bool) {
		r := newCall(body, "AAAA")
		if signed {
			r = newEventCall(clientToken, event)
		}
		w, sunk := serve(c, r)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized}, w.Code)
		require.True(t, signed || len(sunk) == 0, "a call that is not signed has no receipts")
		require.LessOrEqual(t, len(sunk), 1)
		for _, receipt := range sunk {
			require.Len(t, receipt.ProviderID, 36)
			require.True(t, status.Default.Reaches(receipt.Status))
			_, err := receipt.At.UTC().MarshalJSON()
			require.NoError(t, err)
		}
		if w.Body.Len() > 0 {
			require.Contains(t, body, clientToken)
		}
	})
}
