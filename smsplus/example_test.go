package smsplus_test

import (
	"context"
	"fmt"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// A fallback of two hours, tested in no time: the clock is a mock, and Tick does
// what is due.
func ExampleDispatcher_Tick() {
	ctx, mock := context.Background(), clock.NewMock()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Clock: mock,
		Channels: []channel.Channel{simulated.LINENotify(mock), simulated.SMS(mock)},
		Templates: []smsplus.Template{{ID: "shipped", Scenario: "order shipped", Route: []smsplus.Step{
			{Channel: channel.LINENotify, Content: channel.Text("您的訂單 {{order}} 已出貨"), Wait: 2 * time.Hour},
			{Channel: channel.SMS, Content: channel.Text("您的訂單 {{order}} 已出貨")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	id, err := d.Send(ctx, smsplus.Trigger{
		Template: "shipped", Vars: map[string]string{"order": "A-1007"},
		To: channel.Recipient{Phone: simulated.Number(0, simulated.Silent, simulated.Delivered)},
	})
	if err != nil {
		panic(err)
	}
	for _, passed := range []time.Duration{0, 2*time.Hour - time.Second, time.Second} {
		mock.Add(passed)
		if _, err := d.Tick(ctx); err != nil {
			panic(err)
		}
		m, err := d.Message(ctx, id)
		if err != nil {
			panic(err)
		}
		fmt.Println(mock.Now().UTC().Format(time.TimeOnly), m.Channel, m.Status)
	}
	// Output:
	// 00:00:00 line_notify accepted
	// 01:59:59 line_notify accepted
	// 02:00:00 sms delivered
}

// A key makes it safe to send again after an error, or a second webhook.
func ExampleDispatcher_Send() {
	ctx := context.Background()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Channels: []channel.Channel{simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	trigger := smsplus.Trigger{
		Template: "otp", Key: "login-42", Vars: map[string]string{"code": "498172"},
		To: channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)},
	}
	first, _ := d.Send(ctx, trigger)
	second, _ := d.Send(ctx, trigger)
	fmt.Println(first == second)

	trigger.Vars = map[string]string{"code": "11"}
	_, err = d.Send(ctx, trigger)
	fmt.Println(err != nil)

	// Output:
	// true
	// true
}

// printer is a channel that prints the templates of the messages that it sends.
type printer struct{ channel.Channel }

func (p printer) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	fmt.Println(e.Template)
	return p.Channel.Send(ctx, e)
}

// queue puts outcomes on a queue of the application.
type queue struct{}

func (queue) Publish(_ context.Context, o smsplus.Outcome) error {
	fmt.Println(o.Kind, o.Message.Template, o.Message.Status, "on", o.Message.Channel)
	return nil // it is on the queue. An error would have it published again
}

// The application takes the outcome of each message for certain, and confirms a message that
// it knows to have arrived.
func ExampleOutcomes() {
	ctx := context.Background()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Channels: []channel.Channel{simulated.SMS(nil)}, Outcomes: queue{},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("{{code}}")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	id, err := d.Send(ctx, smsplus.Trigger{
		Template: "otp", Vars: map[string]string{"code": "498172"},
		To: channel.Recipient{Phone: simulated.Number(0, simulated.Silent, simulated.Silent)},
	})
	if err != nil {
		panic(err)
	}
	for _, confirm := range []bool{false, true} {
		if confirm { // the person has entered the code
			err = d.Confirm(ctx, id)
		}
		if _, tickErr := d.Tick(ctx); err != nil || tickErr != nil {
			panic(err)
		}
	}
	// Output:
	// ended otp delivered on sms
	// confirmed otp delivered on sms
}

// A code goes before a campaign that was triggered first.
func ExampleClass() {
	ctx := context.Background()
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Channels: []channel.Channel{printer{simulated.SMS(nil)}},
		Templates: []smsplus.Template{
			{ID: "otp", Class: smsplus.Urgent, Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")}}},
			{ID: "sale", Class: smsplus.Bulk, Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Sale")}}},
		},
	})
	if err != nil {
		panic(err)
	}
	to := channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)}
	campaign := []smsplus.Trigger{{Template: "sale", To: to}, {Template: "sale", To: to}}
	if _, err := d.SendMany(ctx, campaign); err != nil {
		panic(err)
	}
	if _, err := d.Send(ctx, smsplus.Trigger{Template: "otp", To: to, Vars: map[string]string{"code": "498172"}}); err != nil {
		panic(err)
	}
	if _, err := d.Tick(ctx); err != nil {
		panic(err)
	}
	// Output:
	// otp
	// sale
	// sale
}
