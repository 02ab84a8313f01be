package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/smsplus"
)

const (
	referenceRule = "Records and Stats of a reference are those of its messages"
	scenarioRule  = "Records and Stats of a scenario are those of its messages"
	attemptRule   = "Records and Stats select by the channel, reason and provider's ID of one attempt"
)

// selectionMutants break the rules of what finds a message.
var selectionMutants = []mutant{
	{"ignores the reference", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Reference = "" })
	}, []string{referenceRule, "Records match combined filters", "Stats match combined filters"}},

	{"matches references by prefix", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			if f.Reference != "" && strings.HasPrefix(m.Reference, f.Reference) {
				f.Reference = ""
			}
			return f.Match(m)
		})
	}, []string{referenceRule}},

	{"finds a key in place of a reference", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			if f.Reference != "" && m.Key == f.Reference {
				f.Reference = m.Reference
			}
			return f.Match(m)
		})
	}, []string{referenceRule}},

	{"has one message for a reference", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, msg smsplus.Message) bool {
			return f.Match(msg) && (f.Reference == "" || slices.IndexFunc(m.messagesWhere(func(o smsplus.Message) bool {
				return o.Reference == f.Reference
			}), func(o smsplus.Message) bool { return o.ID == msg.ID }) == 0)
		})
	}, []string{referenceRule}},

	{"ignores the scenario", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Scenario = "" })
	}, []string{scenarioRule, "Records match combined filters", "Stats match combined filters"}},

	{"matches scenarios in lower case", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			if strings.EqualFold(m.Scenario, f.Scenario) {
				f.Scenario = ""
			}
			return f.Match(m)
		})
	}, []string{scenarioRule}},

	{"knows one plan of a scenario", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			return f.Match(m) && (f.Scenario == "" || m.Plan[0].Wait == newMessage(0).Plan[0].Wait)
		})
	}, []string{scenarioRule}},

	{"ignores the reason", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Reason = "" })
	}, []string{attemptRule, "Records match combined filters", "Stats match combined filters"}},

	{"knows the last attempt's reason alone", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			n := len(m.Attempts)
			return f.Match(m) && (f.Reason == "" || m.Attempts[n-1].Reason == f.Reason)
		})
	}, []string{attemptRule}},

	{"matches reasons by their end", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			for _, a := range m.Attempts {
				if f.Reason != "" && strings.HasSuffix(string(a.Reason), string(f.Reason)) {
					f.Reason = a.Reason
				}
			}
			return f.Match(m)
		})
	}, []string{attemptRule}},

	{"has the channel and the reason on different attempts", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			onChannel, withReason := f, f
			onChannel.Reason, withReason.Channel = "", ""
			return onChannel.Match(m) && withReason.Match(m)
		})
	}, []string{attemptRule}},

	{"ignores the provider's ID", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.ProviderID = "" })
	}, []string{attemptRule, "Records match combined filters", "Stats match combined filters"}},

	{"has the provider's ID and the channel on different attempts", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			onChannel, withID := f, f
			onChannel.ProviderID, withID.Channel = "", ""
			return onChannel.Match(m) && withID.Match(m)
		})
	}, []string{attemptRule}},

	{"keeps the reasons and the provider's IDs that a message had", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, msg smsplus.Message) bool {
			if msg.Version > 0 && (f.Reason != "" || f.ProviderID != "") {
				i := slices.IndexFunc(triedMessages(), func(t smsplus.Message) bool { return t.ID == msg.ID })
				if i >= 0 {
					msg.Attempts = triedMessages()[i].Attempts
				}
			}
			return f.Match(msg)
		})
	}, []string{attemptRule}},

	{"counts all attempts on the channel", func(m *Model, b *brokenStore) {
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
				return nil, err
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			return statsOf(m.messagesWhere(f.Match), smsplus.Filter{Channel: f.Channel}), nil
		}
	}, []string{attemptRule}},
}
