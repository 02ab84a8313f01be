package console

import (
	"maps"
	"net/url"
	"time"

	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/smsplus"
)

// scope is what the meaning of the visit's URL depends on.
func (v *visit) scope() recordfilter.Scope {
	return recordfilter.Scope{Now: v.now.In(v.zone), Earliest: v.reader.Earliest(), Sizes: pageSizes}
}

// period returns the period that a URL asks for.
func (v *visit) period(q url.Values) recordfilter.Period { return v.scope().ParsePeriod(q) }

// startOf returns the first instant of the hour, or the day, that statistics count t in.
func startOf(t time.Time, by smsplus.Dimensions) time.Time {
	return smsplus.Grouping{By: by, Zone: t.Location()}.Start(t)
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
func (v *visit) periodForm(p recordfilter.Period, page string, others url.Values) periodForm {
	earliest := v.reader.Earliest()
	f := periodForm{
		From: p.From, To: p.To, Earliest: earliest.Format(time.DateOnly), Today: v.now.In(v.zone).Format(time.DateOnly),
		Hint: v.text("period.hint", v.config.Months, earliest.Format(time.DateOnly)), Errors: map[string]string{},
	}
	for field, fault := range p.Wrong {
		key := "period." + string(fault)
		f.Errors[field] = v.text(key)
		if fault == recordfilter.TooEarly {
			f.Errors[field] = v.text(key, earliest.Format(time.DateOnly))
		}
	}
	for _, name := range recordfilter.Presets() {
		q := maps.Clone(others)
		q.Del("from")
		q.Del("to")
		q.Set("range", name)
		f.Presets = append(f.Presets, navItem{Label: v.text("period." + name), URL: v.url(page, q), IsCurrent: name == p.Preset})
	}
	return f
}
