package sqlitestore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// cachingStore is a store that answers each StatsBy a second time from what the first one
// stored.
type cachingStore struct{ damagingStore }

func openCaching(t *testing.T, path string, o sqlitestore.Options) cachingStore {
	t.Helper()
	s, err := sqlitestore.OpenCachingAll(t.Context(), path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return cachingStore{damagingStore{s, path, "state = x'01ff'"}}
}

func openNewCaching(t *testing.T, o sqlitestore.Options) cachingStore {
	t.Helper()
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	return openCaching(t, path, o)
}

func (s cachingStore) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	if rows, err := s.Store.StatsBy(ctx, f, g); err != nil {
		return rows, err
	}
	if err := s.waitStored(ctx); err != nil {
		return nil, err
	}
	return s.Store.StatsBy(ctx, f, g)
}

// waitStored returns when what a query stored is in the file: the writer takes turns.
func (s cachingStore) waitStored(ctx context.Context) error { return s.Park(ctx, nil) }

func TestStatsBy_FollowsTheContractFromTheCache(t *testing.T) {
	skipInShortMode(t)
	t.Parallel()
	storetest.Run(t, func(t *testing.T) smsplus.Store { return openNewCaching(t, sqlitestore.Options{}) })
}

var byAll = smsplus.Grouping{
	By: smsplus.ByTemplate | smsplus.ByScenario | smsplus.ByChannel | smsplus.ByReason | smsplus.ByHour, Times: true,
}

// requireStatsBy requires that statistics equal a recount of the messages.
func requireStatsBy(t require.TestingT, s *sqlitestore.Store, ms []smsplus.Message, f smsplus.Filter, g smsplus.Grouping) {
	matching := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return !f.Match(m) })
	got, err := s.StatsBy(context.Background(), f, g)
	require.NoError(t, err)
	want := g.Stats(f, slices.Values(matching))
	if len(want) == 0 {
		require.Empty(t, got)
		return
	}
	require.Equal(t, want, got, "%+v by %v", f, g.By)
}

