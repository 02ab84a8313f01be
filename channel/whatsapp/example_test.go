package whatsapp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The example sends a message on WhatsApp, and by SMS as soon as Meta reports that it cannot
// arrive, or when Meta has stopped trying.
func Example() {
	ctx := context.Background()
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		_, _ = fmt.Fprint(w, `{"messages": [{"id": "wamid.HBgL", "message_status": "accepted"}]}`)
	}))
	defer meta.Close()

	wa, err := whatsapp.New(whatsapp.Config{
		PhoneNumberID: "106540352242922",
		Token:         func() string { return "EAAJB..." }, // read it from the application's secret store
		AppSecrets:    secret.NewAll("the app's secret"),
		VerifyTokens:  secret.NewAll("a word of ours"),
		Validity:      10 * time.Minute, // the templates' message_send_ttl_seconds
		BaseURL:       meta.URL,         // for this example only
	})
	if err != nil {
		panic(err)
	}
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{wa, simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "shipped", Scenario: "order shipped", Route: []smsplus.Step{
			{Channel: channel.WhatsApp, Wait: 12 * time.Minute, Content: whatsapp.Template{
				Name:     "order_shipped",
				Language: "en_US",
				Body:     []whatsapp.Parameter{{Text: "{{name}}"}, {Text: "#{{order}}"}},
				Buttons:  []whatsapp.Button{{Index: 0, URL: "{{order}}"}},
			}},
			{Channel: channel.SMS, Content: channel.Text("{{name}}, your order #{{order}} has shipped.")},
		}}},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/webhooks/whatsapp", wa.ReceiptHandler(d.Receive)) // for GET and POST

	id, err := d.Send(ctx, smsplus.Trigger{
		Template: "shipped",
		To:       channel.Recipient{Phone: simulated.Number(0, 0, 0)},
		Vars:     map[string]string{"name": "Jessica", "order": "4711"},
	})
	if err != nil {
		panic(err)
	}
	if _, err := d.Tick(ctx); err != nil {
		panic(err)
	}
	m, err := d.Message(ctx, id)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Channel, m.Status)
	// Output:
	// POST /v25.0/106540352242922/messages
	// whatsapp accepted
}

func ExampleTemplate() {
	code := whatsapp.Template{
		Name:     "verification_code", // an authentication template
		Language: "en_US",
		Body:     []whatsapp.Parameter{{Text: "{{code}}"}},
		Buttons:  []whatsapp.Button{{Index: 0, URL: "{{code}}"}}, // copies the code
	}
	fmt.Println(code.Check(), code.Vars())
	// Output: <nil> [code]
}
