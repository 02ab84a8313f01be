// Package twilio sends texts through Twilio's Programmable Messaging API and takes its
// status callbacks. docs/channels/twilio.md says what to apply for at Twilio, and what to
// do about each outcome.
//
//	c, err := twilio.New(twilio.Config{
//		AccountSID:     "AC0123456789abcdef0123456789abcdef",
//		AuthTokens:     secret.NewAll(os.Getenv("TWILIO_AUTH_TOKEN")),
//		From:           "+15005550006",
//		StatusCallback: "https://example.com/receipts/sms",
//	})
//	// … give it to smsplus.New, and then:
//	mux.Handle("POST /receipts/sms", c.ReceiptHandler(dispatcher.Receive))
//
// Wire facts are from Twilio's documentation: "Message resource" for the request and the
// statuses, "Webhooks security" for signatures, "Error and Warning Dictionary" for codes.
//
// # Limits of Twilio
//
// Twilio takes no idempotency key. A send that was written and not answered is in doubt,
// and so is a server error. The step's policy says whether to send again. Each message
// carries the attempt's ID in the URL of its callbacks, which is the URL that Twilio calls
// and signs. So the callback of a message finds its attempt even if the answer was lost.
//
// The channel passes a message's validity on, but it limits only the time in Twilio's own
// queue. A carrier keeps trying to deliver. Therefore Traits.Expires is false.
//
// Some carriers give no receipts. Their messages stay sent, which is Accepted, until the
// step's wait ends.
package twilio
