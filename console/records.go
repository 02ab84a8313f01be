package console

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// recordsPage is the content of "records.html".
type recordsPage struct {
	Layout layout
	Form   searchForm
	Period periodForm
	Tabs   []tab
	Rows   []recordRow
	// NextURL leads to older records, and FirstURL to the newest if they are not shown.
	NextURL, FirstURL string
	Sizes             []navItem
	Total             int // of the tab
	CSVURL, NDJSONURL string
	// ProgressURL shows how far an export is.
	ProgressURL string
	Legend      legend
	// Errors are the texts about the fields of the form, by the field's name.
	Errors map[string]string
}

// searchForm holds the fields of the form.
type searchForm struct {
	Range, Tab, Size                     string
	Countries                            []navItem
	Person, PersonLabel, ClearPersonURL  string
	Wanted, WantedLabel, ClearWantedURL  string
	Templates, Scenarios, Channels, Whys []navItem
	ClearURL                             string
	// Number and WantedText are as they were typed, if they are wrong.
	Number, NumberError     string
	WantedText, WantedError string
}

// tab is a group of statuses with its count.
type tab struct {
	ID         string // of its count
	Label, URL string
	Count      int
	IsCurrent  bool
}

// recordRow is a message in the list.
type recordRow struct {
	ID, To             string
	Scenario, Template string
	Badge              badge
	// Sentence says in words how the message stands.
	Sentence             string
	Triggered, Delivered moment
	Channel              string
	// ToggleURL is the page with the row expanded or not, and RowURL the row alone.
	ToggleURL, RowURL string
	// Story is what happened, if the row is expanded.
	Story *story
	// IsSending says that the message has not ended, so that the row is kept current.
	IsSending bool
	// IsUnreadable says that only the ID and the trigger time are known.
	IsUnreadable bool
}

// showRecords answers with a page of records.
func (v *visit) showRecords(w http.ResponseWriter) error {
	return v.answerRecords(w, v.parseSelection(v.r.URL.Query()), searchForm{})
}

// keepReveal adds to a URL that personal data stays shown.
func (v *visit) keepReveal(q url.Values) url.Values {
	if v.reveal {
		q.Set("reveal", "1")
	}
	return q
}

// answerRecords answers with the records of a selection. What was typed wrongly is shown
// with an error, and no records.
func (v *visit) answerRecords(w http.ResponseWriter, s selection, typed searchForm) error {
	page := recordsPage{
		Layout: v.withReveal(v.layout("records.title", "records.title")), Legend: v.legend(s.Channel), Errors: map[string]string{},
	}
	others := v.keepReveal(s.query())
	page.Period = v.periodForm(s.Period, "/records", withoutPeriod(others))
	maps.Copy(page.Errors, page.Period.Errors)
	if typed.NumberError != "" {
		page.Errors["number"] = typed.NumberError
	}
	if typed.WantedError != "" {
		page.Errors["wanted"] = typed.WantedError
	}
	if s.stale {
		page.Errors["wanted"] = v.text("records.stale")
	}
	var err error
	if page.Form, err = v.searchForm(s, typed); err != nil {
		return err
	}
	if len(page.Errors) > 0 {
		return v.render(w, http.StatusBadRequest, "records", page)
	}
	f := s.filter()
	if err := v.audit(AuditEntry{Message: s.open, Filter: f.String()}); err != nil {
		return err
	}
	counts, err := v.reader.CountByGroup(v.ctx, f)
	if err != nil {
		return err
	}
	page.Tabs, page.Total = v.tabs(s, counts), counts[s.Group]
	list, err := v.reader.Records(v.ctx, f)
	if err != nil {
		if s.After != "" && errors.Is(err, smsplus.ErrInvalidFilter) { // midnight has moved a preset's start
			http.Redirect(w, v.r, v.url("/records", others), http.StatusSeeOther)
			return nil
		}
		return err
	}
	pauses, err := v.reader.Pauses(v.ctx)
	if err != nil {
		return err
	}
	page.Rows = v.recordRows(s, list, pauses)
	v.setPageLinks(&page, s, list)
	page.Layout = v.withLive(page.Layout)
	return v.render(w, http.StatusOK, "records", page)
}

// withoutPeriod returns the query without its period.
func withoutPeriod(q url.Values) url.Values {
	q = maps.Clone(q)
	q.Del("range")
	q.Del("from")
	q.Del("to")
	return q
}

