package twilio_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// The example shows a fake Twilio for an application's tests.
func ExampleChannel_Send() {
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("To") != "+886912345678" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`)
	}))
	defer fake.Close()

	c, err := twilio.New(twilio.Config{
		BaseURL:        fake.URL,
		AccountSID:     "AC0123456789abcdef0123456789abcdef",
		AuthTokens:     secret.NewAll("an auth token"),
		From:           "+15005550006",
		StatusCallback: "https://example.com/receipts/twilio",
		Codes:          map[int]channel.Verdict{30007: {Status: status.Failed, Reason: status.SystemError}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e164 := range []string{"+886912345678", "+886987654321"} {
		number, _ := phone.Parse(e164)
		result, err := c.Send(context.Background(), channel.Envelope{
			AttemptID: uuid.New(), To: channel.Recipient{Phone: number}, Content: channel.Text("Your code is 498172"), Try: 1,
		})
		fmt.Println(result.Status, err)
	}
	// Output:
	// accepted <nil>
	// preparing channel: undeliverable (blocked): error 21610 Attempt to send to unsubscribed recipient
}
