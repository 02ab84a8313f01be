package api_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/smsplus"
)

// documented are exchanges of every operation with every answer that the document has. In a
// path, "{due}" and the others stand for the IDs of messages: see newDocumented.
var documented = []struct {
	exchange

	// isUnsound says that the request does not match the document.
	isUnsound bool
	// down are the methods of the store that fail, "all" for all of them.
	down string
}{
	{exchange: exchange{"document", "GET", "/openapi.json", "", nil, 200, ""}},
	{exchange: exchange{"document with a parameter", "GET", "/openapi.json?x=1", "", nil, 400, "invalid_request"}},

	{exchange: exchange{"trigger", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, nil, 202, ""}},
	{exchange: exchange{"trigger with everything", "POST", "/messages", `{"template":"otp","to":{"phone":"+886912345678","ids":{"line_push":"U1"}},"vars":{"code":"1"},
		"reference":"r","send_at":"2026-11-29T20:00:00+08:00","ttl_seconds":60,"metadata":{"a":"b"}}`, []string{`Idempotency-Key: "k"`}, 202, ""}},
	{exchange: exchange{"trigger of an unknown template", "POST", "/messages", `{"template":"x","to":{"phone":"+886912345678"}}`, nil, 400, "invalid_trigger"}},
	{exchange: exchange{"trigger without a template", "POST", "/messages", `{"to":{"phone":"+886912345678"}}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger without a recipient", "POST", "/messages", `{"template":"notice"}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger with an unknown field", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"},"x":1}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger with a field of the recipient", "POST", "/messages", `{"template":"notice","to":{"mail":"x"}}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger with a number as a variable", "POST", "/messages", `{"template":"otp","to":{"phone":"+886912345678"},"vars":{"code":1}}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger at no time", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"},"send_at":"soon"}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger with half a second", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"},"ttl_seconds":0.5}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger with a long reference", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"},"reference":"` + strings.Repeat("r", 256) + `"}`, nil, 400, "invalid_trigger"}, isUnsound: true},
	{exchange: exchange{"trigger with an empty key", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, []string{`Idempotency-Key: ""`}, 400, "invalid_request"}},
	{exchange: exchange{"trigger by nobody", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"trigger by a reader", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, []string{"Authorization: " + reader}, 403, "not_allowed"}},
	{exchange: exchange{"trigger from a page", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, []string{"Origin: https://evil.example"}, 403, "cross_origin"}},
	{exchange: exchange{"large trigger", "POST", "/messages", `{"template":"otp","to":{"phone":"+886912345678"},"vars":{"code":"` + strings.Repeat("1", 20000) + `"}}`, nil, 413, "too_large"}},
	{exchange: exchange{"trigger as text", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"}, isUnsound: true},
	{exchange: exchange{"trigger with a used key", "POST", "/messages", `{"template":"otp","to":{"phone":"+886912345678"},"vars":{"code":"2"}}`, []string{`Idempotency-Key: "used"`}, 422, "key_reused"}},
	{exchange: exchange{"trigger into a store that is down", "POST", "/messages", `{"template":"notice","to":{"phone":"+886912345678"}}`, nil, 503, "maybe_stored"}, down: "all"},

	{exchange: exchange{"trigger many", "POST", "/messages/batch", `{"triggers":[{"template":"notice","to":{"phone":"+886912345678"},"key":"a"},{"template":"otp","to":{"ids":{"sms":"1"}},"vars":{"code":"1"}}]}`, nil, 202, ""}},
	{exchange: exchange{"trigger none", "POST", "/messages/batch", `{"triggers":[]}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger many with an unknown field", "POST", "/messages/batch", `{"triggers":[{"template":"notice","to":{"phone":"+886912345678"},"x":1}]}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"trigger many by nobody", "POST", "/messages/batch", `{"triggers":[{"template":"notice","to":{}}]}`, []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"trigger many by a reader", "POST", "/messages/batch", `{"triggers":[{"template":"notice","to":{}}]}`, []string{"Authorization: " + reader}, 403, "not_allowed"}},
	{exchange: exchange{"trigger many large", "POST", "/messages/batch", `{"triggers":[{"template":"` + strings.Repeat("1", 20000) + `","to":{}}]}`, nil, 413, "too_large"}},
	{exchange: exchange{"trigger many as a form", "POST", "/messages/batch", `triggers=1`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "unsupported_media_type"}, isUnsound: true},
	{exchange: exchange{"trigger many with a used key", "POST", "/messages/batch", `{"triggers":[{"template":"notice","to":{"phone":"+886912345678"},"key":"used"}]}`, nil, 422, "key_reused"}},
	{exchange: exchange{"trigger many into a store that is down", "POST", "/messages/batch", `{"triggers":[{"template":"notice","to":{"phone":"+886912345678"}}]}`, nil, 503, "maybe_stored"}, down: "all"},

	{exchange: exchange{"list", "GET", "/messages", "", nil, 200, ""}},
	{exchange: exchange{"list a page", "GET", "/messages?size=2&range=7d", "", nil, 200, ""}},
	{exchange: exchange{"list with everything", "GET", "/messages?from=2026-11-01&to=2026-11-29T10:50&template=otp&scenario=OTP&channel=sms&reason=blocked&tab=undeliverable&size=20&zone=Asia/Taipei&reveal=true", "", nil, 200, ""}},
	{exchange: exchange{"list a tab that does not exist", "GET", "/messages?tab=x", "", nil, 400, "invalid_filter"}, isUnsound: true},
	{exchange: exchange{"list a large page", "GET", "/messages?size=1001", "", nil, 400, "invalid_filter"}, isUnsound: true},
	{exchange: exchange{"list of a range that does not exist", "GET", "/messages?range=year", "", nil, 400, "invalid_filter"}, isUnsound: true},
	{exchange: exchange{"list too far back", "GET", "/messages?from=2020-01-01", "", nil, 400, "invalid_filter"}},
	{exchange: exchange{"list by nobody", "GET", "/messages", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"list by the blocked", "GET", "/messages", "", []string{"Authorization: " + blocked}, 403, "forbidden"}},
	{exchange: exchange{"list of a store that is down", "GET", "/messages", "", nil, 503, "unavailable"}, down: "all"},

	{exchange: exchange{"search", "POST", "/messages/search?reveal=true", `{"phone":"+886912345678","range":"7d","size":1}`, nil, 200, ""}},
	{exchange: exchange{"search with everything", "POST", "/messages/search", `{"from":"2026-11-01","to":"2026-11-30","template":"otp","scenario":"OTP","channel":"sms","reason":"blocked","tab":"all","size":5,
		"zone":"Asia/Taipei","recipient_id":"U4af4980629","key":"k","reference":"r","provider_id":"p"}`, nil, 200, ""}},
	{exchange: exchange{"search with an unknown field", "POST", "/messages/search", `{"status":"failed"}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"search by nothing", "POST", "/messages/search", `{"key":""}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"search by nobody", "POST", "/messages/search", `{}`, []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"search by a reader, revealed", "POST", "/messages/search?reveal=true", `{}`, []string{"Authorization: " + reader}, 403, "not_allowed"}},
	{exchange: exchange{"large search", "POST", "/messages/search", `{"key":"` + strings.Repeat("1", 20000) + `"}`, nil, 413, "too_large"}},
	{exchange: exchange{"search as text", "POST", "/messages/search", `{}`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"}, isUnsound: true},
	{exchange: exchange{"search of a store that is down", "POST", "/messages/search", `{}`, nil, 503, "unavailable"}, down: "all"},

	{exchange: exchange{"message that is due", "GET", "/messages/{due}", "", nil, 200, ""}},
	{exchange: exchange{"message that was delivered, revealed", "GET", "/messages/{delivered}?reveal=true", "", nil, 200, ""}},
	{exchange: exchange{"message with an unknown parameter", "GET", "/messages/{due}?x=1", "", nil, 400, "invalid_request"}},
	{exchange: exchange{"message by nobody", "GET", "/messages/{due}", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"message by the blocked", "GET", "/messages/{due}", "", []string{"Authorization: " + blocked}, 403, "forbidden"}},
	{exchange: exchange{"message that is unknown", "GET", "/messages/{unknown}", "", nil, 404, "message_not_found"}},
	{exchange: exchange{"message that is no ID", "GET", "/messages/x", "", nil, 404, "message_not_found"}, isUnsound: true},
	{exchange: exchange{"message that is unreadable", "GET", "/messages/{unreadable}", "", nil, 500, "unreadable"}},
	{exchange: exchange{"message of a store that is down", "GET", "/messages/{due}", "", nil, 503, "unavailable"}, down: "all"},

	{exchange: exchange{"cancel", "POST", "/messages/{due}/cancel", "", nil, 204, ""}},
	{exchange: exchange{"cancel with an unknown parameter", "POST", "/messages/{due}/cancel?x=1", "", nil, 400, "invalid_request"}},
	{exchange: exchange{"cancel by nobody", "POST", "/messages/{due}/cancel", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"cancel by a reader", "POST", "/messages/{due}/cancel", "", []string{"Authorization: " + reader}, 403, "not_allowed"}},
	{exchange: exchange{"cancel what is unknown", "POST", "/messages/{unknown}/cancel", "", nil, 404, "message_not_found"}},
	{exchange: exchange{"cancel what has ended", "POST", "/messages/{delivered}/cancel", "", nil, 409, "ended"}},
	{exchange: exchange{"cancel what is unreadable", "POST", "/messages/{unreadable}/cancel", "", nil, 500, "unreadable"}},
	{exchange: exchange{"cancel in a store that is down", "POST", "/messages/{due}/cancel", "", nil, 503, "unavailable"}, down: "all"},
	{exchange: exchange{"cancel in a store that takes nothing", "POST", "/messages/{due}/cancel", "", nil, 503, "maybe_stored"}, down: "Update"},

	{exchange: exchange{"confirm", "POST", "/messages/{due}/confirm", "", nil, 204, ""}},
	{exchange: exchange{"confirm with an unknown parameter", "POST", "/messages/{due}/confirm?x=1", "", nil, 400, "invalid_request"}},
	{exchange: exchange{"confirm by nobody", "POST", "/messages/{due}/confirm", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"confirm by a reader", "POST", "/messages/{due}/confirm", "", []string{"Authorization: " + reader}, 403, "not_allowed"}},
	{exchange: exchange{"confirm what is unknown", "POST", "/messages/{unknown}/confirm", "", nil, 404, "message_not_found"}},
	{exchange: exchange{"confirm what is unreadable", "POST", "/messages/{unreadable}/confirm", "", nil, 500, "unreadable"}},
	{exchange: exchange{"confirm in a store that is down", "POST", "/messages/{due}/confirm", "", nil, 503, "unavailable"}, down: "all"},
	{exchange: exchange{"confirm in a store that takes nothing", "POST", "/messages/{due}/confirm", "", nil, 503, "maybe_stored"}, down: "Update"},

	{exchange: exchange{"resend", "POST", "/messages/{undeliverable}/resend", "", nil, 202, ""}},
	{exchange: exchange{"resend with an unknown parameter", "POST", "/messages/{due}/resend?x=1", "", nil, 400, "invalid_request"}},
	{exchange: exchange{"resend by nobody", "POST", "/messages/{due}/resend", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"resend by a reader", "POST", "/messages/{due}/resend", "", []string{"Authorization: " + reader}, 403, "not_allowed"}},
	{exchange: exchange{"resend what is unknown", "POST", "/messages/{unknown}/resend", "", nil, 404, "message_not_found"}},
	{exchange: exchange{"resend what is due", "POST", "/messages/{due}/resend", "", nil, 409, "not_ended"}},
	{exchange: exchange{"resend what was delivered", "POST", "/messages/{delivered}/resend", "", nil, 409, "delivered"}},
	{exchange: exchange{"resend what has no template", "POST", "/messages/{retired}/resend", "", nil, 409, "not_resendable"}},
	{exchange: exchange{"resend what is unreadable", "POST", "/messages/{unreadable}/resend", "", nil, 500, "unreadable"}},
	{exchange: exchange{"resend in a store that takes nothing", "POST", "/messages/{undeliverable}/resend", "", nil, 503, "maybe_stored"}, down: "Insert"},

	{exchange: exchange{"find", "POST", "/find", `{"text":"+886912345678"}`, nil, 200, ""}},
	{exchange: exchange{"find what cannot be read", "POST", "/find?reveal=true", `{"text":"{unreadable}"}`, nil, 200, ""}},
	{exchange: exchange{"find nothing", "POST", "/find", `{"text":""}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"find by nobody", "POST", "/find", `{"text":"x"}`, []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"find by the blocked", "POST", "/find", `{"text":"x"}`, []string{"Authorization: " + blocked}, 403, "forbidden"}},
	{exchange: exchange{"find a large text", "POST", "/find", `{"text":"` + strings.Repeat("1", 20000) + `"}`, nil, 413, "too_large"}},
	{exchange: exchange{"find as text", "POST", "/find", `{"text":"x"}`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"}, isUnsound: true},
	{exchange: exchange{"find in a store that is down", "POST", "/find", `{"text":"x"}`, nil, 503, "unavailable"}, down: "all"},

	{exchange: exchange{"statistics", "GET", "/statistics", "", nil, 200, ""}},
	{exchange: exchange{"statistics with everything", "GET", "/statistics?range=30d&template=otp&scenario=OTP&channel=sms&tab=all&zone=Asia/Taipei&by=template,scenario,channel,reason,day&times=true", "", nil, 200, ""}},
	{exchange: exchange{"statistics by nothing", "GET", "/statistics?by=sender", "", nil, 400, "invalid_filter"}, isUnsound: true},
	{exchange: exchange{"statistics by hour and day", "GET", "/statistics?by=hour,day", "", nil, 400, "invalid_filter"}},
	{exchange: exchange{"statistics for nobody", "GET", "/statistics", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"statistics for the blocked", "GET", "/statistics", "", []string{"Authorization: " + blocked}, 403, "forbidden"}},
	{exchange: exchange{"statistics of a store that is down", "GET", "/statistics", "", nil, 503, "unavailable"}, down: "all"},

	{exchange: exchange{"statistics of a person", "POST", "/statistics/search", `{"phone":"+886912345678","by":["hour","reason"],"times":true,"range":"today"}`, nil, 200, ""}},
	{exchange: exchange{"statistics of a person by nothing", "POST", "/statistics/search", `{"by":["sender"]}`, nil, 400, "invalid_filter"}, isUnsound: true},
	{exchange: exchange{"statistics of a person with a size", "POST", "/statistics/search", `{"size":5}`, nil, 400, "invalid_request"}, isUnsound: true},
	{exchange: exchange{"statistics of a person for nobody", "POST", "/statistics/search", `{}`, []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"statistics of a person for the blocked", "POST", "/statistics/search", `{}`, []string{"Authorization: " + blocked}, 403, "forbidden"}},
	{exchange: exchange{"large statistics of a person", "POST", "/statistics/search", `{"key":"` + strings.Repeat("1", 20000) + `"}`, nil, 413, "too_large"}},
	{exchange: exchange{"statistics of a person as text", "POST", "/statistics/search", `{}`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"}, isUnsound: true},
	{exchange: exchange{"statistics of a person in a store that is down", "POST", "/statistics/search", `{}`, nil, 503, "unavailable"}, down: "all"},

	{exchange: exchange{"document for nobody", "GET", "/openapi.json", "", []string{"Authorization: "}, 401, "unauthenticated"}},
	{exchange: exchange{"document for the blocked", "GET", "/openapi.json", "", []string{"Authorization: " + blocked}, 403, "forbidden"}},
}

// newDocumented returns a service with the messages that the exchanges name, and what replaces
// their names.
func newDocumented(t *testing.T) (*service, *strings.Replacer) {
	t.Helper()
	s := newService(t, func(c *api.Config) { c.MaxBody = 10_000 })
	undeliverable := s.send(t, simulated.Number(0, 0, simulated.Blocked))
	retired, err := s.Send(t.Context(), smsplus.Trigger{Template: "retired", To: channel.Recipient{Phone: simulated.Number(0, 0, simulated.Blocked)}})
	require.NoError(t, err)
	delivered := s.send(t, simulated.Number(0, 0, simulated.Delivered))
	s.end(t)
	require.NoError(t, s.SetTemplates(templates[:2]))
	w := s.do(t, "POST", "/messages", otp, `Idempotency-Key: "used"`)
	require.Equal(t, 202, w.Code)
	due := s.send(t, number(t, personNumber))
	s.store.unreadable = uuid.New()
	return s, strings.NewReplacer("{due}", due.String(), "{undeliverable}", undeliverable.String(), "{retired}", retired.String(),
		"{delivered}", delivered.String(), "{unknown}", uuid.NewString(), "{unreadable}", s.store.unreadable.String())
}
