package line

import (
	"maps"
	"regexp"
	"slices"
)

// AggregationUnits are the units that LINE counts messages by ("Statistics per unit" of
// LINE's Messaging API documentation), by template ID. The unit of the key "" is that of
// every template that has no other one.
type AggregationUnits map[string]string

var unitPattern = regexp.MustCompile(`^[a-zA-Z0-9_]{1,30}$`)

func (u AggregationUnits) check(field string, bad *configErrors) {
	for _, template := range slices.Sorted(maps.Keys(u)) {
		if !unitPattern.MatchString(u[template]) {
			bad.add("%s[%q] is no unit: want 1 to 30 letters, digits and underscores", field, template)
		}
	}
}

// unitsFor returns the units of a template as LINE wants them: one, or nil for none.
func (u AggregationUnits) unitsFor(template string) []string {
	for _, key := range []string{template, ""} {
		if unit, ok := u[key]; ok {
			return []string{unit}
		}
	}
	return nil
}
