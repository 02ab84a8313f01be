// Package twilio sends texts through Twilio's Programmable Messaging API and takes
// the status callbacks that come back. What to apply for at Twilio, and what each
// outcome asks for, stands in docs/channels/twilio.md.
//
//	c, err := twilio.New(twilio.Config{
//		AccountSID:     "AC0123456789abcdef0123456789abcdef",
//		AuthTokens:     []string{os.Getenv("TWILIO_AUTH_TOKEN")},
//		From:           "+15005550006",
//		StatusCallback: "https://example.com/receipts/twilio",
//	})
//	// … give it to smsplus.New, and then:
//	mux.Handle("POST /receipts/twilio", c.ReceiptHandler(dispatcher.Receive))
//
// Wire facts are from Twilio's documentation: "Message resource" for the request and
// the statuses, "Webhooks security" for signatures, "Error and Warning Dictionary"
// for codes.
//
// # What Twilio cannot do
//
// Twilio takes no idempotency key. A send that was written and not answered is in
// doubt, and so is a server error; the step's policy says whether to send again. Each
// message carries the attempt's ID in the URL of its callbacks, which is what Twilio
// calls and signs, so that even the callback of a message whose answer was lost finds
// its attempt.
//
// A message's validity is passed on, but bounds the time in Twilio's own queue alone:
// what a carrier has, it goes on trying to deliver. Therefore Traits.Expires is false.
//
// Some carriers give no receipts. Their messages stay sent, which is Accepted, until
// the step's wait is over.
package twilio
