package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

func TestPause_StopsUntilResumed(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	store, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	pauses := func() []smsplus.Pause {
		ps, err := store.Pauses(t.Context())
		require.NoError(t, err)
		return ps
	}

	code, stdout, stderr := s.run(t, "pause", "-channel", "sms", "-note", "outage, Ann")
	require.Equal(t, exitDone, code)
	require.Equal(t, "The channel \"sms\" is paused. Dispatchers obey within their Poll (1 s by default).\n", stdout)
	require.Equal(t, "smsplus: no running dispatcher has the channel \"sms\"\n", stderr)
	ps := pauses()
	require.Len(t, ps, 1)
	require.Equal(t, smsplus.Pause{Channel: channel.SMS, Since: ps[0].Since, Note: "outage, Ann"}, ps[0])
	require.WithinDuration(t, time.Now(), ps[0].Since, time.Minute)

	now := time.Now()
	require.NoError(t, store.Beat(t.Context(), smsplus.Heartbeat{
		ID: uuid.UUID{7}, Name: "host:17", StartedAt: now, At: now, Until: now.Add(time.Hour),
		Channels: []channel.Name{channel.SMS, channel.WhatsApp}, Templates: []string{"otp", "shipped"},
	}))
	code, stdout, stderr = s.run(t, "pause", "-template", "otp")
	require.Equal(t, exitDone, code)
	require.Contains(t, stdout, `template "otp" is paused`)
	require.Empty(t, stderr)
	require.Len(t, pauses(), 2)
	require.Equal(t, "The channel \"SMS\" was not paused.\n", s.mustRun(t, "resume", "-channel", "SMS"))
	require.Len(t, pauses(), 2)
	require.Contains(t, s.mustRun(t, "resume", "-channel", "sms"), `The channel "sms" is resumed.`)
	require.Contains(t, s.mustRun(t, "resume", "-channel", "sms"), `The channel "sms" was not paused.`)
	require.Len(t, pauses(), 1)
	require.Contains(t, s.mustRun(t, "resume", "-template", "otp"), `template "otp" is resumed`)
	require.Empty(t, pauses())
}

func TestPause_RequiresOneName(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	for _, args := range [][]string{{"pause"}, {"resume"}, {"pause", "-channel", "sms", "-template", "otp"}, {"pause", "-channel", "a\x00"}} {
		code, stdout, stderr := s.run(t, args...)
		require.Equal(t, exitUsage, code, stderr)
		require.Empty(t, stdout)
	}
}

func TestStatus_ShowsPausesDispatchersAndBacklog(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	store, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	since := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	require.NoError(t, store.SetPause(t.Context(), smsplus.Pause{Template: "shipped", Since: since, Note: "wrong text" + escape}))
	late := time.Now().Add(time.Hour)
	require.NoError(t, store.Beat(t.Context(), smsplus.Heartbeat{
		ID: uuid.UUID{7}, Name: "host:17", StartedAt: since, At: since, Until: late,
		Channels: []channel.Name{channel.SMS, channel.WhatsApp}, Templates: []string{"otp"},
	}))
	bulk := smsplus.Message{ID: uuid.UUID{8}, Template: "otp", Class: smsplus.Bulk, Lane: "bulk lane:sms", TriggeredAt: since, DueAt: since}
	ended := bulk
	ended.ID, ended.Key, ended.Class, ended.Lane = messageID(98), "", smsplus.Normal, smsplus.OutcomeLane
	ended.Status = status.Delivered
	ended.Published = smsplus.Published{End: status.Undeliverable, Read: true, Confirmed: true, Failures: 2}
	_, err = store.Insert(t.Context(), []smsplus.Message{bulk, ended})
	require.NoError(t, err)
	text := s.mustRun(t, "status")
	require.Regexp(t, `1 .* sms \(bulk\)`, text)
	require.Regexp(t, `1 .* \(outcomes\)`, text)
	require.Regexp(t, `published +undeliverable, read, confirmed; more is due, after 2 failed calls`, s.mustRun(t, "show", ended.ID.String()))
	require.Regexp(t, `class +bulk`, s.mustRun(t, "show", bulk.ID.String()))
	require.Regexp(t, `2026-11-29T12:00:00.000Z  template "shipped"  wrong text`, text)
	require.Regexp(t, `2026-11-29T12:00:00.000Z  2026-11-29T12:00:00.000Z  host:17     sms,whatsapp  otp`, text)
	require.NotContains(t, text, escape)

	var o overviewJSON
	require.NoError(t, json.Unmarshal([]byte(s.mustRun(t, "status", "-json")), &o))
	require.Equal(t, []pauseJSON{{Template: "shipped", Since: "2026-11-29T12:00:00.000Z", Note: "wrong text" + escape}}, o.Pauses)
	require.Equal(t, "host:17", o.Dispatchers[0].Name)
	require.Equal(t, smsplus.Bulk, o.Lanes[0].Class)
	require.Contains(t, s.mustRun(t, "show", "-json", bulk.ID.String()), `"class":"bulk"`)

	waiting := messageID(2).String() // of the template "shipped"
	require.Contains(t, s.mustRun(t, "show", waiting), `template "shipped", since 2026-11-29T12:00:00.000Z: wrong text`)
	require.Contains(t, s.mustRun(t, "show", "-json", waiting), `"paused":{"template":"shipped","since":"2026-11-29T12:00:00.000Z"`)
	require.NotContains(t, s.mustRun(t, "show", messageID(1).String()), "paused", "what has ended waits for nothing")
	require.Regexp(t, waiting+".*accepted, paused", s.mustRun(t, "records", "-from", "2026-11-01"))
}
