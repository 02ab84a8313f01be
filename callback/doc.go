// Package callback calls a webhook of the application with the outcomes of messages, by the
// specification of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com). Libraries in many
// languages check its signatures. A [Sender] is a [smsplus.Outcomes]:
//
//	sender, err := callback.New(callback.Config{
//		URL:     secret.New("https://example.com/hooks/sms"),
//		Secrets: secret.NewAll(os.Getenv("WEBHOOK_SECRET")), // whsec_…
//	})
//	d, err := smsplus.New(smsplus.Config{Store: store, Outcomes: sender, …})
//
// A call is a POST with a body in JSON:
//
//	{"type":"message.ended","timestamp":"2026-11-30T16:00:00Z","data":{
//	  "message_id":"0195939e-…","template":"otp","scenario":"OTP","status":"delivered","channel":"sms",
//	  "triggered_at":"2026-11-30T15:59:58Z","delivered_at":"2026-11-30T16:00:00Z",
//	  "attempts":[{"id":"…","channel":"sms","status":"delivered"}]}}
//
// The types are message.ended, message.delivered (after another end), message.read and
// message.confirmed. The header webhook-id is the same in each repeat, and each outcome may come
// more than once. There is no personal data in a call, unless Config.Data adds some.
//
// # When the endpoint does not answer
//
// An answer of 2xx takes an outcome. After any other, or none, the next call comes by a schedule
// for three days, and then daily. The times are in the message's row, so that a restart changes
// nothing, and nothing is dropped. Config.OnChange says when an endpoint is down, or gone (410).
//
// # The files
//
//   - callback.go makes the calls and keeps the endpoint's state.
//   - sign.go signs them.
//   - data.go is their body.
package callback