// oneOf draws one of the values.
func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// This test changes messages in every way, through two stores of one file, and asks either.
func TestStatsBy_EqualsRecountWhateverChanges(t *testing.T) {
	t.Parallel()
	base := openNewCaching(t, sqlitestore.Options{Synchronous: sqlitestore.Normal})
	stores := []cachingStore{base, openCaching(t, base.path, sqlitestore.Options{Synchronous: sqlitestore.Normal})}
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		_, err := base.Purge(context.Background(), opened.Add(100*quarter), 1_000_000)
		require.NoError(t, err)
		var ms []smsplus.Message
		change := func(m *smsplus.Message) {
			if rapid.Bool().Draw(t, "changes status") {
				m.Status = oneOf(t, "status", status.Statuses()...)
			}
			m.ReadAt = oneOf(t, "read", time.Time{}, opened)
			m.Attempts = attempted(0, 1).Attempts[:rapid.IntRange(0, 2).Draw(t, "attempts")]
			for i := range m.Attempts {
				a := &m.Attempts[i]
				a.Channel = oneOf(t, "channel", a.Channel, "")
				a.Status = oneOf(t, "status", status.Statuses()...)
				a.Reason = oneOf(t, "reason", "", status.Blocked, status.NoContact)
				a.StartedAt, a.DeliveredAt = m.TriggeredAt, m.TriggeredAt.Add(oneOf(t, "time", time.Second, time.Minute))
				m.DeliveredAt = a.DeliveredAt
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				m := triggered(n, 1_000_000_000)
				n++
				m.TriggeredAt = opened.Add(time.Duration(rapid.IntRange(0, 50*60).Draw(t, "minute")) * time.Minute)
				m.Template, m.Scenario = oneOf(t, "template", "otp", "order", ""), oneOf(t, "scenario", "OTP", "")
				m.DueAt = time.Time{}
				change(&m)
				_, err := oneOf(t, "store", stores...).Insert(context.Background(), []smsplus.Message{m})
				require.NoError(t, err)
				ms = append(ms, m)
			},
			"update": func(t *rapid.T) {
				if len(ms) == 0 {
					t.Skip("no message")
				}
				m := &ms[rapid.IntRange(0, len(ms)-1).Draw(t, "message")]
				change(m)
				stale, err := oneOf(t, "store", stores...).Update(context.Background(), []smsplus.Message{*m})
				require.NoError(t, err)
				require.Empty(t, stale)
				m.Version++
			},
			"purge": func(t *rapid.T) {
				before := opened.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "hour")) * time.Hour)
				_, err := oneOf(t, "store", stores...).Purge(context.Background(), before, 1_000_000)
				require.NoError(t, err)
				ms = slices.DeleteFunc(ms, func(m smsplus.Message) bool { return m.TriggeredAt.Before(before) })
			},
			"erase": func(t *rapid.T) {
				if len(ms) == 0 {
					t.Skip("no message")
				}
				person := ms[rapid.IntRange(0, len(ms)-1).Draw(t, "message")].To
				_, err := oneOf(t, "store", stores...).Erase(context.Background(), person)
				require.NoError(t, err)
				for i := range ms {
					if ms[i].To.SharesAddress(person) {
						ms[i].To = channel.Recipient{}
						ms[i].Version++
					}
				}
			},
			"statistics": func(t *rapid.T) {
				s := oneOf(t, "store", stores...)
				f := smsplus.Filter{Template: oneOf(t, "of template", "", "otp"), Channel: oneOf(t, "of channel", "", channel.SMS)}
				if rapid.Bool().Draw(t, "has range") {
					f.From = opened.Add(time.Duration(rapid.IntRange(0, 50*60).Draw(t, "from")) * time.Minute)
				}
				g := smsplus.Grouping{
					By:    smsplus.Dimensions(rapid.IntRange(0, 15).Draw(t, "by")) | oneOf(t, "time", 0, smsplus.ByHour, smsplus.ByDay),
					Times: rapid.Bool().Draw(t, "times"), Zone: time.FixedZone("", 5*60*60+30*60),
				}
				requireStatsBy(t, s.Store, ms, f, g)
				if rapid.Bool().Draw(t, "wait") {
					require.NoError(t, s.waitStored(context.Background()))
				}
			},
			"": func(t *rapid.T) {
				for _, s := range stores {
					requireStatsBy(t, s.Store, ms, smsplus.Filter{}, byAll)
				}
			},
		})
	})
}

// cachedMessages returns n messages of two days, with attempts.
func cachedMessages(n int) []smsplus.Message {
	ms := make([]smsplus.Message, n)
	for i := range ms {
		ms[i] = attempted(i, n)
		ms[i].TriggeredAt, ms[i].DueAt = opened.Add(48*time.Hour/time.Duration(n)*time.Duration(i)), time.Time{}
	}
	return ms
}

