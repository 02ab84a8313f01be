// Package otel observes a Dispatcher with OpenTelemetry: metrics with bounded labels, and traces
// that links hold together over hours. It is a module of its own, so that its dependencies reach
// only the applications that import it.
//
//	observer, err := otel.New(otel.Config{MeterProvider: meters, TracerProvider: tracers})
//	d, err := smsplus.New(smsplus.Config{Observer: observer, …})
//
// # Metrics
//
// Each is a counter, unless the table says something else. The labels are attributes with the
// prefix "smsplus.", such as smsplus.channel.
//
//	smsplus.messages.triggered         channel, template, scenario
//	smsplus.messages.ended             channel, template, scenario, status, reason
//	smsplus.messages.forwarded         from_channel, to_channel, template, reason
//	smsplus.messages.delivered_late    channel, template
//	smsplus.messages.delivered_twice   channel, template
//	smsplus.messages.unreadable
//	smsplus.message.delivery.duration  channel, template; histogram, since the trigger time
//	smsplus.attempts.tries             channel, template
//	smsplus.attempts.changed           channel, template, status, reason
//	smsplus.attempt.delivery.duration  channel, template; histogram, since the attempt's start
//	smsplus.claim.lag                  histogram
//	smsplus.unserved.lag               channel, template; histogram
//	smsplus.store.failures             op
//	smsplus.breaker.open               channel; gauge, 1 while the breaker is open
//	smsplus.provider.asks              channel
//	smsplus.provider.asks_failed       channel
//	smsplus.provider.recalls           channel, answer
//	smsplus.receipts.parked            channel
//	smsplus.receipts.ignored           channel, status
//	smsplus.receipts.unmatched         channel; gauge
//	smsplus.outcomes.published         template
//	smsplus.outcomes.failed            template
//	smsplus.outcomes.lag               histogram; since the outcome
//	smsplus.receipts.silent            channel; gauge, 1 while receipts have stopped
//	smsplus.listener.stops             channel
//	smsplus.template.suspects          channel, template
//	smsplus.template.short_waits       channel, template
//
// All times are seconds. A message whose status changes after its end, such as by a late delivery,
// counts as ended again with the new status. Package query counts each message once.
//
// No label is an ID, a number, a variable, a text, or the words of an error. The first 256
// templates and scenarios that this process sees are labels, and the first 64 channels, reasons
// and store methods. Every later one is the label "other". An SDK has a limit of its own for the
// combinations: 2000 for each metric, unless its reader says something else.
//
// The gauges are set by events. They have no value until the first event, and keep their last one:
// a channel whose unmatched receipts are all purged keeps its count until the process ends.
//
// The files grafana.json and alerts.yaml are a dashboard and rules for Prometheus, with the names
// that OpenTelemetry's exporters for Prometheus give these metrics.
//
// # Traces
//
// A message may take hours, so its spans have no common parent. Each is the root of a trace of its
// own:
//
//   - "smsplus.attempt" lasts from an attempt's first try to the first change of its status that
//     this process stores: usually the answer. Later tries are events of the span.
//   - "smsplus.attempt.changed" has no duration. It is any other change of an attempt, such as a
//     receipt.
//   - "smsplus.message.ended" has no duration. It is the end of a message.
//
// The links say what belongs together. An attribute of a link says to what it leads:
//
//   - send: the span in the context of Send or SendMany. Attempts and ends link to it, and changes
//     whose attempt is not known.
//   - attempt: the span of an attempt. Its changes link to it. An end links to all attempts.
//   - caller: the span in the context of a change or an end, such as that of a webhook's request.
//
// A process knows the latest 8192 messages that it triggered or sent, and no others. These links
// are lost when another process continues, after a restart, and once a message has been forgotten.
// Then a span has fewer links, or none. The attributes smsplus.message.id and smsplus.attempt.id
// still find all spans of a message. An attempt's span ends with the attribute smsplus.forgotten
// when its message is forgotten first. It ends with its message if another process stored the
// outcome. The span of an attempt that is open when the process ends is never exported.
//
// Spans have the machine's time, also if the Dispatcher has another clock.
//
// # Cost
//
// BenchmarkObserver measures the four events of a message that is delivered at once. On two cores,
// its metrics take 2 to 3 µs. Its spans take 10 to 18 µs if they are sampled.
package otel
