package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// skipsUnreadableAttempts is the name of the rule about filters on attempts.
const skipsUnreadableAttempts = "Records and statistics of a channel, a reason or a provider's ID skip messages that they cannot read"

// unreadableMutants break the rules about messages that cannot be read.
var unreadableMutants = []mutant{
	{"fails a claim with a message that it cannot read", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			claimed, err := claim(ctx, c)
			if len(claimed.Unreadable) > 0 {
				return smsplus.Claimed{}, errDamaged
			}
			return claimed, err
		}
	}, []string{"Claim names a message that it cannot read, and returns the others"}},

	{"does not name what a claim cannot read", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			claimed, err := claim(ctx, c)
			claimed.Unreadable = nil
			return claimed, err
		}
	}, []string{"Claim names a message that it cannot read, and returns the others"}},

	{"names what a claim cannot read with the version before", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			claimed, err := claim(ctx, c)
			for i := range claimed.Unreadable {
				claimed.Unreadable[i].Version--
			}
			return claimed, err
		}
	}, []string{"Claim names a message that it cannot read, and returns the others"}},

	{"does not lease what a claim cannot read", func(m *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			claimed, err := claim(ctx, c)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, u := range claimed.Unreadable {
				msg := m.messages[u.ID]
				msg.DueAt = c.Now
				m.messages[u.ID] = msg
			}
			return claimed, err
		}
	}, []string{"Claim names a message that it cannot read, and returns the others"}},

	{"tells content in an error", func(m *Model, b *brokenStore) {
		message := b.messageFunc
		b.messageFunc = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
			msg, err := message(ctx, id)
			if err != nil {
				err = fmt.Errorf("%w: %v", err, m.messages[id].Vars)
			}
			return msg, err
		}
	}, []string{"Message and Insert return ErrUnreadable for a message that they cannot read"}},

	{"does not find a message that it cannot read", func(m *Model, b *brokenStore) {
		message := b.messageFunc
		b.messageFunc = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
			if m.damaged[id] {
				return smsplus.Message{}, smsplus.ErrNotFound
			}
			return message(ctx, id)
		}
	}, []string{"Message and Insert return ErrUnreadable for a message that they cannot read"}},

	{"frees the key of a message that it cannot read", func(m *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			if err != nil {
				m.mu.Lock()
				for _, msg := range ms {
					m.messages[msg.ID] = clone(msg)
				}
				m.mu.Unlock()
				return nil, nil
			}
			return taken, err
		}
	}, []string{"Message and Insert return ErrUnreadable for a message that they cannot read"}},

	{"fails Records with a message that it cannot read", func(_ *Model, b *brokenStore) {
		b.corruptPages(func(p *smsplus.Page) error {
			if len(p.Unreadable) > 0 {
				return errDamaged
			}
			return nil
		})
	}, []string{"Records name the messages that they cannot read, and return the others"}},

	{"leaves what it cannot read out of Records", func(_ *Model, b *brokenStore) {
		b.corruptPages(func(p *smsplus.Page) error { p.Unreadable = nil; return nil })
	}, []string{"Records name the messages that they cannot read, and return the others"}},

	{"ends Records at a page that it cannot read", func(_ *Model, b *brokenStore) {
		b.corruptPages(func(p *smsplus.Page) error {
			if len(p.Messages) == 0 {
				p.Next = ""
			}
			return nil
		})
	}, []string{"Records name the messages that they cannot read, and return the others"}},

	{"leaves what it cannot read out of Records of a reason", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			if f.Reason != "" {
				p.Unreadable = nil
			}
			return p, err
		}
	}, []string{skipsUnreadableAttempts}},

	{"fails Records of a provider's ID with a message that it cannot read", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			if f.ProviderID != "" && len(p.Unreadable) > 0 {
				return smsplus.Page{}, errDamaged
			}
			return p, err
		}
	}, []string{skipsUnreadableAttempts}},

	{"names all that it cannot read, whatever the reason", func(m *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			if f.Reason != "" && f.After == "" && err == nil {
				p.Unreadable = nil
				for id := range m.damaged {
					p.Unreadable = append(p.Unreadable, unreadable(m.messages[id]))
				}
			}
			return p, err
		}
	}, []string{skipsUnreadableAttempts}},

	{"returns what it cannot read as a message of a channel", func(m *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			if f.Channel != "" {
				for _, u := range p.Unreadable {
					p.Messages = append(p.Messages, m.messages[u.ID])
				}
				p.Unreadable = nil
				slices.SortFunc(p.Messages, newestFirst)
			}
			return p, err
		}
	}, []string{skipsUnreadableAttempts}},

	{"fails statistics of a reason with a message that it cannot read", func(m *Model, b *brokenStore) {
		stats := b.statsFunc
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			if len(m.damaged) > 0 && f.Reason != "" {
				return nil, errDamaged
			}
			return stats(ctx, f)
		}
	}, []string{skipsUnreadableAttempts}},

	{"counts what it cannot read twice under a reason", func(m *Model, b *brokenStore) {
		statsBy := b.statsByFunc
		b.statsByFunc = func(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
			rows, err := statsBy(ctx, f, g)
			if f.Reason != "" && f.Channel != "" && len(m.damaged) > 0 {
				for i := range rows {
					rows[i].Triggered *= 2
				}
			}
			return rows, err
		}
	}, []string{skipsUnreadableAttempts}},

	{"fails a look-up with a message that it cannot read", func(m *Model, b *brokenStore) {
		byProviderID := b.byProviderIDFunc
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			if len(m.damaged) > 0 {
				return nil, errDamaged
			}
			return byProviderID(ctx, refs)
		}
	}, []string{"ByProviderID leaves out a message that it cannot read"}},

	{"returns an empty message for one that it cannot read", func(m *Model, b *brokenStore) {
		byProviderID := b.byProviderIDFunc
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			ms, err := byProviderID(ctx, refs)
			for id := range m.damaged {
				ms = append(ms, smsplus.Message{ID: id})
			}
			return ms, err
		}
	}, []string{"ByProviderID leaves out a message that it cannot read"}},

	{"fails Stats with a message that it cannot read", func(m *Model, b *brokenStore) {
		stats := b.statsFunc
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			if len(m.damaged) > 0 && f.Channel != "" {
				return nil, errDamaged
			}
			return stats(ctx, f)
		}
	}, []string{"Stats count the others when a message cannot be read"}},

	{"keeps what it cannot read in a Purge", func(m *Model, b *brokenStore) {
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			if len(m.damaged) > 0 {
				return 0, errDamaged
			}
			return purge(ctx, before, limit)
		}
	}, []string{"Purge drops a message that cannot be read"}},
}

// corruptPages changes the pages that Records returns, or fails the call.
func (b *brokenStore) corruptPages(change func(*smsplus.Page) error) {
	records := b.recordsFunc
	b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
		p, err := records(ctx, f)
		if err == nil {
			err = change(&p)
		}
		return p, err
	}
}
