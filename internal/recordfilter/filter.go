package recordfilter

import (
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Filter is what a URL selects.
type Filter struct {
	Period             Period
	Template, Scenario string
	Channel            channel.Name
	Reason             status.Reason
	Group              status.Group
	// After is the position in the list, and Size the number of rows of a page.
	After smsplus.Cursor
	Size  int
}

// Fields are the names of the grammar's fields.
func Fields() []string {
	return []string{"range", "from", "to", "template", "scenario", "channel", "reason", "tab", "size", "after"}
}

// ParseFilter returns the filter of a URL. It takes any URL: a field that makes no sense selects
// nothing. The faults of all fields are in wrong, by the field's name. Fields that are texts
// have none: what the store refuses is reported when the filter is used.
func (s Scope) ParseFilter(q url.Values) (f Filter, wrong map[string]Fault) {
	wrong = map[string]Fault{}
	f = Filter{
		Period: s.ParsePeriod(q), Template: q.Get("template"), Scenario: q.Get("scenario"), Channel: channel.Name(q.Get("channel")),
		Reason: status.Reason(q.Get("reason")), After: smsplus.Cursor(q.Get("after")), Size: s.defaultSize(),
	}
	maps.Copy(wrong, f.Period.Wrong)
	if name := q.Get("range"); name != "" && !slices.Contains(presets, name) {
		wrong["range"] = Invalid
	}
	if name := q.Get("tab"); name != "" {
		group, err := status.ParseGroup(name)
		if err != nil || group.String() != name { // pages take any case
			wrong["tab"] = Invalid
		}
		f.Group = group
	}
	if text := q.Get("size"); text != "" {
		size, err := strconv.Atoi(text)
		if err == nil && s.hasSize(size) && strconv.Itoa(size) == text {
			f.Size = size
		} else {
			wrong["size"] = Invalid
		}
	}
	return f, wrong
}

// defaultPageSize is the size of a page without Scope.Sizes.
const defaultPageSize = 50

func (s Scope) defaultSize() int {
	if len(s.Sizes) > 0 {
		return s.Sizes[0]
	}
	return defaultPageSize
}

func (s Scope) hasSize(n int) bool {
	if len(s.Sizes) > 0 {
		return slices.Contains(s.Sizes, n)
	}
	return n >= 1 && n <= s.MaxSize
}

// Query returns the query of the URL of a filter in the scope, without the position in the
// list.
func (s Scope) Query(f Filter) url.Values {
	q := url.Values{}
	f.Period.SetQuery(q)
	setUnlessEmpty(q, "template", f.Template)
	setUnlessEmpty(q, "scenario", f.Scenario)
	setUnlessEmpty(q, "channel", string(f.Channel))
	setUnlessEmpty(q, "reason", string(f.Reason))
	if f.Group != status.All {
		q.Set("tab", f.Group.String())
	}
	if f.Size != s.defaultSize() {
		q.Set("size", strconv.Itoa(f.Size))
	}
	return q
}

// StoreFilter returns the filter for a store.
func (f Filter) StoreFilter() smsplus.Filter {
	return f.Period.Bound(smsplus.Filter{
		Template: f.Template, Scenario: f.Scenario, Channel: f.Channel, Reason: f.Reason, Group: f.Group, Limit: f.Size, After: f.After,
	})
}

// setUnlessEmpty sets a field of a URL that has a value.
func setUnlessEmpty(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}
