package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFind_SaysWhatTheTextIs(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	for text, want := range map[string]string{
		messageID(2).String(): "By message id:",
		"+886 912-345-678":    "By phone number:",
		"login-1":             "By key:",
		"sms-9":               "By provider id:",
		"U4af4980629":         "By recipient id:",
	} {
		require.Equal(t, want, strings.Split(s.mustRun(t, "find", text), "\n")[0], text)
		s.stdin = text + "\n"
		require.Equal(t, s.mustRun(t, "find", text), s.mustRun(t, "find", "-"))
	}
	require.Contains(t, s.mustRun(t, "find", "0912 345 678", "-region", "TW"), "By phone number:")
	require.NotContains(t, s.mustRun(t, "find", "+886912345678", "-json"), "912345678")
	require.Contains(t, s.mustRun(t, "find", "+886912345678", "-reveal"), "912345678")

	for line := range strings.Lines(s.mustRun(t, "find", "login-1", "-json")) {
		var r struct {
			ID      string
			FoundBy string `json:"found_by"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.Equal(t, "key", r.FoundBy)
		require.Equal(t, messageID(1).String(), r.ID)
	}
}

func TestFind_NumberWithoutCountryAsksForRegion(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	const hint = "needs -region, such as TW"
	for _, text := range []string{"0912345678", "(0912) 345-678", " 0912 345 678 "} {
		code, _, stderr := s.run(t, "find", text)
		require.Equal(t, exitNotFound, code)
		require.Contains(t, stderr, hint)
	}
	for _, args := range [][]string{{"find", "+886912345679"}, {"find", "order-7"}, {"find", "0912345679", "-region", "TW"}, {"find", "--", "-"}} {
		code, _, stderr := s.run(t, args...)
		require.Equal(t, exitNotFound, code)
		require.NotContains(t, stderr, hint)
	}
}

func TestFind_TextIsInNoError(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	check := func(code int, want string, args ...string) {
		t.Helper()
		got, stdout, stderr := s.run(t, args...)
		require.Equal(t, code, got, stderr)
		require.NotContains(t, stdout+stderr, "912345679")
		require.Contains(t, stderr, want)
	}
	check(exitNotFound, "no message has the text", "find", "+886912345679")
	check(exitNotFound, "no message has the text", "find", "0912345679", "-region", "TW")
	check(exitUsage, "-region is no country", "find", "0912345679", "-region", "XX")
	check(exitUsage, "find takes one TEXT", "find")
	check(exitUsage, "find takes one TEXT", "find", "0912345679", "0912345679")
	check(exitNotFound, "no message has the text", "find", "-") // standard input is empty

	damaged := sampleMessages()[1]
	damaged.ID, damaged.Key = messageID(9), "0912345679"
	s.insert(t, append(sampleMessages()[:0], damaged))
	damage(t, path, damaged)
	check(exitFailed, "1 record(s) left out", "find", "0912345679")
}