// setPageLinks sets the links to other pages of the list, and to the exports.
func (v *visit) setPageLinks(page *recordsPage, s selection, list smsplus.Page) {
	link := func(path string, change func(url.Values)) string {
		q := v.keepReveal(s.query())
		change(q)
		return v.url(path, q)
	}
	if list.Next != "" {
		page.NextURL = link("/records", func(q url.Values) { q.Set("after", string(list.Next)) })
	}
	if s.After != "" {
		page.FirstURL = link("/records", func(url.Values) {})
	}
	for _, size := range slices.Sorted(slices.Values(pageSizes)) {
		sized := s
		sized.Size = size
		page.Sizes = append(page.Sizes, navItem{
			Label: strconv.Itoa(size), URL: v.url("/records", v.keepReveal(sized.query())), IsCurrent: size == s.Size,
		})
	}
	job := newJob()
	page.CSVURL = link("/records.csv", func(q url.Values) { q.Set("job", job) })
	page.NDJSONURL = link("/records.ndjson", func(q url.Values) { q.Set("job", job) })
	page.ProgressURL = v.path("/exports/" + job)
}

// tabs returns the groups with their counts.
func (v *visit) tabs(s selection, counts map[status.Group]int) []tab {
	var tabs []tab
	for _, g := range status.Groups() {
		of := s
		of.Group = g
		tabs = append(tabs, tab{"count-" + g.String(), v.tabLabel(g), v.url("/records", v.keepReveal(of.query())), counts[g], g == s.Group})
	}
	return tabs
}

// searchForm returns the form of a selection, with what was typed wrongly.
func (v *visit) searchForm(s selection, typed searchForm) (searchForm, error) {
	f := typed
	f.Range, f.Person, f.Wanted = s.Period.Preset, s.person, s.wantedToken
	if s.Group != status.All {
		f.Tab = s.Group.String()
	}
	if s.Size != pageSizes[0] {
		f.Size = strconv.Itoa(s.Size)
	}
	if f.Countries == nil {
		f.Countries = v.countries("")
	}
	if s.person != "" {
		f.PersonLabel = s.number.String()
		if v.reveal {
			f.PersonLabel = s.number.E164()
		}
		without := s
		without.person = ""
		f.ClearPersonURL = v.url("/records", v.keepReveal(without.query()))
	}
	if s.wantedToken != "" {
		f.WantedLabel = v.wantedLabel(s.wanted)
		without := s
		without.wantedToken = ""
		f.ClearWantedURL = v.url("/records", v.keepReveal(without.query()))
	}
	q := url.Values{}
	s.Period.SetQuery(q)
	if s.isNarrowed() {
		f.ClearURL = v.url("/records", q)
	}
	err := v.setChoices(&f, s)
	return f, err
}

// setChoices sets what the boxes offer: the templates, scenarios and channels of the period
// and of the dispatchers that run, and the reasons.
func (v *visit) setChoices(f *searchForm, s selection) error {
	channels, err := v.channels(s.Channel)
	if err != nil {
		return err
	}
	f.Channels = v.channelChoices(channels, s.Channel)
	templates, scenarios := []string{s.Template}, []string{s.Scenario}
	if len(s.Period.Wrong) == 0 {
		groups, err := v.reader.StatsBy(v.ctx, s.Period.Bound(smsplus.Filter{}), smsplus.Grouping{By: smsplus.ByTemplate | smsplus.ByScenario})
		if err != nil {
			return err
		}
		for _, g := range groups {
			templates, scenarios = append(templates, g.Template), append(scenarios, g.Scenario)
		}
	}
	f.Templates = choices(v.text("filter.allTemplates"), templates, s.Template)
	f.Scenarios = choices(v.text("filter.allScenarios"), scenarios, s.Scenario)
	f.Whys = []navItem{{Label: v.text("filter.allReasons"), IsCurrent: s.Reason == ""}}
	reasons := slices.Clone(knownReasons)
	if s.Reason != "" && !isKnownReason(s.Reason) {
		reasons = append(reasons, s.Reason)
	}
	for _, r := range reasons {
		f.Whys = append(f.Whys, navItem{Label: v.reasonLabel(r), Value: string(r), IsCurrent: r == s.Reason})
	}
	return nil
}

// maxChoices is the most names in a box.
const maxChoices = 200

// choices returns the choices of a box of names, that of all of them first.
func choices(all string, names []string, chosen string) []navItem {
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n == "" })
	items := []navItem{{Label: all, IsCurrent: chosen == ""}}
	for i, n := range names {
		if i < maxChoices || n == chosen {
			items = append(items, navItem{Label: n, Value: n, IsCurrent: n == chosen})
		}
	}
	return items
}

// countries returns the choices of country codes. The config's is chosen for "".
func (v *visit) countries(chosen string) []navItem {
	chosen = cmp.Or(chosen, v.config.Region)
	var items []navItem
	for _, c := range national.Countries(v.code) {
		items = append(items, navItem{Label: c.Name + " +" + c.Code, Value: c.Region, IsCurrent: c.Region == chosen})
	}
	return items
}

