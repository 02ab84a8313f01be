package twilio_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// sign returns Twilio's signature of a text.
func sign(token, text string) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// newCall returns a call with that signature.
func newCall(signature, address, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", signature)
	return r
}

// newCallback returns a call as Twilio makes it, with a form without repeated names.
func newCallback(token, address string, form url.Values) *http.Request {
	var text strings.Builder
	text.WriteString(address)
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text.WriteString(name + form.Get(name))
	}
	return newCall(sign(token, text.String()), address, form.Encode())
}

// callbackForm returns the form of a status callback.
func callbackForm(word, code string) url.Values {
	f := url.Values{
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "From": {"+15005550006"}, "To": {e164},
		"MessageSid": {message}, "SmsSid": {message}, "MessageStatus": {word}, "SmsStatus": {word},
		"RawDlrDoneDate": {"2611241200"}, "A new one": {"é 😀"},
	}
	if code != "" {
		f.Set("ErrorCode", code)
	}
	return f
}

// serve returns the status code of a call's answer and the receipts that the sink got.
func serve(ch channel.Receiver, r *http.Request) (code int, sunk []channel.Receipt) {
	w := httptest.NewRecorder()
	ch.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		sunk = append(sunk, rs...)
		return nil
	}).ServeHTTP(w, r)
	return w.Code, sunk
}

// requireReceipt returns the receipt of a call.
func requireReceipt(t *testing.T, ch channel.Receiver, r *http.Request) channel.Receipt {
	t.Helper()
	code, sunk := serve(ch, r)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, sunk, 1)
	return sunk[0]
}

func TestCallback_IsReceipt(t *testing.T) {
	t.Parallel()
	undeliverable := func(reason status.Reason, detail string) channel.Receipt {
		return channel.Receipt{Status: status.Undeliverable, Reason: reason, Detail: detail + ", " + message}
	}
	for _, tt := range []struct {
		word, code string
		want       channel.Receipt
	}{
		{"accepted", "", channel.Receipt{Status: status.Accepted}},
		{"scheduled", "", channel.Receipt{Status: status.Accepted}},
		{"queued", "", channel.Receipt{Status: status.Accepted}},
		{"sending", "", channel.Receipt{Status: status.Accepted}},
		{"sent", "", channel.Receipt{Status: status.Accepted}},
		{"delivered", "", channel.Receipt{Status: status.Delivered}},
		{"delivered", "30008", channel.Receipt{Status: status.Delivered}}, // another segment failed
		{"read", "", channel.Receipt{Status: status.Delivered}},
		{"canceled", "", undeliverable(status.Canceled, "canceled")},
		{"undelivered", "30003", undeliverable(status.CarrierError, "undelivered, error 30003")},
		{"undelivered", "30005", undeliverable(status.InvalidNumber, "undelivered, error 30005")},
		{"undelivered", "", undeliverable(status.CarrierError, "undelivered")},
		{"failed", "30001", undeliverable(status.CarrierError, "failed, error 30001")},
		{"failed", "30036", undeliverable(status.Expired, "failed, error 30036")},
		{"failed", "30999", undeliverable(status.CarrierError, "failed, error 30999")},
		{"failed", "nonsense", undeliverable(status.CarrierError, "failed")},
		{"failed", "886912345678", undeliverable(status.CarrierError, "failed")},
		{"failed", "29999", channel.Receipt{Status: status.Failed, Reason: "our_own", Detail: "failed, error 29999, " + message}},
		{"partially_delivered", "", channel.Receipt{}},
		{"received", "", channel.Receipt{}},
		{"Delivered", "", channel.Receipt{}},
	} {
		c := config()
		c.Name = "sms_us"
		c.Codes = map[int]channel.Verdict{29999: {Status: status.Failed, Reason: "our_own"}}
		tt.want.Channel, tt.want.ProviderID, tt.want.NewID = "sms_us", attempt.String(), message
		r := newCallback(token, public+"?attempt="+attempt.String(), callbackForm(tt.word, tt.code))
		require.Equal(t, tt.want, requireReceipt(t, open(t, c), r), "%s %s", tt.word, tt.code)
	}
}

