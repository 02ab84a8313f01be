package line_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestNotification_CarriesAttemptAsTag(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, nil)
	e := envelope(t, text)
	result, err := newNotification(t, line.NotificationConfig{Account: account(f.URL)}).Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, result)

	got := f.onlyRequest(t)
	require.Equal(t, "POST "+flexiblePath, got.Method+" "+got.Path)
	require.Equal(t, "Bearer "+token, got.Header.Get("Authorization"))
	require.Equal(t, e.AttemptID.String(), got.Header.Get("X-Line-Delivery-Tag"))
	require.NotContains(t, got.Header, "X-Line-Retry-Key", "LINE refuses it here")
	require.JSONEq(t, `{"to":"`+hash+`","messages":[{"type":"text","text":"`+string(text)+`"}]}`, got.Body, "LINE's own example of a hash")
}

// The request has the shape of "Send a LINE notification message (template)" in the LINE
// notification messages API reference.
func TestNotification_SendsTemplatedToItsEndpoint(t *testing.T) {
	t.Parallel()
	const content = line.Templated(`{"templateKey":"shipment_completed_ja","body":{` +
		`"emphasizedItem":{"itemKey":"date_002_ja","content":"{{date}}"},` +
		`"items":[{"itemKey":"number_001_ja","content":"1234567"}],` +
		`"buttons":[{"buttonKey":"contact_ja","url":"https://example.com/ContactUs/"}]}}`)
	f := newFakeLINE(t, nil)
	n := newNotification(t, line.NotificationConfig{Account: account(f.URL)})
	require.NoError(t, n.CheckContent(content))
	filled, err := content.Render(map[string]string{"date": `Aug. "10"`})
	require.NoError(t, err)
	e := envelope(t, filled)
	result, err := n.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, result)

	got := f.onlyRequest(t)
	require.Equal(t, "POST "+templatedPath, got.Method+" "+got.Path)
	require.Equal(t, e.AttemptID.String(), got.Header.Get("X-Line-Delivery-Tag"))
	require.NotContains(t, got.Header, "X-Line-Retry-Key")
	require.JSONEq(t, `{"to":"`+hash+`","templateKey":"shipment_completed_ja","body":{`+
		`"emphasizedItem":{"itemKey":"date_002_ja","content":"Aug. \"10\""},`+
		`"items":[{"itemKey":"number_001_ja","content":"1234567"}],`+
		`"buttons":[{"buttonKey":"contact_ja","url":"https://example.com/ContactUs/"}]}}`, got.Body)
}

func TestNotification_VerdictsOfRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code   int
		body   string
		status status.Status
		reason status.Reason
	}{
		// The bodies are the examples of the LINE notification messages API reference.
		{400, `{"message":"Invalid templateKey: reserve_004","details":[{"message":"The specified template doesn't exist, or you don't have the permission","property":"templateKey"}]}`, status.Undeliverable, status.TemplateMismatch},
		{400, `{"message":"The request body has 1 error(s)","details":[{"message":"The value must be a valid SHA-256 digest.","property":"to"}]}`, status.Undeliverable, status.NoMatch},
		{400, `{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"body.items[0].content"}]}`, status.Undeliverable, status.ContentRejected},
		{400, `{"message":"The request body could not be parsed as JSON (line: 1, column: 2)"}`, status.Failed, status.SystemError},
		{401, `{"message":"Authentication failed"}`, status.Undeliverable, status.Authorization},
		{403, `{"message":"Access to this API is not available for your account"}`, status.Undeliverable, status.Permission},
		{409, `{"message":"The retry key is already accepted"}`, status.Undeliverable, status.CarrierError},
		{422, `{"message":"Failed to send messages"}`, status.Undeliverable, status.NoMatch},
		{422, ``, status.Undeliverable, status.NoMatch},
		{429, monthlyLimitBody, status.Undeliverable, status.QuotaExceeded},
		{429, `{"message":"The API rate limit has been exceeded. Try again later."}`, status.Preparing, status.SystemError},
		{500, ``, status.Preparing, status.InDoubt},
	} {
		t.Run(fmt.Sprint(tt.code, tt.body), func(t *testing.T) {
			t.Parallel()
			f := newFakeLINE(t, map[string]http.HandlerFunc{flexiblePath: refuseWith(tt.code, tt.body)})
			_, err := newNotification(t, line.NotificationConfig{Account: account(f.URL)}).Send(t.Context(), envelope(t, text))
			requireVerdict(t, err, tt.status, tt.reason)
		})
	}
}

