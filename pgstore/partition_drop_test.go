package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// messagesOverMonths returns n messages to one person, 31 hours apart, from March 2026 on. Each
// has two attempts.
func messagesOverMonths(n int) []smsplus.Message {
	ms := make([]smsplus.Message, n)
	for i := range ms {
		m := fullMessage(i)
		m.TriggeredAt = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 31 * time.Hour)
		m.Template = fmt.Sprint("template ", i%3)
		m.Attempts = append(m.Attempts, smsplus.Attempt{
			ID: smsplus.AttemptID(m.ID, 1), Step: 1, Channel: channel.WhatsApp, Status: status.Accepted,
			ProviderID: fmt.Sprint("WA", i), StartedAt: m.TriggeredAt,
		})
		m.Status, m.Channel = status.Accepted, channel.WhatsApp
		ms[i] = m
	}
	return ms
}

// setRead changes a message as a late receipt does: to delivered and read.
func setRead(m *smsplus.Message) {
	a := &m.Attempts[1]
	a.Status, a.DeliveredAt, a.ReadAt = status.Delivered, m.TriggeredAt.Add(time.Hour), m.TriggeredAt.Add(time.Hour)
	m.Status, m.DeliveredAt, m.ReadAt = status.Delivered, a.DeliveredAt, a.ReadAt
}

// requireCountersMatchRecount requires that the statistics equal a recount: statistics with a
// phone number are one. The ranges begin at many places of a span.
func requireCountersMatchRecount(t *testing.T, s smsplus.Store) {
	t.Helper()
	for _, c := range []channel.Name{"", channel.SMS, channel.WhatsApp} {
		for days := range 40 {
			f := smsplus.Filter{Channel: c, From: time.Date(2026, 2, 20+3*days, days%2, 0, 0, 0, time.UTC)}
			counted, err := s.Stats(t.Context(), f)
			require.NoError(t, err)
			f.Phone = fullMessage(0).To.Phone
			recounted, err := s.Stats(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, recounted, counted, "%+v", f)
		}
	}
}

func TestDropMonths_LeavesNothing(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openPartitioned(t, pool, o)
	ms := messagesOverMonths(70) // 24 each in March, 23 or 24 in April, the others in May
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	march := 0
	for i := range ms {
		if ms[i].TriggeredAt.Before(april) {
			march++
		}
	}
	insertAll(t, s, ms[:march/2]...)
	require.NoError(t, s.Maintain(t.Context(), noon)) // the following inserts are not folded
	insertAll(t, s, ms[march/2:]...)
	late := ms[march/4 : march/4*3]
	for i := range late {
		setRead(&late[i])
	}
	for _, m := range []smsplus.Message{late[0], ms[march], ms[march+1]} { // as if they could not be read
		require.NoError(t, s.SetAside(t.Context(), []smsplus.Unreadable{{ID: m.ID, Version: m.Version}}, noon))
		m.Version++
		m.DueAt = time.Time{}
		stale, err := s.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		require.Empty(t, stale)
	}
	late[0].Version += 2
	stale, err := s.Update(t.Context(), late)
	require.NoError(t, err)
	require.Empty(t, stale)
	requireCountersMatchRecount(t, s)

	n, err := s.DropMonths(t.Context(), april.Add(-time.Microsecond))
	require.NoError(t, err)
	require.Zero(t, n, "a month that is not over stays")
	n, err = s.DropMonths(t.Context(), april.AddDate(0, 0, 20))
	require.NoError(t, err)
	require.Equal(t, march, n)
	require.NotContains(t, monthsWithPartitions(t, pool, o.Schema), "2026_03")
	require.Contains(t, monthsWithPartitions(t, pool, o.Schema), "2026_04")
	count := func(table string) (n int) {
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{o.Schema, "smsplus_" + table}.Sanitize()).Scan(&n))
		return n
	}
	require.Equal(t, 2, count("set_aside"), "the notes of the month's messages are dropped with them")
	requireCountersMatchRecount(t, s)
	require.NoError(t, s.Maintain(t.Context(), noon.Add(-time.Minute)))
	requireCountersMatchRecount(t, s)

	page, err := s.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, page.Messages, len(ms)-march)
	_, err = s.Message(t.Context(), ms[0].ID)
	require.ErrorIs(t, err, smsplus.ErrNotFound)
	found, err := s.ByProviderID(t.Context(), []channel.Ref{
		{Channel: channel.WhatsApp, ProviderID: "WA0"}, {Channel: channel.WhatsApp, ProviderID: "WA69"},
	})
	require.NoError(t, err)
	require.Len(t, found, 1)
	stale, err = s.Update(t.Context(), ms[:1])
	require.NoError(t, err)
	require.Len(t, stale, 1)

	again := fullMessage(1000)
	again.Key = ms[0].Key
	insertAll(t, s, again)
	again.ID, again.Key = fullMessage(1001).ID, ms[march].Key
	taken, err := s.Insert(t.Context(), []smsplus.Message{again})
	require.NoError(t, err)
	require.Equal(t, ms[march].ID, taken[again.Key].ID, "the key of a message that stays is not free")

	for n = 1; n > 0; {
		n, err = s.Purge(t.Context(), april.AddDate(1, 0, 0), 10)
		require.NoError(t, err)
	}
	require.NoError(t, s.Maintain(t.Context(), noon.Add(time.Minute)))
	for _, table := range []string{"delta", "total", "key", "set_aside"} {
		require.Zero(t, count(table), table)
	}
}

