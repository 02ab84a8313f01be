package otel

import (
	"cmp"
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// seconds are the bounds of the histograms' buckets: from an answer to a day.
var seconds = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600}

// metrics counts events. The values of each metric's labels are in the order of newMetrics.
type metrics struct {
	triggered, ended, forwarded, deliveredLate, deliveredTwice, unreadable counter

	tries, changed, storeFailures, asks, asksFailed, recalls counter

	parked, ignored, listenerStops, suspects, shortWaits counter

	published, publishFailed counter

	breakerOpen, silent, unmatched gauge

	messageDelivery, attemptDelivery, claimLag, unservedLag, publishLag histogram
}

// newMetrics makes all instruments. The error joins those of the meter.
func newMetrics(meter metric.Meter) (*metrics, error) {
	i := instruments{meter: meter}
	var (
		ch       = newLabel(channelKey, maxNames)
		from     = newLabel(fromChannelKey, maxNames)
		to       = newLabel(toChannelKey, maxNames)
		template = newLabel(templateKey, maxTemplates)
		scenario = newLabel(scenarioKey, maxTemplates)
		reached  = newLabel(statusKey, maxNames)
		reason   = newLabel(reasonKey, maxNames)
		op       = newLabel(opKey, maxNames)
		answer   = newLabel(answerKey, maxNames)
	)
	m := &metrics{
		triggered:       i.counter("smsplus.messages.triggered", "{message}", "Messages that were stored.", ch, template, scenario),
		ended:           i.counter("smsplus.messages.ended", "{message}", "Messages that reached a final status.", ch, template, scenario, reached, reason),
		forwarded:       i.counter("smsplus.messages.forwarded", "{message}", "Messages that left a step for the next one.", from, to, template, reason),
		deliveredLate:   i.counter("smsplus.messages.delivered_late", "{message}", "Messages that an attempt delivered which had been given up.", ch, template),
		deliveredTwice:  i.counter("smsplus.messages.delivered_twice", "{message}", "Messages that a second channel delivered too.", ch, template),
		unreadable:      i.counter("smsplus.messages.unreadable", "{message}", "Reports of stored messages that cannot be read."),
		messageDelivery: i.histogram("smsplus.message.delivery.duration", "Time from the trigger to the delivery.", ch, template),
		tries:           i.counter("smsplus.attempts.tries", "{try}", "Calls of channels, repeated ones included.", ch, template),
		changed:         i.counter("smsplus.attempts.changed", "{attempt}", "Attempts that reached a status.", ch, template, reached, reason),
		attemptDelivery: i.histogram("smsplus.attempt.delivery.duration", "Time from an attempt's start to its delivery.", ch, template),
		claimLag:        i.histogram("smsplus.claim.lag", "How late the first message of each claim was."),
		unservedLag:     i.histogram("smsplus.unserved.lag", "How late messages were that this dispatcher cannot send, at each report.", ch, template),
		storeFailures:   i.counter("smsplus.store.failures", "{call}", "Calls to the store that failed.", op),
		breakerOpen:     i.gauge("smsplus.breaker.open", "{breaker}", "1 while a channel's circuit breaker is open, or 0.", ch),
		asks:            i.counter("smsplus.provider.asks", "{call}", "Questions to providers for the outcome of attempts.", ch),
		recalls:         i.counter("smsplus.provider.recalls", "{call}", "Attempts that a provider was to take back, by its answer.", ch, answer),
		asksFailed:      i.counter("smsplus.provider.asks_failed", "{call}", "Questions that a provider did not answer.", ch),
		parked:          i.counter("smsplus.receipts.parked", "{receipt}", "Receipts that came before their message was known.", ch),
		ignored:         i.counter("smsplus.receipts.ignored", "{receipt}", "Receipts that are no evidence.", ch, reached),
		unmatched:       i.gauge("smsplus.receipts.unmatched", "{receipt}", "Receipts that have been parked for an hour or longer.", ch),
		published:       i.counter("smsplus.outcomes.published", "{outcome}", "Outcomes that the application took.", template),
		publishFailed:   i.counter("smsplus.outcomes.failed", "{call}", "Calls in which the application did not take an outcome.", template),
		publishLag:      i.histogram("smsplus.outcomes.lag", "Time from an outcome to each call in which the application was to take it."),
		silent:          i.gauge("smsplus.receipts.silent", "{channel}", "1 while the receipts of a channel have stopped, or 0.", ch),
		listenerStops:   i.counter("smsplus.listener.stops", "{session}", "Sessions for receipts that ended.", ch),
		suspects:        i.counter("smsplus.template.suspects", "{finding}", "Faults that New found in templates.", ch, template),
		shortWaits:      i.counter("smsplus.template.short_waits", "{step}", "Steps whose wait ends while the provider still tries.", ch, template),
	}
	return m, errors.Join(i.errs...)
}

