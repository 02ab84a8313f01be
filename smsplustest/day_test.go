package smsplustest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// customer is a number that chooses no outcome.
var customer = mustParse("+886912345678")

func mustParse(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func otp() smsplus.Trigger {
	return smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: customer}, Vars: map[string]string{"code": "498172"}}
}

// timeline returns what was sent: the time since the start, the channel and the try.
func timeline(day *smsplustest.Day) (lines []string) {
	for _, s := range day.Sent() {
		lines = append(lines, fmt.Sprint(s.At.Sub(start), " ", s.Channel, " ", s.Try))
	}
	return lines
}

func TestSend_SendsFirstStepRendered(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	id := day.Send(otp())
	sent := day.Sent()
	require.Len(t, sent, 1)
	require.Equal(t, "Your code is 498172.", sent[0].Text)
	require.Equal(t, channel.Text("Your code is 498172."), sent[0].Content)
	require.Equal(t, customer, sent[0].To.Phone)
	require.Equal(t, smsplus.AttemptID(id, 0), sent[0].AttemptID)
	require.Equal(t, start, sent[0].At)
	require.Equal(t, status.Delivered, day.Message(id).Status)
	require.NotContains(t, fmt.Sprintf("%v %+v", sent, sent[0]), "912345678", "it prints masked")
}

func TestSend_WaitsForSendAt(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	tr := otp()
	tr.SendAt = start.Add(time.Hour)
	day.Send(tr)
	day.Advance(time.Hour - time.Second)
	require.Empty(t, day.Sent())
	day.Advance(time.Second)
	require.Equal(t, []string{"1h0m0s line_notify 1"}, timeline(day))
}

// What falls due within one Advance happens at its own time and in its order.
func TestAdvance_LivesThroughTheTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		notify, sms simulated.Outcome
		timeline    []string
		status      status.Status
		delivered   time.Duration
	}{
		"the receipt comes before the wait ends": {
			simulated.DeliveredLater, simulated.Delivered, []string{"0s line_notify 1"}, status.Delivered, 2 * time.Second,
		},
		"the wait ends, then the receipt of the SMS comes": {
			simulated.Silent, simulated.DeliveredLater, []string{"0s line_notify 1", "2m0s sms 1"}, status.Delivered, 2*time.Minute + 2*time.Second,
		},
		"a lost answer is followed by a second try": {
			simulated.NoMatch, simulated.InDoubtLost, []string{"0s line_notify 1", "2m0s sms 1", "sms 2"}, status.Delivered, 0,
		},
		"a busy provider is tried again": {
			simulated.NoMatch, simulated.FlakyTwice, []string{"0s line_notify 1", "2m0s sms 1", "sms 2", "sms 3"}, status.Delivered, 0,
		},
		"nobody is reached": {
			simulated.NoMatch, simulated.UndeliverableLater, []string{"0s line_notify 1", "2m0s sms 1"}, status.Undeliverable, 0,
		},
		"someone must look": {
			simulated.NoMatch, simulated.SystemError, []string{"0s line_notify 1", "2m0s sms 1"}, status.Failed, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
			day.Script(channel.LINENotify, tt.notify)
			day.Script(channel.SMS, tt.sms)
			id := day.Send(otp())
			day.Advance(24 * time.Hour)
			require.Equal(t, start.Add(24*time.Hour), day.Now())
			lines := timeline(day)
			require.Len(t, lines, len(tt.timeline))
			for i, want := range tt.timeline {
				require.True(t, strings.HasSuffix(lines[i], want), "%v", lines) // the times of retries have jitter
			}
			m := day.Message(id)
			require.Equal(t, tt.status, m.Status)
			if tt.delivered > 0 {
				require.Equal(t, start.Add(tt.delivered), m.DeliveredAt)
			}
			for _, s := range day.Sent()[1:] {
				require.Less(t, s.At.Sub(start), time.Hour, "at its own time")
			}
		})
	}
}

