package pgstore_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// readChanges reads until there are as many messages as are wanted. Transactions of other
// tests on the server hold changes back.
func readChanges(t *testing.T, s *pgstore.Store, after string, want int) (ms []smsplus.Message, next string) {
	t.Helper()
	for next = after; ; {
		p, err := s.Changes(t.Context(), next, 100)
		require.NoError(t, err)
		ms, next = append(ms, p.Messages...), p.Next
		if len(ms) >= want && !p.More {
			return ms, next
		}
	}
}

func TestChanges_AreOffWithoutTheOption(t *testing.T) {
	t.Parallel()
	s := openStore(t, pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)})
	_, err := s.Changes(t.Context(), "", 1)
	require.ErrorIs(t, err, smsplus.ErrChangesOff)
	require.ErrorContains(t, err, "Options.Changes")
}

// What is there when it is turned on comes first. A store without the option notes changes
// too, and so do statements of a release from before.
func TestChanges_AreNotedByEveryWriter(t *testing.T) {
	t.Parallel()
	for _, monthly := range []bool{false, true} {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly}
		before := openStore(t, pool, o)
		insertAll(t, before, fullMessage(1), fullMessage(2))
		o.Changes = true
		s := openStore(t, pool, o)
		openStore(t, pool, o) // migrating again changes nothing
		ms, next := readChanges(t, s, "", 2)
		require.Len(t, ms, 2)

		m := fullMessage(1)
		m.Attempts[0].Tries++
		_, err := before.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		insertAll(t, before, fullMessage(3))
		ms, next = readChanges(t, s, next, 2)
		require.Equal(t, []string{m.ID.String(), fullMessage(3).ID.String()}, []string{ms[0].ID.String(), ms[1].ID.String()})

		execIn(t, pool, o.Schema, "UPDATE %smsplus_state SET status = 3, version = version + 1 WHERE id = $1", fullMessage(2).ID)
		ms, _ = readChanges(t, s, next, 1)
		require.Equal(t, fullMessage(2).ID, ms[0].ID)
		require.Equal(t, status.Undeliverable, ms[0].Status)
	}
}

// A transaction that began earlier may end later. A reader never passes it.
func TestChanges_WaitForTransactionsThatBeganEarlier(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), Changes: true}
	s := openStore(t, pool, o)
	insertAll(t, s, fullMessage(0)) // its route is there: the others need not wait for each other
	_, start := readChanges(t, s, "", 1)
	tx := beginTx(t, pool, pgx.TxOptions{})
	_, err := s.InsertTx(t.Context(), tx, fullMessage(1))
	require.NoError(t, err)
	insertAll(t, s, fullMessage(2))
	page, err := s.Changes(t.Context(), start, 10)
	require.NoError(t, err)
	require.Empty(t, page.Messages, "the second message waits for the first")
	require.NoError(t, tx.Commit(t.Context()))
	ms, next := readChanges(t, s, page.Next, 2)
	require.Equal(t, []string{fullMessage(1).ID.String(), fullMessage(2).ID.String()}, []string{ms[0].ID.String(), ms[1].ID.String()})

	tx = beginTx(t, pool, pgx.TxOptions{})
	_, err = s.InsertTx(t.Context(), tx, fullMessage(3))
	require.NoError(t, err)
	insertAll(t, s, fullMessage(4))
	require.NoError(t, tx.Rollback(t.Context()))
	ms, _ = readChanges(t, s, next, 1)
	require.Equal(t, fullMessage(4).ID, ms[0].ID)
}

