package main

import (
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The fallback times. A LINE Notification Message waits for the person to complete the
// verification. An SMS, the last step of its route, waits for the carrier's receipt.
const (
	notifyWait   = 2 * time.Hour
	whatsAppWait = 2 * time.Hour
	smsWait      = 3 * time.Hour
)

var templates = []smsplus.Template{
	{
		ID: "order_shipped", Name: "Order shipped", Scenario: "order shipped",
		Route: viaWhatsApp(smsplus.Stop,
			"Hi {{name}}, good news: your order {{order}} has shipped and arrives on {{date}}.",
			"Order {{order}} has shipped, {{name}}. It arrives on {{date}}."),
	},
	{
		ID: "order_shipped_zh", Name: "出貨通知", Scenario: "出貨通知",
		Route: viaLINE(
			"{{name}} 您好,您的訂單 {{order}} 已出貨,預計 {{date}} 送達。",
			"【出貨通知】{{name}} 您好,訂單 {{order}} 已出貨,預計 {{date}} 送達。",
			"訂單 {{order}} 已出貨,{{name}},預計 {{date}} 送達。"),
	},
	{
		ID: "appointment", Name: "Appointment reminder", Scenario: "appointment reminder",
		Route: viaWhatsApp(smsplus.Stop,
			"Hi {{name}}, we are looking forward to seeing you on {{date}} at {{place}}.",
			"{{name}}, a reminder: {{place}}, {{date}}."),
	},
	{
		ID: "appointment_zh", Name: "看診提醒", Scenario: "看診提醒",
		Route: viaLINE(
			"{{name}} 您好,提醒您 {{date}} 於{{place}}看診。",
			"【看診提醒】{{name}} 您好,{{date}} 於{{place}}看診。",
			"看診提醒:{{name}},{{date}},{{place}}。"),
	},
	{
		// The message must arrive even if a channel fails, and a second copy on one
		// channel would worry people. So the route continues after a send in doubt.
		ID: "payment_due_zh", Name: "繳費提醒", Scenario: "繳費提醒",
		Route: atMostOnce(viaLINE(
			"{{name}} 您好,您有一筆 {{amount}} 的帳單將於 {{date}} 到期。",
			"【繳費提醒】{{name}} 您好,{{amount}} 的帳單將於 {{date}} 到期。",
			"繳費提醒:{{name}},{{amount}},{{date}} 到期。")),
	},
	{
		ID: "security_alert", Name: "Security alert", Scenario: "log-in from a new place",
		Route: viaWhatsApp(smsplus.Forward,
			"Hi {{name}}, someone logged in to your account from {{place}}. If that was not you, change your password.",
			"{{name}}: new log-in from {{place}}. Not you? Change your password."),
	},
}

// viaLINE is the route LINE Push → LINE Notification → SMS.
func viaLINE(push, notification, sms channel.Text) []smsplus.Step {
	return []smsplus.Step{
		{Channel: channel.LINEPush, Content: push},
		{Channel: channel.LINENotify, Content: notification, Wait: notifyWait},
		{Channel: channel.SMS, Content: sms, Wait: smsWait},
	}
}

// viaWhatsApp is the route WhatsApp → SMS.
func viaWhatsApp(onFailed smsplus.Policy, whatsApp, sms channel.Text) []smsplus.Step {
	return []smsplus.Step{
		{Channel: channel.WhatsApp, Content: whatsApp, Wait: whatsAppWait, OnFailed: onFailed},
		{Channel: channel.SMS, Content: sms, Wait: smsWait},
	}
}

// atMostOnce makes a route continue after steps that fail or are in doubt.
func atMostOnce(route []smsplus.Step) []smsplus.Step {
	for i := range route[:len(route)-1] {
		route[i].OnFailed, route[i].InDoubt = smsplus.Forward, smsplus.Forward
	}
	return route
}
