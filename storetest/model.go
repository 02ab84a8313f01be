package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Model is the reference semantics of [smsplus.Store] and [smsplus.Eraser]: each
// method does what the contract says, in the simplest way. Read it when the contract's
// words leave a question open.
//
// A Model keeps its messages and receipts in two maps under one lock. It has no index
// and no counter, so most calls read every message. It is for tests: package memstore
// is the store in memory for programs.
//
// [Run] compares a store with a Model where a rule cannot state the result.
type Model struct {
	mu       sync.Mutex
	messages map[uuid.UUID]smsplus.Message
	parked   map[channel.Receipt]bool // a set; every At is in UTC, so that equal receipts are equal keys
	// erasedCountry holds the country code of each erased message's number. A message
	// without its number still counts for its country.
	erasedCountry map[uuid.UUID]string
	// damaged are the messages that cannot be read.
	damaged map[uuid.UUID]bool
	// setAside holds the version that each message had when it was set aside.
	setAside map[uuid.UUID]int64
	// pauses are keyed by themselves without Since and Note.
	pauses map[smsplus.Pause]smsplus.Pause
	// changed has the number of each message's last change, of changes so far.
	changed    map[uuid.UUID]int
	changes    int
	heartbeats map[uuid.UUID]smsplus.Heartbeat
}

var (
	_ smsplus.Store  = (*Model)(nil)
	_ smsplus.Eraser = (*Model)(nil)

	_ smsplus.ChangeLister = (*Model)(nil)
	_ Damager              = (*Model)(nil)
)

// NewModel returns an empty Model.
func NewModel() *Model {
	return &Model{
		messages:      map[uuid.UUID]smsplus.Message{},
		parked:        map[channel.Receipt]bool{},
		erasedCountry: map[uuid.UUID]string{},
		damaged:       map[uuid.UUID]bool{},
		setAside:      map[uuid.UUID]int64{},
		pauses:        map[smsplus.Pause]smsplus.Pause{},
		changed:       map[uuid.UUID]int{},
		heartbeats:    map[uuid.UUID]smsplus.Heartbeat{},
	}
}

// Insert implements [smsplus.Store].
func (s *Model) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[string]bool{}
	for _, m := range ms {
		wanted[m.Key] = m.Key != ""
	}
	taken := map[string]smsplus.Message{}
	for _, m := range s.messages {
		if !wanted[m.Key] {
			continue
		}
		if s.damaged[m.ID] {
			return nil, errDamaged
		}
		taken[m.Key] = clone(m)
	}
	if len(taken) > 0 {
		return taken, nil
	}
	for _, m := range ms {
		s.messages[m.ID] = clone(m)
		s.noteChange(m.ID)
	}
	return nil, nil
}

// Claim implements [smsplus.Store].
func (s *Model) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	if err := ctx.Err(); err != nil {
		return smsplus.Claimed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.messagesWhere(func(m smsplus.Message) bool { return !m.DueAt.IsZero() })
	slices.SortStableFunc(queue, func(a, b smsplus.Message) int { return a.DueAt.Compare(b.DueAt) })
	var claimed smsplus.Claimed
	leased := 0
	for _, m := range queue {
		if c.Only != nil && !slices.Contains(c.Only, m.Lane) {
			if !slices.ContainsFunc(claimed.Passed, func(p smsplus.PassedLane) bool { return p.Lane == m.Lane }) {
				claimed.Passed = append(claimed.Passed, smsplus.PassedLane{Lane: m.Lane, DueAt: m.DueAt})
			}
			continue
		}
		if slices.Contains(c.SkipTemplates, m.Template) {
			continue
		}
		if m.DueAt.After(c.Now) || leased == c.Limit {
			claimed.Next = earlierOf(claimed.Next, m.DueAt)
			continue
		}
		leased++
		due := m.DueAt
		m.DueAt = c.Now.Add(c.Lease).UTC()
		m.Holder = c.Holder
		m.Version++
		m.Claims++
		s.messages[m.ID] = m
		if s.damaged[m.ID] {
			claimed.Unreadable = append(claimed.Unreadable, unreadable(m))
			continue
		}
		claimed.Messages = append(claimed.Messages, clone(m))
		claimed.Due = append(claimed.Due, due)
	}
	return claimed, nil
}

// earlierOf returns the earlier time, where zero is none.
func earlierOf(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Update implements [smsplus.Store].
func (s *Model) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var stale []uuid.UUID
	for _, m := range ms {
		stored, ok := s.messages[m.ID]
		if !ok || stored.Version != m.Version {
			stale = append(stale, m.ID)
			continue
		}
		m.Version++
		s.messages[m.ID] = clone(m)
		s.noteChange(m.ID)
	}
	return stale, nil
}

