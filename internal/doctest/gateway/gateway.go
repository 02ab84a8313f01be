// Package gateway sends texts through the HTTP API of an SMS provider.
package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

type Channel struct{ URL, Token, Secret string } // Secret signs receipts

func (*Channel) Name() channel.Name     { return "gateway" }
func (*Channel) Traits() channel.Traits { return channel.Traits{Machine: status.SMS, Idempotent: true} }

var (
	client         = httpapi.NewClient()
	verdictsByCode = map[int]channel.Verdict{ // for the provider's own codes; other codes mean what HTTP says
		http.StatusUnprocessableEntity: {Status: status.Undeliverable, Reason: status.InvalidNumber},
	}
	receiptsByWord = map[string]channel.Receipt{ // for the provider's words; other words bring no news
		"arrived": {Status: status.Delivered},
		"gave up": {Status: status.Undeliverable, Reason: status.CarrierError},
	}
)

func (c *Channel) Send(ctx context.Context, e channel.Envelope) (r channel.Result, err error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return r, channel.Failed(status.TemplateConfig, "the content is no text")
	} else if e.To.Phone.IsZero() {
		return r, channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	body, _ := json.Marshal(map[string]any{"id": e.AttemptID, "to": e.To.Phone.E164(), "text": text})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return r, channel.Failed(status.SystemError, "the URL makes no sense") // the error would repeat it
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	answer, err := httpapi.Do(client, req)
	if err != nil {
		return r, err // temporary, or in doubt once the request was written
	}
	verdict, known := verdictsByCode[answer.Code]
	if !known {
		verdict = answer.Verdict()
	}
	words := fmt.Sprintf("HTTP %d %s", answer.Code, httpapi.Words(string(answer.Body), c.Token, string(text)))
	if err := verdict.Error(strings.TrimSpace(words), answer.RetryAfter()); err != nil {
		return r, err
	}
	return channel.Result{Status: verdict.Status, ProviderID: e.AttemptID.String()}, nil
}

func (c *Channel) ReceiptHandler(sink channel.Sink) http.Handler {
	return httpapi.Webhook{
		SignatureHeader: "X-Signature",
		Verify: func(r *http.Request, body []byte) bool {
			mac, err := hex.DecodeString(r.Header.Get("X-Signature"))
			return err == nil && httpapi.Signed(sha256.New, []string{c.Secret}, body, mac)
		},
		Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) {
			var call struct{ ID, Word string }
			err := json.Unmarshal(body, &call)
			r := receiptsByWord[call.Word]
			r.Channel, r.ProviderID = c.Name(), call.ID
			return []channel.Receipt{r}, err
		},
	}.Handler(sink)
}
