// Package webhook serves the calls of providers: one handler for the receipts of all
// channels.
//
//	mux.Handle("/receipts/", webhook.New(dispatcher, webhook.Options{Prefix: "/receipts"}))
//
// Each registered [channel.Receiver] has the path of its name, and all paths below it. A
// channel that gives its provider a URL of its own also has the path of that URL.
// [Handler.Paths] returns all of them:
//
//	/receipts/whatsapp        the channel "whatsapp"
//	/receipts/sms/twilio      the channel "sms", which has several providers
//	/receipts/mitake/5f3c9a   the channel "mitake", whose calls have a secret path
//
// The handler passes a call on unchanged, path, query and headers included, because the
// call's signature may cover them. For a proxy that changes them, see the adapter's
// documentation. A channel whose name holds a slash has no path.
//
// # Answers
//
// The adapter refuses what it can before it reads the body: another method, a call without
// a signature, a body that is too long for it. Then it reads the body, once, and verifies it
// before it reads anything else in it. It passes all receipts
// of the call to the sink together, and answers as its provider expects: 401 for a wrong
// signature, 400 for an invalid call. The sink is the dispatcher's Receive. It parks a
// receipt of an unknown message, and the answer is 200. Receipts of another channel than the
// called one are dropped. This package gives the other answers, whatever the adapter does:
//
//	code  when
//	404   no channel has the name, or it has no webhook
//	405   the method is not GET, HEAD or POST
//	413   the body is longer than Options.MaxBody
//	500   the adapter panicked: the panic is logged, and the server continues
//	503   receipts were not stored, the call took longer than Options.Timeout, or the bodies
//	      of all calls are larger than Options.MaxInFlight
//
// Calls with bodies of 256 KiB or more take turns: as many at once as Go uses processors. So
// after an outage some of them are done by their deadline, and the others when they are repeated.
//
// A 503 has a Retry-After, so that the provider repeats the call. Nothing is written before
// the adapter has returned or Options.Timeout has passed. If the caller leaves, the adapter
// continues until then. None of these answers has a body, so that nothing repeats the request.
// The log has the channel, the code and the duration of a call. Answers of 401 and 404 are
// warnings, at most one of each a second. It never has a call's path, query or body, because
// they may hold secrets or personal data.
//
// The server needs a ReadHeaderTimeout: Options.Timeout begins after the headers.
package webhook
