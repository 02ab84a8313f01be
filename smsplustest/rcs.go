package smsplustest

import (
	"cmp"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/secret"
)

// RCS makes the calls of RCS for Business to the webhook of an agent (the reference,
// UserEvent and ServerEvent; "Webhooks").
type RCS struct {
	// ClientToken is the webhook's client token, which signs the calls.
	ClientToken secret.Text
	// URL is the webhook's URL. Defaults to "/rcs", its path on a Day.
	URL string
}

// Delivered returns the call that a message arrived.
func (r RCS) Delivered(attempt uuid.UUID, at time.Time) *http.Request {
	return r.eventCall("senderPhoneNumber", "DELIVERED", attempt, at)
}

// Read returns the call that the person read a message.
func (r RCS) Read(attempt uuid.UUID, at time.Time) *http.Request {
	return r.eventCall("senderPhoneNumber", "READ", attempt, at)
}

// Expired returns the call that a message was revoked, because its time was over before it
// arrived.
func (r RCS) Expired(attempt uuid.UUID, at time.Time) *http.Request {
	return r.eventCall("phoneNumber", "TTL_EXPIRATION_REVOKED", attempt, at)
}

// eventCall returns a call about an event. Its number is in the named field.
func (r RCS) eventCall(numberField, word string, attempt uuid.UUID, at time.Time) *http.Request {
	event, err := json.Marshal(map[string]string{
		numberField: "+15005550001", "eventType": word, "eventId": word + "-" + attempt.String(), "messageId": attempt.String(),
		"sendTime": at.UTC().Format(time.RFC3339Nano), "agentId": "agent",
	})
	if err != nil {
		panic(err) // texts alone can be encoded
	}
	call, _ := newJSONCall(cmp.Or(r.URL, "/rcs"), map[string]any{
		"message":      map[string]any{"data": event, "messageId": "1", "publishTime": at.UTC().Format(time.RFC3339Nano)},
		"subscription": "projects/rbm/subscriptions/agent",
	})
	call.Header.Set("X-Goog-Signature", base64.StdEncoding.EncodeToString(sign(sha512.New, r.ClientToken, event)))
	return call
}
