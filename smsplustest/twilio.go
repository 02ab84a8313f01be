package smsplustest

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/secret"
)

// Twilio makes the status callbacks of Twilio ("Track the Message Status of Outbound
// Messages"; "Webhooks security").
type Twilio struct {
	// AuthToken is the account's auth token, which signs the calls.
	AuthToken secret.Text
	// StatusCallback is the StatusCallback of the adapter's config.
	StatusCallback string
}

// Status returns the call that a message has a status: sent, delivered, undelivered or
// failed, for example. The code is Twilio's error code; 0 is none.
func (t Twilio) Status(attempt uuid.UUID, word string, code int) *http.Request {
	address, _, _ := strings.Cut(t.StatusCallback, "#") // the connection overrides are not sent
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	address += separator + "attempt=" + attempt.String() // the adapter gives this URL to Twilio

	sid := "SM" + hex.EncodeToString(attempt[:])
	form := url.Values{
		"AccountSid": {"AC00000000000000000000000000000000"}, "ApiVersion": {"2010-04-01"},
		"From": {"+15005550006"}, "To": {"+15005550001"},
		"MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {word}, "SmsStatus": {word},
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
	}
	var text strings.Builder
	text.WriteString(address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		text.WriteString(name + form.Get(name))
	}
	r := newCall(http.MethodPost, address, "application/x-www-form-urlencoded", []byte(form.Encode()))
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(sign(sha1.New, t.AuthToken, []byte(text.String()))))
	return r
}
