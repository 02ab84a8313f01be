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

// The example is a shop that informs its customers on LINE that an order has shipped, and
// by SMS the customers whom LINE does not reach.
func Example_push() {
	directory := line.NewDirectory() // link numbers and LINE user IDs when customers sign in
	push, err := line.NewPush(line.PushConfig{
		Account:  line.Account{Token: secret.New(os.Getenv("LINE_TOKEN")), Secrets: secret.NewAll(os.Getenv("LINE_SECRET"))},
		Contacts: directory,
	})
	if err != nil {
		log.Fatal(err)
	}
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{push, simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "shipped", Scenario: "order shipped", Route: []smsplus.Step{
			{Channel: channel.LINEPush, Content: line.Messages(`[{
				"type": "flex",
				"altText": "Order {{order}} has shipped",
				"contents": {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [
					{"type": "text", "text": "Order {{order}}", "weight": "bold"},
					{"type": "text", "text": "It has shipped and will arrive on {{day}}.", "wrap": true}
				]}}
			}]`)},
			{Channel: channel.SMS, Content: channel.Text("Order {{order}} has shipped and will arrive on {{day}}.")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(dispatcher.Run(context.Background())) }()

	http.Handle("POST /line", push.ReceiptHandler(dispatcher.Receive)) // the account's webhook URL
	server := &http.Server{Addr: "localhost:8080", ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
