package otel

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Bounds of the values of a label.
const (
	maxTemplates = 256
	maxNames     = 64
	other        = "other"
)

// Attributes of metrics and of spans.
const (
	channelKey     = attribute.Key("smsplus.channel")
	fromChannelKey = attribute.Key("smsplus.from_channel")
	toChannelKey   = attribute.Key("smsplus.to_channel")
	templateKey    = attribute.Key("smsplus.template")
	scenarioKey    = attribute.Key("smsplus.scenario")
	reasonKey      = attribute.Key("smsplus.reason")
	statusKey      = attribute.Key("smsplus.status")
	opKey          = attribute.Key("smsplus.op")
	answerKey      = attribute.Key("smsplus.answer")
)

// label is the key of an attribute with a bounded number of values. It is safe for concurrent use.
type label struct {
	key   attribute.Key
	limit int

	mu     sync.Mutex
	values map[string]bool
}

func newLabel(key attribute.Key, limit int) *label {
	return &label{key: key, limit: limit, values: map[string]bool{}}
}

// boundValue returns the value, or "other" if the label has too many values without it.
func (l *label) boundValue(value string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.values[value] && len(l.values) >= l.limit {
		return other
	}
	l.values[value] = true
	return value
}

const (
	// maxLabels is the most labels of one metric.
	maxLabels = 5
	// maxPoints bounds the memory of one metric's points.
	maxPoints = 4096
)

// points keeps the attributes of a metric by the values of its labels. To make them costs more than
// to count the event. It is safe for concurrent use.
type points struct {
	labels []*label

	mu    sync.RWMutex
	known map[[maxLabels]string]*point
}

// point is the attributes of a data point, as both kinds of instruments take them.
type point struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

func newPoints(labels []*label) *points {
	return &points{labels: labels, known: map[[maxLabels]string]*point{}}
}

// pointOf returns the point of values in the order of the labels. Values beyond their label's bound
// are "other". A point of such values is not kept, because there may be any number of them.
func (p *points) pointOf(values ...string) *point {
	var given [maxLabels]string
	copy(given[:], values)
	p.mu.RLock()
	known := p.known[given]
	p.mu.RUnlock()
	if known != nil {
		return known
	}
	var bounded [maxLabels]string
	attributes := make([]attribute.KeyValue, len(p.labels))
	for i, l := range p.labels {
		given[i] = strings.Clone(given[i]) // it may be a part of a whole row
		bounded[i] = l.boundValue(given[i])
		attributes[i] = l.key.String(bounded[i])
	}
	option := metric.WithAttributeSet(attribute.NewSet(attributes...))
	made := &point{[]metric.AddOption{option}, []metric.RecordOption{option}}
	p.mu.Lock()
	defer p.mu.Unlock()
	if bounded == given && len(p.known) < maxPoints {
		p.known[given] = made
	}
	return made
}

// counter counts events by labels.
type counter struct {
	metric.Int64Counter
	*points
}

func (c counter) addOne(ctx context.Context, values ...string) {
	c.Add(ctx, 1, c.pointOf(values...).add...)
}

// gauge holds the latest figure by labels.
type gauge struct {
	metric.Int64Gauge
	*points
}

func (g gauge) setTo(ctx context.Context, figure int, values ...string) {
	g.Record(ctx, int64(figure), g.pointOf(values...).record...)
}

// histogram counts times by labels.
type histogram struct {
	metric.Float64Histogram
	*points
}

func (h histogram) addTime(ctx context.Context, took time.Duration, values ...string) {
	h.Record(ctx, took.Seconds(), h.pointOf(values...).record...)
}