func TestCallback_WithoutAttemptUsesSID(t *testing.T) {
	t.Parallel()
	got := requireReceipt(t, open(t, config()), newCallback(token, public, callbackForm("delivered", "")))
	require.Equal(t, channel.Receipt{Channel: channel.SMS, ProviderID: message, Status: status.Delivered}, got)
}

func TestCallback_AttemptIDIsCanonical(t *testing.T) {
	t.Parallel()
	r := newCallback(token, public+"?attempt="+strings.ToUpper(attempt.String()), callbackForm("delivered", ""))
	require.Equal(t, attempt.String(), requireReceipt(t, open(t, config()), r).ProviderID)
}

func TestCallback_AcceptsOlderStatusName(t *testing.T) {
	t.Parallel()
	f := callbackForm("delivered", "")
	f.Del("MessageStatus")
	require.Equal(t, status.Delivered, requireReceipt(t, open(t, config()), newCallback(token, public, f)).Status)
}

func TestCallback_DetailOmitsInvalidSID(t *testing.T) {
	t.Parallel()
	f := callbackForm("failed", "30003")
	f.Set("MessageSid", e164)
	got := requireReceipt(t, open(t, config()), newCallback(token, public+"?attempt="+attempt.String(), f))
	require.Equal(t, "failed, error 30003", got.Detail)
}

func TestCallback_RefusesMalformedCall(t *testing.T) {
	t.Parallel()
	without := func(names ...string) url.Values {
		f := callbackForm("delivered", "")
		for _, name := range names {
			f.Del(name)
		}
		return f
	}
	for _, r := range []*http.Request{
		newCallback(token, public+"?attempt="+attempt.String(), without("MessageStatus", "SmsStatus")),
		newCallback(token, public+"?attempt=7", callbackForm("delivered", "")),
		newCallback(token, public, without("MessageSid")),
		newCall(sign(token, public), public, ""),
		newHashedCall("{", ""),
		newHashedCall(`{"MessageStatus":[7]}`, ""),
	} {
		code, sunk := serve(open(t, config()), r)
		require.Equal(t, http.StatusBadRequest, code)
		require.Empty(t, sunk)
	}
}

// newHashedCall returns a call whose body is not a form. If hash is empty it is the body's
// own.
func newHashedCall(body, hash string) *http.Request {
	if hash == "" {
		sum := sha256.Sum256([]byte(body))
		hash = hex.EncodeToString(sum[:])
	}
	address := public + "?attempt=" + attempt.String() + "&bodySHA256=" + hash
	return newCall(sign(token, address), address, body)
}

func TestCallback_BodyMayBeJSON(t *testing.T) {
	t.Parallel()
	want := channel.Receipt{
		Channel: channel.SMS, ProviderID: attempt.String(), NewID: message, Status: status.Undeliverable, Reason: status.Blocked,
		Detail: "failed, error 30004, " + message,
	}
	for _, code := range []string{"30004", `"30004"`} {
		body := `{"MessageSid":"` + message + `","MessageStatus":"failed","ErrorCode":` + code + `}`
		require.Equal(t, want, requireReceipt(t, open(t, config()), newHashedCall(body, "")))
	}
	odd := `{"MessageSid":5,"MessageStatus":null,"SmsStatus":"failed","ErrorCode":"30004"}`
	want.NewID, want.Detail = "", "failed, error 30004"
	require.Equal(t, want, requireReceipt(t, open(t, config()), newHashedCall(odd, "")), "one odd field loses no other")
	code, _ := serve(open(t, config()), newHashedCall(`{"MessageStatus":"failed"}`, strings.Repeat("0", 64)))
	require.Equal(t, http.StatusUnauthorized, code, "the hash is another body's")
}

