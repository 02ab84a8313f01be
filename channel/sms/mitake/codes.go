package mitake

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// codes are the specification's status codes (appendices 一 to 三). A digit says how far a
// message has come: Mitake answers with it, and reports it as StatusFlag. A letter refuses
// a call, and nothing of it was sent.
var codes = map[string]channel.Verdict{
	"0": {Status: status.Accepted}, // scheduled
	"1": {Status: status.Accepted}, // at the carrier
	"2": {Status: status.Accepted},
	"3": {Status: status.Accepted}, // not listed: between the codes next to it
	"4": {Status: status.Delivered},
	"5": {Status: status.Undeliverable, Reason: status.ContentRejected},
	"6": {Status: status.Undeliverable, Reason: status.InvalidNumber},
	"7": {Status: status.Undeliverable, Reason: status.CarrierError}, // "簡訊已停用": assumed to be the carrier's act
	"8": {Status: status.Undeliverable, Reason: status.Expired},
	"9": {Status: status.Undeliverable, Reason: status.Canceled},

	"*": {Reason: status.InDoubt}, // "the system failed", without saying where
	"a": {},                       // the service is paused
	"b": {},
	"l": {}, // too many connections
	"r": {}, // the system is paused

	"c": {Status: status.Undeliverable, Reason: status.Authorization}, // no user name
	"d": {Status: status.Undeliverable, Reason: status.Authorization}, // no password
	"e": {Status: status.Undeliverable, Reason: status.Authorization}, // wrong user name or password
	"m": {Status: status.Undeliverable, Reason: status.Authorization}, // the password must be changed
	"n": {Status: status.Undeliverable, Reason: status.Authorization}, // the password has expired

	"f": {Status: status.Undeliverable, Reason: status.Permission}, // the account has expired
	"h": {Status: status.Undeliverable, Reason: status.Permission}, // the account is disabled
	"k": {Status: status.Undeliverable, Reason: status.Permission}, // the IP address is not registered
	"p": {Status: status.Undeliverable, Reason: status.Permission}, // the account may not use the API

	"s": {Status: status.Undeliverable, Reason: status.QuotaExceeded}, // billing failed: no points are left
	"t": {Status: status.Undeliverable, Reason: status.Expired},
	"u": {Status: status.Undeliverable, Reason: status.ContentRejected}, // the text is empty
	"v": {Status: status.Undeliverable, Reason: status.InvalidNumber},
	"x": {Status: status.Undeliverable, Reason: status.ContentRejected}, // too large

	"w": {Status: status.Failed, Reason: status.SystemError}, // the answer to a query: too many
	"y": {Status: status.Failed, Reason: status.SystemError}, // a bad parameter
	"z": {Status: status.Failed, Reason: status.SystemError}, // the answer to a query: no such message
}

// codeOfWord maps the words of a callback without StatusFlag to codes. UNKNOWN, which the
// specification also has, reports nothing new.
var codeOfWord = map[string]string{
	"DELIVRD": "4",
	"SYNTAXE": "5",
	"UNDELIV": "7", // or 6: the word is for both
	"EXPIRED": "8",
	"DELETED": "9",
}
