package rcs

import (
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

const signatureHeader = "X-Goog-Signature"

// maxCallBytes limits a call's body. Calls also bring what people write.
const maxCallBytes = 1 << 20

// ReceiptHandler returns the handler of the webhook. It answers the platform's check of a new
// webhook, and drops what is no receipt, such as what people write. The platform repeats a
// call that is not answered with 200, for seven days, and holds back the calls for the other
// agents of the partner meanwhile ("Webhooks").
func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	return httpapi.Webhook{
		Verify:   c.verifyCall,
		Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) { return c.readReceipts(body) },
		Answer: func(w http.ResponseWriter, _ *http.Request, body []byte) {
			if token, answer := challengeIn(body); token != "" {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				w.Header().Set("X-Content-Type-Options", "nosniff")
				_, _ = io.WriteString(w, answer) // the platform checks again if the answer is lost
			}
		},
		MaxBody: maxCallBytes,
	}.Handler(sink)
}

// challengeIn returns the fields of a call that checks a new webhook, which is not signed, or
// "" for any other call. It names the client token, and wants its secret as the answer
// ("Configure an agent webhook").
func challengeIn(body []byte) (clientToken, answer string) {
	fields, _ := httpapi.ParseFields(body)
	if _, isEvent := fields["message"]; isEvent {
		return "", ""
	}
	return fields.Text("clientToken"), fields.Text("secret")
}

// verifyCall reports whether the platform made the call. A signature is the HMAC-SHA512 of the
// event under the client token ("Verify incoming messages").
func (c *Channel) verifyCall(r *http.Request, body []byte) bool {
	tokens := secret.RevealAll(c.setup().ClientTokens)
	if token, _ := challengeIn(body); token != "" {
		known := 0
		for _, own := range tokens {
			known |= subtle.ConstantTimeCompare([]byte(own), []byte(token))
		}
		return known == 1
	}
	mac, err := base64.StdEncoding.DecodeString(r.Header.Get(signatureHeader))
	event, isEvent := eventIn(body)
	return err == nil && isEvent && httpapi.Signed(sha512.New, tokens, event, mac)
}

// eventIn returns the event in a call, which has the form of a push of Pub/Sub.
func eventIn(body []byte) (event []byte, ok bool) {
	fields, _ := httpapi.ParseFields(body)
	event, err := base64.StdEncoding.DecodeString(fields.Object("message").Text("data"))
	return event, err == nil && len(event) > 0
}

// readReceipts reads the event of a call (the reference, UserEvent and ServerEvent). An event
// that is none of these, and one about another program's message, makes no receipt.
func (c *Channel) readReceipts(body []byte) ([]channel.Receipt, error) {
	event, isEvent := eventIn(body)
	if !isEvent {
		return nil, nil // the check of a new webhook
	}
	fields, ok := httpapi.ParseFields(event)
	if !ok {
		return nil, errors.New("no event")
	}
	attempt, err := uuid.Parse(fields.Text("messageId"))
	if err != nil {
		return nil, nil // of another program, or of a person
	}
	r := channel.Receipt{Channel: c.setup().Name, ProviderID: attempt.String()}
	switch word := fields.Text("eventType"); word {
	case "DELIVERED":
		r.Status = status.Delivered
	case "READ":
		r.Status, r.Read = status.Delivered, true
	case "TTL_EXPIRATION_REVOKED":
		r.Status, r.Reason, r.Detail = status.Undeliverable, status.Expired, word
	default: // TTL_EXPIRATION_REVOKE_FAILED says nothing for certain
		return nil, nil
	}
	if at, err := time.Parse(time.RFC3339, fields.Text("sendTime")); err == nil && at.UTC().Year() > 0 {
		r.At = at
	}
	return []channel.Receipt{r}, nil
}
