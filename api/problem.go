package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/smsplus/smsplus-go/internal/scrub"
	"github.com/smsplus/smsplus-go/smsplus"
)

// problemCode identifies a kind of problem. Programs compare it, so it never changes.
type problemCode string

const (
	codeInvalidJSON     problemCode = "invalid_json"
	codeInvalidRequest  problemCode = "invalid_request"
	codeInvalidTrigger  problemCode = "invalid_trigger"
	codeInvalidFilter   problemCode = "invalid_filter"
	codeUnauthenticated problemCode = "unauthenticated"
	codeForbidden       problemCode = "forbidden"
	codeNotAllowed      problemCode = "not_allowed"
	codeCrossOrigin     problemCode = "cross_origin"
	codeNotFound        problemCode = "not_found"
	codeMessageNotFound problemCode = "message_not_found"
	codeMethod          problemCode = "method_not_allowed"
	codeEnded           problemCode = "ended"
	codeNotEnded        problemCode = "not_ended"
	codeDelivered       problemCode = "delivered"
	codeNotResendable   problemCode = "not_resendable"
	codeTooLarge        problemCode = "too_large"
	codeMediaType       problemCode = "unsupported_media_type"
	codeKeyReused       problemCode = "key_reused"
	codeUnreadable      problemCode = "unreadable"
	codeUnavailable     problemCode = "unavailable"
	codeMaybeStored     problemCode = "maybe_stored"
)

// kinds are the status and the title of each problem.
var kinds = map[problemCode]struct {
	status int
	title  string
}{
	codeInvalidJSON:     {http.StatusBadRequest, "The body is no sound JSON"},
	codeInvalidRequest:  {http.StatusBadRequest, "The request has mistakes"},
	codeInvalidTrigger:  {http.StatusBadRequest, "The trigger has mistakes"},
	codeInvalidFilter:   {http.StatusBadRequest, "The filter has mistakes"},
	codeUnauthenticated: {http.StatusUnauthorized, "The caller is not known"},
	codeForbidden:       {http.StatusForbidden, "The caller is refused"},
	codeNotAllowed:      {http.StatusForbidden, "The caller may not do this"},
	codeCrossOrigin:     {http.StatusForbidden, "A web page of another origin is refused"},
	codeNotFound:        {http.StatusNotFound, "There is no such path"},
	codeMessageNotFound: {http.StatusNotFound, "There is no such message"},
	codeMethod:          {http.StatusMethodNotAllowed, "The path has other methods"},
	codeEnded:           {http.StatusConflict, "The message has ended"},
	codeNotEnded:        {http.StatusConflict, "The message has not ended"},
	codeDelivered:       {http.StatusConflict, "The message was delivered"},
	codeNotResendable:   {http.StatusConflict, "The message cannot be resent"},
	codeTooLarge:        {http.StatusRequestEntityTooLarge, "The body is too large"},
	codeMediaType:       {http.StatusUnsupportedMediaType, "The body must be application/json"},
	codeKeyReused:       {http.StatusUnprocessableEntity, "The key was used for another message"},
	codeUnreadable:      {http.StatusInternalServerError, "The message cannot be read"},
	codeUnavailable:     {http.StatusServiceUnavailable, "Try again later"},
	codeMaybeStored:     {http.StatusServiceUnavailable, "The request may have taken effect"},
}

// typeBase begins the type of every problem. The code follows.
const typeBase = "https://github.com/smsplus/smsplus-go/blob/main/docs/api.md#"

// problem is an answer that says what went wrong (RFC 9457).
type problem struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Code   problemCode `json:"code"`
	Detail string      `json:"detail,omitempty"`
	Errors []mistake   `json:"errors,omitempty"`
}

func (p *problem) Error() string { return "api: " + string(p.Code) + ": " + p.Detail }

// mistake is one mistake in a request. One of the first three fields says where it is.
type mistake struct {
	// Pointer is the place in the body: a JSON pointer as a fragment (RFC 6901, section 6).
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Header    string `json:"header,omitempty"`
	Detail    string `json:"detail"`
}

func newProblem(code problemCode, detail string, errs ...mistake) *problem {
	k := kinds[code]
	if len(errs) > maxMistakes {
		errs = errs[:maxMistakes]
	}
	return &problem{Type: typeBase + string(code), Title: k.title, Status: k.status, Code: code, Detail: detail, Errors: errs}
}

// maxMistakes bounds the mistakes of one answer.
const maxMistakes = 100

const repeatLater = "nothing was changed; repeat the request later"

