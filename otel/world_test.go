package otel_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/otel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const (
	number = "+886912345678"
	code   = "498172"
	words  = "is your secret code"
)

var templates = []smsplus.Template{{ID: "otp", Scenario: "login", Route: []smsplus.Step{
	{Channel: channel.LINENotify, Content: channel.Text("{{code}} " + words), Wait: 2 * time.Minute},
	{Channel: channel.SMS, Content: channel.Text("{{code}} " + words)},
}}}

// world is an Observer with the SDK's readers.
type world struct {
	*otel.Observer

	reader  *sdkmetric.ManualReader
	meters  *sdkmetric.MeterProvider
	spans   *tracetest.SpanRecorder
	tracers *sdktrace.TracerProvider
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	w.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader))
	w.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.spans))
	o, err := otel.New(otel.Config{MeterProvider: w.meters, TracerProvider: w.tracers})
	require.NoError(t, err)
	w.Observer = o
	return w
}

// metrics returns what was recorded, by name.
func (w *world) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, w.reader.Collect(t.Context(), &all))
	byName := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

func newTrigger(t *testing.T) smsplus.Trigger {
	t.Helper()
	customer, err := phone.Parse(number)
	require.NoError(t, err)
	return smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: customer}, Vars: map[string]string{"code": code}}
}

// everyEvent returns one event of each type, with what must not become a label.
func everyEvent() []smsplus.Event {
	message, attempt := uuid.New(), uuid.New()
	ref := channel.Ref{Channel: channel.SMS, ProviderID: uuid.NewString()}
	err := errors.New(number + " " + code + " " + words)
	return []smsplus.Event{
		smsplus.Triggered{Message: message, Template: "otp", Scenario: "login", Channel: channel.SMS},
		smsplus.AttemptStarted{Message: message, Attempt: attempt, Template: "otp", Channel: channel.SMS, Try: 1},
		smsplus.AttemptChanged{
			Message: message, Attempt: attempt, Template: "otp", Channel: channel.SMS,
			To: status.Delivered, Took: time.Second,
		},
		smsplus.Forwarded{Message: message, Template: "otp", From: channel.LINENotify, To: channel.SMS, Reason: status.NoMatch},
		smsplus.Ended{
			Message: message, Template: "otp", Scenario: "login", Channel: channel.SMS,
			Status: status.Delivered, Took: time.Minute,
		},
		smsplus.ReceiptParked{Ref: ref},
		smsplus.ReceiptLate{Message: message, Template: "otp", Channel: channel.SMS, DeliveredTwice: true},
		smsplus.ReceiptsUnmatched{Channel: channel.SMS, Count: 3, Behind: time.Hour},
		smsplus.ReceiptIgnored{Ref: ref, Status: status.Accepted, Why: words},
		smsplus.StoreFailed{Op: "Update", Err: err},
		smsplus.Lag{Claimed: 2, Behind: time.Second},
		smsplus.WaitTooShort{Template: "otp", Channel: channel.SMS, Wait: time.Second, Validity: time.Minute},
		smsplus.TemplateSuspect{Template: "otp", Channel: channel.SMS, Why: words},
		smsplus.Unserved{Channel: channel.SMS, Template: "otp", Behind: time.Second},
		smsplus.MessageUnreadable{Message: message, Err: err},
		smsplus.BreakerChanged{Channel: channel.SMS, Open: true},
		smsplus.ProviderAsked{Channel: channel.SMS, Attempts: 2, Err: err},
		smsplus.AttemptRecalled{Message: message, Template: "otp", Channel: channel.SMS, Err: err},
		smsplus.SilenceChanged{Channel: channel.SMS, Silent: true, Unanswered: 20, Usual: time.Minute},
		smsplus.ListenerStopped{Channel: channel.SMS, Err: err},
		smsplus.OutcomePublished{Message: message, Template: "otp", Behind: time.Second, Err: err},
		smsplus.OutcomePublished{Message: message, Template: "otp", Behind: time.Second},
	}
}
