package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/smsplus/smsplus-go/smsplus"
)

// scope names the instrumentation in metrics and traces.
const scope = "github.com/smsplus/smsplus-go/otel"

// Config says where an Observer records. At least one field is required.
type Config struct {
	// MeterProvider makes the metrics. If it is nil, there are none.
	MeterProvider metric.MeterProvider
	// TracerProvider makes the spans. If it is nil, there are none.
	TracerProvider trace.TracerProvider
}

// Observer is an [smsplus.Observer] that records metrics and traces. It starts no goroutine, and
// is safe for concurrent use. Dispatchers of one process may share it.
type Observer struct {
	metrics *metrics // nil if there are none
	traces  *traces  // nil if there are none
}

// New returns an Observer. The error joins those of all metrics that the provider refused.
func New(c Config) (*Observer, error) {
	if c.MeterProvider == nil && c.TracerProvider == nil {
		return nil, errors.New("otel: Config has neither a MeterProvider nor a TracerProvider")
	}
	o := &Observer{}
	if c.MeterProvider != nil {
		m, err := newMetrics(c.MeterProvider.Meter(scope))
		if err != nil {
			return nil, err
		}
		o.metrics = m
	}
	if c.TracerProvider != nil {
		o.traces = newTraces(c.TracerProvider.Tracer(scope))
	}
	return o, nil
}

// Observe implements [smsplus.Observer].
func (o *Observer) Observe(ctx context.Context, e smsplus.Event) {
	if o.metrics != nil {
		o.metrics.recordEvent(ctx, e)
	}
	if o.traces != nil {
		o.traces.recordEvent(ctx, e)
	}
}
