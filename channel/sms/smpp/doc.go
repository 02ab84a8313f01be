// Package smpp sends text messages to a carrier or an aggregator over SMPP 3.4, and
// hears of them over the same sessions.
//
//	ch, err := smpp.New(smpp.Config{
//		Addr:     "smpp.example.com:2775",
//		SystemID: "acme",
//		Password: os.Getenv("SMPP_PASSWORD"),
//		Source:   "ACME",
//	})
//	defer ch.Close()
//
// # What an answer means
//
// A message is [channel.InDoubt] if it was written and no answer came: SMPP has no key
// by which an SMSC would know it again. It is [channel.Temporary] only if it was
// certainly not taken: no bind was up, the link was gone before the last octet of the
// message was written, or the SMSC answered with an error that may pass. If no bind
// comes up for what the account has wrong, messages are undeliverable
// (authorization), and so go on to the next step of their route.
//
// # Long messages
//
// A text of several segments is as many messages to SMPP (except with [Payload]). They
// are sent one after the other over one session, and a receipt is asked for with the
// last one alone; its ID is the message's. So what a crash forgets is nothing, no
// receipt comes that belongs to no message, and what is not known is whether the
// segments before the last one arrived: carriers keep segments of a message together,
// but do not promise it.
//
// If a segment is refused for a fault that may pass, or stays without an answer, after
// another was taken, the message is in doubt: to send it again sends that one again.
// All tries of an attempt use the same reference, so to a handset the copies of a
// segment are one.
//
// # Sessions
//
// New starts nothing. The first Send or Listen starts Config.Binds sessions, which
// are bound again whenever they are lost, until Close. Each counts its own window. A
// Send waits for a bind that is being made, and for room in a window, until its context
// ends.
//
// "The specification" is the Short Message Peer to Peer Protocol Specification v3.4,
// issue 1.2. Package pdu beneath has its wire format.
package smpp