func TestDropMonths_KeepsMonthWithOpenMessage(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openPartitioned(t, pool, o)
	ms := messagesOverMonths(70)
	ms[3].DueAt = noon.AddDate(5, 0, 0)
	insertAll(t, s, ms...)
	n, err := s.DropMonths(t.Context(), noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	require.Equal(t, 70-24, n, "April's and May's")
	require.Equal(t, 24, countInPartition(t, pool, o.Schema, "2026_03"))
	requireCountersMatchRecount(t, s)
	again := fullMessage(1000)
	again.Key = ms[4].Key
	taken, err := s.Insert(t.Context(), []smsplus.Message{again})
	require.NoError(t, err)
	require.Equal(t, ms[4].ID, taken[again.Key].ID)

	n, err = s.Purge(t.Context(), noon.AddDate(1, 0, 0), 100)
	require.NoError(t, err)
	require.Equal(t, 23, n)
	ms[3].DueAt = time.Time{}
	_, err = s.Update(t.Context(), ms[3:4])
	require.NoError(t, err)
	n, err = s.DropMonths(t.Context(), noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	requireCountersMatchRecount(t, s)
}

// A drop that waited for an exclusive lock would make all other calls wait behind it.
func TestDropMonths_GivesWayToTransaction(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openPartitioned(t, pool, o)
	insertAll(t, s, messagesOverMonths(30)...)
	tx := beginTx(t, pgtest.Pool(t, nil), pgx.TxOptions{})
	_, err := s.InsertTx(t.Context(), tx, fullMessage(1000))
	require.NoError(t, err)

	dropped := make(chan error, 1)
	go func() {
		_, err := s.DropMonths(t.Context(), noon.AddDate(0, 1, 0))
		dropped <- err
	}()
	longest := time.Duration(0)
	for err = nil; err == nil; {
		select {
		case err = <-dropped:
		default:
			before := time.Now()
			_, err := s.Claim(t.Context(), smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 1, Holder: 1})
			require.NoError(t, err)
			longest = max(longest, time.Since(before))
		}
	}
	require.ErrorContains(t, err, "55P03", "it says that the lock did not come")
	require.Less(t, longest, 2*time.Second, "far less than the transaction lasts, and than a dispatcher waits")
	require.Equal(t, 24, countInPartition(t, pool, o.Schema, "2026_03"))
	requireCountersMatchRecount(t, s)

	require.NoError(t, tx.Commit(t.Context()))
	n, err := s.DropMonths(t.Context(), noon.AddDate(0, 1, 0))
	require.NoError(t, err)
	require.Equal(t, 25, n)
	requireCountersMatchRecount(t, s)
}

// An open message may be inserted after the drop has found none.
func TestDropMonths_KeepsMonthOpenedMeanwhile(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openPartitioned(t, pool, o)
	insertAll(t, s, messagesOverMonths(30)...)
	tx := beginTx(t, pool, pgx.TxOptions{})
	late := fullMessage(1000)
	late.DueAt = noon
	_, err := s.InsertTx(t.Context(), tx, late)
	require.NoError(t, err)

	var group errgroup.Group
	group.Go(func() error {
		_, err := s.DropMonths(t.Context(), noon.AddDate(0, 1, 0))
		return err
	})
	waitForLock(t, pool, "strpos(query, 'LOCK TABLE ONLY ' || $1) > 0", pgx.Identifier{o.Schema}.Sanitize())
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, group.Wait())
	require.Equal(t, 25, countInPartition(t, pool, o.Schema, "2026_03"))
	requireCountersMatchRecount(t, s)
	m, err := s.Message(t.Context(), late.ID)
	require.NoError(t, err)
	require.Equal(t, late, m)
}

