package smsplustest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/secret"
)

// LINE makes the calls of LINE to the webhook of an account (Messaging API reference,
// "Webhooks"; LINE notification messages API reference, "Delivery completion event").
type LINE struct {
	// Secret is the channel secret, which signs the calls.
	Secret secret.Text
	// URL is the webhook's URL. Defaults to "/line_notify", its path on a Day.
	URL string
}

// Delivered returns the call that a LINE notification message arrived.
func (l LINE) Delivered(attempt uuid.UUID, at time.Time) *http.Request {
	return l.callAbout("delivery", at, map[string]any{"delivery": map[string]string{"data": attempt.String()}})
}

// Followed returns the call that a person follows the account, or has unblocked it.
func (l LINE) Followed(userID string, at time.Time) *http.Request {
	return l.callAbout("follow", at, map[string]any{
		"source":     map[string]string{"type": "user", "userId": userID},
		"replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
		"follow":     map[string]bool{"isUnblocked": false},
	})
}

// Unfollowed returns the call that a person has blocked the account.
func (l LINE) Unfollowed(userID string, at time.Time) *http.Request {
	return l.callAbout("unfollow", at, map[string]any{"source": map[string]string{"type": "user", "userId": userID}})
}

// callAbout returns a call with one event, which has the fields of every event and those of
// its type.
func (l LINE) callAbout(kind string, at time.Time, event map[string]any) *http.Request {
	event["type"], event["mode"], event["timestamp"] = kind, "active", at.UnixMilli()
	event["webhookEventId"] = "01FZ74A0TDDPYRVKNK77XKC3ZR"
	event["deliveryContext"] = map[string]bool{"isRedelivery": false}
	r, body := newJSONCall(cmp.Or(l.URL, "/line_notify"), map[string]any{
		"destination": "Uaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "events": []any{event},
	})
	r.Header.Set("X-Line-Signature", base64.StdEncoding.EncodeToString(sign(sha256.New, l.Secret, body)))
	return r
}