func TestStatsBy_ReadsMessagesOfChangedHoursAlone(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	ms := cachedMessages(480)
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	requireStatsBy(t, s, ms, smsplus.Filter{}, byAll)
	require.NoError(t, s.Park(t.Context(), nil)) // a write after that of the cache
	db := openRaw(t, path)
	require.Equal(t, []string{"20454", "20455"}, queryTexts(t, db, "SELECT day FROM smsplus_sheet ORDER BY day"))

	// A message that cannot be read is counted by its status alone: so it shows if it is read.
	execSQL(t, db, "UPDATE smsplus_message SET state = x'01ff' WHERE triggered_at <> "+fmt.Sprint(ms[100].TriggeredAt.UnixMicro()))
	lastHour := opened.Add(47 * time.Hour)
	requireStatsBy(t, s, ms, smsplus.Filter{To: lastHour}, byAll)
	requireStatsBy(t, s, ms, smsplus.Filter{From: opened.Add(15 * time.Minute), To: lastHour, Template: "template-07"}, byAll)
	rows, err := s.StatsBy(t.Context(), smsplus.Filter{From: lastHour}, byAll)
	require.NoError(t, err)
	require.NotEqual(t, byAll.Stats(smsplus.Filter{}, slices.Values(ms[470:])), rows, "the last hour is likely to change, and is not stored")

	m := ms[100]
	hour := m.TriggeredAt.Truncate(time.Hour)
	m.Attempts[0].Reason = status.Blocked // neither a status nor a count changes
	stale, err := s.Update(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.Empty(t, stale)
	requireStatsBy(t, s, ms, smsplus.Filter{To: hour}, byAll)
	requireStatsBy(t, s, ms, smsplus.Filter{From: hour.Add(time.Hour), To: lastHour}, byAll)
	rows, err = s.StatsBy(t.Context(), smsplus.Filter{From: hour, To: hour.Add(time.Hour)}, smsplus.Grouping{By: smsplus.ByReason | smsplus.ByChannel})
	require.NoError(t, err)
	require.Contains(t, rows, smsplus.GroupStats{Channel: channel.LINEPush, Reason: status.Blocked, Triggered: 1, Undeliverable: 1})
}

func TestStatsBy_SeesWhatNoOtherCountDoes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(m *smsplus.Message){
		"reason of an attempt":             func(m *smsplus.Message) { m.Attempts[0].Reason = status.Blocked },
		"reason of the message":            func(m *smsplus.Message) { m.Attempts[1].Reason = status.Blocked },
		"time of an attempt":               func(m *smsplus.Message) { m.Attempts[1].StartedAt = m.TriggeredAt },
		"time of the message":              func(m *smsplus.Message) { m.DeliveredAt = m.DeliveredAt.Add(100 * time.Hour) },
		"status of an attempt":             func(m *smsplus.Message) { m.Attempts[0].Status = status.Failed },
		"read attempt":                     func(m *smsplus.Message) { m.Attempts[0].ReadAt = m.TriggeredAt },
		"channel of an attempt":            func(m *smsplus.Message) { m.Attempts[0].Channel = channel.WhatsApp },
		"channel of an attempt, to none":   func(m *smsplus.Message) { m.Attempts[0].Channel = "" },
		"another attempt, without channel": func(m *smsplus.Message) { m.Attempts = append(m.Attempts, smsplus.Attempt{Step: 2}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNewCaching(t, sqlitestore.Options{Synchronous: sqlitestore.Normal})
			var ms []smsplus.Message
			for i := range 2 * len(status.Statuses()) {
				// Each message has a day of its own, so that no change shows another one.
				m := attempted(i, int(quarter/(24*time.Hour)))
				st, isOpen := status.Statuses()[i/2], i%2 == 1
				m.Status, m.DeliveredAt = st, m.TriggeredAt.Add(time.Minute)
				switch {
				case isOpen:
					m.Attempts[0].Status, m.Attempts[1].Status = status.Accepted, status.Accepted
				case st != status.Failed:
					m.Attempts[1].Status, m.Attempts[1].Reason, m.Attempts[1].DeliveredAt = status.Delivered, "", m.DeliveredAt
				}
				ms = append(ms, m)
			}
			_, err := s.Insert(t.Context(), ms)
			require.NoError(t, err)
			requireStatsBy(t, s.Store, ms, smsplus.Filter{}, byAll)
			require.NoError(t, s.waitStored(t.Context()))
			for i := range ms {
				change(&ms[i])
			}
			stale, err := s.Update(t.Context(), ms)
			require.NoError(t, err)
			require.Empty(t, stale)
			for _, by := range []smsplus.Dimensions{smsplus.ByReason, byAll.By} {
				requireStatsBy(t, s.Store, ms, smsplus.Filter{}, smsplus.Grouping{By: by, Times: true})
			}
		})
	}
}

// What one process cannot read, another one may have the key for.
func TestStatsBy_StoresNoHourThatItCannotRead(t *testing.T) {
	t.Parallel()
	whole := openNewCaching(t, sqlitestore.Options{Sealer: ring(t, "ab", "x")})
	ms := cachedMessages(480)
	_, err := whole.Insert(t.Context(), ms[1:])
	require.NoError(t, err)
	_, err = reopen(t, whole.path, sqlitestore.Options{Sealer: ring(t, "b", "x")}).Insert(t.Context(), ms[:1])
	require.NoError(t, err)
	part := openCaching(t, whole.path, sqlitestore.Options{Sealer: ring(t, "a", "x")})
	byReason := smsplus.Grouping{By: smsplus.ByReason | smsplus.ByChannel}
	rows, err := part.StatsBy(t.Context(), smsplus.Filter{}, byReason)
	require.NoError(t, err)
	require.Contains(t, rows, smsplus.GroupStats{Channel: channel.LINEPush, Triggered: 1, Undeliverable: 1}, "its reason cannot be read")
	requireStatsBy(t, whole.Store, ms, smsplus.Filter{}, byAll)
	require.NoError(t, whole.waitStored(t.Context()))
	requireStatsBy(t, part.Store, ms, smsplus.Filter{}, byAll)
}

