// Package channel defines what a channel adapter is: a [Channel] that hands one rendered
// message to one provider and reports the outcome honestly.
//
// An adapter imports this package, package status and package phone, and nothing else of
// this module. The suite in package channeltest proves that it keeps the contract below.
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

// Name names a channel. It is stored in every record: keep it short, lower case and
// unchanged forever.
type Name string

// The channels that smsplus knows. An application may name its own.
const (
	// LINEPush is a push message of the LINE Messaging API, by LINE user ID.
	LINEPush Name = "line_push"
	// LINENotify is a LINE Notification Message, by phone number. It is not the
	// service called LINE Notify, which ended in 2025.
	LINENotify Name = "line_notify"
	// WhatsApp is a template message of the WhatsApp Cloud API.
	WhatsApp Name = "whatsapp"
	// RCS is a message of RCS for Business, by phone number.
	RCS Name = "rcs"
	// SMS is a text message over the carrier.
	SMS Name = "sms"
)

// Channel hands messages to one provider. Implementations must be safe for
// concurrent use.
type Channel interface {
	// Name returns the channel's name, always the same.
	Name() Name

	// Traits returns the channel's fixed properties, always the same.
	Traits() Traits

	// Send hands the envelope to the provider and returns the provider's answer.
	//
	// A nil error means that the provider answered. Result.Status must then be the
	// machine's initial status, unless that is Preparing, or a status that an edge leads to
	// from there. An adapter that could not send must not return nil. Content of a kind
	// that the adapter does not take is Failed, template_config.
	//
	// [Undeliverable], [Failed], [Temporary] and [InDoubt] make the errors. Any other error
	// counts as Temporary. Send must not retry by itself, and must return soon after ctx
	// ends. No error may hold a phone number, a variable's value or a secret.
	Send(ctx context.Context, e Envelope) (Result, error)
}

// Traits are the fixed properties of a channel. The zero Traits describe a
// channel with the default machine that is not idempotent.
type Traits struct {
	// Machine holds the legal moves of an attempt. Defaults to status.Default.
	Machine *status.Machine
	// UniformWait makes an undeliverable attempt wait until the step's wait ends before the
	// message is forwarded. So the timing does not reveal whether a person uses the
	// channel.
	UniformWait bool
	// Idempotent says that the provider takes Envelope.AttemptID as an
	// idempotency key: sending twice with the same ID reaches the person once.
	Idempotent bool
	// Reads says that receipts may report the message as read.
	Reads bool
	// Validity is how long the provider keeps trying when nothing limits it. Zero means
	// unknown.
	Validity time.Duration
	// PollEvery is how often the provider of a [Querier] is asked for the outcome of an accepted
	// attempt, until the step's wait ends. It is for providers that send no receipts. Zero
	// means only when the wait ends. At least a second, and a year at most.
	PollEvery time.Duration
	// Expires says that the adapter passes Envelope.Expires on to the provider.
	Expires bool
}

// Envelope is an adapter's view of a message: one try of one attempt.
type Envelope struct {
	// AttemptID is the same for every try of an attempt and belongs to no other attempt. It
	// is the provider's idempotency key, where the provider has one.
	AttemptID uuid.UUID
	// To is the recipient of the message.
	To Recipient
	// Content is rendered: it holds no variables.
	Content Content
	// Try is the number of this try, from 1.
	Try int
	// Template and Scenario name the message's template and its purpose.
	Template, Scenario string
	// Expires is when the message is no longer wanted on this channel: the end of the
	// step's wait or of the message's time to live. Zero means no limit. An adapter passes
	// it on as the provider's validity, so that the first copy does not arrive after the
	// second.
	Expires time.Time
}

// Recipient is the person. At least one field is set.
type Recipient struct {
	// Phone is the person's number.
	Phone phone.Number
	// IDs are the person's IDs on channels that do not go by the number, such as a LINE user
	// ID, an e-mail address or a push token. An ID belongs to the name of its channel, so two
	// LINE accounts have two names. An ID is at most 1,024 bytes of UTF-8 without NUL. An
	// empty ID is none. IDs are as private as the number. An adapter must not change the map.
	IDs map[Name]string
}

// IsZero reports whether r has no address.
func (r Recipient) IsZero() bool {
	if !r.Phone.IsZero() {
		return false
	}
	for _, id := range r.IDs {
		if id != "" {
			return false
		}
	}
	return true
}

// Equal reports whether r and o have the same number and the same IDs.
func (r Recipient) Equal(o Recipient) bool {
	return r.Phone == o.Phone && r.hasIDsOf(o) && o.hasIDsOf(r)
}

// SharesAddress reports whether r has the number of o, or an ID of o on the same channel. Then a
// message to r goes to the person o.
func (r Recipient) SharesAddress(o Recipient) bool {
	if !o.Phone.IsZero() && r.Phone == o.Phone {
		return true
	}
	for name, id := range o.IDs {
		if id != "" && r.IDs[name] == id {
			return true
		}
	}
	return false
}

// hasIDsOf reports whether r has every ID of o.
func (r Recipient) hasIDsOf(o Recipient) bool {
	for name, id := range o.IDs {
		if r.IDs[name] != id {
			return false
		}
	}
	return true
}

