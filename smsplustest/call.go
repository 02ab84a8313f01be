package smsplustest

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"hash"
	"net/http"

	"github.com/smsplus/smsplus-go/secret"
)

// newCall returns a call of a webhook. It panics if the URL is malformed, because a test has
// written it.
func newCall(method, url, contentType string, body []byte) *http.Request {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		panic(fmt.Sprintf("smsplustest: the URL of a %s makes no request", method))
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// newJSONCall returns a call with a JSON body, and the body.
func newJSONCall(url string, content any) (*http.Request, []byte) {
	body, err := json.Marshal(content)
	if err != nil {
		panic(err) // texts and numbers alone can be encoded
	}
	return newCall(http.MethodPost, url, "application/json; charset=utf-8", body), body
}

// sign returns the HMAC of a message.
func sign(h func() hash.Hash, key secret.Text, message []byte) []byte {
	mac := hmac.New(h, []byte(key.Reveal()))
	mac.Write(message)
	return mac.Sum(nil)
}
