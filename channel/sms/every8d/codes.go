package every8d

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

var (
	accepted      = channel.Verdict{Status: status.Accepted}
	carrierError  = channel.Verdict{Status: status.Undeliverable, Reason: status.CarrierError}
	invalidNumber = channel.Verdict{Status: status.Undeliverable, Reason: status.InvalidNumber}
	refusedText   = channel.Verdict{Status: status.Undeliverable, Reason: status.ContentRejected}
	badAccount    = channel.Verdict{Status: status.Undeliverable, Reason: status.Authorization}
	notAllowed    = channel.Verdict{Status: status.Undeliverable, Reason: status.Permission}
	inDoubt       = channel.Verdict{Reason: status.InDoubt}
	badRequest    = channel.Verdict{Status: status.Failed, Reason: status.SystemError}
)

// codes are the meanings of codes (the specification, "STATUS"). Its second group of negative
// ones, and 700, are from public clients. An unknown code of a refused send is carrier_error, because
// the specification has a negative answer for what was not sent. An unknown state says nothing.
var codes = map[int]channel.Verdict{
	0:   accepted, // at the carrier
	100: {Status: status.Delivered},
	101: carrierError, // the handset is off, or has no signal
	102: carrierError, // the network
	103: invalidNumber,
	104: {Status: status.Undeliverable, Reason: status.Blocked}, // on a black list
	105: carrierError,                                           // the handset
	106: carrierError,                                           // unexpected
	107: carrierError,                                           // the handset is off, or has no signal
	300: accepted,                                               // scheduled
	301: {Status: status.Undeliverable, Reason: status.QuotaExceeded},
	303: {Status: status.Undeliverable, Reason: status.Canceled},
	500: notAllowed, // a number abroad
	700: accepted,   // sent

	-1:  badRequest,
	-2:  badAccount,
	-3:  invalidNumber, // or on a black list
	-4:  {Status: status.Undeliverable, Reason: status.Expired},
	-5:  refusedText, // too long
	-6:  badRequest,
	-99: inDoubt, // "an unknown error of the host"

	-8:   invalidNumber, // malformed
	-11:  notAllowed,    // the account may not use the API
	-12:  notAllowed,    // a number abroad
	-24:  refusedText,   // no text
	-41:  invalidNumber, // no number
	-100: badAccount,
	-101: badAccount,
	-300: badAccount,
	-666: inDoubt, // "an error outside of the specification"
}
