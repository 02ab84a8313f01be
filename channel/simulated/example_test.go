package simulated_test

import (
	"context"
	"fmt"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
)

// A test holds the clock: an accepted message arrives when the test moves the clock by two
// seconds.
func Example() {
	ctx := context.Background()
	mock := clock.NewMock()
	sms := simulated.SMS(mock)

	to := simulated.Number(simulated.NoContact, simulated.Silent, simulated.DeliveredLater)
	result, err := sms.Send(ctx, channel.Envelope{
		AttemptID: uuid.New(),
		To:        channel.Recipient{Phone: to},
		Content:   channel.Text("Your code is 4711"),
		Try:       1,
	})
	fmt.Println(result.Status, err)

	receive := func(_ context.Context, rs ...channel.Receipt) error { // a Dispatcher's Receive, in a real test
		fmt.Println("receipt:", rs[0].Status)
		return nil
	}
	mock.Add(2 * time.Second)
	n, err := sms.Deliver(ctx, receive)
	fmt.Println(n, err, sms.Inbox()[0].Text)
	// Output:
	// accepted <nil>
	// receipt: delivered
	// 1 <nil> Your code is 4711
}