// Result is a provider's answer to a Send.
type Result struct {
	// Status is how far the message got.
	Status status.Status
	// ProviderID identifies this message in the provider's receipts. It is empty if the
	// provider sends none. An adapter whose receipts carry the attempt's ID uses that ID,
	// as text: then a receipt finds its attempt even if the answer was lost.
	ProviderID string
	// Reason and Detail explain a Status of Failed or Undeliverable: a code of package
	// status, and the provider's own code and words.
	Reason status.Reason
	Detail string
}

// Ref identifies a message by the provider's ID.
type Ref struct {
	Channel    Name
	ProviderID string
}

// Receipt is a provider's later report about a message. Receipts may come in any order and
// any number of times.
type Receipt struct {
	// Channel and ProviderID identify the attempt.
	Channel    Name
	ProviderID string
	// Status is the reported status. Preparing reports nothing new.
	Status status.Status
	// Reason and Detail explain a Status of Failed or Undeliverable.
	Reason status.Reason
	Detail string
	// Read says that the person read the message, and so that it was delivered.
	Read bool
	// At is when it happened, according to the provider. Zero means the time of receipt.
	At time.Time
	// NewID is the ID that the provider has for the message, if ProviderID is the attempt's own
	// ID. ProviderID finds an attempt whose Send got no answer, which has the NewID from then
	// on. NewID finds every other attempt. Empty means that there is no other ID.
	NewID string
	// To is the recipient's number, if the provider names it beyond doubt. It decides between
	// attempts with the same ProviderID, which some providers use again. It is never stored.
	To phone.Number
	// ToID is the recipient's ID on the channel, if the provider names that beyond doubt. It
	// decides as To does, is never stored, and is left out of every encoding and print.
	ToID string `json:"-" xml:"-"`
}

// Ref returns the reference of the message that r is about.
func (r Receipt) Ref() Ref { return Ref{r.Channel, r.ProviderID} }

// Sink stores receipts. It returns nil only when each of them is stored. After an error the
// caller must let the provider repeat them. Sinks are safe for concurrent use.
type Sink func(ctx context.Context, rs ...Receipt) error

// Receiver is a Channel whose receipts arrive as HTTP calls.
type Receiver interface {
	// ReceiptHandler returns a handler that verifies a call and hands its receipts to the
	// sink in one call. The handler answers only after the sink returned: 401 for a wrong
	// signature, 413 for an oversize body, 400 for a malformed one, 503 when the sink
	// fails.
	ReceiptHandler(Sink) http.Handler
}

// Listener is a Channel whose receipts arrive over a session of its own.
type Listener interface {
	// Listen hands receipts to the sink until ctx ends, and acknowledges each receipt only
	// after the sink returned nil. It returns when its session breaks. The caller then
	// calls it again.
	Listen(ctx context.Context, s Sink) error
}

// Querier is a Channel whose provider can be asked for the outcome of messages. It is asked
// before a message that was accepted is sent on the next channel, and before a send in doubt
// is repeated. So a message that arrived is not sent twice because its receipt did not come.
type Querier interface {
	// Query asks about at most 100 attempts of the channel, and returns a receipt for each of
	// which the provider knows more than that it was accepted. Receipts are in any order, and
	// name an attempt by the ref that asks for it. An attempt whose Send had no answer has its
	// own ID as ProviderID. A provider that does not know an ID says nothing about it, which is
	// no error. Receipts that come with an error count too: the provider is asked for the
	// others again, no sooner than an error by [Temporary] says. Query must return within a
	// second after ctx ends. Otherwise its messages continue without an answer. The caller has
	// one call at a time under way.
	Query(ctx context.Context, refs []Ref) ([]Receipt, error)
}

// Recaller is a Channel whose provider can take back a message that it has not delivered yet. It
// is asked when another copy of the message is on its way or has arrived.
type Recaller interface {
	// Recall takes back one attempt of the channel, and says how that ended. A nil error needs
	// an answer: [Recalled], [TooLate] or [Impossible]. After an error Recall is called again
	// later, and so it is after an answer that was lost. So Recall must do no harm when it is
	// repeated. A message that the provider does not know is Impossible, or TooLate where the
	// provider does not tell the two apart.
	//
	// An attempt whose Send had no answer has its own ID as ProviderID. Recall must return within
	// a second after ctx ends, and must not repeat its request. It is safe for concurrent use. No
	// error may hold a phone number or a secret.
	Recall(ctx context.Context, ref Ref) (Recall, error)
}

// ContentChecker is a Channel that can check content before any send.
type ContentChecker interface {
	// CheckContent returns an error for content that the channel does not take. It is
	// called when a template is registered, with content not yet rendered.
	CheckContent(Content) error
}

// Sizer is a Channel whose provider counts a long message several times, such as an SMS of
// several segments.
type Sizer interface {
	// Size returns how many messages the provider counts for rendered content. It is at least
	// 1, also for content that the channel does not take. It is called before a Send whose
	// channel's limit counts segments, and must not block.
	Size(Content) int
}
