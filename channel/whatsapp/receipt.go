package whatsapp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
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
// The statuses of messages that this number sent go to the sink, all those of a call at
// once. The handler answers everything else with 200 and ignores it:
// messages from people, news of templates and accounts, other numbers, messages that other
// programs sent.
func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	const signature = "X-Hub-Signature-256"
	calls := httpapi.Webhook{
		SignatureHeader: signature,
		Verify: func(r *http.Request, body []byte) bool {
			mac, isSHA256 := strings.CutPrefix(r.Header.Get(signature), "sha256=")
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

// readReceipts returns the receipts for this channel's messages in a webhook (Webhooks
// overview; Status messages webhook reference, "Parameters"). It reads level by level, so
// that an odd part loses no other. A malformed part is an error only if the call holds no
// receipt. If such a call were refused, it would come again for days, and the other
// statuses with it.
func (c *Channel) readReceipts(body []byte) ([]channel.Receipt, error) {
	call, _ := httpapi.ParseFields(body)
	object := call.Text("object")
	if object == "" {
		return nil, errors.New("no webhook")
	}
	if object != "whatsapp_business_account" {
		return nil, nil // another product of Meta's
	}
	if _, ok := call.List("entry"); !ok {
		return nil, errors.New("no entries")
	}
	var (
		all      []channel.Receipt
		nonsense error
	)
	entries, _ := call.Objects("entry")
	for _, entry := range entries {
		changes, _ := entry.Objects("changes")
		for _, change := range changes {
			if change.Text("field") != "messages" {
				continue
			}
			value := change.Object("value")
			if value == nil {
				nonsense = errors.New("no messages")
			}
			if value.Object("metadata").Text("phone_number_id") != c.phoneNumberID {
				continue
			}
			statuses, clean := value.Objects("statuses")
			if _, has := value["statuses"]; has && !clean {
				nonsense = errors.New("no status")
			}
			for _, fields := range statuses {
				if r, ok := c.receiptOf(messageStatus{fields}); ok {
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

// messageStatus is one status.
type messageStatus struct{ httpapi.Fields }

// receiptOf returns the receipt of a status. ok is false if the status is not about an
// attempt or reports nothing new.
//
// Meta documents biz_opaque_callback_data, which has the attempt's ID, for the statuses
// sent, delivered and read. One of these without it is of a message that another program
// sent. A failed status may come without it, and then has Meta's message ID alone.
//
// Both IDs name one attempt, so a receipt does not say whose it is. The status names the
// person by number, by user ID or by both (recipient_id, recipient_user_id), and a person
// who changes the number gets another user ID meanwhile.
func (c *Channel) receiptOf(s messageStatus) (channel.Receipt, bool) {
	r := channel.Receipt{Channel: c.name, At: s.time()}
	word, callbackData, key := s.Text("status"), s.Text("biz_opaque_callback_data"), messageKey(s.Text("id"))
	switch id, err := uuid.Parse(callbackData); {
	case err == nil && id.String() == callbackData:
		r.ProviderID, r.NewID = callbackData, key
	case word == "failed" && callbackData == "" && key != "":
		r.ProviderID = key
	default:
		return r, false
	}
	switch word {
	case "sent":
		r.Status = status.Accepted
	case "delivered":
		r.Status = status.Delivered
	case "read":
		// The read status may come alone, if the person had the chat open.
		r.Status, r.Read = status.Delivered, true
	case "failed":
		p := s.problem()
		v := c.webhookVerdict(p)
		r.Status, r.Reason, r.Detail = v.Status, v.Reason, p.detail()
	default: // played, deleted, and future statuses
		return r, false
	}
	return r, true
}

// problem returns the first error of a status, or one without a word: the message failed
// even without a known error.
func (s messageStatus) problem() errorBody {
	problems, _ := s.Objects("errors")
	if len(problems) == 0 {
		return errorBody{}
	}
	return errorBody{problems[0]}
}

// messageKey returns the ID by which receipts find a message that Meta names. It returns
// "" for no name.
//
// Meta's ID holds the person's number, in base64. The key is a hash of the ID without its
// runs of digits, so that the number cannot be found by trying all numbers. The rest of the
// ID names the message.
func messageKey(id string) string {
	if id == "" {
		return ""
	}
	name := []byte(id)
	if prefix, text, ok := strings.Cut(id, "."); ok && prefix == "wamid" {
		if decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=")); err == nil {
			name = numberInID.ReplaceAll(decoded, nil)
		}
	}
	sum := sha256.Sum256(append([]byte("smsplus whatsapp message\x00"), name...))
	return "m-" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// numberInID matches a telephone number in a decoded message ID.
var numberInID = regexp.MustCompile(`[0-9]{7,15}`)

// maxTimestamp is the latest time that is believed, in seconds since 1970: in the year
// 4147. Stores and JSON end with the year 9999.
const maxTimestamp = 1 << 36

// time returns when the status happened; zero if the status has no usable time.
func (s messageStatus) time() time.Time {
	seconds, _ := s.Int("timestamp")
	if seconds <= 0 || seconds > maxTimestamp {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
