// Fallbacktest tests fallback times as an application would. shop.go is the application,
// shop_test.go is its test, and day.go holds the clock and the providers of the test.
// Hours pass in microseconds, in one goroutine and without a sleep, so that all runs are
// equal. The program prints the timeline that the first test checks. Package smsplustest
// has such a day ready for the tests of an application.
//
//	go run ./examples/fallbacktest
//	go test ./examples/fallbacktest
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/smsplus/smsplus-go/channel/simulated"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, w io.Writer) error {
	d, err := newDay()
	if err != nil {
		return err
	}
	// LINE has no contact, the LINE Notification Message gets no receipt, and the SMS arrives.
	customer := simulated.Number(simulated.NoContact, simulated.Silent, simulated.DeliveredLater)
	id, err := orderShipped(ctx, d.shop, customer, "A-1")
	if err != nil {
		return err
	}
	for _, wait := range []time.Duration{0, 2*time.Hour - time.Second, time.Second, 2 * time.Second} {
		if err := d.advance(ctx, wait); err != nil {
			return err
		}
		m, err := d.shop.Message(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s  %v\n", d.clock.Now().Format(time.TimeOnly), m.Status)
		for _, a := range m.Attempts {
			fmt.Fprintf(w, "          %s: %v\n", a.Channel, a.Status)
		}
	}
	return nil
}
