// Package every8d sends text messages through Every8D (互動資通), Taiwan.
//
//	sms, err := every8d.New(every8d.Config{
//		UserID:   os.Getenv("EVERY8D_USER"),
//		Password: secret.New(os.Getenv("EVERY8D_PASSWORD")),
//	})
//
// It takes [channel.Text] and speaks the HTTP API 2.1 of Every8D's "HTTP API Specifications"
// 2.1.5 (2021/10/22), called the specification below. Where the specification leaves a question
// open, the comment says "assumed". The package was tested against a server that we built from
// it and from the answers that public clients have, and not yet against Every8D's.
//
// # It is asked, not heard
//
// Every8D can report to a URL, which it sets up by hand and calls without a signature. This
// package does not take these calls, because every program could make them. Instead Every8D is asked
// for the outcome of each message, every Config.PollEvery until the step's wait ends.
//
// # A repeat is another message
//
// There is no idempotency key. A send without an answer is in doubt, and Every8D cannot be asked
// about it, because the batch ID comes with the answer. The step's InDoubt decides.
package every8d
