package mitake_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

const attempt = "ce910656-7bd1-41ea-bc55-0242ac130003"

// responseURL returns the callback URL of an attempt under a secret.
func responseURL(signingSecret, attempt string) string {
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write([]byte(attempt))
	return callbackURL + "/" + attempt + "/" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// newCallback returns Mitake's call of a URL, with a query as it is on the wire.
func newCallback(t *testing.T, response, query string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(
		"GET " + strings.TrimPrefix(response, "https://app.example.com") + "?" + query + " HTTP/1.1\r\nHost: app.example.com\r\n\r\n")))
	require.NoError(t, err)
	return r
}

// serveCallback serves a callback, with a sink that returns err.
func serveCallback(c *mitake.Channel, r *http.Request, err error) (w *httptest.ResponseRecorder, sunk []channel.Receipt) {
	w = httptest.NewRecorder()
	c.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		sunk = append(sunk, rs...)
		return err
	}).ServeHTTP(w, r)
	return w, sunk
}

func readVector(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return strings.TrimSpace(string(b))
}

func TestCallback_IsReadByStatusFlag(t *testing.T) {
	t.Parallel()
	taipei := time.FixedZone("", 8*60*60)
	for name, tt := range map[string]struct {
		query string
		want  channel.Receipt
		msgID string
	}{
		// Its statuscode is 0, which of an answer means "scheduled".
		"delivered": {readVector(t, "callbacks/delivered.txt"), channel.Receipt{
			Status: status.Delivered, At: time.Date(2017, 10, 1, 11, 23, 45, 0, taipei),
		}, "1234567890"},
		"a wrong number": {readVector(t, "callbacks/number.txt"), channel.Receipt{
			Status: status.Undeliverable, Reason: status.InvalidNumber, Detail: "StatusFlag=6 msgid=0313887539",
			At: time.Date(2024, 6, 18, 10, 15, 30, 0, taipei),
		}, "0313887539"},
		"expired": {readVector(t, "callbacks/expired.txt"), channel.Receipt{
			Status: status.Undeliverable, Reason: status.Expired, Detail: "StatusFlag=8 msgid=0313887540",
			At: time.Date(2024, 6, 19, 10, 15, 0, 0, taipei),
		}, "0313887540"},
		"msgid with a bare #": {readVector(t, "callbacks/hash.txt"), channel.Receipt{
			Status: status.Delivered, At: time.Date(2024, 6, 18, 10, 15, 30, 0, taipei),
		}, "#000000013"},
		"msgid with an escaped #":                      {"msgid=%23000000013&StatusFlag=4", channel.Receipt{Status: status.Delivered}, "#000000013"},
		"at the carrier":                               {"msgid=1&statuscode=1&StatusFlag=2", channel.Receipt{Status: status.Accepted}, "1"},
		"scheduled":                                    {"msgid=1&statuscode=1&StatusFlag=0", channel.Receipt{Status: status.Accepted}, "1"},
		"canceled":                                     {"msgid=1&StatusFlag=9", channel.Receipt{Status: status.Undeliverable, Reason: status.Canceled, Detail: "StatusFlag=9 msgid=1"}, "1"},
		"the word alone":                               {"msgid=1&statuscode=0&statusstr=DELIVRD", channel.Receipt{Status: status.Delivered}, "1"},
		"another word alone":                           {"msgid=1&statusstr=UNDELIV", channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, Detail: "statusstr=UNDELIV msgid=1"}, "1"},
		"UNKNOWN reports nothing new":                  {"msgid=1&statuscode=1&statusstr=UNKNOWN", channel.Receipt{}, "1"},
		"an unknown flag reports nothing new":          {"msgid=1&statuscode=0&statusstr=DELIVRD&StatusFlag=77", channel.Receipt{}, "1"},
		"a flag of a refused call reports nothing new": {"msgid=1&statuscode=0&StatusFlag=*", channel.Receipt{}, "1"},
		"an invalid time":                              {"msgid=1&donetime=20240230&StatusFlag=4", channel.Receipt{Status: status.Delivered}, "1"},
		"a time before all years":                      {"msgid=1&donetime=00000101000000&StatusFlag=4", channel.Receipt{Status: status.Delivered}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := open(t, acceptAnswer, nil)
			w, sunk := serveCallback(c, newCallback(t, responseURL(signingSecret, attempt), tt.query), nil)
			require.Equal(t, http.StatusOK, w.Code)
			require.Len(t, sunk, 1)
			require.True(t, tt.want.At.Equal(sunk[0].At), "%v", sunk[0].At)
			tt.want.At, tt.want.Channel, tt.want.ProviderID = sunk[0].At, channel.SMS, attempt
			tt.want.NewID = strings.TrimPrefix(tt.msgID, "#")
			require.Equal(t, tt.want, sunk[0])
			require.Equal(t, "text/plain", w.Header().Get("Content-Type"))
			require.Equal(t, "magicid=sms_gateway_rpack\nmsgid="+tt.msgID+"\n", w.Body.String())
		})
	}
}

func TestCallback_IsAcknowledgedWhenStored(t *testing.T) {
	t.Parallel()
	c, _ := open(t, acceptAnswer, nil)
	w, sunk := serveCallback(c, newCallback(t, responseURL(signingSecret, attempt), "msgid=1&StatusFlag=4"), errors.New("down"))
	require.Len(t, sunk, 1)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Empty(t, w.Body.String())
}