func TestAdvance_SendsWhatTheApplicationTriggered(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	for range 3 {
		_, err := day.Dispatcher.Send(t.Context(), otp())
		require.NoError(t, err)
	}
	require.Empty(t, day.Sent())
	day.Advance(0)
	require.Len(t, day.Sent(), 3)
}

func TestScript_HoldsForOneAttempt(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	day.Script(channel.LINENotify, simulated.Blocked, simulated.TemplateConfig)
	var reasons []status.Reason
	for range 3 {
		reasons = append(reasons, day.Message(day.Send(otp())).Attempts[0].Reason)
	}
	require.Equal(t, []status.Reason{status.Blocked, status.TemplateConfig, ""}, reasons)
}

func TestReport_IsReceiptOfTheAttempt(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	day.Script(channel.LINENotify, simulated.Silent)
	day.Script(channel.SMS, simulated.Silent)
	id := day.Send(otp())
	day.Report(id, channel.Receipt{Channel: channel.LINENotify, Status: status.Undeliverable, Reason: status.Unverified})
	require.Equal(t, status.Unverified, day.Message(id).Attempts[0].Reason)
	day.Advance(time.Hour)
	require.Equal(t, []string{"0s line_notify 1", "2m0s sms 1"}, timeline(day))
	day.Report(id, channel.Receipt{Channel: channel.SMS, Status: status.Delivered})
	m := day.Message(id)
	require.Equal(t, status.Delivered, m.Status)
	require.Equal(t, channel.SMS, m.Channel)
	require.Equal(t, day.Now(), m.DeliveredAt)
}

// The application's own adapter says what content its channel takes, and never sends.
func TestNewDay_ChecksTemplatesWithTheAdapters(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]channel.Content{
		"":                                     line.Messages(`[{"type": "text", "text": "Order {{order}} has shipped."}]`),
		"Config.Templates[0].Route[0].Content": line.Messages(`[{"type": "video"}]`),
		"a whatsapp.Template":                  whatsapp.Template{Name: "shipped", Language: "en_US"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := smsplus.Config{Templates: []smsplus.Template{
				{ID: "shipped", Route: []smsplus.Step{{Channel: channel.LINENotify, Content: content}}},
			}}
			if name != "" {
				text := fatalOf(t, func(tb testing.TB) { smsplustest.NewDay(tb, config, newNotification(t)) })
				require.Contains(t, text, name)
				return
			}
			day := smsplustest.NewDay(t, config, newNotification(t))
			id := day.Send(smsplus.Trigger{Template: "shipped", To: channel.Recipient{Phone: customer}, Vars: map[string]string{"order": "A-1"}})
			require.JSONEq(t, `[{"type": "text", "text": "Order A-1 has shipped."}]`, day.Sent()[0].Text)
			require.Equal(t, status.Delivered, day.Message(id).Status)
		})
	}
}

// A simulated channel takes content of every kind, so that a template that ships is tested
// without an account.
func TestNewDay_TakesAnyContentWithoutAdapter(t *testing.T) {
	t.Parallel()
	shipped := whatsapp.Template{Name: "shipped", Language: "en_US", Body: []whatsapp.Parameter{{Text: "#{{order}}"}}}
	day := smsplustest.NewDay(t, smsplus.Config{Templates: []smsplus.Template{{ID: "shipped", Route: []smsplus.Step{
		{Channel: channel.WhatsApp, Content: shipped},
		{Channel: "carrier_pigeon", Content: line.Messages(`[{"type": "text", "text": "Order {{order}}"}]`)},
	}}}})
	day.Script(channel.WhatsApp, simulated.Blocked)
	day.Send(smsplus.Trigger{Template: "shipped", To: channel.Recipient{Phone: customer}, Vars: map[string]string{"order": "A-1"}})
	sent := day.Sent()
	require.Len(t, sent, 2)
	require.Equal(t, channel.Text("#A-1"), sent[0].Content.(whatsapp.Template).Body[0].Text)
	require.Empty(t, sent[0].Text)
	require.JSONEq(t, `[{"type": "text", "text": "Order A-1"}]`, sent[1].Text)
}

