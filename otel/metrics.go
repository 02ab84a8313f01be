package otel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// seconds are the bounds of the histograms' buckets: from an answer to a day.
var seconds = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600}

// metrics counts events.
type metrics struct {
	channels, templates, scenarios, reasons, ops *label

	triggered, ended, forwarded, deliveredLate, deliveredTwice, unreadable metric.Int64Counter

	tries, changed, storeFailures, asks, asksFailed metric.Int64Counter

	parked, ignored, listenerStops, suspects, shortWaits metric.Int64Counter

	breakerOpen, unmatched metric.Int64Gauge

	messageDelivery, attemptDelivery, claimLag, unservedLag metric.Float64Histogram
}

// newMetrics makes all instruments. The error joins those of the meter.
func newMetrics(meter metric.Meter) (*metrics, error) {
	i := instruments{meter: meter}
	m := &metrics{
		channels:  newLabel(channelKey, maxNames),
		templates: newLabel(templateKey, maxTemplates),
		scenarios: newLabel(scenarioKey, maxTemplates),
		reasons:   newLabel(reasonKey, maxNames),
		ops:       newLabel(opKey, maxNames),

		triggered:       i.counter("smsplus.messages.triggered", "{message}", "Messages that were stored."),
		ended:           i.counter("smsplus.messages.ended", "{message}", "Messages that reached a final status."),
		forwarded:       i.counter("smsplus.messages.forwarded", "{message}", "Messages that left a step for the next one."),
		deliveredLate:   i.counter("smsplus.messages.delivered_late", "{message}", "Messages that an attempt delivered which had been given up."),
		deliveredTwice:  i.counter("smsplus.messages.delivered_twice", "{message}", "Messages that a second channel delivered too."),
		unreadable:      i.counter("smsplus.messages.unreadable", "{message}", "Reports of stored messages that cannot be read."),
		messageDelivery: i.histogram("smsplus.message.delivery.duration", "Time from the trigger to the delivery."),
		tries:           i.counter("smsplus.attempts.tries", "{try}", "Calls of channels, repeated ones included."),
		changed:         i.counter("smsplus.attempts.changed", "{attempt}", "Attempts that reached a status."),
		attemptDelivery: i.histogram("smsplus.attempt.delivery.duration", "Time from an attempt's start to its delivery."),
		claimLag:        i.histogram("smsplus.claim.lag", "How late the first message of each claim was."),
		unservedLag:     i.histogram("smsplus.unserved.lag", "How late messages were that this dispatcher cannot send, at each report."),
		storeFailures:   i.counter("smsplus.store.failures", "{call}", "Calls to the store that failed."),
		breakerOpen:     i.gauge("smsplus.breaker.open", "{breaker}", "1 while a channel's circuit breaker is open, or 0."),
		asks:            i.counter("smsplus.provider.asks", "{call}", "Questions to providers for the outcome of attempts."),
		asksFailed:      i.counter("smsplus.provider.asks_failed", "{call}", "Questions that a provider did not answer."),
		parked:          i.counter("smsplus.receipts.parked", "{receipt}", "Receipts that came before their message was known."),
		ignored:         i.counter("smsplus.receipts.ignored", "{receipt}", "Receipts that are no evidence."),
		unmatched:       i.gauge("smsplus.receipts.unmatched", "{receipt}", "Receipts that have been parked for an hour or longer."),
		listenerStops:   i.counter("smsplus.listener.stops", "{session}", "Sessions for receipts that ended."),
		suspects:        i.counter("smsplus.template.suspects", "{finding}", "Faults that New found in templates."),
		shortWaits:      i.counter("smsplus.template.short_waits", "{step}", "Steps whose wait ends while the provider still tries."),
	}
	return m, errors.Join(i.errs...)
}

// instruments makes the instruments of a meter, and keeps the errors.
type instruments struct {
	meter metric.Meter
	errs  []error
}

func (i *instruments) counter(name, unit, description string) metric.Int64Counter {
	c, err := i.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.errs = append(i.errs, err)
	return c
}

func (i *instruments) gauge(name, unit, description string) metric.Int64Gauge {
	g, err := i.meter.Int64Gauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.errs = append(i.errs, err)
	return g
}

func (i *instruments) histogram(name, description string) metric.Float64Histogram {
	h, err := i.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(seconds...))
	i.errs = append(i.errs, err)
	return h
}