// problemOf returns what a caller is shown of an error. A store's own words are not for callers.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if _, ok := errors.AsType[auditError](err); ok {
		return newProblem(codeUnavailable, "the audit log could not be written; "+repeatLater)
	}
	switch {
	case errors.Is(err, smsplus.ErrKeyReused):
		return newProblem(codeKeyReused, "the key belongs to a message with another template, recipient or variables")
	case errors.Is(err, smsplus.ErrNotFound):
		return newProblem(codeMessageNotFound, "")
	case errors.Is(err, smsplus.ErrUnreadable):
		return newProblem(codeUnreadable, "someone must look at the store")
	case errors.Is(err, smsplus.ErrInvalidFilter):
		return newProblem(codeInvalidFilter, "the store refuses the filter")
	case errors.Is(err, smsplus.ErrEnded):
		return newProblem(codeEnded, "nothing is left to cancel")
	case errors.Is(err, smsplus.ErrDelivered):
		return newProblem(codeDelivered, "")
	case errors.Is(err, smsplus.ErrNotFinal):
		return newProblem(codeNotEnded, "cancel it, or wait until it has ended")
	case errors.Is(err, smsplus.ErrMaybeStored):
		return newProblem(codeMaybeStored, "repeat it with its key; without one, look for the message before you repeat it")
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(codeUnavailable, "the request took too long; "+repeatLater)
	}
	return newProblem(codeUnavailable, repeatLater)
}

// retryAfter is the Retry-After of a 503, in seconds.
const retryAfter = "5"

// answer returns the problem as an answer.
func (p *problem) answer() answer {
	a := answer{code: p.Status, header: http.Header{"Content-Type": {"application/problem+json"}}}
	a.body, _ = json.Marshal(p) // it holds texts and numbers alone
	if p.Status == http.StatusServiceUnavailable {
		a.header.Set("Retry-After", retryAfter)
	}
	return a
}

// triggerMistakes returns the mistakes that the engine names in a trigger. The pointer is that
// of the trigger, and keyHeader says that its key is a header.
func triggerMistakes(err error, pointer string, keyHeader bool) []mistake {
	var all []mistake
	for _, one := range splitErrors(err) {
		text := strings.TrimPrefix(one.Error(), smsplus.ErrInvalidTrigger.Error()+": ")
		field, detail := splitField(text, "Trigger.", triggerFields)
		m := mistake{Pointer: pointer + field, Detail: detail}
		if field == keyPointer && keyHeader {
			m.Pointer, m.Header = "", keyHeaderName
		}
		all = append(all, m)
	}
	return all
}

const keyPointer = "/key"

// triggerFields are the fields of a request by the field of [smsplus.Trigger].
var triggerFields = map[string]string{
	"Template": "/template", "To": "/to", "To.IDs": "/to/ids", "Vars": "/vars", "Key": keyPointer, "Reference": "/reference",
	"SendAt": "/send_at", "TTL": "/ttl_seconds", "Metadata": "/metadata",
}

// filterMistakes returns the mistakes that the engine names in a filter.
func filterMistakes(err error, inBody bool) []mistake {
	var all []mistake
	for _, one := range splitErrors(err) {
		text := strings.TrimPrefix(one.Error(), smsplus.ErrInvalidFilter.Error()+": ")
		name, detail := splitField(text, "Filter.", filterFields)
		if name == "" {
			name, detail = splitField(text, "Grouping.", filterFields)
		}
		all = append(all, mistakeAt(name, inBody, detail))
	}
	return all
}

// filterFields are the fields of a request by those of [smsplus.Filter] and [smsplus.Grouping].
var filterFields = map[string]string{
	"From": "from", "To": "to", "Template": "template", "Scenario": "scenario", "Channel": "channel", "Reason": "reason",
	"ProviderID": "provider_id", "Key": "key", "Reference": "reference", "RecipientID": "recipient_id", "Group": "tab",
	"Limit": "size", "After": "after", "By": "by",
}

// mistakeAt returns a mistake in a field of a body, or in a parameter.
func mistakeAt(name string, inBody bool, detail string) mistake {
	if inBody {
		return mistake{Pointer: "#/" + escapePointer(name), Detail: detail}
	}
	return mistake{Parameter: cleanName(name), Detail: detail}
}

// splitField splits a text of the engine into the field, by its name in the request, and what is
// wrong with it: "Trigger.Vars: variable …" or "Trigger.To is required".
func splitField(text, prefix string, fields map[string]string) (field, detail string) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", text
	}
	end := strings.IndexAny(rest, ": ")
	if end < 0 {
		return "", text
	}
	return fields[rest[:end]], strings.TrimLeft(rest[end:], ": ")
}

// splitErrors returns the errors that an error joins.
func splitErrors(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, splitErrors(one)...)
		}
		return all
	}
	return []error{err}
}

// cleanName returns a name that the caller chose for an answer: cut, and without numbers that
// may be a person's.
func cleanName(name string) string {
	const maxShown = 64
	if len(name) > maxShown {
		name = name[:maxShown]
	}
	return strings.ToValidUTF8(scrub.Words(name, scrub.Personal{AnyNumber: true}), "")
}

// escapePointer returns a name as a segment of a JSON pointer in a fragment.
func escapePointer(name string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(cleanName(name)))
}
