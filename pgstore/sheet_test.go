package pgstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// sheetGroupings have a row for each of the counts of sheets.
var sheetGroupings = []smsplus.Grouping{
	{By: smsplus.ByHour | smsplus.ByChannel, Times: true},
	{By: smsplus.ByHour | smsplus.ByTemplate | smsplus.ByScenario | smsplus.ByReason, Times: true},
	{By: smsplus.ByDay | smsplus.ByChannel | smsplus.ByReason},
	{By: smsplus.ByTemplate | smsplus.ByChannel, Times: true},
}

// requireCounted requires that grouped statistics are those of the messages.
func requireCounted(t *testing.T, s smsplus.Store, ms ...smsplus.Message) {
	t.Helper()
	for _, g := range sheetGroupings {
		rows, err := s.StatsBy(t.Context(), smsplus.Filter{}, g)
		require.NoError(t, err)
		require.Equal(t, g.Stats(smsplus.Filter{}, slices.Values(ms)), rows, "by %v", g.By)
	}
}

// storedPeriods returns how many hours and days have stored counts.
func storedPeriods(t *testing.T, pool *pgxpool.Pool, schema string) (hours, days int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE hours = 1), count(*) FILTER (WHERE hours = 24) FROM "+
		dbName(schema, "smsplus_sheet")+" WHERE totals IS NOT NULL").Scan(&hours, &days))
	return hours, days
}

// spoilSheets changes all stored counts, so that a test sees which are used.
func spoilSheets(t *testing.T, pool *pgxpool.Pool, schema string) {
	t.Helper()
	execIn(t, pool, schema, "UPDATE %smsplus_sheet SET totals = '\\x0100', counts = '\\x0100', total_times = '\\x0100', times = '\\x0100', count_sums = '\\x0100', time_sums = '\\x0100' WHERE totals IS NOT NULL")
}

// beforeStatement calls a func once, before the first statement that contains a text.
type beforeStatement struct {
	text string
	once sync.Once
	call func()
}

func (b *beforeStatement) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, b.text) {
		b.once.Do(b.call)
	}
	return ctx
}

func (*beforeStatement) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// deliveredMessage returns the nth message as one that was delivered after a time.
func deliveredMessage(n int, after time.Duration) smsplus.Message {
	m := fullMessage(n)
	a := &m.Attempts[0]
	a.Status, a.Reason, a.DeliveredAt = status.Delivered, "", m.TriggeredAt.Add(after)
	m.Status, m.DeliveredAt = a.Status, a.DeliveredAt
	return m
}

// forLayouts runs a test on both layouts of the tables.
func forLayouts(t *testing.T, test func(t *testing.T, o pgstore.Options)) {
	t.Parallel()
	for _, monthly := range []bool{false, true} {
		t.Run(fmt.Sprintf("by months %v", monthly), func(t *testing.T) {
			t.Parallel()
			test(t, pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly})
		})
	}
}

func TestStatsBy_StoresWhatNothingChanges(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		pool := pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		ms := []smsplus.Message{fullMessage(1), fullMessage(2), fullMessage(70), deliveredMessage(60*24, time.Minute)}
		insertAll(t, s, ms...)
		requireCounted(t, s, ms...)
		hours, days := storedPeriods(t, pool, o.Schema)
		require.Zero(t, hours+days, "what is not folded yet may change with the next fold")

		require.NoError(t, s.Maintain(t.Context(), noon))
		requireCounted(t, s, ms...)
		hours, days = storedPeriods(t, pool, o.Schema)
		require.Equal(t, []int{0, 2}, []int{hours, days}, "a day is stored as a whole")

		ms = append(ms, fullMessage(3))
		insertAll(t, s, ms[4])
		requireCounted(t, s, ms...)
		hours, days = storedPeriods(t, pool, o.Schema)
		require.Equal(t, []int{1, 2}, []int{hours, days}, "the hour that did not change is stored")

		require.NoError(t, s.Maintain(t.Context(), noon))
		hours, days = storedPeriods(t, pool, o.Schema)
		require.Equal(t, []int{1, 1}, []int{hours, days}, "a fold takes back what it changed")
		requireCounted(t, s, ms...)
		_, days = storedPeriods(t, pool, o.Schema)
		require.Equal(t, 2, days)

		spoilSheets(t, pool, o.Schema)
		for _, g := range sheetGroupings {
			rows, err := s.StatsBy(t.Context(), smsplus.Filter{}, g)
			require.NoError(t, err)
			require.Empty(t, rows, "no message is read")
		}
		execIn(t, pool, o.Schema, "UPDATE %smsplus_sheet SET totals = '\\xff', counts = '\\xff', count_sums = '\\xff'")
		requireCounted(t, s, ms...)
	})
}