func TestDetail_KeepsWordsAboutTemplateKey(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, map[string]http.HandlerFunc{templatedPath: refuseWith(400, `{"message":"Invalid templateKey: shipment_completed_ja"}`)})
	_, err := newNotification(t, line.NotificationConfig{Account: account(f.URL)}).Send(t.Context(), envelope(t, shaped))
	require.ErrorContains(t, err, "Invalid templateKey: shipment_completed_ja")
}

// recordingSink serves calls and records each call of the sink.
type recordingSink struct {
	handler http.Handler
	calls   [][]channel.Receipt
	err     error
}

func newRecordingSink(t *testing.T, c line.NotificationConfig) *recordingSink {
	t.Helper()
	s := new(recordingSink)
	s.handler = newNotification(t, c).ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		s.calls = append(s.calls, rs)
		return s.err
	})
	return s
}

func (s *recordingSink) serve(body, signature string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, call(body, signature))
	return w
}

func TestWebhook_DeliveryIsReceiptOfAttempt(t *testing.T) {
	t.Parallel()
	id := uuid.NewString()
	s := newRecordingSink(t, line.NotificationConfig{Account: account("")})
	require.Equal(t, http.StatusOK, s.serve(delivery(id), sign(signingSecret, []byte(delivery(id)))).Code)
	require.Equal(t, [][]channel.Receipt{{{
		Channel: channel.LINENotify, ProviderID: id, Status: status.Delivered, At: time.UnixMilli(1650591346705).UTC(),
	}}}, s.calls)
}

func TestWebhook_AcceptsAnySecret(t *testing.T) {
	t.Parallel()
	a := account("")
	a.Secrets = secret.NewAll("old", "new", "switcher")
	s := newRecordingSink(t, line.NotificationConfig{Account: a})
	body := delivery(uuid.NewString())
	for _, text := range secret.RevealAll(a.Secrets) {
		require.Equal(t, http.StatusOK, s.serve(body, sign(text, []byte(body))).Code)
	}
	for _, forged := range []string{"", "=", sign("another", []byte(body)), sign("old", []byte(body+" ")), sign("old", []byte(body)) + "!"} {
		require.Equal(t, http.StatusUnauthorized, s.serve(body, forged).Code)
	}
	require.Len(t, s.calls, len(a.Secrets))
}

// LINE sends emoji as they are, and some libraries escape them. The signature covers the
// octets as they came.
func TestWebhook_SignatureCoversOctets(t *testing.T) {
	t.Parallel()
	s := newRecordingSink(t, line.NotificationConfig{Account: account("")})
	names := []string{"🤨✋", "\\uD83E\\uDD28", "\\u270b", "<&>"}
	for _, name := range names {
		body := strings.Replace(delivery(uuid.NewString()), "{", `{"name":"`+name+`",`, 1)
		require.Equal(t, http.StatusOK, s.serve(body, sign(signingSecret, []byte(body))).Code)
	}
	require.Len(t, s.calls, len(names))
}

func TestWebhook_IgnoresForeignEvents(t *testing.T) {
	t.Parallel()
	s := newRecordingSink(t, line.NotificationConfig{Account: account("")})
	for name, body := range map[string]string{
		"the console's verify":     `{"destination":"U00000000000000000000000000000000","events":[]}`,
		"a hashed number":          delivery(hash),
		"another's tag":            delivery("15034552939884E28681A7D668CEA94C147C716C0EC9DFE8B80B44EF3B57F6BD0602366BC3menu01"),
		"another's UUID":           delivery("{e0b0e5a1-8f2c-4a63-9a63-2f3c9f6c5d11}"),
		"an event of another type": `{"events":[{"type":"new","delivery":{"data":"e0b0e5a1-8f2c-4a63-9a63-2f3c9f6c5d11"}}]}`,
		"an event of no type":      `{"events":[7,null,"x",{}]}`,
		"a field of another type":  `{"events":[{"type":"delivery","delivery":7}]}`,
		"a follow without a user":  follow("follow", "", 1),
		"a group that follows":     `{"events":[{"type":"follow","source":{"type":"group","userId":"` + user + `"}}]}`,
	} {
		require.Equal(t, http.StatusOK, s.serve(body, sign(signingSecret, []byte(body))).Code, name)
	}
	require.Empty(t, s.calls)
}

