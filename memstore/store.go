package memstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Store is a [smsplus.Store] in memory. [New] returns one.
type Store struct {
	interned      internTables
	encodeBuffers sync.Pool // of *encodeBuffer
	history       uint64    // see newHistory

	mu     sync.RWMutex // guards the fields below
	closed bool         // table is nil if closed
	table  *table
	parked parkedReceipts
	operations
}

var _ smsplus.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{
		encodeBuffers: sync.Pool{New: func() any { return new(encodeBuffer) }},
		history:       newHistory(),
		operations:    newOperations(),
	}
	s.table = newTable(&s.interned)
	return s
}

var errClosed = errors.New("memstore: the store is closed")

// encodeBuffer holds the records of a call. They are encoded before the lock is taken.
type encodeBuffer struct {
	scratch []byte
	records []record
}

// releaseBuffer returns a buffer to the pool. It clears the records, which would keep
// their texts alive.
func (s *Store) releaseBuffer(d *encodeBuffer) {
	clear(d.records)
	d.records = d.records[:0]
	s.encodeBuffers.Put(d)
}

// lock locks the store for a change. If it returns nil, the caller must unlock.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed
	}
	return nil
}

// rlock locks the store for reading. If it returns nil, the caller must unlock.
func (s *Store) rlock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return errClosed
	}
	return nil
}

// checkOpen returns an error if the store is closed.
func (s *Store) checkOpen(ctx context.Context) error {
	err := s.rlock(ctx)
	if err == nil {
		s.mu.RUnlock()
	}
	return err
}

// decodeRecords decodes copies of records, so it needs no lock.
func (s *Store) decodeRecords(rs []record) []smsplus.Message {
	if len(rs) == 0 {
		return nil
	}
	prefetchTexts(rs)
	words := s.interned.takeSnapshot()
	ms := make([]smsplus.Message, len(rs))
	for i := range rs {
		rs[i].decode(&ms[i], words)
	}
	return ms
}

// Insert implements [smsplus.Store]. An ID that the store already holds is an error.
func (s *Store) Insert(ctx context.Context, ms []smsplus.Message) (taken map[string]smsplus.Message, err error) {
	d := s.encodeBuffers.Get().(*encodeBuffer)
	defer s.releaseBuffer(d)
	for i := range ms {
		if err := checkStatuses(&ms[i]); err != nil {
			return nil, err
		}
		d.records = append(d.records, s.interned.encodeRecord(&d.scratch, &ms[i]))
	}
	holders, err := s.insertRecords(ctx, ms, d.records)
	if err != nil || len(holders) == 0 {
		return nil, err
	}
	taken = make(map[string]smsplus.Message, len(holders))
	for _, m := range s.decodeRecords(holders) {
		taken[m.Key] = m
	}
	return taken, nil
}

// insertRecords inserts the records of the messages. If keys are taken, it inserts none
// and returns the records that have the keys.
func (s *Store) insertRecords(ctx context.Context, ms []smsplus.Message, rs []record) (holders []record, err error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for i := range ms {
		if ms[i].Key == "" {
			continue
		}
		if h, ok := s.table.handleByKey(ms[i].Key); ok {
			holders = append(holders, *s.table.slab.get(h))
		}
	}
	if len(holders) > 0 {
		return holders, nil
	}
	for i := range rs {
		if !s.table.insert(rs[i]) {
			for _, added := range rs[:i] {
				h, _ := s.table.handleByID(added.id)
				s.table.dropRecord(h)
			}
			return nil, fmt.Errorf("memstore: Message.ID %v is there already", rs[i].id)
		}
	}
	return nil, nil
}