// The query has counted, and others change what it counted before it can store that.
func TestStatsBy_StoresNothingThatChangedMeanwhile(t *testing.T) {
	changes := map[string]func(t *testing.T, s *pgstore.Store, m *smsplus.Message){
		"a status": func(t *testing.T, s *pgstore.Store, m *smsplus.Message) {
			*m = deliveredMessage(1, time.Minute)
			mustUpdate(t, s, m)
		},
		"a reason": func(t *testing.T, s *pgstore.Store, m *smsplus.Message) {
			m.Attempts[0].Reason = status.Blocked
			mustUpdate(t, s, m)
		},
	}
	for name, change := range changes {
		for _, fold := range []string{"before", "after"} {
			t.Run(name+", folded "+fold, func(t *testing.T) {
				forLayouts(t, func(t *testing.T, o pgstore.Options) {
					tracer := beforeStatement{text: "smsplus_sheet AS s"}
					pool := pgtest.Pool(t, nil)
					s := openStore(t, pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &tracer }), o)
					other := openStore(t, pool, o)
					m, last := fullMessage(1), fullMessage(60*24)
					insertAll(t, s, m, last)
					require.NoError(t, other.Maintain(t.Context(), noon))
					was := m
					tracer.call = func() {
						m.Attempts = slices.Clone(m.Attempts)
						change(t, other, &m)
						if fold == "before" {
							require.NoError(t, other.Maintain(t.Context(), noon))
						}
					}
					rows, err := s.StatsBy(t.Context(), smsplus.Filter{}, sheetGroupings[1])
					require.NoError(t, err)
					require.Equal(t, sheetGroupings[1].Stats(smsplus.Filter{}, slices.Values([]smsplus.Message{was, last})), rows, "it is of its snapshot")
					requireCounted(t, s, m, last)
					require.NoError(t, other.Maintain(t.Context(), noon))
					requireCounted(t, s, m, last)
					requireCounted(t, other, m, last)
					_, days := storedPeriods(t, pool, o.Schema)
					require.Equal(t, 2, days)
				})
			})
		}
	}
}

func mustUpdate(t *testing.T, s smsplus.Store, m *smsplus.Message) {
	t.Helper()
	stale, err := s.Update(t.Context(), []smsplus.Message{*m})
	require.NoError(t, err)
	require.Empty(t, stale)
	m.Version++
}

// A transaction that was open while a query counted and stored commits later.
func TestStatsBy_SeesWhatCommitsLater(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		pool := pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		insertAll(t, s, fullMessage(1))
		require.NoError(t, s.Maintain(t.Context(), noon))
		tx := beginTx(t, pool, pgx.TxOptions{IsoLevel: pgx.Serializable})
		_, err := s.InsertTx(t.Context(), tx, fullMessage(2))
		require.NoError(t, err)
		requireCounted(t, s, fullMessage(1))
		_, days := storedPeriods(t, pool, o.Schema)
		require.Equal(t, 1, days)
		require.NoError(t, tx.Commit(t.Context()))
		requireCounted(t, s, fullMessage(1), fullMessage(2))
		require.NoError(t, s.Maintain(t.Context(), noon))
		requireCounted(t, s, fullMessage(1), fullMessage(2))
	})
}

// A fold that has not ended holds the row of its hour. A query neither waits for it long, nor
// stores what it takes back.
func TestStatsBy_DoesNotWaitForFold(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		pool := pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		m := fullMessage(1)
		insertAll(t, s, m)
		require.NoError(t, s.Maintain(t.Context(), noon))
		for _, commits := range []bool{false, true} {
			was := m
			m.Attempts = slices.Clone(m.Attempts)
			m.Attempts[0].Reason = status.Reason(fmt.Sprint("reason ", commits))
			tx := beginTx(t, pool, pgx.TxOptions{})
			_, err := tx.Exec(t.Context(), "INSERT INTO "+dbName(o.Schema, "smsplus_delta")+" (hour, template, tally, n) VALUES ($1, 'otp', '3 sms:3', 0)", noon.Unix()/3600)
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), "DELETE FROM "+dbName(o.Schema, "smsplus_delta"))
			require.NoError(t, err)
			requireCounted(t, s, was)
			_, days := storedPeriods(t, pool, o.Schema)
			require.Zero(t, days)
			if commits {
				require.NoError(t, tx.Commit(t.Context()))
			} else {
				require.NoError(t, tx.Rollback(t.Context()))
			}
			mustUpdate(t, s, &m)
			requireCounted(t, s, m)
			require.NoError(t, s.Maintain(t.Context(), noon))
		}
		requireCounted(t, s, m)
		_, days := storedPeriods(t, pool, o.Schema)
		require.Equal(t, 1, days)
	})
}