// SetAside implements [smsplus.Store].
func (s *Model) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range rows {
		m, ok := s.messages[u.ID]
		if !ok || m.Version != u.Version {
			continue
		}
		m.DueAt = until.UTC()
		m.Claims--
		m.Holder = 0
		m.Version++
		s.messages[m.ID] = m
		s.setAside[m.ID] = m.Version
	}
	return nil
}

// Message implements [smsplus.Store].
func (s *Model) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	if err := ctx.Err(); err != nil {
		return smsplus.Message{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.messages[id]
	if !ok {
		return smsplus.Message{}, smsplus.ErrNotFound
	}
	if s.damaged[id] {
		return smsplus.Message{}, errDamaged
	}
	return clone(m), nil
}

// ByProviderID implements [smsplus.Store].
func (s *Model) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := refSet(refs)
	return cloneAll(s.messagesWhere(func(m smsplus.Message) bool {
		return !s.damaged[m.ID] && slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool { return wanted[attemptRef(a)] })
	})), nil
}

// Park implements [smsplus.Store].
func (s *Model) Park(ctx context.Context, rs []channel.Receipt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rs {
		r.At = r.At.UTC()
		s.parked[r] = true
	}
	return nil
}

// Parked implements [smsplus.Store].
func (s *Model) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := refSet(refs)
	var rs []channel.Receipt
	for r := range s.parked {
		if wanted[r.Ref()] {
			rs = append(rs, r)
		}
	}
	return rs, nil
}

// ListParked implements [smsplus.Store]. The order is that of the receipts' texts, and
// the cursor is the text of the last one.
func (s *Model) ListParked(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rs := slices.DeleteFunc(slices.Collect(maps.Keys(s.parked)), func(r channel.Receipt) bool { return receiptText(r) <= after })
	slices.SortFunc(rs, func(a, b channel.Receipt) int { return strings.Compare(receiptText(a), receiptText(b)) })
	if len(rs) <= limit {
		return rs, "", nil
	}
	return rs[:limit], receiptText(rs[limit-1]), nil
}

// receiptText returns a text with all fields of a receipt. The receipt's own String leaves
// some out.
func receiptText(r channel.Receipt) string {
	type fields channel.Receipt
	return fmt.Sprintf("%#v", fields(r))
}

// Unpark implements [smsplus.Store].
func (s *Model) Unpark(ctx context.Context, refs []channel.Ref) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	unwanted := refSet(refs)
	maps.DeleteFunc(s.parked, func(r channel.Receipt, _ bool) bool { return unwanted[r.Ref()] })
	return nil
}

// Records implements [smsplus.Store].
func (s *Model) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return smsplus.Page{}, err
	}
	at, id, err := f.Position()
	if err != nil {
		return smsplus.Page{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.messagesWhere(func(m smsplus.Message) bool {
		afterCursor := at.IsZero() || newestFirst(smsplus.Message{ID: id, TriggeredAt: at}, m) < 0
		return afterCursor && s.matches(f, m)
	})
	slices.SortFunc(ms, newestFirst)
	var p smsplus.Page
	if len(ms) > f.PageSize() {
		ms = ms[:f.PageSize()]
		p.Next = f.CursorAt(ms[len(ms)-1])
	}
	for _, m := range ms {
		if s.damaged[m.ID] {
			p.Unreadable = append(p.Unreadable, unreadable(m))
		} else {
			p.Messages = append(p.Messages, clone(m))
		}
	}
	return p, nil
}

// Stats implements [smsplus.Store].
func (s *Model) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return statsOf(s.messagesWhere(func(m smsplus.Message) bool { return s.matches(f, m) }), f), nil
}

// StatsBy implements [smsplus.Store].
func (s *Model) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	if err := cmp.Or(ctx.Err(), errors.Join(f.Check(), g.Check())); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.Stats(f, slices.Values(s.messagesWhere(func(m smsplus.Message) bool { return s.matches(f, m) }))), nil
}

// Purge implements [smsplus.Store].
func (s *Model) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type candidate struct {
		at   time.Time
		drop func()
	}
	var candidates []candidate
	for _, m := range s.messagesWhere(func(m smsplus.Message) bool {
		return m.DueAt.IsZero() && m.TriggeredAt.Before(before)
	}) {
		candidates = append(candidates, candidate{m.TriggeredAt, func() {
			delete(s.messages, m.ID)
			delete(s.erasedCountry, m.ID)
			delete(s.setAside, m.ID)
			delete(s.changed, m.ID)
		}})
	}
	for r := range s.parked {
		if r.At.Before(before) {
			candidates = append(candidates, candidate{r.At, func() { delete(s.parked, r) }})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return a.at.Compare(b.at) })
	candidates = candidates[:min(limit, len(candidates))]
	for _, c := range candidates {
		c.drop()
	}
	return len(candidates), nil
}

