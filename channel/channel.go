// Package channel says what a channel adapter is: a [Channel] that hands one
// rendered message to one provider and says honestly what became of it.
//
// An adapter imports this package, package status and package phone, and nothing
// else of this module. The suite in package channeltest proves that it keeps the
// contract below.
//
//	type Fax struct{ line *Modem }
//
//	func (f *Fax) Name() channel.Name     { return "fax" }
//	func (f *Fax) Traits() channel.Traits { return channel.Traits{} }
//
//	func (f *Fax) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
//		if err := f.line.Dial(ctx, e.To.Phone.E164()); err != nil {
//			return channel.Result{}, channel.Temporary(err, 0)
//		}
//		return channel.Result{Status: status.Delivered}, nil
//	}
package channel

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// Name names a channel. It is stored in every record: keep it short, lower case
// and for ever.
type Name string

// The channels that smsplus knows of. An application may name its own.
const (
	// LINEPush is a push message of the LINE Messaging API, by LINE user ID.
	LINEPush Name = "line_push"
	// LINENotify is a LINE Notification Message, by phone number. It is not the
	// service called LINE Notify, which ended in 2025.
	LINENotify Name = "line_notify"
	// WhatsApp is a template message of the WhatsApp Cloud API.
	WhatsApp Name = "whatsapp"
	// SMS is a text message over the carrier.
	SMS Name = "sms"
)

// Channel hands messages to one provider. Implementations must be safe for
// concurrent use.
type Channel interface {
	// Name returns the channel's name, always the same.
	Name() Name

	// Traits returns what the engine needs to know of the channel, always the same.
	Traits() Traits

	// Send hands the envelope to the provider and returns what it answered.
	//
	// A nil error means that the provider answered: Result.Status must then be
	// the machine's initial status other than Preparing, or one that an edge
	// leads to from there. An adapter that could not send must not return nil;
	// content of a kind that it does not take is Failed, template_config.
	// Errors are made by [Undeliverable], [Failed], [Temporary] and [InDoubt];
	// any other error counts as Temporary. Send must not retry by itself, and
	// must return soon after ctx ends. No error may hold a phone number, a
	// variable's value or a secret.
	Send(ctx context.Context, e Envelope) (Result, error)
}

// Traits are the fixed properties of a channel. The zero Traits describe a
// channel with the default machine that is not idempotent.
type Traits struct {
	// Machine holds the legal moves of an attempt. Defaults to status.Default.
	Machine *status.Machine
	// UniformWait makes an attempt that cannot be delivered wait for the end of
	// its step's wait before the message is forwarded, so that timing tells
	// nobody whether a person uses the channel.
	UniformWait bool
	// Idempotent says that the provider takes Envelope.AttemptID as an
	// idempotency key: sending twice with the same ID reaches the person once.
	Idempotent bool
	// Reads says that receipts may report the message as read.
	Reads bool
	// Validity is how long the provider goes on trying when nothing limits it.
	// Zero means not known.
	Validity time.Duration
	// Expires says that the adapter passes Envelope.Expires on to the provider.
	Expires bool
}

// Envelope is an adapter's view of a message: one try of one attempt.
type Envelope struct {
	// AttemptID is the same for every try of an attempt and never used for
	// another: the provider's idempotency key, where it has one.
	AttemptID uuid.UUID
	// To is who is to get the message.
	To Recipient
	// Content is rendered: it holds no variables any more.
	Content Content
	// Try counts from 1.
	Try int
	// Template and Scenario name the message's template and what it is for.
	Template, Scenario string
	// Expires is when the message is no longer wanted on this channel: the end of
	// the step's wait or of the message's time to live. Zero means no limit. It is
	// to be passed on as the provider's validity, so that the first copy does not
	// land after the second.
	Expires time.Time
}

// Recipient is the person. At least one field is set.
type Recipient struct {
	Phone      phone.Number
	LINEUserID string
}

// IsZero reports whether r addresses nobody.
func (r Recipient) IsZero() bool { return r == Recipient{} }

// Result is a provider's answer to a Send.
type Result struct {
	// Status is how far the message came.
	Status status.Status
	// ProviderID is what the provider's receipts will call this message; empty if
	// it sends none. An adapter whose receipts carry the attempt's ID uses that,
	// as text: then even a receipt whose answer was lost finds its attempt.
	ProviderID string
	// Reason and Detail explain a Status of Failed or Undeliverable: a code of
	// package status, and the provider's own code and words.
	Reason status.Reason
	Detail string
}

// Ref names a message as its provider does.
type Ref struct {
	Channel    Name
	ProviderID string
}

// Receipt is a provider's later word on a message. Receipts may come in any order
// and any number of times.
type Receipt struct {
	// Channel and ProviderID say which attempt it is about.
	Channel    Name
	ProviderID string
	// Status is what the provider reports. Preparing reports nothing new.
	Status status.Status
	// Reason and Detail explain a Status of Failed or Undeliverable.
	Reason status.Reason
	Detail string
	// Read says that the person read the message, and so that it was delivered.
	Read bool
	// At is when it happened, in the provider's words. Zero means when it is received.
	At time.Time
}

// Ref returns the name of the message that r is about.
func (r Receipt) Ref() Ref { return Ref{r.Channel, r.ProviderID} }

// Sink takes receipts. It returns nil only when each of them is stored; after an
// error the caller must let the provider repeat them. Sinks are safe for
// concurrent use.
type Sink func(ctx context.Context, rs ...Receipt) error

// Receiver is a Channel whose receipts come as HTTP calls.
type Receiver interface {
	// ReceiptHandler returns a handler that verifies a call, hands its receipts to
	// the sink in one call, and answers only after the sink returned: 401 for a
	// wrong signature, 413 for an oversize body, 400 for a malformed one, 503 when
	// the sink fails.
	ReceiptHandler(Sink) http.Handler
}

// Listener is a Channel whose receipts come over a session of its own.
type Listener interface {
	// Listen hands receipts to the sink until ctx ends, and acknowledges each only
	// after the sink returned nil. It returns when its session breaks; it is then
	// called again.
	Listen(ctx context.Context, s Sink) error
}

// ContentChecker is a Channel that can judge content before it is ever sent.
type ContentChecker interface {
	// CheckContent returns an error for content that the channel does not take.
	// It is asked when a template is registered, with content not yet rendered.
	CheckContent(Content) error
}
