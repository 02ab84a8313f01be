package line

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// webhook serves LINE's calls (Messaging API reference, "Webhooks").
type webhook struct {
	secrets         []string
	followers       Followers // may be nil
	takesDeliveries bool
}

func (h *webhook) handler(sink channel.Sink) http.Handler {
	return httpapi.Webhook{
		Verify: func(r *http.Request, body []byte) bool {
			mac, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Line-Signature"))
			return err == nil && httpapi.Signed(sha256.New, h.secrets, body, mac)
		},
		Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) {
			events, err := parseEvents(body)
			if err != nil || !h.takesDeliveries {
				return nil, err
			}
			return deliveryReceipts(events), nil
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

// event holds the fields of an event that this package reads.
type event struct {
	Type      string
	Timestamp int64 // in milliseconds
	Source    struct{ Type, UserID string }
	Delivery  struct{ Data string }
}

var errNoEvents = errors.New("line: no events in the call")

// parseEvents returns the events of a call. It skips an event that cannot be parsed,
// because LINE adds types and fields. There may be none: the console's "verify" has no
// events.
func parseEvents(body []byte) ([]event, error) {
	var call struct{ Events []json.RawMessage }
	if err := json.Unmarshal(body, &call); err != nil || call.Events == nil {
		return nil, errNoEvents
	}
	var events []event
	for _, raw := range call.Events {
		var e event
		if json.Unmarshal(raw, &e) == nil {
			events = append(events, e)
		}
	}
	return events, nil
}

// deliveryReceipts returns receipts for the deliveries that quote an attempt's ID. Other
// deliveries are not ours: messages without a tag quote the hash of the number, and other
// programs may send with tags of their own.
func deliveryReceipts(events []event) []channel.Receipt {
	var rs []channel.Receipt
	for _, e := range events {
		if e.Type == "delivery" && isUUID(e.Delivery.Data) {
			rs = append(rs, channel.Receipt{
				Channel: channel.LINENotify, ProviderID: e.Delivery.Data, Status: status.Delivered, At: e.occurredAt(),
			})
		}
	}
	return rs
}

// followChanges returns the users who follow, unblocked or blocked the account.
func followChanges(events []event) []Contact {
	var changes []Contact
	for _, e := range events {
		if (e.Type == "follow" || e.Type == "unfollow") && e.Source.Type == "user" && e.Source.UserID != "" {
			changes = append(changes, Contact{UserID: e.Source.UserID, Blocked: e.Type == "unfollow", At: e.occurredAt()})
		}
	}
	return changes
}

// timestampLimit is the first instant that RFC 3339 cannot express, in milliseconds.
var timestampLimit = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// occurredAt returns when the event happened; zero if it has no time that can be stored.
func (e event) occurredAt() time.Time {
	if e.Timestamp <= 0 || e.Timestamp >= timestampLimit {
		return time.Time{}
	}
	return time.UnixMilli(e.Timestamp).UTC()
}
