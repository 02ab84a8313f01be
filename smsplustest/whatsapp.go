package smsplustest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/secret"
)

// WhatsApp makes the calls of Meta to the webhook of an app (WhatsApp Business Platform,
// "Status messages webhook reference").
type WhatsApp struct {
	// AppSecret is the app's secret, which signs the calls.
	AppSecret secret.Text
	// PhoneNumberID is Meta's ID of the number that sent the message.
	PhoneNumberID string
	// URL is the webhook's URL. Defaults to "/whatsapp", its path on a Day.
	URL string
}

// Status returns the call that a message has a status: sent, delivered or read.
func (w WhatsApp) Status(attempt uuid.UUID, word string, at time.Time) *http.Request {
	return w.callWith(attempt, word, at, nil)
}

// Failed returns the call that a message failed with an error code of Meta's.
func (w WhatsApp) Failed(attempt uuid.UUID, code int, at time.Time) *http.Request {
	return w.callWith(attempt, "failed", at, []any{map[string]any{
		"code": code, "title": "The message was not delivered.", "message": "The message was not delivered.",
		"error_data": map[string]string{"details": "The message was not delivered."},
	}})
}

// callWith returns a call with one status.
func (w WhatsApp) callWith(attempt uuid.UUID, word string, at time.Time, problems []any) *http.Request {
	report := map[string]any{
		"id":        "wamid." + base64.StdEncoding.EncodeToString(attempt[:]),
		"status":    word,
		"timestamp": strconv.FormatInt(at.Unix(), 10), "recipient_id": "16505551234",
		"biz_opaque_callback_data": attempt.String(),
	}
	if len(problems) > 0 {
		report["errors"] = problems
	}
	r, body := newJSONCall(cmp.Or(w.URL, "/whatsapp"), map[string]any{
		"object": "whatsapp_business_account",
		"entry": []any{map[string]any{"id": "102290129340398", "changes": []any{map[string]any{
			"field": "messages",
			"value": map[string]any{
				"messaging_product": "whatsapp",
				"metadata":          map[string]string{"display_phone_number": "15550783881", "phone_number_id": w.PhoneNumberID},
				"statuses":          []any{report},
			},
		}}}},
	})
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sign(sha256.New, w.AppSecret, body)))
	return r
}
