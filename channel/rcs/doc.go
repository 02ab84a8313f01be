// Package rcs sends messages through Google's RCS for Business platform (RCS Business
// Messaging), to the messaging application of people whose telephone has RCS.
//
//	ch, err := rcs.New(rcs.Config{
//		AgentID:        "acme_agent",
//		ServiceAccount: secret.New(os.Getenv("RCS_SERVICE_ACCOUNT")), // the JSON key file
//		ClientTokens:   secret.NewAll(os.Getenv("RCS_CLIENT_TOKEN")),
//	})
//	mux.Handle("POST /receipts/rcs", ch.ReceiptHandler(dispatcher.Receive))
//
// It takes [channel.Text] and [Message], which may have suggestions and rich cards. "The
// reference" is Google's REST reference of the API v1 with its guides, as of 2026. What they
// leave open is called assumed.
//
// # Who has no RCS
//
// The platform refuses a message to a person who has no RCS, or whose carrier has not launched
// the agent. It does so at once, with 404, and the message goes to its next step
// (status.NoContact). A person who is offline is another matter: the platform holds the message
// for 30 days, or until the time that the message's step has left is over.
//
// # A repeat is the same message
//
// The attempt's ID is the message's ID. The platform ignores a message whose ID the agent has
// used, so the channel is idempotent. How it answers such a message is not documented. A 200
// and a 409 count as accepted.
//
// # Files
//
//   - config.go: what the channel needs, and what New refuses.
//   - message.go: the content.
//   - send.go: a send, and what an answer means.
//   - recall.go: taking a message back.
//   - token.go: the access token of a service account (RFC 7523).
//   - webhook.go: the platform's calls.
package rcs
