package storetest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

func init() { changesPatience = 50 * time.Millisecond } // no Model lists a change late

const (
	changesOnceRule       = "Changes list each message once, in the order of its last change"
	changesConcurrentRule = "Changes miss nothing while many write"
)

// changesMutants break the rules of Changes.
var changesMutants = []mutant{
	{"notes no updates", func(m *Model, b *brokenStore) {
		update := b.updateFunc
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			m.mu.Lock()
			before := maps.Clone(m.changed)
			m.mu.Unlock()
			stale, err := update(ctx, ms)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, msg := range ms {
				m.changed[msg.ID] = before[msg.ID]
			}
			return stale, err
		}
	}, []string{changesOnceRule, "Changes leave out claims and what is set aside"}},

	{"notes claims", func(m *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			claimed, err := claim(ctx, c)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, msg := range claimed.Messages {
				m.noteChange(msg.ID)
			}
			return claimed, err
		}
	}, []string{"Changes leave out claims and what is set aside"}},

	{"notes what is set aside", func(m *Model, b *brokenStore) {
		setAside := b.setAsideFunc
		b.setAsideFunc = func(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
			m.mu.Lock()
			for _, u := range rows {
				m.noteChange(u.ID)
			}
			m.mu.Unlock()
			return setAside(ctx, rows, until)
		}
	}, []string{"Changes leave out claims and what is set aside"}},

	{"notes no erasure", func(m *Model, b *brokenStore) {
		erase := b.eraseFunc
		b.eraseFunc = func(ctx context.Context, person channel.Recipient) (int, error) {
			m.mu.Lock()
			before := maps.Clone(m.changed)
			m.mu.Unlock()
			n, err := erase(ctx, person)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.changed = before
			return n, err
		}
	}, []string{"Changes list erased messages"}},

	{"lists changes in the order of trigger times", func(_ *Model, b *brokenStore) {
		b.changeChanges(func(p *smsplus.ChangePage, _ string) { slices.SortFunc(p.Messages, newestFirst) })
	}, []string{changesOnceRule}},

	{"repeats the last message of the page before", func(_ *Model, b *brokenStore) {
		last := map[string]smsplus.Message{} // by position
		b.changeChanges(func(p *smsplus.ChangePage, after string) {
			if m, ok := last[after]; ok {
				p.Messages = append([]smsplus.Message{m}, p.Messages[:max(0, len(p.Messages)-1)]...)
			}
			if n := len(p.Messages); n > 0 {
				last[p.Next] = p.Messages[n-1]
			}
		})
	}, []string{changesOnceRule}},

	{"skips a message at the end of a full page", func(_ *Model, b *brokenStore) {
		b.changeChanges(func(p *smsplus.ChangePage, _ string) {
			if n := len(p.Messages); p.More && n > 1 {
				p.Messages = p.Messages[:n-1]
			}
		})
	}, []string{changesOnceRule, changesConcurrentRule}},

	{"says that nothing more is there", func(_ *Model, b *brokenStore) {
		b.changeChanges(func(p *smsplus.ChangePage, _ string) { p.More = false })
	}, []string{changesOnceRule}},

	{"has no position in an empty store", func(_ *Model, b *brokenStore) {
		b.changeChanges(func(p *smsplus.ChangePage, _ string) {
			if len(p.Messages)+len(p.Unreadable) == 0 {
				p.Next = ""
			}
		})
	}, []string{changesOnceRule}},

	{"takes any position", func(m *Model, b *brokenStore) {
		b.changesFunc = func(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
			p, err := m.Changes(ctx, after, limit)
			if err != nil {
				return m.Changes(ctx, "", limit)
			}
			return p, err
		}
	}, []string{"Changes refuse a position that the store did not give"}},

	{"lists what was purged", func(m *Model, b *brokenStore) {
		purged := map[uuid.UUID]smsplus.Message{}
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			m.mu.Lock()
			held := maps.Clone(m.messages)
			m.mu.Unlock()
			n, err := purge(ctx, before, limit)
			m.mu.Lock()
			defer m.mu.Unlock()
			for id, msg := range held {
				if _, ok := m.messages[id]; !ok {
					purged[id] = msg
				}
			}
			return n, err
		}
		b.changeChanges(func(p *smsplus.ChangePage, _ string) {
			for _, msg := range purged {
				p.Messages = append(p.Messages, msg)
			}
			clear(purged)
		})
	}, []string{"Changes leave out what is purged, and continue after it"}},

	{"requires the message that a position names", func(m *Model, b *brokenStore) {
		b.changesFunc = func(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
			m.mu.Lock()
			_, err := strconv.Atoi(after)
			isThere := after == "" || after == "0" || err != nil
			for _, number := range m.changed {
				isThere = isThere || strconv.Itoa(number) == after
			}
			m.mu.Unlock()
			if !isThere {
				return smsplus.ChangePage{Next: after}, nil
			}
			return m.Changes(ctx, after, limit)
		}
	}, []string{"Changes leave out what is purged, and continue after it"}},

	{"leaves out what it cannot read", func(_ *Model, b *brokenStore) {
		b.changeChanges(func(p *smsplus.ChangePage, _ string) { p.Unreadable = nil })
	}, []string{"Changes name the messages that they cannot read, and return the others"}},
}

// changeChanges changes the pages of Changes.
func (b *brokenStore) changeChanges(change func(p *smsplus.ChangePage, after string)) {
	changes := b.changesFunc
	b.changesFunc = func(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
		p, err := changes(ctx, after, limit)
		if err == nil {
			change(&p, after)
		}
		return p, err
	}
}