// own is a channel of the application.
type own struct{ sends int }

func (*own) Name() channel.Name     { return "own" }
func (*own) Traits() channel.Traits { return channel.Traits{} }
func (o *own) Send(context.Context, channel.Envelope) (channel.Result, error) {
	o.sends++
	return channel.Result{}, channel.Undeliverable(status.NoContact, "nobody is there")
}

func TestNewDay_UsesChannelsAndStoreOfConfig(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "messages.db")
	err := sqlitestore.Migrate(ctx, path)
	require.NoError(t, err)
	store, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })

	given := new(own)
	day := smsplustest.NewDay(t, smsplus.Config{
		Store: store, Channels: []channel.Channel{given},
		Templates: []smsplus.Template{{ID: "hello", Route: []smsplus.Step{
			{Channel: "own", Content: channel.Text("Hello")}, {Channel: channel.SMS, Content: channel.Text("Hello")},
		}}},
	})
	id := day.Send(smsplus.Trigger{Template: "hello", To: channel.Recipient{Phone: customer}})
	require.Equal(t, 1, given.sends)
	require.Equal(t, []string{"0s own 1", "0s sms 1"}, timeline(day))
	m, err := store.Message(ctx, id)
	require.NoError(t, err)
	require.Equal(t, status.Delivered, m.Status)
}

// endedTest is a test that Fatalf ends.
type endedTest struct {
	testing.TB
	text string
}

func (e *endedTest) Fatalf(format string, args ...any) {
	e.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fatalOf returns the error that ends a test that does something, or "".
func fatalOf(t *testing.T, do func(t testing.TB)) string {
	e := &endedTest{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(e)
	}()
	<-done
	return e.text
}

func TestDay_EndsTheTestWithAnError(t *testing.T) {
	t.Parallel()
	for want, do := range map[string]func(_ testing.TB, day *smsplustest.Day){
		"smsplustest: smsplus: no such message": func(_ testing.TB, day *smsplustest.Day) { day.Message(uuid.New()) },
		`smsplustest: channel "fax" is not simulated`: func(_ testing.TB, day *smsplustest.Day) {
			day.Script("fax", simulated.Delivered)
		},
		`smsplustest: the message has no attempt on channel "sms"`: func(_ testing.TB, day *smsplustest.Day) {
			day.Report(day.Send(otp()), channel.Receipt{Channel: channel.SMS, Status: status.Delivered})
		},
		`smsplustest: smsplus: bad trigger: Trigger.Template: no template "opt"`: func(_ testing.TB, day *smsplustest.Day) {
			day.Send(smsplus.Trigger{Template: "opt", To: channel.Recipient{Phone: customer}})
		},
		"smsplustest: Config.Clock must be nil": func(t testing.TB, day *smsplustest.Day) {
			smsplustest.NewDay(t, smsplus.Config{Clock: day.Clock()})
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			text := fatalOf(t, func(t testing.TB) { do(t, smsplustest.NewDay(t, smsplus.Config{Templates: templates})) })
			require.Contains(t, text, want)
			require.NotContains(t, text, "912345678")
		})
	}
}

func TestAdvance_KeepsLimits(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{
		Templates: templates, Limits: map[channel.Name]smsplus.Limit{channel.LINENotify: {Rate: 1}},
	})
	for range 3 {
		day.Send(otp())
	}
	day.Advance(10 * time.Second)
	require.Equal(t, []string{"0s line_notify 1", "1s line_notify 1", "2s line_notify 1"}, timeline(day))
}

func TestAdvance_MovesTheApplicationsClock(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	alarm := day.Clock().After(time.Hour)
	day.Advance(time.Hour - time.Second)
	require.Empty(t, alarm)
	day.Advance(time.Second)
	require.Equal(t, start.Add(time.Hour), (<-alarm).UTC())
	require.Equal(t, day.Now(), day.Clock().Now().UTC())
}
