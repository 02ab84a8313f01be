package pgstore_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// openOldTransaction begins a transaction that keeps vacuum from all that changes later.
func openOldTransaction(tb testing.TB) {
	tb.Helper()
	tx, err := pgtest.Pool(tb, nil).BeginTx(tb.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = tx.Rollback(tb.Context()) })
	_, err = tx.Exec(tb.Context(), "SELECT")
	require.NoError(tb, err)
}

// deliverBatches inserts, claims and delivers batches of messages. It moves the time of the
// claim on.
func deliverBatches(tb testing.TB, s *pgstore.Store, c *smsplus.Claim, first, end int) {
	tb.Helper()
	for i := first; i < end; i++ {
		insertAll(tb, s, claimedBatch(i)...)
		c.Now = c.Now.Add(2 * c.Lease) // their leases have ended
		claimed, err := s.Claim(tb.Context(), *c)
		require.NoError(tb, err)
		for k := range claimed.Messages {
			setDelivered(&claimed.Messages[k], k)
		}
		_, err = s.Update(tb.Context(), claimed.Messages)
		require.NoError(tb, err)
	}
}

// buffersOf returns how many pages a statement reads.
func buffersOf(t *testing.T, st pgx.TraceQueryStartData) (n int) {
	t.Helper()
	rows, err := pgtest.Pool(t, nil).Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+st.SQL, st.Args...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	top := regexp.MustCompile(`Buffers: shared( hit=(\d+))?( read=(\d+))?`).FindStringSubmatch(strings.Join(lines, "\n"))
	require.NotNil(t, top, lines)
	for _, digits := range []string{top[2], top[4]} {
		if digits != "" {
			read, err := strconv.Atoi(digits)
			require.NoError(t, err)
			n += read
		}
	}
	return n
}

// While an old transaction is open, idle claims read little more than in a fresh store, and
// miss no message.
func TestIdle_ClaimsUnderAnOldTransaction(t *testing.T) {
	t.Parallel()
	for _, monthly := range []bool{false, true} {
		t.Run(map[bool]string{false: "without partitions", true: "partitioned by month"}[monthly], func(t *testing.T) {
			t.Parallel()
			testIdleClaims(t, monthly)
		})
	}
}

func testIdleClaims(t *testing.T, monthly bool) {
	const batches = 60
	ctx := t.Context()
	schema := pgtest.Schema(t)
	var seen recordingTracer
	s := openStore(t, pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &seen }),
		pgstore.Options{Schema: schema, PartitionByMonth: monthly})
	require.NoError(t, s.Maintain(ctx, quarterStart))
	other, err := pgstore.New(ctx, pgtest.Pool(t, nil), pgstore.Options{Schema: schema}) // another process
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	claim := func(c smsplus.Claim) smsplus.Claimed {
		t.Helper()
		claimed, err := s.Claim(ctx, c)
		require.NoError(t, err)
		return claimed
	}
	// last returns the last claim, or the peek in its place. Claims start maintenance in the
	// background, whose statements are no answer.
	last := func() pgx.TraceQueryStartData {
		t.Helper()
		var found []pgx.TraceQueryStartData
		for _, st := range seen.take() {
			if strings.HasPrefix(st.SQL, "WITH RECURSIVE lane") || strings.HasPrefix(st.SQL, "SELECT EXISTS") {
				found = append(found, st)
			}
		}
		require.NotEmpty(t, found)
		return found[len(found)-1]
	}

	c := smsplus.Claim{Now: quarterStart, Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush, ""}}
	deliverBatches(t, s, &c, 0, 1)
	pgtest.Exec(t, "VACUUM "+pgx.Identifier{schema, "smsplus_state"}.Sanitize())
	claim(c)
	fresh := buffersOf(t, last())
	openOldTransaction(t)
	deliverBatches(t, s, &c, 1, batches)
	c.Now = c.Now.Add(time.Second) // a peek does not reach the ends of the leases of a minute ago
	seen.take()
	claim(c) // the first look walks over everything
	require.Greater(t, buffersOf(t, last()), 20*fresh)
	claim(c)
	require.LessOrEqual(t, buffersOf(t, last()), 3*fresh)

	// finds requires that the next claim brings the message, and then ends it.
	n := 1_000_000
	message := func(due time.Time) smsplus.Message {
		n++
		m := claimedMessage(n)
		m.DueAt, m.Claims = due, 0
		return m
	}
	finds := func(c smsplus.Claim, m smsplus.Message, rule string) {
		t.Helper()
		claimed := claim(c)
		require.Len(t, claimed.Messages, 1, rule)
		require.Equal(t, m.ID, claimed.Messages[0].ID, rule)
		setDelivered(&claimed.Messages[0], n)
		_, err := other.Update(ctx, claimed.Messages)
		require.NoError(t, err)
		claim(c) // idle again, and slow
		seen.take()
		claim(c)
		require.Contains(t, last().SQL, "SELECT EXISTS", "a peek stands in for this claim")
	}

	c.Now = c.Now.Add(time.Second)
	m := message(c.Now.Add(-time.Minute))
	insertAll(t, other, m)
	finds(c, m, "a message of another process that was due a minute ago")

	m = message(c.Now.Add(time.Hour))
	insertAll(t, other, m)
	require.Empty(t, claim(c).Messages)
	c.Now = m.DueAt
	finds(c, m, "a message that fell due since")

	m = message(c.Now.Add(-time.Hour))
	insertAll(t, s, m)
	finds(c, m, "a message of this process that was due long ago")

	m = message(c.Now.Add(time.Hour))
	insertAll(t, s, m)
	require.Equal(t, m.DueAt, claim(c).Next)
	m.DueAt = c.Now.Add(-time.Hour)
	_, err = s.Update(ctx, []smsplus.Message{m})
	require.NoError(t, err)
	finds(c, m, "a message that this process made due earlier")

	m = message(c.Now.Add(-time.Hour))
	insertAll(t, other, m)
	require.Empty(t, claim(c).Messages, "a message that another process stores as due long ago is not looked for at once")
	c.Now = c.Now.Add(time.Minute)
	finds(c, m, "it is found within a minute")

	m = message(c.Now.Add(-time.Hour))
	insertAll(t, other, m)
	for range 1000 {
		if claimed := claim(c); len(claimed.Messages) > 0 {
			require.Equal(t, m.ID, claimed.Messages[0].ID)
			setDelivered(&claimed.Messages[0], n)
			_, err := other.Update(ctx, claimed.Messages)
			require.NoError(t, err)
			m.ID = [16]byte{}
			break
		}
	}
	require.Zero(t, m.ID, "it is found although the time stands still")

	claim(c)
	m = message(c.Now.Add(-time.Hour))
	tx := beginTx(t, pgtest.Pool(t, nil), pgx.TxOptions{})
	_, err = s.InsertTx(ctx, tx, m)
	require.NoError(t, err)
	require.Empty(t, claim(c).Messages)
	require.NoError(t, tx.Commit(ctx))
	claimed := claim(c)
	require.Len(t, claimed.Messages, 1, "a message whose transaction ended long after it fell due")
}
