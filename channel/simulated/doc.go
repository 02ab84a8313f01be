// Package simulated is a simulated provider: a channel whose outcome is chosen by the
// recipient's number, as payment providers have test cards. It is for examples, and for the
// tests of applications that send with smsplus.
//
//	sms := simulated.SMS(mock)                   // any clock; nil is the real one
//	to := simulated.Number(0, 0, simulated.Silent) // push, notification, SMS
//
// # Magic numbers
//
// The last six digits of a number are three pairs, PPNNSS. Each channel reads one of them,
// so one number chooses the outcome of every step of a route:
//
//	PP  LINE Push
//	NN  LINE Notification Messages, and WhatsApp
//	SS  SMS, and every channel of another name
//
// So +886 900 10 20 01 has no contact on LINE Push, is accepted and then silent on LINE
// Notification, and arrives by SMS. A pair that is not in this table means 00, and any
// digits may stand before the six.
//
//	pair  outcome             what happens
//	      it arrives
//	 00   Delivered           delivered, in the answer
//	 01   DeliveredLater      accepted; delivered after Delay
//	 02   ReadLater           accepted; delivered after Delay, read after Delay more
//	 03   DeliveredLate       accepted; delivered after Late
//	 04   ToldLate            accepted; delivered after Delay, but the receipt comes after Late
//	 05   DeliveredAfterAll   accepted; undeliverable after Delay (carrier_error), delivered after Late
//	      it is refused
//	 10   NoContact           undeliverable: no_contact
//	 11   Blocked             undeliverable: blocked
//	 12   QuotaExceeded       undeliverable: quota_exceeded
//	 13   NoMatch             undeliverable: no_match
//	 14   InvalidNumber       undeliverable: invalid_number
//	 15   TemplateMismatch    undeliverable: template_mismatch
//	 16   Permission          undeliverable: permission
//	 17   Unauthorized        undeliverable: authorization
//	 18   ContentRejected     undeliverable: content_rejected
//	 19   CarrierError        undeliverable: carrier_error
//	      it is accepted and does not arrive
//	 20   Silent              accepted; no receipt
//	 21   UndeliverableLater  accepted; undeliverable after Delay (carrier_error)
//	 22   UnverifiedLater     accepted; undeliverable after Delay (unverified)
//	 23   FailedLater         accepted; failed after Delay (system_error)
//	      someone must look
//	 30   TemplateConfig      failed: template_config
//	 31   SystemError         failed: system_error
//	      try again
//	 40   FlakyTwice          tries 1 and 2 a temporary error; then as 01
//	 41   Throttled           try 1 a temporary error with RetryAfter; then as 01
//	 42   Down                every try a temporary error
//	      in doubt
//	 50   InDoubtTaken        try 1 is taken as 01, but the answer is lost; then as 01
//	 51   InDoubtLost         try 1 is not taken, and its answer is lost; then as 01
//	      strange receipts
//	 60   ReceiptFirst        the receipt (delivered) comes before the answer (accepted)
//	 61   ReceiptTwice        as 01, and the receipt comes again after Delay more
//	 62   OutOfOrder          the receipts come as read, delivered, accepted, Delay apart
//	      bad neighbours
//	 70   Slow                answers after Slow, then as 01; in doubt if the context ends first
//	 71   Hangs               ignores its context, until Close
//	 72   Panics              panics
//
// [Channel.Script] chooses the outcomes of the next attempts instead, for a test whose
// recipients have numbers of their own.
//
// Delay, Late, Slow and RetryAfter are fields of [Config]. Three rules fit the table to
// each channel:
//
//   - A channel without the status Accepted, such as LINE Push, answers with the
//     first receipt and sends the other ones. So 01 to 04 are delivered at once, 05 is
//     undeliverable and then delivered, and 21 to 23 are refused at once. Outcome 20
//     has no first receipt, so it is in doubt at every try, and nothing arrives.
//   - Read receipts come only from a channel whose traits say Reads.
//   - Where the traits say Expires, a message that would arrive after
//     Envelope.Expires does not arrive: it is undeliverable (expired) at that time.
//
// An idempotent channel, such as LINE Push, takes an attempt once and repeats its answer
// for every later try. Any other channel delivers another copy with every try; see
// [Channel.Inbox]. A provider ID is the attempt's ID as text. A recipient without a phone
// number is reached by the ID on the channel's name, which may end in the six digits. SMS
// and LINE Notification need a number.
//
// # Time
//
// Only the clock moves things forward. A test that holds a mock clock, and runs no
// dispatcher, delivers receipts on demand:
//
//	mock.Add(2 * time.Second)
//	sim.Deliver(ctx, dispatcher.Receive)
//	dispatcher.Tick(ctx)
//
// A running dispatcher gets them through [Channel.Listen] instead.
package simulated