func TestStatsBy_CountsAgainWhatTheCacheHasDamaged(t *testing.T) {
	t.Parallel()
	for _, set := range []string{
		"totals = x''", "counts = x'01ff'", "times = x'02'", "day_counts = x''", "day_times = x'ff'", "total_times = x''",
		"hours = x''", "stamp = 1", "stamp = 0, hours = zeroblob(192)", "hours = zeroblob(191)",
		"counts = x'', stamp = 0", "totals = x'', stamp = 0",
	} {
		s := openNewCaching(t, sqlitestore.Options{Synchronous: sqlitestore.Normal})
		ms := cachedMessages(96)
		_, err := s.Insert(t.Context(), ms)
		require.NoError(t, err)
		requireStatsBy(t, s.Store, ms, smsplus.Filter{}, byAll)
		require.NoError(t, s.waitStored(t.Context()))
		execSQL(t, openRaw(t, s.path), "UPDATE smsplus_sheet SET "+set)
		for _, by := range []smsplus.Dimensions{0, smsplus.ByChannel, smsplus.ByTemplate, byAll.By} {
			requireStatsBy(t, s.Store, ms, smsplus.Filter{}, smsplus.Grouping{By: by, Times: true})
		}
	}
}

func TestStatsBy_DropsCacheOfPurgedDays(t *testing.T) {
	t.Parallel()
	s := openNewCaching(t, sqlitestore.Options{})
	ms := cachedMessages(96)
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	_, err = s.StatsBy(t.Context(), smsplus.Filter{}, byAll)
	require.NoError(t, err)
	n, err := s.Purge(t.Context(), opened.Add(30*time.Hour), 1000)
	require.NoError(t, err)
	require.Equal(t, 60, n)
	requireStatsBy(t, s.Store, ms[60:], smsplus.Filter{}, byAll)
	_, err = s.Purge(t.Context(), opened, 1000) // days that have become empty go with the next one
	require.NoError(t, err)
	require.Equal(t, []string{"20455"}, queryTexts(t, openRaw(t, s.path), "SELECT day FROM smsplus_sheet"))
	requireStatsBy(t, s.Store, ms[60:], smsplus.Filter{}, byAll)
}

// A full disk ends a whole transaction. The trigger stands for one.
func TestStatsBy_FailureToStoreFailsNoWrite(t *testing.T) {
	t.Parallel()
	s := openNewCaching(t, sqlitestore.Options{Synchronous: sqlitestore.Normal})
	execSQL(t, openRaw(t, s.path), "CREATE TRIGGER full BEFORE INSERT ON smsplus_sheet BEGIN SELECT RAISE(ROLLBACK, 'full'); END")
	ms := cachedMessages(100)
	var group errgroup.Group
	for part := range slices.Chunk(ms, 25) {
		group.Go(func() error {
			for i := range part {
				if _, err := s.Insert(t.Context(), part[i:i+1]); err != nil {
					return err
				}
				if _, err := s.Store.StatsBy(t.Context(), smsplus.Filter{}, byAll); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	requireStatsBy(t, s.Store, ms, smsplus.Filter{}, byAll)
	require.Equal(t, []string{"0"}, queryTexts(t, openRaw(t, s.path), "SELECT count(*) FROM smsplus_sheet"))
}

func TestStatsBy_BeginsNoSession(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{Changes: true})
	ms := cachedMessages(480)
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	db := openRaw(t, path)
	sessions := func() string { return queryTexts(t, db, "SELECT count(*) FROM smsplus_session")[0] }
	require.Equal(t, "1", sessions())
	reader, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	requireStatsBy(t, reader, ms, smsplus.Filter{}, byAll)
	require.NoError(t, reader.Close()) // after the last write
	require.Equal(t, []string{"2"}, queryTexts(t, db, "SELECT count(*) FROM smsplus_sheet"))
	require.Equal(t, "1", sessions(), "a process that only fills the cache has changed no message")
}
