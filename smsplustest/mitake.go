package smsplustest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/secret"
)

// Mitake makes the calls of Mitake (三竹) to the URL that a message was sent with (API
// specification v2.14, "response"). Mitake signs nothing: the adapter signs its URLs.
type Mitake struct {
	// CallbackSecret is the first of the adapter's CallbackSecrets.
	CallbackSecret secret.Text
	// CallbackURL is the CallbackURL of the adapter's config.
	CallbackURL string
}

// taipei is the time zone of Mitake's times.
var taipei = time.FixedZone("Asia/Taipei", 8*60*60)

// mitakeWords are the words of statusstr, by StatusFlag.
var mitakeWords = map[string]string{"4": "DELIVRD", "5": "SYNTAXE", "6": "UNDELIV", "7": "UNDELIV", "8": "EXPIRED", "9": "DELETED"}

// Status returns the call that a message has a StatusFlag, such as "4" (it arrived) or "6"
// (there is no such number).
func (m Mitake) Status(attempt uuid.UUID, flag string, at time.Time) *http.Request {
	code := "1"
	if flag == "4" {
		code = "0"
	}
	done := at.In(taipei).Format("20060102150405")
	query := url.Values{
		"msgid": {fmt.Sprintf("%010d", binary.BigEndian.Uint32(attempt[:]))}, "dstaddr": {"0900000000"},
		"dlvtime": {done}, "donetime": {done},
		"statuscode": {code}, "statusstr": {cmp.Or(mitakeWords[flag], "UNKNOWN")}, "StatusFlag": {flag},
	}
	signature := base64.RawURLEncoding.EncodeToString(sign(sha256.New, m.CallbackSecret, []byte(attempt.String())))
	address := strings.TrimSuffix(m.CallbackURL, "/") + "/" + attempt.String() + "/" + signature
	return newCall(http.MethodGet, address+"?"+query.Encode(), "", nil)
}
