package main

import (
	"context"
	"log"
	"os"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// the endpoint is down: callback: the endpoint answered 503
	// after 3 calls the outcome is still due
	// the webhook hears: message.ended, shipped is delivered on sms
	// the endpoint is up: <nil>
}