func TestWebhook_CallsSinkOnce(t *testing.T) {
	t.Parallel()
	a, b := uuid.NewString(), uuid.NewString()
	body := fmt.Sprintf(`{"events":[{"type":"delivery","timestamp":1,"delivery":{"data":%q}},{"type":"message"},`+
		`{"type":"delivery","timestamp":99999999999999999,"delivery":{"data":%q}}]}`, a, b)
	s := newRecordingSink(t, line.NotificationConfig{Account: account("")})
	require.Equal(t, http.StatusOK, s.serve(body, sign(signingSecret, []byte(body))).Code)
	require.Equal(t, [][]channel.Receipt{{
		{Channel: channel.LINENotify, ProviderID: a, Status: status.Delivered, At: time.UnixMilli(1).UTC()},
		{Channel: channel.LINENotify, ProviderID: b, Status: status.Delivered}, // RFC 3339 cannot express that time
	}}, s.calls)
}

func TestWebhook_OddEventHidesNoOther(t *testing.T) {
	t.Parallel()
	id, later := uuid.NewString(), uuid.NewString()
	body := fmt.Sprintf(`{"destination":7,"events":[{"type":5},7,{"type":"delivery","delivery":[]},`+
		`{"type":"delivery","timestamp":"1650591346705","source":"x","mode":7,"delivery":{"data":%q,"new":{}}},`+
		`{"type":"delivery","timestamp":1650591346705.75,"delivery":{"data":%q}}]}`, id, later)
	s := newRecordingSink(t, line.NotificationConfig{Account: account("")})
	require.Equal(t, http.StatusOK, s.serve(body, sign(signingSecret, []byte(body))).Code)
	at := time.UnixMilli(1650591346705).UTC()
	require.Equal(t, [][]channel.Receipt{{
		{Channel: channel.LINENotify, ProviderID: id, Status: status.Delivered, At: at},
		{Channel: channel.LINENotify, ProviderID: later, Status: status.Delivered, At: at},
	}}, s.calls)
}

func TestNotification_HasConfiguredName(t *testing.T) {
	t.Parallel()
	c := line.NotificationConfig{Name: "line_notify_outlet", Account: account("")}
	require.Equal(t, channel.Name("line_notify_outlet"), newNotification(t, c).Name())
	s, id := newRecordingSink(t, c), uuid.NewString()
	s.serve(delivery(id), sign(signingSecret, []byte(delivery(id))))
	require.Equal(t, channel.Ref{Channel: "line_notify_outlet", ProviderID: id}, s.calls[0][0].Ref())
}

func TestAggregationUnits_GoByTemplate(t *testing.T) {
	t.Parallel()
	units := line.AggregationUnits{"shipped": "shipped_2026", "": "others"}
	sentUnits := func(template string, content channel.Content, units line.AggregationUnits) (push, notification any) {
		f := newFakeLINE(t, nil)
		e := envelope(t, content)
		e.Template = template
		_, err := newNotification(t, line.NotificationConfig{Account: account(f.URL), AggregationUnits: units}).Send(t.Context(), e)
		require.NoError(t, err)
		e.Content = text
		_, err = newPush(t, line.PushConfig{Account: account(f.URL), AggregationUnits: units}).Send(t.Context(), e)
		require.NoError(t, err)
		var sent []any
		for _, r := range f.sentRequests() {
			sent = append(sent, decodeJSON(t, r.Body).(map[string]any)["customAggregationUnits"])
		}
		return sent[1], sent[0]
	}
	for template, want := range map[string]any{"shipped": []any{"shipped_2026"}, "otp": []any{"others"}} {
		for _, content := range []channel.Content{text, shaped} {
			push, notification := sentUnits(template, content, units)
			require.Equal(t, want, push)
			require.Equal(t, want, notification)
		}
	}
	push, notification := sentUnits("shipped", text, nil)
	require.Nil(t, push)
	require.Nil(t, notification)

	for _, unit := range []string{"", "a b", strings.Repeat("a", 31)} {
		_, err := line.NewPush(line.PushConfig{Account: account(""), AggregationUnits: line.AggregationUnits{"t": unit}})
		require.ErrorContains(t, err, `PushConfig.AggregationUnits["t"]`)
		_, err = line.NewNotification(line.NotificationConfig{Account: account(""), AggregationUnits: line.AggregationUnits{"t": unit}})
		require.ErrorContains(t, err, `NotificationConfig.AggregationUnits["t"]`)
	}
}

