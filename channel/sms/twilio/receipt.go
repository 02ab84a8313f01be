package twilio

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
)

// maxCallbackBytes bounds a callback's body, in bytes. Twilio's have a few hundred.
const maxCallbackBytes = 1 << 16

// ReceiptHandler returns the handler to mount at Config.StatusCallback. Callbacks come
// in any order and may repeat; they carry no time that could be relied on, so that
// receipts have none.
//
// A callback whose URL has no attempt is about a message that this channel did not
// send, by another program of the account: its receipt carries Twilio's own SID.
func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	return httpapi.Webhook{Verify: c.verifySignature, Receipts: c.readReceipts, MaxBody: maxCallbackBytes}.Handler(sink)
}

// verifySignature reports whether Twilio made the call. Its signature is the HMAC-SHA1 of the
// URL followed by each parameter of the form, name and value, sorted; or of the URL
// alone, which then holds the SHA-256 of a body that is no form ("Webhooks security").
func (c *Channel) verifySignature(r *http.Request, body []byte) bool {
	mac, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil {
		return false
	}
	params, ok := signedParams(r, body)
	if !ok {
		return false
	}
	signed := false
	for _, text := range c.setup().callback.signedTexts(r.URL.RawQuery) {
		signed = httpapi.Signed(sha1.New, c.setup().AuthTokens, []byte(text+params), mac) || signed
	}
	return signed
}

// signedParams returns what a signature covers besides the URL. Of a parameter that is
// repeated, each value counts once, as in Twilio's own library for Node.js.
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

// statusCallback is what a status callback says ("Track the Message Status of Outbound Messages").
type statusCallback struct {
	MessageSid    string
	MessageStatus string
	SmsStatus     string // the same, under its older name
	ErrorCode     any    // digits, as text or as a number
}

func parseCallback(r *http.Request, body []byte) (said statusCallback, err error) {
	if r.URL.Query().Has(bodyHashKey) {
		err = json.Unmarshal(body, &said)
		return said, err
	}
	form, err := url.ParseQuery(string(body))
	said.MessageSid, said.ErrorCode = form.Get("MessageSid"), form.Get("ErrorCode")
	said.MessageStatus, said.SmsStatus = form.Get("MessageStatus"), form.Get("SmsStatus")
	return said, err
}

func (c *Channel) readReceipts(r *http.Request, body []byte) ([]channel.Receipt, error) {
	said, err := parseCallback(r, body)
	if err != nil {
		return nil, err
	}
	word := cmp.Or(said.MessageStatus, said.SmsStatus)
	if word == "" {
		return nil, errors.New("no status")
	}
	id := said.MessageSid
	if attempt := r.URL.Query().Get(attemptKey); attempt != "" {
		parsed, err := uuid.Parse(attempt)
		if err != nil {
			return nil, err
		}
		id = parsed.String()
	}
	code, _ := strconv.Atoi(fmt.Sprint(said.ErrorCode)) // none is 0
	v := c.statusVerdict(word, code)
	receipt := channel.Receipt{Channel: c.setup().Name, ProviderID: id, Status: v.Status, Reason: v.Reason}
	if v.Reason != "" {
		receipt.Detail = detailOf(word, code, said.MessageSid)
	}
	return []channel.Receipt{receipt}, nil
}