// Late receipts, folds, purges and inserts race with drops. The counters still equal a
// recount, and no call fails.
func TestDropMonths_RacesWithAllCalls(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openPartitioned(t, pool, o)
	ms := messagesOverMonths(70)
	insertAll(t, s, ms...)
	var group errgroup.Group
	var done atomic.Bool
	for w := range 2 {
		group.Go(func() error {
			for i := 0; !done.Load(); i++ {
				page, err := s.Records(t.Context(), smsplus.Filter{Limit: 200})
				if err != nil {
					return err
				}
				for j := range page.Messages {
					if m := &page.Messages[j]; (i+w)%2 == 0 {
						setRead(m)
					} else {
						m.Status, m.Attempts[1].Status = status.Accepted, status.Accepted
					}
				}
				if _, err := s.Update(t.Context(), page.Messages); err != nil {
					return err
				}
				if err := s.Maintain(t.Context(), noon.Add(time.Duration(i))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer done.Store(true)
		patient, stop := context.WithTimeout(t.Context(), time.Minute) // a drop gives way to all other calls
		defer stop()
		for n := range 3 {
			m := messagesOverMonths(70)[n]
			m.ID, m.Key = fullMessage(500+n).ID, fmt.Sprint("again/", n)
			if _, err := s.Insert(t.Context(), []smsplus.Message{m}); err != nil {
				return err
			}
			if _, err := s.DropMonths(patient, noon.AddDate(0, n+1, 0)); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, group.Wait())
	requireCountersMatchRecount(t, s)
	page, err := s.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, page.Messages, 2, "the messages inserted into dropped months")
}

// A fold or an insert that runs while its month is dropped leaves no counts and no keys of
// that month.
func TestDropMonths_RaceLeavesNoCountsOrKeys(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openPartitioned(t, pool, o)
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	next := 0
	for round := range 20 {
		now := noon.Add(-time.Duration(round+1) * time.Second) // earlier than the round before, so that Maintain checks the partitions again
		require.NoError(t, s.Maintain(t.Context(), now))
		ms := messagesOverMonths(24)
		for i := range ms {
			ms[i].ID, ms[i].Key = fullMessage(next).ID, fmt.Sprint("key/", next)
			next++
		}
		insertAll(t, s, ms...)
		var group errgroup.Group
		group.Go(func() error { return s.Maintain(t.Context(), now) })
		var dropped atomic.Bool
		group.Go(func() error {
			defer dropped.Store(true)
			_, err := s.DropMonths(t.Context(), april)
			return err
		})
		group.Go(func() error {
			m := messagesOverMonths(1)[0]
			for !dropped.Load() {
				m.ID, m.Key = fullMessage(next).ID, fmt.Sprint("key/", next)
				next++
				if _, err := s.Insert(t.Context(), []smsplus.Message{m}); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, group.Wait())
		var left int
		require.NoError(t, pool.QueryRow(t.Context(), strings.ReplaceAll(`SELECT count(*) FROM #.smsplus_key k
			WHERE NOT EXISTS (SELECT FROM #.smsplus_message m WHERE m.key = k.key)`, "#", pgx.Identifier{o.Schema}.Sanitize())).Scan(&left))
		require.Zero(t, left, "keys without a message, in round %d", round)
		for n := 1; n > 0; { // messages inserted after the drop are in the default partition
			var err error
			n, err = s.Purge(t.Context(), april, 100)
			require.NoError(t, err)
		}
		stats, err := s.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		require.Empty(t, stats, "counts without a message, in round %d", round)
	}
}
