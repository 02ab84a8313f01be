package line

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// webhook serves LINE's calls (Messaging API reference, "Webhooks").
type webhook struct {
	secrets      []secret.Text
	followers    Followers    // may be nil
	deliveriesOf channel.Name // the channel that gets the deliveries; "" ignores them
}

func (h *webhook) handler(sink channel.Sink) http.Handler {
	const signature = "X-Line-Signature"
	return httpapi.Webhook{
		SignatureHeader: signature,
		Verify: func(r *http.Request, body []byte) bool {
			mac, err := base64.StdEncoding.DecodeString(r.Header.Get(signature))
			return err == nil && httpapi.Signed(sha256.New, secret.RevealAll(h.secrets), body, mac)
		},
		Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) {
			events, err := parseEvents(body)
			if err != nil || h.deliveriesOf == "" {
				return nil, err
			}
			return deliveryReceipts(events, h.deliveriesOf), nil
		},
		Answer: h.updateFollowers,
	}.Handler(sink)
}

// updateFollowers updates the followers, once the receipts are stored. LINE repeats a call
// that is answered with 503, so the sink and the followers may get the same twice.
func (h *webhook) updateFollowers(w http.ResponseWriter, r *http.Request, body []byte) {
	events, _ := parseEvents(body) // Receipts has parsed it without an error
	changes := followChanges(events)
	if len(changes) == 0 || h.followers == nil {
		return
	}
	if h.followers.Update(r.Context(), changes...) != nil {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// event is an event in a call.
type event struct{ httpapi.Fields }

func (e event) kind() string { return e.Text("type") }

var errNoEvents = errors.New("line: no events in the call")

// parseEvents returns the events of a call. It skips an event that is no object, because
// LINE adds types and fields. There may be none: the console's "verify" has no events.
func parseEvents(body []byte) ([]event, error) {
	call, _ := httpapi.ParseFields(body)
	if _, ok := call.List("events"); !ok {
		return nil, errNoEvents
	}
	objects, _ := call.Objects("events")
	var events []event
	for _, fields := range objects {
		events = append(events, event{fields})
	}
	return events, nil
}

// deliveryReceipts returns receipts for the deliveries that quote an attempt's ID. Other
// deliveries are not ours: messages without a tag quote the hash of the number, and other
// programs may send with tags of their own.
func deliveryReceipts(events []event, name channel.Name) []channel.Receipt {
	var rs []channel.Receipt
	for _, e := range events {
		if data := e.Object("delivery").Text("data"); e.kind() == "delivery" && isUUID(data) {
			rs = append(rs, channel.Receipt{Channel: name, ProviderID: data, Status: status.Delivered, At: e.occurredAt()})
		}
	}
	return rs
}

// followChanges returns the users who follow, unblocked or blocked the account.
func followChanges(events []event) []Contact {
	var changes []Contact
	for _, e := range events {
		source := e.Object("source")
		id := source.Text("userId")
		if (e.kind() == "follow" || e.kind() == "unfollow") && source.Text("type") == "user" && id != "" {
			changes = append(changes, Contact{UserID: id, Blocked: e.kind() == "unfollow", At: e.occurredAt()})
		}
	}
	return changes
}

// timestampLimit is the first instant that RFC 3339 cannot express, in milliseconds.
var timestampLimit = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// occurredAt returns when the event happened; zero if it has no time that can be stored.
func (e event) occurredAt() time.Time {
	milliseconds, _ := e.Int("timestamp")
	if milliseconds <= 0 || milliseconds >= timestampLimit {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}
