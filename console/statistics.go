package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/csvcell"
	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// statisticsPage is the content of "templates.html".
type statisticsPage struct {
	Layout  layout
	Period  periodForm
	Range   string // the preset, which the form keeps
	Channel string
	// Channels are the choices of the box, "all channels" first.
	Channels []navItem
	Columns  []sortColumn
	Rows     []statisticsRow
	Total    statisticsRow
	Chart    chart
	CSVURL   string
	Sort     string
	Legend   legend
}

// sortColumn is a heading that sorts the table.
type sortColumn struct {
	Label, URL string
	// Direction is "ascending" or "descending" for the column that the table is sorted by.
	Direction string
	IsNumber  bool
}

// statisticsRow is a template's, or the total.
type statisticsRow struct {
	stats smsplus.TemplateStats

	// ID is that of the row in the page.
	ID                                                       string
	Template                                                 string
	Triggered, Delivered, Read, Sending, Undeliverable, Fail int
	Rate                                                     string
	Sources                                                  shareBar
	// URL and the others lead to the records that were counted.
	URL, DeliveredURL, SendingURL, UndeliverableURL, FailedURL string
}

// statisticsColumn is a column that a viewer can sort by.
type statisticsColumn struct {
	name    string
	compare func(a, b statisticsRow) int
}

// statisticsColumns are in the order of the table.
var statisticsColumns = []statisticsColumn{
	{"template", func(a, b statisticsRow) int { return strings.Compare(a.Template, b.Template) }},
	{"triggered", func(a, b statisticsRow) int { return cmp.Compare(a.Triggered, b.Triggered) }},
	{"delivered", func(a, b statisticsRow) int { return cmp.Compare(a.Delivered, b.Delivered) }},
	{"rate", func(a, b statisticsRow) int { return cmp.Compare(a.deliveryRate(), b.deliveryRate()) }},
	{"read", func(a, b statisticsRow) int { return cmp.Compare(a.Read, b.Read) }},
	{"sending", func(a, b statisticsRow) int { return cmp.Compare(a.Sending, b.Sending) }},
	{"undeliverable", func(a, b statisticsRow) int { return cmp.Compare(a.Undeliverable, b.Undeliverable) }},
	{"failed", func(a, b statisticsRow) int { return cmp.Compare(a.Fail, b.Fail) }},
}

func (r statisticsRow) deliveryRate() float64 {
	return float64(r.Delivered) / float64(max(1, r.Triggered))
}

const defaultSort = "-triggered"

// showStatistics answers with the statistics of templates.
func (v *visit) showStatistics(w http.ResponseWriter) error {
	q := v.r.URL.Query()
	name := channel.Name(q.Get("channel"))
	p := v.period(q)
	page := statisticsPage{
		Layout: v.layout("templates.title", "templates.title"), Channel: string(name), Sort: q.Get("sort"), Range: p.Preset,
	}
	others := url.Values{}
	setUnlessEmpty(others, "channel", string(name))
	setUnlessEmpty(others, "sort", page.Sort)
	page.Period = v.periodForm(p, "/templates", others)
	channels, err := v.channels(name)
	if err != nil {
		return err
	}
	page.Channels = v.channelChoices(channels, name)
	page.Legend = v.legend(name)
	if len(p.Wrong) > 0 {
		return v.render(w, http.StatusBadRequest, "templates", page)
	}
	rows, total, channels, err := v.statistics(p, name, channels)
	if err != nil {
		return err
	}
	page.Rows, page.Total = rows, total
	sortRows(page.Rows, page.Sort)
	page.Columns = v.sortColumns(p, others, page.Sort)
	shown := channels
	if name != "" {
		shown = []channel.Name{name}
	}
	if page.Chart, err = v.chart(p, p.Bound(smsplus.Filter{Channel: name}), shown); err != nil {
		return err
	}
	q = maps.Clone(others)
	p.SetQuery(q)
	page.CSVURL = v.url("/templates.csv", q)
	page.Layout = v.withLive(page.Layout)
	return v.render(w, http.StatusOK, "templates", page)
}

// statistics returns the rows of the templates that were triggered in a period, and their
// total. It adds the channels that it finds to the given ones.
func (v *visit) statistics(p recordfilter.Period, name channel.Name, channels []channel.Name) ([]statisticsRow, statisticsRow, []channel.Name, error) {
	f := p.Bound(smsplus.Filter{Channel: name})
	stats, err := v.reader.Templates(v.ctx, f)
	if err != nil {
		return nil, statisticsRow{}, nil, err
	}
	groups, err := v.reader.StatsBy(v.ctx, f, smsplus.Grouping{By: smsplus.ByTemplate | smsplus.ByChannel})
	if err != nil {
		return nil, statisticsRow{}, nil, err
	}
	sources, totals := map[string]map[channel.Name]int{}, map[channel.Name]int{}
	for _, g := range groups {
		if sources[g.Template] == nil {
			sources[g.Template] = map[channel.Name]int{}
		}
		sources[g.Template][g.Channel] += g.Delivered
		totals[g.Channel] += g.Delivered
	}
	channels = sortChannels(append(slices.Collect(maps.Keys(totals)), channels...))
	var sum smsplus.TemplateStats
	rows := make([]statisticsRow, 0, len(stats))
	for _, s := range stats {
		rows = append(rows, v.statisticsRow(p, name, s, v.shareBar(sources[s.Template], channels)))
		sum = sum.Plus(s)
	}
	return rows, v.statisticsRow(p, name, sum, v.shareBar(totals, channels)), channels, nil
}

