package twilio

import (
	"fmt"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

var (
	temporary       = channel.Verdict{}
	blocked         = channel.Verdict{Status: status.Undeliverable, Reason: status.Blocked}
	invalidNumber   = channel.Verdict{Status: status.Undeliverable, Reason: status.InvalidNumber}
	contentRejected = channel.Verdict{Status: status.Undeliverable, Reason: status.ContentRejected}
	carrierError    = channel.Verdict{Status: status.Undeliverable, Reason: status.CarrierError}
	quotaExceeded   = channel.Verdict{Status: status.Undeliverable, Reason: status.QuotaExceeded}
	permission      = channel.Verdict{Status: status.Undeliverable, Reason: status.Permission}
	authorization   = channel.Verdict{Status: status.Undeliverable, Reason: status.Authorization}
	expired         = channel.Verdict{Status: status.Undeliverable, Reason: status.Expired}
	canceled        = channel.Verdict{Status: status.Undeliverable, Reason: status.Canceled}
	badRequest      = channel.Verdict{Status: status.Failed, Reason: status.SystemError}
)

// codes are the meanings of error codes (Twilio, "Error and Warning Dictionary"). Twilio
// adds codes, and moves faults between them. An unknown code of a refusal or a callback is
// carrier_error, unless the HTTP status says more. docs/channels/twilio.md has the same rows,
// with what to do.
var codes = map[int]channel.Verdict{
	14107: temporary, // the sender's rate
	20429: temporary, // too many requests
	21611: temporary, // the sender's queue is full
	21730: temporary, // Twilio's maintenance
	30001: temporary, // queue overflow
	63017: temporary, // the account's rate limit

	10001: permission,    // the account is not active
	20003: authorization, // wrong credentials
	20005: permission,    // the account is not active
	63038: quotaExceeded, // the account's daily limit

	21211: invalidNumber, // no valid number
	21217: invalidNumber, // no valid number
	21265: invalidNumber, // a short code
	21266: invalidNumber, // the sender itself
	21268: invalidNumber, // a premium number
	21610: blocked,       // the person replied STOP
	21614: invalidNumber, // no mobile number
	21635: invalidNumber, // a landline

	21212: permission, // no valid sender
	21219: permission, // a trial account, and a number that is not verified
	21267: permission, // a trial account, and a sender that is a name
	21408: permission, // a region that is not enabled
	21601: permission, // the sender cannot send texts
	21603: permission, // no sender
	21606: permission, // the sender cannot send texts to this destination
	21608: permission, // a trial account, and a number that is not verified
	21612: permission, // no route from this sender to this number
	21657: permission, // no valid sender
	21659: permission, // the sender is not Twilio's, or a short code of another country
	21660: permission, // the sender is another account's
	21661: permission, // the sender cannot send texts
	21703: permission, // the Messaging Service has no sender for this number
	21704: permission, // the Messaging Service has no sender
	21705: permission, // there is no such Messaging Service
	21709: permission, // the Messaging Service does not have this sender

	21602: contentRejected, // no text
	21605: contentRejected, // too long
	21617: contentRejected, // too long
	21618: contentRejected, // a text that cannot be sent
	21619: contentRejected, // no text

	30002: permission,      // the account was suspended after the message was queued
	30003: carrierError,    // the handset is off, or has no signal
	30004: blocked,         // the number does not take such messages
	30005: invalidNumber,   // unknown
	30006: invalidNumber,   // a landline, or a carrier that cannot be reached
	30007: contentRejected, // filtered by Twilio or the carrier
	30008: carrierError,    // unknown
	30017: carrierError,    // the carrier's network is congested
	30018: permission,      // the carrier wants the sender ID registered
	30019: contentRejected, // too large for the carrier
	30022: quotaExceeded,   // the campaign's rate (US A2P 10DLC)
	30023: quotaExceeded,   // the brand's daily cap (US A2P 10DLC)
	30024: permission,      // the sender is not provisioned with the carrier
	30027: quotaExceeded,   // the brand's daily limit at T-Mobile (US A2P 10DLC)
	30032: permission,      // the toll-free number is not verified
	30033: permission,      // the campaign is suspended (US A2P 10DLC)
	30034: permission,      // the number is not registered (US A2P 10DLC)
	30035: permission,      // the number is still being set up (US A2P 10DLC)
	30036: expired,         // the validity period passed in Twilio's queue
	30037: permission,      // outbound messages are disabled
	30038: contentRejected, // filtered: a code for signing in
	30040: permission,      // the carrier wants the sender ID registered
	30041: permission,      // the sender is not registered in the United Kingdom
	30042: permission,      // the sender ID is too generic, or has special characters
	30043: permission,      // from abroad over a domestic route
	30410: carrierError,    // the carrier did not answer
	30450: blocked,         // SMS pumping protection
	30453: blocked,         // SMS pumping protection
	30454: quotaExceeded,   // the account's limit
	30630: blocked,         // the person has unsubscribed

	21609: badRequest, // StatusCallback
	21624: badRequest, // ValidityPeriod
	90007: badRequest, // ValidityPeriod
	90014: badRequest, // ValidityPeriod
}

// answerVerdict returns the meaning of an answer to a send. The HTTP status of a server
// error counts, whatever its body says, because the message may have been created.
func (c *Channel) answerVerdict(answer httpapi.Answer, code int) channel.Verdict {
	if v, ok := c.setup().Codes[code]; ok {
		return v
	}
	if v, ok := codes[code]; ok && answer.Code/100 == 4 {
		return v
	}
	v := answer.Verdict()
	if v.Status == status.Failed && isCode(code) {
		return carrierError
	}
	return v
}

// statusVerdict returns the meaning of a message's status, and Preparing for a status that
// is unknown.
func (c *Channel) statusVerdict(word string, code int) channel.Verdict {
	switch word {
	case "accepted", "scheduled", "queued", "sending", "sent":
		return channel.Verdict{Status: status.Accepted}
	case "delivered", "read":
		return channel.Verdict{Status: status.Delivered}
	case "canceled":
		return canceled
	case "undelivered", "failed":
		v, ok := c.setup().Codes[code]
		if !ok {
			v = codes[code]
		}
		if v.Status == status.Preparing {
			return carrierError
		}
		return v
	default:
		return channel.Verdict{}
	}
}

// codeIn returns the error code in a field of Twilio's JSON, as a number or a text, or 0.
func codeIn(f httpapi.Fields, key string) int {
	n, _ := f.Int(key)
	return int(n)
}

// isCode reports whether a number may be an error code: they have five or six digits.
// Another number might be a person's telephone number.
func isCode(n int) bool { return 0 < n && n < 1_000_000 }

// detailOf returns the provider's words for a message that ended: its status, its error
// code, and the SID that Twilio's console finds it by. The status is one that statusVerdict
// knows. It leaves out a SID that is malformed.
func detailOf(word string, code int, sid string) string {
	parts := []string{word}
	if isCode(code) {
		parts = append(parts, fmt.Sprintf("error %d", code))
	}
	if isMessageSID(sid) {
		parts = append(parts, sid)
	}
	return strings.Join(parts, ", ")
}
