package otel_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/otel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
	"github.com/smsplus/smsplus-go/status"
)

func TestObserver_CountsAMessageWithFallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates, Observer: w})
	day.Script(channel.LINENotify, simulated.NoMatch)
	day.Script(channel.SMS, simulated.DeliveredLater)
	id := day.Send(newTrigger(t))
	day.Advance(2*time.Minute + 2*time.Second)
	require.Equal(t, status.Delivered, day.Message(id).Status)

	got := w.metrics(t)
	line, sms := attribute.String("smsplus.channel", "line_notify"), attribute.String("smsplus.channel", "sms")
	otp, login := attribute.String("smsplus.template", "otp"), attribute.String("smsplus.scenario", "login")
	to := func(s string) attribute.KeyValue { return attribute.String("smsplus.status", s) }
	because := func(r string) attribute.KeyValue { return attribute.String("smsplus.reason", r) }
	for name, want := range map[string][]metricdata.DataPoint[int64]{
		"smsplus.messages.triggered": {one(line, otp, login)},
		"smsplus.attempts.tries":     {one(line, otp), one(sms, otp)},
		"smsplus.attempts.changed": {
			one(line, otp, to("undeliverable"), because("no_match")),
			one(sms, otp, to("accepted"), because("")), one(sms, otp, to("delivered"), because("")),
		},
		"smsplus.messages.forwarded": {one(attribute.String("smsplus.from_channel", "line_notify"),
			attribute.String("smsplus.to_channel", "sms"), otp, because("no_match"))},
		"smsplus.messages.ended": {one(sms, otp, login, to("delivered"), because(""))},
	} {
		metricdatatest.AssertAggregationsEqual(t, metricdata.Sum[int64]{
			DataPoints: want, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
		}, got[name].Data, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	}
	require.InDelta(t, 122, histogram(t, got["smsplus.message.delivery.duration"]).Sum, 0.001)
	require.InDelta(t, 2, histogram(t, got["smsplus.attempt.delivery.duration"]).Sum, 0.001)
	require.Equal(t, "s", got["smsplus.message.delivery.duration"].Unit)
	require.Equal(t, "{message}", got["smsplus.messages.ended"].Unit)
}

// one is a data point of one event.
func one(where ...attribute.KeyValue) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(where...), Value: 1}
}

// histogram returns a metric's only data point.
func histogram(t *testing.T, m metricdata.Metrics) metricdata.HistogramDataPoint[float64] {
	t.Helper()
	data, ok := m.Data.(metricdata.Histogram[float64])
	require.True(t, ok, "%s is %T", m.Name, m.Data)
	require.Len(t, data.DataPoints, 1)
	return data.DataPoints[0]
}

func TestObserver_GaugesFollowEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sms := attribute.NewSet(attribute.String("smsplus.channel", "sms"))
	for _, open := range []bool{true, false} {
		w.Observe(t.Context(), smsplus.BreakerChanged{Channel: channel.SMS, Open: open})
		want := int64(0)
		if open {
			want = 1
		}
		metricdatatest.AssertAggregationsEqual(t,
			metricdata.Gauge[int64]{DataPoints: []metricdata.DataPoint[int64]{{Attributes: sms, Value: want}}},
			w.metrics(t)["smsplus.breaker.open"].Data, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	}
}

func TestObserver_NoLabelHoldsAPersonalValueOrAnID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates, Observer: w})
	day.Script(channel.SMS, simulated.DeliveredLater)
	id := day.Send(newTrigger(t))
	day.Advance(time.Hour)
	for _, e := range everyEvent() {
		w.Observe(t.Context(), e)
	}
	known := []string{
		"", "otp", "login", "line_notify", "sms", "Update",
		"preparing", "accepted", "delivered", "undeliverable", "no_match", "no_receipt", "failed",
	}
	for name, set := range w.labels(t) {
		for _, label := range set {
			value := label.Value.AsString()
			require.Contains(t, known, value, "%s: %s", name, label.Key)
			for _, personal := range []string{number, number[1:], code, words, id.String()} {
				require.NotContains(t, value, personal)
			}
		}
	}
	for _, span := range w.spans.Ended() {
		text := fmt.Sprint(span.Attributes(), span.Events(), span.Status())
		for _, personal := range []string{number, number[1:], code, words} {
			require.NotContains(t, text, personal)
		}
	}
}

// labels returns the labels of all data points, by the metric's name.
func (w *world) labels(t *testing.T) map[string][]attribute.KeyValue {
	t.Helper()
	all := map[string][]attribute.KeyValue{}
	for name, m := range w.metrics(t) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				all[name] = append(all[name], p.Attributes.ToSlice()...)
			}
		case metricdata.Gauge[int64]:
			for _, p := range data.DataPoints {
				all[name] = append(all[name], p.Attributes.ToSlice()...)
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				all[name] = append(all[name], p.Attributes.ToSlice()...)
			}
		default:
			require.Fail(t, "a metric of an unknown kind", "%s is %T", name, data)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func TestObserver_LabelsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		for i := range 1000 {
			w.Observe(t.Context(), smsplus.Ended{
				Template: fmt.Sprint("template ", i), Scenario: fmt.Sprint("scenario ", i),
				Channel: channel.Name(fmt.Sprint("channel ", i)), Reason: status.Reason(fmt.Sprint("reason ", i)),
			})
		}
	}
	values := map[attribute.Key]map[string]bool{}
	for _, set := range w.labels(t) {
		for _, label := range set {
			if values[label.Key] == nil {
				values[label.Key] = map[string]bool{}
			}
			values[label.Key][label.Value.AsString()] = true
		}
	}
	for key, limit := range map[attribute.Key]int{
		"smsplus.template": 256, "smsplus.scenario": 256, "smsplus.channel": 64, "smsplus.reason": 64,
	} {
		require.Len(t, values[key], limit+1, key) // and "other"
		require.True(t, values[key]["other"], key)
	}
}

