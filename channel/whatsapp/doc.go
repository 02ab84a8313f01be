// Package whatsapp sends template messages through the WhatsApp Cloud API, and takes the
// webhooks in which Meta reports their outcomes.
//
//	c, err := whatsapp.New(whatsapp.Config{
//		PhoneNumberID: "106540352242922",
//		Token:         func() string { return os.Getenv("WHATSAPP_TOKEN") },
//		AppSecrets:    secret.NewAll(os.Getenv("WHATSAPP_APP_SECRET")),
//		VerifyTokens:  secret.NewAll(os.Getenv("WHATSAPP_VERIFY_TOKEN")),
//	})
//
//	step := smsplus.Step{Channel: channel.WhatsApp, Wait: time.Hour, Content: whatsapp.Template{
//		Name:     "order_shipped",
//		Language: "en_US",
//		Body:     []whatsapp.Parameter{{Text: "{{name}}"}, {Text: "#{{order}}"}},
//	}}
//
// The API knows no idempotency key, so a send whose answer was lost is in doubt. But most
// webhooks return the attempt's ID that the send carried (biz_opaque_callback_data), so a
// receipt finds its attempt without the answer. Other webhooks find it by Meta's message
// ID. It is kept as a hash, because it holds the person's number, in base64.
//
// Comments name Meta's documentation by page and section, as of September 2026. The pages
// are below developers.facebook.com/documentation/business-messaging/whatsapp.
package whatsapp
