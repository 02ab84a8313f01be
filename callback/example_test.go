package callback_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/smsplus/smsplus-go/callback"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The application's webhook is called with the end of each message.
func Example() {
	ctx := context.Background()
	webhook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Printf("%.23s… is signed: %t\n", body, r.Header.Get("webhook-signature") != "")
	}))
	defer webhook.Close()
	sender, err := callback.New(callback.Config{URL: secret.New(webhook.URL), Secrets: []secret.Text{callback.NewSecret()}})
	if err != nil {
		panic(err)
	}
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Outcomes: sender, Channels: []channel.Channel{simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	_, err = d.Send(ctx, smsplus.Trigger{
		Template: "otp", Vars: map[string]string{"code": "498172"},
		To: channel.Recipient{Phone: simulated.Number(0, 0, simulated.Delivered)},
	})
	if err != nil {
		panic(err)
	}
	if _, err := d.Tick(ctx); err != nil {
		panic(err)
	}
	// Output:
	// {"type":"message.ended"… is signed: true
}
