package main

import (
	"context"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// order A-1: 202 Accepted, message 1
	// order A-1, the same call again: 202 Accepted, message 1
	// order A-2: 202 Accepted, message 2
	// order A-1, with another total: 409 Conflict
	// the customer reads:
	//   Order A-1: we received NT$1,200. Thank you!
	//   Order A-2: we received NT$1,200. Thank you!
}

// openShop returns the webhook, its Dispatcher and its provider.
func openShop(t *testing.T) (http.Handler, *smsplus.Dispatcher, *simulated.Channel) {
	t.Helper()
	sms := simulated.SMS(nil)
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{sms},
		Templates: []smsplus.Template{{ID: "order_paid", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("{{order}} {{total}}")},
		}}},
	})
	require.NoError(t, err)
	return orderPaid(d), d, sms
}

func post(h http.Handler, body string) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/order-paid", strings.NewReader(body)))
	return w.Code
}

func TestOrderPaid_SendsOneMessageForConcurrentCalls(t *testing.T) {
	t.Parallel()
	webhook, d, sms := openShop(t)
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if code := post(webhook, `{"id":"A-1","phone":"+886900000000","total":"1"}`); code != http.StatusAccepted {
				t.Errorf("status code %d", code)
			}
		})
	}
	calls.Wait()
	_, err := d.Tick(t.Context())
	require.NoError(t, err)
	require.Len(t, sms.Inbox(), 1)
}

func TestOrderPaid_RefusesBadCalls(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON":         `order`,
		"no ID":           `{"phone":"+886900000000"}`,
		"no number":       `{"id":"A-1","phone":"0900000000"}`,
		"a total of NULs": `{"id":"A-1","phone":"+886900000000","total":"\u0000"}`,
		"a long body":     `{"id":"` + strings.Repeat("A", 1<<17) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook, d, sms := openShop(t)
			require.Equal(t, http.StatusBadRequest, post(webhook, body))
			_, err := d.Tick(t.Context())
			require.NoError(t, err)
			require.Empty(t, sms.Inbox())
		})
	}
}

func TestOrderPaid_AcceptsRepeatAfterInterruptedCall(t *testing.T) {
	t.Parallel()
	webhook, _, _ := openShop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	webhook.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/order-paid",
		strings.NewReader(`{"id":"A-1","phone":"+886900000000","total":"1"}`)))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
}
