package twilio

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
)

const signatureHeader = "X-Twilio-Signature"

// maxCallbackBytes limits a callback's body. Twilio's have a few hundred bytes.
const maxCallbackBytes = 1 << 16

// ReceiptHandler returns the handler to mount at Config.StatusCallback. Callbacks come in
// any order and may repeat. They carry no reliable time, so receipts have none.
//
// The URL of a callback has the attempt, and its form the SID. So the receipt finds an attempt
// by its SID, or by its own ID if Send had no answer. A callback whose URL has no attempt is
// about a message of another program of the account.
func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	return httpapi.Webhook{
		SignatureHeader: signatureHeader, Verify: c.verifySignature, Receipts: c.readReceipts, MaxBody: maxCallbackBytes,
	}.Handler(sink)
}

// WebhookPath returns the path of Config.StatusCallback. Package webhook serves it in
// addition to the path of the channel's name.
func (c *Channel) WebhookPath() string { return c.setup().callback.path }

// verifySignature reports whether Twilio made the call. The signature is the HMAC-SHA1 of
// the URL followed by each parameter of the form, name and value, sorted. If the body is
// not a form, it is the HMAC-SHA1 of the URL alone, which then holds the SHA-256 of the
// body ("Webhooks security").
func (c *Channel) verifySignature(r *http.Request, body []byte) bool {
	mac, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get(signatureHeader))
	if err != nil {
		return false
	}
	params, ok := signedParams(r, body)
	if !ok {
		return false
	}
	signed := false
	for _, text := range c.setup().callback.signedTexts(r.URL.RawQuery) {
		signed = httpapi.Signed(sha1.New, secret.RevealAll(c.setup().AuthTokens), []byte(text+params), mac) || signed
	}
	return signed
}

// signedParams returns the text that a signature covers after the URL. Of a repeated
// parameter each distinct value counts once, as in Twilio's own library for Node.js.
func signedParams(r *http.Request, body []byte) (string, bool) {
	if query := r.URL.Query(); query.Has(bodyHashKey) {
		sum := sha256.Sum256(body)
		want := hex.EncodeToString(sum[:])
		return "", subtle.ConstantTimeCompare([]byte(want), []byte(query.Get(bodyHashKey))) == 1
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", false
	}
	var params strings.Builder
	for _, key := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[key]))) {
			params.WriteString(key)
			params.WriteString(value)
		}
	}
	return params.String(), true
}

// statusCallback holds the fields of a status callback ("Track the Message Status of
// Outbound Messages"). SmsStatus is MessageStatus under its older name.
type statusCallback struct {
	sid, status string
	code        int // 0 for none
}

func parseCallback(r *http.Request, body []byte) (callback statusCallback, err error) {
	if r.URL.Query().Has(bodyHashKey) {
		fields, ok := httpapi.ParseFields(body)
		if !ok {
			return callback, errors.New("no JSON object")
		}
		word := cmp.Or(fields.Text("MessageStatus"), fields.Text("SmsStatus"))
		return statusCallback{fields.Text("MessageSid"), word, codeIn(fields, "ErrorCode")}, nil
	}
	form, err := url.ParseQuery(string(body))
	code, _ := strconv.Atoi(form.Get("ErrorCode")) // a missing code is 0
	return statusCallback{form.Get("MessageSid"), cmp.Or(form.Get("MessageStatus"), form.Get("SmsStatus")), code}, err
}

func (c *Channel) readReceipts(r *http.Request, body []byte) ([]channel.Receipt, error) {
	callback, err := parseCallback(r, body)
	if err != nil {
		return nil, err
	}
	if callback.status == "" {
		return nil, errors.New("no status")
	}
	id, newID := callback.sid, ""
	if attempt := r.URL.Query().Get(attemptKey); attempt != "" {
		parsed, err := uuid.Parse(attempt)
		if err != nil {
			return nil, err
		}
		if id = parsed.String(); isMessageSID(callback.sid) {
			newID = callback.sid
		}
	}
	v := c.statusVerdict(callback.status, callback.code)
	receipt := channel.Receipt{Channel: c.setup().Name, ProviderID: id, NewID: newID, Status: v.Status, Reason: v.Reason}
	if v.Reason != "" {
		receipt.Detail = detailOf(callback.status, callback.code, callback.sid)
	}
	return []channel.Receipt{receipt}, nil
}