// recordEvent counts an event.
func (m *metrics) recordEvent(ctx context.Context, e smsplus.Event) {
	switch e := e.(type) {
	case smsplus.Triggered:
		countOne(ctx, m.triggered, m.channel(e.Channel), m.templates.of(e.Template), m.scenarios.of(e.Scenario))
	case smsplus.AttemptStarted:
		countOne(ctx, m.tries, m.channel(e.Channel), m.templates.of(e.Template))
	case smsplus.AttemptChanged:
		where := []attribute.KeyValue{m.channel(e.Channel), m.templates.of(e.Template)}
		if e.To == status.Delivered {
			observeTime(ctx, m.attemptDelivery, e.Took, where...)
		}
		countOne(ctx, m.changed, append(where, statusOf(e.To), m.reason(e.Reason))...)
	case smsplus.Forwarded:
		countOne(ctx, m.forwarded, fromChannelKey.String(m.channels.boundValue(string(e.From))),
			toChannelKey.String(m.channels.boundValue(string(e.To))), m.templates.of(e.Template), m.reason(e.Reason))
	case smsplus.Ended:
		where := []attribute.KeyValue{m.channel(e.Channel), m.templates.of(e.Template)}
		if e.Status == status.Delivered {
			observeTime(ctx, m.messageDelivery, e.Took, where...)
		}
		countOne(ctx, m.ended, append(where, m.scenarios.of(e.Scenario), statusOf(e.Status), m.reason(e.Reason))...)
	case smsplus.ReceiptLate:
		where := []attribute.KeyValue{m.channel(e.Channel), m.templates.of(e.Template)}
		countOne(ctx, m.deliveredLate, where...)
		if e.DeliveredTwice {
			countOne(ctx, m.deliveredTwice, where...)
		}
	default:
		m.recordFault(ctx, e)
	}
}

// recordFault counts an event that is about no message's progress.
func (m *metrics) recordFault(ctx context.Context, e smsplus.Event) {
	switch e := e.(type) {
	case smsplus.ReceiptParked:
		countOne(ctx, m.parked, m.channel(e.Ref.Channel))
	case smsplus.ReceiptsUnmatched:
		m.unmatched.Record(ctx, int64(e.Count), metric.WithAttributes(m.channel(e.Channel)))
	case smsplus.ReceiptIgnored:
		countOne(ctx, m.ignored, m.channel(e.Ref.Channel), statusOf(e.Status))
	case smsplus.StoreFailed:
		countOne(ctx, m.storeFailures, m.ops.of(e.Op))
	case smsplus.Lag:
		observeTime(ctx, m.claimLag, e.Behind)
	case smsplus.WaitTooShort:
		countOne(ctx, m.shortWaits, m.channel(e.Channel), m.templates.of(e.Template))
	case smsplus.TemplateSuspect:
		countOne(ctx, m.suspects, m.channel(e.Channel), m.templates.of(e.Template))
	case smsplus.Unserved:
		observeTime(ctx, m.unservedLag, e.Behind, m.channel(e.Channel), m.templates.of(e.Template))
	case smsplus.MessageUnreadable:
		countOne(ctx, m.unreadable)
	case smsplus.BreakerChanged:
		open := int64(0)
		if e.Open {
			open = 1
		}
		m.breakerOpen.Record(ctx, open, metric.WithAttributes(m.channel(e.Channel)))
	case smsplus.ProviderAsked:
		countOne(ctx, m.asks, m.channel(e.Channel))
		if e.Err != nil {
			countOne(ctx, m.asksFailed, m.channel(e.Channel))
		}
	case smsplus.ListenerStopped:
		countOne(ctx, m.listenerStops, m.channel(e.Channel))
	}
}

func (m *metrics) channel(name channel.Name) attribute.KeyValue { return m.channels.of(string(name)) }

func (m *metrics) reason(r status.Reason) attribute.KeyValue { return m.reasons.of(string(r)) }

func countOne(ctx context.Context, c metric.Int64Counter, where ...attribute.KeyValue) {
	c.Add(ctx, 1, metric.WithAttributes(where...))
}

func observeTime(ctx context.Context, h metric.Float64Histogram, took time.Duration, where ...attribute.KeyValue) {
	h.Record(ctx, took.Seconds(), metric.WithAttributes(where...))
}
