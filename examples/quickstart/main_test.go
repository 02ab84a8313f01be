package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The tests run the program in a bubble, whose time passes only when all goroutines wait.
// So no test sleeps, and a slow machine does not make a call late.

// attemptEnd is the final state of an attempt.
type attemptEnd struct {
	status status.Status
	reason status.Reason
	tries  int
	read   bool
}

// documented is the table of magic numbers, for an SMS that is the last step of its
// route.
var documented = map[simulated.Outcome]attemptEnd{
	simulated.Delivered:         {status: status.Delivered, tries: 1},
	simulated.DeliveredLater:    {status: status.Delivered, tries: 1},
	simulated.ReadLater:         {status: status.Delivered, tries: 1},
	simulated.DeliveredLate:     {status: status.Delivered, tries: 1},
	simulated.ToldLate:          {status: status.Delivered, tries: 1},
	simulated.DeliveredAfterAll: {status: status.Delivered, tries: 1},

	simulated.NoContact:        {status: status.Undeliverable, reason: status.NoContact, tries: 1},
	simulated.Blocked:          {status: status.Undeliverable, reason: status.Blocked, tries: 1},
	simulated.QuotaExceeded:    {status: status.Undeliverable, reason: status.QuotaExceeded, tries: 1},
	simulated.NoMatch:          {status: status.Undeliverable, reason: status.NoMatch, tries: 1},
	simulated.InvalidNumber:    {status: status.Undeliverable, reason: status.InvalidNumber, tries: 1},
	simulated.TemplateMismatch: {status: status.Undeliverable, reason: status.TemplateMismatch, tries: 1},
	simulated.Permission:       {status: status.Undeliverable, reason: status.Permission, tries: 1},
	simulated.Unauthorized:     {status: status.Undeliverable, reason: status.Authorization, tries: 1},
	simulated.ContentRejected:  {status: status.Undeliverable, reason: status.ContentRejected, tries: 1},
	simulated.CarrierError:     {status: status.Undeliverable, reason: status.CarrierError, tries: 1},

	simulated.Silent:             {status: status.Undeliverable, reason: status.NoReceipt, tries: 1},
	simulated.UndeliverableLater: {status: status.Undeliverable, reason: status.CarrierError, tries: 1},
	simulated.UnverifiedLater:    {status: status.Undeliverable, reason: status.Unverified, tries: 1},
	simulated.FailedLater:        {status: status.Failed, reason: status.SystemError, tries: 1},

	simulated.TemplateConfig: {status: status.Failed, reason: status.TemplateConfig, tries: 1},
	simulated.SystemError:    {status: status.Failed, reason: status.SystemError, tries: 1},

	simulated.FlakyTwice: {status: status.Delivered, tries: 3},
	simulated.Throttled:  {status: status.Delivered, tries: 2},
	simulated.Down:       {status: status.Failed, reason: status.SystemError, tries: 12},

	simulated.InDoubtTaken: {status: status.Delivered, tries: 2},
	simulated.InDoubtLost:  {status: status.Delivered, tries: 2},

	simulated.ReceiptFirst: {status: status.Delivered, tries: 1},
	simulated.ReceiptTwice: {status: status.Delivered, tries: 1},
	simulated.OutOfOrder:   {status: status.Delivered, tries: 1},

	simulated.Slow:   {status: status.Delivered, tries: 1},
	simulated.Panics: {status: status.Failed, reason: status.SystemError, tries: 1},
}

// special holds the outcomes by which a channel differs from SMS.
var special = map[channel.Name]map[simulated.Outcome]attemptEnd{
	channel.LINEPush: {
		// Without Accepted, silence means that no try gets an answer.
		simulated.Silent: {status: status.Failed, reason: status.SystemError, tries: 12},
	},
	channel.LINENotify: {
		simulated.Silent: {status: status.Accepted, tries: 1}, // the message moves on
	},
	channel.WhatsApp: {
		simulated.Silent:     {status: status.Accepted, tries: 1},
		simulated.ReadLater:  {status: status.Delivered, tries: 1, read: true},
		simulated.OutOfOrder: {status: status.Delivered, tries: 1, read: true},
	},
}

