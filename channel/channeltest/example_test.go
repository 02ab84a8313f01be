package channeltest_test

import (
	"testing"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/simulated"
)

// An adapter's own test is a harness and a call. Here the adapter is a simulated one, whose
// outcome the recipient's number chooses.
func ExampleRun() {
	to := func(o simulated.Outcome) channel.Recipient {
		return channel.Recipient{Phone: simulated.Number(0, 0, o)}
	}
	_ = func(t *testing.T) { // func TestChannel_KeepsContract(t *testing.T)
		channeltest.Run(t, channeltest.Harness{
			Channel:     func(*testing.T) channel.Channel { return simulated.SMS(nil) },
			Content:     channel.Text("Your order has shipped"),
			To:          to(simulated.DeliveredLater),
			Unreachable: map[string]channeltest.Case{"blocked": {To: to(simulated.Blocked)}},
			Faults:      map[string]channeltest.Case{"throttled": {To: to(simulated.Throttled)}},
			Stalled:     channeltest.Case{To: to(simulated.Slow)},
			Report:      func(*testing.T, channel.Channel, string) {}, // the simulated channel reports by itself
		})
	}
}
