package memstore

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The generators draw from small sets, so that messages collide: in one hour, under one
// number, at one microsecond.

func mustParse(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

var (
	anyTemplate = rapid.SampledFrom([]string{"otp", "order", "出貨通知", ""})
	anyChannel  = rapid.SampledFrom([]channel.Name{channel.LINEPush, channel.WhatsApp, channel.SMS, ""})
	anyPhone    = rapid.SampledFrom([]phone.Number{
		{}, mustParse("+886912345678"), mustParse("+886912345679"), mustParse("+819012345678"), mustParse("+14155550100"),
	})
	anyCountry = rapid.SampledFrom([]string{"", "886", "81", "1", "44"})
	anyGroup   = rapid.SampledFrom(status.Groups())
	anyStatus  = rapid.SampledFrom(status.Statuses())
	anyRef     = rapid.Custom(func(t *rapid.T) channel.Ref {
		return channel.Ref{
			Channel:    anyChannel.Draw(t, "channel"),
			ProviderID: rapid.SampledFrom([]string{"p1", "p2", "p3"}).Draw(t, "provider ID"),
		}
	})
	anyTime = rapid.Custom(func(t *rapid.T) time.Time {
		base := rapid.SampledFrom([]time.Time{
			time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC),
			time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
		}).Draw(t, "base")
		return base.Add(
			rapid.SampledFrom([]time.Duration{0, 1, 2, 23, 24, 25, 71, 72}).Draw(t, "hours")*time.Hour +
				rapid.SampledFrom([]time.Duration{0, 0, 1, -1, 500 * time.Nanosecond, 17 * time.Minute}).Draw(t, "rest"))
	})
	anyTimeOrNone = rapid.OneOf(rapid.Just(time.Time{}), anyTime)
	anyVars       = rapid.MapOfN(rapid.String(), rapid.String(), 0, 3)
)

// init prints each generator. The first print stores the text, which each draw reads. So tests
// that run in parallel may share a generator only after that.
func init() {
	for _, g := range []fmt.Stringer{
		anyTemplate, anyChannel, anyPhone, anyCountry, anyGroup, anyStatus, anyRef, anyTime, anyTimeOrNone, anyVars,
	} {
		_ = g.String()
	}
}

func anyAttempts(t *rapid.T) []smsplus.Attempt {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) smsplus.Attempt {
		return smsplus.Attempt{
			ID:          drawID(t),
			Step:        rapid.IntRange(-1, 5).Draw(t, "step"),
			Channel:     anyChannel.Draw(t, "channel"),
			Status:      anyStatus.Draw(t, "status"),
			Reason:      status.Reason(rapid.SampledFrom([]string{"", "blocked", "no_match"}).Draw(t, "reason")),
			Detail:      rapid.String().Draw(t, "detail"),
			ProviderID:  rapid.SampledFrom([]string{"", "p1", "p2", "p3"}).Draw(t, "provider ID"),
			Tries:       rapid.IntRange(0, 1000).Draw(t, "tries"),
			Doubts:      rapid.IntRange(0, 1000).Draw(t, "doubts"),
			Recall:      rapid.SampledFrom([]channel.Recall{0, channel.Impossible, channel.TooLate, channel.Recalled}).Draw(t, "recall"),
			RecallTries: rapid.IntRange(0, 1000).Draw(t, "recall tries"),
			StartedAt:   anyTimeOrNone.Draw(t, "started"),
			AcceptedAt:  anyTimeOrNone.Draw(t, "accepted"),
			DeliveredAt: anyTimeOrNone.Draw(t, "delivered"),
			ReadAt:      anyTimeOrNone.Draw(t, "read"),
			EndedAt:     anyTimeOrNone.Draw(t, "ended"),
		}
	}), 0, 4).Draw(t, "attempts")
}

func drawID(t *rapid.T) uuid.UUID {
	return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ID"))
}

