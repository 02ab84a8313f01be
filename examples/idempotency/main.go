// Idempotency sends one message for an order, however often the order's webhook is
// called, because the key of the trigger names the event. The same key with other content
// is a mistake of the caller, which gets a 409.
//
//	go run ./examples/idempotency
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// orderPaid returns a webhook that thanks a customer for an order. The caller repeats the
// call until the answer is 202. It also repeats a call whose answer was lost, and the key
// keeps that from sending a second message.
func orderPaid(d *smsplus.Dispatcher) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var order struct{ ID, Phone, Total string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&order); err != nil || order.ID == "" {
			http.Error(w, "the body is no order", http.StatusBadRequest)
			return
		}
		to, err := phone.Parse(order.Phone)
		if err != nil {
			http.Error(w, "phone: "+err.Error(), http.StatusBadRequest)
			return
		}
		id, err := d.Send(r.Context(), smsplus.Trigger{
			Template: "order_paid",
			To:       channel.Recipient{Phone: to},
			Vars:     map[string]string{"order": order.ID, "total": order.Total},
			Key:      "order_paid/" + order.ID, // it names the event, not the call, so it has no time and no random part
		})
		switch {
		case errors.Is(err, smsplus.ErrKeyReused):
			http.Error(w, "this order was paid with another content", http.StatusConflict)
		case errors.Is(err, smsplus.ErrInvalidTrigger):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil: // an error of the store, which may have the message: the repeated call finds out
			http.Error(w, "try again", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Message-Id", id.String())
			w.WriteHeader(http.StatusAccepted)
		}
	}
}

func run(ctx context.Context, w io.Writer) error {
	sms := simulated.SMS(nil)
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{
			ID: "order_paid", Scenario: "order paid",
			Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Order {{order}}: we received {{total}}. Thank you!")}},
		}},
	})
	if err != nil {
		return err
	}
	webhook := orderPaid(d)
	names := make(map[string]string) // by message ID, because IDs differ from run to run
	for _, call := range []struct{ what, order, total string }{
		{"order A-1", "A-1", "NT$1,200"},
		{"order A-1, the same call again", "A-1", "NT$1,200"},
		{"order A-2", "A-2", "NT$1,200"},
		{"order A-1, with another total", "A-1", "NT$9,900"},
	} {
		body := fmt.Sprintf(`{"id": %q, "phone": "+886900000000", "total": %q}`, call.order, call.total)
		answer := httptest.NewRecorder()
		webhook(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, "/order-paid", strings.NewReader(body)))
		line := fmt.Sprintf("%s: %d %s", call.what, answer.Code, http.StatusText(answer.Code))
		if id := answer.Header().Get("Message-Id"); id != "" {
			if names[id] == "" {
				names[id] = fmt.Sprintf("message %d", len(names)+1)
			}
			line += ", " + names[id]
		}
		fmt.Fprintln(w, line)
	}
	if _, err := d.Tick(ctx); err != nil { // a service calls d.Run instead
		return err
	}
	fmt.Fprintln(w, "the customer reads:")
	for _, received := range sms.Inbox() {
		fmt.Fprintln(w, " ", received.Text)
	}
	return nil
}
