package console

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/maphash"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Live updates are a stream of server-sent events for each page that is looked at. An event
// has the elements of the page that have changed, by their IDs. The stream's request is the
// goroutine that makes them, so no goroutine is left when the requests have ended.
const (
	// liveInterval is the time between two events.
	liveInterval = 2 * time.Second
	// streamLife bounds a stream. The browser opens a new one, which is authorized again.
	streamLife = 5 * time.Minute
	// maxStreams is the most streams at one time.
	maxStreams = 1000
	// maxWatched is the most rows of a page that are kept current.
	maxWatched = 100
	// maxLookups is the most rows that are looked up one by one for an event.
	maxLookups = 2
	// writeTimeout is a deadline for sending an event. It takes the place of the server's,
	// which a stream outlives.
	writeTimeout = 10 * time.Second
)

// livePage returns the elements of a page that are kept current.
type livePage func(v *visit) ([]livePart, error)

// livePart is an element of a page: its ID, and its HTML with that ID.
type livePart struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// handleLive adds the streams to the routes, each under the path of its page.
func (s *site) handleLive(mux *http.ServeMux) {
	for page, parts := range map[string]livePage{
		"/templates":    (*visit).liveStatistics,
		"/records":      (*visit).liveRecords,
		"/records/{id}": (*visit).liveRecord,
		"/why":          (*visit).liveFailures,
		"/providers":    (*visit).liveProviders,
		"/operations":   (*visit).liveOperations,
	} {
		mux.Handle("GET "+s.path("/live"+page), s.stream(parts))
	}
}

// withLive adds to the layout of a page the stream that keeps the page current.
func (v *visit) withLive(l layout) layout {
	q := v.r.URL.Query()
	for _, name := range []string{"open", "done", "n"} {
		q.Del(name)
	}
	l.LiveURL = v.url("/live"+v.page(), q)
	return l
}

// newLiveVisit returns the visit of a stream. Its queries are shared. Its time is that of an
// interval, so that ranges which end now are equal for all viewers.
func (s *site) newLiveVisit(r *http.Request) *visit {
	v := s.newVisit(r)
	v.now = v.now.Truncate(liveInterval)
	v.readFrom(s.shared)
	return v
}

// part renders a template of a page as an element that is kept current.
func (v *visit) part(id, name string, data any) (livePart, error) {
	var b bytes.Buffer
	err := v.templates[v.code].execute(&b, name, data)
	return livePart{id, b.String()}, err
}

// stream returns a handler that sends the elements of a page whenever they change. It ends
// with the request, with Config.Context, or after streamLife.
func (s *site) stream(parts livePage) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
			http.Error(w, catalogueFor(r).text("error.forbidden"), http.StatusForbidden) // it could only use up the streams
			return
		}
		if s.streams.Add(1) > maxStreams {
			s.streams.Add(-1)
			http.Error(w, catalogueFor(r).text("live.full"), http.StatusServiceUnavailable)
			return
		}
		defer s.streams.Add(-1)
		ctx, stop := context.WithCancel(r.Context())
		defer stop()
		defer context.AfterFunc(s.config.Context, stop)()
		s.sendEvents(w, r.WithContext(ctx), parts)
	})
}

// sendEvents sends events until the request's context ends.
func (s *site) sendEvents(w http.ResponseWriter, r *http.Request, parts livePage) {
	end := s.config.Clock.Now().Add(streamLife)
	e := eventWriter{w: w, controller: http.NewResponseController(w), seed: maphash.MakeSeed(), sent: map[string]uint64{}}
	_ = e.controller.SetReadDeadline(time.Time{}) // the server's would end the request
	ended := map[uuid.UUID]bool{}
	for first := true; first || s.config.Clock.Now().Before(end); first = false {
		v := s.newLiveVisit(r)
		v.isAudited, v.ended = !first, ended
		current, err := parts(v)
		switch {
		case r.Context().Err() != nil:
			return
		case err != nil && first:
			f := failureOf(err)
			http.Error(w, v.text(f.key), f.code)
			return
		case err == nil: // after an error the page stays as it is, and says how old it is
			if err := e.send(v, current); err != nil {
				return // the viewer has left
			}
		}
		select {
		case <-s.config.Clock.After(liveInterval):
		case <-r.Context().Done():
			return
		}
	}
}

