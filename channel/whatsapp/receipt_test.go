package whatsapp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// newSignedCall returns Meta's call with a body.
func newSignedCall(t testing.TB, body []byte, signingSecret string) *http.Request {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write(body)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/whatsapp", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

// exampleFor returns one of Meta's examples with the callback data of an attempt, which the
// examples leave out. fields also sets fields of the status: a name and its value in turn.
func exampleFor(t testing.TB, name, attempt string, fields ...any) []byte {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(testdata(t, name), &doc))
	change := doc["entry"].([]any)[0].(map[string]any)["changes"].([]any)[0].(map[string]any)
	word := change["value"].(map[string]any)["statuses"].([]any)[0].(map[string]any)
	word["biz_opaque_callback_data"], word["id"] = attempt, wamidOf(attempt)
	for i := 0; i < len(fields); i += 2 {
		word[fields[i].(string)] = fields[i+1]
	}
	body, err := json.Marshal(doc)
	require.NoError(t, err)
	return body
}

// serveCall serves a call, and returns its answer and the receipts of each call of the
// sink.
func serveCall(c *whatsapp.Channel, r *http.Request, refusal error) (*httptest.ResponseRecorder, [][]channel.Receipt) {
	var sunk [][]channel.Receipt
	w := httptest.NewRecorder()
	c.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		sunk = append(sunk, rs)
		return refusal
	}).ServeHTTP(w, r)
	return w, sunk
}

func TestWebhook_StatusesBecomeReceipts(t *testing.T) {
	t.Parallel()
	c, id := open(t, config("")), uuid.NewString()
	sentAt := time.Unix(1750030073, 0).UTC()
	for name, tt := range map[string]struct {
		body []byte
		want channel.Receipt
	}{
		"sent":      {exampleFor(t, "webhooks/sent.json", id), channel.Receipt{Status: status.Accepted, At: sentAt}},
		"delivered": {exampleFor(t, "webhooks/sent.json", id, "status", "delivered"), channel.Receipt{Status: status.Delivered, At: sentAt}},
		"read, without delivered": {
			exampleFor(t, "webhooks/sent.json", id, "status", "read"),
			channel.Receipt{Status: status.Delivered, Read: true, At: sentAt},
		},
		"failed": {exampleFor(t, "webhooks/failed.json", id), channel.Receipt{
			Status: status.Undeliverable, Reason: status.Blocked, At: time.Unix(1751142888, 0).UTC(),
			Detail: "131049: This message was not delivered to maintain healthy ecosystem engagement.: " +
				"In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
		}},
		"failed, without a word why": {
			exampleFor(t, "webhooks/failed.json", id, "errors", nil, "timestamp", 1751142888),
			channel.Receipt{Status: status.Undeliverable, Reason: status.CarrierError, At: time.Unix(1751142888, 0).UTC()},
		},
		"no time":                 {exampleFor(t, "webhooks/sent.json", id, "timestamp", nil), channel.Receipt{Status: status.Accepted}},
		"a time before all":       {exampleFor(t, "webhooks/sent.json", id, "timestamp", "-5"), channel.Receipt{Status: status.Accepted}},
		"a time after all":        {exampleFor(t, "webhooks/sent.json", id, "timestamp", "99999999999999"), channel.Receipt{Status: status.Accepted}},
		"a time that is no whole": {exampleFor(t, "webhooks/sent.json", id, "timestamp", 1750030073.5), channel.Receipt{Status: status.Accepted, At: sentAt}},
		"a time that is no time":  {exampleFor(t, "webhooks/sent.json", id, "timestamp", "noon"), channel.Receipt{Status: status.Accepted}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, sunk := serveCall(c, newSignedCall(t, tt.body, appSecret), nil)
			require.Equal(t, http.StatusOK, w.Code)
			tt.want.Channel, tt.want.ProviderID, tt.want.NewID = channel.WhatsApp, id, whatsapp.MessageKey(wamidOf(id))
			require.Equal(t, [][]channel.Receipt{{tt.want}}, sunk)
		})
	}
}

