package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// operationsMutants break the rules of Operations.
var operationsMutants = []mutant{
	{"forgets the note of a pause", func(_ *Model, b *brokenStore) {
		b.changePauses(func(p *smsplus.Pause) { p.Note = "" })
	}, []string{"a pause is kept until it is cleared"}},

	{"keeps seconds of a pause", func(_ *Model, b *brokenStore) {
		b.changePauses(func(p *smsplus.Pause) { p.Since = p.Since.Truncate(time.Second) })
	}, []string{"a pause is kept until it is cleared"}},

	{"never clears a pause", func(_ *Model, b *brokenStore) {
		b.clearPauseFunc = func(context.Context, smsplus.Pause) error { return nil }
	}, []string{"a pause is kept until it is cleared", "ClearPause drops the pause of its channel or template, and no other"}},

	{"replaces a pause", func(_ *Model, b *brokenStore) {
		setPause := b.setPauseFunc
		b.setPauseFunc = func(ctx context.Context, p smsplus.Pause) error {
			_ = b.clearPauseFunc(ctx, p)
			return setPause(ctx, p)
		}
	}, []string{"SetPause keeps a pause that is there already"}},

	{"clears all pauses", func(m *Model, b *brokenStore) {
		b.clearPauseFunc = func(context.Context, smsplus.Pause) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			clear(m.pauses)
			return nil
		}
	}, []string{"ClearPause drops the pause of its channel or template, and no other"}},

	{"takes a template for a channel of its name", func(m *Model, b *brokenStore) {
		b.clearPauseFunc = func(ctx context.Context, p smsplus.Pause) error {
			_ = m.ClearPause(ctx, smsplus.Pause{Channel: channel.Name(p.Template)})
			return m.ClearPause(ctx, p)
		}
	}, []string{"ClearPause drops the pause of its channel or template, and no other"}},

	{"clears a template whatever its case", func(m *Model, b *brokenStore) {
		b.clearPauseFunc = func(ctx context.Context, p smsplus.Pause) error {
			ps, _ := m.Pauses(ctx)
			for _, q := range ps {
				if strings.EqualFold(p.Template, q.Template) && p.Channel == q.Channel {
					_ = m.ClearPause(ctx, q)
				}
			}
			return ctx.Err()
		}
	}, []string{"ClearPause drops the pause of its channel or template, and no other"}},

	{"lists pauses in any order", func(_ *Model, b *brokenStore) {
		pauses := b.pausesFunc
		b.pausesFunc = func(ctx context.Context) ([]smsplus.Pause, error) {
			ps, err := pauses(ctx)
			slices.Reverse(ps)
			return ps, err
		}
	}, []string{"Pauses come in the order of the bytes of channels and templates"}},

	{"takes any pause", func(m *Model, b *brokenStore) {
		b.setPauseFunc = func(_ context.Context, p smsplus.Pause) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.pauses[pauseKey(p)] = p
			return nil
		}
	}, []string{"an invalid pause is refused"}},

	{"forgets the templates of a heartbeat", func(_ *Model, b *brokenStore) {
		b.changeHeartbeats(func(h *smsplus.Heartbeat) { h.Templates = nil })
	}, []string{"every field of a heartbeat is kept"}},

	{"forgets the shares of a heartbeat", func(_ *Model, b *brokenStore) {
		b.changeHeartbeats(func(h *smsplus.Heartbeat) { h.Shares = nil })
	}, []string{"every field of a heartbeat is kept"}},

	{"keeps milliseconds of a heartbeat", func(_ *Model, b *brokenStore) {
		b.changeHeartbeats(func(h *smsplus.Heartbeat) { h.Until = h.Until.Truncate(time.Millisecond) })
	}, []string{"every field of a heartbeat is kept"}},

	{"keeps the first heartbeat of an ID", func(m *Model, b *brokenStore) {
		beat := b.beatFunc
		b.beatFunc = func(ctx context.Context, h smsplus.Heartbeat) error {
			m.mu.Lock()
			old, ok := m.heartbeats[h.ID]
			m.mu.Unlock()
			if ok {
				old.At, old.Until = h.At, h.Until
				h = old
			}
			return beat(ctx, h)
		}
	}, []string{"Beat replaces the heartbeat with its ID"}},

	{"drops no heartbeat", func(m *Model, b *brokenStore) {
		b.beatFunc = func(ctx context.Context, h smsplus.Heartbeat) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.heartbeats[h.ID] = cloneHeartbeat(h)
			return ctx.Err()
		}
	}, []string{"Beat drops heartbeats that are over, its own included"}},

	{"drops heartbeats that are not over yet", func(_ *Model, b *brokenStore) {
		beat := b.beatFunc
		b.beatFunc = func(ctx context.Context, h smsplus.Heartbeat) error {
			late := h
			late.At = h.At.Add(time.Minute)
			_ = beat(ctx, late)
			return beat(ctx, h)
		}
	}, []string{"Beat drops heartbeats that are over, its own included"}},

	{"returns heartbeats that are over", func(_ *Model, b *brokenStore) {
		heartbeats := b.heartbeatsFunc
		b.heartbeatsFunc = func(ctx context.Context, _ time.Time) ([]smsplus.Heartbeat, error) { return heartbeats(ctx, noon) }
	}, []string{"Heartbeats are those that are not over, the oldest run first"}},

	{"returns heartbeats in any order", func(_ *Model, b *brokenStore) {
		heartbeats := b.heartbeatsFunc
		b.heartbeatsFunc = func(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
			hs, err := heartbeats(ctx, now)
			slices.Reverse(hs)
			return hs, err
		}
	}, []string{"Heartbeats are those that are not over, the oldest run first"}},

	{"counts what is due later", func(_ *Model, b *brokenStore) {
		backlog := b.backlogFunc
		b.backlogFunc = func(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
			return backlog(ctx, now.Add(time.Hour))
		}
	}, []string{"Backlog counts the messages of each lane that are due"}},

	{"counts what is due at the time as later", func(_ *Model, b *brokenStore) {
		backlog := b.backlogFunc
		b.backlogFunc = func(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
			return backlog(ctx, now.Add(-time.Microsecond))
		}
	}, []string{"Backlog counts the messages of each lane that are due"}},

	{"returns the lanes of a backlog in any order", func(_ *Model, b *brokenStore) {
		backlog := b.backlogFunc
		b.backlogFunc = func(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
			bs, err := backlog(ctx, now)
			slices.Reverse(bs)
			return bs, err
		}
	}, []string{"Backlog comes in the order of the lanes' bytes"}},

	{"counts what was ever set aside", func(m *Model, b *brokenStore) {
		backlog := b.backlogFunc
		b.backlogFunc = func(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
			m.mu.Lock()
			for id := range m.setAside {
				m.setAside[id] = m.messages[id].Version
			}
			m.mu.Unlock()
			return backlog(ctx, now)
		}
	}, []string{"Backlog counts messages that are set aside, until they change"}},

	{"counts no message that it cannot read", func(m *Model, b *brokenStore) {
		backlog := b.backlogFunc
		b.backlogFunc = func(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
			m.mu.Lock()
			damaged := len(m.damaged) > 0
			m.mu.Unlock()
			if damaged {
				return nil, ctx.Err()
			}
			return backlog(ctx, now)
		}
	}, []string{"Backlog counts messages that cannot be read"}},
}

// changePauses changes the pauses that Pauses returns.
func (b *brokenStore) changePauses(change func(*smsplus.Pause)) {
	pauses := b.pausesFunc
	b.pausesFunc = func(ctx context.Context) ([]smsplus.Pause, error) {
		ps, err := pauses(ctx)
		for i := range ps {
			change(&ps[i])
		}
		return ps, err
	}
}

// changeHeartbeats changes the heartbeats that Heartbeats returns.
func (b *brokenStore) changeHeartbeats(change func(*smsplus.Heartbeat)) {
	heartbeats := b.heartbeatsFunc
	b.heartbeatsFunc = func(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
		hs, err := heartbeats(ctx, now)
		for i := range hs {
			change(&hs[i])
		}
		return hs, err
	}
}
