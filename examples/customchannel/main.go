// Customchannel adds its own channel to a route. Chat, in chat.go, is a complete adapter
// for a chat service over HTTP, with the receipts of its webhook. Its test runs the suite
// that every adapter passes.
//
//	go run ./examples/customchannel
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, w io.Writer) error {
	const member, former = "ann-17", "bob-18" // their IDs at the chat service
	provider := &service{
		token: "token", secret: "secret", members: map[string]bool{member: true}, posts: make(map[string]post),
	}
	providerServer := httptest.NewServer(provider)
	defer providerServer.Close()
	chat := NewChat(providerServer.URL, "token", "secret")

	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{chat, simulated.SMS(nil)},
		Templates: []smsplus.Template{{
			ID: "shipped", Scenario: "order shipped",
			Route: []smsplus.Step{
				{Channel: chat.Name(), Content: channel.Text("Your order {{order}} has shipped."), Wait: 2 * time.Hour},
				{Channel: channel.SMS, Content: channel.Text("Order {{order}} has shipped.")},
			},
		}},
	})
	if err != nil {
		return err
	}
	webhook := httptest.NewServer(chat.ReceiptHandler(d.Receive))
	defer webhook.Close()

	phone := simulated.Number(0, 0, simulated.Delivered) // for the SMS
	personWithID := func(id string) channel.Recipient {
		return channel.Recipient{Phone: phone, IDs: map[channel.Name]string{chat.Name(): id}}
	}
	ids, err := d.SendMany(ctx, []smsplus.Trigger{
		{Template: "shipped", To: personWithID(member), Vars: map[string]string{"order": "A-1"}},
		{Template: "shipped", To: personWithID(former), Vars: map[string]string{"order": "A-2"}},
	})
	if err != nil {
		return err
	}
	show := func(when string) error {
		fmt.Fprintln(w, when)
		for _, id := range ids {
			m, err := d.Message(ctx, id)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "  order %s: %v\n", m.Vars["order"], m.Status)
			for _, a := range m.Attempts {
				line := fmt.Sprintf("    %s: %v", a.Channel, a.Status)
				if a.Reason != "" {
					line += fmt.Sprintf(", %s (%s)", a.Reason, a.Detail)
				}
				if !a.ReadAt.IsZero() {
					line += " and read"
				}
				fmt.Fprintln(w, line)
			}
		}
		return nil
	}

	if _, err := d.Tick(ctx); err != nil { // a service calls d.Run instead
		return err
	}
	if err := show("after the first step:"); err != nil {
		return err
	}
	if err := provider.reportAll(webhook.URL, "read", time.Now()); err != nil {
		return err
	}
	return show("after the webhook's call:")
}