// instruments makes the instruments of a meter, and keeps the errors.
type instruments struct {
	meter metric.Meter
	errs  []error
}

func (i *instruments) counter(name, unit, description string, labels ...*label) counter {
	c, err := i.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.errs = append(i.errs, err)
	return counter{c, newPoints(labels)}
}

func (i *instruments) gauge(name, unit, description string, labels ...*label) gauge {
	g, err := i.meter.Int64Gauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.errs = append(i.errs, err)
	return gauge{g, newPoints(labels)}
}

func (i *instruments) histogram(name, description string, labels ...*label) histogram {
	h, err := i.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(seconds...))
	i.errs = append(i.errs, err)
	return histogram{h, newPoints(labels)}
}

// recordEvent counts an event.
func (m *metrics) recordEvent(ctx context.Context, e smsplus.Event) {
	switch e := e.(type) {
	case smsplus.Triggered:
		m.triggered.addOne(ctx, string(e.Channel), e.Template, e.Scenario)
	case smsplus.AttemptStarted:
		m.tries.addOne(ctx, string(e.Channel), e.Template)
	case smsplus.AttemptChanged:
		m.changed.addOne(ctx, string(e.Channel), e.Template, e.To.String(), string(e.Reason))
		if e.To == status.Delivered {
			m.attemptDelivery.addTime(ctx, e.Took, string(e.Channel), e.Template)
		}
	case smsplus.Forwarded:
		m.forwarded.addOne(ctx, string(e.From), string(e.To), e.Template, string(e.Reason))
	case smsplus.Ended:
		m.ended.addOne(ctx, string(e.Channel), e.Template, e.Scenario, e.Status.String(), string(e.Reason))
		if e.Status == status.Delivered {
			m.messageDelivery.addTime(ctx, e.Took, string(e.Channel), e.Template)
		}
	case smsplus.ReceiptLate:
		m.deliveredLate.addOne(ctx, string(e.Channel), e.Template)
		if e.DeliveredTwice {
			m.deliveredTwice.addOne(ctx, string(e.Channel), e.Template)
		}
	default:
		m.recordFault(ctx, e)
	}
}

// recordFault counts an event that is about no message's progress.
func (m *metrics) recordFault(ctx context.Context, e smsplus.Event) {
	switch e := e.(type) {
	case smsplus.ReceiptParked:
		m.parked.addOne(ctx, string(e.Ref.Channel))
	case smsplus.ReceiptsUnmatched:
		m.unmatched.setTo(ctx, e.Count, string(e.Channel))
	case smsplus.ReceiptIgnored:
		m.ignored.addOne(ctx, string(e.Ref.Channel), e.Status.String())
	case smsplus.StoreFailed:
		m.storeFailures.addOne(ctx, e.Op)
	case smsplus.Lag:
		m.claimLag.addTime(ctx, e.Behind)
	case smsplus.WaitTooShort:
		m.shortWaits.addOne(ctx, string(e.Channel), e.Template)
	case smsplus.TemplateSuspect:
		m.suspects.addOne(ctx, string(e.Channel), e.Template)
	case smsplus.Unserved:
		m.unservedLag.addTime(ctx, e.Behind, string(e.Channel), e.Template)
	case smsplus.MessageUnreadable:
		m.unreadable.addOne(ctx)
	case smsplus.BreakerChanged:
		open := 0
		if e.Open {
			open = 1
		}
		m.breakerOpen.setTo(ctx, open, string(e.Channel))
	case smsplus.ProviderAsked:
		m.asks.addOne(ctx, string(e.Channel))
		if e.Err != nil {
			m.asksFailed.addOne(ctx, string(e.Channel))
		}
	case smsplus.OutcomePublished:
		m.publishLag.addTime(ctx, e.Behind)
		if e.Err != nil {
			m.publishFailed.addOne(ctx, e.Template)
		} else {
			m.published.addOne(ctx, e.Template)
		}
	case smsplus.AttemptRecalled:
		m.recalls.addOne(ctx, string(e.Channel), cmp.Or(e.Answer.String(), "failed"))
	case smsplus.SilenceChanged:
		silent := 0
		if e.Silent {
			silent = 1
		}
		m.silent.setTo(ctx, silent, string(e.Channel))
	case smsplus.ListenerStopped:
		m.listenerStops.addOne(ctx, string(e.Channel))
	}
}
