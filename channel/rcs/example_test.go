package rcs_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

func Example() {
	messages, err := rcs.New(rcs.Config{
		AgentID:      "acme_agent",
		Token:        accessTokens, // or ServiceAccount, with the JSON key file
		ClientTokens: secret.NewAll("from a secret store"),
		TrafficType:  "TRANSACTION",
	})
	if err != nil {
		log.Fatal(err)
	}
	shipped := rcs.Message(`{"contentMessage": {
		"text": "Order {{order}} has shipped",
		"suggestions": [{"action": {
			"text": "Track it", "postbackData": "track",
			"openUrlAction": {"url": "https://example.com/orders/{{order}}"}
		}}]
	}}`)
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{messages, simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "shipped", Route: []smsplus.Step{
			{Channel: channel.RCS, Content: shipped, Wait: time.Hour},
			{Channel: channel.SMS, Content: channel.Text("Order {{order}} has shipped")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /receipts/rcs", messages.ReceiptHandler(dispatcher.Receive)) // the webhook's URL in the console

	// Then dispatcher.Run, and serve mux as https://app.example.com.

	fmt.Println(messages.Name(), messages.Traits().Validity, shipped.Vars())
	// Output: rcs 720h0m0s [order]
}

// accessTokens returns an access token of Google's for the service account that the process
// runs as.
func accessTokens(context.Context) (secret.Text, error) {
	return secret.New("ya29.from-your-library"), nil
}