// A webhook has no second try, so a code that is temporary for a send is final here.
func TestWebhook_CodesAreFinal(t *testing.T) {
	t.Parallel()
	conf := config("")
	conf.Codes = map[int]channel.Verdict{
		131026: {Status: status.Undeliverable, Reason: status.NoMatch},
		131050: {},
	}
	c := open(t, conf)
	for code, want := range map[any]channel.Verdict{
		131000:            {Status: status.Undeliverable, Reason: status.CarrierError},
		130429:            {Status: status.Undeliverable, Reason: status.CarrierError},
		1:                 {Status: status.Undeliverable, Reason: status.CarrierError},
		139999:            {Status: status.Undeliverable, Reason: status.CarrierError}, // unknown
		131050:            {Status: status.Undeliverable, Reason: status.CarrierError}, // configured as one that may pass
		131026:            {Status: status.Undeliverable, Reason: status.NoMatch},      // configured
		"131026":          {Status: status.Undeliverable, Reason: status.NoMatch},
		132015:            {Status: status.Undeliverable, Reason: status.TemplateMismatch},
		131042:            {Status: status.Undeliverable, Reason: status.Permission},
		131009:            {Status: status.Undeliverable, Reason: status.TemplateMismatch},
		131047:            {Status: status.Failed, Reason: status.TemplateConfig},
		int64(8869123456): {Status: status.Undeliverable, Reason: status.CarrierError}, // no code
	} {
		failed := exampleFor(t, "webhooks/failed.json", uuid.NewString(), "errors", []any{map[string]any{"code": code}})
		_, sunk := serveCall(c, newSignedCall(t, failed, appSecret), nil)
		require.Len(t, sunk, 1, code)
		require.Equal(t, want, channel.Verdict{Status: sunk[0][0].Status, Reason: sunk[0][0].Reason}, code)
	}
}

func TestWebhook_IgnoresForeignCalls(t *testing.T) {
	t.Parallel()
	c, id := open(t, config("")), uuid.NewString()
	news := func(field, value string) string {
		return `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"` + field + `","value":` + value + `}]}]}`
	}
	for name, body := range map[string]string{
		"a person's message":        string(testdata(t, "webhooks/message.json")),
		"a person's message to us":  strings.ReplaceAll(string(testdata(t, "webhooks/message.json")), "1234567890", phoneNumberID),
		"without an attempt":        string(testdata(t, "webhooks/sent.json")),
		"another program's message": string(exampleFor(t, "webhooks/sent.json", "campaign 7")),
		"an ID in another form":     string(exampleFor(t, "webhooks/sent.json", "urn:uuid:"+id)),
		"another number":            strings.ReplaceAll(string(exampleFor(t, "webhooks/sent.json", id)), phoneNumberID, "106540352242923"),
		"played":                    string(exampleFor(t, "webhooks/sent.json", id, "status", "played")),
		"deleted":                   string(exampleFor(t, "webhooks/sent.json", id, "status", "deleted")),
		"a word to come":            string(exampleFor(t, "webhooks/sent.json", id, "status", "teleported")),
		"a template's news":         news("message_template_status_update", `{"event":"APPROVED","message_template_id":594425479261596}`),
		"news in a new form":        news("new", `[1]`),
		"errors of the account":     news("messages", `{"metadata":{"phone_number_id":"`+phoneNumberID+`"},"errors":[{"code":130429}]}`),
		"another product":           `{"object":"instagram","entry":{"0":7}}`,
		"another number's nonsense": news("messages", `{"metadata":{"phone_number_id":"106540352242923"},"statuses":[{"status":7}]}`),
		"nothing":                   `{"object":"whatsapp_business_account","entry":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, sunk := serveCall(c, newSignedCall(t, []byte(body), appSecret), nil)
			require.Equal(t, http.StatusOK, w.Code)
			require.Empty(t, sunk)
		})
	}
}

func TestWebhook_CallsSinkOnce(t *testing.T) {
	t.Parallel()
	var ids []string
	var changes, entries []string
	for i := range 12 {
		ids = append(ids, uuid.NewString())
		changes = append(changes, fmt.Sprintf(`{"field":"messages","value":{"metadata":{"phone_number_id":%q},"statuses":[
			{"id":"wamid.A","status":"sent","timestamp":"1750030073","biz_opaque_callback_data":%q},
			{"id":"wamid.B","status":"sent","timestamp":"1750030073"},
			{"id":"wamid.A","status":"read","timestamp":"1750030074","biz_opaque_callback_data":%[2]q}]}}`, phoneNumberID, ids[i]))
		if i%3 == 2 {
			entries = append(entries, `{"id":"102290129340398","changes":[`+strings.Join(changes, ",")+`,{"field":"security","value":{}}]}`)
			changes = nil
		}
	}
	body := `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`
	w, sunk := serveCall(open(t, config("")), newSignedCall(t, []byte(body), appSecret), nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Len(t, sunk, 1)
	var got []string
	for i, r := range sunk[0] {
		require.Equal(t, i%2 == 1, r.Read)
		got = append(got, r.ProviderID)
	}
	var want []string
	for _, id := range ids {
		want = append(want, id, id)
	}
	require.Equal(t, want, got)
}

func TestWebhook_RefusesMalformedCall(t *testing.T) {
	t.Parallel()
	c := open(t, config(""))
	for _, body := range []string{
		"", "null", "[]", `"x"`, "{", "{}", `{"object":[]}`, `{"object":"whatsapp_business_account"}`, `{"object":"whatsapp_business_account","entry":7}`,
		`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages"}]}]}`,
		`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":[]}]}]}`,
		`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"` + phoneNumberID + `"},"statuses":[7]}}]}]}`,
	} {
		w, sunk := serveCall(c, newSignedCall(t, []byte(body), appSecret), nil)
		require.Equal(t, http.StatusBadRequest, w.Code, body)
		require.Empty(t, sunk)
	}
}