// Erase implements [smsplus.Eraser].
func (s *Model) Erase(ctx context.Context, person channel.Recipient) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.messagesWhere(func(m smsplus.Message) bool { return m.To.SharesAddress(person) })
	open := 0
	for _, m := range ms {
		if !m.HasEnded() {
			open++
			continue
		}
		s.erasedCountry[m.ID] = m.To.Phone.CountryCode()
		m.To, m.Vars, m.Metadata = channel.Recipient{}, nil, nil
		m.Attempts = slices.Clone(m.Attempts)
		for i := range m.Attempts {
			a := &m.Attempts[i]
			ref := attemptRef(*a)
			maps.DeleteFunc(s.parked, func(r channel.Receipt, _ bool) bool { return r.Ref() == ref })
			a.Detail, a.ProviderID = "", ""
		}
		m.Version++
		s.messages[m.ID] = m
		s.noteChange(m.ID)
	}
	if open > 0 {
		return len(ms) - open, smsplus.ErrNotFinal
	}
	return len(ms), nil
}

// Close implements [smsplus.Store]. It does nothing.
func (s *Model) Close() error { return nil }

// Damage implements [Damager]. Only Stats and Purge still read the message.
func (s *Model) Damage(_ context.Context, id uuid.UUID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged[id] = true
	return nil
}

var errDamaged = fmt.Errorf("storetest: message is damaged: %w", smsplus.ErrUnreadable)

// unreadable returns what the store says of a damaged message.
func unreadable(m smsplus.Message) smsplus.Unreadable {
	return smsplus.Unreadable{ID: m.ID, Version: m.Version, Claims: m.Claims, TriggeredAt: m.TriggeredAt, Err: errDamaged}
}

// matches is f.Match, except that an erased message matches the country code of the
// number that it had.
func (s *Model) matches(f smsplus.Filter, m smsplus.Message) bool {
	if country, ok := s.erasedCountry[m.ID]; ok && f.CountryCode != "" {
		if f.CountryCode != country {
			return false
		}
		f.CountryCode = ""
	}
	return f.Match(m)
}

// messagesWhere returns the messages that match selects, in order of ID. They share
// maps and slices with the stored ones.
func (s *Model) messagesWhere(match func(smsplus.Message) bool) []smsplus.Message {
	var ms []smsplus.Message
	for _, m := range s.messages {
		if match(m) {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, byID)
	return ms
}

// statsOf counts the messages, which f matches, by the definition of [smsplus.TemplateStats.Add].
func statsOf(ms []smsplus.Message, f smsplus.Filter) []smsplus.TemplateStats {
	rows := map[string]*smsplus.TemplateStats{}
	for _, m := range ms {
		if rows[m.Template] == nil {
			rows[m.Template] = &smsplus.TemplateStats{Template: m.Template}
		}
		rows[m.Template].Add(m, f)
	}
	var stats []smsplus.TemplateStats
	for _, template := range slices.Sorted(maps.Keys(rows)) {
		stats = append(stats, *rows[template])
	}
	return stats
}

// byID compares messages by ID.
func byID(a, b smsplus.Message) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// newestFirst compares messages in the order of Records.
func newestFirst(a, b smsplus.Message) int {
	return cmp.Or(b.TriggeredAt.Compare(a.TriggeredAt), byID(b, a))
}

// attemptRef returns the ref that receipts of the attempt carry.
func attemptRef(a smsplus.Attempt) channel.Ref {
	return channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}
}

func refSet(refs []channel.Ref) map[channel.Ref]bool {
	set := map[channel.Ref]bool{}
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}

// cloneAll replaces each message in ms by its clone and returns ms.
func cloneAll(ms []smsplus.Message) []smsplus.Message {
	for i := range ms {
		ms[i] = clone(ms[i])
	}
	return ms
}

// clone returns a copy of m that shares nothing with it and has its times in UTC.
func clone(m smsplus.Message) smsplus.Message {
	m.To.IDs, m.Vars, m.Metadata = maps.Clone(m.To.IDs), maps.Clone(m.Vars), maps.Clone(m.Metadata)
	m.Plan, m.Attempts = slices.Clone(m.Plan), slices.Clone(m.Attempts)
	for _, t := range times(&m) {
		*t = t.UTC()
	}
	return m
}

// times returns pointers to all of m's times, TriggeredAt first.
func times(m *smsplus.Message) []*time.Time {
	list := []*time.Time{&m.TriggeredAt, &m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt, &m.ConfirmedAt, &m.DueAt}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		list = append(list, &a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	}
	return list
}
