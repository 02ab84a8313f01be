package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCancel_StopsAMessage(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	require.Equal(t, "The message is canceled: no further step is sent. It is accepted.\n", s.mustRun(t, "cancel", messageID(2).String()))
	require.Contains(t, s.mustRun(t, "show", messageID(2).String()), "canceled")
	s.mustRun(t, "cancel", messageID(2).String())

	for want, tt := range map[string]struct {
		args []string
		code int
	}{
		"message has ended":     {[]string{"cancel", messageID(1).String()}, exitFailed},
		"no such message":       {[]string{"cancel", messageID(99).String()}, exitNotFound},
		"ID is no message's ID": {[]string{"cancel", "+886912345678"}, exitUsage},
	} {
		code, stdout, stderr := s.run(t, tt.args...)
		require.Equal(t, tt.code, code, stderr)
		require.Empty(t, stdout)
		require.Contains(t, stderr, want)
		require.NotContains(t, stderr, "912345678")
	}
}

func TestErase_CountsUntilItIsConfirmed(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	before := s.mustRun(t, "records", "-from", "2026-11-01")
	counts := s.mustRun(t, "stats", "-from", "2026-11-01")
	require.Equal(t, "2 messages would be erased, and 1 are under way and would stay. Repeat with -yes.\n", s.mustRun(t, "erase", "-phone", "+886912345678"))
	require.Equal(t, before, s.mustRun(t, "records", "-from", "2026-11-01"))

	s.stdin = "+886912345678\n"
	code, stdout, stderr := s.run(t, "erase", "-phone", "-", "-yes")
	require.Equal(t, exitFailed, code, "a message is under way")
	require.Equal(t, "2 messages were erased.\n", stdout)
	require.Contains(t, stderr, "messages are under way: 1 were left as they are")
	require.NotContains(t, stderr, "912345678")
	shown := s.mustRun(t, "show", "-reveal", messageID(1).String())
	require.NotContains(t, shown, "912345678")
	require.NotContains(t, shown, "498172")
	require.Equal(t, counts, s.mustRun(t, "stats", "-from", "2026-11-01"), "the counts stay")

	code, _, stderr = s.run(t, "erase", "-yes")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "-phone or -id is required")
}

func TestErase_FindsAPersonByID(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	require.Equal(t, "0 messages would be erased, and 0 are under way and would stay. Repeat with -yes.\n", s.mustRun(t, "erase", "-id", "chat=U4af4980629"))
	require.Equal(t, "2 messages would be erased, and 1 are under way and would stay. Repeat with -yes.\n",
		s.mustRun(t, "erase", "-id", "line_push=U4af4980629", "-phone", "+886912345678"))

	s.stdin = "+447700900123\nU4af4980629\n"
	code, stdout, stderr := s.run(t, "erase", "-phone", "-", "-id", "line_push=-", "-yes")
	require.Equal(t, exitFailed, code, "a message is under way")
	require.Equal(t, "3 messages were erased.\n", stdout)
	require.NotContains(t, stderr, "U4af4980629")
	require.Equal(t, "2", lastDigits(t, s.mustRun(t, "records", "-json", "-from", "2026-11-01", "-recipient", "U4af4980629")))
}

func TestPurge_CountsUntilItIsConfirmed(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	before := s.mustRun(t, "records", "-from", "2026-11-01")
	want := "3 messages, and receipts of that time that found none, would be dropped; 1 messages are under way and would stay. Repeat with -yes.\n"
	require.Equal(t, want, s.mustRun(t, "purge", "-before", "2026-12-01"))
	require.Equal(t, before, s.mustRun(t, "records", "-from", "2026-11-01"))
	require.Equal(t, "3 messages and receipts were dropped.\n", s.mustRun(t, "purge", "-before", "2026-12-01", "-yes"))
	require.Equal(t, "0 messages and receipts were dropped.\n", s.mustRun(t, "purge", "-before", "2026-12-01", "-yes"))
	require.Contains(t, s.mustRun(t, "stats", "-from", "2026-11-01"), "          1          0         1       0              0          0     0                0  (all)\n")
	code, _, stderr := s.run(t, "purge", "-yes")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "-before is required")
}

func TestVersion_NamesTheSchemas(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^smsplus \S+, go1\.\d+\S*, schema \d+ of SQLite, schema \d+ of PostgreSQL\n$`, shell{}.mustRun(t, "version"))
}

func TestHelp_IsTheFlagH(t *testing.T) {
	t.Parallel()
	require.Equal(t, shell{}.mustRun(t, "-h"), shell{}.mustRun(t, "help"))
	require.Equal(t, shell{}.mustRun(t, "records", "-h"), shell{}.mustRun(t, "help", "records"))
}