// The vectors are those of Twilio's own libraries: request_validator_test.go of twilio-go
// v1.31.0. None of these calls is about a message, so a call with a correct signature is
// malformed.
func TestSignature_TwiliosVectors(t *testing.T) {
	t.Parallel()
	const (
		base = "https://mycompany.com/myapp.php?foo=1&bar=2"
		call = "Digits=1234&CallSid=CA1234567890ABCDE&To=%2B18005551212&Caller=%2B14158675309&From=%2B14158675309"
		more = call + "&Reason=Participant&ReasonConferenceEnded=test"
		hash = base + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
		json = `{"property": "value", "boolean": true}`
	)
	for name, tt := range map[string]struct {
		signature, address, body string
		code                     int
	}{
		"a form":            {"RSOYDt4T1cUTdK1PDd93/VVr8B8=", base, call, 400},
		"more of a form":    {"vOEb5UThFn24KEfnOFLQY2AE5FY=", base, more, 400},
		"JSON":              {"a9nBmqA0ju/hNViExpshrM61xv4=", hash, json, 400},
		"another form":      {"RSOYDt4T1cUTdK1PDd93/VVr8B8=", base, more, 401},
		"another URL":       {"RSOYDt4T1cUTdK1PDd93/VVr8B8=", base + "0", call, 401},
		"another JSON":      {"a9nBmqA0ju/hNViExpshrM61xv4=", hash, json + " ", 401},
		"another hash":      {"a9nBmqA0ju/hNViExpshrM61xv4=", strings.Replace(hash, "0a1f", "0a1e", 1), json, 401},
		"another signature": {"RSOYDt4T1cUTdK1PDd93/VVr8B9=", base, call, 401},
		"no base64":         {"RSOYDt4T1cUTdK1PDd93/VVr8B8", base, call, 401},
		"none":              {"", base, call, 401},
	} {
		c := config()
		c.AuthTokens, c.StatusCallback = secret.NewAll("12345"), base
		code, _ := serve(open(t, c), newCall(tt.signature, tt.address, tt.body))
		require.Equal(t, tt.code, code, name)
	}
}

func TestSignature_CoversPublicURL(t *testing.T) {
	t.Parallel()
	const query, body = "?attempt=8f14e45f-ceea-467f-ab1d-5d5f0d6c1b2a", "MessageStatus=sent"
	const params = "MessageStatussent"
	const overrides = "#rc=5&rp=all"
	for _, tt := range []struct {
		configured, called, signed string
		code                       int
	}{
		{public, public + query, public + query, 200},
		// A proxy changes scheme, host, port and path, and they are of no matter.
		{public, "http://10.0.0.7:8080/twilio" + query, public + query, 200},
		{public, public + query, "http://10.0.0.7:8080/twilio" + query, 401},
		// The port may be in the text or not.
		{public, public + query, "https://example.com:443/receipts/twilio" + query, 200},
		{public, public + query, "https://example.com:80/receipts/twilio" + query, 401},
		{"http://example.com/x", "/x" + query, "http://example.com:80/x" + query, 200},
		{"https://example.com:8443/x", "/x" + query, "https://example.com:8443/x" + query, 200},
		{"https://example.com:8443/x", "/x" + query, "https://example.com/x" + query, 200},
		{"https://example.com:8443/x", "/x" + query, "https://example.com:443/x" + query, 401},
		// So may connection overrides, which no call carries.
		{public + overrides, public + query, public + query, 200},
		{public + overrides, public + query, public + query + overrides, 200},
		{public, public + query, public + query + overrides, 401},
		// Twilio may sort the parameters of the call, and sign them as it got them.
		{public + "?tenant=b&b=1", public + query + "&b=1&tenant=b", public + "?tenant=b&b=1&" + query[1:], 200},
		{public + "?tenant=b", public + query + "&tenant=b", public + query + "&tenant=b", 200},
		{public + "?tenant=b", public + query + "&tenant=c", public + "?tenant=b&" + query[1:], 401},
		{public + "?tenant=b", public + query, public + "?tenant=b&" + query[1:], 401},
		// The query must arrive.
		{public, public, public + query, 401},
		{public, public + query + "0", public + query, 401},
	} {
		c := config()
		c.StatusCallback = tt.configured
		code, _ := serve(open(t, c), newCall(sign(token, tt.signed+params), tt.called, body))
		require.Equal(t, tt.code, code, "%+v", tt)
	}
}