// Claim implements [smsplus.Store]. No message is unreadable.
func (s *Store) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	request := claimRequest{
		now: microtime.Of(c.Now), leaseEnd: microtime.Of(c.Now.Add(c.Lease)), limit: c.Limit, holder: c.Holder,
	}
	for _, name := range c.Only {
		if number, ok := s.interned.channels.lookup(string(name)); ok && !slices.Contains(request.lanes, number) {
			request.lanes = append(request.lanes, number)
		}
	}
	for _, template := range c.SkipTemplates {
		if number, ok := s.interned.templates.lookup(template); ok {
			request.skipTemplates = append(request.skipTemplates, number)
		}
	}
	if err := s.lock(ctx); err != nil {
		return smsplus.Claimed{}, err
	}
	if c.Only == nil {
		request.lanes = s.table.allLanes()
	}
	rs, due, next := s.table.claimRecords(request)
	passed := s.table.passedLanes(request.lanes)
	s.mu.Unlock()

	claimed := smsplus.Claimed{
		Messages: s.decodeRecords(rs), Due: make([]time.Time, len(due)), Next: microtime.Time(next),
	}
	for i, at := range due {
		claimed.Due[i] = microtime.Time(at)
	}
	for _, p := range passed {
		name := s.interned.channels.allTexts()[p.lane]
		claimed.Passed = append(claimed.Passed, smsplus.PassedLane{Lane: channel.Name(name), DueAt: microtime.Time(p.dueAt)})
	}
	return claimed, nil
}

// Update implements [smsplus.Store].
func (s *Store) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	d := s.encodeBuffers.Get().(*encodeBuffer)
	defer s.releaseBuffer(d)
	for i := range ms {
		if err := checkStatuses(&ms[i]); err != nil {
			return nil, err
		}
		d.records = append(d.records, s.interned.encodeState(&d.scratch, &ms[i]))
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for i := range ms {
		h, ok := s.table.handleByID(ms[i].ID)
		if !ok || s.table.slab.get(h).version != ms[i].Version {
			stale = append(stale, ms[i].ID)
			continue
		}
		s.table.replace(h, d.records[i])
	}
	return stale, nil
}

// SetAside implements [smsplus.Store].
func (s *Store) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, u := range rows {
		if h, ok := s.table.handleByID(u.ID); ok && s.table.slab.get(h).version == u.Version {
			s.table.setAside(h, microtime.Of(until))
			s.asideVersions[u.ID] = u.Version + 1
		}
	}
	return nil
}

// Message implements [smsplus.Store].
func (s *Store) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	if err := s.rlock(ctx); err != nil {
		return smsplus.Message{}, err
	}
	h, ok := s.table.handleByID(id)
	var r record
	if ok {
		r = *s.table.slab.get(h)
	}
	s.mu.RUnlock()
	if !ok {
		return smsplus.Message{}, smsplus.ErrNotFound
	}
	var m smsplus.Message
	r.decode(&m, s.interned.takeSnapshot())
	return m, nil
}

// ByProviderID implements [smsplus.Store]. An empty ProviderID finds nothing.
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	rs, err := s.recordsByProviderID(ctx, refs)
	return s.decodeRecords(rs), err
}

func (s *Store) recordsByProviderID(ctx context.Context, refs []channel.Ref) ([]record, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	var hs []handle
	for _, ref := range refs {
		if number, ok := s.interned.channels.lookup(string(ref.Channel)); ok {
			hs = s.table.appendHandlesByRef(hs, number, ref.ProviderID)
		}
	}
	slices.Sort(hs)
	hs = slices.Compact(hs)
	rs := make([]record, len(hs))
	for i, h := range hs {
		rs[i] = *s.table.slab.get(h)
	}
	return rs, nil
}

// Park implements [smsplus.Store].
func (s *Store) Park(ctx context.Context, rs []channel.Receipt) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, r := range rs {
		s.parked.add(r)
	}
	return nil
}

// Parked implements [smsplus.Store].
func (s *Store) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	return s.parked.receipts(refs), nil
}

// ListParked implements [smsplus.Store]. The order is that of time.
func (s *Store) ListParked(ctx context.Context, after string, limit int) (rs []channel.Receipt, next string, err error) {
	from, err := parseParkedCursor(after)
	if err != nil {
		return nil, "", err
	}
	if err := s.rlock(ctx); err != nil {
		return nil, "", err
	}
	defer s.mu.RUnlock()
	rs, next = s.parked.page(from, limit)
	return rs, next, nil
}

// Unpark implements [smsplus.Store].
func (s *Store) Unpark(ctx context.Context, refs []channel.Ref) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, ref := range refs {
		s.parked.remove(ref)
	}
	return nil
}

