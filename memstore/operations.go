package memstore

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

// operations is what the store holds for its operators. Store.mu guards it.
type operations struct {
	pauses     []smsplus.Pause // in the order of smsplus.Pause.Compare
	heartbeats map[uuid.UUID]smsplus.Heartbeat
	// asideVersions holds the version that each message had when it was set aside.
	asideVersions map[uuid.UUID]int64
}

func newOperations() operations {
	return operations{heartbeats: make(map[uuid.UUID]smsplus.Heartbeat), asideVersions: make(map[uuid.UUID]int64)}
}

// SetPause implements [smsplus.Operations].
func (s *Store) SetPause(ctx context.Context, p smsplus.Pause) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	p.Since = p.Since.UTC()
	if i, ok := slices.BinarySearchFunc(s.pauses, p, smsplus.Pause.Compare); !ok {
		s.pauses = slices.Insert(s.pauses, i, p)
	}
	return nil
}

// ClearPause implements [smsplus.Operations].
func (s *Store) ClearPause(ctx context.Context, p smsplus.Pause) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if i, ok := slices.BinarySearchFunc(s.pauses, p, smsplus.Pause.Compare); ok {
		s.pauses = slices.Delete(s.pauses, i, i+1)
	}
	return nil
}

// Pauses implements [smsplus.Operations].
func (s *Store) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	return slices.Clone(s.pauses), nil
}

// Beat implements [smsplus.Operations].
func (s *Store) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	h.StartedAt, h.At, h.Until = h.StartedAt.UTC(), h.At.UTC(), h.Until.UTC()
	s.heartbeats[h.ID] = cloneHeartbeat(h)
	maps.DeleteFunc(s.heartbeats, func(_ uuid.UUID, old smsplus.Heartbeat) bool { return !old.Until.After(h.At) })
	return nil
}

// Heartbeats implements [smsplus.Operations].
func (s *Store) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	var alive []smsplus.Heartbeat
	for _, h := range s.heartbeats {
		if h.Until.After(now) {
			alive = append(alive, cloneHeartbeat(h))
		}
	}
	slices.SortFunc(alive, func(a, b smsplus.Heartbeat) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return alive, nil
}

func cloneHeartbeat(h smsplus.Heartbeat) smsplus.Heartbeat {
	h.Channels, h.Templates, h.Shares = slices.Clone(h.Channels), slices.Clone(h.Templates), maps.Clone(h.Shares)
	return h
}

// Backlog implements [smsplus.Operations].
func (s *Store) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	counts := s.table.countDue(microtime.Of(now))
	for id, version := range s.asideVersions {
		if h, ok := s.table.handleByID(id); ok && s.table.slab.get(h).version == version {
			counts[s.table.slab.get(h).lane].aside++
		}
	}
	s.mu.RUnlock()

	var lanes []smsplus.LaneBacklog
	names := s.interned.channels.allTexts()
	for lane, c := range counts {
		if c.due+c.aside > 0 {
			lanes = append(lanes, smsplus.LaneBacklog{
				Lane: channel.Name(names[lane]), Due: c.due, OldestDue: microtime.Time(c.oldest), SetAside: c.aside,
			})
		}
	}
	slices.SortFunc(lanes, func(a, b smsplus.LaneBacklog) int { return strings.Compare(string(a.Lane), string(b.Lane)) })
	return lanes, nil
}

// laneCount counts messages of a lane. Without due messages, oldest is microtime.Never.
type laneCount struct {
	due, aside int
	oldest     int64
}

// countDue counts the due records of each lane. It reads these records alone.
func (t *table) countDue(now int64) []laneCount {
	counts := make([]laneCount, len(t.dueByLane))
	for lane := range counts {
		c := &counts[lane]
		c.oldest = microtime.Never
		for e := range t.dueByLane[lane].ascend() {
			if e.at > now {
				break
			}
			if c.due == 0 {
				c.oldest = e.at
			}
			c.due++
		}
	}
	return counts
}
