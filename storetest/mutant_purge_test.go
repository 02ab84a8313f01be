package storetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// purgeMutants break the rules of Purge and of sequences of calls.
var purgeMutants = []mutant{
	{"purges by status", func(m *Model, b *brokenStore) {
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			m.mu.Lock()
			for id, msg := range m.messages {
				if msg.Status.Final() {
					msg.DueAt = time.Time{}
					m.messages[id] = msg
				}
			}
			m.mu.Unlock()
			return purge(ctx, before, limit)
		}
	}, []string{"Purge drops ended messages and receipts from before the time, and nothing else"}},

	{"purges up to the time and including it", func(_ *Model, b *brokenStore) {
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			return purge(ctx, before.Add(time.Microsecond), limit)
		}
	}, []string{"Purge drops ended messages and receipts from before the time, and nothing else"}},

	{"purges no receipts", func(m *Model, b *brokenStore) {
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			parked := maps.Clone(m.parked)
			n, err := purge(ctx, before, limit)
			m.parked = parked
			return n, err
		}
	}, []string{"Purge drops ended messages and receipts from before the time, and nothing else", "Purge drops the oldest first, up to its limit"}},

	{"does not say how many it purged", func(_ *Model, b *brokenStore) {
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			n, err := purge(ctx, before, limit)
			return min(n, 1), err
		}
	}, []string{"Purge drops ended messages and receipts from before the time, and nothing else"}},

	{"purges without a limit", func(_ *Model, b *brokenStore) {
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			n, err := purge(ctx, before, noLimit)
			return min(n, limit), err
		}
	}, []string{"Purge drops the oldest first, up to its limit"}},

	{"purges messages before receipts", func(m *Model, b *brokenStore) {
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			parked := m.parked
			m.parked = map[channel.Receipt]bool{}
			n, err := m.Purge(ctx, before, limit)
			m.parked = parked
			if err != nil || n == limit {
				return n, err
			}
			rest, err := m.Purge(ctx, before, limit-n)
			return n + rest, err
		}
	}, []string{"Purge drops the oldest first, up to its limit"}},

	{"applies the limit to messages and receipts separately", func(m *Model, b *brokenStore) {
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			parked := m.parked
			m.parked = map[channel.Receipt]bool{}
			n, err := m.Purge(ctx, before, limit)
			if err != nil {
				return n, err
			}
			m.parked = parked
			messages := m.messages
			m.messages = map[uuid.UUID]smsplus.Message{}
			rest, err := m.Purge(ctx, before, limit)
			m.messages = messages
			return n + rest, err
		}
	}, []string{"Purge drops the oldest first, up to its limit"}},

	{"remembers the keys of what it purged", func(_ *Model, b *brokenStore) {
		insert, owners := b.insertFunc, map[string]smsplus.Message{}
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken := map[string]smsplus.Message{}
			for _, m := range ms {
				if owner, ok := owners[m.Key]; ok {
					taken[m.Key] = owner
				}
			}
			if len(taken) > 0 {
				return taken, nil
			}
			for _, m := range ms {
				if m.Key != "" {
					owners[m.Key] = m
				}
			}
			return insert(ctx, ms)
		}
	}, []string{"Purge leaves nothing of a message behind"}},

	{"remembers the receipts that it purged", func(_ *Model, b *brokenStore) {
		park, parked := b.parkFunc, map[channel.Receipt]bool{}
		b.parkFunc = func(ctx context.Context, rs []channel.Receipt) error {
			rs = slices.DeleteFunc(slices.Clone(rs), func(r channel.Receipt) bool { return parked[r] })
			for _, r := range rs {
				parked[r] = true
			}
			return park(ctx, rs)
		}
	}, []string{"Purge leaves nothing of a message behind", "equal receipts are parked once, and different ones are all kept"}},

	{"counts outside of its lock", func(m *Model, b *brokenStore) {
		var mu sync.Mutex
		total := 0
		add := func(n int) {
			mu.Lock()
			was := total
			mu.Unlock()
			yieldOften()
			mu.Lock()
			defer mu.Unlock()
			total = was + n
		}
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := m.Insert(ctx, ms)
			if err == nil && len(taken) == 0 {
				add(len(ms))
			}
			return taken, err
		}
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			m.mu.Lock()
			was := len(m.messages)
			m.mu.Unlock()
			n, err := m.Purge(ctx, before, limit)
			m.mu.Lock()
			defer m.mu.Unlock()
			add(len(m.messages) - was)
			return n, err
		}
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			rows, err := m.Stats(ctx, f)
			if f == (smsplus.Filter{}) && len(rows) > 0 {
				m.mu.Lock()
				defer m.mu.Unlock()
				rows[0].Triggered += total - len(m.messages)
			}
			return rows, err
		}
	}, []string{"concurrent calls of all methods leave the store consistent"}},

	{"loses attempts in a second claim", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, leased := range got.Messages {
				if leased.Claims == 2 {
					leased.Attempts = nil
					m.messages[leased.ID] = leased
				}
			}
		})
	}, []string{"random calls return what a Model returns"}},

	{"accepts stale updates after a purge", func(m *Model, b *brokenStore) {
		var purged bool
		purge := b.purgeFunc
		b.purgeFunc = func(ctx context.Context, before time.Time, limit int) (int, error) {
			n, err := purge(ctx, before, limit)
			purged = purged || n > 0
			return n, err
		}
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) {
			if purged {
				m.Version = stored.Version
			}
		})
	}, []string{"random calls return what a Model returns"}},
}
