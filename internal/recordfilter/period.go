package recordfilter

import (
	"net/url"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Fault says what is wrong with the value of a field.
type Fault string

// The faults.
const (
	// Invalid is a value that means nothing.
	Invalid Fault = "invalid"
	// Backwards is an end that is not after the start.
	Backwards Fault = "backwards"
	// TooEarly is a bound before Scope.Earliest.
	TooEarly Fault = "tooEarly"
)

// Period is the range of trigger times that a URL is about.
type Period struct {
	// Preset is the name of a range that ends now, or "" if From and To were given.
	Preset string
	// From and To are as the URL has them, or the days of the preset.
	From, To string
	// Start and End bound the trigger time: Start ≤ trigger time < End. A zero Start is the
	// earliest time that is allowed, and a zero End leaves the range open.
	Start, End time.Time
	// Wrong holds the faults of the fields "from" and "to". If there are any, Start and End are
	// not to be used.
	Wrong map[string]Fault
}

// Presets are the names of the ranges that end now, the shortest first. The last one begins at
// the earliest time.
func Presets() []string { return slices.Clone(presets) }

var presets = []string{"today", "7d", "30d", "month", "3m"}

// MinuteLayout is the form of a minute in a URL, in the zone of the viewer. A day has
// [time.DateOnly], and an instant [time.RFC3339].
const MinuteLayout = "2006-01-02T15:04"

// Scope is what the meaning of a URL depends on.
type Scope struct {
	// Now is the time, in the zone of days.
	Now time.Time
	// Earliest is the earliest start that is allowed.
	Earliest time.Time
	// Preset is the preset of a URL without a period. Defaults to "7d".
	Preset string
	// Sizes are the sizes that a page may have, the default first. Empty means any from 1 to
	// MaxSize.
	Sizes []int
	// MaxSize is the largest page, without Sizes.
	MaxSize int
}

// ParsePeriod returns the period of a URL. It takes any URL, and a preset that does not exist
// is ignored.
func (s Scope) ParsePeriod(q url.Values) Period {
	from, to := q.Get("from"), q.Get("to")
	p := Period{Preset: q.Get("range")}
	known := p.setPreset(p.Preset, s)
	if from == "" && to == "" {
		if !known {
			p = Period{Preset: s.Preset}
			if !p.setPreset(p.Preset, s) {
				p = Period{Preset: defaultPreset}
				p.setPreset(p.Preset, s)
			}
		}
		return p
	}
	if known && p.From == from && p.To == to {
		return p // the form was sent with the fields as the preset had filled them
	}
	p = Period{From: from, To: to}
	p.setBounds(s)
	return p
}

const defaultPreset = "7d"

// setPreset sets the bounds of a preset, and reports whether there is one of that name.
func (p *Period) setPreset(name string, s Scope) bool {
	today := s.Now
	first := startOfDay(today)
	switch name {
	case "today":
	case "7d":
		first = startOfDay(today.AddDate(0, 0, -6))
	case "30d":
		first = startOfDay(today.AddDate(0, 0, -29))
	case "month":
		first = startOfDay(time.Date(today.Year(), today.Month(), 1, 12, 0, 0, 0, today.Location()))
	case "3m":
		first = time.Time{}
	default:
		return false
	}
	p.Start = first
	if first.IsZero() {
		first = s.Earliest
	}
	p.From, p.To = first.Format(time.DateOnly), today.Format(time.DateOnly)
	return true
}

// setBounds parses the two fields. A day as the end is included.
func (p *Period) setBounds(s Scope) {
	p.Wrong = map[string]Fault{}
	zone := s.Now.Location()
	bound := func(field, text string, days int) time.Time {
		if text == "" {
			return time.Time{}
		}
		t, ok := parseBound(text, zone, days)
		if !ok || t.Year() < 1 || t.Year() > 9998 {
			p.Wrong[field] = Invalid
		}
		return t
	}
	p.Start, p.End = bound("from", p.From, 0), bound("to", p.To, 1)
	if p.From == s.Earliest.In(zone).Format(time.DateOnly) {
		p.Start = s.Earliest
	}
	switch {
	case len(p.Wrong) > 0:
	case !p.Start.IsZero() && !p.End.IsZero() && !p.Start.Before(p.End):
		p.Wrong["to"] = Backwards
	case !p.Start.IsZero() && p.Start.Before(s.Earliest):
		p.Wrong["from"] = TooEarly
	case p.Start.IsZero() && !p.End.IsZero() && !s.Earliest.Before(p.End):
		p.Wrong["to"] = TooEarly
	}
}

// parseBound returns the instant that a text stands for: a minute, an instant, or the start of
// the day that is some days after the given one.
func parseBound(text string, zone *time.Location, days int) (time.Time, bool) {
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return startOfDay(time.Date(day.Year(), day.Month(), day.Day()+days, 12, 0, 0, 0, zone)), true
	}
	t, err := time.ParseInLocation(MinuteLayout, text, zone)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	return t, err == nil
}

// startOfDay returns the first instant of the day that a clock in t's location shows at t, as
// statistics by day have it.
func startOfDay(t time.Time) time.Time {
	return smsplus.Grouping{By: smsplus.ByDay, Zone: t.Location()}.Start(t)
}

// SetQuery adds the period to the query of a URL.
func (p Period) SetQuery(q url.Values) {
	if p.Preset != "" {
		q.Set("range", p.Preset)
		return
	}
	setUnlessEmpty(q, "from", p.From)
	setUnlessEmpty(q, "to", p.To)
}

// Bound returns the filter with the period as its range.
func (p Period) Bound(f smsplus.Filter) smsplus.Filter {
	f.From, f.To = p.Start, p.End
	return f
}