// recordingFollowers is a Followers that records its updates.
type recordingFollowers struct {
	contacts []line.Contact
	err      error
}

func (f *recordingFollowers) Update(_ context.Context, cs ...line.Contact) error {
	f.contacts = append(f.contacts, cs...)
	return f.err
}

func TestWebhook_UpdatesFollowersBeforeAnswer(t *testing.T) {
	t.Parallel()
	followers := new(recordingFollowers)
	s := newRecordingSink(t, line.NotificationConfig{Account: account(""), Followers: followers})
	body := follow("unfollow", user, 1650591346705)
	require.Equal(t, http.StatusOK, s.serve(body, sign(signingSecret, []byte(body))).Code)
	want := []line.Contact{{UserID: user, Blocked: true, At: time.UnixMilli(1650591346705).UTC()}}
	require.Equal(t, want, followers.contacts)
	require.Empty(t, s.calls, "there is no receipt in it")

	followers.err = errors.New("the database is down")
	w := s.serve(body, sign(signingSecret, []byte(body)))
	require.Equal(t, http.StatusServiceUnavailable, w.Code, "so that LINE calls again")
	require.Equal(t, "30", w.Header().Get("Retry-After"))

	followers.contacts = nil
	s.err = errors.New("the store is down")
	body = `{"events":[` + body[len(`{"destination":"U00000000000000000000000000000000","events":[`):len(body)-2] +
		`,{"type":"delivery","delivery":{"data":"` + uuid.NewString() + `"}}]}`
	require.Equal(t, http.StatusServiceUnavailable, s.serve(body, sign(signingSecret, []byte(body))).Code)
	require.Len(t, s.calls, 1)
	require.Empty(t, followers.contacts, "the repeat will tell")
}

func FuzzCalls(f *testing.F) {
	f.Add([]byte(delivery("e0b0e5a1-8f2c-4a63-9a63-2f3c9f6c5d11")))
	f.Add([]byte(follow("unfollow", user, 1650591346705)))
	f.Add([]byte(`{"events":[7,null,{"type":"delivery","delivery":{"data":"E0B0E5A1-8F2C-4A63-9A63-2F3C9F6C5D11"},"timestamp":-1}]}`))
	f.Add([]byte(`{"events":[]}`))
	f.Add([]byte(`{"events":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		followers := new(recordingFollowers)
		s := newRecordingSink(t, line.NotificationConfig{Account: account(""), Followers: followers})
		code := s.serve(string(body), sign(signingSecret, body)).Code
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, code)
		require.LessOrEqual(t, len(s.calls), 1)
		for _, rs := range s.calls {
			for _, r := range rs {
				require.Equal(t, uuid.MustParse(r.ProviderID).String(), r.ProviderID)
				require.Equal(t, status.Delivered, r.Status)
				_, err := r.At.MarshalJSON()
				require.NoError(t, err)
			}
		}
		for _, c := range followers.contacts {
			require.NotEmpty(t, c.UserID)
			_, err := c.At.MarshalJSON()
			require.NoError(t, err)
		}
		if code != http.StatusOK {
			require.Empty(t, s.calls)
			require.Empty(t, followers.contacts)
		}
	})
}
