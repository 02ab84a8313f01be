package status

// Reason is a stable code for why an attempt is not delivered. Adapters may
// use other codes too. Programs compare codes as strings.
type Reason string

// Reasons of Undeliverable: the person cannot be reached on this channel.
const (
	// NoContact: the number belongs to no contact of the channel, or to several.
	NoContact Reason = "no_contact"
	// Blocked: the person blocked the sender, or the provider withholds its messages.
	Blocked Reason = "blocked"
	// QuotaExceeded: the account's quota, or its balance, is used up.
	QuotaExceeded Reason = "quota_exceeded"
	// Unverified: the person did not finish the channel's verification.
	Unverified Reason = "unverified"
	// NoMatch: the number matches no account of the channel.
	NoMatch Reason = "no_match"
	// InvalidNumber: the number does not exist, or cannot receive such a message.
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

// Reasons of Failed: an operator must look at it.
const (
	// TemplateConfig: the template and the channel do not fit together.
	TemplateConfig Reason = "template_config"
	// SystemError: the channel failed until its tries, or its time, were used up.
	SystemError Reason = "system_error"
)

// Reasons of Undeliverable that the dispatcher sets when it ends an attempt.
const (
	// Expired: the message's time to live passed before it was delivered.
	Expired Reason = "expired"
	// Canceled: the application canceled the message before it was delivered.
	Canceled Reason = "canceled"
	// Recalled: the provider took the message back, because another copy was on its way or had
	// arrived.
	Recalled Reason = "recalled"
	// NoReceipt: the provider accepted the message and sent no receipt within the wait.
	NoReceipt Reason = "no_receipt"
	// Congested: the channel could not take the message before the step's wait ended.
	Congested Reason = "congested"
	// InDoubt: it is unknown whether the provider accepted the message, and the step's
	// policy was not to risk a second copy. On a Preparing attempt, the outcome of a send
	// is not known yet.
	InDoubt Reason = "in_doubt"
)
