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

// messageMutants break the rules that hold for all calls.
var messageMutants = []mutant{
	{"loses metadata", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) { m.Metadata = nil })
	}, []string{"every field of a message is kept"}},

	{"loses the class", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) { m.Class = smsplus.Normal })
	}, []string{"every field of a message is kept"}},

	{"loses what was published", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) { m.Published.Failures = 0 })
	}, []string{"every field of a message is kept"}},

	{"takes a confirmation for a cancellation", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) {
			if m.CanceledAt.IsZero() {
				m.CanceledAt, m.ConfirmedAt = m.ConfirmedAt, time.Time{}
			}
		})
	}, []string{"a confirmation is no cancellation"}},

	{"loses which message a message repeats", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) { m.ResendOf = uuid.UUID{} })
	}, []string{"every field of a message is kept"}},

	{"does not update by which message a message was repeated", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.ResentAs = stored.ResentAs })
	}, []string{"every field of a message is kept"}},

	{"loses the reference", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) { m.Reference = "" })
	}, []string{"every field of a message is kept"}},

	{"loses the version of the template that an attempt used", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].Content = 0
			}
		})
	}, []string{"every field of a message is kept"}},

	{"loses the answer to a recall", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].Recall = 0
			}
		})
	}, []string{"every field of a message is kept"}},

	{"does not update the tries of a recall", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].RecallTries = 0
			}
		})
	}, []string{"every field of a message is kept"}},

	{"loses the wait of a step", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for i := range m.Plan {
				m.Plan[i].Wait = 0
			}
		})
	}, []string{"every field of a message is kept"}},

	{"does not update when an attempt ended", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].EndedAt = time.Time{}
			}
		})
	}, []string{"every field of a message is kept"}},

	{"returns a zero time as 1970", func(_ *Model, b *brokenStore) {
		b.corruptMessage(func(m *smsplus.Message) {
			if m.ReadAt.IsZero() {
				m.ReadAt = time.Unix(0, 0)
			}
		})
	}, []string{"every field of a message is kept"}},

	{"keeps ASCII only", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for name, value := range m.Vars {
				m.Vars[name] = strings.Map(func(r rune) rune { return min(r, 127) }, value)
			}
		})
	}, []string{"text of any script is kept"}},

	{"normalizes and trims provider IDs", func(_ *Model, b *brokenStore) {
		park := b.parkFunc
		b.parkFunc = func(ctx context.Context, rs []channel.Receipt) error {
			rs = slices.Clone(rs)
			for i := range rs {
				rs[i].ProviderID = strings.ToLower(strings.TrimSpace(rs[i].ProviderID))
			}
			return park(ctx, rs)
		}
	}, []string{"text of any script is kept"}},

	{"cuts text at 64 KiB", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for i, a := range m.Attempts {
				m.Attempts[i].Detail = a.Detail[:min(len(a.Detail), 1<<16)]
			}
		})
	}, []string{"long text is kept"}},

	{"keeps milliseconds", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for _, at := range times(m) {
				*at = at.Truncate(time.Millisecond)
			}
		})
	}, []string{"times are kept to the microsecond and come back in UTC"}},

	{"returns times in a zone", func(_ *Model, b *brokenStore) {
		b.corruptMessage(func(m *smsplus.Message) { m.DueAt = m.DueAt.In(time.FixedZone("", 3600)) })
	}, []string{"times are kept to the microsecond and come back in UTC"}},

	{"ignores the time zone of a time", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			_, offset := c.Now.Zone()
			c.Now = c.Now.Add(time.Duration(offset) * time.Second)
			return claim(ctx, c)
		}
	}, []string{"times are kept to the microsecond and come back in UTC"}},

	{"leaves attempts out of records", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			p.Messages = corrupted(p.Messages, func(m *smsplus.Message) { m.Attempts = nil })
			return p, err
		}
	}, []string{"every call returns the whole message"}},

	{"leaves variables out of claims", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			got.Messages = corrupted(got.Messages, func(m *smsplus.Message) { m.Vars = nil })
		})
	}, []string{"every call returns the whole message", "Claim leases the messages that it returns"}},

	{"returns only the ID of the message that has a key", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			for key, m := range taken {
				taken[key] = smsplus.Message{ID: m.ID}
			}
			return taken, err
		}
	}, []string{"every call returns the whole message", "Insert returns the message that has each taken key"}},

	{"keeps the caller's maps", func(m *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
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
	}, []string{"the store shares no memory with its caller"}},

	{"returns its own slices", func(m *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			m.mu.Lock()
			defer m.mu.Unlock()
			for i := range p.Messages {
				p.Messages[i].Attempts = m.messages[p.Messages[i].ID].Attempts
			}
			return p, err
		}
	}, []string{"the store shares no memory with its caller"}},

	{"fails a large insert", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			if len(ms) > 2_000 {
				return nil, errors.New("too many parameters")
			}
			return insert(ctx, ms)
		}
	}, []string{"large batches are accepted"}},

	{"looks up the first thousand refs", func(_ *Model, b *brokenStore) {
		byProviderID := b.byProviderIDFunc
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			return byProviderID(ctx, refs[:min(len(refs), 1_000)])
		}
	}, []string{"large batches are accepted"}},

	{"fails an empty insert", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			if len(ms) == 0 {
				return nil, errors.New("syntax error")
			}
			return insert(ctx, ms)
		}
	}, []string{"a call with an empty argument does nothing"}},

	{"drops everything for no refs", func(m *Model, b *brokenStore) {
		unpark := b.unparkFunc
		b.unparkFunc = func(ctx context.Context, refs []channel.Ref) error {
			if len(refs) == 0 {
				m.mu.Lock()
				defer m.mu.Unlock()
				clear(m.parked)
				return nil
			}
			return unpark(ctx, refs)
		}
	}, []string{"a call with an empty argument does nothing"}},

	{"ignores the context", func(_ *Model, b *brokenStore) {
		stats := b.statsFunc
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			return stats(context.WithoutCancel(ctx), f)
		}
	}, []string{"an ended context is an error and does no harm"}},

	{"fails every call after a context has ended", func(_ *Model, b *brokenStore) {
		var err error
		park := b.parkFunc
		b.parkFunc = func(ctx context.Context, rs []channel.Receipt) error {
			err = cmp.Or(err, ctx.Err())
			return cmp.Or(err, park(ctx, rs))
		}
	}, []string{"an ended context is an error and does no harm"}},
}
