package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// recountWith replaces the messages that StatsBy counts. The change sees a copy of each.
func (b *brokenStore) recountWith(m *Model, change func(*smsplus.Message)) {
	b.statsByFunc = func(_ context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return g.Stats(f, slices.Values(corrupted(m.messagesWhere(f.Match), change))), nil
	}
}

// statsByMutants break the rules of StatsBy.
var statsByMutants = []mutant{
	{"groups no messages by reason", func(_ *Model, b *brokenStore) {
		b.changeGroupings(func(_ *smsplus.Filter, g *smsplus.Grouping) {
			if !g.By.Has(smsplus.ByChannel) {
				g.By &^= smsplus.ByReason
			}
		})
	}, []string{"StatsBy count messages by template, scenario and reason"}},

	{"groups by the template's scenario of today", func(m *Model, b *brokenStore) {
		b.recountWith(m, func(m *smsplus.Message) { m.Scenario = m.Template })
	}, []string{"StatsBy count messages by template, scenario and reason", "StatsBy match combined filters and dimensions"}},

	{"gives each attempt the reason of the first", func(m *Model, b *brokenStore) {
		b.recountWith(m, func(m *smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].Reason = m.Attempts[0].Reason
			}
		})
	}, []string{"StatsBy of a channel count its attempts"}},

	{"counts the attempts of all channels for a channel", func(_ *Model, b *brokenStore) {
		b.changeGroupings(func(f *smsplus.Filter, _ *smsplus.Grouping) { f.Channel = "" })
	}, []string{"StatsBy of a channel count its attempts"}},

	{"groups by days and hours of UTC", func(_ *Model, b *brokenStore) {
		b.changeGroupings(func(_ *smsplus.Filter, g *smsplus.Grouping) { g.Zone = nil })
	}, []string{"StatsBy hours and days are those of the time zone", "StatsBy match combined filters and dimensions"}},

	{"counts whole hours", func(m *Model, b *brokenStore) {
		b.recountWith(m, func(m *smsplus.Message) { m.TriggeredAt = m.TriggeredAt.Truncate(time.Hour) })
	}, []string{"StatsBy hours and days are those of the time zone"}},

	{"has the zone's offset of today always", func(_ *Model, b *brokenStore) {
		b.changeGroupings(func(_ *smsplus.Filter, g *smsplus.Grouping) {
			if g.Zone != nil {
				name, offset := noon.In(g.Zone).Zone()
				g.Zone = time.FixedZone(name, offset)
			}
		})
	}, []string{"StatsBy hours and days are right where clocks change"}},

	{"times no attempts", func(_ *Model, b *brokenStore) {
		b.changeGroupings(func(f *smsplus.Filter, g *smsplus.Grouping) {
			g.Times = g.Times && f.Channel == "" && !g.By.Has(smsplus.ByChannel)
		})
	}, []string{"StatsBy time the deliveries of messages and attempts"}},

	{"times attempts from the trigger", func(m *Model, b *brokenStore) {
		b.recountWith(m, func(m *smsplus.Message) {
			for i := range m.Attempts {
				m.Attempts[i].StartedAt = m.TriggeredAt
			}
		})
	}, []string{"StatsBy time the deliveries of messages and attempts"}},

	{"orders groups without regard to case", func(_ *Model, b *brokenStore) {
		statsBy := b.statsByFunc
		b.statsByFunc = func(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
			rows, err := statsBy(ctx, f, g)
			slices.SortStableFunc(rows, func(a, b smsplus.GroupStats) int {
				return strings.Compare(strings.ToLower(a.Template), strings.ToLower(b.Template))
			})
			return rows, err
		}
	}, []string{"StatsBy come in order of start, template, scenario, channel and reason"}},

	{"groups messages as they were inserted", func(_ *Model, b *brokenStore) {
		first := NewModel()
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			_, _ = first.Insert(ctx, ms)
			return insert(ctx, ms)
		}
		b.statsByFunc = first.StatsBy
	}, []string{"StatsBy follow updates and purges"}},

	{"groups only one page", func(m *Model, b *brokenStore) {
		b.statsByFunc = func(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
			p, err := m.Records(ctx, f)
			return g.Stats(f, slices.Values(p.Messages)), err
		}
	}, []string{"StatsBy ignore Limit and After"}},

	{"takes any grouping", func(m *Model, b *brokenStore) {
		b.recountWith(m, func(*smsplus.Message) {})
	}, []string{"an invalid grouping is refused"}},

	{"fails StatsBy with a message that it cannot read", func(m *Model, b *brokenStore) {
		statsBy := b.statsByFunc
		b.statsByFunc = func(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
			if len(m.damaged) > 0 && (f.Channel == channel.WhatsApp || g.By.Has(smsplus.ByScenario)) {
				return nil, errDamaged
			}
			return statsBy(ctx, f, g)
		}
	}, []string{"StatsBy count the others when a message cannot be read"}},
}
