package line_test

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The example is a parcel service that reaches people by their number. Friends of its account
// get a push, others a notification message. If neither was seen after an hour, an SMS follows.
func Example_notification() {
	directory := line.NewDirectory()
	account := line.Account{Token: secret.New(os.Getenv("LINE_TOKEN")), Secrets: secret.NewAll(os.Getenv("LINE_SECRET"))}
	push, err := line.NewPush(line.PushConfig{Account: account, Contacts: directory})
	if err != nil {
		log.Fatal(err)
	}
	notification, err := line.NewNotification(line.NotificationConfig{Account: account, Followers: directory})
	if err != nil {
		log.Fatal(err)
	}
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{push, notification, simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "shipped", Scenario: "parcel on its way", Route: []smsplus.Step{
			{Channel: channel.LINEPush, Content: channel.Text("Parcel {{number}} will arrive on {{day}}.")},
			{Channel: channel.LINENotify, Wait: time.Hour, InDoubt: smsplus.Forward, Content: line.Templated(`{
				"templateKey": "shipment_completed_ja",
				"body": {
					"emphasizedItem": {"itemKey": "date_002_ja", "content": "{{day}}"},
					"items": [{"itemKey": "number_001_ja", "content": "{{number}}"}]
				}
			}`)},
			{Channel: channel.SMS, Content: channel.Text("Parcel {{number}} will arrive on {{day}}.")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(dispatcher.Run(context.Background())) }()

	// The account has one webhook URL for deliveries, follows and blocks.
	http.Handle("POST /line", notification.ReceiptHandler(dispatcher.Receive))
	server := &http.Server{Addr: "localhost:8080", ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
