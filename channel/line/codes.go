package line

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// Codes are the meanings of LINE's refusals. LINE has no codes of its own that a program
// could read. So a key is the HTTP status of the answer ("422"), or that status and words
// ("429 monthly limit"). The answer's message or one of its details must have the words, in
// any case. A detail reads 'property': message, as in the key "400 'to'".
//
// Of the matching keys, the one with the longest words counts. If none matches, the HTTP
// status counts alone (httpapi.Answer.Verdict). A plain refusal in LINE's own words that no
// key knows is Undeliverable, carrier_error, so that the next channel takes over.
type Codes map[string]channel.Verdict

// The words are those of the error messages in LINE's Messaging API reference, "Status
// codes" and "Error responses".
//
// A 400 says that LINE refuses the message. A value can cause it, such as one that leaves a
// text of a Flex message empty, so it is Undeliverable and the next channel takes over.
// Failed are requests that no value can cause.
var (
	pushCodes = Codes{
		"400": {Status: status.Undeliverable, Reason: status.ContentRejected},
		// No user of this account's provider has the ID, or it is not a user ID.
		"400 'to'":                    {Status: status.Undeliverable, Reason: status.NoContact},
		"400 failed to send messages": {Status: status.Undeliverable, Reason: status.NoContact},
		"400 hasn't added the line official account": {Status: status.Undeliverable, Reason: status.NoContact},
		"400 parsed as json":                         {Status: status.Failed, Reason: status.SystemError},
		"400 content type":                           {Status: status.Failed, Reason: status.SystemError},
		"400 customaggregationunits":                 {Status: status.Failed, Reason: status.TemplateConfig},
		// The retry key is known: the message was taken before.
		"409":               {Status: status.Delivered},
		"413":               {Status: status.Undeliverable, Reason: status.ContentRejected},
		"429 monthly limit": {Status: status.Undeliverable, Reason: status.QuotaExceeded},
	}
	notificationCodes = Codes{
		"400": {Status: status.Undeliverable, Reason: status.ContentRejected},
		// The template was removed, or is no longer this account's.
		"400 templatekey":            {Status: status.Undeliverable, Reason: status.TemplateMismatch},
		"400 'to'":                   {Status: status.Undeliverable, Reason: status.NoMatch},
		"400 parsed as json":         {Status: status.Failed, Reason: status.SystemError},
		"400 content type":           {Status: status.Failed, Reason: status.SystemError},
		"400 customaggregationunits": {Status: status.Failed, Reason: status.TemplateConfig},
		"413":                        {Status: status.Undeliverable, Reason: status.ContentRejected},
		// This answer stands for four facts (LINE notification messages API reference):
		//   - No LINE user has the number.
		//   - LINE does not serve its country.
		//   - Its owner refuses notification messages.
		//   - Its owner has not agreed to the privacy policy of 2022.
		"422":               {Status: status.Undeliverable, Reason: status.NoMatch},
		"429 monthly limit": {Status: status.Undeliverable, Reason: status.QuotaExceeded},
	}
)

// code is a parsed key of Codes.
type code struct {
	http  int
	words string // in lower case
}

// codeVerdict is a row of Codes.
type codeVerdict struct {
	code
	verdict channel.Verdict
}

// merge returns the rows of c and of its overrides, longest words first.
func (c Codes) merge(overrides Codes, m *status.Machine, field string, bad *configErrors) []codeVerdict {
	all := make(map[code]channel.Verdict)
	for key, v := range c {
		all[parseCode(key)] = v
	}
	for key, v := range overrides {
		k := parseCode(key)
		if k.http < 300 || k.http > 599 {
			bad.add("%s[%q]: a key begins with an HTTP status from 300 to 599", field, key)
		}
		explained := v.Reason != ""
		switch v.Status {
		case status.Undeliverable, status.Failed:
		case status.Preparing:
			explained = v.Reason == "" || v.Reason == status.InDoubt
		default:
			explained = v.Reason == ""
		}
		if v.Status != status.Preparing && !m.Can(m.Initial(), v.Status) || !explained {
			bad.add("%s[%q]: the channel cannot end %v with the reason %q", field, key, v.Status, v.Reason)
		}
		all[k] = v
	}
	var rows []codeVerdict
	for k, v := range all {
		rows = append(rows, codeVerdict{k, v})
	}
	slices.SortFunc(rows, func(a, b codeVerdict) int {
		return cmp.Or(len(b.words)-len(a.words), strings.Compare(a.words, b.words))
	})
	return rows
}

// parseCode parses a key. The status of a key without one is 0.
func parseCode(key string) code {
	number, words, _ := strings.Cut(strings.ToLower(key), " ")
	http, _ := strconv.Atoi(number)
	return code{http, strings.TrimSpace(words)}
}

// verdictOf returns the meaning of a refusal.
func (a *api) verdictOf(answer httpapi.Answer) channel.Verdict {
	words := strings.ToLower(errorText(answer))
	for _, r := range a.verdicts {
		if r.http == answer.Code && strings.Contains(words, r.words) {
			return r.verdict
		}
	}
	v := answer.Verdict()
	if v.Status == status.Failed && words != "" {
		return channel.Verdict{Status: status.Undeliverable, Reason: status.CarrierError}
	}
	return v
}
