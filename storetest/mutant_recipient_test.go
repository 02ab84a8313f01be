package storetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// eraseMatching makes Erase erase the messages that match selects, whatever it is asked for.
func (b *brokenStore) eraseMatching(m *Model, match func(person channel.Recipient, m smsplus.Message) bool) {
	b.eraseFunc = func(ctx context.Context, person channel.Recipient) (int, error) {
		m.mu.Lock()
		saved := maps.Clone(m.messages)
		mark := channel.Recipient{IDs: map[channel.Name]string{"mark": "erase"}}
		for id, msg := range m.messages {
			if match(person, msg) {
				msg.To = mark
				m.messages[id] = msg
			}
		}
		m.mu.Unlock()
		n, err := m.Erase(ctx, mark)
		m.mu.Lock()
		defer m.mu.Unlock()
		for id, msg := range m.messages {
			if msg.To.SharesAddress(mark) { // it has not ended
				m.messages[id] = saved[id]
			}
		}
		return n, err
	}
}

// recipientMutants break the rules of recipients' IDs and of Erase.
var recipientMutants = []mutant{
	{"keeps the ID on LINE alone", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			maps.DeleteFunc(m.To.IDs, func(name channel.Name, _ string) bool { return name != channel.LINEPush })
		})
	}, []string{
		"a recipient has an ID on each of several channels", "every field of a message is kept",
		"Records and Stats find a recipient's ID exactly, on any channel",
	}},

	{"cuts IDs at 255 bytes", func(_ *Model, b *brokenStore) {
		b.corruptWrites(func(m *smsplus.Message) {
			for name, id := range m.To.IDs {
				m.To.IDs[name] = id[:min(len(id), 255)]
			}
		})
	}, []string{"a recipient has an ID on each of several channels"}},

	{"keeps the IDs of the caller", func(m *Model, b *brokenStore) {
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			taken, err := insert(ctx, ms)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, msg := range ms {
				if stored, ok := m.messages[msg.ID]; ok {
					stored.To.IDs = msg.To.IDs
					m.messages[msg.ID] = stored
				}
			}
			return taken, err
		}
	}, []string{"the store shares no memory with its caller"}},

	{"ignores the recipient's ID", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.RecipientID = "" })
	}, []string{
		"Records and Stats find a recipient's ID exactly, on any channel",
		"Records match combined filters", "Stats match combined filters",
	}},

	{"compares IDs in lower case", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			for _, id := range m.To.IDs {
				if strings.EqualFold(f.RecipientID, id) {
					f.RecipientID = ""
				}
			}
			return f.Match(m)
		})
	}, []string{"Records and Stats find a recipient's ID exactly, on any channel"}},

	{"finds only the ID on the message's channel", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			return f.Match(m) && (f.RecipientID == "" || m.To.IDs[m.Channel] == f.RecipientID)
		})
	}, []string{"Records and Stats find a recipient's ID exactly, on any channel"}},

	{"lists a message once for each channel with the ID", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			var ms []smsplus.Message
			for _, m := range p.Messages {
				ms = append(ms, m)
				for i := len(m.To.IDs); f.RecipientID != "" && i > 1; i-- {
					ms = append(ms, m)
				}
			}
			p.Messages = ms
			return p, err
		}
	}, []string{"Records and Stats find a recipient's ID exactly, on any channel"}},

	{"erases nothing", func(_ *Model, b *brokenStore) {
		b.eraseFunc = func(ctx context.Context, _ channel.Recipient) (int, error) { return 0, ctx.Err() }
	}, []string{
		"Erase removes what identifies a person, and keeps the counts",
		"Erase leaves messages that have not ended, and says so",
	}},

	{"keeps the IDs of an erased message", func(m *Model, b *brokenStore) {
		erase := b.eraseFunc
		b.eraseFunc = func(ctx context.Context, person channel.Recipient) (int, error) {
			m.mu.Lock()
			before := maps.Clone(m.messages)
			m.mu.Unlock()
			n, err := erase(ctx, person)
			m.mu.Lock()
			defer m.mu.Unlock()
			for id, msg := range m.messages {
				msg.To.IDs = before[id].To.IDs
				m.messages[id] = msg
			}
			return n, err
		}
	}, []string{"Erase removes what identifies a person, and keeps the counts"}},

	{"keeps the parked receipts of an erased message", func(m *Model, b *brokenStore) {
		erase := b.eraseFunc
		b.eraseFunc = func(ctx context.Context, person channel.Recipient) (int, error) {
			m.mu.Lock()
			parked := maps.Clone(m.parked)
			m.mu.Unlock()
			n, err := erase(ctx, person)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.parked = parked
			return n, err
		}
	}, []string{"Erase removes what identifies a person, and keeps the counts"}},

	{"erases by the number alone", func(_ *Model, b *brokenStore) {
		erase := b.eraseFunc
		b.eraseFunc = func(ctx context.Context, person channel.Recipient) (int, error) {
			return erase(ctx, channel.Recipient{Phone: person.Phone})
		}
	}, []string{"Erase finds a person by number or by ID", "Erase leaves an equal ID on another channel alone"}},

	{"erases messages that have the number and all IDs", func(m *Model, b *brokenStore) {
		b.eraseMatching(m, func(person channel.Recipient, m smsplus.Message) bool { return m.To.Equal(person) })
	}, []string{"Erase finds a person by number or by ID"}},

	{"erases an equal ID on any channel", func(m *Model, b *brokenStore) {
		b.eraseMatching(m, func(person channel.Recipient, m smsplus.Message) bool {
			if m.To.SharesAddress(person) {
				return true
			}
			have := slices.Collect(maps.Values(m.To.IDs))
			for _, id := range person.IDs {
				if id != "" && slices.Contains(have, id) {
					return true
				}
			}
			return false
		})
	}, []string{"Erase leaves an equal ID on another channel alone"}},

	{"takes a message whose outcomes are to be published for one that has not ended", func(m *Model, b *brokenStore) {
		b.eraseMatching(m, func(person channel.Recipient, m smsplus.Message) bool {
			return m.DueAt.IsZero() && m.To.SharesAddress(person)
		})
	}, []string{"Erase erases an ended message of which outcomes are to be published"}},

	{"erases messages that have not ended", func(m *Model, b *brokenStore) {
		erase := b.eraseFunc
		b.eraseFunc = func(ctx context.Context, person channel.Recipient) (int, error) {
			m.mu.Lock()
			for id, msg := range m.messages {
				if msg.To.SharesAddress(person) {
					msg.DueAt = time.Time{}
					m.messages[id] = msg
				}
			}
			m.mu.Unlock()
			return erase(ctx, person)
		}
	}, []string{"Erase leaves messages that have not ended, and says so"}},
}