func (v *visit) statisticsRow(p recordfilter.Period, name channel.Name, s smsplus.TemplateStats, sources shareBar) statisticsRow {
	link := func(g status.Group) string {
		q := url.Values{}
		p.SetQuery(q)
		setUnlessEmpty(q, "template", s.Template)
		setUnlessEmpty(q, "channel", string(name))
		if g != status.All {
			q.Set("tab", g.String())
		}
		return v.url("/records", q)
	}
	r := statisticsRow{
		stats: s, ID: statisticsID(s.Template), Template: s.Template, Triggered: s.Triggered, Delivered: s.Delivered, Read: s.Read,
		Sending: s.Preparing + s.Accepted, Undeliverable: s.Undeliverable, Fail: s.Failed,
		Rate: formatShare(s.Delivered, s.Triggered), Sources: sources, URL: link(status.All),
	}
	if name == "" { // with a channel the counts are of attempts, and a tab is of messages
		r.DeliveredURL, r.SendingURL = link(status.Sent), link(status.Sending)
		r.UndeliverableURL, r.FailedURL = link(status.UndeliverableGroup), link(status.FailedGroup)
	}
	return r
}

// statisticsID returns the ID of a template's row in the page, or that of the total.
func statisticsID(template string) string {
	if template == "" {
		return "stats-total"
	}
	return "stats-" + shortHash(template)
}

// shortHash returns a hash of a text that can stand in the ID of an element.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// sortRows sorts the rows by a column, "-" before its name meaning the greatest first. An
// unknown column means the default.
func sortRows(rows []statisticsRow, order string) {
	name, descending := strings.CutPrefix(order, "-")
	i := slices.IndexFunc(statisticsColumns, func(c statisticsColumn) bool { return c.name == name })
	if i < 0 {
		sortRows(rows, defaultSort)
		return
	}
	slices.SortStableFunc(rows, func(a, b statisticsRow) int {
		if descending {
			a, b = b, a
		}
		return statisticsColumns[i].compare(a, b)
	})
}

// sortColumns returns the headings of the table. The link of the column that the table is
// sorted by turns the order around.
func (v *visit) sortColumns(p recordfilter.Period, others url.Values, order string) []sortColumn {
	name := strings.TrimPrefix(order, "-")
	if !slices.ContainsFunc(statisticsColumns, func(c statisticsColumn) bool { return c.name == name }) {
		order = defaultSort
	}
	var columns []sortColumn
	for _, c := range statisticsColumns {
		q := maps.Clone(others)
		p.SetQuery(q)
		next := "-" + c.name
		if c.name == "template" {
			next = c.name
		}
		column := sortColumn{Label: v.text("stats." + c.name), IsNumber: c.name != "template"}
		switch order {
		case c.name:
			column.Direction, next = "ascending", "-"+c.name
		case "-" + c.name:
			column.Direction, next = "descending", c.name
		}
		q.Set("sort", next)
		column.URL = v.url("/templates", q)
		columns = append(columns, column)
	}
	return columns
}

// sendStatistics answers with the rows of the page as a CSV.
func (v *visit) sendStatistics(w http.ResponseWriter) error {
	q := v.r.URL.Query()
	name := channel.Name(q.Get("channel"))
	p := v.period(q)
	if len(p.Wrong) > 0 {
		return failure{http.StatusBadRequest, "error.filter"}
	}
	channels, err := v.channels(name)
	if err != nil {
		return err
	}
	rows, _, channels, err := v.statistics(p, name, channels)
	if err != nil {
		return err
	}
	sortRows(rows, q.Get("sort"))
	v.setDownload(w, "templates", "csv")
	out := csv.NewWriter(w)
	header := []string{"template", "triggered", "delivered", "delivery_rate", "read", "preparing", "accepted", "undeliverable", "failed", "delivered_twice"}
	for _, c := range channels {
		header = append(header, "delivered_by_"+string(c))
	}
	_ = out.Write(header) // out keeps its first error
	for _, r := range rows {
		s := r.stats
		cells := []string{csvcell.Escape(s.Template, true)}
		for _, n := range []int{s.Triggered, s.Delivered} {
			cells = append(cells, strconv.Itoa(n))
		}
		cells = append(cells, strconv.FormatFloat(r.deliveryRate(), 'f', 4, 64))
		for _, n := range []int{s.Read, s.Preparing, s.Accepted, s.Undeliverable, s.Failed, s.DeliveredTwice} {
			cells = append(cells, strconv.Itoa(n))
		}
		for _, c := range channels {
			cells = append(cells, strconv.Itoa(r.Sources.countOf(c)))
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return v.logLost(out.Error())
}

// countOf returns the count of a channel's share.
func (b shareBar) countOf(name channel.Name) int {
	for _, s := range b.Shares {
		if s.name == name {
			return s.Count
		}
	}
	return 0
}

// setDownload sets the headers of a file. Its name has the day, and begins with the word for
// what it holds.
func (v *visit) setDownload(w http.ResponseWriter, holds, extension string) {
	types := map[string]string{"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
	w.Header().Set("Content-Type", types[extension])
	w.Header().Set("Content-Disposition", `attachment; filename="`+holds+"-"+v.now.In(v.zone).Format("20060102-1504")+"."+extension+`"`)
}

// setUnlessEmpty sets a field of a URL that has a value.
func setUnlessEmpty(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}
