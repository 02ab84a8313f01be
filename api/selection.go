package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// selection is what a request selects: the grammar of package recordfilter, and in a body also
// what may name a person.
type selection struct {
	filter smsplus.Filter
	reader *query.Reader
	zone   *time.Location
	// cursorFilter is the filter that cursors are made with. It has no times of a range that ends
	// now, so that a list can be continued after midnight.
	cursorFilter smsplus.Filter
}

// personalFields are the fields that are taken in a body alone.
var personalFields = []string{"phone", "recipient_id", "key", "reference", "provider_id"}

// listFields are the other fields of a list.
func listFields() []string { return append(recordfilter.Fields(), "zone") }

// statisticsFields are the fields of statistics that may stand in a URL.
func statisticsFields() []string {
	isOfList := func(name string) bool { return name == "size" || name == "after" }
	return append(slices.DeleteFunc(listFields(), isOfList), "by", "times")
}

// maxSize is the largest page.
const maxSize = 1000

// newReader returns a reader with the days of a zone.
func (c *call) newReader(zone *time.Location) *query.Reader {
	return query.New(c.config.Store, query.Options{
		Clock: c.config.Clock, Location: zone, Months: c.config.Months, Region: c.config.Region,
	})
}

// parseSelection returns what parameters select. They are those of a URL, or of a body, which
// may also select by what is in personal.
func (c *call) parseSelection(q url.Values, inBody bool, personal smsplus.Filter) (selection, error) {
	s := selection{zone: c.config.Location}
	var all []mistake
	if name := q.Get("zone"); name != "" {
		zone, ok := loadZone(name)
		if ok {
			s.zone = zone
		} else {
			all = append(all, mistakeAt("zone", inBody, "must be a time zone of the IANA database, such as Asia/Taipei"))
		}
	}
	s.reader = c.newReader(s.zone)
	scope := recordfilter.Scope{
		Now: c.config.Clock.Now().In(s.zone), Earliest: s.reader.Earliest(), Preset: "3m", MaxSize: maxSize,
	}
	f, wrong := scope.ParseFilter(q)
	for _, name := range recordfilter.Fields() {
		if fault, ok := wrong[name]; ok {
			all = append(all, mistakeAt(name, inBody, faultDetail(name, fault, scope)))
		}
	}
	if f.Period.Preset == "" && q.Get("range") != "" && wrong["range"] == "" {
		all = append(all, mistakeAt("range", inBody, "excludes from and to"))
	}
	s.filter = f.StoreFilter()
	s.filter.Phone, s.filter.RecipientID, s.filter.Key = personal.Phone, personal.RecipientID, personal.Key
	s.filter.Reference, s.filter.ProviderID = personal.Reference, personal.ProviderID
	s.cursorFilter = s.filter
	if f.Period.Preset != "" {
		s.cursorFilter.From = time.Time{}
	}
	if len(all) == 0 {
		if err := s.cursorFilter.Check(); err != nil {
			all = filterMistakes(err, inBody)
		}
	}
	if len(all) > 0 {
		return selection{}, newProblem(codeInvalidFilter, "", all...)
	}
	return s, s.translateCursor()
}

// translateCursor makes the caller's cursor one of the filter.
func (s *selection) translateCursor() error {
	if s.filter.After == "" {
		return nil
	}
	at, id, err := s.cursorFilter.Position()
	if err != nil {
		return err
	}
	s.filter.After = s.filter.CursorAt(smsplus.Message{ID: id, TriggeredAt: at})
	return nil
}

// nextCursor returns a cursor of the filter as the caller gets it.
func (s *selection) nextCursor(next smsplus.Cursor) (string, error) {
	if next == "" {
		return "", nil
	}
	f := s.filter
	f.After = next
	at, id, err := f.Position()
	return string(s.cursorFilter.CursorAt(smsplus.Message{ID: id, TriggeredAt: at})), err
}

// faultDetail says in words what is wrong with a field of the grammar.
func faultDetail(name string, fault recordfilter.Fault, s recordfilter.Scope) string {
	switch {
	case fault == recordfilter.Backwards:
		return "must be after from"
	case fault == recordfilter.TooEarly:
		return "must not be before " + s.Earliest.Format(time.RFC3339)
	case name == "range":
		return "must be one of " + strings.Join(recordfilter.Presets(), ", ")
	case name == "tab":
		return "must be one of all, sending, sent, undeliverable, failed"
	case name == "size":
		return "must be an integer from 1 to " + strconv.Itoa(maxSize)
	}
	return "must be a day (2026-11-29), a minute (2026-11-29T10:00) or a time in RFC 3339"
}

// loadZone returns the time zone of a name of the IANA database. The zone of the server is
// none of a caller's.
func loadZone(name string) (*time.Location, bool) {
	const maxZone = 64
	if name == "" || name == "Local" || len(name) > maxZone {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// readSelection returns what a body selects. The fields are the operation's, without the
// personal ones.
func (c *call) readSelection(o *object, fields []string) (selection, error) {
	q := url.Values{}
	for _, name := range fields {
		switch name {
		case "size":
			if n := o.integer(name, maxSize); n > 0 {
				q.Set(name, strconv.FormatInt(n, 10))
			}
		case "by", "times": // the caller has read them
		default:
			if s := o.text(name); s != "" {
				q.Set(name, s)
			}
		}
	}
	number := c.readNumber(o, "phone")
	personal := smsplus.Filter{
		Phone: number, RecipientID: o.text("recipient_id"), Key: o.text("key"), Reference: o.text("reference"), ProviderID: o.text("provider_id"),
	}
	if err := o.check(codeInvalidRequest); err != nil {
		return selection{}, err
	}
	return c.parseSelection(q, true, personal)
}
