package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/smsplus"
)

// seriesOf returns the number of a channel in charts, which chooses its color and its
// pattern. The channels that package channel knows always have the same one.
func seriesOf(name channel.Name, all []channel.Name) int {
	if i := slices.Index(knownChannels, name); i >= 0 {
		return i + 1
	}
	others := slices.DeleteFunc(slices.Clone(all), func(c channel.Name) bool { return slices.Contains(knownChannels, c) })
	return len(knownChannels) + 1 + slices.Index(others, name)%2
}

// share is a part of a bar.
type share struct {
	Label   string
	Count   int
	Percent string
	Series  int
	X, W    string // in a bar that is 100 wide

	name channel.Name
}

// shareBar shows how a whole is divided. Its parts follow each other.
type shareBar struct {
	Shares []share
	// Text says the same in words.
	Text string
}

// shareBar returns the bar of counts by channel, in the order of the channels.
func (v *visit) shareBar(counts map[channel.Name]int, channels []channel.Name) shareBar {
	whole := 0
	for _, n := range counts {
		whole += n
	}
	var bar shareBar
	var words []string
	x := 0.0
	for _, c := range channels {
		n := counts[c]
		if n == 0 {
			continue
		}
		w := 100 * float64(n) / float64(whole)
		s := share{
			Label: v.channelLabel(c), Count: n, Percent: formatShare(n, whole), Series: seriesOf(c, channels),
			X: formatLength(x), W: formatLength(w), name: c,
		}
		bar.Shares = append(bar.Shares, s)
		words = append(words, s.Label+" "+s.Percent)
		x += w
	}
	bar.Text = strings.Join(words, " · ")
	return bar
}

// formatLength returns a length in a drawing.
func formatLength(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", x), "0"), ".")
}

// chart shows the triggers and deliveries of each day, or hour, of a period.
type chart struct {
	Title  string
	Width  int
	Height int
	Slots  []chartSlot
	Lines  []chartLine
	Legend []share
	// Unit is the heading of the first column of the table.
	Unit string
}

// chartSlot is a day, or an hour. Its bars are paths that start at the bottom.
type chartSlot struct {
	Label, Title string
	Tick         string // the label under the axis, or ""
	X            string // the middle
	Triggered    int
	Frame        string // the path of the bar of triggers
	Bars         []chartBar
	Counts       []int // of the deliveries, in the order of the legend
}

type chartBar struct {
	Series int
	Path   string
}

// chartLine is a line of the grid with its value.
type chartLine struct{ Y, TextY, Label string }

// The sizes of a chart, in the units of its drawing.
const (
	chartWidth, chartHeight = 960, 200
	chartLeft, chartBottom  = 48, 22
	chartTop                = 8
	maxTicks                = 16
)

// chart draws the triggers and deliveries that a filter selects.
func (v *visit) chart(p recordfilter.Period, f smsplus.Filter, channels []channel.Name) (chart, error) {
	first, last := p.Start, p.End
	if first.IsZero() {
		first = v.reader.Earliest()
	}
	if last.IsZero() || last.After(v.now) {
		last = v.now
	}
	first, last = first.In(v.zone), last.In(v.zone)
	const shortPeriod = 50 * time.Hour
	by, layout, unit := smsplus.ByDay, "01-02", "chart.day"
	if last.Sub(first) <= shortPeriod {
		by, layout, unit = smsplus.ByHour, "15:04", "chart.hour"
	}
	triggered, err := v.reader.StatsBy(v.ctx, f, smsplus.Grouping{By: by})
	if err != nil {
		return chart{}, err
	}
	delivered, err := v.reader.StatsBy(v.ctx, f, smsplus.Grouping{By: by | smsplus.ByChannel})
	if err != nil {
		return chart{}, err
	}
	type key struct {
		start time.Time
		name  channel.Name
	}
	counts, totals, top := map[key]int{}, map[time.Time]int{}, 1
	for _, g := range delivered {
		counts[key{g.Start.UTC(), g.Channel}] += g.Delivered
	}
	for _, g := range triggered {
		totals[g.Start.UTC()] += g.Triggered
	}
	starts := slotStarts(first, last, by)
	for _, start := range starts {
		stack := 0
		for _, c := range channels {
			stack += counts[key{start.UTC(), c}]
		}
		top = max(top, totals[start.UTC()], stack)
	}
	top = roundUp(top)

	c := chart{Title: v.text("chart.title"), Width: chartWidth, Height: chartHeight, Unit: v.text(unit)}
	for _, name := range channels {
		c.Legend = append(c.Legend, share{Label: v.channelLabel(name), Series: seriesOf(name, channels)})
	}
	const plot = chartHeight - chartTop - chartBottom
	y := func(n int) float64 { return chartTop + plot*(1-float64(n)/float64(top)) }
	for _, n := range []int{0, top / 2, top} {
		c.Lines = append(c.Lines, chartLine{formatLength(y(n)), formatLength(y(n) + 4), formatCount(n)})
	}
	width := float64(chartWidth-chartLeft) / float64(max(1, len(starts)))
	every := (len(starts) + maxTicks - 1) / maxTicks
	for i, start := range starts {
		left := chartLeft + width*float64(i)
		s := chartSlot{
			Label: start.Format(layout), X: formatLength(left + width/2), Triggered: totals[start.UTC()],
			Frame: barPath(left+width*0.08, y(totals[start.UTC()]), y(0), width*0.84),
		}
		if by == smsplus.ByDay {
			s.Label = start.Format(time.DateOnly)
		}
		if i%max(1, every) == 0 {
			s.Tick = start.Format(layout)
		}
		words := []string{s.Label, v.text("chart.triggered", formatCount(s.Triggered))}
		stack := 0
		for _, name := range channels {
			n := counts[key{start.UTC(), name}]
			s.Counts = append(s.Counts, n)
			if n == 0 {
				continue
			}
			s.Bars = append(s.Bars, chartBar{seriesOf(name, channels), barPath(left+width*0.2, y(stack+n), y(stack), width*0.6)})
			stack += n
			words = append(words, v.text("chart.delivered", v.channelLabel(name), formatCount(n)))
		}
		s.Title = strings.Join(words, " · ")
		c.Slots = append(c.Slots, s)
	}
	return c, nil
}

// slotStarts returns the beginnings of the days, or hours, from the one of first until last.
func slotStarts(first, last time.Time, by smsplus.Dimensions) []time.Time {
	step := time.Hour
	if by == smsplus.ByDay {
		step = 26 * time.Hour // leads into the next day, also from one of 25 hours
	}
	var starts []time.Time
	for t := startOf(first, by); t.Before(last); t = startOf(t.Add(step), by) {
		starts = append(starts, t)
	}
	return starts
}

// roundUp returns the next number of the form 2, 4, 10, 20, 40, 100 …: its half is a whole
// number that reads well.
func roundUp(n int) int {
	for unit := 1; ; unit *= 10 {
		for _, step := range []int{2, 4, 10} {
			if step*unit >= n {
				return step * unit
			}
		}
	}
}

// barPath returns the path of a bar, or "" for one without height.
func barPath(x, top, bottom, width float64) string {
	if bottom-top < 0.01 {
		return ""
	}
	return fmt.Sprintf("M%s %sh%sV%sh-%sz", formatLength(x), formatLength(top), formatLength(width), formatLength(bottom), formatLength(width))
}