// eventWriter sends the elements that have changed since they were sent.
type eventWriter struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	hasBegun   bool
	seed       maphash.Seed
	sent       map[string]uint64 // the hash of an element's HTML, by its ID
}

// send sends an event. The time of the page is always in it.
func (e *eventWriter) send(v *visit, current []livePart) error {
	now, err := v.part("now", "error#now", v.moment(v.now))
	if err != nil {
		return err
	}
	changed := []livePart{now}
	for _, p := range current {
		if sum := maphash.String(e.seed, p.HTML); e.sent[p.ID] != sum {
			e.sent[p.ID] = sum
			changed = append(changed, p)
		}
	}
	if !e.hasBegun {
		e.hasBegun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("X-Accel-Buffering", "no") // for proxies that would wait for more
	}
	var b bytes.Buffer
	b.WriteString("data: ")
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(changed); err != nil {
		return err
	}
	b.WriteString("\n")
	_ = e.controller.SetWriteDeadline(time.Now().Add(writeTimeout)) // a connection's deadline is of the real clock
	if _, err := e.w.Write(b.Bytes()); err != nil {
		return err
	}
	return e.controller.Flush()
}

// liveStatistics returns the rows of the statistics, each with an ID of its template.
func (v *visit) liveStatistics() ([]livePart, error) {
	q := v.r.URL.Query()
	name := channel.Name(q.Get("channel"))
	p := v.period(q)
	if len(p.Wrong) > 0 {
		return nil, failure{http.StatusBadRequest, "error.filter"}
	}
	channels, err := v.channels(name)
	if err != nil {
		return nil, err
	}
	rows, total, _, err := v.statistics(p, name, channels)
	if err != nil {
		return nil, err
	}
	parts := make([]livePart, 0, len(rows)+1)
	for _, r := range append(rows, total) {
		part, err := v.part(r.ID, "templates#statistics", r)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// liveRecords returns the counts of the tabs, and the rows that the browser watches because
// their messages have not ended.
func (v *visit) liveRecords() ([]livePart, error) {
	s := v.parseSelection(v.r.URL.Query())
	if s.stale || len(s.Period.Wrong) > 0 {
		return nil, failure{http.StatusBadRequest, "error.filter"}
	}
	f := s.filter()
	if err := v.audit(AuditEntry{Filter: f.String()}); err != nil {
		return nil, err
	}
	counts, err := v.reader.CountByGroup(v.ctx, f)
	if err != nil {
		return nil, err
	}
	var parts []livePart
	for _, t := range v.tabs(s, counts) {
		part, err := v.part(t.ID, "records#count", t)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	watched := parseWatched(v.r.URL.Query())
	if len(watched) == 0 {
		return parts, nil
	}
	list, err := v.reader.Records(v.ctx, f)
	if err != nil {
		return nil, err
	}
	pauses, err := v.reader.Pauses(v.ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*smsplus.Message, len(list.Messages))
	for i := range list.Messages {
		byID[list.Messages[i].ID] = &list.Messages[i]
	}
	lookups := 0
	for _, id := range watched {
		m := byID[id]
		if m == nil { // it has left the tab, or newer messages have pushed it to the next page
			if v.ended[id] || lookups == maxLookups {
				continue
			}
			lookups++
			found, err := v.reader.Record(v.ctx, id)
			if err != nil {
				continue
			}
			m = &found
		}
		v.ended[id] = m.HasEnded()
		part, err := v.part("r-"+id.String(), "records#row", v.recordRow(m, pauses, false, s))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// parseWatched returns the messages that a browser watches.
func parseWatched(q url.Values) []uuid.UUID {
	var ids []uuid.UUID
	for text := range strings.SplitSeq(q.Get("watch"), ",") {
		if id, err := uuid.Parse(text); err == nil && len(ids) < maxWatched {
			ids = append(ids, id)
		}
	}
	return ids
}