// wantEnd returns the end that a message's attempt must have.
func wantEnd(m smsplus.Message, a smsplus.Attempt, o simulated.Outcome) attemptEnd {
	if m.Plan[a.Step].InDoubt == smsplus.Forward && a.Channel == channel.LINENotify {
		switch o {
		case simulated.InDoubtTaken:
			return attemptEnd{status: status.Delivered, tries: 1}
		case simulated.InDoubtLost:
			return attemptEnd{status: status.Undeliverable, reason: status.InDoubt, tries: 1}
		default:
		}
	}
	if e, ok := special[a.Channel][o]; ok {
		return e
	}
	return documented[o]
}

func TestRun_GivesEachMagicNumberItsOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		triggers, err := loadTriggers("")
		require.NoError(t, err)
		c := newClock(1)
		records, err := simulate(t.Context(), c, memstore.New(), triggers, func(int, time.Time) {})
		require.NoError(t, err)

		sims := make(map[channel.Name]*simulated.Channel)
		for _, p := range providers(c) {
			sims[p.Name()] = p
		}
		type pair struct {
			channel channel.Name
			outcome simulated.Outcome
		}
		met := make(map[pair]bool)
		messages := 0
		for m, err := range records.All(t.Context(), smsplus.Filter{}) {
			require.NoError(t, err)
			messages++
			require.True(t, m.Status.Final(), "%v of %v", m.Status, m.To.Phone)
			for i, a := range m.Attempts {
				o := sims[a.Channel].Outcome(m.To)
				got := attemptEnd{a.Status, a.Reason, a.Tries, !a.ReadAt.IsZero()}
				if i > 0 && i == len(m.Attempts)-1 && !a.Status.Final() && m.Status == status.Delivered {
					continue // an earlier step was delivered late, before this attempt ended
				}
				require.Equal(t, wantEnd(m, a, o), got, "%v on %s, message %v", o, a.Channel, m.ID)
				met[pair{a.Channel, o}] = true
			}
		}
		require.Equal(t, len(triggers), messages)
		for name := range sims {
			for _, o := range simulated.Outcomes() {
				require.Equal(t, o != simulated.Hangs, met[pair{name, o}], "%v on %s", o, name)
			}
		}
	})
}

func TestRun_AccountsForEveryTrigger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		triggers, err := loadTriggers("")
		require.NoError(t, err)
		out := filepath.Join(t.TempDir(), "records.csv")
		var stdout, stderr bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-out", out}, &stdout, &stderr))

		f, err := os.ReadFile(out)
		require.NoError(t, err)
		rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(f, []byte("\uFEFF")))).ReadAll()
		require.NoError(t, err)
		byTemplate, byStatus, keys := make(map[string]int), make(map[string]int), make(map[string]bool)
		for _, row := range rows[1:] {
			keys[row[1]] = true
			byTemplate[row[2]]++
			byStatus[row[7]]++
		}
		require.Len(t, rows[1:], len(triggers))
		require.Len(t, keys, len(triggers), "a row for each")

		wanted := make(map[string]int)
		for _, tr := range triggers {
			wanted[tr.Template]++
			require.NotContains(t, stdout.String(), tr.To.Phone.E164())
			require.NotContains(t, string(f), strings.TrimPrefix(tr.To.Phone.E164(), "+"+tr.To.Phone.CountryCode()))
		}
		require.Equal(t, wanted, byTemplate)
		require.Equal(t, len(triggers), byStatus["delivered"]+byStatus["undeliverable"]+byStatus["failed"], "all have ended")

		for _, line := range []string{
			fmt.Sprintf("%6d  all\n     0  sending\n", len(triggers)),
			fmt.Sprintf("%6d  sent\n", byStatus["delivered"]),
			fmt.Sprintf("%6d  undeliverable\n", byStatus["undeliverable"]),
			fmt.Sprintf("%6d  failed\n", byStatus["failed"]),
			"line_notify  delivered, after all\n",
			"Every record is in " + out + ".\n",
		} {
			require.Contains(t, stdout.String(), line)
		}
		require.Regexp(t, fmt.Sprintf(`^08:00  \d+ of %d messages have ended\n09:00  `, len(triggers)), stderr.String())
		require.NotContains(t, stderr.String(), "\r", "a file gets lines")
	})
}

