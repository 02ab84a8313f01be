package storetest

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// recordsMutants break the rules of Records and of filters.
var recordsMutants = []mutant{
	{"lists the oldest first", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			slices.Reverse(p.Messages)
			return p, err
		}
	}, []string{"Records come newest trigger first, equal times by ID"}},

	{"lists equal times by the lowest ID", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			slices.SortFunc(p.Messages, func(a, b smsplus.Message) int {
				return cmp.Or(b.TriggeredAt.Compare(a.TriggeredAt), bytes.Compare(a.ID[:], b.ID[:]))
			})
			return p, err
		}
	}, []string{"Records come newest trigger first, equal times by ID"}},

	{"excludes From", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) {
			if !f.From.IsZero() {
				f.From = f.From.Add(time.Microsecond)
			}
		})
	}, []string{"Records include From and exclude To", "Stats of any range equal a recount"}},

	{"includes To", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			if !f.To.IsZero() {
				f.To = f.To.Add(time.Microsecond)
			}
			return f.Match(m)
		})
	}, []string{"Records include From and exclude To", "Stats of any range equal a recount"}},

	{"rounds From down", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.From = f.From.Truncate(time.Microsecond) })
	}, []string{"Records include From and exclude To"}},

	{"rounds To down", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.To = f.To.Truncate(time.Microsecond) })
	}, []string{"Records include From and exclude To"}},

	{"compares templates in lower case", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			same := strings.EqualFold(f.Template, m.Template)
			if same {
				f.Template = m.Template
			}
			return f.Match(m)
		})
	}, []string{"Records compare text exactly"}},

	{"matches templates by prefix", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			if strings.HasPrefix(m.Template, f.Template) {
				f.Template = ""
			}
			return f.Match(m)
		})
	}, []string{"Records compare text exactly"}},

	{"ignores the template", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Template = "" })
	}, []string{"Records match combined filters", "Stats match combined filters"}},

	{"ignores the channel", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Channel = "" })
	}, []string{
		"Records match combined filters", "Stats match combined filters",
		"Stats of a channel count its attempts",
	}},

	{"matches the channel of the message, not those of its attempts", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			want := f.Channel
			f.Channel = ""
			return f.Match(m) && (want == "" || m.Channel == want)
		})
	}, []string{"Records match combined filters", "Stats match combined filters"}},

	{"ignores the number", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Phone = phones[0] })
	}, []string{"Records match combined filters", "Stats match combined filters"}},

	{"ignores the key", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) { f.Key = "" })
	}, []string{"Records and Stats of a key are those of its message"}},

	{"matches keys by prefix", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			if strings.HasPrefix(m.Key, f.Key) {
				f.Key = ""
			}
			return f.Match(m)
		})
	}, []string{"Records and Stats of a key are those of its message"}},

	{"ignores all but the key if there is one", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) {
			if f.Key != "" {
				*f = smsplus.Filter{Key: f.Key}
			}
		})
	}, []string{"Records and Stats of a key are those of its message"}},

	{"matches country codes by prefix", func(m *Model, b *brokenStore) {
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			want := f.CountryCode
			f.CountryCode = ""
			return f.Match(m) && strings.HasPrefix(m.To.Phone.E164(), "+"+want)
		})
	}, []string{"Records match combined filters", "Stats match combined filters"}},

	{"ignores the group if there is a country code", func(_ *Model, b *brokenStore) {
		b.changeFilters(func(f *smsplus.Filter) {
			if f.CountryCode != "" {
				f.Group = status.All
			}
		})
	}, []string{"Records match combined filters", "Stats match combined filters"}},

	{"lists messages as they were inserted", func(_ *Model, b *brokenStore) {
		first := NewModel()
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			_, _ = first.Insert(ctx, ms)
			return insert(ctx, ms)
		}
		b.recordsFunc = first.Records
	}, []string{"Records follow an update"}},

	{"keeps the groups that messages were inserted with", func(m *Model, b *brokenStore) {
		came := map[uuid.UUID]status.Status{}
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			for _, m := range ms {
				came[m.ID] = m.Status
			}
			return insert(ctx, ms)
		}
		b.replaceMatch(m, func(f smsplus.Filter, m smsplus.Message) bool {
			m.Status = came[m.ID]
			return f.Match(m)
		})
	}, []string{"Records follow an update"}},

	{"continues at the next trigger time", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			if at, _, err := f.Position(); err == nil && !at.IsZero() {
				f.After = f.CursorAt(smsplus.Message{TriggeredAt: at})
			}
			return records(ctx, f)
		}
	}, []string{"pages of any size hold every record once"}},

	{"repeats the last record of the previous page", func(m *Model, b *brokenStore) {
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			if at, id, err := f.Position(); err == nil && !at.IsZero() {
				id[15]++
				f.After = f.CursorAt(smsplus.Message{TriggeredAt: at, ID: id})
			}
			return m.Records(ctx, f)
		}
	}, []string{"pages of any size hold every record once"}},

	{"lists one page", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			p.Next = ""
			return p, err
		}
	}, []string{"pages of any size hold every record once", "the last page has no Next, and every other page has one"}},

	{"returns one more than the limit", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			f.Limit = f.PageSize() + 1
			return records(ctx, f)
		}
	}, []string{"pages of any size hold every record once", "a page holds DefaultLimit records if the filter sets no limit"}},

	{"ends with an empty page", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := records(ctx, f)
			if n := len(p.Messages); err == nil && n == f.PageSize() {
				p.Next = f.CursorAt(p.Messages[n-1])
			}
			return p, err
		}
	}, []string{"the last page has no Next, and every other page has one"}},

	{"has its own default page size", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			f.Limit = cmp.Or(f.Limit, 50)
			return records(ctx, f)
		}
	}, []string{"a page holds DefaultLimit records if the filter sets no limit"}},

	{"pages by offset", func(_ *Model, b *brokenStore) {
		records, offsets := b.recordsFunc, map[smsplus.Cursor]int{}
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			limit, offset := f.PageSize(), offsets[f.After]
			f.After, f.Limit = "", offset+limit
			p, err := records(ctx, f)
			p.Messages = p.Messages[min(offset, len(p.Messages)):]
			if p.Next != "" {
				offsets[p.Next] = offset + limit
			}
			return p, err
		}
	}, []string{"messages added between two pages neither shift nor repeat records"}},

	{"omits messages that were updated since the first page", func(m *Model, b *brokenStore) {
		var first map[uuid.UUID]smsplus.Message
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			p, err := m.Records(ctx, f)
			if f.After == "" {
				m.mu.Lock()
				defer m.mu.Unlock()
				first = maps.Clone(m.messages)
			}
			p.Messages = slices.DeleteFunc(p.Messages, func(m smsplus.Message) bool { return m.Version != first[m.ID].Version })
			return p, err
		}
	}, []string{"messages updated between two pages neither shift nor repeat records"}},

	{"requires the message that a cursor names", func(m *Model, b *brokenStore) {
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			if _, id, err := f.Position(); err == nil && f.After != "" {
				if _, err := m.Message(ctx, id); err != nil {
					return smsplus.Page{}, nil
				}
			}
			return m.Records(ctx, f)
		}
	}, []string{"a cursor stays valid after its message is purged"}},

	{"does not check a filter of records", func(_ *Model, b *brokenStore) {
		records := b.recordsFunc
		b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			if f.Check() != nil {
				return smsplus.Page{}, nil
			}
			return records(ctx, f)
		}
	}, []string{"an invalid filter is refused"}},

	{"does not check a cursor of statistics", func(_ *Model, b *brokenStore) {
		stats := b.statsFunc
		b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			f.After = ""
			return stats(ctx, f)
		}
	}, []string{"an invalid filter is refused"}},
}
