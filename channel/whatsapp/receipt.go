package whatsapp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// maxWebhookBytes limits the body of a webhook. Meta's have up to 3 MB (Webhooks overview,
// "Payload size").
const maxWebhookBytes = 4 << 20

// ReceiptHandler returns the handler for the webhook URL. Meta checks the URL with a GET.
// The handler answers it with its challenge, or with 403 if it has none of the verify
// tokens. Each POST is signed with the app secret over the unchanged body.
//
// The statuses of messages that this number sent with an attempt's ID go to the sink, all
// those of a call at once. The handler answers everything else with 200 and ignores it:
// messages from people, news of templates and accounts, other numbers, messages that other
// programs sent.
func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	calls := httpapi.Webhook{
		Verify: func(r *http.Request, body []byte) bool {
			mac, isSHA256 := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
			sum, err := hex.DecodeString(mac)
			return isSHA256 && err == nil && c.isSigned(body, sum)
		},
		Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) { return c.readReceipts(body) },
		MaxBody:  maxWebhookBytes,
	}.Handler(sink)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			c.answerChallenge(w, r)
			return
		}
		calls.ServeHTTP(w, r)
	})
}

// answerChallenge answers Meta's check of the URL (Create a webhook endpoint, "GET
// requests").
func (c *Channel) answerChallenge(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("hub.mode") != "subscribe" || !c.isVerifyToken(q.Get("hub.verify_token")) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, q.Get("hub.challenge")) // a failed write cannot be reported
}

// signatureChecker returns a function that reports whether mac signs a body with one of the secrets.
func signatureChecker(secrets []string) func(body, mac []byte) bool {
	secrets = slices.Clone(secrets)
	return func(body, mac []byte) bool { return httpapi.Signed(sha256.New, secrets, body, mac) }
}

// tokenChecker returns a function that reports whether a word is one of the words. Its time
// reveals nothing of them, their lengths included.
func tokenChecker(words []string) func(string) bool {
	sums := make([][sha256.Size]byte, len(words))
	for i, word := range words {
		sums[i] = sha256.Sum256([]byte(word))
	}
	return func(word string) bool {
		sum, found := sha256.Sum256([]byte(word)), 0
		for _, s := range sums {
			found |= subtle.ConstantTimeCompare(s[:], sum[:])
		}
		return found == 1
	}
}

// entry is one entry of a webhook (Webhooks overview): the changes of one account, of
// several numbers and kinds.
type entry struct {
	Changes []struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	} `json:"changes"`
}

// messagesValue is the value of a change whose field is "messages".
type messagesValue struct {
	Metadata struct {
		PhoneNumberID string `json:"phone_number_id"`
	} `json:"metadata"`
	Statuses []json.RawMessage `json:"statuses"`
}

// messageStatus is one status (Status messages webhook reference, "Parameters").
type messageStatus struct {
	Status       string          `json:"status"`
	Timestamp    json.RawMessage `json:"timestamp"`
	CallbackData string          `json:"biz_opaque_callback_data"`
	Errors       json.RawMessage `json:"errors"`
}

// readReceipts returns the receipts for this channel's messages in a webhook. A malformed
// part is an error only if the call holds no receipt. If such a call were refused, it would
// come again for days, and the other statuses with it.
func (c *Channel) readReceipts(body []byte) ([]channel.Receipt, error) {
	var call struct {
		Object string          `json:"object"`
		Entry  json.RawMessage `json:"entry"`
	}
	if err := json.Unmarshal(body, &call); err != nil || call.Object == "" {
		return nil, errors.New("no webhook")
	}
	if call.Object != "whatsapp_business_account" {
		return nil, nil // another product of Meta's
	}
	var entries []entry
	if err := json.Unmarshal(call.Entry, &entries); err != nil {
		return nil, errors.New("no entries")
	}
	var (
		all      []channel.Receipt
		nonsense error
	)
	for _, e := range entries {
		for _, change := range e.Changes {
			if change.Field != "messages" {
				continue
			}
			var m messagesValue
			if err := json.Unmarshal(change.Value, &m); err != nil {
				nonsense = errors.New("no messages")
				continue
			}
			if m.Metadata.PhoneNumberID != c.phoneNumberID {
				continue
			}
			for _, text := range m.Statuses {
				var w messageStatus
				if err := json.Unmarshal(text, &w); err != nil {
					nonsense = errors.New("no status")
				} else if r, ok := c.receiptOf(w); ok {
					all = append(all, r)
				}
			}
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	return nil, nonsense
}

// receiptOf returns the receipt of a status. ok is false if the status is not about an
// attempt or reports nothing new.
//
// A status without an attempt's ID is of a message that another program sent. Should Meta
// ever leave the ID out of a status of ours, that status is lost, and the attempt ends with
// its step's wait.
func (c *Channel) receiptOf(w messageStatus) (channel.Receipt, bool) {
	r := channel.Receipt{Channel: c.Name(), ProviderID: w.CallbackData, At: w.time()}
	if id, err := uuid.Parse(w.CallbackData); err != nil || id.String() != w.CallbackData {
		return r, false
	}
	switch w.Status {
	case "sent":
		r.Status = status.Accepted
	case "delivered":
		r.Status = status.Delivered
	case "read":
		// The read status may come alone, if the person had the chat open.
		r.Status, r.Read = status.Delivered, true
	case "failed":
		var problems []errorBody
		_ = json.Unmarshal(w.Errors, &problems) // the message failed even without a known error
		p := append(problems, errorBody{})[0]
		v := c.webhookVerdict(p)
		r.Status, r.Reason, r.Detail = v.Status, v.Reason, p.detail()
	default: // played, deleted, and future statuses
		return r, false
	}
	return r, true
}

// maxTimestamp is the latest time that is believed, in seconds since 1970: in the year
// 4147. Stores and JSON end with the year 9999.
const maxTimestamp = 1 << 36

// time returns when the status happened; zero if the status has no usable time.
func (w messageStatus) time() time.Time {
	seconds, err := strconv.ParseInt(strings.Trim(string(w.Timestamp), `"`), 10, 64)
	if err != nil || seconds <= 0 || seconds > maxTimestamp {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
