package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/smsplus"
)

// insertMutants break the rules of Insert.
var insertMutants = []mutant{
	{"adds the messages whose keys are free", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			if err != nil || len(taken) == 0 {
				return taken, err
			}
			free := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { _, ok := taken[m.Key]; return ok })
			_, err = insert(ctx, free)
			return taken, err
		}
	}, []string{"Insert adds all messages or none"}},

	{"returns one taken key", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			for key := range taken {
				if len(taken) > 1 {
					delete(taken, key)
				}
			}
			return taken, err
		}
	}, []string{"Insert returns the message that has each taken key"}},

	{"returns the first state of the message that has a key", func(_ *Model, b *brokenStore) {
		insert, first := b.insertFunc, map[string]smsplus.Message{}
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			for _, m := range ms {
				if _, ok := first[m.Key]; !ok {
					first[m.Key] = m
				}
			}
			for key := range taken {
				taken[key] = first[key]
			}
			return taken, err
		}
	}, []string{"Insert returns the message that has each taken key"}},

	{"treats an empty key as a key", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) { m.Key = cmp.Or(m.Key, "none") })
	}, []string{"messages without a key never collide"}},

	{"compares keys in lower case", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) { m.Key = strings.ToLower(m.Key) })
	}, []string{"keys are compared exactly"}},

	{"makes a claimed message due at once", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			return insert(ctx, corrupted(ms, func(m *smsplus.Message) { m.DueAt = m.TriggeredAt }))
		}
	}, []string{"a message may be inserted already claimed"}},

	{"forgets the claim that a message was inserted with", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			return insert(ctx, corrupted(ms, func(m *smsplus.Message) { m.Claims = 0 }))
		}
	}, []string{"a message may be inserted already claimed"}},

	{"inserts messages one by one", func(_ *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			for i := range ms {
				if taken, err := insert(ctx, ms[i:i+1]); err != nil || len(taken) > 0 {
					return taken, err
				}
			}
			return nil, nil
		}
	}, []string{"an Insert whose context ends meanwhile adds all messages or none", "Insert adds all messages or none"}},

	{"checks keys before it locks", func(m *Model, b *brokenStore) {
		b.insertFunc = func(_ context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken := map[string]smsplus.Message{}
			m.mu.Lock()
			for _, stored := range m.messages {
				if slices.ContainsFunc(ms, func(msg smsplus.Message) bool { return msg.Key == stored.Key }) {
					taken[stored.Key] = clone(stored)
				}
			}
			m.mu.Unlock()
			if len(taken) > 0 {
				return taken, nil
			}
			yieldOften()
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, msg := range ms {
				m.messages[msg.ID] = clone(msg)
			}
			return nil, nil
		}
	}, []string{"of concurrent inserts with one key, one wins"}},

	{"locks keys in the order given", func(_ *Model, b *brokenStore) {
		insert, locks := b.insertFunc, &rowLocks{}
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (taken map[string]smsplus.Message, err error) {
			var keys []string
			for _, m := range ms {
				keys = append(keys, m.Key)
			}
			err = locks.withLocks(keys, func() error {
				taken, err = insert(ctx, ms)
				return err
			})
			return taken, err
		}
	}, []string{"of concurrent inserts with one key, one wins"}},
}
