package mitake_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

func Example() {
	sms, err := mitake.New(mitake.Config{
		URL:             "https://smsapi.mitake.com.tw/api/mtk", // as the contract names it
		Username:        "12345678SMS",
		Password:        secret.New("from a secret store"),
		CallbackURL:     "https://app.example.com/receipts/sms",
		CallbackSecrets: secret.NewAll("32 random bytes, from a secret store"),
	})
	if err != nil {
		log.Fatal(err)
	}
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{
			ID:    "otp",
			Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("您的驗證碼是 {{code}}")}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /receipts/sms/", sms.ReceiptHandler(dispatcher.Receive)) // all of the folder

	// Then dispatcher.Run, and serve mux as https://app.example.com.

	fmt.Println(sms.Name(), sms.Traits().Validity)
	// Output: sms 24h0m0s
}
