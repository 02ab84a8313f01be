// Package smsplustest tests applications that send with smsplus: a day of mock time, with
// the application's own templates, simulated providers and genuine receipts.
//
//	day := smsplustest.NewDay(t, smsplus.Config{Templates: shop.Templates})
//	id := day.Send(trigger)         // or shop.New(day.Dispatcher), which calls Send itself
//	day.Advance(2 * time.Hour)      // what falls due in between happens at its time
//	sent := day.Sent()              // what each channel was given, rendered
//	m := day.Message(id)
//
// No time passes, no provider is called, and nothing runs in the background.
//
// # Outcomes
//
// Every channel of a route is simulated. It delivers, unless the test asks for something
// else: by the recipient's number ([simulated.Number]), or with [Day.Script], which also
// knows failures, refusals and answers that are lost. [Day.Report] reports on a message by
// hand.
//
// The time of a retry is random, as in production: between half and the whole of
// Retry.Base, doubled with each try. A test of retries therefore checks what was sent in the
// end, and not when. A route without a retry has the same times in every run.
//
// # The application's adapters
//
// NewDay takes the application's own adapters too. They check the templates and read the
// webhooks, with their own credentials. Their sends are simulated:
//
//	notification, err := line.NewNotification(…)
//	day := smsplustest.NewDay(t, smsplus.Config{Templates: shop.Templates}, notification)
//	day.Script(channel.LINENotify, simulated.Silent)
//	id := day.Send(trigger)
//	line := smsplustest.LINE{Secret: secret.New("the secret of the account")}
//	code := day.Call(line.Delivered(smsplus.AttemptID(id, 0), day.Now()))
//
// [LINE], [WhatsApp], [RCS], [Twilio] and [Mitake] make the signed calls of their providers.
// The calls are also for the application's own server: any webhook.Handler takes them.
package smsplustest
