package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		pgtest.Stop()
		os.Exit(code)
	}))
}

// shell runs the program with an environment, a standard input and a schema.
type shell struct {
	env    map[string]string
	stdin  string
	schema string
}

func sqliteShell(path string) shell {
	return shell{env: map[string]string{"SMSPLUS_STORE": "sqlite:" + path}}
}

func (s shell) withEnv(name, value string) shell {
	env := map[string]string{name: value}
	for k, v := range s.env {
		env[k] = cmp.Or(env[k], v)
	}
	s.env = env
	return s
}

func (s shell) run(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if s.schema != "" {
		args = append([]string{"-schema", s.schema}, args...)
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(s.stdin), &out, &errs, func(k string) string { return s.env[k] })
	return code, out.String(), errs.String()
}

// mustRun runs the program, requires success and returns its standard output.
func (s shell) mustRun(t testing.TB, args ...string) string {
	t.Helper()
	code, stdout, stderr := s.run(t, args...)
	require.Equal(t, exitDone, code, "%v: %s", args, stderr)
	return stdout
}

// insert adds the messages to the program's store.
func (s shell) insert(t testing.TB, ms []smsplus.Message) {
	t.Helper()
	p := &program{getenv: func(k string) string { return s.env[k] }, schema: s.schema}
	require.NoError(t, p.withStore(t.Context(), func(store smsplus.Store) error {
		_, err := store.Insert(t.Context(), ms)
		return err
	}))
}

// filledShell returns a shell whose store is a migrated file with the sample messages.
func filledShell(t testing.TB) (s shell, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	s = sqliteShell(path)
	s.insert(t, sampleMessages())
	return s, path
}

// secrets are the parts of the sample messages that only -reveal may print.
var secrets = []string{"912345678", "7700900123", "U4af4980629", "498172", "session-7f3a"}

const escape = "\x1b[2J"

func messageID(n byte) uuid.UUID { return uuid.UUID{0x01, 0x93, 0x55, 0x55, 6: 0x70, 8: 0x80, 15: n} }

func mustParsePhone(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

// sampleMessages returns a message for each tab, all triggered on one day.
func sampleMessages() []smsplus.Message {
	at := func(hour, minute, second int) time.Time {
		return time.Date(2026, 11, 23, hour, minute, second, 0, time.UTC)
	}
	attempt := func(m smsplus.Message, step int, a smsplus.Attempt) smsplus.Attempt {
		a.ID, a.Step, a.Channel = smsplus.AttemptID(m.ID, step), step, m.Plan[step].Channel
		return a
	}
	otp := smsplus.Message{
		ID: messageID(1), Key: "login-1", Template: "otp", Scenario: "登入驗證",
		To:       channel.Recipient{Phone: mustParsePhone("+886912345678"), IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}},
		Vars:     map[string]string{"code": "498172"},
		Metadata: map[string]string{"session": "session-7f3a"},
		Plan: []smsplus.PlannedStep{
			{Channel: channel.LINEPush, Wait: time.Minute, OnFailed: smsplus.Forward},
			{Channel: channel.SMS, InDoubt: smsplus.Forward},
		},
		Status: status.Delivered, Channel: channel.SMS,
		TriggeredAt: at(8, 0, 0), DeliveredAt: at(8, 0, 9), ExpiresAt: at(8, 10, 0),
	}
	otp.Attempts = []smsplus.Attempt{
		attempt(otp, 0, smsplus.Attempt{Status: status.Undeliverable, Reason: status.NoContact, Tries: 1, StartedAt: at(8, 0, 0), EndedAt: at(8, 0, 1)}),
		attempt(otp, 1, smsplus.Attempt{
			Status: status.Delivered, ProviderID: "sms-9", Tries: 1,
			StartedAt: at(8, 0, 1), AcceptedAt: at(8, 0, 2), DeliveredAt: at(8, 0, 9), EndedAt: at(8, 0, 9),
		}),
	}
	shipped := smsplus.Message{
		ID: messageID(2), Template: "shipped", Scenario: "出貨通知", To: otp.To,
		Plan:   []smsplus.PlannedStep{{Channel: channel.LINENotify, Wait: 2 * time.Hour}, {Channel: channel.SMS}},
		Status: status.Accepted, Channel: channel.LINENotify, Lane: channel.SMS,
		TriggeredAt: at(9, 0, 0), DueAt: at(11, 0, 0),
	}
	shipped.Attempts = []smsplus.Attempt{
		attempt(shipped, 0, smsplus.Attempt{Status: status.Accepted, Tries: 1, StartedAt: at(9, 0, 0), AcceptedAt: at(9, 0, 1)}),
	}
	failed := otp
	failed.ID, failed.Key, failed.Status, failed.Channel = messageID(3), "", status.Failed, channel.LINEPush
	failed.TriggeredAt, failed.DeliveredAt, failed.ExpiresAt = at(9, 0, 0), time.Time{}, time.Time{}
	failed.Attempts = []smsplus.Attempt{attempt(failed, 0, smsplus.Attempt{
		Status: status.Failed, Reason: status.SystemError, Detail: "500 " + escape + "wiped", Tries: 12, StartedAt: at(9, 0, 0), EndedAt: at(9, 9, 0),
	})}
	london := smsplus.Message{
		ID: messageID(4), Template: "security_alert", Scenario: "security alert", To: channel.Recipient{Phone: mustParsePhone("+447700900123")},
		Plan:   []smsplus.PlannedStep{{Channel: channel.WhatsApp}},
		Status: status.Undeliverable, Channel: channel.WhatsApp, TriggeredAt: at(20, 30, 0),
	}
	london.Attempts = []smsplus.Attempt{attempt(london, 0, smsplus.Attempt{
		Status: status.Undeliverable, Reason: status.Blocked, Tries: 1, StartedAt: at(20, 30, 0), EndedAt: at(20, 30, 1),
	})}
	return []smsplus.Message{otp, shipped, failed, london}
}

