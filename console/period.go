package console

import (
	"maps"
	"net/url"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

// period is the range of trigger times that a page is about.
type period struct {
	// preset is the name of a range that ends now, or "" if from and to were given.
	preset string
	// from and to are what the fields show: days in the viewer's time zone, or minutes.
	from, to string
	// start and end bound the trigger time: start ≤ trigger time < end. A zero start is the
	// earliest time that is allowed, and a zero end leaves the range open.
	start, end time.Time
	// wrong are the keys of the texts about fields that cannot be used, by the field.
	wrong map[string]string
}

// presets are the names of the ranges that a viewer can choose without typing dates, in the
// order of their links.
var presets = []string{"today", "7d", "30d", "month", "3m"}

// defaultPreset is the range of a page that was asked for without one.
const defaultPreset = "7d"

// minuteLayout is the form of a time in a URL. A day alone has [time.DateOnly].
const minuteLayout = "2006-01-02T15:04"

// parsePeriod returns the period that a URL asks for. Fields that make no sense are in wrong,
// and then start and end are not to be used.
func (v *visit) parsePeriod(q url.Values) period {
	from, to := q.Get("from"), q.Get("to")
	p := period{preset: q.Get("range")}
	known := p.setPreset(p.preset, v.now.In(v.zone), v.reader.Earliest())
	if from == "" && to == "" {
		if !known {
			p = period{preset: defaultPreset}
			p.setPreset(p.preset, v.now.In(v.zone), v.reader.Earliest())
		}
		return p
	}
	if known && p.from == from && p.to == to {
		return p // the form was sent with the fields as the preset had filled them
	}
	p = period{from: from, to: to}
	p.setBounds(v.zone, v.reader.Earliest())
	return p
}

// setPreset sets the bounds of a preset, and reports whether there is one of that name.
func (p *period) setPreset(name string, today, earliest time.Time) bool {
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
	p.start = first
	if first.IsZero() {
		first = earliest
	}
	p.from, p.to = first.Format(time.DateOnly), today.Format(time.DateOnly)
	return true
}

// setBounds parses the two fields. A day as the end is included.
func (p *period) setBounds(zone *time.Location, earliest time.Time) {
	p.wrong = map[string]string{}
	bound := func(field, text string, days int) (t time.Time) {
		if text == "" {
			return time.Time{}
		}
		if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
			t = startOfDay(time.Date(day.Year(), day.Month(), day.Day()+days, 12, 0, 0, 0, zone))
		} else if t, err = time.ParseInLocation(minuteLayout, text, zone); err != nil {
			p.wrong[field] = "period.invalid"
			return time.Time{}
		}
		if t.Year() < 1 || t.Year() > 9998 {
			p.wrong[field] = "period.invalid"
		}
		return t
	}
	p.start, p.end = bound("from", p.from, 0), bound("to", p.to, 1)
	if p.from == earliest.In(zone).Format(time.DateOnly) {
		p.start = earliest
	}
	switch {
	case len(p.wrong) > 0:
	case !p.start.IsZero() && !p.end.IsZero() && !p.start.Before(p.end):
		p.wrong["to"] = "period.backwards"
	case !p.start.IsZero() && p.start.Before(earliest):
		p.wrong["from"] = "period.tooEarly"
	case p.start.IsZero() && !p.end.IsZero() && !earliest.Before(p.end):
		p.wrong["to"] = "period.tooEarly"
	}
}

// startOfDay returns the first instant of the day that a clock in t's location shows at t,
// as statistics by day have it.
func startOfDay(t time.Time) time.Time {
	return startOf(t, smsplus.ByDay)
}

// startOf returns the first instant of the hour, or the day, that statistics count t in.
func startOf(t time.Time, by smsplus.Dimensions) time.Time {
	return smsplus.Grouping{By: by, Zone: t.Location()}.Start(t)
}

// setQuery adds the period to a URL.
func (p period) setQuery(q url.Values) {
	if p.preset != "" {
		q.Set("range", p.preset)
		return
	}
	if p.from != "" {
		q.Set("from", p.from)
	}
	if p.to != "" {
		q.Set("to", p.to)
	}
}

// applyTo bounds a filter.
func (p period) applyTo(f smsplus.Filter) smsplus.Filter {
	f.From, f.To = p.start, p.end
	return f
}

// periodForm is the part of a form in which a period is chosen.
type periodForm struct {
	From, To string
	// Earliest and Today bound the days that browsers offer.
	Earliest, Today string
	// Hint says how far back a range may reach.
	Hint string
	// Errors are the texts about the fields, by the field's name.
	Errors  map[string]string
	Presets []navItem
}

// periodForm returns the form of a period. The links to the presets keep the other fields of
// the URL.
func (v *visit) periodForm(p period, page string, others url.Values) periodForm {
	earliest := v.reader.Earliest()
	f := periodForm{
		From: p.from, To: p.to, Earliest: earliest.Format(time.DateOnly), Today: v.now.In(v.zone).Format(time.DateOnly),
		Hint: v.text("period.hint", v.config.Months, earliest.Format(time.DateOnly)), Errors: map[string]string{},
	}
	for field, key := range p.wrong {
		f.Errors[field] = v.text(key)
		if key == "period.tooEarly" {
			f.Errors[field] = v.text(key, earliest.Format(time.DateOnly))
		}
	}
	for _, name := range presets {
		q := maps.Clone(others)
		q.Del("from")
		q.Del("to")
		q.Set("range", name)
		f.Presets = append(f.Presets, navItem{Label: v.text("period." + name), URL: v.url(page, q), IsCurrent: name == p.preset})
	}
	return f
}
