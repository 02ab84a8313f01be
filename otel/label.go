package otel

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"

	"github.com/smsplus/smsplus-go/status"
)

// Bounds of the values of a label.
const (
	maxTemplates = 256
	maxNames     = 64
	other        = "other"
)

// label is the key of an attribute with a bounded number of values. It is safe for concurrent use.
type label struct {
	key   attribute.Key
	limit int

	mu     sync.RWMutex
	values map[string]bool
}

func newLabel(key attribute.Key, limit int) *label {
	return &label{key: key, limit: limit, values: map[string]bool{}}
}

// boundValue returns the value, or "other" if the label has too many values without it.
func (l *label) boundValue(value string) string {
	l.mu.RLock()
	known := l.values[value]
	full := len(l.values) >= l.limit
	l.mu.RUnlock()
	if known {
		return value
	}
	if full {
		return other
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.values[value] && len(l.values) >= l.limit {
		return other
	}
	l.values[value] = true
	return value
}

// of returns the attribute with the value, or with "other".
func (l *label) of(value string) attribute.KeyValue { return l.key.String(l.boundValue(value)) }

// Attributes of metrics and of spans. A label of the metrics has its values bounded.
const (
	channelKey     = attribute.Key("smsplus.channel")
	fromChannelKey = attribute.Key("smsplus.from_channel")
	toChannelKey   = attribute.Key("smsplus.to_channel")
	templateKey    = attribute.Key("smsplus.template")
	scenarioKey    = attribute.Key("smsplus.scenario")
	reasonKey      = attribute.Key("smsplus.reason")
	statusKey      = attribute.Key("smsplus.status")
	opKey          = attribute.Key("smsplus.op")
)

// statusOf returns the attribute of a status. There are five.
func statusOf(s status.Status) attribute.KeyValue { return statusKey.String(s.String()) }