func TestSignature_RepeatedValueCountsOnce(t *testing.T) {
	t.Parallel()
	r := newCall(sign(token, public+"MessageSidSM1MessageSidSM2MessageStatussentab"), public,
		"MessageSid=SM2&a=b&MessageSid=SM1&MessageStatus=sent&MessageSid=SM2")
	require.Equal(t, "SM2", requireReceipt(t, open(t, config()), r).ProviderID)
}

func TestSignature_AcceptsAnyAuthToken(t *testing.T) {
	t.Parallel()
	c := config()
	c.AuthTokens = secret.NewAll("new", "old")
	for signer, want := range map[string]int{"new": 200, "old": 200, token: 401, "": 401} {
		code, _ := serve(open(t, c), newCallback(signer, public, callbackForm("sent", "")))
		require.Equal(t, want, code, signer)
	}
}

func FuzzCallback(f *testing.F) {
	f.Add("attempt="+attempt.String(), callbackForm("delivered", "").Encode(), "")
	f.Add("attempt="+attempt.String(), callbackForm("failed", "30003").Encode(), "")
	f.Add("attempt=7", "MessageStatus=sent", "")
	f.Add("", "MessageSid=SM1&MessageStatus=sent&MessageStatus=sent", "")
	f.Add("", "%zz;=&&=", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Add(newHashedCall(`{"MessageSid":"SM1","MessageStatus":"sent"}`, "").URL.RawQuery, `{"MessageSid":"SM1","MessageStatus":"sent"}`, "")
	f.Fuzz(func(t *testing.T, query, body, signature string) {
		ch := open(t, config())
		called := func(signature string) (int, []channel.Receipt) {
			return serve(ch, &http.Request{
				Method: http.MethodPost, URL: &url.URL{Path: "/", RawQuery: query},
				Header: http.Header{"X-Twilio-Signature": {signature}}, Body: io.NopCloser(strings.NewReader(body)),
			})
		}
		code, sunk := called(signature)
		require.Contains(t, []int{401, 413}, code, "who has no token signs nothing")
		require.Empty(t, sunk)

		var text strings.Builder
		text.WriteString(public)
		if query != "" {
			text.WriteString("?" + query)
		}
		values, err := url.ParseQuery(body)
		if isForm := !strings.Contains(query, "bodySHA256"); err == nil && isForm {
			for _, name := range sortedNames(values) {
				slices.Sort(values[name])
				for _, value := range slices.Compact(values[name]) {
					text.WriteString(name + value)
				}
			}
		}
		code, sunk = called(sign(token, text.String()))
		require.Contains(t, []int{200, 400, 401, 413}, code)
		require.Equal(t, code == http.StatusOK, len(sunk) == 1)
		for _, receipt := range sunk {
			require.True(t, status.SMS.Reaches(receipt.Status))
			require.Equal(t, receipt.Status == status.Undeliverable, receipt.Reason != "")
			require.NotEmpty(t, receipt.ProviderID)
			require.False(t, receipt.Read)
			require.Regexp(t, `^((undelivered|failed|canceled)(, error [1-9][0-9]{0,5})?(, [SM]M[0-9a-fA-F]{32})?)?$`, receipt.Detail)
		}
	})
}

func sortedNames(values url.Values) []string { return slices.Sorted(maps.Keys(values)) }
