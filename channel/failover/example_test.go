package failover_test

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/status"
)

func ExampleNew() {
	traits := channel.Traits{Machine: status.SMS}
	// Each reads another pair of the number's digits: the first is down, the second works.
	primary := simulated.New(simulated.Config{Name: "twilio", Traits: traits, Place: simulated.Second})
	backup := simulated.New(simulated.Config{Name: "mitake", Traits: traits, Place: simulated.Third})
	sms, err := failover.New(channel.SMS, primary, backup)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 6 {
		_, err := sms.Send(context.Background(), channel.Envelope{
			AttemptID: uuid.New(),
			To:        channel.Recipient{Phone: simulated.Number(0, simulated.Down, simulated.Delivered)},
			Content:   channel.Text("Your code is 4711"),
			Try:       1,
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	for _, p := range sms.Providers() {
		fmt.Println(p.Name, p.State, p.Sent, p.Failed)
	}
	// Output:
	// twilio out 0 5
	// mitake up 6 0
}
