// Package collector_test sends what package otel records to parts of OpenTelemetry that
// services have behind it: spans to the Collector's OTLP receiver, and metrics to the exporter
// for Prometheus. It is a module of its own for their dependencies.
package collector_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/otel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
)

// sendWithFallback sends a message that the second channel delivers, and returns its texts that
// nothing may show.
func sendWithFallback(ctx context.Context, t *testing.T, c otel.Config) (private []string) {
	t.Helper()
	observer, err := otel.New(c)
	require.NoError(t, err)
	day := smsplustest.NewDay(t, smsplus.Config{Observer: observer, Templates: []smsplus.Template{{
		ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
			{Channel: channel.LINEPush, Content: channel.Text("{{code}}")},
			{Channel: channel.SMS, Content: channel.Text("{{code}}")},
		},
	}}})
	day.Script(channel.LINEPush, simulated.NoContact)
	day.Script(channel.SMS, simulated.Delivered)
	to := simulated.Number(0, 0, 0)
	_, err = day.Dispatcher.Send(ctx, smsplus.Trigger{
		Template: "otp", Vars: map[string]string{"code": "498172"}, To: channel.Recipient{Phone: to},
	})
	require.NoError(t, err)
	day.Advance(0)
	return []string{"498172", to.E164()[1:]}
}

// listenOTLP runs the Collector's receiver until the test ends, and returns its address. What it
// receives is in the sink.
func listenOTLP(t *testing.T, sink *consumertest.TracesSink) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"protocols": map[string]any{"http": map[string]any{"endpoint": address}},
	}).Unmarshal(&config))
	r, err := factory.CreateTraces(t.Context(), receiver.Settings{
		ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings(),
	}, config, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.WithoutCancel(t.Context()))) })
	return address
}

func TestCollector_ReceivesSpansThatLinkToTheSend(t *testing.T) {
	ctx, sink := t.Context(), new(consumertest.TracesSink)
	client, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(listenOTLP(t, sink)), otlptracehttp.WithInsecure())
	require.NoError(t, err)
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(client))
	sendCtx, send := tracers.Tracer("app").Start(ctx, "checkout")
	private := sendWithFallback(sendCtx, t, otel.Config{TracerProvider: tracers})
	send.End()
	require.NoError(t, tracers.Shutdown(ctx)) // exports all spans

	linked := map[string]int{}
	encoder := ptrace.JSONMarshaler{}
	for _, traces := range sink.AllTraces() {
		encoded, err := encoder.MarshalTraces(traces)
		require.NoError(t, err)
		for _, text := range private {
			require.NotContains(t, string(encoded), text)
		}
		for _, resource := range traces.ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					for _, link := range span.Links().All() {
						if link.SpanID() == [8]byte(send.SpanContext().SpanID()) {
							linked[span.Name()]++
						}
					}
				}
			}
		}
	}
	require.Equal(t, map[string]int{"smsplus.attempt": 2, "smsplus.message.ended": 1}, linked)
}

func TestPrometheus_HasTheSeriesOfTheDashboardAndTheRules(t *testing.T) {
	registry := prometheus.NewRegistry()
	exporter, err := promexporter.New(promexporter.WithRegisterer(registry))
	require.NoError(t, err)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	private := sendWithFallback(t.Context(), t, otel.Config{MeterProvider: meters})

	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	page := answer.Body.String()
	require.Regexp(t, `smsplus_messages_forwarded_total\{.*smsplus_to_channel="sms"`, page)
	for _, text := range private {
		require.NotContains(t, page, text)
	}
	dashboard, err := os.ReadFile("../../otel/grafana.json")
	require.NoError(t, err)
	rules, err := os.ReadFile("../../otel/alerts.yaml")
	require.NoError(t, err)
	used := string(dashboard) + string(rules)
	series := regexp.MustCompile(`(?m)^smsplus_[a-z_]+`).FindAllString(page, -1)
	require.NotEmpty(t, series)
	for _, name := range series {
		if !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") {
			require.Regexp(t, `\b`+name+`\b`, used, "neither the dashboard nor a rule has it")
		}
	}
}
