package whatsapp

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// The rows of the table. A fault is Undeliverable if the person's data, the account or the
// template at Meta can cause it. The next channel may still reach the person while the operator
// fixes it. Failed is for a kind of message that this package never sends.
var (
	temporary        = channel.Verdict{}
	inDoubt          = channel.Verdict{Reason: status.InDoubt}
	authorization    = channel.Verdict{Status: status.Undeliverable, Reason: status.Authorization}
	permission       = channel.Verdict{Status: status.Undeliverable, Reason: status.Permission}
	quotaExceeded    = channel.Verdict{Status: status.Undeliverable, Reason: status.QuotaExceeded}
	noContact        = channel.Verdict{Status: status.Undeliverable, Reason: status.NoContact}
	invalidNumber    = channel.Verdict{Status: status.Undeliverable, Reason: status.InvalidNumber}
	blocked          = channel.Verdict{Status: status.Undeliverable, Reason: status.Blocked}
	contentRejected  = channel.Verdict{Status: status.Undeliverable, Reason: status.ContentRejected}
	templateMismatch = channel.Verdict{Status: status.Undeliverable, Reason: status.TemplateMismatch}
	carrierError     = channel.Verdict{Status: status.Undeliverable, Reason: status.CarrierError}
	expired          = channel.Verdict{Status: status.Undeliverable, Reason: status.Expired}
	templateConfig   = channel.Verdict{Status: status.Failed, Reason: status.TemplateConfig}
)

// codes are the meanings of Meta's error codes (Error codes; the sections are its own).
// Codes of 200 to 299 are all about permissions, and not listed.
var codes = map[int]channel.Verdict{
	// "Authorization errors"
	0:   authorization, // the token has expired or was revoked
	3:   authorization, // capability or permission
	10:  authorization, // permission not granted
	102: authorization, // the session or the token is not valid
	104: authorization, // no token (named in the row of 200)
	190: authorization, // the token has expired

	// "Integrity errors"
	368:    permission, // account restricted for a policy violation
	130497: permission, // account may not message this country
	131031: permission, // account locked

	// "Throttling errors". The first ones count calls. The last two count messages, and
	// stand until a restriction is lifted.
	4:         temporary, // calls of the app
	17:        temporary, // calls of the user
	32:        temporary, // calls of the page
	341:       temporary, // calls of the app, or downtime
	613:       temporary, // calls of the endpoint
	80007:     temporary, // calls of the account
	80008:     temporary, // calls of the account, for management
	130429:    temporary, // messages a second
	pairLimit: temporary, // messages to this one person
	131048:    quotaExceeded,
	131064:    quotaExceeded,

	// "Other errors"
	1:      inDoubt,          // "invalid request or possible server error"
	2:      temporary,        // downtime or overload
	33:     permission,       // the sending number was deleted
	100:    templateMismatch, // a parameter is unsupported, misspelled or empty
	130403: blocked,          // by the business itself
	130472: blocked,          // withheld: an experiment
	131000: temporary,        // "message failed to send due to an unknown error"
	131001: contentRejected,  // the message is too long
	131005: authorization,    // permission not granted
	131008: templateMismatch, // a parameter is missing
	131009: templateMismatch, // a parameter's value is not valid
	131016: temporary,        // service unavailable
	131021: invalidNumber,    // the person is the sender
	131026: noContact,        // not on WhatsApp, terms not accepted, or an old version
	131037: permission,       // the sending number has no approved name
	131042: permission,       // payment method
	131043: expired,          // not delivered within its time to live
	131045: permission,       // the sending number is not registered
	131047: templateConfig,   // free text after 24 hours of silence
	131049: blocked,          // withheld: "healthy ecosystem engagement"
	131050: blocked,          // the person stopped marketing messages
	131051: templateConfig,   // message type unsupported
	131052: contentRejected,  // media could not be downloaded
	131053: contentRejected,  // the header's media could not be fetched or used
	131057: temporary,        // account in maintenance, for minutes
	131062: noContact,        // the recipient's user ID cannot get this kind of message
	131063: permission,       // marketing templates are switched off for the Cloud API
	132000: templateMismatch, // number of parameters
	132001: templateMismatch, // no such template in this language, or not approved
	132005: templateMismatch, // the text is too long with its values
	132007: templateMismatch, // content against a policy
	132012: templateMismatch, // format of a parameter
	132015: templateMismatch, // template paused for low quality
	132016: templateMismatch, // template disabled for low quality
	132068: templateMismatch, // the template's flow is blocked
	132069: templateMismatch, // the template's flow is throttled
	133000: permission,       // the sending number was deregistered incompletely
	133004: temporary,        // server unavailable
	133006: permission,       // the sending number must be verified again
	133010: permission,       // the sending number is not registered
	133015: permission,       // the sending number was deleted a moment ago
	134011: permission,       // terms of payments not accepted
	135000: templateMismatch, // "unknown error with your request parameters"

	// "Marketing Messages API for WhatsApp error codes". People report the first one from
	// the Cloud API too, for values with line breaks, tabs or more than four spaces.
	132018: templateMismatch,
	134100: templateMismatch, // the template is not for marketing
	134101: templateMismatch, // the template is not ready yet
	134102: templateMismatch, // the template is not available

	// "Registration and migration errors". The number is in maintenance, for minutes.
	2494100: temporary,

	// Troubleshoot WhatsApp Calling Errors, "Calling error codes": the sender is a number
	// for tests, and reaches only people on its list.
	131030: permission,
}

