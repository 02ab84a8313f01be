package query_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // time zones for machines without them

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

//go:generate go tool moq -rm -out store_moq_test.go -pkg query_test ../smsplus Store

// damagedStore returns a mock store of whose messages every third cannot be read.
func damagedStore(ms ...smsplus.Message) *StoreMock {
	s := mockStore(ms...)
	records := s.RecordsFunc
	s.RecordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
		p, err := records(ctx, f)
		readable := p.Messages[:0]
		for _, m := range p.Messages {
			if isDamaged(m.ID) {
				p.Unreadable = append(p.Unreadable, smsplus.Unreadable{ID: m.ID, TriggeredAt: m.TriggeredAt, Err: errDamaged})
			} else {
				readable = append(readable, m)
			}
		}
		p.Messages = readable
		return p, err
	}
	return s
}

func isDamaged(id uuid.UUID) bool { return id[15]%3 == 0 }

var errDamaged = fmt.Errorf("key 7 is missing: %w", smsplus.ErrUnreadable)

// mockStore returns a mock store that holds the messages. It implements Records, Stats,
// StatsBy and Message by the definitions of the contract.
func mockStore(ms ...smsplus.Message) *StoreMock {
	ms = slices.SortedFunc(slices.Values(ms), func(a, b smsplus.Message) int {
		if c := b.TriggeredAt.Compare(a.TriggeredAt); c != 0 {
			return c
		}
		return bytes.Compare(b.ID[:], a.ID[:])
	})
	return &StoreMock{
		RecordsFunc: func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
			if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
				return smsplus.Page{}, err
			}
			at, id, _ := f.Position()
			var page smsplus.Page
			for _, m := range ms {
				reached := at.IsZero() || m.TriggeredAt.Before(at) ||
					m.TriggeredAt.Equal(at) && bytes.Compare(m.ID[:], id[:]) < 0
				if !reached || !f.Match(m) {
					continue
				}
				if len(page.Messages) == f.PageSize() {
					page.Next = f.CursorAt(page.Messages[len(page.Messages)-1])
					break
				}
				page.Messages = append(page.Messages, m)
			}
			return page, nil
		},
		StatsFunc: func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
			if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
				return nil, err
			}
			return countStats(ms, f), nil
		},
		StatsByFunc: func(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
			if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
				return nil, err
			}
			matching := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return !f.Match(m) })
			return g.Stats(f, slices.Values(matching)), nil
		},
		MessageFunc: func(_ context.Context, id uuid.UUID) (smsplus.Message, error) {
			for _, m := range ms {
				if m.ID == id {
					return m, nil
				}
			}
			return smsplus.Message{}, smsplus.ErrNotFound
		},
	}
}

func countStats(ms []smsplus.Message, f smsplus.Filter) []smsplus.TemplateStats {
	rows := map[string]smsplus.TemplateStats{}
	for _, m := range ms {
		if f.Match(m) {
			row := rows[m.Template]
			row.Template = m.Template
			row.Add(m, f)
			rows[m.Template] = row
		}
	}
	var sorted []smsplus.TemplateStats
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		sorted = append(sorted, rows[id])
	}
	return sorted
}

// now is the time of the tests' clock. Three months before it is 2026-06-15.
var now = time.Date(2026, 9, 15, 10, 30, 0, 0, time.UTC)

func mockClock(t time.Time) *clock.Mock {
	c := clock.NewMock()
	c.Set(t)
	return c
}

func parsePhone(t require.TestingT, e164 string) phone.Number {
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

func messageID(n int) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// message returns message n of template "t", triggered n minutes before now.
func message(n int) smsplus.Message {
	return smsplus.Message{
		ID:          messageID(n),
		Template:    "t",
		Status:      status.Delivered,
		Channel:     channel.SMS,
		TriggeredAt: now.Add(-time.Duration(n) * time.Minute),
	}
}

func messages(n int) []smsplus.Message {
	ms := make([]smsplus.Message, n)
	for i := range ms {
		ms[i] = message(i)
	}
	return ms
}

func ids(ms []smsplus.Message) []uuid.UUID {
	list := make([]uuid.UUID, len(ms))
	for i, m := range ms {
		list[i] = m.ID
	}
	return list
}

var (
	genTemplate = rapid.SampledFrom([]string{"otp", "order", "雙十一", "zzz"})
	genChannel  = rapid.SampledFrom([]channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS})
	genStatus   = rapid.SampledFrom(status.Statuses())
	genPhone    = rapid.Map(rapid.SampledFrom([]string{"+886912345678", "+886987654321", "+12025550123"}),
		func(e164 string) phone.Number { n, _ := phone.Parse(e164); return n })
)

// genMessages draws messages of the last five months. A message has at most one attempt
// per channel. Trigger times are few, so that many are equal.
func genMessages(t *rapid.T) []smsplus.Message {
	ms := make([]smsplus.Message, rapid.IntRange(0, 30).Draw(t, "messages"))
	for i := range ms {
		m := smsplus.Message{
			ID:          messageID(i),
			Template:    genTemplate.Draw(t, "template"),
			Status:      genStatus.Draw(t, "status"),
			TriggeredAt: now.AddDate(0, 0, -rapid.IntRange(0, 150).Draw(t, "days ago")),
		}
		m.To.Phone = genPhone.Draw(t, "phone")
		for step, c := range rapid.SliceOfNDistinct(genChannel, 0, 3, rapid.ID).Draw(t, "route") {
			a := smsplus.Attempt{Step: step, Channel: c, Status: genStatus.Draw(t, "attempt")}
			if a.Status == status.Delivered && rapid.Bool().Draw(t, "read") {
				a.ReadAt = m.TriggeredAt.Add(time.Minute)
				m.ReadAt = a.ReadAt
			}
			m.Attempts = append(m.Attempts, a)
			m.Channel = c
		}
		ms[i] = m
	}
	return ms
}

// genFilter draws a filter of the last three months. Each field is often zero.
func genFilter(t *rapid.T) smsplus.Filter {
	var f smsplus.Filter
	if rapid.Bool().Draw(t, "has from") {
		f.From = now.AddDate(0, 0, -rapid.IntRange(30, 90).Draw(t, "from"))
	}
	if rapid.Bool().Draw(t, "has to") {
		f.To = now.AddDate(0, 0, -rapid.IntRange(0, 30).Draw(t, "to"))
	}
	if rapid.Bool().Draw(t, "has template") {
		f.Template = genTemplate.Draw(t, "filter template")
	}
	if rapid.Bool().Draw(t, "has channel") {
		f.Channel = genChannel.Draw(t, "filter channel")
	}
	switch rapid.IntRange(0, 3).Draw(t, "has phone") {
	case 0:
		f.Phone = genPhone.Draw(t, "filter phone")
	case 1:
		f.CountryCode = rapid.SampledFrom([]string{"886", "1"}).Draw(t, "country code")
	}
	f.Group = rapid.SampledFrom(status.Groups()).Draw(t, "group")
	f.Limit = rapid.IntRange(0, 5).Draw(t, "limit")
	return f
}

// TestMockStore_PagesByCursor tests the mock that the other tests use.
func TestMockStore_PagesByCursor(t *testing.T) {
	t.Parallel()
	store := mockStore(messages(5)...)
	f := smsplus.Filter{Limit: 2}
	var got []uuid.UUID
	for range 3 {
		page, err := store.Records(t.Context(), f)
		require.NoError(t, err)
		got = append(got, ids(page.Messages)...)
		f.After = page.Next
	}
	require.Empty(t, f.After)
	require.Equal(t, ids(messages(5)), got)
}
