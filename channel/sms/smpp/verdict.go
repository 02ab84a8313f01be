package smpp

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// codeRow is the meaning of a code. If maxTries is not 0, a temporary fault counts as a
// carrier's refusal after that many tries of the message.
type codeRow struct {
	channel.Verdict
	maxTries int
}

var (
	accepted     = channel.Verdict{Status: status.Accepted}
	temporary    = channel.Verdict{Status: status.Preparing}
	badNumber    = channel.Verdict{Status: status.Undeliverable, Reason: status.InvalidNumber}
	badAccount   = channel.Verdict{Status: status.Undeliverable, Reason: status.Authorization}
	notAllowed   = channel.Verdict{Status: status.Undeliverable, Reason: status.Permission}
	noCredit     = channel.Verdict{Status: status.Undeliverable, Reason: status.QuotaExceeded}
	barred       = channel.Verdict{Status: status.Undeliverable, Reason: status.Blocked}
	refusedText  = channel.Verdict{Status: status.Undeliverable, Reason: status.ContentRejected}
	carrierFault = channel.Verdict{Status: status.Undeliverable, Reason: status.CarrierError}
	badRequest   = channel.Verdict{Status: status.Failed, Reason: status.SystemError}
)

// codeRows are the meanings of a command_status (section 5.1.3). Deployed defaults disagree
// on many rows, and carriers have meanings of their own, so an account may override each.
var codeRows = map[pdu.Status]codeRow{
	pdu.ROK: {accepted, 0},

	pdu.RTHROTTLED: {temporary, 0},
	pdu.RMSGQFUL:   {temporary, 0},
	pdu.RXTAPPN:    {temporary, 0},
	pdu.RINVBNDSTS: {temporary, 0}, // the session is bound again
	pdu.RALYBND:    {temporary, 0},

	pdu.RSYSERR:     {temporary, 3},
	pdu.RSUBMITFAIL: {temporary, 2},
	pdu.RUNKNOWNERR: {temporary, 2},

	pdu.RINVDSTADR: {badNumber, 0},
	pdu.RINVDSTTON: {badNumber, 0},
	pdu.RINVDSTNPI: {badNumber, 0},

	pdu.RXPAPPN:          {carrierFault, 0},
	pdu.RDELIVERYFAILURE: {carrierFault, 0},
	pdu.RXRAPPN:          {refusedText, 0},
	pdu.RINVMSGLEN:       {refusedText, 0}, // too long for this person's carrier, for example

	pdu.RINVSRCADR:    {notAllowed, 0},
	pdu.RINVSRCTON:    {notAllowed, 0},
	pdu.RINVSRCNPI:    {notAllowed, 0},
	pdu.RINVSERTYP:    {notAllowed, 0},
	pdu.RPROVNOTALLWD: {notAllowed, 0},

	pdu.RBINDFAIL:  {badAccount, 0},
	pdu.RINVPASWD:  {badAccount, 0},
	pdu.RINVSYSID:  {badAccount, 0},
	pdu.RINVSYSTYP: {badAccount, 0},

	pdu.RINVCMDLEN:       {badRequest, 0},
	pdu.RINVCMDID:        {badRequest, 0},
	pdu.RINVPRTFLG:       {badRequest, 0},
	pdu.RINVREGDLVFLG:    {badRequest, 0},
	pdu.RINVSUBREP:       {badRequest, 0},
	pdu.RINVESMCLASS:     {badRequest, 0},
	pdu.RINVREPFLAG:      {badRequest, 0},
	pdu.RINVSCHED:        {badRequest, 0},
	pdu.RINVEXPIRY:       {badRequest, 0},
	pdu.RINVDFTMSGID:     {badRequest, 0},
	pdu.RINVOPTPARSTREAM: {badRequest, 0},
	pdu.ROPTPARNOTALLWD:  {badRequest, 0},
	pdu.RINVPARLEN:       {badRequest, 0},
	pdu.RMISSINGOPTPARAM: {badRequest, 0},
	pdu.RINVOPTPARAMVAL:  {badRequest, 0},
}

// unknownCode is the meaning of any other code: a vendor's, or one of operations that this
// package does not use.
var unknownCode = codeRow{temporary, 1}

// verdictOf returns the meaning of an answer's code at the try-th try of a message.
func (c *Channel) verdictOf(code pdu.Status, try int) channel.Verdict {
	if v, ok := c.config.Codes[code]; ok {
		return v
	}
	r, ok := codeRows[code]
	if !ok {
		r = unknownCode
	}
	if r.maxTries > 0 && try > r.maxTries {
		return carrierFault
	}
	return r.Verdict
}

// stateVerdicts are the meanings of receipts. UNKNOWN says nothing about the person, so the
// message waits for another receipt, or for the end of its wait.
var stateVerdicts = map[pdu.State]channel.Verdict{
	pdu.StateScheduled:     accepted,
	pdu.StateEnroute:       accepted,
	pdu.StateAccepted:      accepted,
	pdu.StateUnknown:       accepted,
	pdu.StateDelivered:     {Status: status.Delivered},
	pdu.StateExpired:       carrierFault,
	pdu.StateDeleted:       carrierFault,
	pdu.StateUndeliverable: carrierFault,
	pdu.StateSkipped:       carrierFault,
	pdu.StateRejected:      refusedText,
}

// rejectionVerdicts are the meanings of words for a rejection that say why.
var rejectionVerdicts = map[string]channel.Verdict{
	"BARRED":  barred,
	"BARREDA": barred,
	"NOCRED":  noCredit,
}