// Records implements [smsplus.Store].
func (s *Store) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return smsplus.Page{}, err
	}
	at, id, err := f.Position()
	if err != nil {
		return smsplus.Page{}, err
	}
	sel, ok := s.interned.newSelection(f)
	if !ok {
		return smsplus.Page{}, s.checkOpen(ctx)
	}
	if us := microtime.Of(at); f.After != "" && us < sel.To {
		sel.To = us
	} else {
		id = uuid.UUID{}
	}
	size := f.PageSize()
	rs := make([]record, 0, min(size, smsplus.DefaultLimit)+1)
	err = s.walkRecords(ctx, sel, id, func(r *record) bool {
		rs = append(rs, *r)
		return len(rs) <= size
	})
	if err != nil {
		return smsplus.Page{}, err
	}
	return f.Page(s.decodeRecords(rs)), nil
}

// walkRecords calls f under the lock with the selected records, newest first, until f
// returns false. A long walk releases the lock now and then. A record that changes
// meanwhile is seen once, either before or after the change.
func (s *Store) walkRecords(ctx context.Context, sel selection, after uuid.UUID, f func(*record) bool) error {
	for {
		if err := s.rlock(ctx); err != nil {
			return err
		}
		more := s.table.walkBatch(&sel, &after, f)
		s.mu.RUnlock()
		if !more {
			return nil
		}
	}
}

// Stats implements [smsplus.Store].
func (s *Store) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	sums, err := s.sumStats(ctx, f)
	if err != nil {
		return nil, err
	}
	templates := s.interned.templates.allTexts()
	var rows []smsplus.TemplateStats
	for i := range sums {
		if row := sums[i].templateStats(templates[i]); row.Triggered > 0 {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b smsplus.TemplateStats) int { return strings.Compare(a.Template, b.Template) })
	return rows, nil
}

// sumStats sums the counters of whole hours and counts the records of the edges. Without
// counters for the filter it counts all records selected.
func (s *Store) sumStats(ctx context.Context, f smsplus.Filter) (templateCounts, error) {
	sel, ok := s.interned.newSelection(f)
	if !ok {
		return nil, s.checkOpen(ctx)
	}
	var sums templateCounts
	ranges := []microtime.Range{sel.Range}
	q := countQuery{wholeMessage, sel.group, sel.template}
	if sel.channel != anyNumber {
		q.channelOrAll = channelScope(sel.channel)
	}
	if daysheet.HasCounters(f) {
		if err := s.rlock(ctx); err != nil {
			return nil, err
		}
		ranges = s.table.counters.sumWhole(sel.Range, q, &sums)
		s.mu.RUnlock()
	}
	var buf []attemptSummary
	for _, sel.Range = range ranges {
		err := s.walkRecords(ctx, sel, uuid.UUID{}, func(r *record) bool {
			sum := sums.forTemplate(r.template)
			if q.channelOrAll == wholeMessage {
				sum.add(r.count, plusOne)
				return true
			}
			if !sel.needsDecoding() {
				attempts := sel.unitsOf(r)[1:]
				for i := range attempts {
					if attempts[i].Channel == f.Channel {
						sum.add(attempts[i].Count, plusOne)
					}
				}
				return true
			}
			buf = r.appendAttempts(buf[:0])
			for _, a := range buf {
				if sel.matchesAttempt(a) {
					sum.add(r.count.Attempt(a.status, a.wasRead), plusOne)
				}
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// Purge implements [smsplus.Store].
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return s.purgeLocked(microtime.Ceil(before), limit), nil
}

func (s *Store) purgeLocked(before int64, limit int) (dropped int) {
	var ended []entry
	for e := range s.table.all.ascend() {
		if e.at >= before || len(ended) >= limit {
			break
		}
		if s.table.slab.get(e.handle).dueAt == microtime.Never {
			ended = append(ended, e)
		}
	}
	for ; dropped < limit; dropped++ {
		parked := s.parked.byTime.length > 0 && s.parked.byTime.first().at < before
		switch {
		case parked && (len(ended) == 0 || s.parked.byTime.first().at < ended[0].at):
			s.parked.removeOldest()
		case len(ended) > 0:
			delete(s.asideVersions, s.table.slab.get(ended[0].handle).id)
			s.table.dropRecord(ended[0].handle)
			ended = ended[1:]
		default:
			return dropped
		}
	}
	return dropped
}

// Close implements [smsplus.Store].
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.table, s.parked = nil, parkedReceipts{}
	return nil
}

// Format writes no part of the store, whatever the verb: it holds messages, and other
// goroutines change it.
func (*Store) Format(f fmt.State, _ rune) { mask.Write(f, "memstore.Store{…}") }
