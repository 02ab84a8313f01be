package every8d_test

import (
	"fmt"
	"log"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/every8d"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

func Example() {
	sms, err := every8d.New(every8d.Config{
		UserID:    "acme",
		Password:  secret.New("from a secret store"),
		PollEvery: 30 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("您的驗證碼是 {{code}}"), Wait: 10 * time.Minute},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = dispatcher // Run sends, and asks Every8D every 30 seconds

	fmt.Println(sms.Name(), sms.Traits().PollEvery)
	// Output: sms 30s
}
