// Hello sends one message over two channels. The first one cannot reach the person,
// so the second one delivers it.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

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
			{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}"), OnFailed: smsplus.Forward},
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- d.Run(ctx) }() // sends and forwards until ctx ends

	id, err := d.Send(ctx, smsplus.Trigger{
		Template: "otp", Vars: map[string]string{"code": "498172"},
		To: channel.Recipient{Phone: simulated.Number(simulated.NoContact, 0, simulated.Delivered)},
	})
	if err != nil {
		log.Fatal(err)
	}
	m, err := d.Message(ctx, id)
	for err == nil && !m.Status.Final() { // a service has an Observer and need not ask
		time.Sleep(10 * time.Millisecond)
		m, err = d.Message(ctx, id)
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range m.Attempts {
		fmt.Printf("%-9s  %-10s  %s\n", a.Channel, a.Reason, a.Status)
	}
	fmt.Println(m.To.Phone, m.Status)

	stop()
	if err := <-stopped; err != nil {
		log.Fatal(err)
	}
}
