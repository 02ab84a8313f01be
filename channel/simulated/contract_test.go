package simulated_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/simulated"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS, "fax"} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			channeltest.Run(t, harness(name))
		})
	}
}

func TestAskable_KeepsContract(t *testing.T) {
	t.Parallel()
	h := harness(channel.SMS)
	askable := func(plain func(*testing.T) channel.Channel) func(*testing.T) channel.Channel {
		return func(t *testing.T) channel.Channel { return simulated.Askable{Channel: plain(t).(*simulated.Channel)} }
	}
	h.Channel = askable(h.Channel)
	channeltest.Run(t, h)
}

func TestRecallable_KeepsContract(t *testing.T) {
	t.Parallel()
	h := harness(channel.SMS)
	plain := h.Channel
	h.Channel = func(t *testing.T) channel.Channel {
		return simulated.Recallable{Channel: plain(t).(*simulated.Channel)}
	}
	channeltest.Run(t, h)
}

func harness(name channel.Name) channeltest.Harness {
	with := func(o simulated.Outcome) channeltest.Case { return channeltest.Case{To: sameOutcomeEverywhere(o)} }
	h := channeltest.Harness{
		Channel: func(t *testing.T) channel.Channel {
			c := simulated.New(simulated.Config{Name: name, Delay: time.Millisecond, Late: 2 * time.Millisecond, Slow: time.Hour})
			t.Cleanup(func() { require.NoError(t, c.Close()) })
			return c
		},
		Content:         channel.Text("Your order has shipped and will arrive on Friday"),
		TakesAnyContent: true,
		// A receipt follows this one's answer on every machine.
		To:          sameOutcomeEverywhere(simulated.ReceiptTwice),
		Unreachable: map[string]channeltest.Case{},
		Faults: map[string]channeltest.Case{
			"template config": with(simulated.TemplateConfig),
			"system error":    with(simulated.SystemError),
			"flaky":           with(simulated.FlakyTwice),
			"throttled":       with(simulated.Throttled),
			"down":            with(simulated.Down),
			"in doubt, taken": with(simulated.InDoubtTaken),
			"in doubt, lost":  with(simulated.InDoubtLost),
		},
		Stalled: with(simulated.Slow),
		Report:  func(*testing.T, channel.Channel, string) {}, // the channel reports by itself
	}
	for o := simulated.NoContact; o <= simulated.CarrierError; o++ {
		h.Unreachable[o.String()] = with(o)
	}
	if name != channel.LINEPush {
		h.Unreachable["no phone number"] = channeltest.Case{To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}}
	}
	return h
}
