package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The application consists of the templates and the functions that trigger them. The
// clock, the store and the channels are arguments, real or simulated.

// newDispatcher returns a Dispatcher with the shop's templates.
func newDispatcher(store smsplus.Store, clock smsplus.Clock, channels ...channel.Channel) (*smsplus.Dispatcher, error) {
	return smsplus.New(smsplus.Config{
		Store:    store,
		Clock:    clock,
		Channels: channels,
		Templates: []smsplus.Template{{
			ID: "shipped", Scenario: "order shipped",
			Route: []smsplus.Step{
				{Channel: channel.LINEPush, Content: channel.Text("Your order {{order}} has shipped.")},
				{Channel: channel.LINENotify, Content: channel.Text("Order {{order}} has shipped."), Wait: 2 * time.Hour},
				{Channel: channel.SMS, Content: channel.Text("Order {{order}} has shipped."), Wait: 48 * time.Hour},
			},
		}},
	})
}

// orderShipped sends a customer the message that an order has shipped.
func orderShipped(ctx context.Context, d *smsplus.Dispatcher, customer phone.Number, order string) (uuid.UUID, error) {
	return d.Send(ctx, smsplus.Trigger{
		Template: "shipped",
		To:       channel.Recipient{Phone: customer},
		Vars:     map[string]string{"order": order},
		Key:      "shipped/" + order,
	})
}
