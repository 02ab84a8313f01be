package main

import (
	"net/http"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/webhook"
)

// The secrets of the peers in test/peers. A real service reads its own from its store of
// secrets.
const (
	lineToken, lineSecret = "token", "secret"
	systemID, password    = "smsplus", "secret"
)

// settings holds the differences between the service and its test.
type settings struct {
	providers
	wait     time.Duration // that LINE is given before the SMS
	clock    smsplus.Clock
	observer smsplus.Observer
}

// service is a dispatcher, its session with the carrier, and its HTTP handler.
type service struct {
	*smsplus.Dispatcher
	http.Handler
	sms *smpp.Channel
}

func open(s settings) (*service, error) {
	notification, err := line.NewNotification(line.NotificationConfig{
		Account: line.Account{Token: secret.New(lineToken), Secrets: secret.NewAll(lineSecret), BaseURL: s.line},
	})
	if err != nil {
		return nil, err
	}
	sms, err := smpp.New(smpp.Config{Addr: s.smsc, SystemID: systemID, Password: secret.New(password), Source: "SMSPLUS"})
	if err != nil {
		return nil, err
	}
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{notification, sms},
		Templates: []smsplus.Template{{ID: "shipped", Scenario: "order shipped", Route: []smsplus.Step{
			{Channel: channel.LINENotify, Content: channel.Text("您的訂單 {{order}} 已出貨。"), Wait: s.wait},
			{Channel: channel.SMS, Content: channel.Text("您的訂單 {{order}} 已出貨。")},
		}}},
		Clock:    s.clock,
		Observer: s.observer,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/receipts/", webhook.New(d, webhook.Options{Prefix: "/receipts"}))
	return &service{d, mux, sms}, nil
}

// Close unbinds from the carrier.
func (s *service) Close() error { return s.sms.Close() }
