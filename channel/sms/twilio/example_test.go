package twilio_test

import (
	"cmp"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

func Example() {
	sms, err := twilio.New(twilio.Config{
		AccountSID:          "AC0123456789abcdef0123456789abcdef",
		AuthTokens:          []secret.Text{secret.New(cmp.Or(os.Getenv("TWILIO_AUTH_TOKEN"), "only an example"))},
		MessagingServiceSID: "MG0123456789abcdef0123456789abcdef",
		StatusCallback:      "https://example.com/receipts/sms#rc=5&rp=all",
		MaxSegments:         3,
	})
	if err != nil {
		log.Fatal(err)
	}
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{ID: "otp", Scenario: "OTP", TTL: 10 * time.Minute, Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /receipts/sms", sms.ReceiptHandler(dispatcher.Receive))
	// Then dispatcher.Run, and serve mux as https://example.com.

	fmt.Println(sms.Name(), sms.Traits().Validity)
	// Output: sms 48h0m0s
}
