package twilio

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// attemptKey is the query parameter that returns the attempt's ID.
const attemptKey = "attempt"

// bodyHashKey is the query parameter that Twilio adds to calls whose body is not a form.
const bodyHashKey = "bodySHA256"

// callbackURL is a StatusCallback in pieces, each with its punctuation. Joined they are the
// same text again, because a signature covers the text.
type callbackURL struct{ scheme, host, port, path, query, fragment string }

// callbackURLPattern matches the URLs that StatusCallback may have. A host with an
// underscore gets no callbacks (Twilio, "Track the Message Status of Outbound Messages").
var callbackURLPattern = regexp.MustCompile(
	`^(https?://)([a-z0-9.-]+)(:[0-9]+)?(/[A-Za-z0-9._~/=&-]*)(\?[A-Za-z0-9._~/=&-]+)?(#[A-Za-z0-9._~,=&-]+)?$`)

func parseCallbackURL(s string) (callbackURL, error) {
	if s == "" {
		return callbackURL{}, errors.New("twilio: Config.StatusCallback is required")
	}
	m := callbackURLPattern.FindStringSubmatch(s)
	if m == nil {
		return callbackURL{}, errors.New("twilio: Config.StatusCallback must be an absolute http or https URL " +
			"with a host in lower case, a path, and nothing in path and query but letters, digits and -._~/=&")
	}
	u := callbackURL{m[1], m[2], m[3], m[4], m[5], m[6]}
	if u.query != "" {
		query, err := url.ParseQuery(u.query[1:])
		if err != nil || query.Has(attemptKey) || query.Has(bodyHashKey) {
			return callbackURL{}, errors.New("twilio: Config.StatusCallback sets attempt or bodySHA256, " +
				"which are not the application's")
		}
	}
	return u, nil
}

// forAttempt returns the URL that Twilio calls about an attempt.
func (u callbackURL) forAttempt(attempt uuid.UUID) string {
	query := u.query + "&"
	if u.query == "" {
		query = "?"
	}
	return u.scheme + u.host + u.port + u.path + query + attemptKey + "=" + attempt.String() + u.fragment
}

// signedTexts returns the texts that Twilio may have signed for a call with that query.
// Twilio's products differ on including the port ("Webhooks security", and its own
// libraries). Its documentation does not say whether the fragment is included. Some of its
// products sort the parameters of a call and sign them unsorted (twilio-php, issue 790).
func (u callbackURL) signedTexts(rawQuery string) []string {
	port := u.port
	if port == "" {
		port = map[string]string{"http://": ":80", "https://": ":443"}[u.scheme]
	}
	queries := []string{rawQuery}
	if ours := u.inOurOrder(rawQuery); ours != rawQuery {
		queries = append(queries, ours)
	}
	var texts []string
	for _, query := range queries {
		rest := u.path
		if query != "" {
			rest += "?" + query
		}
		texts = append(texts, u.scheme+u.host+rest, u.scheme+u.host+port+rest)
	}
	if u.fragment != "" {
		for _, text := range slices.Clone(texts) {
			texts = append(texts, text+u.fragment)
		}
	}
	return texts
}

// inOurOrder returns a query with the same parameters in the order of the URL that Twilio
// got: those of the configured URL, the attempt, and what Twilio added.
func (u callbackURL) inOurOrder(rawQuery string) string {
	rest := strings.Split(rawQuery, "&")
	var ordered []string
	for own := range strings.SplitSeq(strings.TrimPrefix(u.query, "?"), "&") {
		if i := slices.Index(rest, own); i >= 0 {
			ordered, rest = append(ordered, own), slices.Delete(rest, i, i+1)
		}
	}
	isAttempt := func(s string) bool { return strings.HasPrefix(s, attemptKey+"=") }
	if i := slices.IndexFunc(rest, isAttempt); i >= 0 {
		ordered, rest = append(ordered, rest[i]), slices.Delete(rest, i, i+1)
	}
	return strings.Join(append(ordered, rest...), "&")
}
