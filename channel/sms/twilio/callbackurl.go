package twilio

import (
	"errors"
	"net/url"
	"regexp"

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
// libraries). Its documentation does not say whether the fragment is included.
func (u callbackURL) signedTexts(rawQuery string) []string {
	port := u.port
	if port == "" {
		port = map[string]string{"http://": ":80", "https://": ":443"}[u.scheme]
	}
	rest := u.path
	if rawQuery != "" {
		rest += "?" + rawQuery
	}
	texts := []string{u.scheme + u.host + rest, u.scheme + u.host + port + rest}
	if u.fragment != "" {
		texts = append(texts, texts[0]+u.fragment, texts[1]+u.fragment)
	}
	return texts
}
