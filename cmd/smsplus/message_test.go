package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
)

func TestKey_NamesTheMessage(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	old := sampleMessages()[1]
	old.ID, old.Key = messageID(9), "login 2019"
	old.TriggeredAt = old.TriggeredAt.AddDate(-7, 0, 0)
	s.insert(t, []smsplus.Message{old})

	require.Equal(t, s.mustRun(t, "show", messageID(1).String()), s.mustRun(t, "show", "-key", "login-1"))
	require.Equal(t, s.mustRun(t, "show", old.ID.String()), s.mustRun(t, "show", "-key", old.Key), "however old it is")
	s.stdin = old.Key + "\n"
	require.Equal(t, s.mustRun(t, "show", old.ID.String(), "-json"), s.mustRun(t, "show", "-json", "-key", "-"))

	require.Contains(t, s.mustRun(t, "cancel", "-key", old.Key), "The message is canceled")
	require.Contains(t, s.mustRun(t, "show", old.ID.String()), "canceled")
}

func TestKey_IsInNoError(t *testing.T) {
	t.Parallel()
	const key = "order-912345678"
	s, path := filledShell(t)
	check := func(code int, want string, args ...string) {
		t.Helper()
		got, stdout, stderr := s.run(t, args...)
		require.Equal(t, code, got, stderr)
		require.Empty(t, stdout)
		require.Contains(t, stderr, want)
		require.NotContains(t, stderr, "912345678")
	}
	for _, command := range []string{"show", "cancel"} {
		check(exitNotFound, "no such message", command, "-key", key)
		check(exitUsage, command+" takes either an ID or -key", command, "-key", key, messageID(1).String())
		check(exitUsage, "ID is no message's ID", command, key)
		check(exitUsage, "a flag cannot be read", command, "---key="+key)
		check(exitUsage, "-key: it is empty", command, "-key=")
		check(exitUsage, "-key: it is empty", command, "-key", "-") // standard input is empty
	}
	check(exitFailed, "message has ended", "cancel", "-key", "login-1")

	damaged := sampleMessages()[1]
	damaged.ID, damaged.Key = messageID(9), key
	s.insert(t, []smsplus.Message{damaged})
	damage(t, path, damaged)
	check(exitFailed, "message cannot be read", "show", "-key", key)
	require.Contains(t, s.mustRun(t, "show", "-key", "login-1"), "login-1", "another record can be read")
}