// lastDigits returns the last digit of the ID of each record in lines of JSON.
func lastDigits(t testing.TB, lines string) string {
	t.Helper()
	var all strings.Builder
	for line := range strings.Lines(lines) {
		var r struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		all.WriteString(r.ID[len(r.ID)-1:])
	}
	return all.String()
}

func TestRecords_FlagsSelect(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	s.stdin = "+447700900123\n"
	for args, want := range map[string]string{
		"":                                   "4321",
		"-to 2026-11-23T09:00:00Z":           "1",
		"-to 2026-11-23":                     "",
		"-from 2026-11-23T17:00:00+08:00":    "432",
		"-from 2026-11-24 -tz Asia/Taipei":   "4",
		"-to 2026-11-24 -tz Asia/Taipei":     "321",
		"-template otp":                      "31",
		"-template otp -tab failed":          "3",
		"-tab SENDING":                       "2",
		"-tab sent":                          "1",
		"-channel line_push":                 "31",
		"-channel carrier_pigeon":            "",
		"-phone +886912345678":               "321",
		"-phone -":                           "4",
		"-recipient U4af4980629":             "321",
		"-recipient u4af4980629":             "",
		"-recipient U4af4980629 -tab sent":   "1",
		"-scenario 登入驗證":                     "31",
		"-scenario 登入":                       "",
		"-reason blocked":                    "4",
		"-reason no_contact -channel sms":    "",
		"-reason no_contact -tab sent":       "1",
		"-provider sms-9":                    "1",
		"-provider sms-9 -channel line_push": "",
		"-reference batch":                   "",
		"-country 44":                        "4",
		"-country 886 -channel sms":          "1",
		"-template otp -country 44 -tab all": "",
	} {
		args := append([]string{"-from", "2026-11-01"}, strings.Fields(args)...)
		require.Equal(t, want, lastDigits(t, s.mustRun(t, append([]string{"records", "-json"}, args...)...)), args)
		require.Equal(t, want, lastDigits(t, s.mustRun(t, append([]string{"export", "-format", "ndjson"}, args...)...)), args)
	}
}

func TestRecords_ContinueAfterCursor(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	args := []string{"records", "-json", "-limit", "3", "-from", "2026-11-01"}
	code, stdout, stderr := s.run(t, args...)
	require.Equal(t, exitDone, code)
	require.Equal(t, "432", lastDigits(t, stdout))
	next, found := strings.CutPrefix(strings.TrimSuffix(stderr, "\n"), "next: ")
	require.True(t, found, stderr)

	args = append(args, strings.Fields(next)...)
	code, stdout, stderr = s.run(t, args...)
	require.Equal(t, exitDone, code)
	require.Equal(t, "1", lastDigits(t, stdout))
	require.Empty(t, stderr, "the last page prints no cursor")

	code, _, stderr = s.run(t, append(args, "-tab", "sent")...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "smsplus: -after is from another filter\n")
}

