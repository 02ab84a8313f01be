package pgstore_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

var kills = flag.Int("kills", 4, "how many `times` the crash test kills a process")

// Processes that dispatch at full load are killed at random moments. Each continues with the
// messages that the previous one left. In the end no message is open, and none is lost whose
// Send returned. Only messages in flight at a kill were sent twice, and the counters equal a
// recount.
func TestCrash_KilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	w, heard := newWitness(t), newChildLog()
	d := childTask{DSN: pgtest.DSN(t), Schema: o.Schema, Witness: w.url}
	inFlight := make(map[uuid.UUID]int) // for each attempt, at how many kills it was in flight
	for round := range *kills {
		d.Name = fmt.Sprintf("%s, %d", o.Schema, round)
		d.ClockOffset = time.Duration(round) * 2 * time.Minute // so that all earlier leases have ended
		p := startChild(t, d, nil)
		for range rand.IntN(1000) {
			require.NoError(t, heard.readLine(p.out))
		}
		require.NoError(t, p.Process.Kill())
		require.NoError(t, heard.readAll(p.out))
		require.ErrorContains(t, p.Wait(), "killed")
		n := 0
		for _, try := range unstoredTries(t, pool, s, d.Name, w.takeSendsAfterKill(d.Name)) {
			inFlight[try.attempt]++
			n++
		}
		require.LessOrEqual(t, n, 64+2*256, "more than the channel has workers, and than may be ahead of the store")
	}

	dispatchUntilFinal(t, s, w, d)
	held := requireAllFinal(t, s)
	for id := range heard.returned {
		require.NotZero(t, held[id], "Send returned, and the message is lost")
	}
	w.requireAgreement(t, held)
	twice, most := 0, 0
	for _, n := range inFlight {
		most += n
	}
	for text, attempts := range w.texts {
		for id, n := range attempts {
			require.LessOrEqual(t, n-1, inFlight[id], "%s: sent again, and it was known to be sent", text)
			twice += n - 1
		}
	}
	requireStatsMatchRecount(t, s)
	t.Logf("%d kills: Send returned for %d messages, %d are stored and final; %d sends of SMS were in flight at a kill, %d of them were repeated",
		*kills, len(heard.returned), len(held), most, twice)
	require.NotEmpty(t, heard.returned)
}

// unstoredTries returns the sends whose outcome is not in the database. It first waits until
// the database has ended the connections of the killed process.
func unstoredTries(t *testing.T, pool *pgxpool.Pool, s *pgstore.Store, name string, tries []smsSend) (lost []smsSend) {
	t.Helper()
	for connected := 1; connected > 0; {
		require.NoError(t, pool.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&connected))
	}
	for some := range slices.Chunk(tries, 500) {
		var refs []channel.Ref
		for _, try := range some {
			refs = append(refs, channel.Ref{Channel: channel.SMS, ProviderID: try.providerID})
		}
		ms, err := s.ByProviderID(t.Context(), refs)
		require.NoError(t, err)
		known := make(map[string]bool)
		for _, m := range ms {
			for _, a := range m.Attempts {
				known[a.ProviderID] = a.Status != status.Preparing
			}
		}
		for _, try := range some {
			if !known[try.providerID] {
				lost = append(lost, try)
			}
		}
	}
	return lost
}

// dispatchUntilFinal dispatches until no message is open and all receipts are processed. Each
// round is some minutes later than the one before.
func dispatchUntilFinal(t *testing.T, s *pgstore.Store, w *witness, d childTask) {
	t.Helper()
	t.Cleanup(wireClient.CloseIdleConnections)
	for open := true; open; {
		d.ClockOffset += 5 * time.Minute
		last, err := d.newDispatcher(s)
		require.NoError(t, err)
		n, err := last.Tick(t.Context())
		require.NoError(t, err)
		w.mu.Lock()
		mail := w.undelivered
		w.undelivered = nil
		w.acknowledge(mail)
		w.mu.Unlock()
		for some := range slices.Chunk(mail, 100) {
			require.NoError(t, last.Receive(t.Context(), toReceipts(some)...))
		}
		page, err := s.Records(t.Context(), smsplus.Filter{Group: status.Sending, Limit: 1})
		require.NoError(t, err)
		open = n+len(mail)+len(page.Messages) > 0
	}
	require.Empty(t, w.lent)
}

// requireAllFinal requires that all messages have ended, and returns them by ID.
func requireAllFinal(t *testing.T, s *pgstore.Store) map[uuid.UUID]smsplus.Message {
	t.Helper()
	held := make(map[uuid.UUID]smsplus.Message)
	for m := range allMessages(t, s) {
		require.True(t, m.Status.Final(), "%v is open", m.ID)
		require.True(t, m.DueAt.IsZero(), "%v is due", m.ID)
		held[m.ID] = m
	}
	return held
}

// allMessages yields all messages.
func allMessages(t *testing.T, s *pgstore.Store) func(func(smsplus.Message) bool) {
	return func(yield func(smsplus.Message) bool) {
		for f := (smsplus.Filter{Limit: 1000}); ; {
			page, err := s.Records(context.Background(), f)
			require.NoError(t, err)
			for _, m := range page.Messages {
				if !yield(m) {
					return
				}
			}
			if f.After = page.Next; f.After == "" {
				return
			}
		}
	}
}

// requireStatsMatchRecount requires that the statistics equal a recount, before a fold and
// after it.
func requireStatsMatchRecount(t *testing.T, s *pgstore.Store) {
	t.Helper()
	var ms []smsplus.Message
	for m := range allMessages(t, s) {
		ms = append(ms, m)
	}
	first, last := ms[len(ms)-1].TriggeredAt, ms[0].TriggeredAt
	for _, f := range []smsplus.Filter{
		{},
		{Channel: channel.SMS},
		{Channel: channel.LINEPush, Group: status.Sent},
		{Group: status.UndeliverableGroup},
		{From: first.Add(last.Sub(first) / 3), To: last},
		{From: first.Truncate(time.Hour), To: last.Truncate(time.Hour), Channel: channel.SMS},
	} {
		want := make(map[string]smsplus.TemplateStats)
		for _, m := range ms {
			if f.Match(m) {
				row := want[m.Template]
				row.Template = m.Template
				row.Add(m, f)
				want[m.Template] = row
			}
		}
		for range 2 {
			rows, err := s.Stats(t.Context(), f)
			require.NoError(t, err)
			got := make(map[string]smsplus.TemplateStats)
			for _, row := range rows {
				got[row.Template] = row
			}
			require.Equal(t, want, got, "%+v", f)
			require.NoError(t, s.Maintain(t.Context(), time.Now().Add(100*365*24*time.Hour)))
		}
	}
}
