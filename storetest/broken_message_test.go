package storetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// brokenMessages are stores that break the rules of how messages are kept.
var brokenMessages = []mutant{
	{"loses metadata", func(_ *model, b *broken) {
		b.in(func(m *smsplus.Message) { m.Metadata = nil })
	}, []string{"every field of a message is kept"}},

	{"loses the wait of a step", func(_ *model, b *broken) {
		b.in(func(m *smsplus.Message) {
			for i := range m.Plan {
				m.Plan[i].Wait = 0
			}
		})
	}, []string{"every field of a message is kept"}},

	{"does not update when an attempt ended", func(m *model, b *broken) {
		b.inUpdate(m, func(m *smsplus.Message, _ smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].EndedAt = time.Time{}
			}
		})
	}, []string{"every field of a message is kept"}},

	{"gives a zero time back as 1970", func(_ *model, b *broken) {
		b.out(func(m *smsplus.Message) {
			if m.ReadAt.IsZero() {
				m.ReadAt = time.Unix(0, 0)
			}
		})
	}, []string{"every field of a message is kept"}},

	{"keeps ASCII only", func(_ *model, b *broken) {
		b.in(func(m *smsplus.Message) {
			for name, value := range m.Vars {
				m.Vars[name] = strings.Map(func(r rune) rune { return min(r, 127) }, value)
			}
		})
	}, []string{"text of any script is kept"}},

	{"normalizes and trims provider IDs", func(_ *model, b *broken) {
		park := b.park
		b.park = func(ctx context.Context, rs []channel.Receipt) error {
			rs = slices.Clone(rs)
			for i := range rs {
				rs[i].ProviderID = strings.ToLower(strings.TrimSpace(rs[i].ProviderID))
			}
			return park(ctx, rs)
		}
	}, []string{"text of any script is kept"}},

	{"cuts text at 64 KiB", func(_ *model, b *broken) {
		b.in(func(m *smsplus.Message) {
			for i, a := range m.Attempts {
				m.Attempts[i].Detail = a.Detail[:min(len(a.Detail), 1<<16)]
			}
		})
	}, []string{"long text is kept"}},

	{"keeps milliseconds", func(_ *model, b *broken) {
		b.in(func(m *smsplus.Message) {
			for _, at := range times(m) {
				*at = at.Truncate(time.Millisecond)
			}
		})
	}, []string{"times are kept to the microsecond and come back in UTC"}},

	{"gives times back in a zone", func(_ *model, b *broken) {
		b.out(func(m *smsplus.Message) { m.DueAt = m.DueAt.In(time.FixedZone("", 3600)) })
	}, []string{"times are kept to the microsecond and come back in UTC"}},

	{"takes the wall clock for the time", func(_ *model, b *broken) {
		claim := b.claim
		b.claim = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			_, offset := c.Now.Zone()
			c.Now = c.Now.Add(time.Duration(offset) * time.Second)
			return claim(ctx, c)
		}
	}, []string{"times are kept to the microsecond and come back in UTC"}},

	{"leaves attempts out of records", func(_ *model, b *broken) {
		records := b.records
		b.records = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			p.Messages = spoiled(p.Messages, func(m *smsplus.Message) { m.Attempts = nil })
			return p, err
		}
	}, []string{"every call returns the whole message"}},

	{"leaves variables out of claims", func(m *model, b *broken) {
		b.claims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			got.Messages = spoiled(got.Messages, func(m *smsplus.Message) { m.Vars = nil })
		})
	}, []string{"every call returns the whole message", "Claim leases what it takes"}},

	{"names who has a key by ID alone", func(_ *model, b *broken) {
		insert := b.insert
		b.insert = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			for key, m := range taken {
				taken[key] = smsplus.Message{ID: m.ID}
			}
			return taken, err
		}
	}, []string{"every call returns the whole message", "Insert says who has each taken key"}},

	{"keeps what it is handed", func(m *model, b *broken) {
		insert := b.insert
		b.insert = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, msg := range ms {
				if stored, ok := m.messages[msg.ID]; ok {
					stored.Vars = msg.Vars
					m.messages[msg.ID] = stored
				}
			}
			return taken, err
		}
	}, []string{"what the caller changes afterwards is not the store's"}},

	{"returns what it keeps", func(m *model, b *broken) {
		records := b.records
		b.records = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			m.mu.Lock()
			defer m.mu.Unlock()
			for i := range p.Messages {
				p.Messages[i].Attempts = m.messages[p.Messages[i].ID].Attempts
			}
			return p, err
		}
	}, []string{"what the caller changes afterwards is not the store's"}},

	{"fails a large insert", func(_ *model, b *broken) {
		insert := b.insert
		b.insert = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			if len(ms) > 2_000 {
				return nil, errors.New("too many parameters")
			}
			return insert(ctx, ms)
		}
	}, []string{"large batches are taken"}},

	{"looks up the first thousand refs", func(_ *model, b *broken) {
		byProviderID := b.byProviderID
		b.byProviderID = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			return byProviderID(ctx, refs[:min(len(refs), 1_000)])
		}
	}, []string{"large batches are taken"}},

	{"fails an empty insert", func(_ *model, b *broken) {
		insert := b.insert
		b.insert = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			if len(ms) == 0 {
				return nil, errors.New("syntax error")
			}
			return insert(ctx, ms)
		}
	}, []string{"a call about nothing does nothing"}},

	{"drops everything for no refs", func(m *model, b *broken) {
		unpark := b.unpark
		b.unpark = func(ctx context.Context, refs []channel.Ref) error {
			if len(refs) == 0 {
				m.mu.Lock()
				defer m.mu.Unlock()
				clear(m.parked)
				return nil
			}
			return unpark(ctx, refs)
		}
	}, []string{"a call about nothing does nothing"}},

	{"ignores the context", func(_ *model, b *broken) {
		stats := b.stats
		b.stats = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			return stats(context.WithoutCancel(ctx), f)
		}
	}, []string{"an ended context is an error and does no harm"}},

	{"breaks when a context ends", func(_ *model, b *broken) {
		var err error
		park := b.park
		b.park = func(ctx context.Context, rs []channel.Receipt) error {
			err = cmp.Or(err, ctx.Err())
			return cmp.Or(err, park(ctx, rs))
		}
	}, []string{"an ended context is an error and does no harm"}},
}
