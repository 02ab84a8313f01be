package smsplustest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
)

var templates = []smsplus.Template{{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
	{Channel: channel.LINENotify, Content: channel.Text("Your code is {{code}}."), Wait: 2 * time.Minute},
	{Channel: channel.SMS, Content: channel.Text("{{code}} is your code.")},
}}}

// LINE finds no user with the number. The SMS goes out when the wait is over, and arrives two
// seconds later.
func Example() {
	t := new(testing.T) // a test has its own
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	day.Script(channel.LINENotify, simulated.NoMatch)
	day.Script(channel.SMS, simulated.DeliveredLater)

	customer, err := phone.Parse("+886912345678")
	if err != nil {
		panic(err)
	}
	id := day.Send(smsplus.Trigger{
		Template: "otp", To: channel.Recipient{Phone: customer}, Vars: map[string]string{"code": "498172"},
	})
	fmt.Println(day.Message(id).Status)
	day.Advance(2*time.Minute + 2*time.Second)
	for _, s := range day.Sent() {
		fmt.Println(s.At.Format(time.TimeOnly), s.Channel, s.Text)
	}
	m := day.Message(id)
	fmt.Println(m.DeliveredAt.Format(time.TimeOnly), m.Channel, m.Status)
	// Output:
	// preparing
	// 09:00:00 line_notify Your code is 498172.
	// 09:02:00 sms 498172 is your code.
	// 09:02:02 sms delivered
}
