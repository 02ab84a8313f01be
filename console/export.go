package console

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// exportList holds how far the latest exports of this process are. It is safe for
// concurrent use.
type exportList struct {
	mu    sync.Mutex
	byJob map[string]*progress
	jobs  []string // the keys of byJob, oldest first
}

// progress is how far an export is.
type progress struct {
	total   int // when it began
	written atomic.Int64
	outcome atomic.Int32
}

// The outcomes of an export.
const (
	exportRuns int32 = iota
	exportDone
	exportFailed
)

// maxExports is how many exports are remembered.
const maxExports = 100

// begin returns the progress of a new export. An export without a job that a page could ask
// for has one too.
func (l *exportList) begin(job string, total int) *progress {
	p := &progress{total: total}
	if !isJob.MatchString(job) {
		return p
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byJob == nil {
		l.byJob = map[string]*progress{}
	}
	if l.byJob[job] == nil {
		l.jobs = append(l.jobs, job)
	}
	l.byJob[job] = p
	if len(l.jobs) > maxExports {
		delete(l.byJob, l.jobs[0])
		l.jobs = l.jobs[1:]
	}
	return p
}

// progress returns how far an export is, or nil if it has not begun or is forgotten.
func (l *exportList) progress(job string) *progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byJob[job]
}

// isJob matches what [newJob] returns.
var isJob = regexp.MustCompile(`^[0-9a-f]{16}$`)

// newJob returns a name for an export that a page may begin.
func newJob() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// sendCSV answers with all records of a selection as a CSV.
func (v *visit) sendCSV(w http.ResponseWriter) error {
	return v.sendRecords(w, "csv", query.WriteCSV)
}

// sendNDJSON answers with all records of a selection, one JSON object per line.
func (v *visit) sendNDJSON(w http.ResponseWriter) error {
	return v.sendRecords(w, "ndjson", query.WriteNDJSON)
}

// exportPage is how many records an export reads at once.
const exportPage = 1000

// sendRecords answers with records while it reads them. An export that fails half-way breaks
// the connection, so that the browser does not take it for complete.
func (v *visit) sendRecords(w http.ResponseWriter, extension string, write func(io.Writer, iter.Seq2[smsplus.Message, error], ...query.Export) error) error {
	s := v.parseSelection(v.r.URL.Query())
	if len(s.Period.Wrong) > 0 || s.stale {
		return failure{http.StatusBadRequest, "error.filter"}
	}
	f := s.filter()
	f.Limit, f.After = exportPage, ""
	if err := v.audit(AuditEntry{Filter: f.String()}); err != nil {
		return err
	}
	counts, err := v.reader.CountByGroup(v.ctx, f)
	if err != nil {
		return err
	}
	p := v.exports.begin(v.r.URL.Query().Get("job"), counts[s.Group])
	out := &startedWriter{w: w, begun: func() { v.setDownload(w, "records", extension) }}
	// The export ends with the request. Each page of records has a deadline of its own.
	all := v.countWritten(w, p, v.reader.All(v.r.Context(), f))
	err = write(out, all, query.Export{BOM: true, Location: v.zone, Reveal: v.reveal})
	switch {
	case err == nil, errors.Is(err, smsplus.ErrUnreadable):
		p.outcome.Store(exportDone)
		return nil
	case !out.started:
		p.outcome.Store(exportFailed)
		return err
	}
	p.outcome.Store(exportFailed)
	v.config.Logger.WarnContext(v.r.Context(), "console: export was cut off", "err", err)
	panic(http.ErrAbortHandler)
}

// countWritten yields the records, counts them, and lets the connection live for as long as
// records come.
func (v *visit) countWritten(w http.ResponseWriter, p *progress, all iter.Seq2[smsplus.Message, error]) iter.Seq2[smsplus.Message, error] {
	connection := http.NewResponseController(w)
	return func(yield func(smsplus.Message, error) bool) {
		for m, err := range all {
			if p.written.Add(1)%exportPage == 1 {
				_ = connection.SetWriteDeadline(time.Now().Add(time.Minute)) // a test's recorder has none
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// startedWriter sets the headers of a file when its first bytes come. Until then the answer
// can still be an error.
type startedWriter struct {
	w       io.Writer
	begun   func()
	started bool
}

// Write writes to the answer.
func (s *startedWriter) Write(b []byte) (int, error) {
	if !s.started {
		s.started = true
		s.begun()
	}
	return s.w.Write(b)
}

// maxAsked is how often a page asks for an export that has not begun.
const maxAsked = 10

// progressPart is the content of "records#progress".
type progressPart struct {
	URL               string
	Written, Total    int
	IsRunning, IsDone bool
	IsUnknown         bool
}

// showProgress answers with how far an export is.
func (v *visit) showProgress(w http.ResponseWriter) error {
	job := v.r.PathValue("job")
	if !isJob.MatchString(job) {
		return failure{http.StatusNotFound, "error.page"}
	}
	part := progressPart{URL: v.path("/exports/" + job)}
	p := v.exports.progress(job)
	if p == nil { // another process has it, or it never begins
		asked, _ := strconv.Atoi(v.r.URL.Query().Get("asked"))
		part.IsRunning, part.IsUnknown = asked < maxAsked, true
		if part.IsRunning {
			part.URL = v.url("/exports/"+job, url.Values{"asked": {strconv.Itoa(asked + 1)}})
		}
		return v.render(w, http.StatusOK, "records#progress", part)
	}
	part.Written, part.Total = int(p.written.Load()), p.total
	part.IsRunning = p.outcome.Load() == exportRuns
	part.IsDone = p.outcome.Load() == exportDone
	return v.render(w, http.StatusOK, "records#progress", part)
}