// Writers whose transactions end in any order, and one reader.
func TestChanges_MissNothingOfOverlappingTransactions(t *testing.T) {
	t.Parallel()
	const writers, rounds = 6, 30
	pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.MaxConns = 2*writers + 1 })
	s := openStore(t, pool, pgstore.Options{Schema: pgtest.Schema(t), Changes: true})
	insertAll(t, s, fullMessage(0)) // its route is there: writers need not wait for each other
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			done <- func() error {
				for round := 0; round < rounds; round += 2 {
					err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
						if _, err := s.InsertTx(t.Context(), tx, fullMessage(1000*(w+1)+round)); err != nil {
							return err
						}
						_, err := s.Insert(t.Context(), []smsplus.Message{fullMessage(1000*(w+1) + round + 1)}) // commits before the outer one
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	seen := map[string]int{}
	next := ""
	read := func(ctx context.Context) {
		page, err := s.Changes(ctx, next, 7)
		require.NoError(t, err)
		for _, m := range page.Messages {
			seen[m.ID.String()]++
		}
		next = page.Next
	}
	for running := writers; running > 0; {
		select {
		case err := <-done:
			require.NoError(t, err)
			running--
		default:
			read(t.Context())
		}
	}
	for len(seen) < 1+writers*rounds {
		read(t.Context())
	}
	for id, n := range seen {
		require.Equal(t, 1, n, "%s comes once", id)
	}
}

func TestChanges_HistoryThatIsNotTheStoresIsNamed(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), Changes: true}
	s := openStore(t, pool, o)
	insertAll(t, s, fullMessage(1))
	_, early := readChanges(t, s, "", 1)
	insertAll(t, s, fullMessage(2))
	_, next := readChanges(t, s, early, 1)

	// As a standby that was promoted: what was read is of the timeline before.
	execIn(t, pool, o.Schema, "UPDATE %smsplus_history SET timeline = 77")
	ofTimeline := func(position string) string { return pgstore.PositionOnTimeline(t, position, 77) }
	insertAll(t, s, fullMessage(3))
	ms, after := readChanges(t, s, ofTimeline(next), 1)
	require.Equal(t, fullMessage(3).ID, ms[len(ms)-1].ID)
	require.Less(t, len(ms), 3, "what was read before the last call is not repeated")
	_, err := s.Changes(t.Context(), pgstore.PositionOnTimeline(t, next, 78), 10)
	require.ErrorIs(t, err, smsplus.ErrChangesLost, "of this timeline nothing is known")

	// The standby lacked the end of what was read: it knows of an earlier call alone.
	execIn(t, pool, o.Schema, "UPDATE %smsplus_history SET changed = (SELECT min(changed) FROM %smsplus_state WHERE id = $1) WHERE timeline = 77", fullMessage(2).ID)
	ms, _ = readChanges(t, s, ofTimeline(next), 2)
	require.Equal(t, []string{fullMessage(2).ID.String(), fullMessage(3).ID.String()}, []string{ms[0].ID.String(), ms[1].ID.String()}, "from there on it comes again")
	ms, _ = readChanges(t, s, ofTimeline(early), 2)
	require.Len(t, ms, 2, "an earlier position stays valid")

	// As tables that were restored into another cluster.
	execIn(t, pool, o.Schema, "UPDATE %smsplus_history SET system = 1; UPDATE %smsplus_state SET changed = '9000000000'")
	for _, position := range []string{"", after} {
		_, err = s.Changes(t.Context(), position, 10)
		require.ErrorIs(t, err, smsplus.ErrChangesLost)
		require.ErrorContains(t, err, "run Migrate with Options.Changes")
	}
	s = openStore(t, pool, o)
	ms, next = readChanges(t, s, "", 3)
	require.Len(t, ms, 3, "all come again")
	insertAll(t, s, fullMessage(4))
	ms, _ = readChanges(t, s, next, 1)
	require.Equal(t, fullMessage(4).ID, ms[0].ID)
}

func TestChanges_EraseIsOneThoughNothingOfTheStateChanges(t *testing.T) {
	t.Parallel()
	s := openStore(t, pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), Changes: true})
	m := fullMessage(1)
	m.Attempts, m.DueAt = nil, m.Attempts[0].ReadAt
	insertAll(t, s, m)
	_, next := readChanges(t, s, "", 1)
	_, err := s.Erase(t.Context(), channel.Recipient{Phone: m.To.Phone})
	require.NoError(t, err)
	ms, _ := readChanges(t, s, next, 1)
	require.True(t, ms[0].To.IsZero())
}