func TestCallback_RequiresSignedURL(t *testing.T) {
	t.Parallel()
	const query = "msgid=1&StatusFlag=4"
	another := "00000000-0000-4000-8000-000000000000"
	genuine := responseURL(signingSecret, attempt)
	code := genuine[strings.LastIndex(genuine, "/")+1:]
	for name, tt := range map[string]struct {
		url  string
		code int
	}{
		"genuine":             {genuine, http.StatusOK},
		"the secret before":   {responseURL("older", attempt), http.StatusOK},
		"behind a proxy":      {"https://app.example.com/" + attempt + "/" + code, http.StatusOK},
		"a guessed secret":    {responseURL("guess", attempt), http.StatusUnauthorized},
		"another attempt":     {callbackURL + "/" + another + "/" + code, http.StatusUnauthorized},
		"half a code":         {genuine[:len(genuine)-20], http.StatusUnauthorized},
		"no code":             {callbackURL + "/" + attempt + "/", http.StatusUnauthorized},
		"a code of no base64": {callbackURL + "/" + attempt + "/%21", http.StatusUnauthorized},
		"the folder":          {callbackURL, http.StatusUnauthorized},
		"the root":            {"https://app.example.com/", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := open(t, acceptAnswer, func(c *mitake.Config) { c.CallbackSecrets = secret.NewAll(signingSecret, "older") })
			w, sunk := serveCallback(c, newCallback(t, tt.url, query), nil)
			require.Equal(t, tt.code, w.Code)
			require.Equal(t, tt.code == http.StatusOK, len(sunk) == 1)
		})
	}

	c, p := open(t, acceptAnswer, func(c *mitake.Config) { c.CallbackSecrets = secret.NewAll(signingSecret, "older") })
	e := envelope(t, "text")
	_, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, responseURL(signingSecret, e.AttemptID.String()), p.onlyForm(t).Get("response"), "the first secret signs")

	c, _ = open(t, acceptAnswer, func(c *mitake.Config) { c.CallbackURL, c.CallbackSecrets = "", nil })
	w, _ := serveCallback(c, newCallback(t, responseURL("", attempt), query), nil)
	require.Equal(t, http.StatusUnauthorized, w.Code, "nothing signs for a channel without callbacks")
}

func TestCallback_RefusesMalformedCall(t *testing.T) {
	t.Parallel()
	c, _ := open(t, acceptAnswer, nil)
	for _, query := range []string{"", "msgid=1", "StatusFlag=4", "msgid=1&statuscode=1", "msgid=1%0A2&StatusFlag=4", "msgid=" + strings.Repeat("1", 37) + "&StatusFlag=4"} {
		w, sunk := serveCallback(c, newCallback(t, responseURL(signingSecret, attempt), query), nil)
		require.Equal(t, http.StatusBadRequest, w.Code, query)
		require.Empty(t, sunk, query)
	}
}

func FuzzCallback(f *testing.F) {
	for _, query := range []string{"msgid=#000000013&statuscode=0&statusstr=DELIVRD&StatusFlag=4", "msgid=1&donetime=20240618101530&StatusFlag=8", "msgid=%zz;&StatusFlag"} {
		f.Add(responseURL(signingSecret, attempt)[len(callbackURL):], query)
	}
	f.Add("/"+attempt+"/x", "msgid=1&StatusFlag=4")
	// Base64 has other spellings of the same bytes, with bits left over and with lines, and
	// so have paths.
	genuine := responseURL(signingSecret, attempt)[len(callbackURL):]
	for _, spelling := range []string{genuine[:len(genuine)-1] + string(genuine[len(genuine)-1]+1), genuine + "\n", strings.Replace(genuine[1:], "/", "//", 1), genuine[1:]} {
		f.Add(spelling, "msgid=1&StatusFlag=4")
	}
	c, err := mitake.New(mitake.Config{
		URL: "https://127.0.0.1", Username: username, Password: secret.New(password),
		CallbackURL: callbackURL, CallbackSecrets: secret.NewAll(signingSecret),
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, path, query string) {
		w, sunk := serveCallback(c, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Body: http.NoBody}, nil)
		genuine := strings.HasSuffix("/"+path, responseURL(signingSecret, attempt)[len(callbackURL):])
		switch w.Code {
		case http.StatusOK:
			require.True(t, genuine, "%q", path)
			require.Len(t, sunk, 1)
			require.Equal(t, attempt, sunk[0].ProviderID)
			require.Regexp(t, `^([A-Za-z]?[0-9]+)?$`, sunk[0].NewID)
			require.True(t, sunk[0].Status == status.Preparing || status.SMS.Reaches(sunk[0].Status))
			require.Equal(t, sunk[0].Status == status.Undeliverable || sunk[0].Status == status.Failed, sunk[0].Reason != "")
			_, err := sunk[0].At.UTC().MarshalJSON()
			require.NoError(t, err)
			require.Regexp(t, `^magicid=sms_gateway_rpack\nmsgid=[!-~]+\n$`, w.Body.String())
		case http.StatusBadRequest:
			require.True(t, genuine, "%q", path)
			require.Empty(t, sunk)
		default:
			require.Equal(t, http.StatusUnauthorized, w.Code)
			require.Empty(t, sunk)
		}
	})
}
