package sqlitestore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

// changedMessages inserts messages with the numbers.
func changedMessages(t *testing.T, s *sqlitestore.Store, numbers ...byte) {
	t.Helper()
	for _, n := range numbers {
		m := smsplus.Message{
			ID: uuid.UUID{15: n}, Template: "otp", Channel: channel.SMS, Lane: channel.SMS, Sending: -1,
			TriggeredAt: time.Date(2026, 11, 29, 12, 0, int(n), 0, time.UTC),
		}
		_, err := s.Insert(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
	}
}

// readChanges returns the numbers of all messages that have changed.
func readChanges(t *testing.T, s *sqlitestore.Store, after string) (numbers []byte, next string) {
	t.Helper()
	p, err := s.Changes(t.Context(), after, 100)
	require.NoError(t, err)
	for _, m := range p.Messages {
		numbers = append(numbers, m.ID[15])
	}
	return numbers, p.Next
}

func TestChanges_AreOffWithoutTheOption(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	_, err := s.Changes(t.Context(), "", 1)
	require.ErrorIs(t, err, smsplus.ErrChangesOff)
	require.ErrorContains(t, err, "Options.Changes")

	// Once it was on, every process notes them.
	changedMessages(t, s, 1)
	on := reopen(t, path, sqlitestore.Options{Changes: true})
	changedMessages(t, s, 2)
	numbers, next := readChanges(t, on, "")
	require.Equal(t, []byte{1, 2}, numbers)
	later := reopen(t, path, sqlitestore.Options{})
	changedMessages(t, later, 3)
	numbers, _ = readChanges(t, later, next)
	require.Equal(t, []byte{3}, numbers)
}

// vacuumInto returns the path of a copy of a file that is open.
func vacuumInto(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	execSQL(t, openRaw(t, path), "VACUUM INTO '"+copied+"'")
	require.NoError(t, os.Chmod(copied, 0o600))
	return copied
}

// A copy of the file is older than what a reader has seen.
func TestChanges_RestoredFileRepeatsWhatItLost(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{Changes: true})
	changedMessages(t, s, 1, 2)
	_, early := readChanges(t, s, "")
	copied := vacuumInto(t, path)
	changedMessages(t, s, 3, 4)
	_, next := readChanges(t, s, early)

	restored := reopen(t, copied, sqlitestore.Options{})
	numbers, atEnd := readChanges(t, restored, next)
	require.Empty(t, numbers, "nothing has changed since the copy was made")
	changedMessages(t, restored, 5, 6, 7)
	for position, want := range map[string][]byte{next: {5, 6, 7}, early: {5, 6, 7}, atEnd: {5, 6, 7}, "": {1, 2, 5, 6, 7}} {
		numbers, _ = readChanges(t, restored, position)
		require.Equal(t, want, numbers)
	}
	_, again := readChanges(t, restored, next)
	changedMessages(t, restored, 8)
	numbers, _ = readChanges(t, restored, again)
	require.Equal(t, []byte{8}, numbers)
	_, err := s.Changes(t.Context(), again, 1)
	require.ErrorIs(t, err, smsplus.ErrChangesLost, "the file knows nothing of its copy's session")
}

func TestChanges_CopyOfAnEmptyFileIsAnotherHistory(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{Changes: true})
	_, empty := readChanges(t, s, "")
	copied := vacuumInto(t, path)
	changedMessages(t, s, 1, 2)
	_, next := readChanges(t, s, empty)
	restored := reopen(t, copied, sqlitestore.Options{})
	changedMessages(t, restored, 5)
	_, err := restored.Changes(t.Context(), next, 1)
	require.ErrorIs(t, err, smsplus.ErrChangesLost)
	numbers, _ := readChanges(t, restored, empty)
	require.Equal(t, []byte{5}, numbers)
}
