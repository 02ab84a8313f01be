package otel_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/otel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// A service gives its providers, whose readers export what is recorded. Here the reader is read
// by hand.
func Example() {
	ctx := context.Background()
	reader := sdkmetric.NewManualReader()
	observer, err := otel.New(otel.Config{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	if err != nil {
		log.Fatal(err)
	}
	d, err := smsplus.New(smsplus.Config{
		Store:    memstore.New(),
		Channels: []channel.Channel{simulated.LINEPush(nil)},
		Templates: []smsplus.Template{{ID: "welcome", Route: []smsplus.Step{
			{Channel: channel.LINEPush, Content: channel.Text("Welcome!")},
		}}},
		Observer: observer,
	})
	if err != nil {
		log.Fatal(err)
	}
	to := channel.Recipient{Phone: simulated.Number(simulated.Delivered, 0, 0)}
	if _, err := d.Send(ctx, smsplus.Trigger{Template: "welcome", To: to}); err != nil {
		log.Fatal(err)
	}
	if _, err := d.Tick(ctx); err != nil { // a service calls Run
		log.Fatal(err)
	}

	var recorded metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &recorded); err != nil {
		log.Fatal(err)
	}
	var names []string
	for _, m := range recorded.ScopeMetrics[0].Metrics {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Println(name)
	}
	// Output:
	// smsplus.attempt.delivery.duration
	// smsplus.attempts.changed
	// smsplus.attempts.tries
	// smsplus.claim.lag
	// smsplus.message.delivery.duration
	// smsplus.messages.ended
	// smsplus.messages.triggered
}