func TestFrom_DefaultsToThreeMonthsAgo(t *testing.T) {
	t.Parallel()
	s := sqliteShell(filepath.Join(t.TempDir(), "messages.db"))
	s.mustRun(t, "migrate")
	ms := sampleMessages()[:2]
	now := time.Now().UTC().Truncate(time.Second)
	ms[0].TriggeredAt, ms[1].TriggeredAt = now.AddDate(0, 0, -200), now.Add(-time.Hour)
	s.insert(t, ms)
	old := now.AddDate(0, 0, -201).Format(time.DateOnly)
	for _, list := range [][]string{{"records", "-json"}, {"export", "-format", "ndjson"}} {
		require.Equal(t, "2", lastDigits(t, s.mustRun(t, list...)))
		require.Equal(t, "21", lastDigits(t, s.mustRun(t, append(list, "-from", old)...)))
	}
	require.NotContains(t, s.mustRun(t, "stats"), "otp")
	require.Contains(t, s.mustRun(t, "stats", "-from", old), "otp")

	code, _, stderr := s.run(t, "stats", "-to", old)
	require.Equal(t, exitUsage, code)
	require.Regexp(t, `^smsplus: -to is `+old+`T00:00:00Z; the earliest allowed is `, stderr)
}

func TestReveal_IsRequiredForPersonalData(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	for _, args := range [][]string{
		{"records"},
		{"records", "-json"},
		{"export"},
		{"export", "-format", "ndjson"},
		{"show", messageID(1).String()},
		{"show", messageID(1).String(), "-json"},
	} {
		if args[0] != "show" {
			args = append(args, "-from", "2026-11-01")
		}
		masked := s.mustRun(t, args...)
		for _, secret := range secrets {
			require.NotContains(t, masked, secret, args)
		}
		require.Contains(t, masked, "******678", args)
		require.Contains(t, s.mustRun(t, append(args, "-reveal")...), "912345678", args)
	}
	for _, args := range [][]string{{"show", "-json"}, {"show"}} {
		text := s.mustRun(t, append(args, "-reveal", messageID(1).String())...)
		require.Contains(t, text, "U4af4980629")
		require.Contains(t, text, "498172")
	}
}

func TestShow_EscapesControlCharacters(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	for _, args := range [][]string{{"show", messageID(3).String()}, {"show", messageID(3).String(), "-json"}, {"records", "-from", "2026-11-01"}} {
		require.NotContains(t, s.mustRun(t, args...), "\x1b", args)
	}
	require.Contains(t, s.mustRun(t, "show", messageID(3).String()), "500 \uFFFD[2Jwiped")
}

func TestShow_JSONIncludesPlan(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	text := s.mustRun(t, "show", "-json", "-tz", "Asia/Taipei", messageID(2).String())
	require.Equal(t, 1, strings.Count(text, "\n"))
	var got, inExport map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.Equal(t, "2026-11-23T19:00:00.000000+08:00", got["due_at"])
	require.Equal(t, []any{
		map[string]any{"channel": "line_notify", "wait_seconds": 7200., "on_failed": "stop", "until": "delivered", "in_doubt": "resend"},
		map[string]any{"channel": "sms", "on_failed": "stop", "until": "delivered", "in_doubt": "resend"},
	}, got["plan"])
	delete(got, "due_at")
	delete(got, "plan")
	line := s.mustRun(t, "export", "-format", "ndjson", "-from", "2026-11-01", "-tz", "Asia/Taipei", "-template", "shipped")
	require.NoError(t, json.Unmarshal([]byte(line), &inExport))
	require.Equal(t, inExport, got, "the other keys are those of an export")
}

func TestStats_PrintsJSON(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	require.JSONEq(t, `{"template":"shipped","triggered":1,"preparing":0,"accepted":1,"failed":0,"undeliverable":0,"delivered":0,"read":0,"delivered_twice":0}`,
		s.mustRun(t, "stats", "-json", "-from", "2026-11-01", "-template", "shipped"))
	require.Contains(t, s.mustRun(t, "stats", "-from", "2026-11-01", "-channel", "sms"), "\n          0  ", "a template without attempts on the channel has a row")
}

