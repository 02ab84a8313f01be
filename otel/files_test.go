package otel_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"
)

// series returns the names that Prometheus has for all metrics and labels.
func series(t *testing.T) map[string]bool {
	t.Helper()
	w := newWorld(t)
	for _, e := range everyEvent() {
		w.Observe(t.Context(), e)
	}
	names := map[string]bool{}
	labels := w.labels(t)
	for _, m := range w.metrics(t) {
		name := underscored(m.Name)
		if m.Unit == "s" {
			name += "_seconds"
		} else {
			require.Regexp(t, `^\{[a-z]+\}$`, m.Unit, "another unit becomes part of the name")
		}
		switch m.Data.(type) {
		case metricdata.Sum[int64]:
			names[name+"_total"] = true
		case metricdata.Histogram[float64]:
			names[name+"_bucket"], names[name+"_sum"], names[name+"_count"] = true, true, true
		default:
			names[name] = true
		}
		for _, label := range labels[m.Name] {
			names[underscored(string(label.Key))] = true
		}
	}
	return names
}

func underscored(name string) string { return strings.ReplaceAll(name, ".", "_") }

var seriesName = regexp.MustCompile(`\bsmsplus[a-z0-9_:]+`)

// requireSeries checks the names in an expression.
func requireSeries(t *testing.T, known map[string]bool, expr string) {
	t.Helper()
	found := seriesName.FindAllString(expr, -1)
	require.NotEmpty(t, found, expr)
	for _, name := range found {
		require.True(t, known[name], "%s is in no metric: %s", name, expr)
	}
}

func TestAlerts_NameWhatExists(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Record, Alert, Expr string
				Annotations         map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(data, &file))
	operations, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	known := series(t)
	require.Len(t, file.Groups, 1)
	require.Greater(t, len(file.Groups[0].Rules), 15)
	for _, rule := range file.Groups[0].Rules {
		if rule.Record != "" {
			known[rule.Record] = true
		}
	}
	for _, rule := range file.Groups[0].Rules {
		requireSeries(t, known, rule.Expr)
		if rule.Alert == "" {
			continue
		}
		for label := range strings.FieldsSeq(rule.Annotations["summary"]) {
			if name, found := strings.CutPrefix(label, "$labels."); found {
				require.True(t, known[name], "%s: no label %s", rule.Alert, name)
			}
		}
		see := rule.Annotations["see"]
		require.NotEmpty(t, see, rule.Alert)
		if !strings.Contains(string(operations), "\n| **"+see+"**") {
			require.Contains(t, string(operations), "\n| `"+see+"` |", rule.Alert)
		}
	}
}

func TestDashboard_NamesWhatExists(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("grafana.json")
	require.NoError(t, err)
	var dashboard struct {
		Templating struct{ List []struct{ Query string } }
		Panels     []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &dashboard))
	known := series(t)
	shown := map[string]bool{}
	for _, panel := range dashboard.Panels {
		if panel.Type == "row" {
			continue
		}
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			requireSeries(t, known, target.Expr)
			for _, name := range seriesName.FindAllString(target.Expr, -1) {
				shown[name] = true
			}
		}
	}
	requireSeries(t, known, dashboard.Templating.List[1].Query)
	for name := range known {
		if strings.HasSuffix(name, "_total") {
			require.True(t, shown[name], "no panel shows %s", name)
		}
	}
}
