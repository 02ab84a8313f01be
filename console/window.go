package console

import (
	"net/url"
	"time"

	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/smsplus"
)

// window is the time that the pages about faults look back.
type window struct {
	name  string
	start time.Time // a whole minute, so that it can stand in the URL of the records page
}

// windows are the lengths that a viewer can choose, in the order of their links.
var windows = []struct {
	name   string
	length time.Duration
}{
	{"hour", time.Hour}, {"day", 24 * time.Hour}, {"week", 7 * 24 * time.Hour},
}

const defaultWindow = "day"

// window returns the window that the URL asks for.
func (v *visit) window() window {
	asked := v.r.URL.Query().Get("last")
	w := window{name: defaultWindow, start: v.now.Add(-24 * time.Hour)}
	for _, known := range windows {
		if known.name == asked {
			w = window{known.name, v.now.Add(-known.length)}
		}
	}
	w.start = w.start.Truncate(time.Minute)
	return w
}

// windowLinks returns the links to a page with each window.
func (v *visit) windowLinks(page string, w window) []navItem {
	var links []navItem
	for _, known := range windows {
		links = append(links, navItem{
			Label: v.text("window." + known.name), URL: v.url(page, url.Values{"last": {known.name}}), IsCurrent: known.name == w.name,
		})
	}
	return links
}

// boundFilter returns the filter with the window as its range.
func (w window) boundFilter(f smsplus.Filter) smsplus.Filter {
	f.From = w.start
	return f
}

// recordsURL returns the URL of the records of a window. The pairs are names and values of
// fields, of which empty ones are left out.
func (v *visit) recordsURL(w window, pairs ...string) string {
	q := url.Values{"from": {w.start.In(v.zone).Format(recordfilter.MinuteLayout)}}
	for i := 0; i < len(pairs); i += 2 {
		setUnlessEmpty(q, pairs[i], pairs[i+1])
	}
	return v.url("/records", q)
}
