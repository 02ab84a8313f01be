package smpp_test

import (
	"fmt"
	"log"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func Example() {
	sms, err := smpp.New(smpp.Config{
		Addr:     "smpp.example.com:2775",
		SystemID: "acme",
		Password: secret.New("from a secret store"),
		Source:   "ACME",
		Binds:    2,
		Window:   20,
		IDs:      smpp.IDs{Submit: smpp.Hex, Receipt: smpp.Decimal},
		Codes: map[pdu.Status]channel.Verdict{
			0x401: {Status: status.Undeliverable, Reason: status.QuotaExceeded}, // "out of credit" here
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer sms.Close() //nolint:errcheck // nothing was sent
	dispatcher, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{sms},
		Limits:   map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 100, CountSegments: true, Concurrency: 50}},
		Templates: []smsplus.Template{{ID: "otp", TTL: 10 * time.Minute, Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = dispatcher // Run sends and listens for receipts; close sms after Run returned

	fmt.Println(sms.Name(), sms.Traits().Validity)
	// Output: sms 48h0m0s
}
