package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The waits are short, so that a viewer sees messages move on.
const (
	notifyWait = 45 * time.Second
	smsWait    = 2 * time.Minute
)

var templates = []smsplus.Template{
	{ID: "otp", Scenario: "驗證碼", TTL: 10 * time.Minute, Route: []smsplus.Step{
		{Channel: channel.LINEPush, Content: channel.Text("您的驗證碼是 {{code}}")},
		{Channel: channel.SMS, Content: channel.Text("您的驗證碼是 {{code}}"), Wait: smsWait},
	}},
	{ID: "order_shipped", Scenario: "出貨通知", Route: []smsplus.Step{
		{Channel: channel.LINEPush, Content: channel.Text("{{name}} 您好,訂單 {{order}} 已出貨。")},
		{Channel: channel.LINENotify, Content: channel.Text("【出貨通知】訂單 {{order}} 已出貨,{{name}}。"), Wait: notifyWait},
		{Channel: channel.SMS, Content: channel.Text("{{name}} 您好,訂單 {{order}} 已出貨。"), Wait: smsWait},
	}},
	{ID: "appointment", Scenario: "Appointment reminder", Route: []smsplus.Step{
		{Channel: channel.WhatsApp, Content: channel.Text("{{name}}, we see you tomorrow. Your number is {{order}}."), Wait: smsWait, OnFailed: smsplus.Forward},
		{Channel: channel.SMS, Content: channel.Text("{{name}}: see you tomorrow, number {{order}}."), Wait: smsWait},
	}},
	{ID: "sale", Scenario: "Sale", Route: []smsplus.Step{
		{Channel: channel.LINEPush, Content: channel.Text("{{name}}, everything is cheaper today.")},
	}},
}

// newChannels returns the channels of the templates' routes.
func newChannels() []channel.Channel {
	var all []channel.Channel
	for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS} {
		all = append(all, simulated.New(simulated.Config{Name: name, Delay: 5 * time.Second, Late: 3 * time.Minute, Slow: 4 * time.Second}))
	}
	return all
}

// The outcomes on each channel. What happens often stands there often.
var (
	pushOutcomes = []simulated.Outcome{
		simulated.Delivered, simulated.Delivered, simulated.Delivered, simulated.Delivered,
		simulated.NoContact, simulated.NoContact, simulated.Blocked, simulated.QuotaExceeded,
	}
	notifyOutcomes = []simulated.Outcome{
		simulated.DeliveredLater, simulated.ReadLater, simulated.ReadLater, simulated.DeliveredLater, simulated.NoMatch,
		simulated.UnverifiedLater, simulated.Silent, simulated.DeliveredLate, simulated.TemplateMismatch,
	}
	smsOutcomes = []simulated.Outcome{
		simulated.DeliveredLater, simulated.DeliveredLater, simulated.DeliveredLater, simulated.DeliveredLater, simulated.DeliveredLater,
		simulated.FlakyTwice, simulated.Slow, simulated.UndeliverableLater, simulated.InvalidNumber, simulated.Silent, simulated.SystemError,
	}
)

// sendTraffic triggers messages at a rate until ctx ends.
func sendTraffic(ctx context.Context, d *smsplus.Dispatcher, rate float64) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration((0.5 + rand.Float64()) / rate * float64(time.Second))):
		}
		if _, err := d.Send(ctx, newTrigger(pick(templates))); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
			return err
		}
	}
}

// newTrigger returns a trigger of a template, to a person whose number chooses what happens.
func newTrigger(t smsplus.Template) smsplus.Trigger {
	tr := smsplus.Trigger{
		Template: t.ID, Vars: map[string]string{}, Reference: fmt.Sprintf("A-%05d", rand.IntN(100_000)),
		To: channel.Recipient{Phone: simulated.Number(pick(pushOutcomes), pick(notifyOutcomes), pick(smsOutcomes))},
	}
	for _, s := range t.Route {
		for _, name := range s.Content.Vars() {
			tr.Vars[name] = map[string]string{
				"code": fmt.Sprintf("%06d", rand.IntN(1_000_000)), "name": pick([]string{"陳怡君", "王小明", "Grace", "林志明", "Chloe"}), "order": tr.Reference,
			}[name]
		}
	}
	return tr
}

// pick returns any of them.
func pick[T any](all []T) T { return all[rand.IntN(len(all))] }
