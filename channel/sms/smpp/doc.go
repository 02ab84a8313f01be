// Package smpp sends text messages to a carrier or an aggregator over SMPP 3.4, and
// receives their receipts over the same sessions.
//
//	ch, err := smpp.New(smpp.Config{
//		Addr:     "smpp.example.com:2775",
//		SystemID: "acme",
//		Password: secret.New(os.Getenv("SMPP_PASSWORD")),
//		Source:   "ACME",
//	})
//	defer ch.Close()
//
// # Errors of a Send
//
// A message is [channel.InDoubt] if it was written and no answer came, because SMPP has no
// idempotency key. It is [channel.Temporary] only if the SMSC certainly did not take all of
// it. Then no bind was up, the link broke before the last octet was written, or the SMSC
// answered with an error that may pass. If no bind comes up because the account is wrong,
// messages are undeliverable (authorization), and so move on to the next step of their
// route.
//
// # Long messages
//
// A text of several segments is several messages to SMPP (except with [Payload]). They are
// sent one after the other over one session. [Config].PartReceipts says which of them asks
// for a receipt; its ID is the message's. The process that sent the message also knows the
// IDs of the others.
//
// A segment that is refused temporarily, after another was taken, is sent again in the same
// Send after a second. If the Send ends first, the next Send of the attempt sends only the
// segments that are missing. Another process does not know them and sends all of them. All
// tries of an attempt use the same reference, so a handset shows the copies of a segment
// once.
//
// # Late answers
//
// A Send whose context ends before the answer is in doubt, but the session still expects the
// answer. The attempt's next Send waits for it instead of sending a copy. An answer that
// comes when no Send waits is handed to the sink, as a receipt with the attempt's ID and the
// message's. Then the attempt has the message's ID, and the SMSC's receipts find it. This
// holds as long as the session lives, also after Config.ResponseTimeout.
//
// # Questions
//
// With [Config].QuerySM the SMSC is asked for the state of a message before the message goes
// on to its next step. A text of several segments is asked for by each of them. SMSCs answer
// under a message ID as they wrote it, so a process asks for the messages that it sent, and
// for few others.
//
// # Taking back
//
// With [Config].CancelSM the SMSC takes a message back by cancel_sm, when another copy is on its
// way or has arrived: each segment by a request of its own. Only the process that sent the
// message can, because it alone knows the segments.
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
