package channel_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

var errBusy = errors.New("fax: the line is busy")

// Fax is an adapter: three methods, of which only Send has work to do.
type Fax struct {
	dial func(ctx context.Context, e164, page string) error
}

func (f *Fax) Name() channel.Name     { return "fax" }
func (f *Fax) Traits() channel.Traits { return channel.Traits{} }

func (f *Fax) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "a fax takes a channel.Text")
	}
	if e.To.Phone.IsZero() {
		return channel.Result{}, channel.Undeliverable(status.InvalidNumber, "no phone number")
	}
	if err := f.dial(ctx, e.To.Phone.E164(), string(text)); err != nil {
		return channel.Result{}, channel.Temporary(err, 0)
	}
	return channel.Result{Status: status.Delivered}, nil
}

// An adapter answers with a Result when the provider answered, and otherwise with an error
// for the engine.
func Example() {
	var line error
	var c channel.Channel = &Fax{dial: func(context.Context, string, string) error { return line }}

	to, _ := phone.Parse("+886223456789")
	e := channel.Envelope{To: channel.Recipient{Phone: to}, Content: channel.Text("Hello"), Try: 1}
	result, err := c.Send(context.Background(), e)
	fmt.Println(result.Status, err)

	line = errBusy
	_, err = c.Send(context.Background(), e)
	fmt.Println(err)
	// Output:
	// delivered <nil>
	// channel: temporary: fax: the line is busy
}