// recordRows returns the rows of a page of the list, in its order.
func (v *visit) recordRows(s selection, list smsplus.Page, pauses []smsplus.Pause) []recordRow {
	rows := make([]recordRow, 0, len(list.Messages)+len(list.Unreadable))
	for i := range list.Messages {
		m := &list.Messages[i]
		rows = append(rows, v.recordRow(m, pauses, m.ID == s.open, s))
	}
	for _, u := range list.Unreadable {
		rows = append(rows, recordRow{ID: u.ID.String(), IsUnreadable: true, Triggered: v.moment(u.TriggeredAt)})
	}
	slices.SortStableFunc(rows, func(a, b recordRow) int { return cmp.Compare(b.Triggered.ISO, a.Triggered.ISO) })
	return rows
}

// recordRow returns a message's row. Its list is that of the selection.
func (v *visit) recordRow(m *smsplus.Message, pauses []smsplus.Pause, isOpen bool, s selection) recordRow {
	r := recordRow{
		ID: m.ID.String(), To: v.recipientLabel(m), Scenario: m.Scenario, Template: m.Template, Badge: v.badge(m.Status),
		Sentence: v.summary(m, pauses), Triggered: v.moment(m.TriggeredAt), Delivered: v.moment(m.DeliveredAt),
		IsSending: !m.HasEnded(),
	}
	if !m.DeliveredAt.IsZero() {
		r.Channel = v.channelLabel(m.Channel)
	}
	q := v.keepReveal(s.query())
	setUnlessEmpty(q, "after", string(s.After))
	row := v.keepReveal(url.Values{})
	if isOpen {
		st := v.story(m, pauses)
		r.Story = &st
	} else {
		q.Set("open", r.ID)
		row.Set("open", "1")
	}
	r.ToggleURL = v.url("/records", q) + "#r-" + r.ID
	r.RowURL = v.url("/records/"+r.ID+"/row", row)
	return r
}

// recipientLabel returns the recipient as lists show it: masked, unless numbers are shown.
func (v *visit) recipientLabel(m *smsplus.Message) string {
	if !m.To.Phone.IsZero() {
		if v.reveal {
			return m.To.Phone.E164()
		}
		return m.To.Phone.String()
	}
	if len(m.To.IDs) == 0 {
		return v.text("records.erased")
	}
	name := slices.MinFunc(slices.Collect(maps.Keys(m.To.IDs)), compareChannels)
	if v.reveal {
		return v.channelLabel(name) + " " + m.To.IDs[name]
	}
	return v.text("records.idOn", v.channelLabel(name))
}

// message returns the message that the path names, and the pauses.
func (v *visit) message() (smsplus.Message, []smsplus.Pause, error) {
	id, err := uuid.Parse(v.r.PathValue("id"))
	if err != nil {
		return smsplus.Message{}, nil, failure{http.StatusNotFound, "error.record"}
	}
	if err := v.audit(AuditEntry{Message: id}); err != nil {
		return smsplus.Message{}, nil, err
	}
	m, err := v.reader.Record(v.ctx, id)
	if err != nil {
		return smsplus.Message{}, nil, err
	}
	pauses, err := v.reader.Pauses(v.ctx)
	return m, pauses, err
}

// showRow answers with one row of the list, expanded or not. A row that a live update asks
// for shares its queries with others.
func (v *visit) showRow(w http.ResponseWriter) error {
	if v.r.URL.Query().Get("live") == "1" {
		v.readFrom(v.shared)
	}
	m, pauses, err := v.message()
	if err != nil {
		return err
	}
	var list url.Values // the row stands in it, and browsers may open the row's link
	if u, err := url.Parse(v.r.Header.Get("HX-Current-URL")); err == nil {
		list = u.Query()
	}
	isOpen := v.r.URL.Query().Get("open") == "1"
	return v.render(w, http.StatusOK, "records#row", v.recordRow(&m, pauses, isOpen, v.parseSelection(list)))
}

// recordPage is the content of "record.html".
type recordPage struct {
	Layout layout
	To     string // masked, unless numbers are shown
	Badge  badge
	Story  story
	Legend legend
	// Notice says what a search took the text for, or "".
	Notice string
}

// showRecord answers with the page of one message.
func (v *visit) showRecord(w http.ResponseWriter) error {
	page, err := v.recordPage()
	if err != nil {
		return err
	}
	page.Layout = v.withLive(v.withReveal(v.layout("record.title", "records.title")))
	page.Notice = v.foundNotice()
	return v.render(w, http.StatusOK, "record", page)
}

// liveRecord returns the story of one message.
func (v *visit) liveRecord() ([]livePart, error) {
	page, err := v.recordPage()
	if err != nil {
		return nil, err
	}
	part, err := v.part("message", "record#message", page)
	return []livePart{part}, err
}

// recordPage returns the page of the message that the path names, without the layout.
func (v *visit) recordPage() (recordPage, error) {
	m, pauses, err := v.message()
	if err != nil {
		return recordPage{}, err
	}
	return recordPage{To: v.recipientLabel(&m), Badge: v.badge(m.Status), Story: v.story(&m, pauses), Legend: v.legend(m.Channel)}, nil
}
