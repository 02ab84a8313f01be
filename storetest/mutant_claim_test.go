package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
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

	{"claims from every lane", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) { c.Only = allLanes })
	}, []string{"Claim takes from its lanes only", "Claimed.Due is when each claimed message was due"}},

	{"claims from the first of its lanes", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) { c.Only = c.Only[:min(len(c.Only), 1)] })
	}, []string{"Claim takes from its lanes only"}},

	{"takes no lanes for every lane", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) {
			if len(c.Only) == 0 {
				c.Only = allLanes
			}
		})
	}, []string{"Claim takes from its lanes only", "Claimed.Passed are the other lanes, each with its earliest due time"}},

	{"always claims from the lane without a name", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) { c.Only = append([]channel.Name{""}, c.Only...) })
	}, []string{"Claim takes from its lanes only"}},

	{"never claims from the lane without a name", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) {
			c.Only = slices.DeleteFunc(slices.Clone(c.Only), func(lane channel.Name) bool { return lane == "" })
		})
	}, []string{"Claim takes from its lanes only"}},

	{"tells lanes apart after the limit", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, m := range before {
				if !slices.Contains(c.Only, m.Lane) && !m.DueAt.IsZero() && len(got.Messages) == c.Limit {
					got.Messages = got.Messages[:c.Limit-1]
				}
			}
		})
	}, []string{"Claim takes from its lanes only"}},

	{"skips no template", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) { c.SkipTemplates = nil })
	}, []string{"Claim skips templates"}},

	{"skips the first template", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) { c.SkipTemplates = c.SkipTemplates[:min(len(c.SkipTemplates), 1)] })
	}, []string{"Claim skips templates"}},

	{"skips templates without regard to case", func(m *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) {
			for _, template := range c.SkipTemplates {
				for _, m := range m.messagesWhere(func(m smsplus.Message) bool { return strings.EqualFold(m.Template, template) }) {
					c.SkipTemplates = append(c.SkipTemplates, m.Template)
				}
			}
		})
	}, []string{"Claim skips templates"}},

	{"returns a Next of a skipped template", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, m := range m.messages {
				if slices.Contains(c.SkipTemplates, m.Template) && m.DueAt.Before(got.Next) {
					got.Next = m.DueAt
				}
			}
		})
	}, []string{"Claim skips templates"}},

	{"passes lanes without their skipped templates", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			if len(c.SkipTemplates) > 0 {
				got.Passed = nil
			}
		})
	}, []string{"Claim skips templates"}},

	{"passes no lanes", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) { got.Passed = nil })
	}, []string{"Claimed.Passed are the other lanes, each with its earliest due time"}},

	{"passes only lanes that are due", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			got.Passed = slices.DeleteFunc(got.Passed, func(p smsplus.PassedLane) bool { return p.DueAt.After(c.Now) })
		})
	}, []string{"Claimed.Passed are the other lanes, each with its earliest due time"}},

	{"passes each message", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			got.Passed = nil
			for _, m := range m.messages {
				if !slices.Contains(c.Only, m.Lane) && !m.DueAt.IsZero() {
					got.Passed = append(got.Passed, smsplus.PassedLane{Lane: m.Lane, DueAt: m.DueAt})
				}
			}
		})
	}, []string{"Claimed.Passed are the other lanes, each with its earliest due time"}},

	{"passes lanes that it takes from", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			if len(c.Only) > 0 && !got.Next.IsZero() {
				got.Passed = append(got.Passed, smsplus.PassedLane{Lane: c.Only[0], DueAt: got.Next})
			}
		})
	}, []string{"Claimed.Passed are the other lanes, each with its earliest due time"}},

	{"does not store the holder of a claim", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, leased := range got.Messages {
				leased.Holder = before[leased.ID].Holder
				m.messages[leased.ID] = clone(leased)
			}
		})
	}, []string{"Claim leases the messages that it returns"}},

	{"resets Sending in a claim", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for i := range got.Messages {
				got.Messages[i].Sending = -1
				m.messages[got.Messages[i].ID] = clone(got.Messages[i])
			}
		})
	}, []string{"Claim leases the messages that it returns", "Update keeps a hold that it is given"}},

	{"keeps claims in 16 bits", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for i := range got.Messages {
				got.Messages[i].Claims = int(int16(got.Messages[i].Claims))
			}
		})
	}, []string{"extreme values are kept"}},

	{"keeps the limit of a claim in 16 bits", func(_ *Model, b *brokenStore) {
		b.changeClaims(func(c *smsplus.Claim) { c.Limit = max(0, int(int16(c.Limit))) })
	}, []string{"a limit may be as high as an int32"}},

	{"claims a message again whose claim was canceled", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, leased := range got.Messages {
				if leased.DueAt = c.Now; c.Holder == 100 { // that of a lost answer
					m.messages[leased.ID] = clone(leased)
				}
			}
		})
	}, []string{"a call that is repeated after its answer was lost sees what the first one did"}},

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

	{"returns the first due time only", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			got.Due = got.Due[:min(len(got.Due), 1)]
		})
	}, []string{"Claimed.Due is when each claimed message was due"}},

	{"returns the leases' ends as Claimed.Due", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(_ smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for i, leased := range got.Messages {
				got.Due[i] = leased.DueAt
			}
		})
	}, []string{"Claimed.Due is when each claimed message was due"}},

	{"returns now as Claimed.Due when nothing is claimed", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			if len(got.Due) == 0 {
				got.Due = append(got.Due, c.Now)
			}
		})
	}, []string{"Claimed.Due is when each claimed message was due"}},

	{"returns a Next from another lane", func(m *Model, b *brokenStore) {
		b.corruptClaims(m, func(c smsplus.Claim, _ map[uuid.UUID]smsplus.Message, got *smsplus.Claimed) {
			for _, m := range m.messages {
				if !slices.Contains(c.Only, m.Lane) && !m.DueAt.IsZero() && m.DueAt.Before(got.Next) {
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
		"Update replaces the message and raises its version",
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