// pairLimit is the code for too many messages to one person. One message may be sent every
// six seconds (About the platform, "Pair rate limits").
const pairLimit = 131056

// codeVerdict returns the meaning of a code, if it is known.
func (c *Channel) codeVerdict(code int) (v channel.Verdict, known bool) {
	if v, known = c.codeOverrides[code]; known {
		return v, true
	}
	if 200 <= code && code <= 299 {
		return authorization, true
	}
	v, known = codes[code]
	return v, known
}

// answerVerdict returns the meaning of an error in an answer. An unknown code has the
// meaning of the HTTP status if that is one of its own, such as 429 and 500. A plain
// refusal with an unknown code means the same as in a webhook.
func (c *Channel) answerVerdict(a httpapi.Answer, p errorBody) channel.Verdict {
	code, named := p.code()
	if v, known := c.codeVerdict(code); named && known {
		return v
	}
	v := a.Verdict()
	if named && v.Status == status.Failed {
		return carrierError
	}
	return v
}

// webhookVerdict returns the meaning of a code in a webhook: that of the code in an answer,
// if it is final. Meta took the message and did not deliver it, so there is nothing to try
// again, and the person has to be reached another way.
func (c *Channel) webhookVerdict(p errorBody) channel.Verdict {
	if code, ok := p.code(); ok {
		if v, known := c.codeVerdict(code); known && v.Status != status.Preparing {
			return v
		}
	}
	return carrierError
}

// errorBody is an error in an answer (Error codes, "Error response syntax") or in a
// webhook (Status messages webhook reference, "Syntax").
type errorBody struct{ httpapi.Fields }

func (p errorBody) code() (int, bool) {
	code, ok := p.Int("code")
	return int(code), ok && 0 <= code && code < codeLimit
}

// codeLimit is more than any code. Meta's codes have up to seven digits, and a longer
// number may be anything, such as a person's.
const codeLimit = 10_000_000

// detail returns the code and Meta's words. The words of an answer begin with the code.
func (p errorBody) detail(hidden ...string) string {
	all := []string{cmp.Or(p.Text("title"), p.Text("message")), p.Object("error_data").Text("details")}
	var said []string
	if code, ok := p.code(); ok {
		said = append(said, strconv.Itoa(code))
		all[0] = strings.TrimPrefix(all[0], fmt.Sprintf("(#%d) ", code))
	}
	for _, words := range all {
		if words = httpapi.Words(words, hidden...); words != "" && !slices.Contains(said, words) {
			said = append(said, words)
		}
	}
	return strings.Join(said, ": ")
}
