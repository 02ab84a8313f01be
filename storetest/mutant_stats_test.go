package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// statsMutants break the rules of Stats.
var statsMutants = []mutant{
	{"counts no reads", func(_ *Model, b *brokenStore) {
		b.corruptStats(func(row *smsplus.TemplateStats) { row.Read = 0 })
	}, []string{"Stats count messages by their status", "Stats of a channel count its attempts"}},

	{"counts no double delivery", func(_ *Model, b *brokenStore) {
		b.corruptStats(func(row *smsplus.TemplateStats) { row.DeliveredTwice = 0 })
	}, []string{"Stats count messages by their status", "Stats of a channel count its attempts"}},

	{"counts undeliverable as failed", func(_ *Model, b *brokenStore) {
		b.corruptStats(func(row *smsplus.TemplateStats) { row.Failed, row.Undeliverable = row.Failed+row.Undeliverable, 0 })
	}, []string{"Stats count messages by their status"}},

	{"counts messages, not attempts, for a channel", func(m *Model, b *brokenStore) {
		b.statsFunc = func(_ context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return statsOf(m.messagesWhere(f.Match), smsplus.Filter{}), nil
		}
	}, []string{"Stats of a channel count its attempts", "Stats match combined filters"}},

	{"orders templates without regard to case", func(_ *Model, b *brokenStore) {
		stats := b.statsFunc
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			rows, err := stats(ctx, f)
			slices.SortFunc(rows, func(a, b smsplus.TemplateStats) int {
				return strings.Compare(strings.ToLower(a.Template), strings.ToLower(b.Template))
			})
			return rows, err
		}
	}, []string{"Stats come in the order of the templates' bytes"}},

	{"counts whole hours", func(_ *Model, b *brokenStore) {
		stats := b.statsFunc
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			f.From, f.To = f.From.Truncate(time.Hour), f.To.Truncate(time.Hour)
			return stats(ctx, f)
		}
	}, []string{"Stats of any range equal a recount"}},

	{"counts messages as they were inserted", func(_ *Model, b *brokenStore) {
		first := NewModel()
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			_, _ = first.Insert(ctx, ms)
			return insert(ctx, ms)
		}
		b.statsFunc = first.Stats
	}, []string{"Stats follow updates", "Purge leaves nothing of a message behind"}},

	{"counts stale updates", func(m *Model, b *brokenStore) {
		counts := NewModel()
		b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
			counts.mu.Lock()
			defer counts.mu.Unlock()
			for _, m := range ms {
				counts.messages[m.ID] = clone(m)
			}
			return m.Update(ctx, ms)
		}
		b.statsFunc = counts.Stats
	}, []string{"Update leaves stale messages alone and returns their IDs"}},

	{"counts only one page", func(m *Model, b *brokenStore) {
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			p, err := m.Records(ctx, f)
			return statsOf(p.Messages, f), err
		}
	}, []string{"Stats ignore Limit and After"}},
}