// Each change of what a message counts as takes back its hour, also if the tally stays.
func TestStatsBy_FollowsEveryFact(t *testing.T) {
	failed := fullMessage(1)
	failed.Status = status.Failed
	failed.Attempts[0].Status = status.Preparing
	forward := fullMessage(1)
	forward.Status = status.Preparing
	changes := map[string]struct {
		m      smsplus.Message
		change func(m *smsplus.Message)
	}{
		"time of a message":    {deliveredMessage(1, time.Minute), func(m *smsplus.Message) { m.DeliveredAt = m.DeliveredAt.Add(time.Hour) }},
		"time of an attempt":   {deliveredMessage(1, time.Minute), func(m *smsplus.Message) { m.Attempts[0].DeliveredAt = m.DeliveredAt.Add(time.Hour) }},
		"start of an attempt":  {deliveredMessage(1, time.Hour), func(m *smsplus.Message) { m.Attempts[0].StartedAt = m.TriggeredAt.Add(time.Minute) }},
		"read":                 {deliveredMessage(1, time.Hour), func(m *smsplus.Message) { m.ReadAt = m.DeliveredAt }},
		"reason of an attempt": {forward, func(m *smsplus.Message) { m.Attempts[0].Reason = status.Blocked }},
		"reason of a message":  {failed, func(m *smsplus.Message) { m.Attempts[0].Reason = status.Expired }},
		"status of an attempt": {forward, func(m *smsplus.Message) { m.Attempts[0].Status = status.Failed }},
		"another attempt":      {forward, func(m *smsplus.Message) { m.Attempts = append(m.Attempts, smsplus.Attempt{Channel: channel.WhatsApp}) }},
		"channel":              {forward, func(m *smsplus.Message) { m.Attempts[0].Channel = channel.WhatsApp }},
	}
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		for name, c := range changes {
			o.Schema = pgtest.Schema(t)
			o.Sealer = newRing(t, 1) // a new seal changes the row in any case
			s := openStore(t, pgtest.Pool(t, nil), o)
			m := c.m
			m.Attempts = slices.Clone(m.Attempts)
			insertAll(t, s, m)
			require.NoError(t, s.Maintain(t.Context(), noon))
			requireCounted(t, s, m)
			c.change(&m)
			mustUpdate(t, s, &m)
			for range 2 {
				for _, g := range sheetGroupings {
					rows, err := s.StatsBy(t.Context(), smsplus.Filter{}, g)
					require.NoError(t, err)
					require.Equal(t, g.Stats(smsplus.Filter{}, slices.Values([]smsplus.Message{m})), rows, "%s, by %v", name, g.By)
				}
				require.NoError(t, s.Maintain(t.Context(), noon))
			}
		}
	})
}

// The tallies of a batch are what they were before. Two messages have changed all the same.
func TestStatsBy_FollowsChangesThatCancelOut(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		s := openStore(t, pgtest.Pool(t, nil), o)
		a, b := fullMessage(1), deliveredMessage(40, time.Minute)
		insertAll(t, s, a, b)
		require.NoError(t, s.Maintain(t.Context(), noon))
		requireCounted(t, s, a, b)
		a.Status, a.Attempts, a.DeliveredAt, b.Status, b.Attempts, b.DeliveredAt = b.Status, b.Attempts, b.DeliveredAt, a.Status, a.Attempts, a.DeliveredAt
		stale, err := s.Update(t.Context(), []smsplus.Message{a, b})
		require.NoError(t, err)
		require.Empty(t, stale)
		requireCounted(t, s, a, b)
	})
}

