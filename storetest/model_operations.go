package storetest

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
	"github.com/smsplus/smsplus-go/smsplus"
)

// SetPause implements [smsplus.Operations].
func (s *Model) SetPause(ctx context.Context, p smsplus.Pause) error {
	if err := cmp.Or(ctx.Err(), p.Check()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Since = p.Since.UTC()
	if key := pauseKey(p); s.pauses[key] == (smsplus.Pause{}) {
		s.pauses[key] = p
	}
	return nil
}

// ClearPause implements [smsplus.Operations].
func (s *Model) ClearPause(ctx context.Context, p smsplus.Pause) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pauses, pauseKey(p))
	return nil
}

// Pauses implements [smsplus.Operations].
func (s *Model) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.pauses), smsplus.Pause.Compare), nil
}

func pauseKey(p smsplus.Pause) smsplus.Pause {
	return smsplus.Pause{Channel: p.Channel, Template: p.Template}
}

// Beat implements [smsplus.Operations].
func (s *Model) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heartbeats[h.ID] = cloneHeartbeat(h)
	maps.DeleteFunc(s.heartbeats, func(_ uuid.UUID, old smsplus.Heartbeat) bool { return !old.Until.After(h.At) })
	return nil
}

// Heartbeats implements [smsplus.Operations].
func (s *Model) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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

// Backlog implements [smsplus.Operations].
func (s *Model) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	byLane := map[channel.Name]smsplus.LaneBacklog{}
	for _, m := range s.messages {
		b := byLane[m.Lane]
		b.Lane = m.Lane
		if !m.DueAt.IsZero() && !m.DueAt.After(now) {
			b.Due++
			b.OldestDue = earlierOf(b.OldestDue, m.DueAt)
		}
		if v, ok := s.setAside[m.ID]; ok && v == m.Version {
			b.SetAside++
		}
		byLane[m.Lane] = b
	}
	maps.DeleteFunc(byLane, func(_ channel.Name, b smsplus.LaneBacklog) bool { return b.Due+b.SetAside == 0 })
	return slices.SortedFunc(maps.Values(byLane), func(a, b smsplus.LaneBacklog) int {
		return strings.Compare(string(a.Lane), string(b.Lane))
	}), nil
}

func cloneHeartbeat(h smsplus.Heartbeat) smsplus.Heartbeat {
	h.StartedAt, h.At, h.Until = h.StartedAt.UTC(), h.At.UTC(), h.Until.UTC()
	h.Channels, h.Templates = slices.Clone(h.Channels), slices.Clone(h.Templates)
	return h
}
