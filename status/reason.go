package status

// Reason is a stable code that says why an attempt is not delivered. Adapters may
// use codes of their own beside these; programs compare them as strings.
type Reason string

// The person cannot be reached on this channel. These come with Undeliverable.
const (
	// NoContact: no single contact of the channel belongs to the number.
	NoContact Reason = "no_contact"
	// Blocked: the person blocked the sender, or the provider holds back its messages.
	Blocked Reason = "blocked"
	// QuotaExceeded: the account's quota, or its balance, is used up.
	QuotaExceeded Reason = "quota_exceeded"
	// Unverified: the person did not finish the channel's verification.
	Unverified Reason = "unverified"
	// NoMatch: the number matches no account of the channel.
	NoMatch Reason = "no_match"
	// InvalidNumber: the number does not exist, or cannot take such a message.
	InvalidNumber Reason = "invalid_number"
	// ContentRejected: the provider or the carrier refused the content.
	ContentRejected Reason = "content_rejected"
	// CarrierError: the carrier gave up: no signal, handset off, unknown fault.
	CarrierError Reason = "carrier_error"
	// TemplateMismatch: the parameters do not match the provider's template.
	TemplateMismatch Reason = "template_mismatch"
	// Permission: the account may not send this, or not to this country.
	Permission Reason = "permission"
	// Authorization: the provider refused the credentials.
	Authorization Reason = "authorization"
)

// Someone must look. These come with Failed.
const (
	// TemplateConfig: the template and the channel do not fit together.
	TemplateConfig Reason = "template_config"
	// SystemError: the channel went on failing until its tries, or its time, were used up.
	SystemError Reason = "system_error"
)

// The engine ended the attempt. These come with Undeliverable.
const (
	// Expired: the message's time to live passed first.
	Expired Reason = "expired"
	// Canceled: the application canceled the message first.
	Canceled Reason = "canceled"
	// NoReceipt: the provider accepted the message and then stayed silent past the wait.
	NoReceipt Reason = "no_receipt"
	// InDoubt: nobody knows whether the provider took the message, and the step's
	// policy was not to risk a second copy. On a Preparing attempt it marks a
	// send whose outcome is not known yet.
	InDoubt Reason = "in_doubt"
)
