package line_test

import (
	"context"
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/phone"
)

func ExampleDirectory() {
	ctx := context.Background()
	n, _ := phone.Parse("+818000001234")
	directory := line.NewDirectory()
	_ = directory.Link(n, "U4af4980629ba1e1d3c2f6a57c1b1c9d2")

	// LINE's calls say so.
	_ = directory.Update(ctx, line.Contact{UserID: "U4af4980629ba1e1d3c2f6a57c1b1c9d2", Blocked: true, At: time.Now()})
	found, _ := directory.ByPhone(ctx, n)
	fmt.Println(len(found), found[0].Blocked)

	for contact, numbers := range directory.All() { // to be saved
		fmt.Println(contact.UserID, contact.Blocked, numbers[0].E164())
	}
	// Output:
	// 1 true
	// U4af4980629ba1e1d3c2f6a57c1b1c9d2 true +818000001234
}

func ExampleMessages() {
	c := line.Messages(`[{"type": "text", "text": "Dear {{name}}, it is on its way"}]`)
	fmt.Println(c.Check(), c.Vars())
	filled, _ := c.Render(map[string]string{"name": `"Ann"`})
	fmt.Println(filled) // prints no data
	fmt.Println(string(filled.(line.Messages)))
	// Output:
	// <nil> [name]
	// line.Messages(60 bytes)
	// [{"type": "text", "text": "Dear \"Ann\", it is on its way"}]
}

func ExampleTemplated() {
	c := line.Templated(`{"templateKey": "{{which}}"}`)
	fmt.Println(c.Check())
	// Output:
	// line: templated: a variable stands in "templateKey", which chooses what is sent
}
