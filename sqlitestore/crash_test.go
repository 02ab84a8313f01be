package sqlitestore_test

import (
	"bufio"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

var kills = flag.Int("kills", 4, "how many `times` the crash test kills a process")

// This test kills processes that dispatch at full load, at random moments. Each
// continues with what the previous one left. In the end every message for which Send
// returned is final, and no message was sent twice except those in doubt. The file is intact,
// and the counts are those of a recount. An attempt counts the tries that were
// answered, so each kill may leave one that is not counted.
func TestCrash_KilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	require.NoError(t, s.Close())
	logged := childLog{returned: make(map[uuid.UUID]bool), triesByAttempt: make(map[uuid.UUID]int)}
	for round := range *kills {
		mode := sqlitestore.Synchronous(round % 2)
		c, out := startChild(t, path, round, 0, mode)
		r := bufio.NewReader(out)
		for range 1 + rand.IntN(3000) {
			require.NoError(t, logged.readLine(r))
		}
		require.NoError(t, c.Process.Kill())
		for err := error(nil); err == nil; {
			if err = logged.readLine(r); err != nil {
				require.ErrorIs(t, err, io.EOF)
			}
		}
		require.ErrorContains(t, c.Wait(), "killed")
	}

	s = reopen(t, path, sqlitestore.Options{})
	requireIntact(t, path)
	dispatchUntilFinal(t, s, *kills, &logged)
	requireIntact(t, path)

	held := make(map[uuid.UUID]smsplus.Message)
	for _, m := range allMessages(t, s) {
		held[m.ID] = m
		require.True(t, m.Status.Final(), "%v is open", m.ID)
		require.True(t, m.DueAt.IsZero(), "%v is due", m.ID)
		for _, a := range m.Attempts {
			require.LessOrEqual(t, logged.triesByAttempt[a.ID], a.Tries+*kills, "%v was tried more often than it says", m.ID)
			if m.Plan[0].Channel == channel.LINEPush && a.Step == 0 && a.Status == status.Delivered {
				require.Len(t, m.Attempts, 1, "%v was delivered, and sent on", m.ID)
			}
		}
		// A receipt that arrived first may settle an attempt in doubt, which is then never
		// sent. A step that no process began within its wait is passed over for the next one.
		a := m.Attempts[0]
		if a.Reason == status.Congested {
			require.Zero(t, logged.triesByAttempt[a.ID], "%v was passed over, and sent", m.ID)
			a = m.Attempts[1]
		}
		if a.Channel != channel.SMS || a.Status != status.Delivered {
			require.Positive(t, logged.triesByAttempt[a.ID], "%v was never sent", m.ID)
		}
	}
	require.NotEmpty(t, logged.returned)
	for id := range logged.returned {
		_, there := held[id] // require.Contains would compare each key
		require.True(t, there, "Send returned, and the message is lost")
	}
	requireStatsMatchRecount(t, s)
	twice := 0
	for _, n := range logged.triesByAttempt {
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d kills: Send returned for %d messages, %d are stored and final, %d attempts were tried more than once",
		*kills, len(logged.returned), len(held), twice)
}

// dispatchUntilFinal dispatches, an hour later each time, until every message is final.
func dispatchUntilFinal(t *testing.T, s *sqlitestore.Store, round int, logged *childLog) {
	var out strings.Builder
	for n := 1; n > 0; round++ {
		d, err := newDispatcher(s, round, &lineWriter{to: &out})
		require.NoError(t, err)
		n, err = d.Tick(t.Context())
		require.NoError(t, err)
		rows, err := s.Stats(t.Context(), smsplus.Filter{Group: status.Sending})
		require.NoError(t, err)
		n += len(rows)
	}
	r := bufio.NewReader(strings.NewReader(out.String()))
	for err := error(nil); !errors.Is(err, io.EOF); err = logged.readLine(r) {
		require.NoError(t, err)
	}
}

// requireStatsMatchRecount requires that the statistics equal a recount of all records.
func requireStatsMatchRecount(t *testing.T, s *sqlitestore.Store) {
	ms := allMessages(t, s)
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
		rows, err := s.Stats(t.Context(), f)
		require.NoError(t, err)
		got := make(map[string]smsplus.TemplateStats)
		for _, row := range rows {
			got[row.Template] = row
		}
		require.Equal(t, want, got, "%+v", f)
		requireStatsBy(t, s, ms, f, byAll)
	}
}

func TestStore_SharedByProcesses(t *testing.T) {
	t.Parallel()
	const sends = 400
	s, path := openStore(t, sqlitestore.Options{})
	logged := childLog{returned: make(map[uuid.UUID]bool), triesByAttempt: make(map[uuid.UUID]int)}
	var wait []func() error
	var outs []*bufio.Reader
	for range 2 {
		c, out := startChild(t, path, 0, sends, sqlitestore.Full)
		wait, outs = append(wait, c.Wait), append(outs, bufio.NewReader(out))
	}
	texts := make(chan string)
	for _, out := range outs {
		go func() {
			b, err := io.ReadAll(out)
			if err != nil {
				b = []byte(err.Error())
			}
			texts <- string(b)
		}()
	}
	for range outs {
		r := bufio.NewReader(strings.NewReader(<-texts))
		for err := error(nil); !errors.Is(err, io.EOF); err = logged.readLine(r) {
			require.NoError(t, err)
		}
	}
	for _, wait := range wait {
		require.NoError(t, wait())
	}
	require.Len(t, logged.returned, 2*sends)
	ms := allMessages(t, s)
	require.Len(t, ms, 2*sends)
	for _, m := range ms {
		require.True(t, logged.returned[m.ID])
		require.Equal(t, status.Delivered, m.Status)
		require.Equal(t, 1, logged.triesByAttempt[m.Attempts[0].ID], "each was sent once, by one of the two")
	}
	requireStatsMatchRecount(t, s)
	requireIntact(t, path)
}
