package httpapi

import (
	"cmp"
	"crypto/hmac"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
)

// Webhook describes how one provider makes its calls. Its handler does the rest of what a
// [channel.Receiver] must do. It refuses what it can before it reads the body, limits the
// body, and verifies the call before it reads anything from it. It calls the sink once, and
// answers only after the sink returned.
type Webhook struct {
	// SignatureHeader is the header that has the signature of every call. A call without it is
	// answered with 401 before its body is read. Defaults to none, for providers that sign
	// otherwise.
	SignatureHeader string
	// Verify reports whether the provider made the call. The body is unchanged. Required.
	Verify func(r *http.Request, body []byte) bool
	// Receipts reads the receipts of a verified call. It may return none, for a call about
	// something else. An error says that the call makes no sense. Required.
	Receipts func(r *http.Request, body []byte) ([]channel.Receipt, error)
	// Answer answers a call whose receipts are stored. Defaults to 200 without a body.
	Answer func(w http.ResponseWriter, r *http.Request, body []byte)
	// Method is the HTTP method of the calls. The body of a GET is not read. Defaults to POST.
	Method string
	// MaxBody is the maximum length of a body in bytes. Defaults to 1 MiB.
	MaxBody int64
}

// retryAfterSeconds is the Retry-After of a call whose receipts could not be stored.
const retryAfterSeconds = "30"

// Handler returns the handler that passes the receipts of calls to the sink. It answers
// 405, 413, 401 and 400 as [channel.Receiver] says. It answers 503 with a Retry-After when
// the sink fails, so that the provider repeats the call.
func (h Webhook) Handler(sink channel.Sink) http.Handler {
	method, limit := cmp.Or(h.Method, http.MethodPost), cmp.Or(h.MaxBody, 1<<20)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if h.SignatureHeader != "" && r.Header.Get(h.SignatureHeader) == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, code := readBody(w, r, limit)
		if code != http.StatusOK {
			w.WriteHeader(code)
			return
		}
		if !h.Verify(r, body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		receipts, err := h.Receipts(r, body)
		if err != nil || !storable(receipts) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if len(receipts) > 0 && sink(r.Context(), receipts...) != nil {
			w.Header().Set("Retry-After", retryAfterSeconds)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if h.Answer != nil {
			h.Answer(w, r, body)
		}
	})
}

// readBody reads the body of a call that may have one, and returns 200, or the code of the
// answer to a body that cannot be read.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, code int) {
	if r.Method == http.MethodGet {
		return nil, http.StatusOK
	}
	if r.ContentLength > limit {
		return nil, http.StatusRequestEntityTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return body, http.StatusOK
}

// storable reports whether stores can keep the receipts. The sink would refuse a receipt
// that stores cannot keep at each repeat, and the whole call with it.
func storable(receipts []channel.Receipt) bool {
	for _, r := range receipts {
		if r.ProviderID == "" || !utf8.ValidString(r.ProviderID) || strings.IndexByte(r.ProviderID, 0) >= 0 {
			return false
		}
	}
	return true
}

// Signed reports, in constant time, whether mac is the HMAC of the message under one of the
// secrets. There are two secrets during a rotation. No secret, or an empty one, signs
// nothing.
func Signed(h func() hash.Hash, secrets []string, message, mac []byte) bool {
	signed := false
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		want := hmac.New(h, []byte(secret))
		want.Write(message)
		signed = hmac.Equal(want.Sum(nil), mac) || signed
	}
	return signed
}
