package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// claimMutants break the rules of Claim.
var claimMutants = []mutant{
	{"claims only messages that were due before now", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			c.Now, c.Lease = c.Now.Add(-time.Microsecond), c.Lease+time.Microsecond
			return claim(ctx, c)
		}
	}, []string{"Claim takes messages that are due by now, and none that are due later"}},

	{"claims a second early", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			c.Now, c.Lease = c.Now.Add(time.Second), c.Lease-time.Second
			return claim(ctx, c)
		}
	}, []string{"Claim takes messages that are due by now, and none that are due later", "a message may be inserted already claimed"}},

	{"claims in no order", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			slices.SortFunc(got.Messages, byID)
		})
	}, []string{"Claim takes the earliest first, up to its limit"}},

	{"claims one more than the limit", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			c.Limit++
			return claim(ctx, c)
		}
	}, []string{"Claim takes the earliest first, up to its limit"}},

	{"excludes no lane", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			c.Except = nil
			return claim(ctx, c)
		}
	}, []string{"Claim skips excluded lanes"}},

	{"excludes one lane", func(_ *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			c.Except = c.Except[:min(len(c.Except), 1)]
			return claim(ctx, c)
		}
	}, []string{"Claim skips excluded lanes"}},

	{"excludes lanes after the limit", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, m := range before {
				if slices.Contains(c.Except, m.Lane) && !m.DueAt.IsZero() && len(got.Messages) == c.Limit {
					got.Messages = got.Messages[:c.Limit-1]
				}
			}
		})
	}, []string{"Claim skips excluded lanes"}},

	{"does not raise the version in a claim", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for i := range got.Messages {
				got.Messages[i].Version--
				m.messages[got.Messages[i].ID] = clone(got.Messages[i])
			}
		})
	}, []string{"Claim leases the messages that it returns", "Update leaves stale messages alone and returns their IDs"}},

	{"does not count claims", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for i := range got.Messages {
				got.Messages[i].Claims = 1
				m.messages[got.Messages[i].ID] = clone(got.Messages[i])
			}
		})
	}, []string{"a message falls due again when its lease ends"}},

	{"does not store leases", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, before map[uuid.UUID]smsplus.Message, _ *smsplus.Claimed) { m.messages = before })
	}, []string{"Claim leases the messages that it returns", "a message falls due again when its lease ends"}},

	{"returns messages as they were before the claim", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			got.Messages = corrupted(got.Messages, func(m *smsplus.Message) { *m = clone(before[m.ID]) })
		})
	}, []string{"Claim leases the messages that it returns"}},

	{"leases without an end", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, leased := range got.Messages {
				leased.DueAt = time.Time{}
				m.messages[leased.ID] = clone(leased)
			}
		})
	}, []string{"a message falls due again when its lease ends"}},

	{"returns the last message's due time as Claimed.DueAt", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, leased := range got.Messages {
				got.DueAt = before[leased.ID].DueAt
			}
		})
	}, []string{"Claimed.DueAt is when the first claimed message was due"}},

	{"returns now as Claimed.DueAt when nothing is claimed", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			if got.DueAt.IsZero() {
				got.DueAt = c.Now
			}
		})
	}, []string{"Claimed.DueAt is when the first claimed message was due"}},

	{"returns a Next from an excluded lane", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, m := range m.messages {
				if slices.Contains(c.Except, m.Lane) && m.DueAt.Before(got.Next) {
					got.Next = m.DueAt
				}
			}
		})
	}, []string{"Claimed.Next is when the first unclaimed message is due"}},

	{"returns no Next in the past", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			if got.Next.Before(c.Now) {
				got.Next = c.Now
			}
		})
	}, []string{"Claimed.Next is when the first unclaimed message is due"}},

	{"returns the end of a lease of this claim as Next", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, leased := range got.Messages {
				if leased.DueAt.Before(got.Next) {
					got.Next = leased.DueAt
				}
			}
		})
	}, []string{"Claimed.Next is when the first unclaimed message is due"}},

	{"never returns the end of an earlier lease as Next", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, m := range m.messages {
				if m.DueAt.Equal(got.Next) && m.Claims > 0 {
					got.Next = time.Time{}
				}
			}
		})
	}, []string{"Claimed.Next is when the first unclaimed message is due"}},

	{"treats a zero due time as the earliest", func(m *Model, b *brokenStore) {
		claim := b.claimFunc
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			m.mu.Lock()
			for id, msg := range m.messages {
				if msg.DueAt.IsZero() {
					msg.DueAt = time.Unix(0, 0)
					m.messages[id] = msg
				}
			}
			m.mu.Unlock()
			return claim(ctx, c)
		}
	}, []string{"a message without a due time is never claimed"}},

	{"keeps the queue as it was inserted", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.DueAt = stored.DueAt })
	}, []string{"an update moves a message in the queue"}},

	{"keeps the channel as it was inserted", func(m *Model, b *brokenStore) {
		b.corruptUpdates(m, func(m *smsplus.Message, stored smsplus.Message) { m.Channel, m.Lane = stored.Channel, stored.Lane })
	}, []string{
		"an update moves a message in the queue",
		"Update replaces the message, raises its version and resets its claims",
	}},

	{"selects before it leases", func(m *Model, b *brokenStore) {
		b.claimFunc = func(_ context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			m.mu.Lock()
			due := m.messagesWhere(func(msg smsplus.Message) bool { return !msg.DueAt.After(c.Now) })
			m.mu.Unlock()
			yieldOften()
			m.mu.Lock()
			defer m.mu.Unlock()
			due = due[:min(c.Limit, len(due))]
			for i := range due {
				due[i].DueAt = c.Now.Add(c.Lease)
				due[i].Claims++
				m.messages[due[i].ID] = due[i]
			}
			return smsplus.Claimed{Messages: cloneAll(due)}, nil
		}
	}, []string{"no message is returned by two claims"}},

	{"fails concurrent claims", func(_ *Model, b *brokenStore) {
		claim, busy := b.claimFunc, &sync.Mutex{}
		b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
			if !busy.TryLock() {
				return smsplus.Claimed{}, errors.New("database is locked")
			}
			defer busy.Unlock()
			yieldOften()
			return claim(ctx, c)
		}
	}, []string{"no message is returned by two claims", "concurrent calls of all methods leave the store consistent"}},
}