func TestRun_EndsOnInterrupt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var stdout bytes.Buffer
		err := run(ctx, []string{"-out", ""}, &stdout, &bytes.Buffer{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, stdout.String())
	})
}

func TestRun_LosesNothingOnMachineClock(t *testing.T) {
	t.Parallel()
	triggers, err := loadTriggers("")
	require.NoError(t, err)
	records, err := simulate(t.Context(), newClock(100), memstore.New(), triggers, func(int, time.Time) {})
	require.NoError(t, err)
	tabs, err := records.CountByGroup(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, len(triggers), tabs[status.All])
	require.Zero(t, tabs[status.Sending])
}

func TestTriggers_UseEveryTemplate(t *testing.T) {
	t.Parallel()
	triggers, err := loadTriggers("")
	require.NoError(t, err)
	triggered := make(map[string]bool)
	for _, tr := range triggers {
		triggered[tr.Template] = true
	}
	for _, tpl := range templates {
		require.True(t, triggered[tpl.ID], tpl.ID)
	}
}

func TestRun_AcceptsOwnTriggers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mine.csv")
	require.NoError(t, os.WriteFile(file, []byte("after,key,template,phone,name,place\n"+
		"30m,,security_alert,+886900000000,Alice,London\n"+
		"0s,k,security_alert,+886900001401,Ben,Osaka\n"+
		"1m,k,security_alert,+886900001401,Ben,Osaka\n"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-triggers", file, "-out", ""}, &stdout, &stderr))
		require.Contains(t, stdout.String(), "\n  2  all\n  0  sending\n  2  sent\n", "a key is used once")
		require.NotContains(t, stdout.String(), "Every record is in")
	})
}

func TestRun_NamesMistakesWithoutPersonalData(t *testing.T) {
	t.Parallel()
	const header = "after,key,template,phone,name,place\n"
	for name, tt := range map[string]struct {
		file string
		args []string
		want string
	}{
		"no header":         {want: "the header"},
		"another header":    {file: "a,b\n", want: "the header must begin with after,key,template,phone"},
		"a time":            {file: header + "0912,,otp,+886900000000,,\n", want: "line 2: after"},
		"a number":          {file: header + "\n0s,,otp,0900123456,,\n", want: "line 3: phone"},
		"a template":        {file: header + "0s,,otp,+886900123456,,\n", want: "line 2: smsplus: bad trigger: Trigger.Template"},
		"a variable":        {file: header + "0s,,security_alert,+886900123456,Alice,\n", want: `line 2: smsplus: bad trigger: Trigger.Vars: variable "place"`},
		"a row":             {file: header + "0s\n", want: "wrong number of fields"},
		"one that hangs":    {file: header + "0s,,security_alert,+886900000071,Alice,London\n", want: "line 2: phone: its digits make sms hang"},
		"no speed":          {args: []string{"-speed", "0"}, want: "-speed is 0"},
		"a speed of no use": {args: []string{"-speed", "NaN"}, want: "-speed is NaN"},
		"no such flag":      {args: []string{"-stare", "x"}, want: "flag provided but not defined"},
		"no such store":     {args: []string{"-store", "x"}, want: `-store is "x", want sqlite:FILE`},
		"no such file":      {args: []string{"-triggers", "missing.csv"}, want: "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if args == nil {
				file := filepath.Join(t.TempDir(), "mine.csv")
				require.NoError(t, os.WriteFile(file, []byte(tt.file), 0o600))
				args = []string{"-triggers", file, "-out", ""}
			}
			err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{})
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "123456")
			require.NotContains(t, err.Error(), "Alice")
		})
	}
}

func TestTable_AlignsChineseText(t *testing.T) {
	t.Parallel()
	tbl := table{numbers: 1}
	tbl.add("n", "scenario", "to")
	tbl.add(1, "出貨通知", "a")
	tbl.add(100, "log-in", "b")
	var got strings.Builder
	tbl.write(&got)
	require.Equal(t, ""+
		"    n  scenario  to\n"+
		"    1  出貨通知  a\n"+
		"  100  log-in    b\n", got.String())
}