func TestStats_GroupsByWords(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	require.Equal(t, `  triggered  preparing  accepted  failed  undeliverable  delivered  read  delivered_twice  start       template
          2          0         0       1              0          1     0                0  2026-11-23  otp
          1          0         1       0              0          0     0                0  2026-11-23  shipped
          1          0         0       0              1          0     0                0  2026-11-24  security_alert
`, s.mustRun(t, "stats", "-from", "2026-11-01", "-tz", "Asia/Taipei", "-by", "template,day"))
	require.JSONEq(t, `{"channel":"sms","reason":"","triggered":1,"preparing":0,"accepted":0,"failed":0,"undeliverable":0,"delivered":1,"read":0,"delivered_twice":0,"timed":1,"p50_seconds":7.692,"p95_seconds":7.692}
`, s.mustRun(t, "stats", "-json", "-from", "2026-11-01", "-channel", "sms", "-by", "channel,reason", "-times"))
	require.Contains(t, s.mustRun(t, "stats", "-from", "2026-11-01", "-times"), "p95")
}

func TestUsageErrors_NameTheFlagNotTheValue(t *testing.T) {
	t.Parallel()
	_, path := filledShell(t)
	const number, password = "+886912345678", "hunter22"
	keys := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(keys, []byte("1:"+password), 0o600))
	for args, want := range map[string]string{
		"":                                      "a command is missing",
		number:                                  "there is no such command",
		"stats " + number:                       "stats takes flags alone",
		"show":                                  "show takes one ID",
		"show a b":                              "show takes one ID",
		"show " + number:                        "ID is no message's ID",
		"records -" + number:                    "a flag cannot be read",
		"records ---phone=" + number:            "a flag cannot be read",
		"records -reveal=" + number:             "a flag cannot be read",
		"records -colour":                       "flag provided but not defined: -colour",
		"records -phone":                        "flag needs an argument: -phone",
		"records -phone 0" + number[4:]:         "-phone: phone: not an E.164 number",
		"records -phone -":                      "-phone: phone: not an E.164 number",
		"records -recipient=":                   "-recipient: it is empty",
		"records -recipient -":                  "-recipient: it is empty",
		"records -reference=":                   "-reference: it is empty",
		"records -provider -":                   "-provider: it is empty",
		"erase":                                 "-phone or -id is required",
		"erase -id " + password:                 "-id: it is not a channel and an ID, as channel=ID",
		"erase -id chat=":                       "-id: it is not a channel and an ID, as channel=ID",
		"erase -id =" + password:                "-id: it is not a channel and an ID, as channel=ID",
		"erase -id chat=-":                      "-id: it is not a channel and an ID, as channel=ID",
		"erase -id a=" + password + " -id a=b":  "-id: a channel is there twice",
		"records -country " + number:            "-country is not 1 to 3 digits",
		"records -tab " + number:                "-tab: status: no group of that name",
		"records -limit " + number:              "-limit: it is no number from 1 to 1000",
		"records -limit 0":                      "-limit: it is no number from 1 to 1000",
		"records -after " + number:              "-after is no cursor (13 characters)",
		"stats -by " + number:                   "-by: a word is none of template, scenario, channel, reason, hour, day (13 characters)",
		"stats -by hour,day":                    "-by: the hour and the day exclude each other",
		"stats -by=":                            "-by: it is empty",
		"records -tz " + number:                 "-tz: there is no such time zone",
		"records -template=":                    "-template: it is empty",
		"records -from " + number:               "-from: it is neither a date",
		"records -to 2026-11-31":                "-to: it is neither a date",
		"stats -from 2026-11-2 -to x":           "smsplus: -from: it is neither a date (2006-01-02) nor RFC 3339 (2006-01-02T15:04:05Z)\nsmsplus: -to: it is neither",
		"stats -from 2026-11-2 -tz x":           "-tz: there is no such time zone\nsmsplus: -from: it is",
		"stats -to 2026-11-01 -from 2026":       "-from: it is neither a date",
		"stats -to 2026-1-1":                    "-to: it is neither a date",
		"stats -from 2026-12-02 -to 2026-12-01": "-to is before -from",
		"stats -from 1800-01-01":                "-from is 1800-01-01T00:00:00Z; the earliest allowed is",
		"export -format xml":                    "-format: it is neither csv nor ndjson",
		"export -o .":                           "-o: there is something of that name, and it is no file",
		"-store= stats":                         "-store: it is empty",
		"stats -store " + password:              "-store: it is neither sqlite:FILE nor postgres://…",
		"stats -store sqlite:":                  "-store: what follows sqlite:",
		"stats -store sqlite://" + path:         "-store: what follows sqlite:",
		"stats -schema app":                     "SMSPLUS_STORE: a file of SQLite has no -schema",
		"stats -store postgres:" + password:     "-store: it is neither sqlite:FILE nor postgres://…",
		"-store postgres://u:" + password + "/x@h/db stats":       "-store: it is no URL of PostgreSQL",
		"-store postgres://u:1@" + password + "@h/db stats":       "-store: it is no URL of PostgreSQL",
		"-store postgres://u:1/" + password + "@h/db stats":       "-store: it is no URL of PostgreSQL",
		"-store postgres://u:1#" + password + "@h/db stats":       "-store: it is no URL of PostgreSQL",
		"-store postgres://u:1?" + password + "@h/db stats":       "-store: it is no URL of PostgreSQL",
		"-store postgres://u:" + password + "@h:x/db stats":       "-store: it is no URL of PostgreSQL",
		"-store postgres://u:" + password + "@h?sslmode=no stats": "-store: it is no URL of PostgreSQL",
		"stats -keys " + keys:                                     "-keys: seal: Config.Keys[0].Secret has ",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := sqliteShell(path).run(t, strings.Fields(args)...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, want)
			require.True(t, strings.HasSuffix(stderr, "\nsmsplus: -h, before or after a command, shows how it is used\n"))
			for _, secret := range []string{"12345678", password} {
				require.NotContains(t, stderr, secret)
			}
		})
	}
	code, _, stderr := shell{}.run(t, "stats")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "which store?")
}