// Meta repeats a refused call for days, and with it the valid statuses of the call.
func TestWebhook_MalformedStatusStopsNoOther(t *testing.T) {
	t.Parallel()
	id, failed := uuid.NewString(), uuid.NewString()
	ours := `"metadata":{"phone_number_id":"` + phoneNumberID + `"}`
	values := []string{
		`7`,
		`{"statuses":[{"status":7}]}`,
		`{` + ours + `,"statuses":[7,{"status":7},
			{"status":"delivered","timestamp":"noon","biz_opaque_callback_data":"` + id + `"},
			{"status":"failed","errors":[{"code":"#131026"}],"biz_opaque_callback_data":"` + failed + `"}]}`,
		`{` + ours + `,"statuses":7}`,
	}
	body := `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":` +
		strings.Join(values, `},{"field":"messages","value":`) + `}]}]}`
	w, sunk := serveCall(open(t, config("")), newSignedCall(t, []byte(body), appSecret), nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, [][]channel.Receipt{{
		{Channel: channel.WhatsApp, ProviderID: id, Status: status.Delivered},
		{Channel: channel.WhatsApp, ProviderID: failed, Status: status.Undeliverable, Reason: status.CarrierError},
	}}, sunk)
}

func TestWebhook_OddPartHidesNoOther(t *testing.T) {
	t.Parallel()
	id := uuid.NewString()
	ours := `{"metadata":{"display_phone_number":886,"phone_number_id":` + phoneNumberID + `},"contacts":7,"statuses":[` +
		`{"id":7,"status":"delivered","timestamp":1750030073.9,"recipient_id":{},"conversation":[],"biz_opaque_callback_data":"` + id + `"}]}`
	for name, body := range map[string]string{
		"an entry":     `{"object":"whatsapp_business_account","entry":[7,null,{"changes":7},{"id":7,"time":"x","changes":[{"field":"messages","value":` + ours + `}]}]}`,
		"a change":     `{"object":"whatsapp_business_account","entry":[{"changes":[7,{"field":8},{"field":"messages","value":8},{"field":"messages","value":` + ours + `}]}]}`,
		"another kind": `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"security","value":"x"},{"field":"messages","value":` + ours + `}]}],"new":{}}`,
	} {
		w, sunk := serveCall(open(t, config("")), newSignedCall(t, []byte(body), appSecret), nil)
		require.Equal(t, http.StatusOK, w.Code, name)
		require.Equal(t, [][]channel.Receipt{{{
			Channel: channel.WhatsApp, ProviderID: id, NewID: whatsapp.MessageKey("7"),
			Status: status.Delivered, At: time.Unix(1750030073, 0).UTC(),
		}}}, sunk, name)
	}
}

// Meta's reference promises the callback data for other statuses than failed, and its
// example of a failed status has none.
func TestWebhook_FailedNeedsNoCallbackData(t *testing.T) {
	t.Parallel()
	_, sunk := serveCall(open(t, config("")), newSignedCall(t, testdata(t, "webhooks/failed.json"), appSecret), nil)
	require.Len(t, sunk, 1)
	require.Equal(t, whatsapp.MessageKey("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI0QUQ2MjA4NEYyRkExNjMyREUA"), sunk[0][0].ProviderID)
	require.Equal(t, status.Blocked, sunk[0][0].Reason)
	_, sunk = serveCall(open(t, config("")), newSignedCall(t, exampleFor(t, "webhooks/failed.json", "campaign 7"), appSecret), nil)
	require.Empty(t, sunk, "another program's message")
}