// A retry that counts as before costs no delta.
func TestUpdate_LeavesNoDeltaOfWhatIsNotCounted(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		pool := pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		m := fullMessage(1)
		m.Status, m.Attempts = status.Preparing, append(m.Attempts, smsplus.Attempt{Channel: channel.WhatsApp, StartedAt: m.TriggeredAt})
		insertAll(t, s, m)
		require.NoError(t, s.Maintain(t.Context(), noon))
		m.Attempts[1].Tries++
		mustUpdate(t, s, &m)
		var deltas int
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+dbName(o.Schema, "smsplus_delta")).Scan(&deltas))
		require.Zero(t, deltas)
	})
}

func TestStatsBy_StoresNoHourThatItCannotRead(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		pool := pgtest.Pool(t, nil)
		o.Sealer = newRing(t, 1)
		s := openStore(t, pool, o)
		ms := []smsplus.Message{fullMessage(1), fullMessage(2), fullMessage(70)}
		insertAll(t, s, ms...)
		require.NoError(t, s.Maintain(t.Context(), noon))
		o.Sealer = newRingWithdrawn(t)
		blind := openStore(t, pool, o)
		insertAll(t, blind, fullMessage(71), fullMessage(130))
		require.NoError(t, s.Maintain(t.Context(), noon))
		count := func(s *pgstore.Store) int {
			rows, err := s.StatsBy(t.Context(), smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByTemplate})
			require.NoError(t, err)
			return rows[0].Triggered
		}
		require.Equal(t, 5, count(blind), "a tally counts a message that cannot be read")
		hours, days := storedPeriods(t, pool, o.Schema)
		require.Equal(t, []int{1, 0}, []int{hours, days})
		require.Equal(t, 5, count(s))
	})
}

func TestStatsBy_FollowsPurgeEraseAndDroppedMonths(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		ctx, pool := t.Context(), pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		require.NoError(t, s.Maintain(ctx, noon))
		ms := messagesOverMonths(70)
		for i := range ms {
			ms[i].DueAt = time.Time{}
		}
		insertAll(t, s, ms...)
		require.NoError(t, s.Maintain(ctx, noon))
		requireCounted(t, s, ms...)
		erased, err := s.Erase(ctx, ms[0].To)
		require.NoError(t, err)
		require.Equal(t, len(ms), erased)
		requireCounted(t, s, ms...)
		n, err := s.Purge(ctx, ms[5].TriggeredAt, 100)
		require.NoError(t, err)
		require.Equal(t, 5, n)
		requireCounted(t, s, ms[5:]...)
		require.NoError(t, s.Maintain(ctx, noon))
		requireCounted(t, s, ms[5:]...)
		if !o.PartitionByMonth {
			return
		}
		_, err = s.DropMonths(ctx, noon.AddDate(0, 1, 0))
		require.NoError(t, err)
		ms = slices.DeleteFunc(ms, func(m smsplus.Message) bool { return m.TriggeredAt.Month() == time.March })
		require.Len(t, ms, 46)
		requireCounted(t, s, ms...)
	})
}

// No snapshot brings back a table that is gone, so a query keeps months from being dropped.
func TestStatsBy_SeesMonthAsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	ctx, o := t.Context(), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: true}
	other := openPartitioned(t, pgtest.Pool(t, nil), o)
	ms := messagesOverMonths(40)
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	insertAll(t, other, ms...)
	require.NoError(t, other.Maintain(ctx, noon))
	tracer := beforeStatement{text: "smsplus_sheet"}
	tracer.call = func() {
		brief, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err := other.DropMonths(brief, noon.AddDate(0, 1, 0))
		require.Error(t, err)
	}
	s := openStore(t, pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &tracer }), o)
	requireCounted(t, s, ms...)
	n, err := other.DropMonths(ctx, noon.AddDate(0, 1, 0))
	require.NoError(t, err)
	requireCounted(t, s, ms[n:]...)
}

func TestStatsBy_CountsInSteps(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		ctx, pool := t.Context(), pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		ms := messagesOverMonths(70)
		insertAll(t, s, ms...)
		g := sheetGroupings[0]
		want := g.Stats(smsplus.Filter{}, slices.Values(ms))
		rows, err := s.CountBySheets(ctx, smsplus.Filter{}, g, 3)
		require.NoError(t, err)
		require.Equal(t, want, rows, "nothing can be stored before a fold")
		require.NoError(t, s.Maintain(ctx, noon))
		rows, err = s.CountBySheets(ctx, smsplus.Filter{}, g, 3)
		require.NoError(t, err)
		require.Equal(t, want, rows)
		_, days := storedPeriods(t, pool, o.Schema)
		require.Equal(t, 70, days)
	})
}

