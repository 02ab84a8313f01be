// Package gateway sends texts through the HTTP API of an SMS provider.
package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

type Channel struct{ URL, Token, Secret string } // Secret signs receipts

func (*Channel) Name() channel.Name     { return "gateway" }
func (*Channel) Traits() channel.Traits { return channel.Traits{Machine: status.SMS, Idempotent: true} }

func (c *Channel) Send(ctx context.Context, e channel.Envelope) (r channel.Result, err error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return r, channel.Failed(status.TemplateConfig, "the content is no text")
	} else if e.To.Phone.IsZero() {
		return r, channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	body, _ := json.Marshal(map[string]any{"id": e.AttemptID, "to": e.To.Phone.E164(), "text": text})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, strings.NewReader(string(body)))
	if err != nil || ctx.Err() != nil {
		return r, channel.Temporary(ctx.Err(), 0) // nothing was written
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, channel.InDoubt(fmt.Errorf("no answer (%T)", err)) // its words may hold the URL
	}
	defer resp.Body.Close() //nolint:errcheck // the status code is the answer
	switch answer := fmt.Sprint("HTTP ", resp.StatusCode); resp.StatusCode {
	case 200, 202:
		return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
	case 422:
		return r, channel.Undeliverable(status.InvalidNumber, answer)
	case 429, 503:
		return r, channel.Temporary(fmt.Errorf("%s", answer), 0)
	case 500, 502, 504:
		return r, channel.InDoubt(fmt.Errorf("%s", answer))
	default:
		return r, channel.Failed(status.SystemError, answer)
	}
}

var said = map[string]channel.Receipt{ // by the provider's word; any other says nothing new
	"arrived": {Status: status.Delivered},
	"gave up": {Status: status.Undeliverable, Reason: status.CarrierError},
}

func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		call, mac := struct{ ID, Word string }{}, hmac.New(sha256.New, []byte(c.Secret))
		body, err := io.ReadAll(io.TeeReader(http.MaxBytesReader(w, req.Body, 1<<16), mac))
		switch {
		case err != nil:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case !hmac.Equal(fmt.Appendf(nil, "%x", mac.Sum(nil)), []byte(req.Header.Get("X-Signature"))):
			w.WriteHeader(http.StatusUnauthorized)
		case json.Unmarshal(body, &call) != nil || call.ID == "":
			w.WriteHeader(http.StatusBadRequest)
		default:
			r := said[call.Word]
			r.Channel, r.ProviderID = c.Name(), call.ID
			if sink(req.Context(), r) != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})
}
