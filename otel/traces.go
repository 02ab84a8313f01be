package otel

import (
	"container/list"
	"context"
	"sync"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// remembered is how many messages keep their spans' contexts for links.
const remembered = 8192

// Attributes of spans and links only: IDs are no labels.
const (
	messageIDKey = attribute.Key("smsplus.message.id")
	attemptIDKey = attribute.Key("smsplus.attempt.id")
	tryKey       = attribute.Key("smsplus.try")
	forgottenKey = attribute.Key("smsplus.forgotten")
	linkKey      = attribute.Key("smsplus.link")
)

// traces makes spans of events. Spans start and end outside the lock, because a processor may be
// slow.
type traces struct {
	tracer trace.Tracer
	limit  int

	mu       sync.Mutex
	messages map[uuid.UUID]*list.Element // of recent
	recent   list.List                   // of *tracedMessage, the latest first
}

// tracedMessage is what a process knows of a message's spans.
type tracedMessage struct {
	id       uuid.UUID
	send     trace.SpanContext // invalid if it is not known
	attempts []tracedAttempt
}

// tracedAttempt is an attempt's span.
type tracedAttempt struct {
	id      uuid.UUID
	context trace.SpanContext
	span    trace.Span // nil once it has ended
}

func newTraces(tracer trace.Tracer) *traces {
	return &traces{tracer: tracer, limit: remembered, messages: map[uuid.UUID]*list.Element{}}
}

// recordEvent makes the spans of an event. The metrics count the others.
func (t *traces) recordEvent(ctx context.Context, e smsplus.Event) {
	switch e := e.(type) {
	case smsplus.Triggered:
		t.rememberSend(ctx, e)
	case smsplus.AttemptStarted:
		t.startAttempt(ctx, e)
	case smsplus.AttemptChanged:
		t.changeAttempt(ctx, e)
	case smsplus.Ended:
		t.endMessage(ctx, e)
	}
}

func (t *traces) rememberSend(ctx context.Context, e smsplus.Triggered) {
	send := trace.SpanContextFromContext(ctx)
	if !send.IsValid() {
		return
	}
	t.mu.Lock()
	m, forgotten := t.rememberMessage(e.Message)
	m.send = send
	t.mu.Unlock()
	endForgotten(forgotten)
}

// startAttempt starts an attempt's span, or adds a try to it.
func (t *traces) startAttempt(ctx context.Context, e smsplus.AttemptStarted) {
	t.mu.Lock()
	m, forgotten := t.rememberMessage(e.Message)
	var open trace.Span
	if a := m.attempt(e.Attempt); a != nil {
		open = a.span
	}
	send := m.send
	t.mu.Unlock()
	endForgotten(forgotten)
	if open != nil {
		open.AddEvent("smsplus.try", trace.WithAttributes(tryKey.Int(e.Try)))
		return
	}
	_, span := t.tracer.Start(ctx, "smsplus.attempt", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithLinks(appendLink(nil, send, "send")...),
		trace.WithAttributes(messageIDKey.String(e.Message.String()), attemptIDKey.String(e.Attempt.String()),
			templateKey.String(e.Template), channelKey.String(string(e.Channel)), tryKey.Int(e.Try)))
	t.mu.Lock()
	m, forgotten = t.rememberMessage(e.Message)
	m.keepAttempt(tracedAttempt{e.Attempt, span.SpanContext(), span})
	t.mu.Unlock()
	endForgotten(forgotten)
}

// changeAttempt ends the attempt's span, or makes a span of a later change.
func (t *traces) changeAttempt(ctx context.Context, e smsplus.AttemptChanged) {
	var open trace.Span
	var send, attempt trace.SpanContext
	t.mu.Lock()
	if m := t.known(e.Message); m != nil {
		send = m.send
		if a := m.attempt(e.Attempt); a != nil {
			attempt = a.context
			open, a.span = a.span, nil
		}
	}
	t.mu.Unlock()
	if open == nil {
		var links []trace.Link
		if attempt.IsValid() {
			links = appendLink(links, attempt, "attempt")
		} else {
			links = appendLink(links, send, "send")
		}
		links = appendLink(links, trace.SpanContextFromContext(ctx), "caller")
		_, open = t.tracer.Start(ctx, "smsplus.attempt.changed", trace.WithNewRoot(), trace.WithLinks(links...),
			trace.WithAttributes(messageIDKey.String(e.Message.String()), attemptIDKey.String(e.Attempt.String()),
				templateKey.String(e.Template), channelKey.String(string(e.Channel))))
	}
	setOutcome(open, e.To, e.Reason)
	open.End()
}

// endMessage makes the span of a message's end. It ends the spans of attempts whose outcome
// another process stored.
func (t *traces) endMessage(ctx context.Context, e smsplus.Ended) {
	var links []trace.Link
	var open []trace.Span
	t.mu.Lock()
	if m := t.known(e.Message); m != nil {
		links = appendLink(links, m.send, "send")
		for _, a := range m.attempts {
			links = appendLink(links, a.context, "attempt")
		}
		open = m.takeOpen()
	}
	t.mu.Unlock()
	for _, span := range open {
		span.End()
	}
	links = appendLink(links, trace.SpanContextFromContext(ctx), "caller")
	_, span := t.tracer.Start(ctx, "smsplus.message.ended", trace.WithNewRoot(), trace.WithLinks(links...),
		trace.WithAttributes(messageIDKey.String(e.Message.String()), templateKey.String(e.Template),
			scenarioKey.String(e.Scenario), channelKey.String(string(e.Channel))))
	setOutcome(span, e.Status, e.Reason)
	span.End()
}

// setOutcome marks a span as an error if someone must look.
func setOutcome(span trace.Span, s status.Status, r status.Reason) {
	span.SetAttributes(statusKey.String(s.String()), reasonKey.String(string(r)))
	if s == status.Failed {
		span.SetStatus(codes.Error, string(r))
	}
}

// endForgotten ends the spans of a message that made way for another one.
func endForgotten(open []trace.Span) {
	for _, span := range open {
		span.SetAttributes(forgottenKey.Bool(true))
		span.End()
	}
}

func appendLink(links []trace.Link, to trace.SpanContext, what string) []trace.Link {
	if !to.IsValid() {
		return links
	}
	return append(links, trace.Link{SpanContext: to, Attributes: []attribute.KeyValue{linkKey.String(what)}})
}

// known returns a message, or nil if it is not remembered. The caller holds mu.
func (t *traces) known(id uuid.UUID) *tracedMessage {
	e := t.messages[id]
	if e == nil {
		return nil
	}
	t.recent.MoveToFront(e)
	return e.Value.(*tracedMessage)
}

// rememberMessage returns a message, and the open spans of the one that is forgotten for it. The caller
// holds mu, and ends the spans without it.
func (t *traces) rememberMessage(id uuid.UUID) (*tracedMessage, []trace.Span) {
	if m := t.known(id); m != nil {
		return m, nil
	}
	m := &tracedMessage{id: id}
	t.messages[id] = t.recent.PushFront(m)
	if t.recent.Len() <= t.limit {
		return m, nil
	}
	oldest := t.recent.Remove(t.recent.Back()).(*tracedMessage)
	delete(t.messages, oldest.id)
	return m, oldest.takeOpen()
}

// attempt returns the attempt, or nil if it is not known.
func (m *tracedMessage) attempt(id uuid.UUID) *tracedAttempt {
	for i := range m.attempts {
		if m.attempts[i].id == id {
			return &m.attempts[i]
		}
	}
	return nil
}

// keepAttempt adds the attempt, or replaces its span.
func (m *tracedMessage) keepAttempt(a tracedAttempt) {
	if known := m.attempt(a.id); known != nil {
		*known = a
		return
	}
	m.attempts = append(m.attempts, a)
}

// takeOpen returns the open spans, which then belong to the caller.
func (m *tracedMessage) takeOpen() []trace.Span {
	var open []trace.Span
	for i := range m.attempts {
		if span := m.attempts[i].span; span != nil {
			open = append(open, span)
			m.attempts[i].span = nil
		}
	}
	return open
}
