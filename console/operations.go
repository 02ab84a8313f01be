package console

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// operationsPage is the content of "operations.html".
type operationsPage struct {
	Layout layout
	// Due, Behind, SetAside and Parked sum up the tables.
	Due, SetAside int
	Behind        string
	Parked        parkedSum
	Lanes         []laneRow
	Pauses        []pauseRow
	Dispatchers   []dispatcherRow
}

// laneRow is a lane with messages that are due, or set aside.
type laneRow struct {
	Name               string
	Due, SetAside      int
	Behind             string
	IsPaused, IsServed bool
}

// pauseRow is a channel or a template that is paused.
type pauseRow struct {
	Name, Note string
	Since      moment
	// ResumeURL ends the pause. It is "" if the viewer may not.
	ResumeURL string
}

// dispatcherRow is a dispatcher that runs.
type dispatcherRow struct {
	Name                string
	StartedAt, At       moment
	Channels, Templates []string
}

// parkedSum counts the receipts that wait for their message.
type parkedSum struct {
	Count int
	// IsMore says that there are more than were counted.
	IsMore bool
	Rows   []parkedRow
}

// parkedRow counts the parked receipts of a channel.
type parkedRow struct {
	Channel string
	Count   int
	Oldest  moment
	Age     string

	name channel.Name
}

// showOperations answers with how sending stands.
func (v *visit) showOperations(w http.ResponseWriter) error {
	page, err := v.operationsPage()
	if err != nil {
		return err
	}
	page.Layout = v.withLive(v.layout("operations.title", "operations.title"))
	return v.render(w, http.StatusOK, "operations", page)
}

// liveOperations returns the page as one element.
func (v *visit) liveOperations() ([]livePart, error) {
	page, err := v.operationsPage()
	if err != nil {
		return nil, err
	}
	part, err := v.part("operations", "operations#operations", page)
	return []livePart{part}, err
}

// operationsPage returns how sending stands, without the layout.
func (v *visit) operationsPage() (page operationsPage, err error) {
	o, err := v.reader.Overview(v.ctx)
	if err != nil {
		return page, err
	}
	if page.Parked, err = v.parked(); err != nil {
		return page, err
	}
	behind := time.Duration(0)
	for _, l := range o.Lanes {
		page.Due, page.SetAside, behind = page.Due+l.Due, page.SetAside+l.SetAside, max(behind, l.Behind)
		page.Lanes = append(page.Lanes, v.laneRow(l))
	}
	if page.Due > 0 {
		page.Behind = v.duration(behind)
	}
	page.Pauses = v.pauseRows(o.Pauses)
	for _, d := range o.Dispatchers {
		row := dispatcherRow{Name: d.Name, StartedAt: v.moment(d.StartedAt), At: v.moment(d.At), Templates: d.Templates}
		for _, c := range sortChannels(slices.Clone(d.Channels)) {
			row.Channels = append(row.Channels, v.channelLabel(c))
		}
		page.Dispatchers = append(page.Dispatchers, row)
	}
	return page, nil
}

// pauseRows returns the rows of the pauses.
func (v *visit) pauseRows(pauses []smsplus.Pause) []pauseRow {
	mayResume := v.may(Resume)
	var rows []pauseRow
	for _, p := range pauses {
		row := pauseRow{Name: v.pauseName(p), Note: p.Note, Since: v.moment(p.Since)}
		if mayResume {
			row.ResumeURL = v.pauseURL(Resume, p)
		}
		rows = append(rows, row)
	}
	return rows
}

func (v *visit) laneRow(l query.LaneStatus) laneRow {
	r := laneRow{Due: l.Due, SetAside: l.SetAside, IsPaused: l.IsPaused, IsServed: l.IsServed}
	switch {
	case l.Template != "":
		r.Name = v.text("operations.templateLane", l.Template)
	case l.Channel != "":
		r.Name = v.channelLabel(l.Channel)
		if l.Class != smsplus.Normal {
			r.Name = v.text("operations.classLane", r.Name, v.text("class."+l.Class.String()))
		}
	case l.HasOutcomes:
		r.Name = v.text("operations.outcomeLane")
	default:
		r.Name = v.text("operations.endLane")
	}
	if l.Due > 0 {
		r.Behind = v.duration(l.Behind)
	}
	return r
}

// pauseName returns the name of what is paused.
func (v *visit) pauseName(p smsplus.Pause) string {
	if p.Template != "" {
		return v.text("operations.templateLane", p.Template)
	}
	return v.channelLabel(p.Channel)
}

// The most parked receipts that are counted, and how many are read at once.
const (
	maxParked     = 5000
	maxParkedPage = 1000
)

// parked counts the receipts that wait for their message.
func (v *visit) parked() (parkedSum, error) {
	var sum parkedSum
	counts, oldest := map[channel.Name]int{}, map[channel.Name]time.Time{}
	for after := ""; ; {
		rs, next, err := v.store.ListParked(v.ctx, after, maxParkedPage)
		if err != nil {
			return parkedSum{}, err
		}
		for _, r := range rs {
			sum.Count++
			counts[r.Channel]++
			if at := oldest[r.Channel]; at.IsZero() || r.At.Before(at) {
				oldest[r.Channel] = r.At
			}
		}
		if sum.IsMore = next != ""; next == "" || sum.Count >= maxParked {
			break
		}
		after = next
	}
	for _, name := range slices.SortedFunc(maps.Keys(counts), func(a, b channel.Name) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), compareChannels(a, b))
	}) {
		sum.Rows = append(sum.Rows, parkedRow{
			Channel: v.channelLabel(name), Count: counts[name], Oldest: v.moment(oldest[name]),
			Age: v.duration(v.now.Sub(oldest[name])), name: name,
		})
	}
	return sum, nil
}
