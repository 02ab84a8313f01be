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

// Webhook says how one provider makes its calls. Its handler keeps the rest of what
// a [channel.Receiver] owes: the bound on bodies, verification before anything is
// read out of the call, one call of the sink, and an answer only after it.
type Webhook struct {
	// Verify reports whether the provider made the call. The body is as it came. Required.
	Verify func(r *http.Request, body []byte) bool
	// Receipts reads the receipts out of a verified call; none is fine, for a call
	// that is about something else. An error says that the call makes no sense. Required.
	Receipts func(r *http.Request, body []byte) ([]channel.Receipt, error)
	// Answer answers a call whose receipts are stored. Defaults to 200 without a body.
	Answer func(w http.ResponseWriter, r *http.Request, body []byte)
	// Method is the one that the provider calls with. Defaults to POST.
	Method string
	// MaxBody is the longest body in bytes. Defaults to 1 MiB.
	MaxBody int64
}

// retryAfterSeconds is the Retry-After of a call whose receipts could not be stored, in seconds.
const retryAfterSeconds = "30"

// Handler returns the handler that hands what is called to the sink. It answers 405,
// 413, 401 and 400 as [channel.Receiver] says, and 503 with a Retry-After when the
// sink fails, so that the provider repeats the call.
func (h Webhook) Handler(sink channel.Sink) http.Handler {
	method, limit := cmp.Or(h.Method, http.MethodPost), cmp.Or(h.MaxBody, 1<<20)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if err != nil {
			code := http.StatusBadRequest
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				code = http.StatusRequestEntityTooLarge
			}
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

// storable reports whether stores can keep the receipts: one that they cannot would be
// refused again at each repeat, and the whole call with it.
func storable(receipts []channel.Receipt) bool {
	for _, r := range receipts {
		if r.ProviderID == "" || !utf8.ValidString(r.ProviderID) || strings.IndexByte(r.ProviderID, 0) >= 0 {
			return false
		}
	}
	return true
}

// Signed reports, in constant time, whether mac is the HMAC of the message under one
// of the secrets: there are two while one takes over from the other. No secret, or
// an empty one, signs nothing.
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