func TestMessageKey_HoldsNoNumber(t *testing.T) {
	t.Parallel()
	id := func(number, rest string) string {
		return "wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x18"+string(rune(len(number)))+number+"\x15\x02\x00"+rest))
	}
	key := whatsapp.MessageKey(id("16505551234", "2B36E9DE68B1F75048"))
	require.Equal(t, key, whatsapp.MessageKey(id("16505551235", "2B36E9DE68B1F75048")), "the number is no part of it")
	require.NotEqual(t, key, whatsapp.MessageKey(id("16505551234", "2B36E9DE68B1F75049")))
	require.Empty(t, whatsapp.MessageKey(""))
	require.NotEqual(t, whatsapp.MessageKey("wamid.A"), whatsapp.MessageKey("wamid.B"))
	require.Regexp(t, `^m-[\w-]{22}$`, key)
}

func TestName_IsConfigured(t *testing.T) {
	t.Parallel()
	conf := config("")
	require.Equal(t, channel.WhatsApp, open(t, conf).Name())
	conf.Name = "whatsapp_outlet"
	c := open(t, conf)
	require.Equal(t, channel.Name("whatsapp_outlet"), c.Name())
	_, sunk := serveCall(c, newSignedCall(t, exampleFor(t, "webhooks/sent.json", uuid.NewString()), appSecret), nil)
	require.Equal(t, channel.Name("whatsapp_outlet"), sunk[0][0].Channel)
}

