// Outcomes calls an application's webhook with the outcome of each message, by Standard Webhooks.
// The webhook is down at first. Nothing is lost: the outcome is in the message's row, and
// comes when the webhook is up again, also after a restart.
//
//	go run ./examples/outcomes
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/callback"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// isSigned reports whether one of a call's signatures is by the secret. The libraries of
// Standard Webhooks do the same, and compare the time with the clock.
func isSigned(r *http.Request, body []byte, text secret.Text) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text.Reveal(), "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	for signature := range strings.FieldsSeq(r.Header.Get("webhook-signature")) {
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		if err == nil && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// receiver returns the application's webhook. It answers 503 while isDown.
func receiver(w io.Writer, text secret.Text, isDown *atomic.Bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64<<10))
		var event struct {
			Type string
			Data callback.Data
		}
		switch {
		case isDown.Load():
			rw.WriteHeader(http.StatusServiceUnavailable)
		case err != nil || !isSigned(r, body, text):
			rw.WriteHeader(http.StatusUnauthorized)
		case json.Unmarshal(body, &event) != nil:
			rw.WriteHeader(http.StatusBadRequest)
		default:
			// A real one keeps the header webhook-id, because a call may be repeated.
			fmt.Fprintf(w, "the webhook hears: %s, %s is %v on %s\n", event.Type, event.Data.Template, event.Data.Status, event.Data.Channel)
		}
	}
}

func run(ctx context.Context, w io.Writer) error {
	var isDown atomic.Bool
	text := callback.NewSecret()
	webhook := httptest.NewServer(receiver(w, text, &isDown))
	defer webhook.Close()
	mock := clock.NewMock() // so that the example does not wait
	sender, err := callback.New(callback.Config{
		URL: secret.New(webhook.URL), Secrets: []secret.Text{text}, Clock: mock,
		OnChange: func(_ context.Context, c callback.Change) { fmt.Fprintf(w, "the endpoint is %v: %v\n", c.To, c.Err) },
	})
	if err != nil {
		return err
	}
	store := memstore.New() // use a durable one, so that a restart loses nothing
	open := func() (*smsplus.Dispatcher, error) {
		return smsplus.New(smsplus.Config{
			Store: store, Clock: mock, Outcomes: sender, Channels: []channel.Channel{simulated.SMS(mock)},
			Templates: []smsplus.Template{{ID: "shipped", Route: []smsplus.Step{
				{Channel: channel.SMS, Content: channel.Text("Order {{order}} is on its way")},
			}}},
		})
	}
	d, err := open()
	if err != nil {
		return err
	}
	isDown.Store(true)
	id, err := d.Send(ctx, smsplus.Trigger{
		Template: "shipped", Vars: map[string]string{"order": "A-1007"},
		To: channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)},
	})
	if err != nil {
		return err
	}
	for range 8 { // forty minutes, in which the webhook is down
		if _, err := d.Tick(ctx); err != nil {
			return err
		}
		mock.Add(5 * time.Minute)
	}
	m, err := d.Message(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "after %d calls the outcome is still due\n", m.Published.Failures)
	if d, err = open(); err != nil { // the process starts again
		return err
	}
	isDown.Store(false)
	mock.Add(2 * time.Hour)
	if _, err := d.Tick(ctx); err != nil {
		return err
	}
	return nil
}
