package mitake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// ReceiptHandler returns the handler of Mitake's calls at Config.CallbackURL. Mount it for
// the whole folder. The calls are GETs. Mitake repeats a call that is not answered in its
// own format. A receipt finds an attempt by its msgid, or by its own ID if Send had no answer.
func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	return httpapi.Webhook{
		Method: http.MethodGet,
		Verify: func(r *http.Request, _ []byte) bool {
			attempt, signature := splitCallback(r.URL)
			mac, err := signatureEncoding.DecodeString(signature)
			ours := err == nil && signatureEncoding.EncodeToString(mac) == signature // a signature has one spelling
			return ours && httpapi.Signed(sha256.New, secret.RevealAll(c.setup().CallbackSecrets), []byte(attempt), mac)
		},
		Receipts: func(r *http.Request, _ []byte) ([]channel.Receipt, error) {
			receipt, err := c.parseCallback(r.URL)
			return []channel.Receipt{receipt}, err
		},
		Answer: func(w http.ResponseWriter, r *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = fmt.Fprintf(w, "magicid=sms_gateway_rpack\nmsgid=%s\n", r.URL.Query().Get("msgid")) // Mitake repeats the call if the answer is lost
		},
	}.Handler(sink)
}

// WebhookPath returns the path of Config.CallbackURL, or "" if there is none. Package
// webhook serves it and everything below it, in addition to the path of the channel's name.
func (c *Channel) WebhookPath() string {
	u, err := url.Parse(c.setup().CallbackURL)
	if err != nil {
		return "" // New refuses such a URL
	}
	return u.Path
}

var signatureEncoding = base64.RawURLEncoding

// signatureLen is how many bytes the attempt's ID and its code add to a callback's URL.
var signatureLen = len("/") + len(uuid.UUID{}.String()) + len("/") + signatureEncoding.EncodedLen(sha256.Size)

// callbackURL returns the URL for the reports on an attempt.
func (c *Channel) callbackURL(attempt string) string {
	mac := hmac.New(sha256.New, []byte(c.setup().CallbackSecrets[0].Reveal()))
	mac.Write([]byte(attempt))
	return strings.TrimSuffix(c.setup().CallbackURL, "/") + "/" + attempt + "/" + signatureEncoding.EncodeToString(mac.Sum(nil))
}

// splitCallback returns the attempt's ID and the code at the end of a callback's URL.
func splitCallback(u *url.URL) (attempt, signature string) {
	folder, signature := path.Split(u.Path)
	_, attempt = path.Split(strings.TrimSuffix(folder, "/"))
	return attempt, signature
}

// taipei is the time zone of Mitake's times: assumed, because they name none. There has
// been no summer time in Taiwan since 1979.
var taipei = time.FixedZone("Asia/Taipei", 8*60*60)

// parseCallback parses a callback (the specification, "response"). Its statuscode is not
// the one of an answer: it is 0 or 1, even for a message that was delivered. The outcome of
// the message is in StatusFlag, and as a word in statusstr.
func (c *Channel) parseCallback(u *url.URL) (channel.Receipt, error) {
	attempt, _ := splitCallback(u)
	query := u.Query()
	msgID, flag, word := query.Get("msgid"), query.Get("StatusFlag"), query.Get("statusstr")
	if !isMsgID(msgID) || flag == "" && word == "" {
		return channel.Receipt{}, errors.New("no callback")
	}
	source := "StatusFlag=" + flag
	if flag == "" {
		source, flag = "statusstr="+word, codeOfWord[word]
	}
	verdict := c.setup().Codes[flag] // an unknown flag is Preparing, which reports nothing new
	receipt := channel.Receipt{
		Channel: c.setup().Name, ProviderID: attempt, NewID: messageNumber(msgID),
		Status: verdict.Status, At: parseTime(query.Get("donetime")),
	}
	if verdict.Status == status.Undeliverable || verdict.Status == status.Failed {
		receipt.Reason = verdict.Reason
		receipt.Detail = source + " msgid=" + msgID
	}
	return receipt, nil
}

// parseTime parses a time of Mitake's, or returns zero.
func parseTime(s string) time.Time {
	at, err := time.ParseInLocation("20060102150405", s, taipei)
	if err != nil || at.Year() <= 0 { // in UTC the year 0 begins earlier, and RFC 3339 cannot express that
		return time.Time{}
	}
	return at
}

// isMsgID reports whether s can be a msgid: digits, sometimes after a letter or "#".
func isMsgID(s string) bool {
	return s != "" && len(s) <= 36 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