func TestObserver_HandlesEveryEvent(t *testing.T) {
	t.Parallel()
	events := map[string]bool{}
	for _, decl := range parse(t, "../smsplus/observer.go").Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "event" && f.Recv != nil {
			events[f.Recv.List[0].Type.(*ast.Ident).Name] = true
		}
	}
	require.Greater(t, len(events), 15)

	handled, made := map[string]bool{}, map[string]bool{}
	ast.Inspect(parse(t, "metrics.go"), func(n ast.Node) bool {
		if c, ok := n.(*ast.CaseClause); ok {
			for _, e := range c.List {
				handled[e.(*ast.SelectorExpr).Sel.Name] = true
			}
		}
		return true
	})
	for _, e := range everyEvent() {
		made[reflect.TypeOf(e).Name()] = true
	}
	require.Equal(t, events, handled, "the metrics count every event")
	require.Equal(t, events, made, "everyEvent has every event")
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	return file
}

func TestObserver_EveryEventIsRecorded(t *testing.T) {
	t.Parallel()
	for _, e := range everyEvent() {
		w := newWorld(t)
		w.Observe(t.Context(), e)
		require.NotEmpty(t, w.metrics(t), "%T", e)
	}
}

func TestDoc_ListsEveryMetric(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, e := range everyEvent() {
		w.Observe(t.Context(), e)
	}
	documented := map[string][]string{}
	for line := range strings.Lines(parse(t, "doc.go").Doc.Text()) {
		if name, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(line, "\tsmsplus.") {
			labels, _, _ := strings.Cut(rest, ";")
			documented[name] = []string{}
			for label := range strings.SplitSeq(labels, ",") {
				if label = strings.TrimSpace(label); label != "" && label != "histogram" {
					documented[name] = append(documented[name], "smsplus."+label)
				}
			}
		}
	}
	names, labels := []string{}, w.labels(t)
	for name := range w.metrics(t) {
		names = append(names, name)
		require.Contains(t, documented, name)
		keys := []string{}
		for _, label := range labels[name] {
			keys = append(keys, string(label.Key))
		}
		require.ElementsMatch(t, documented[name], keys, name)
	}
	require.Len(t, documented, len(names))
}

func TestObserver_IsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				for _, e := range everyEvent() {
					w.Observe(t.Context(), e)
				}
			}
		})
	}
	group.Wait()
	data, ok := w.metrics(t)["smsplus.messages.unreadable"].Data.(metricdata.Sum[int64])
	require.True(t, ok)
	require.Equal(t, int64(8*50), data.DataPoints[0].Value)
}

func TestNew_WantsAProvider(t *testing.T) {
	t.Parallel()
	_, err := otel.New(otel.Config{})
	require.ErrorContains(t, err, "neither a MeterProvider nor a TracerProvider")
}

func TestNew_JoinsErrors(t *testing.T) {
	t.Parallel()
	_, err := otel.New(otel.Config{MeterProvider: refusing{}})
	require.ErrorContains(t, err, "no counter smsplus.messages.ended")
	require.ErrorContains(t, err, "no counter smsplus.store.failures")
}

// refusing is a provider whose meter makes no counters.
type refusing struct{ noop.MeterProvider }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

type refusingMeter struct{ noop.Meter }

func (refusingMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, fmt.Errorf("no counter %s", name)
}

// BenchmarkObserver measures the events of a message that is delivered at once. The traces are
// sampled, and exported nowhere.
func BenchmarkObserver(b *testing.B) {
	for name, c := range map[string]otel.Config{
		"metrics": {MeterProvider: newWorld(b).meters},
		"traces":  {TracerProvider: sdktrace.NewTracerProvider()},
	} {
		o, err := otel.New(c)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				message, attempt := uuid.New(), uuid.New()
				o.Observe(b.Context(), smsplus.Triggered{Message: message, Template: "otp", Scenario: "login", Channel: channel.SMS})
				o.Observe(b.Context(), smsplus.AttemptStarted{Message: message, Attempt: attempt, Template: "otp", Channel: channel.SMS, Try: 1})
				o.Observe(b.Context(), smsplus.AttemptChanged{Message: message, Attempt: attempt, Template: "otp", Channel: channel.SMS, To: status.Delivered})
				o.Observe(b.Context(), smsplus.Ended{Message: message, Template: "otp", Scenario: "login", Channel: channel.SMS, Status: status.Delivered})
			}
		})
	}
}
