package httpapi_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// testWebhook reads the body as a provider's ID, and verifies calls that say "genuine". The
// body "none" has no receipt, and "nonsense" is an error.
var testWebhook = httpapi.Webhook{
	MaxBody: 100,
	Verify:  func(r *http.Request, _ []byte) bool { return r.Header.Get("X-Signature") == "genuine" },
	Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) {
		switch id := string(body); id {
		case "none":
			return nil, nil
		case "nonsense":
			return nil, errors.New("nonsense")
		default:
			return []channel.Receipt{{Channel: channel.SMS, ProviderID: id, Status: status.Delivered}}, nil
		}
	},
	Answer: func(w http.ResponseWriter, _ *http.Request, body []byte) {
		_, _ = w.Write(append([]byte("took "), body...))
	},
}

func TestHandler_AnswersByOutcome(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, signature, body string
		down                    error
		code, sunk              int
		answer                  string
	}{
		"stored":                {"POST", "genuine", "SM1", nil, 200, 1, "took SM1"},
		"nothing in it":         {"POST", "genuine", "none", nil, 200, 0, "took none"},
		"the store is down":     {"POST", "genuine", "SM1", errors.New("down"), 503, 1, ""},
		"forged":                {"POST", "guess", "SM1", nil, 401, 0, ""},
		"forged nonsense":       {"POST", "guess", "nonsense", nil, 401, 0, ""},
		"nonsense":              {"POST", "genuine", "nonsense", nil, 400, 0, ""},
		"an ID of nothing":      {"POST", "genuine", "", nil, 400, 0, ""},
		"an ID that is no text": {"POST", "genuine", "SM\x00", nil, 400, 0, ""},
		"an ID that is no UTF":  {"POST", "genuine", "SM\xff", nil, 400, 0, ""},
		"oversize":              {"POST", "genuine", strings.Repeat("x", 101), nil, 413, 0, ""},
		"another method":        {"GET", "genuine", "SM1", nil, 405, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sunk := 0
			handler := testWebhook.Handler(func(_ context.Context, rs ...channel.Receipt) error {
				sunk += len(rs)
				return tt.down
			})
			r := httptest.NewRequest(tt.method, "/", strings.NewReader(tt.body))
			r.Header.Set("X-Signature", tt.signature)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Equal(t, tt.code, w.Code)
			require.Equal(t, tt.sunk, sunk)
			require.Equal(t, tt.answer, w.Body.String())
			require.Equal(t, tt.code == 503, w.Header().Get("Retry-After") != "")
			require.Equal(t, tt.code == 405, w.Header().Get("Allow") == "POST")
		})
	}
}

// What can be refused without the body is.
func TestHandler_ReadsNoNeedlessBody(t *testing.T) {
	t.Parallel()
	get := testWebhook
	get.Method = http.MethodGet
	signed := testWebhook
	signed.SignatureHeader = "X-Signature"
	for name, tt := range map[string]struct {
		webhook httpapi.Webhook
		change  func(*http.Request)
		code    int
	}{
		"no signature":   {signed, func(r *http.Request) { r.Header.Del("X-Signature") }, 401},
		"too long":       {testWebhook, func(r *http.Request) { r.ContentLength = 101 }, 413},
		"another method": {testWebhook, func(r *http.Request) { r.Method = http.MethodPut }, 405},
		"a GET":          {get, func(r *http.Request) { r.Method = http.MethodGet }, 400},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(panickingReader{}))
		r.Header.Set("X-Signature", "genuine")
		r.ContentLength = 10
		tt.change(r)
		w := httptest.NewRecorder()
		tt.webhook.Handler(func(context.Context, ...channel.Receipt) error { return nil }).ServeHTTP(w, r)
		require.Equal(t, tt.code, w.Code, name)
	}
}

// panickingReader panics when it is read.
type panickingReader struct{}

func (panickingReader) Read([]byte) (int, error) { panic("the body is read") }

func TestHandler_RefusesTruncatedBody(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	testWebhook.Handler(nil).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", io.MultiReader(
		strings.NewReader("SM"), truncatedBody{})))
	require.Equal(t, http.StatusBadRequest, w.Code)
}

type truncatedBody struct{}

func (truncatedBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSigned_AcceptsAnySecret(t *testing.T) {
	t.Parallel()
	message := []byte("body")
	mac := func(secret string) []byte {
		h := hmac.New(sha256.New, []byte(secret))
		h.Write(message)
		return h.Sum(nil)
	}
	secrets := []string{"new", "old"}
	require.True(t, httpapi.Signed(sha256.New, secrets, message, mac("new")))
	require.True(t, httpapi.Signed(sha256.New, secrets, message, mac("old")))
	require.False(t, httpapi.Signed(sha256.New, secrets, message, mac("other")))
	require.False(t, httpapi.Signed(sha256.New, secrets, []byte("another"), mac("new")))
	require.False(t, httpapi.Signed(sha256.New, secrets, message, nil))
	require.False(t, httpapi.Signed(sha256.New, nil, message, mac("")))
	require.False(t, httpapi.Signed(sha256.New, []string{""}, message, mac("")), "an empty secret signs nothing")
}
