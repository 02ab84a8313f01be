package smsplus

import (
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

// Template is the content for each channel, and the route that tries the channels. A
// Dispatcher has the templates of its Config, or of [Dispatcher.SetTemplates]. A message
// keeps the route that it was triggered with, and has the content of the template that is
// registered when it is sent.
type Template struct {
	// ID identifies the template in triggers. At most 255 bytes. Required.
	ID string
	// Name is for people. smsplus does not read it.
	Name string
	// Scenario is what the message is for ("OTP", "order shipped"). Every record shows it. At
	// most 255 bytes.
	Scenario string
	// Class says who goes first where a channel cannot send all at once: see [Urgent] and
	// [Bulk]. A message keeps the class that it was triggered with. Defaults to Normal.
	Class Class
	// Route is the steps in order, each on a channel of its own. Required.
	Route []Step
	// TTL is how long after its trigger time, or its SendAt, the message may still be sent
	// on a channel. Zero means no limit.
	TTL time.Duration
}

// Step is one channel of a route.
type Step struct {
	// Channel is the name of a registered channel. Required.
	Channel channel.Name
	// Content is the content for the channel. Required.
	Content channel.Content
	// Wait is the fallback time. A message that is not delivered moves on to the next step
	// when the wait is over. On the last step it ends as Undeliverable with the reason
	// no_receipt. The wait counts from when the step fell due. A step that could not be
	// sent within its wait is left with the reason congested, unless it is the last one.
	// Zero means as long as the provider tries: the channel's Traits.Validity, or
	// [DefaultWait] where that is not known.
	Wait time.Duration
	// OnFailed says what happens when the attempt fails: also when the provider was down until
	// the wait or the tries were used up. [Stop] ends the message, because a person has to look.
	// [Forward] is for messages that must arrive, such as one-time codes. Defaults to Stop.
	OnFailed Policy
	// InDoubt says what happens when the outcome of a send is unknown, on a channel that is
	// not idempotent. [Resend] sends at least once, but see Retry.InDoubt. [Forward] sends at
	// most once on this step. Defaults to Resend.
	InDoubt Policy
	// Until says what counts as success. A message that has reached it goes to no further
	// step. Defaults to [UntilDelivered].
	Until Until
}

// DefaultWait is the wait of a step that sets none, on a channel without Traits.Validity.
const DefaultWait = 72 * time.Hour

// Trigger asks for a message.
type Trigger struct {
	// Template is the ID of a registered template. Required.
	Template string
	// To is the recipient. Required.
	To channel.Recipient
	// Vars holds a value for each variable of the template's contents, and no others.
	Vars map[string]string
	// Key makes the trigger idempotent. A second trigger with the same key, template,
	// recipient and variables returns the first message. A key is known for as long as the
	// store keeps its message. Empty means no key.
	Key string
	// Reference is what the message belongs to, such as an order or a batch. Records show it,
	// and [Filter.Reference] finds it. It need not be unique. At most 255 bytes.
	Reference string
	// SendAt is when the first step falls due. Zero, or a time in the past, means now.
	SendAt time.Time
	// TTL overrides the template's, if it is not zero.
	TTL time.Duration
	// Metadata is kept with the record. smsplus does not read it, and treats it as personal:
	// exports and logs leave it out.
	Metadata map[string]string
}