// A standby, and a user who may not write, count and store nothing.
func TestStatsBy_NeedsNoWrite(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		s := openStore(t, pgtest.Pool(t, nil), o)
		insertAll(t, s, fullMessage(1))
		require.NoError(t, s.Maintain(t.Context(), noon))
		reading := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on" })
		reader, err := pgstore.New(t.Context(), reading, o)
		require.NoError(t, err)
		defer reader.Close() //nolint:errcheck // it returns none
		requireCounted(t, reader, fullMessage(1))
		requireCounted(t, s, fullMessage(1))
		requireCounted(t, reader, fullMessage(1))
	})
}

// Writers, folds, purges and queries run at once. In every snapshot the stored counts are those
// of the messages.
func TestStatsBy_EqualsRecountInEverySnapshot(t *testing.T) {
	forLayouts(t, func(t *testing.T, o pgstore.Options) {
		pool := pgtest.Pool(t, nil)
		s := openStore(t, pool, o)
		require.NoError(t, s.Maintain(t.Context(), noon))
		stores := []*pgstore.Store{s, openStore(t, pool, o)}
		const workers, rounds = 4, 40
		writers, ctx := errgroup.WithContext(t.Context())
		for w := range workers {
			writers.Go(func() error {
				random := rand.New(rand.NewPCG(uint64(w), 7))
				for round := range rounds {
					s := stores[random.IntN(2)]
					ms := make([]smsplus.Message, 4)
					for i := range ms {
						ms[i] = fullMessage(10*(workers*rounds*i+workers*round+w) + 1)
						ms[i].TriggeredAt = noon.Add(time.Duration(random.IntN(30)) * 2 * time.Hour)
						ms[i].Template = fmt.Sprint("template ", random.IntN(2))
					}
					if _, err := s.Insert(ctx, ms); err != nil {
						return err
					}
					for i := range ms {
						ms[i].Attempts[0].Reason = status.Reason(fmt.Sprint("reason ", random.IntN(3)))
						if random.IntN(2) == 0 {
							ms[i].Status, ms[i].Attempts[0].Status = status.Delivered, status.Delivered
							ms[i].DeliveredAt = ms[i].TriggeredAt.Add(time.Duration(random.IntN(100)) * time.Minute)
						}
					}
					if _, err := s.Update(ctx, ms); err != nil {
						return err
					}
					if _, err := s.Purge(ctx, noon.Add(time.Duration(random.IntN(60))*time.Hour), random.IntN(3)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		written := make(chan struct{})
		others, otherCtx := errgroup.WithContext(t.Context())
		run := func(call func(n int) error) {
			others.Go(func() error {
				for n := 0; ; n++ {
					select {
					case <-written:
						return nil
					default:
						if err := call(n); err != nil {
							return err
						}
					}
				}
			})
		}
		run(func(n int) error { return stores[n%2].Maintain(otherCtx, noon.Add(time.Duration(n)*time.Hour)) })
		for _, s := range stores {
			run(func(n int) error {
				_, err := s.CountBySheets(otherCtx, smsplus.Filter{}, sheetGroupings[n%len(sheetGroupings)], 200)
				return err
			})
			run(func(n int) error {
				stored, counted, err := s.CountTwice(otherCtx, sheetGroupings[n%len(sheetGroupings)])
				if err == nil && !sameRows(stored, counted) {
					err = fmt.Errorf("stored counts are not those of the messages:\n%v\n%v", stored, counted)
				}
				return err
			})
		}
		require.NoError(t, writers.Wait())
		close(written)
		require.NoError(t, others.Wait())
		for _, g := range sheetGroupings {
			for range 2 {
				require.NoError(t, s.Maintain(t.Context(), noon))
				stored, counted, err := s.CountTwice(t.Context(), g)
				require.NoError(t, err)
				require.Equal(t, counted, stored)
				_, err = s.StatsBy(t.Context(), smsplus.Filter{}, g)
				require.NoError(t, err)
			}
		}
		hours, days := storedPeriods(t, pool, o.Schema)
		require.Positive(t, hours+days)
	})
}

func sameRows(a, b []smsplus.GroupStats) bool {
	return slices.EqualFunc(a, b, func(a, b smsplus.GroupStats) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
}