func drawMessage(t *rapid.T) smsplus.Message {
	m := smsplus.Message{
		ID:       drawID(t),
		Key:      rapid.SampledFrom([]string{"", "", "", "k1", "k2", "k3"}).Draw(t, "key"),
		Template: anyTemplate.Draw(t, "template"),
		Scenario: rapid.SampledFrom([]string{"OTP", "order shipped"}).Draw(t, "scenario"),
		To: channel.Recipient{
			Phone: anyPhone.Draw(t, "phone"),
			IDs:   rapid.SampledFrom([]map[channel.Name]string{nil, nil, {channel.LINEPush: "U4af4980629"}, {channel.LINEPush: "U4", "chat": "U4af4980629"}}).Draw(t, "IDs"),
		},
		Vars:     anyVars.Draw(t, "vars"),
		Metadata: anyVars.Draw(t, "metadata"),
		Plan: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) smsplus.PlannedStep {
			return smsplus.PlannedStep{
				Channel:  anyChannel.Draw(t, "channel"),
				Wait:     time.Duration(rapid.Int64().Draw(t, "wait")),
				OnFailed: smsplus.Policy(rapid.Byte().Draw(t, "on failed")),
				InDoubt:  smsplus.Policy(rapid.ByteMax(15).Draw(t, "in doubt")),
				Until:    smsplus.Until(rapid.ByteMax(15).Draw(t, "until")),
			}
		}), 0, 3).Draw(t, "plan"),
		TriggeredAt: anyTime.Draw(t, "triggered"),
		Version:     rapid.Int64().Draw(t, "version"),
	}
	drawState(t, &m)
	if rapid.Bool().Draw(t, "nothing") {
		m.Vars, m.Metadata, m.Plan, m.Attempts = nil, nil, nil, nil
	}
	return m
}

// drawState replaces everything that an update may replace.
func drawState(t *rapid.T, m *smsplus.Message) {
	m.Attempts = anyAttempts(t)
	m.Status = anyStatus.Draw(t, "message status")
	m.Channel = anyChannel.Draw(t, "message channel")
	m.Lane = anyChannel.Draw(t, "lane")
	m.DeliveredAt = anyTimeOrNone.Draw(t, "message delivered")
	m.ReadAt = anyTimeOrNone.Draw(t, "message read")
	m.ExpiresAt = anyTimeOrNone.Draw(t, "expires")
	m.CanceledAt = anyTimeOrNone.Draw(t, "canceled")
	m.ConfirmedAt = anyTimeOrNone.Draw(t, "confirmed")
	m.Published = smsplus.Published{
		End:  rapid.SampledFrom(status.Statuses()).Draw(t, "published end"),
		Read: rapid.Bool().Draw(t, "published read"), Confirmed: rapid.Bool().Draw(t, "published confirmed"),
		Failures: rapid.IntMin(0).Draw(t, "failures"),
	}
	m.DueAt = anyTimeOrNone.Draw(t, "due")
	m.Claims = rapid.IntRange(0, math.MaxInt32/2).Draw(t, "claims")
	m.Sending = rapid.IntRange(-1, math.MaxInt16).Draw(t, "sending")
	m.Holder = rapid.Int64().Draw(t, "holder")
}

func drawFilter(t *rapid.T) smsplus.Filter {
	f := smsplus.Filter{
		Template:    anyTemplate.Draw(t, "template"),
		Channel:     anyChannel.Draw(t, "channel"),
		Phone:       anyPhone.Draw(t, "phone"),
		CountryCode: anyCountry.Draw(t, "country"),
		Group:       anyGroup.Draw(t, "group"),
		Limit:       rapid.IntRange(0, 5).Draw(t, "limit"),
	}
	// Filters that match nothing test little, so some fields are cleared.
	for _, relax := range []func(){
		func() { f.Template = "" }, func() { f.Channel = "" }, func() { f.Phone = phone.Number{} },
		func() { f.CountryCode = "" }, func() { f.Group = status.All },
	} {
		if rapid.Bool().Draw(t, "relax") {
			relax()
		}
	}
	if rapid.Bool().Draw(t, "bounded") {
		f.From, f.To = anyTimeOrNone.Draw(t, "from"), anyTimeOrNone.Draw(t, "to")
		if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
			f.From, f.To = f.To, f.From
		}
	}
	return f
}

func truncateTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// asStored returns m as a store returns it.
func asStored(m smsplus.Message) smsplus.Message {
	m.Vars, m.Metadata = maps.Clone(m.Vars), maps.Clone(m.Metadata)
	m.Plan, m.Attempts = slices.Clone(m.Plan), slices.Clone(m.Attempts)
	times := []*time.Time{&m.TriggeredAt, &m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt, &m.ConfirmedAt, &m.DueAt}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		times = append(times, &a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	}
	for _, p := range times {
		*p = truncateTime(*p)
	}
	return m
}

func newestFirst(a, b smsplus.Message) int {
	return cmp.Or(b.TriggeredAt.Compare(a.TriggeredAt), bytes.Compare(b.ID[:], a.ID[:]))
}

// sliceModel is a store of two slices, which follows the contract literally.
type sliceModel struct {
	messages []smsplus.Message // newest first
	parked   []channel.Receipt
}

func (n *sliceModel) matching(f smsplus.Filter) []smsplus.Message {
	var ms []smsplus.Message
	for _, m := range n.messages {
		if f.Match(m) {
			ms = append(ms, m)
		}
	}
	return ms
}

func (n *sliceModel) stats(f smsplus.Filter) []smsplus.TemplateStats {
	rows := map[string]smsplus.TemplateStats{}
	for _, m := range n.matching(f) {
		row := rows[m.Template]
		row.Template = m.Template
		row.Add(m, f)
		rows[m.Template] = row
	}
	var list []smsplus.TemplateStats
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if rows[id].Triggered > 0 {
			list = append(list, rows[id])
		}
	}
	return list
}

