package mitake

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// codes are the specification's status codes (appendices 一 to 三). The digits are how
// far a message has come; they are answered, and reported as StatusFlag. The letters
// refuse a call, and nothing of it was sent.
var codes = map[string]channel.Verdict{
	"0": {Status: status.Accepted}, // scheduled
	"1": {Status: status.Accepted}, // at the carrier
	"2": {Status: status.Accepted},
	"3": {Status: status.Accepted}, // not listed: between its neighbours
	"4": {Status: status.Delivered},
	"5": {Status: status.Undeliverable, Reason: status.ContentRejected},
	"6": {Status: status.Undeliverable, Reason: status.InvalidNumber},
	"7": {Status: status.Undeliverable, Reason: status.CarrierError}, // "簡訊已停用": assumed to be the carrier's doing
	"8": {Status: status.Undeliverable, Reason: status.Expired},
	"9": {Status: status.Undeliverable, Reason: status.Canceled},

	"*": {Reason: status.InDoubt}, // "the system failed": at what is not said
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

	"w": {Status: status.Failed, Reason: status.SystemError}, // of a query: too many
	"y": {Status: status.Failed, Reason: status.SystemError}, // a bad parameter
	"z": {Status: status.Failed, Reason: status.SystemError}, // of a query: no such message
}

// codeOfWord are the codes of what a callback says in words, for one without StatusFlag.
// UNKNOWN, which the specification has, too, says nothing new.
var codeOfWord = map[string]string{
	"DELIVRD": "4",
	"SYNTAXE": "5",
	"UNDELIV": "7", // or 6: the word is for both
	"EXPIRED": "8",
	"DELETED": "9",
}
