// Hello sends one message over two channels: the first cannot reach the person, so
// the second does.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func main() {
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{simulated.LINEPush(nil), simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
			{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}")},
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	id, err := d.Send(ctx, smsplus.Trigger{
		Template: "otp", Vars: map[string]string{"code": "498172"},
		To: channel.Recipient{Phone: simulated.Number(simulated.NoContact, 0, simulated.Delivered)},
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := d.Tick(ctx); err != nil { // a service calls d.Run instead
		log.Fatal(err)
	}
	m, err := d.Message(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range m.Attempts {
		fmt.Println(a.Channel, a.Status, a.Reason)
	}
	fmt.Println(m.To.Phone, m.Status)
}
