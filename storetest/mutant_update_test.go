package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// updateMutants break the rules of Update.
var updateMutants = []mutant{
	{"does not raise the version in an update", func(m *Model, b *brokenStore) {
		update := b.updateFunc
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			stale, err := update(ctx, ms)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, msg := range ms {
				if stored, ok := m.messages[msg.ID]; ok && !slices.Contains(stale, msg.ID) {
					stored.Version--
					m.messages[msg.ID] = stored
				}
			}
			return stale, err
		}
	}, []string{
		"Update replaces the message and raises its version",
		"of concurrent updates of one version, one wins",
	}},

	{"resets claims in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) { m.Claims = 0 })
	}, []string{"Update keeps a hold that it is given", "every field of a message is kept"}},

	{"keeps claims, as they were stored, in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.Claims = stored.Claims })
	}, []string{"Update keeps a hold that it is given", "Update replaces the message and raises its version"}},

	{"resets the holder in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) { m.Holder = 0 })
	}, []string{"Update keeps a hold that it is given"}},

	{"keeps the holder, as it was stored, in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.Holder = stored.Holder })
	}, []string{"Update keeps a hold that it is given", "Update replaces the message and raises its version"}},

	{"keeps Sending, as it was stored, in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.Sending = stored.Sending })
	}, []string{"Update keeps a hold that it is given", "Update replaces the message and raises its version"}},

	{"ends the lease in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) {
			if m.DueAt.Equal(stored.DueAt) && !m.DueAt.IsZero() {
				m.DueAt = m.DueAt.Add(-time.Second)
			}
		})
	}, []string{"Update keeps a hold that it is given"}},

	{"takes a repeated update for the first", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) {
			if m.Status == stored.Status && m.Version == stored.Version-1 {
				m.Version = stored.Version
			}
		})
	}, []string{"a call that is repeated after its answer was lost sees what the first one did"}},

	{"does not compare versions", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.Version = stored.Version })
	}, []string{
		"Update leaves stale messages alone and returns their IDs",
		"of concurrent updates of one version, one wins",
		"concurrent updates of many messages in any order do not deadlock",
	}},

	{"accepts a later version", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.Version = min(m.Version, stored.Version) })
	}, []string{"Update leaves stale messages alone and returns their IDs"}},

	{"updates all or none", func(m *Model, b *brokenStore) {
		update := b.updateFunc
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			m.mu.Lock()
			fresh := !slices.ContainsFunc(ms, func(msg smsplus.Message) bool {
				return m.messages[msg.ID].Version != msg.Version
			})
			m.mu.Unlock()
			if fresh {
				return update(ctx, ms)
			}
			var stale []uuid.UUID
			for _, msg := range ms {
				stale = append(stale, msg.ID)
			}
			return stale, nil
		}
	}, []string{"Update leaves stale messages alone and returns their IDs"}},

	{"does not say what is stale", func(_ *Model, b *brokenStore) {
		update := b.updateFunc
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			_, err := update(ctx, ms)
			return nil, err
		}
	}, []string{"Update leaves stale messages alone and returns their IDs", "Update does not add a message"}},

	{"adds messages that it does not hold", func(m *Model, b *brokenStore) {
		update := b.updateFunc
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			stale, err := update(ctx, ms)
			for _, msg := range ms {
				if _, err := m.Message(ctx, msg.ID); err != nil {
					_, _ = m.Insert(ctx, []smsplus.Message{msg})
				}
			}
			return stale, err
		}
	}, []string{
		"Update does not add a message",
		"Update leaves stale messages alone and returns their IDs",
		"Purge leaves nothing of a message behind",
	}},

	{"wipes variables in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) { m.Vars = nil })
	}, []string{"Update keeps the fields that the trigger fixed"}},

	{"frees the key in an update", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, _ smsplus.Message) { m.Key = "" })
	}, []string{"Update keeps the fields that the trigger fixed"}},

	{"compares versions before it locks", func(m *Model, b *brokenStore) {
		update := b.updateFunc
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			m.mu.Lock()
			fresh := !slices.ContainsFunc(ms, func(msg smsplus.Message) bool {
				return m.messages[msg.ID].Version != msg.Version
			})
			m.mu.Unlock()
			yieldOften()
			if fresh {
				m.mu.Lock()
				defer m.mu.Unlock()
				for _, msg := range ms {
					msg.Version++
					m.messages[msg.ID] = clone(msg)
				}
				return nil, nil
			}
			return update(ctx, ms)
		}
	}, []string{"of concurrent updates of one version, one wins"}},

	{"locks messages in the order given", func(_ *Model, b *brokenStore) {
		update, locks := b.updateFunc, &rowLocks{}
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
			err = locks.withLocks(ids(ms), func() error {
				stale, err = update(ctx, ms)
				return err
			})
			return stale, err
		}
	}, []string{"concurrent updates of many messages in any order do not deadlock"}},
}
