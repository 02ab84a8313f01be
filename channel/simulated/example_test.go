package simulated_test

import (
	"context"
	"fmt"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// A test holds the clock: an accepted message arrives when the test moves the clock by two
// seconds.
func Example() {
	ctx := context.Background()
	mock := clock.NewMock()
	sms := simulated.SMS(mock)

	to := simulated.Number(simulated.NoContact, simulated.Silent, simulated.DeliveredLater)
	result, err := sms.Send(ctx, channel.Envelope{
		AttemptID: uuid.New(),
		To:        channel.Recipient{Phone: to},
		Content:   channel.Text("Your code is 4711"),
		Try:       1,
	})
	fmt.Println(result.Status, err)

	receive := func(_ context.Context, rs ...channel.Receipt) error { // a Dispatcher's Receive, in a real test
		fmt.Println("receipt:", rs[0].Status)
		return nil
	}
	mock.Add(2 * time.Second)
	n, err := sms.Deliver(ctx, receive)
	fmt.Println(n, err, sms.Inbox()[0].Text)
	// Output:
	// accepted <nil>
	// receipt: delivered
	// 1 <nil> Your code is 4711
}

// Receipts stay away for six hours. WhatsApp is asked before the SMS goes out, so the person
// gets one copy.
func ExampleAskable() {
	ctx := context.Background()
	mock := clock.NewMock()
	whatsApp, sms := simulated.Askable{Channel: simulated.WhatsApp(mock)}, simulated.SMS(mock)
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{whatsApp, sms},
		Templates: []smsplus.Template{{ID: "order", Route: []smsplus.Step{
			{Channel: channel.WhatsApp, Content: channel.Text("Your order has shipped"), Wait: time.Hour},
			{Channel: channel.SMS, Content: channel.Text("Your order has shipped")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	to := simulated.Number(simulated.Delivered, simulated.ToldLate, simulated.Delivered)
	id, err := d.Send(ctx, smsplus.Trigger{Template: "order", To: channel.Recipient{Phone: to}})
	if err != nil {
		panic(err)
	}
	for range 2 { // now, and when the wait is over
		if _, err := d.Tick(ctx); err != nil {
			panic(err)
		}
		mock.Add(time.Hour)
	}
	m, err := d.Message(ctx, id)
	fmt.Println(m.Status, m.Channel, len(sms.Inbox()), err)
	// Output: delivered whatsapp 0 <nil>
}

// WhatsApp stays silent, so the SMS goes out, and the copy on WhatsApp is taken back.
func ExampleRecallable() {
	ctx := context.Background()
	mock := clock.NewMock()
	whatsApp, sms := simulated.Recallable{Channel: simulated.WhatsApp(mock)}, simulated.SMS(mock)
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock, Channels: []channel.Channel{whatsApp, sms},
		Templates: []smsplus.Template{{ID: "order", Route: []smsplus.Step{
			{Channel: channel.WhatsApp, Content: channel.Text("Your order has shipped"), Wait: time.Hour},
			{Channel: channel.SMS, Content: channel.Text("Your order has shipped")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	to := simulated.Number(simulated.Delivered, simulated.DeliveredLate, simulated.Delivered)
	id, err := d.Send(ctx, smsplus.Trigger{Template: "order", To: channel.Recipient{Phone: to}})
	if err != nil {
		panic(err)
	}
	for range 2 { // now, and when the wait is over
		if _, err := d.Tick(ctx); err != nil {
			panic(err)
		}
		mock.Add(time.Hour)
	}
	mock.Add(24 * time.Hour)
	m, err := d.Message(ctx, id)
	fmt.Println(m.Status, m.Channel, m.Attempts[0].Recall, len(whatsApp.Inbox()), len(sms.Inbox()), err)
	// Output: delivered sms recalled 0 1 <nil>
}