func TestWebhook_AcceptsThreeMegabytes(t *testing.T) {
	t.Parallel()
	c, id := open(t, config("")), uuid.NewString()
	body := exampleFor(t, "webhooks/sent.json", id, "padding", strings.Repeat("x", 3_000_000))
	w, sunk := serveCall(c, newSignedCall(t, body, appSecret), nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Len(t, sunk, 1)
	w, _ = serveCall(c, newSignedCall(t, exampleFor(t, "webhooks/sent.json", id, "padding", strings.Repeat("x", 5_000_000)), appSecret), nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
}

func TestWebhook_AsksForRepeatWhenNotStored(t *testing.T) {
	t.Parallel()
	body := exampleFor(t, "webhooks/sent.json", uuid.NewString())
	w, _ := serveCall(open(t, config("")), newSignedCall(t, body, appSecret), errors.New("the store is down"))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

// The signatures in openssl.txt were computed by OpenSSL.
func TestWebhook_SignatureMatchesOpenSSL(t *testing.T) {
	t.Parallel()
	c := open(t, config(""))
	lines := 0
	for line := range strings.Lines(string(testdata(t, "signatures/openssl.txt"))) {
		fields := strings.Fields(line)
		require.Len(t, fields, 3)
		file, signingSecret, mac := fields[0], fields[1], fields[2]
		body := testdata(t, file)
		call := func(c *whatsapp.Channel, signature string, body []byte) int {
			r := newSignedCall(t, body, "")
			r.Header.Set("X-Hub-Signature-256", signature)
			w, _ := serveCall(c, r, nil)
			return w.Code
		}
		require.Equal(t, http.StatusOK, call(c, "sha256="+mac, body), line)
		require.Equal(t, http.StatusOK, call(c, "sha256="+strings.ToUpper(mac), body), line)

		one := config("")
		one.AppSecrets = secret.NewAll(signingSecret)
		require.Equal(t, http.StatusOK, call(open(t, one), "sha256="+mac, body), line)
		one.AppSecrets = secret.NewAll(signingSecret + "x")
		require.Equal(t, http.StatusUnauthorized, call(open(t, one), "sha256="+mac, body), line)

		for _, wrong := range []string{
			"", mac, "sha256=", "sha1=" + mac, "sha256=" + mac[2:], "sha256=" + mac + "00", "sha256=" + mac[:63] + "x", "SHA256=" + mac, "sha256= " + mac,
		} {
			require.Equal(t, http.StatusUnauthorized, call(c, wrong, body), wrong)
		}
		require.Equal(t, http.StatusUnauthorized, call(c, "sha256="+mac, append(body, '\n')), line)
		lines++
	}
	require.Equal(t, 8, lines)
}

// Meta escapes some characters in a body, and not others. The signature covers the octets as
// they came.
func TestWebhook_SignatureCoversOctets(t *testing.T) {
	t.Parallel()
	c, id := open(t, config("")), uuid.NewString()
	for _, name := range []string{"\\u00e4\\ud83e\\udd28", "ä🤨", "\\/", "a@b <&>"} {
		body := bytes.Replace(exampleFor(t, "webhooks/sent.json", id), []byte(`{`), []byte(`{ "name":"`+name+`",`), 1)
		w, sunk := serveCall(c, newSignedCall(t, body, appSecret), nil)
		require.Equal(t, http.StatusOK, w.Code)
		require.Len(t, sunk, 1)
	}
}

func TestWebhook_ChallengeNeedsToken(t *testing.T) {
	t.Parallel()
	conf := config("")
	conf.VerifyTokens = secret.NewAll("new", verifyToken)
	c := open(t, conf)
	for name, tt := range map[string]struct {
		mode, token, challenge string
		code                   int
	}{
		"the one":          {"subscribe", verifyToken, "1158201444", 200},
		"the other":        {"subscribe", "new", "1158201444", 200},
		"an odd challenge": {"subscribe", "new", "<b>1</b>&%", 200},
		"a wrong token":    {"subscribe", verifyToken + "x", "1158201444", 403},
		"a piece of it":    {"subscribe", verifyToken[:4], "1158201444", 403},
		"no token":         {"subscribe", "", "1158201444", 403},
		"a wrong mode":     {"unsubscribe", verifyToken, "1158201444", 403},
		"no mode":          {"", verifyToken, "1158201444", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := url.Values{"hub.mode": {tt.mode}, "hub.verify_token": {tt.token}, "hub.challenge": {tt.challenge}}
			w, sunk := serveCall(c, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/webhooks/whatsapp?"+q.Encode(), nil), nil)
			require.Equal(t, tt.code, w.Code)
			require.Empty(t, sunk)
			if tt.code == 200 {
				require.Equal(t, tt.challenge, w.Body.String())
				require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
			} else {
				require.Empty(t, w.Body.String())
			}
		})
	}
	w, _ := serveCall(c, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/webhooks/whatsapp", nil), nil)
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}

var longNumber = regexp.MustCompile(`[0-9]{8}`)

// FuzzWebhook signs any body. The handler must not panic, its receipts must be storable,
// and the same call must give the same receipts again.
func FuzzWebhook(f *testing.F) {
	id := uuid.NewString()
	f.Add(exampleFor(f, "webhooks/sent.json", id))
	f.Add(exampleFor(f, "webhooks/failed.json", id))
	f.Add(testdata(f, "webhooks/message.json"))
	f.Add([]byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"` +
		phoneNumberID + `"},"statuses":[{"status":"failed","biz_opaque_callback_data":"` + id +
		`","errors":[{"code":"131026","title":"+886 912 345 678","error_data":{"details":7}},{}]}]}}]}]}`))
	c := open(f, config(""))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, sunk := serveCall(c, newSignedCall(t, body, appSecret), nil)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code)
		again, sunkAgain := serveCall(c, newSignedCall(t, body, oldSecret), nil)
		require.Equal(t, w.Code, again.Code)
		require.Equal(t, sunk, sunkAgain)
		if w.Code != http.StatusOK {
			require.Empty(t, sunk)
		}
		require.LessOrEqual(t, len(sunk), 1)
		for _, rs := range sunk {
			require.NotEmpty(t, rs)
			for _, r := range rs {
				require.Equal(t, channel.WhatsApp, r.Channel)
				if !strings.HasPrefix(r.ProviderID, "m-") {
					require.Equal(t, r.ProviderID, uuid.MustParse(r.ProviderID).String())
				}
				require.True(t, status.WhatsApp.Reaches(r.Status))
				require.Equal(t, r.Status == status.Undeliverable || r.Status == status.Failed, r.Reason != "")
				require.True(t, !r.Read || r.Status == status.Delivered)
				require.NotRegexp(t, longNumber, r.Detail)
				_, err := r.At.MarshalJSON()
				require.NoError(t, err)
			}
		}
	})
}
