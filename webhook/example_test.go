package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/doctest/gateway"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/webhook"
)

func ExampleNew() {
	sms := &gateway.Channel{URL: "https://provider.example/send", Token: "token", Secret: "secret"}
	dispatcher, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: []channel.Channel{sms}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/receipts/", webhook.New(dispatcher, webhook.Options{
		Prefix:  "/receipts",
		Observe: func(c webhook.Call) { fmt.Println("called:", c.Channel, c.Code) },
	}))

	// A call without a signature.
	call := httptest.NewRequest(http.MethodPost, "/receipts/gateway", strings.NewReader(`{"id": "1", "word": "arrived"}`))
	mux.ServeHTTP(httptest.NewRecorder(), call)
	// Output: called: gateway 401
}
