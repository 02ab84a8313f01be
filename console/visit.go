package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// visit is one request of a viewer.
type visit struct {
	*site
	*catalogue

	r    *http.Request
	ctx  context.Context
	user string
	zone *time.Location
	now  time.Time
	// mayReveal says that Config.Reveal allows the request to see personal data, and reveal
	// that the user asked for it too.
	mayReveal, reveal bool
	store             smsplus.Store
	reader            *query.Reader
	// isAudited says that the reveal of a stream was reported when the stream began.
	isAudited bool
	// ended are the watched messages of a stream that have ended.
	ended map[uuid.UUID]bool
}

// newVisit returns the visit of a request that was authorized.
func (s *site) newVisit(r *http.Request) *visit {
	v := &visit{
		site: s, catalogue: catalogueFor(r), r: r, ctx: r.Context(), zone: s.zoneFor(r), now: s.config.Clock.Now(),
		mayReveal: s.config.Reveal(r),
	}
	v.user, _ = r.Context().Value(userKey{}).(string)
	v.reveal = v.mayReveal && r.URL.Query().Get("reveal") == "1"
	v.readFrom(s.store)
	return v
}

// readFrom sets where the visit reads.
func (v *visit) readFrom(store smsplus.Store) {
	v.store = store
	v.reader = query.New(store, query.Options{
		Clock: v.config.Clock, Location: v.zone, Months: v.config.Months, Region: v.config.Region,
	})
}

// maxZone is the longest name of a time zone that is looked up.
const maxZone = 64

// zoneFor returns the time zone of the viewer's browser, or the config's.
func (s *site) zoneFor(r *http.Request) *time.Location {
	if cookie, err := r.Cookie(zoneCookie); err == nil {
		if name, err := url.QueryUnescape(cookie.Value); err == nil {
			if zone, ok := loadZone(name); ok {
				return zone
			}
		}
	}
	return s.config.Location
}

// loadZone returns the time zone of a name of the IANA database. The zone of the server is
// none of a viewer's.
func loadZone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" || len(name) > maxZone {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// path returns the path of a page as browsers see it.
func (s *site) path(page string) string { return s.config.BasePath + page }

// url returns the URL of a page with a query.
func (s *site) url(page string, q url.Values) string {
	if len(q) == 0 {
		return s.path(page)
	}
	return s.path(page) + "?" + q.Encode()
}

// page returns the path that was asked for, without the base path.
func (v *visit) page() string { return strings.TrimPrefix(v.r.URL.Path, v.config.BasePath) }

// audit reports that the user is shown personal data, if that is so. An entry is about one
// message or about a filter.
func (v *visit) audit(e AuditEntry) error {
	if !v.reveal || v.isAudited {
		return nil
	}
	e.Action = Reveal
	return v.report(e)
}

// moment is a time as a page shows it.
type moment struct {
	// Short is what is read, Exact what is shown on hover, and ISO what programs read. All
	// are "" for the zero time.
	Short, Exact, ISO string
}

// moment returns a time in the viewer's time zone.
func (v *visit) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	local := t.In(v.zone)
	return moment{
		Short: local.Format("2006-01-02 15:04:05"),
		Exact: local.Format("2006-01-02 15:04:05.000 -07:00") + " (" + v.zone.String() + ")",
		ISO:   t.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
}

// clockTime returns a time as sentences have it: without the date on the day itself.
func (v *visit) clockTime(t time.Time) string {
	local := t.In(v.zone)
	if local.Format(time.DateOnly) == v.now.In(v.zone).Format(time.DateOnly) {
		return local.Format("15:04")
	}
	return local.Format("2006-01-02 15:04")
}

// duration returns a length of time as people say it, in its two largest units.
func (c *catalogue) duration(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return c.text("unit.ms", d.Milliseconds())
	case d < 10*time.Second:
		return c.text("unit.s1", d.Seconds())
	case d < time.Minute:
		return c.text("unit.s", int(d.Seconds()))
	case d < time.Hour:
		return c.joinUnits("unit.m", int(d/time.Minute), "unit.s", int(d%time.Minute/time.Second))
	case d < 24*time.Hour:
		return c.joinUnits("unit.h", int(d/time.Hour), "unit.m", int(d%time.Hour/time.Minute))
	}
	return c.joinUnits("unit.d", int(d/(24*time.Hour)), "unit.h", int(d%(24*time.Hour)/time.Hour))
}

func (c *catalogue) joinUnits(large string, n int, small string, m int) string {
	if m == 0 {
		return c.text(large, n)
	}
	return c.text(large, n) + " " + c.text(small, m)
}

// formatCount returns a number with commas between the thousands.
func formatCount(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// formatShare returns part of whole in percent, or a dash if there is no whole.
func formatShare(part, whole int) string {
	switch {
	case whole <= 0:
		return "–"
	case part == whole:
		return "100%"
	case part == 0:
		return "0%"
	}
	// What is not all is never shown as all, nor what is not none as none.
	tenths := min(max(1000*part/whole, 1), 999)
	return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10) + "%"
}

// channelLabel returns the name of a channel as people know it.
func (c *catalogue) channelLabel(name channel.Name) string {
	if key := "channel." + string(name); c.has(key) {
		return c.text(key)
	}
	return string(name)
}
