package rowcodec

import (
	"net/url"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// noReason stands for an attempt that has no reason, or has not failed for it. It has no
// colon, as the words of the others do.
const noReason = "-"

// isFoundByReason reports whether [smsplus.Filter] finds the attempt by its reason.
func isFoundByReason(a *smsplus.Attempt) bool {
	return a.Reason != "" && (a.Status == status.Failed || a.Status == status.Undeliverable)
}

// EncodeReasons returns why attempts of m did not arrive, as a text that a database can search.
// It has a word for each such attempt, with a space before and after each. It is "" if none
// failed for a reason.
//
//	" line_push:blocked - sms:carrier_error "
//
// A word is the channel and the reason, escaped, so that a colon and a space separate them.
func EncodeReasons(m *smsplus.Message) string {
	has := false
	for i := range m.Attempts {
		has = has || isFoundByReason(&m.Attempts[i])
	}
	if !has {
		return ""
	}
	b := []byte{' '}
	for i := range m.Attempts {
		if a := &m.Attempts[i]; !isFoundByReason(a) {
			b = append(b, noReason...)
		} else {
			b = append(b, url.QueryEscape(string(a.Channel))...)
			b = append(b, ':')
			b = append(b, url.QueryEscape(string(a.Reason))...)
		}
		b = append(b, ' ')
	}
	return string(b)
}

// ReasonPart returns what a text of EncodeReasons contains if, and only if, an attempt failed
// for the reason, which is not "". If c is not "", the attempt is on that channel.
func ReasonPart(c channel.Name, r status.Reason) string {
	part := ":" + url.QueryEscape(string(r)) + " "
	if c != "" {
		part = " " + url.QueryEscape(string(c)) + part
	}
	return part
}

// DecodeReasons returns the reasons of a text of EncodeReasons, one for each attempt.
func DecodeReasons(text string) []status.Reason {
	words := strings.Fields(text)
	reasons := make([]status.Reason, len(words))
	for i, word := range words {
		_, escaped, _ := strings.Cut(word, ":")
		if reason, err := url.QueryUnescape(escaped); err == nil {
			reasons[i] = status.Reason(reason)
		}
	}
	return reasons
}
