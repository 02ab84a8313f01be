package otel_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
	"github.com/smsplus/smsplus-go/status"
)

func TestObserver_LinksTheSpansOfAMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates, Observer: w})
	day.Script(channel.LINENotify, simulated.NoMatch)
	day.Script(channel.SMS, simulated.DeliveredLater)
	ctx, send := w.tracers.Tracer("app").Start(t.Context(), "checkout")
	id, err := day.Dispatcher.Send(ctx, newTrigger(t))
	require.NoError(t, err)
	send.End()
	day.Advance(2*time.Minute + 2*time.Second)

	attempts, changes, ends := w.named("smsplus.attempt"), w.named("smsplus.attempt.changed"), w.named("smsplus.message.ended")
	require.Len(t, attempts, 2)
	require.Len(t, changes, 1)
	require.Len(t, ends, 1)
	toSend := link{"send", send.SpanContext().SpanID()}
	toAttempts := []link{{"attempt", attempts[0].SpanContext().SpanID()}, {"attempt", attempts[1].SpanContext().SpanID()}}
	require.Equal(t, []link{toSend}, linksOf(attempts[0]))
	require.Equal(t, []link{toSend}, linksOf(attempts[1]))
	require.Equal(t, []link{toAttempts[1]}, linksOf(changes[0]))
	require.Equal(t, []link{toSend, toAttempts[0], toAttempts[1]}, linksOf(ends[0]))

	traces := map[trace.TraceID]bool{send.SpanContext().TraceID(): true}
	for _, span := range w.spans.Ended()[1:] {
		require.False(t, span.Parent().IsValid(), span.Name())
		require.Contains(t, span.Attributes(), attribute.String("smsplus.message.id", id.String()))
		traces[span.SpanContext().TraceID()] = true
	}
	require.Len(t, traces, 5, "each span has a trace of its own")
	require.Contains(t, attempts[0].Attributes(), attribute.String("smsplus.reason", "no_match"))
	require.Contains(t, attempts[1].Attributes(), attribute.String("smsplus.status", "accepted"))
	require.Contains(t, changes[0].Attributes(), attribute.String("smsplus.attempt.id", smsplus.AttemptID(id, 1).String()))
	require.Contains(t, ends[0].Attributes(), attribute.String("smsplus.status", "delivered"))
}

// link is where a link of a span leads.
type link struct {
	what string
	to   trace.SpanID
}

func linksOf(span sdktrace.ReadOnlySpan) []link {
	var all []link
	for _, l := range span.Links() {
		all = append(all, link{l.Attributes[0].Value.AsString(), l.SpanContext.SpanID()})
	}
	return all
}

// named returns the spans of a name that have ended, in their order.
func (w *world) named(name string) []sdktrace.ReadOnlySpan {
	var all []sdktrace.ReadOnlySpan
	for _, span := range w.spans.Ended() {
		if span.Name() == name {
			all = append(all, span)
		}
	}
	return all
}

func TestObserver_TriesAreEventsOfTheAttemptsSpan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates, Observer: w})
	day.Script(channel.LINENotify, simulated.FlakyTwice)
	day.Send(newTrigger(t))
	day.Advance(time.Minute)
	attempts := w.named("smsplus.attempt")
	require.Len(t, attempts, 1)
	require.Len(t, attempts[0].Events(), 2)
	require.Contains(t, attempts[0].Events()[1].Attributes, attribute.Int("smsplus.try", 3))
}

func TestObserver_FailedAttemptIsAnErrorWithItsReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message, attempt := uuid.New(), uuid.New()
	w.Observe(t.Context(), smsplus.AttemptStarted{Message: message, Attempt: attempt})
	w.Observe(t.Context(), smsplus.AttemptChanged{Message: message, Attempt: attempt, To: status.Failed, Reason: status.Authorization})
	require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "authorization"}, w.named("smsplus.attempt")[0].Status())
}

func TestObserver_ReceiptOfAnUnknownMessageLinksToTheCallerOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, webhook := w.tracers.Tracer("app").Start(t.Context(), "POST /receipts")
	w.Observe(ctx, smsplus.AttemptChanged{Message: uuid.New(), Attempt: uuid.New(), From: status.Accepted, To: status.Delivered})
	require.Equal(t, []link{{"caller", webhook.SpanContext().SpanID()}}, linksOf(w.named("smsplus.attempt.changed")[0]))
}

// An outcome that another process stored ends the span too.
func TestObserver_EndOfAMessageEndsItsAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message := uuid.New()
	w.Observe(t.Context(), smsplus.AttemptStarted{Message: message, Attempt: uuid.New()})
	require.Empty(t, w.spans.Ended())
	w.Observe(t.Context(), smsplus.Ended{Message: message, Status: status.Delivered})
	require.Len(t, w.named("smsplus.attempt"), 1)
}

func TestObserver_ForgetsTheMessageThatWasSilentLongest(t *testing.T) {
	t.Parallel()
	const remembered = 8192
	w := newWorld(t)
	ctx, send := w.tracers.Tracer("app").Start(t.Context(), "checkout")
	first, second := uuid.New(), uuid.New()
	for _, id := range []uuid.UUID{first, second} {
		w.Observe(ctx, smsplus.Triggered{Message: id})
		w.Observe(ctx, smsplus.AttemptStarted{Message: id, Attempt: id})
	}
	fill(ctx, w, remembered-2)
	w.Observe(ctx, smsplus.AttemptStarted{Message: first, Attempt: first, Try: 2})
	require.Empty(t, w.named("smsplus.attempt"))

	fill(ctx, w, 1)
	forgotten := w.named("smsplus.attempt")
	require.Len(t, forgotten, 1)
	require.Contains(t, forgotten[0].Attributes(), attribute.String("smsplus.message.id", second.String()))
	require.Contains(t, forgotten[0].Attributes(), attribute.Bool("smsplus.forgotten", true))
	w.Observe(t.Context(), smsplus.Ended{Message: second})
	w.Observe(t.Context(), smsplus.Ended{Message: first})
	ends := w.named("smsplus.message.ended")
	require.Empty(t, linksOf(ends[0]))
	require.Contains(t, linksOf(ends[1]), link{"send", send.SpanContext().SpanID()})
}

// fill triggers messages.
func fill(ctx context.Context, w *world, n int) {
	for range n {
		w.Observe(ctx, smsplus.Triggered{Message: uuid.New()})
	}
}