func TestHelp_ExitsWithSuccess(t *testing.T) {
	t.Parallel()
	secret := shell{}.withEnv("SMSPLUS_STORE", "postgres://u:hunter22@h/db").withEnv("SMSPLUS_KEYS", "1:hunter22")
	for _, c := range commands {
		text := secret.mustRun(t, "-store", "postgres://u:hunter22@h/db", c.name, "-h")
		require.Contains(t, text, "smsplus "+c.name+" [flags]")
		require.Contains(t, text, "-store")
		require.NotContains(t, text, "hunter22")
		require.Contains(t, secret.mustRun(t, "-help"), "\n  "+c.name+" ")
	}
}

func TestShow_ReportsNotFoundByExitCode(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	code, stdout, stderr := s.run(t, "show", messageID(9).String())
	require.Equal(t, exitNotFound, code)
	require.Empty(t, stdout)
	require.Equal(t, "smsplus: query: record "+messageID(9).String()+": smsplus: no such message\n", stderr)
}

func TestInterrupt_EndsEveryCommand(t *testing.T) {
	t.Parallel()
	_, path := filledShell(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "records.csv")
	for _, args := range [][]string{{"migrate"}, {"stats"}, {"records"}, {"export", "-o", out}, {"show", messageID(1).String()}} {
		var stdout, stderr bytes.Buffer
		code := run(ctx, append([]string{"-store", "sqlite:" + path}, args...), nil, &stdout, &stderr, func(string) string { return "" })
		require.Equal(t, exitInterrupted, code, args)
		require.Equal(t, "smsplus: interrupted\n", stderr.String())
	}
	require.NoFileExists(t, out)
}

// fullDisk is a writer that fails as a full disk does.
type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestOutput_WriteErrorsFailTheCommand(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	unmigrated := sqliteShell(filepath.Join(t.TempDir(), "new.db"))
	for _, args := range [][]string{
		{"-h"},
		{"stats", "-h"},
		{"stats"},
		{"stats", "-json"},
		{"records"},
		{"records", "-json"},
		{"export"},
		{"migrate", "-print"},
		{"show", messageID(1).String()},
		{"show", messageID(1).String(), "-json"},
	} {
		if args[0] == "migrate" {
			s = unmigrated
		} else {
			s = sqliteShell(path)
		}
		if args[0] == "records" || args[0] == "stats" && len(args) < 2 {
			args = append(args, "-from", "2026-11-01")
		}
		var stderr bytes.Buffer
		code := run(t.Context(), args, nil, fullDisk{}, &stderr, func(k string) string { return s.env[k] })
		require.Equal(t, exitFailed, code, args)
		require.Contains(t, stderr.String(), "smsplus: "+errFull.Error()+"\n", args)
	}
}
