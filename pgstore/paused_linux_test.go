package pgstore_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Four processes share a database. One is killed. Another is paused in the middle of its
// sends, until the others have taken over its messages, and then continues with outdated
// data. It undoes nothing, and no person receives a message twice.
func TestCrash_PausedProcessUndoesNothing(t *testing.T) {
	t.Parallel()
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pgtest.Pool(t, nil), o)
	w, heard, woken := newWitness(t), newChildLog(), newChildLog()
	begin := func(name string, sends int) *childProcess {
		d := childTask{DSN: pgtest.DSN(t), Schema: o.Schema, Witness: w.url, Name: name, Sends: sends, Timeout: time.Second}
		// A paused process would not notice that its parent has died.
		return startChild(t, d, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL})
	}
	release := w.holdAnswers("paused")
	paused, killed := begin("paused", 30), begin("killed", 0)
	others := []*childProcess{begin("third", 30), begin("fourth", 30)}
	var readers errgroup.Group
	readers.Go(func() error { return woken.readAll(paused.out) })
	for _, p := range others {
		readers.Go(func() error { return heard.readAll(p.out) })
	}
	for range 50 + rand.IntN(200) {
		require.NoError(t, heard.readLine(killed.out))
	}
	require.NoError(t, killed.Process.Kill())
	require.NoError(t, heard.readAll(killed.out))
	require.ErrorContains(t, killed.Wait(), "killed")
	w.reassignReceipts("killed")

	texts := w.waitForHeld(30)
	require.NoError(t, paused.Process.Signal(syscall.SIGSTOP))
	before := waitForTakeover(t, s, texts)
	release()
	require.NoError(t, paused.Process.Signal(syscall.SIGCONT))
	for _, p := range append(others, paused) {
		_, err := io.WriteString(p.in, "enough\n")
		require.NoError(t, err)
	}
	require.NoError(t, readers.Wait())
	for _, p := range append(others, paused) {
		require.NoError(t, p.Wait())
	}
	for _, name := range []string{"paused", "third", "fourth"} {
		w.reassignReceipts(name)
	}

	dispatchUntilFinal(t, s, w, childTask{Witness: w.url})
	held := requireAllFinal(t, s)
	for _, l := range []*childLog{heard, woken} {
		for id := range l.returned {
			require.NotZero(t, held[id], "Send returned, and the message is lost")
		}
	}
	late := 0
	for id, m := range before {
		requireProgressed(t, m, held[id])
		if woken.stale[id] {
			late++
		}
	}
	require.Positive(t, late)
	w.requireAgreement(t, held)
	requireStatsMatchRecount(t, s)
	t.Logf("Send returned for %d messages, %d are stored and final; %d sends were in flight in the paused process, and %d of their updates were stale",
		len(heard.returned)+len(woken.returned), len(held), len(texts), late)
}

// waitForTakeover waits until all messages with the texts have an answer of the provider
// stored, and returns them. A message that a receipt ended keeps its claim: the paused process
// still has it.
func waitForTakeover(t *testing.T, s *pgstore.Store, texts map[string]bool) map[uuid.UUID]smsplus.Message {
	t.Helper()
	for {
		answered := make(map[uuid.UUID]smsplus.Message)
		for m := range allMessages(t, s) {
			if texts[m.Vars["text"]] && m.Status != status.Preparing && (m.Claims == 0 || m.HasEnded()) {
				answered[m.ID] = m
			}
		}
		if len(answered) == len(texts) {
			return answered
		}
	}
}

// requireProgressed requires that nothing in the history of a message was undone.
func requireProgressed(t *testing.T, was, is smsplus.Message) {
	t.Helper()
	require.GreaterOrEqual(t, is.Version, was.Version)
	require.GreaterOrEqual(t, is.Status, was.Status)
	require.GreaterOrEqual(t, len(is.Attempts), len(was.Attempts))
	for i, a := range was.Attempts {
		b := is.Attempts[i]
		require.Equal(t, a.ID, b.ID)
		require.GreaterOrEqual(t, b.Status, a.Status)
		require.GreaterOrEqual(t, b.Tries, a.Tries)
		if a.ProviderID != a.ID.String() {
			require.Equal(t, a.ProviderID, b.ProviderID)
		}
		for _, at := range [][2]time.Time{{a.StartedAt, b.StartedAt}, {a.AcceptedAt, b.AcceptedAt}, {a.DeliveredAt, b.DeliveredAt}} {
			require.True(t, at[0].IsZero() || !at[1].IsZero() && !at[1].After(at[0]), fmt.Sprint(at))
		}
	}
}