func TestStore_AgreesWithPlainSlices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		store, model := New(), &sliceModel{}
		t.Repeat(map[string]func(*rapid.T){
			"Insert": func(t *rapid.T) {
				ms := rapid.SliceOfNDistinct(rapid.Custom(drawMessage), 0, 10, func(m smsplus.Message) string {
					return cmp.Or(m.Key, m.ID.String())
				}).Draw(t, "messages")
				holders := map[string]smsplus.Message{}
				for _, held := range model.messages {
					if held.Key != "" && slices.ContainsFunc(ms, func(m smsplus.Message) bool { return m.Key == held.Key }) {
						holders[held.Key] = held
					}
				}
				taken, err := store.Insert(ctx, ms)
				require.NoError(t, err)
				require.Len(t, taken, len(holders))
				for key, m := range holders {
					require.Equal(t, m, taken[key])
				}
				if len(holders) == 0 {
					for _, m := range ms {
						model.messages = append(model.messages, asStored(m))
					}
					slices.SortFunc(model.messages, newestFirst)
				}
			},
			"Insert what is there": func(t *rapid.T) {
				if len(model.messages) == 0 {
					t.Skip("empty")
				}
				again := rapid.SampledFrom(model.messages).Draw(t, "message")
				again.Key = ""
				fresh := drawMessage(t)
				fresh.Key = ""
				_, err := store.Insert(ctx, []smsplus.Message{fresh, again})
				require.Error(t, err)
			},
			"Update": func(t *rapid.T) {
				if len(model.messages) == 0 {
					t.Skip("empty")
				}
				i := rapid.IntRange(0, len(model.messages)-1).Draw(t, "which")
				m := asStored(model.messages[i])
				if rapid.Bool().Draw(t, "all of it") {
					drawState(t, &m)
				} else {
					m.Status = anyStatus.Draw(t, "message status")
				}
				if rapid.IntRange(0, 4).Draw(t, "stale") == 0 {
					m.Version++
					stale, err := store.Update(ctx, []smsplus.Message{m})
					require.NoError(t, err)
					require.Equal(t, []uuid.UUID{m.ID}, stale)
					return
				}
				next := m
				next.Key, next.Template, next.To, next.TriggeredAt, next.Vars = "other", "other", channel.Recipient{}, time.Now(), nil
				stale, err := store.Update(ctx, []smsplus.Message{next, next})
				require.NoError(t, err)
				require.Equal(t, []uuid.UUID{m.ID}, stale, "the second is stale")
				m.Version++
				model.messages[i] = asStored(m)
			},
			"Claim": func(t *rapid.T) {
				c := smsplus.Claim{
					Now:    anyTime.Draw(t, "now"),
					Lease:  time.Duration(rapid.IntRange(-1, 10).Draw(t, "lease")) * time.Hour,
					Limit:  rapid.IntRange(1, 4).Draw(t, "limit"),
					Holder: rapid.Int64().Draw(t, "holder"),
					Only:   rapid.SliceOfN(anyChannel, 0, 6).Draw(t, "only"),
				}
				if rapid.Bool().Draw(t, "skip") {
					c.SkipTemplates = rapid.SliceOfN(anyTemplate, 0, 3).Draw(t, "templates")
				}
				got, err := store.Claim(ctx, c)
				require.NoError(t, err)
				require.Len(t, got.Due, len(got.Messages))
				require.True(t, slices.IsSortedFunc(got.Due, time.Time.Compare))
				var dues, stay []time.Time
				passed := map[channel.Name]time.Time{}
				for i := range model.messages {
					m := &model.messages[i]
					if m.DueAt.IsZero() {
						continue
					}
					if !slices.Contains(c.Only, m.Lane) {
						if at, ok := passed[m.Lane]; !ok || m.DueAt.Before(at) {
							passed[m.Lane] = m.DueAt
						}
						continue
					}
					if slices.Contains(c.SkipTemplates, m.Template) {
						continue
					}
					j := slices.IndexFunc(got.Messages, func(g smsplus.Message) bool { return g.ID == m.ID })
					if j < 0 {
						stay = append(stay, m.DueAt)
						continue
					}
					require.False(t, m.DueAt.After(c.Now))
					dues = append(dues, m.DueAt)
					require.Equal(t, m.DueAt, got.Due[j])
					m.DueAt = truncateTime(c.Now.Add(c.Lease))
					m.Version++
					m.Claims++
					m.Holder = c.Holder
					require.Equal(t, *m, got.Messages[j])
				}
				require.Len(t, dues, len(got.Messages), "each is the model's, once")
				slices.SortFunc(dues, time.Time.Compare)
				slices.SortFunc(stay, time.Time.Compare)
				stay = append(stay, time.Time{})
				for _, p := range got.Passed {
					require.Equal(t, passed[p.Lane], p.DueAt)
					delete(passed, p.Lane)
				}
				require.Empty(t, passed)
				require.Equal(t, stay[0], got.Next)
				if len(got.Messages) > 0 && !stay[0].IsZero() {
					require.False(t, stay[0].Before(dues[len(got.Messages)-1]), "the earliest are taken")
				}
				if len(got.Messages) < c.Limit {
					require.True(t, stay[0].IsZero() || stay[0].After(c.Now), "nothing due is left")
				}
			},
			"SetAside": func(t *rapid.T) {
				until := anyTime.Draw(t, "until")
				var rows []smsplus.Unreadable
				for i := range model.messages {
					m := &model.messages[i]
					switch rapid.IntRange(0, 2).Draw(t, "set aside") {
					case 1:
						rows = append(rows, smsplus.Unreadable{ID: m.ID, Version: m.Version + 1})
					case 2:
						rows = append(rows, smsplus.Unreadable{ID: m.ID, Version: m.Version})
						m.DueAt, m.Holder = truncateTime(until), 0
						m.Version++
						m.Claims--
					}
				}
				require.NoError(t, store.SetAside(ctx, append(rows, smsplus.Unreadable{ID: drawID(t)}), until))
			},
			"ListParked": func(t *rapid.T) {
				var got []channel.Receipt
				limit := rapid.IntRange(1, 4).Draw(t, "limit")
				for after, more := "", true; more; more = after != "" {
					page, next, err := store.ListParked(ctx, after, limit)
					require.NoError(t, err)
					require.LessOrEqual(t, len(page), limit)
					got, after = append(got, page...), next
				}
				require.ElementsMatch(t, model.parked, got)
			},
			"Park": func(t *rapid.T) {
				ref := anyRef.Draw(t, "ref")
				r := channel.Receipt{
					Channel: ref.Channel, ProviderID: ref.ProviderID,
					Status: anyStatus.Draw(t, "status"), At: anyTime.Draw(t, "at"),
				}
				require.NoError(t, store.Park(ctx, []channel.Receipt{r, r}))
				if r.At = truncateTime(r.At); !slices.Contains(model.parked, r) {
					model.parked = append(model.parked, r)
				}
			},
			"Unpark": func(t *rapid.T) {
				refs := rapid.SliceOfN(anyRef, 0, 2).Draw(t, "refs")
				require.NoError(t, store.Unpark(ctx, refs))
				model.parked = slices.DeleteFunc(model.parked, func(r channel.Receipt) bool {
					return slices.Contains(refs, r.Ref())
				})
			},
			"Parked": func(t *rapid.T) {
				refs := rapid.SliceOfN(anyRef, 0, 3).Draw(t, "refs")
				got, err := store.Parked(ctx, refs)
				require.NoError(t, err)
				want := slices.DeleteFunc(slices.Clone(model.parked), func(r channel.Receipt) bool {
					return !slices.Contains(refs, r.Ref())
				})
				require.ElementsMatch(t, want, got)
			},
			"Purge": func(t *rapid.T) {
				before, limit := anyTime.Draw(t, "before"), rapid.IntRange(0, 5).Draw(t, "limit")
				old := []time.Time{}
				for _, m := range model.messages {
					if m.DueAt.IsZero() && m.TriggeredAt.Before(before) {
						old = append(old, m.TriggeredAt)
					}
				}
				for _, r := range model.parked {
					if r.At.Before(before) {
						old = append(old, r.At)
					}
				}
				slices.SortFunc(old, time.Time.Compare)
				old = old[:min(limit, len(old))]
				n, err := store.Purge(ctx, before, limit)
				require.NoError(t, err)
				require.Equal(t, len(old), n)

				// The store may choose among messages and receipts of the same age.
				gone := []time.Time{}
				model.messages = slices.DeleteFunc(model.messages, func(m smsplus.Message) bool {
					_, err := store.Message(ctx, m.ID)
					if err == nil {
						return false
					}
					require.True(t, m.DueAt.IsZero(), "it had ended")
					gone = append(gone, m.TriggeredAt)
					return true
				})
				model.parked = slices.DeleteFunc(model.parked, func(r channel.Receipt) bool {
					held, err := store.Parked(ctx, []channel.Ref{r.Ref()})
					require.NoError(t, err)
					if slices.Contains(held, r) {
						return false
					}
					gone = append(gone, r.At)
					return true
				})
				slices.SortFunc(gone, time.Time.Compare)
				require.Equal(t, old, gone)
			},
			"Message": func(t *rapid.T) {
				_, err := store.Message(ctx, drawID(t))
				require.ErrorIs(t, err, smsplus.ErrNotFound)
				for _, m := range model.messages {
					got, err := store.Message(ctx, m.ID)
					require.NoError(t, err)
					require.Equal(t, m, got)
				}
			},
			"ByProviderID": func(t *rapid.T) {
				refs := rapid.SliceOfN(anyRef, 0, 3).Draw(t, "refs")
				var want []smsplus.Message
				for _, m := range model.messages {
					if slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
						return slices.Contains(refs, channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
					}) {
						want = append(want, m)
					}
				}
				got, err := store.ByProviderID(ctx, refs)
				require.NoError(t, err)
				slices.SortFunc(got, newestFirst)
				require.Equal(t, want, got)
			},
			"Records": func(t *rapid.T) {
				for range 5 {
					f := drawFilter(t)
					want := model.matching(f)
					for more := true; more; {
						page, err := store.Records(ctx, f)
						require.NoError(t, err)
						n := min(f.PageSize(), len(want))
						require.Len(t, page.Messages, n)
						for i, m := range page.Messages {
							require.Equal(t, want[i], m)
						}
						want = want[n:]
						f.After, more = page.Next, page.Next != ""
						require.Equal(t, len(want) > 0, more)
					}
				}
			},
			"Stats": func(t *rapid.T) {
				for range 20 {
					f := drawFilter(t)
					got, err := store.Stats(ctx, f)
					require.NoError(t, err)
					require.Equal(t, model.stats(f), got, "%+v", f)
				}
			},
		})
	})
}
