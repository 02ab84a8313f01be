package storetest

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Model is the contract put as plainly as it can be: no index, no counter, one
// lock. What the suite cannot say as a rule, it says by comparing with the model.
type Model struct {
	mu       sync.Mutex
	messages map[uuid.UUID]smsplus.Message
	parked   map[channel.Receipt]bool
	erased   map[uuid.UUID]string // the country codes of people who were forgotten
}

var (
	_ smsplus.Store  = (*Model)(nil)
	_ smsplus.Eraser = (*Model)(nil)
)

func NewModel() *Model {
	return &Model{
		messages: map[uuid.UUID]smsplus.Message{}, parked: map[channel.Receipt]bool{}, erased: map[uuid.UUID]string{},
	}
}

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
		if wanted[m.Key] {
			taken[m.Key] = clone(m)
		}
	}
	if len(taken) > 0 {
		return taken, nil
	}
	for _, m := range ms {
		s.messages[m.ID] = clone(m)
	}
	return nil, nil
}

func (s *Model) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	if err := ctx.Err(); err != nil {
		return smsplus.Claimed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.messagesWhere(func(m smsplus.Message) bool {
		return !m.DueAt.IsZero() && !slices.Contains(c.Except, m.Lane)
	})
	slices.SortStableFunc(queue, func(a, b smsplus.Message) int { return a.DueAt.Compare(b.DueAt) })
	var claimed smsplus.Claimed
	for _, m := range queue {
		if m.DueAt.After(c.Now) || len(claimed.Messages) == c.Limit {
			claimed.Next = m.DueAt
			break
		}
		if len(claimed.Messages) == 0 {
			claimed.DueAt = m.DueAt
		}
		m.DueAt = utc(c.Now.Add(c.Lease))
		m.Version++
		m.Claims++
		s.messages[m.ID] = m
		claimed.Messages = append(claimed.Messages, clone(m))
	}
	return claimed, nil
}

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
		m.Claims = 0
		s.messages[m.ID] = clone(m)
	}
	return stale, nil
}

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
	return clone(m), nil
}

func (s *Model) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := refSet(refs)
	return cloneAll(s.messagesWhere(func(m smsplus.Message) bool {
		return slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
			return wanted[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]
		})
	})), nil
}

func (s *Model) Park(ctx context.Context, rs []channel.Receipt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rs {
		r.At = utc(r.At)
		s.parked[r] = true
	}
	return nil
}

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
		after := at.IsZero() || newestFirst(smsplus.Message{ID: id, TriggeredAt: at}, m) < 0
		return after && s.matches(f, m)
	})
	slices.SortFunc(ms, newestFirst)
	if len(ms) <= f.PageSize() {
		return smsplus.Page{Messages: cloneAll(ms)}, nil
	}
	ms = ms[:f.PageSize()]
	return smsplus.Page{Messages: cloneAll(ms), Next: f.CursorAt(ms[len(ms)-1])}, nil
}

func (s *Model) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return statsOf(s.messagesWhere(func(m smsplus.Message) bool { return s.matches(f, m) }), f.Channel), nil
}

func (s *Model) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type old struct {
		at   time.Time
		drop func()
	}
	var olds []old
	for _, m := range s.messagesWhere(func(m smsplus.Message) bool { return m.DueAt.IsZero() && m.TriggeredAt.Before(before) }) {
		olds = append(olds, old{m.TriggeredAt, func() {
			delete(s.messages, m.ID)
			delete(s.erased, m.ID)
		}})
	}
	for r := range s.parked {
		if r.At.Before(before) {
			olds = append(olds, old{r.At, func() { delete(s.parked, r) }})
		}
	}
	slices.SortStableFunc(olds, func(a, b old) int { return a.at.Compare(b.at) })
	olds = olds[:min(limit, len(olds))]
	for _, o := range olds {
		o.drop()
	}
	return len(olds), nil
}

func (s *Model) Erase(ctx context.Context, n phone.Number) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.messagesWhere(func(m smsplus.Message) bool { return !n.IsZero() && m.To.Phone == n })
	underWay := 0
	for _, m := range ms {
		if !m.DueAt.IsZero() {
			underWay++
			continue
		}
		m.To, m.Vars, m.Metadata = channel.Recipient{}, nil, nil
		m.Attempts = slices.Clone(m.Attempts)
		for i := range m.Attempts {
			a := &m.Attempts[i]
			ref := channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}
			maps.DeleteFunc(s.parked, func(r channel.Receipt, _ bool) bool { return r.Ref() == ref })
			a.Detail, a.ProviderID = "", ""
		}
		m.Version++
		s.messages[m.ID], s.erased[m.ID] = m, n.CountryCode()
	}
	if underWay > 0 {
		return len(ms) - underWay, smsplus.ErrNotFinal
	}
	return len(ms), nil
}

// matches is f.Match where of a number that was forgotten only the country is known.
func (s *Model) matches(f smsplus.Filter, m smsplus.Message) bool {
	if country, ok := s.erased[m.ID]; ok && f.CountryCode != "" {
		if f.CountryCode != country {
			return false
		}
		f.CountryCode = ""
	}
	return f.Match(m)
}

func (s *Model) Close() error { return nil }

// messagesWhere returns the messages that keep says, in order of ID.
func (s *Model) messagesWhere(keep func(smsplus.Message) bool) []smsplus.Message {
	var ms []smsplus.Message
	for _, m := range s.messages {
		if keep(m) {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, byID)
	return ms
}

// statsOf is the statistics by their definition.
func statsOf(ms []smsplus.Message, c channel.Name) []smsplus.TemplateStats {
	rows := map[string]*smsplus.TemplateStats{}
	for _, m := range ms {
		if rows[m.Template] == nil {
			rows[m.Template] = &smsplus.TemplateStats{Template: m.Template}
		}
		rows[m.Template].Add(m, c)
	}
	var stats []smsplus.TemplateStats
	for _, template := range slices.Sorted(maps.Keys(rows)) {
		stats = append(stats, *rows[template])
	}
	return stats
}

func byID(a, b smsplus.Message) int { return bytes.Compare(a.ID[:], b.ID[:]) }

func newestFirst(a, b smsplus.Message) int {
	return cmp.Or(b.TriggeredAt.Compare(a.TriggeredAt), byID(b, a))
}

func refSet(refs []channel.Ref) map[channel.Ref]bool {
	set := map[channel.Ref]bool{}
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}

func cloneAll(ms []smsplus.Message) []smsplus.Message {
	for i := range ms {
		ms[i] = clone(ms[i])
	}
	return ms
}

// clone returns m as a store is to give it back: with nothing shared, and in UTC.
func clone(m smsplus.Message) smsplus.Message {
	m.Vars, m.Metadata = maps.Clone(m.Vars), maps.Clone(m.Metadata)
	m.Plan, m.Attempts = slices.Clone(m.Plan), slices.Clone(m.Attempts)
	inPlace(utc, &m.TriggeredAt, &m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt, &m.DueAt)
	for i := range m.Attempts {
		a := &m.Attempts[i]
		inPlace(utc, &a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	}
	return m
}

func inPlace(f func(time.Time) time.Time, ts ...*time.Time) {
	for _, t := range ts {
		*t = f(*t)
	}
}

func utc(t time.Time) time.Time { return t.UTC() }
