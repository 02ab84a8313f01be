// Package smpp sends text messages to a carrier or an aggregator over SMPP 3.4, and
// receives their receipts over the same sessions.
//
//	ch, err := smpp.New(smpp.Config{
//		Addr:     "smpp.example.com:2775",
//		SystemID: "acme",
//		Password: os.Getenv("SMPP_PASSWORD"),
//		Source:   "ACME",
//	})
//	defer ch.Close()
//
// # Errors of a Send
//
// A message is [channel.InDoubt] if it was written and no answer came, because SMPP has no
// idempotency key. It is [channel.Temporary] only if the SMSC certainly did not take it: no
// bind was up, the link broke before the last octet of the message was written, or the SMSC
// answered with an error that may pass. If no bind comes up because the account is wrong,
// messages are undeliverable (authorization), and so move on to the next step of their
// route.
//
// # Long messages
//
// A text of several segments is several messages to SMPP (except with [Payload]). They are
// sent one after the other over one session. Only the last one asks for a receipt, and its
// ID is the message's. So a crash forgets no IDs, and every receipt belongs to a message.
// It stays unknown whether the segments before the last one arrived: carriers keep segments
// of a message together, but do not promise it.
//
// The message is in doubt if a segment is refused temporarily, or gets no answer, after
// another was taken: to send it again sends that one again. All tries of an attempt use the
// same reference, so a handset shows the copies of a segment once.
//
// # Sessions
//
// New starts nothing. The first Send or Listen starts Config.Binds sessions. A lost session
// is bound again, until Close. Each session has its own window. A Send waits until its
// context ends, for a bind that is being made and for room in a window.
//
// "The specification" is the Short Message Peer to Peer Protocol Specification v3.4, issue
// 1.2. Package pdu has its wire format.
package smpp
