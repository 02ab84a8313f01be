package simulated_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

func TestSend_TakesContentOfEveryKind(t *testing.T) {
	t.Parallel()
	for name, content := range map[channel.Name]channel.Content{
		channel.LINEPush: line.Messages(`[{"type":"text","text":"shipped"}]`),
		channel.WhatsApp: whatsapp.Template{Name: "shipped", Language: "en_US"},
	} {
		c := simulated.New(simulated.Config{Name: name})
		require.NoError(t, c.CheckContent(content))
		_, err := c.Send(t.Context(), channel.Envelope{AttemptID: uuid.New(), To: channel.Recipient{Phone: simulated.Number(0, 0, 0)}, Content: content})
		require.NoError(t, err)
		inbox := c.Inbox()
		require.Len(t, inbox, 1)
		require.Equal(t, content, inbox[0].Content)
	}
	require.Error(t, simulated.SMS(nil).CheckContent(nil))
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func mockClock() *clock.Mock {
	mock := clock.NewMock()
	mock.Set(start)
	return mock
}

func attemptID(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, n)) }

// sameOutcomeEverywhere returns a recipient with the same outcome on every channel.
func sameOutcomeEverywhere(o simulated.Outcome) channel.Recipient {
	return channel.Recipient{Phone: simulated.Number(o, o, o)}
}

func envelope(o simulated.Outcome, try int) channel.Envelope {
	return channel.Envelope{AttemptID: attemptID(0), To: sameOutcomeEverywhere(o), Content: channel.Text("Hello"), Try: try}
}

// timelineOf sends an envelope and moves the clock until no receipt is pending. It returns
// the answer, then each receipt with its time, and the times when copies reached the
// person.
func timelineOf(t *testing.T, c *simulated.Channel, mock *clock.Mock, e channel.Envelope) string {
	t.Helper()
	var said []string
	since := func() string { return "+" + mock.Now().Sub(start).String() }
	sink := func(_ context.Context, rs ...channel.Receipt) error {
		for _, r := range rs {
			require.Equal(t, channel.Ref{Channel: c.Name(), ProviderID: e.AttemptID.String()}, r.Ref())
			said = append(said, since()+" "+formatStatus(r.Status, r.Reason, r.Read))
		}
		return nil
	}
	defer c.Connect(sink)()

	result, err := c.Send(t.Context(), e)
	said = append(said, formatAnswer(result, err))
	for next := c.Next(); !next.IsZero(); next = c.Next() {
		if next.After(mock.Now()) {
			mock.Set(next)
		}
		_, err := c.Deliver(t.Context(), sink)
		require.NoError(t, err)
	}
	mock.Add(24 * time.Hour)
	for _, copied := range c.Inbox() {
		require.Equal(t, "Hello", copied.Text)
		require.Equal(t, e.To, copied.To)
		said = append(said, "inbox +"+copied.At.Sub(start).String())
	}
	return strings.Join(said, ", ")
}

func formatAnswer(result channel.Result, err error) string {
	if e, ok := errors.AsType[*channel.Error](err); ok {
		switch {
		case e.InDoubt():
			return "in doubt"
		case e.RetryAfter() > 0:
			return "temporary " + e.RetryAfter().String()
		case e.Status() == status.Preparing:
			return "temporary"
		default:
			return "error " + formatStatus(e.Status(), e.Reason(), false)
		}
	}
	return formatStatus(result.Status, result.Reason, false)
}

func formatStatus(s status.Status, reason status.Reason, read bool) string {
	switch {
	case read:
		return "read"
	case reason != "":
		return s.String() + " " + string(reason)
	default:
		return s.String()
	}
}

// wantTimelines holds the timeline of each outcome's first try on SMS, and on the other
// channels where it differs.
var wantTimelines = map[simulated.Outcome]struct{ sms, whatsApp, linePush string }{
	simulated.Delivered: {"delivered, inbox +0s", "", ""},
	simulated.DeliveredLater: {
		"accepted, +2s delivered, inbox +2s", "", "delivered, inbox +0s",
	},
	simulated.ReadLater: {
		"accepted, +2s delivered, inbox +2s",
		"accepted, +2s delivered, +4s read, inbox +2s",
		"delivered, inbox +0s",
	},
	simulated.DeliveredLate: {
		"accepted, +6h0m0s delivered, inbox +6h0m0s", "", "delivered, inbox +0s",
	},
	simulated.ToldLate: {
		"accepted, +6h0m0s delivered, inbox +2s", "", "delivered, inbox +0s",
	},
	simulated.DeliveredAfterAll: {
		"accepted, +2s undeliverable carrier_error, +6h0m0s delivered, inbox +6h0m0s",
		"",
		"undeliverable carrier_error, +6h0m0s delivered, inbox +6h0m0s",
	},
	simulated.NoContact:        {"error undeliverable no_contact", "", ""},
	simulated.Blocked:          {"error undeliverable blocked", "", ""},
	simulated.QuotaExceeded:    {"error undeliverable quota_exceeded", "", ""},
	simulated.NoMatch:          {"error undeliverable no_match", "", ""},
	simulated.InvalidNumber:    {"error undeliverable invalid_number", "", ""},
	simulated.TemplateMismatch: {"error undeliverable template_mismatch", "", ""},
	simulated.Permission:       {"error undeliverable permission", "", ""},
	simulated.Unauthorized:     {"error undeliverable authorization", "", ""},
	simulated.ContentRejected:  {"error undeliverable content_rejected", "", ""},
	simulated.CarrierError:     {"error undeliverable carrier_error", "", ""},
	simulated.Silent:           {"accepted", "", "in doubt"},
	simulated.UndeliverableLater: {
		"accepted, +2s undeliverable carrier_error", "", "undeliverable carrier_error",
	},
	simulated.UnverifiedLater: {
		"accepted, +2s undeliverable unverified", "", "undeliverable unverified",
	},
	simulated.FailedLater: {
		"accepted, +2s failed system_error", "", "failed system_error",
	},
	simulated.TemplateConfig: {"error failed template_config", "", ""},
	simulated.SystemError:    {"error failed system_error", "", ""},
	simulated.FlakyTwice:     {"temporary", "", ""},
	simulated.Throttled:      {"temporary 30s", "", ""},
	simulated.Down:           {"temporary", "", ""},
	simulated.InDoubtTaken: {
		"in doubt, +2s delivered, inbox +2s", "", "in doubt, inbox +0s",
	},
	simulated.InDoubtLost: {"in doubt", "", ""},
	simulated.ReceiptFirst: {
		"+0s delivered, accepted, inbox +0s", "", "+0s delivered, delivered, inbox +0s",
	},
	simulated.ReceiptTwice: {
		"accepted, +2s delivered, +4s delivered, inbox +2s", "", "delivered, +4s delivered, inbox +0s",
	},
	simulated.OutOfOrder: {
		"accepted, +6s delivered, +8s accepted, inbox +2s",
		"accepted, +4s read, +6s delivered, +8s accepted, inbox +2s",
		"delivered, inbox +0s",
	},
}

func TestOutcome_DoesWhatTableSays(t *testing.T) {
	t.Parallel()
	ofItsOwn := []simulated.Outcome{simulated.Slow, simulated.Hangs, simulated.Panics}
	require.Len(t, simulated.Outcomes(), len(wantTimelines)+len(ofItsOwn))
	for o, want := range wantTimelines {
		for _, tt := range []struct {
			open func(simulated.Clock) *simulated.Channel
			want string
		}{
			{simulated.SMS, want.sms},
			{simulated.LINENotify, want.sms},
			{simulated.WhatsApp, cmp.Or(want.whatsApp, want.sms)},
			{simulated.LINEPush, cmp.Or(want.linePush, want.sms)},
		} {
			mock := mockClock()
			c := tt.open(mock)
			t.Run(fmt.Sprintf("%v/%s", o, c.Name()), func(t *testing.T) {
				t.Parallel()
				require.Equal(t, tt.want, timelineOf(t, c, mock, envelope(o, 1)))
			})
		}
	}
}

func TestOutcome_IsInPackageComment(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^//\t (\d\d)   (\w+)`).FindAllSubmatch(doc, -1)
	var got, want []string
	for _, row := range rows {
		got = append(got, string(row[1])+" "+string(row[2]))
	}
	for _, o := range simulated.Outcomes() {
		want = append(want, fmt.Sprintf("%02d %v", uint8(o), o))
	}
	require.Equal(t, want, got)
}

func TestSend_LaterTriesSucceed(t *testing.T) {
	t.Parallel()
	const fine = "accepted, +2s delivered, inbox +2s"
	for _, tt := range []struct {
		outcome simulated.Outcome
		try     int
		want    string
	}{
		{simulated.FlakyTwice, 2, "temporary"},
		{simulated.FlakyTwice, 3, fine},
		{simulated.Throttled, 2, fine},
		{simulated.InDoubtLost, 2, fine},
		{simulated.InDoubtTaken, 2, fine},
		{simulated.Down, 99, "temporary"},
	} {
		t.Run(fmt.Sprintf("%v/%d", tt.outcome, tt.try), func(t *testing.T) {
			t.Parallel()
			mock := mockClock()
			require.Equal(t, tt.want, timelineOf(t, simulated.SMS(mock), mock, envelope(tt.outcome, tt.try)))
		})
	}
}

func TestNumber_ChoosesOutcomeOfEachStep(t *testing.T) {
	t.Parallel()
	composed, err := phone.Parse("+886900102001")
	require.NoError(t, err)
	require.Equal(t, composed, simulated.Number(simulated.NoContact, simulated.Silent, simulated.DeliveredLater))

	to := channel.Recipient{Phone: composed}
	require.Equal(t, simulated.NoContact, simulated.LINEPush(nil).Outcome(to))
	require.Equal(t, simulated.Silent, simulated.LINENotify(nil).Outcome(to))
	require.Equal(t, simulated.Silent, simulated.WhatsApp(nil).Outcome(to))
	require.Equal(t, simulated.DeliveredLater, simulated.SMS(nil).Outcome(to))
	require.Equal(t, simulated.DeliveredLater, simulated.New(simulated.Config{Name: "fax"}).Outcome(to))
	require.Equal(t, simulated.NoContact,
		simulated.New(simulated.Config{Name: "fax", Place: simulated.First}).Outcome(to))
}

func TestOutcome_UnknownPairIsDelivered(t *testing.T) {
	t.Parallel()
	plain, err := phone.Parse("+886912345699")
	require.NoError(t, err)
	push, sms := simulated.LINEPush(nil), simulated.SMS(nil)
	require.Equal(t, simulated.Delivered, sms.Outcome(channel.Recipient{Phone: plain}))
	require.Equal(t, simulated.Delivered, push.Outcome(channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "Uffffffffff"}}))
	require.Equal(t, simulated.Delivered, push.Outcome(channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U"}}))
}

func TestOutcome_WithoutPhoneTheChannelsOwnIDReaches(t *testing.T) {
	t.Parallel()
	to := channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U0123456789abcdef0123456789110000"}}
	require.Equal(t, simulated.Blocked, simulated.LINEPush(nil).Outcome(to))
	require.Equal(t, simulated.InvalidNumber, simulated.SMS(nil).Outcome(to))
	require.Equal(t, simulated.InvalidNumber, simulated.LINENotify(nil).Outcome(to))
	require.Equal(t, simulated.InvalidNumber, simulated.WhatsApp(nil).Outcome(to))
	own := map[channel.Name]string{channel.SMS: "000011", channel.LINENotify: "001100", channel.WhatsApp: "001100", "chat": "000011"}
	require.Equal(t, simulated.InvalidNumber, simulated.SMS(nil).Outcome(channel.Recipient{IDs: own}))
	require.Equal(t, simulated.InvalidNumber, simulated.LINENotify(nil).Outcome(channel.Recipient{IDs: own}))
	require.Equal(t, simulated.Blocked, simulated.WhatsApp(nil).Outcome(channel.Recipient{IDs: own}))
	require.Equal(t, simulated.Blocked, simulated.New(simulated.Config{Name: "chat"}).Outcome(channel.Recipient{IDs: own}))
}

func TestScript_ChoosesOutcomesOfNextAttempts(t *testing.T) {
	t.Parallel()
	sms := simulated.SMS(mockClock())
	send := func(attempt, try int) string {
		e := envelope(simulated.Blocked, try)
		e.AttemptID = attemptID(attempt)
		return formatAnswer(sms.Send(t.Context(), e))
	}
	sms.Script(simulated.InDoubtTaken, simulated.NoMatch)
	require.Equal(t, "in doubt", send(1, 1))
	require.Equal(t, "error undeliverable no_match", send(2, 1))
	require.Equal(t, "error undeliverable blocked", send(3, 1), "the script is over")
	require.Equal(t, "accepted", send(1, 2), "an attempt keeps its outcome")
	require.Equal(t, "error undeliverable no_match", send(2, 2))

	sms.Script(simulated.Silent, simulated.Silent)
	require.Equal(t, "accepted", send(4, 1))
	sms.Reset()
	require.Equal(t, "error undeliverable blocked", send(4, 1))
	require.Equal(t, "error undeliverable blocked", send(5, 1))
}

func TestNumber_AnyPairsCompose(t *testing.T) {
	t.Parallel()
	push, notify, sms := simulated.LINEPush(nil), simulated.LINENotify(nil), simulated.SMS(nil)
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.SampledFrom(simulated.Outcomes())
		p, n, s := pair.Draw(t, "push"), pair.Draw(t, "notify"), pair.Draw(t, "sms")
		to := channel.Recipient{Phone: simulated.Number(p, n, s)}
		require.Equal(t, []simulated.Outcome{p, n, s},
			[]simulated.Outcome{push.Outcome(to), notify.Outcome(to), sms.Outcome(to)})
	})
}

func TestOutcome_ExistsForAnyID(t *testing.T) {
	t.Parallel()
	push := simulated.LINEPush(nil)
	rapid.Check(t, func(t *rapid.T) {
		o := push.Outcome(channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: rapid.StringN(1, -1, -1).Draw(t, "id")}})
		require.Contains(t, simulated.Outcomes(), o)
	})
}

func TestSend_IdempotentChannelTakesAttemptOnce(t *testing.T) {
	t.Parallel()
	mock := mockClock()
	push := simulated.LINEPush(mock)
	for try := range 3 {
		_, err := push.Send(t.Context(), envelope(simulated.InDoubtTaken, try+1))
		require.Equal(t, try == 0, err != nil)
	}
	require.Len(t, push.Inbox(), 1)
	require.Zero(t, push.Duplicates())
}

func TestSend_OtherChannelDeliversCopyPerTry(t *testing.T) {
	t.Parallel()
	mock := mockClock()
	sms := simulated.SMS(mock)
	for try := range 3 {
		_, err := sms.Send(t.Context(), envelope(simulated.InDoubtTaken, try+1))
		require.Equal(t, try == 0, err != nil)
	}
	require.Empty(t, sms.Inbox(), "nothing has arrived yet")
	mock.Add(2 * time.Second)
	require.Len(t, sms.Inbox(), 3)
	require.Equal(t, 2, sms.Duplicates())
}

func TestExpires_LateMessageDoesNotArrive(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcome simulated.Outcome
		expires time.Duration
		want    string
	}{
		{simulated.DeliveredLater, time.Hour, "accepted, +2s delivered, inbox +2s"},
		{simulated.DeliveredLate, time.Hour, "accepted, +1h0m0s undeliverable expired"},
		{simulated.ToldLate, time.Hour, "accepted, +6h0m0s delivered, inbox +2s"},
		{simulated.DeliveredAfterAll, time.Hour, "accepted, +2s undeliverable carrier_error, +1h0m0s undeliverable expired"},
		{simulated.OutOfOrder, time.Second, "accepted, +1s undeliverable expired, +8s accepted"},
		{simulated.Delivered, -time.Hour, "undeliverable expired"},
		{simulated.Silent, time.Hour, "accepted"},
	} {
		t.Run(tt.outcome.String(), func(t *testing.T) {
			t.Parallel()
			mock := mockClock()
			e := envelope(tt.outcome, 1)
			e.Expires = start.Add(tt.expires)
			require.Equal(t, tt.want, timelineOf(t, simulated.SMS(mock), mock, e))
		})
	}
}

func TestExpires_IgnoredWithoutTrait(t *testing.T) {
	t.Parallel()
	mock := mockClock()
	e := envelope(simulated.DeliveredLate, 1)
	e.Expires = start.Add(time.Hour)
	require.Equal(t, "accepted, +6h0m0s delivered, inbox +6h0m0s", timelineOf(t, simulated.WhatsApp(mock), mock, e))
}

func TestReceiptFirst_WaitsWithoutSink(t *testing.T) {
	t.Parallel()
	mock := mockClock()
	sms := simulated.SMS(mock)
	_, err := sms.Send(t.Context(), envelope(simulated.ReceiptFirst, 1))
	require.NoError(t, err)
	require.Equal(t, start, sms.Next())
	n, err := sms.Deliver(t.Context(), func(context.Context, ...channel.Receipt) error { return nil })
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestReceiptFirst_RepeatsAfterRefusal(t *testing.T) {
	t.Parallel()
	sms := simulated.SMS(mockClock())
	disconnect := sms.Connect(func(context.Context, ...channel.Receipt) error { return errors.New("store is down") })
	_, err := sms.Send(t.Context(), envelope(simulated.ReceiptFirst, 1))
	require.NoError(t, err)
	disconnect()
	require.Equal(t, start, sms.Next())
}

func TestDeliver_RepeatsRefusedReceipts(t *testing.T) {
	t.Parallel()
	mock := mockClock()
	sms := simulated.SMS(mock)
	const many = 250 // more than one call of the sink gets
	for i := range many {
		e := envelope(simulated.DeliveredLater, 1)
		e.AttemptID = attemptID(i)
		_, err := sms.Send(t.Context(), e)
		require.NoError(t, err)
	}
	mock.Add(2 * time.Second)

	var got []string
	refused := errors.New("store is down")
	calls := 0
	sink := func(_ context.Context, rs ...channel.Receipt) error {
		if calls++; calls == 2 {
			return refused
		}
		for _, r := range rs {
			got = append(got, r.ProviderID)
		}
		return nil
	}
	n, err := sms.Deliver(t.Context(), sink)
	require.ErrorIs(t, err, refused)
	require.Len(t, got, n)
	m, err := sms.Deliver(t.Context(), sink)
	require.NoError(t, err)
	require.Equal(t, many, n+m)
	for i := range many {
		require.Equal(t, attemptID(i).String(), got[i], "in the order of their times")
	}
}

func TestDeliver_StopsAfterContextEnd(t *testing.T) {
	t.Parallel()
	sms := simulated.SMS(mockClock())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sms.Deliver(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestListen_DeliversEachReceiptAtItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whatsApp := simulated.WhatsApp(nil)
		began := time.Now()
		var (
			mu  sync.Mutex
			got []string
		)
		refusals := 1
		sink := func(_ context.Context, rs ...channel.Receipt) error {
			mu.Lock()
			defer mu.Unlock()
			if refusals > 0 {
				refusals--
				return errors.New("store is down")
			}
			for _, r := range rs {
				got = append(got, fmt.Sprint(time.Since(began), " ", formatStatus(r.Status, r.Reason, r.Read)))
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- whatsApp.Listen(ctx, sink) }()
		synctest.Wait()

		_, err := whatsApp.Send(t.Context(), envelope(simulated.DeliveredLate, 1))
		require.NoError(t, err)
		synctest.Wait()
		_, err = whatsApp.Send(t.Context(), envelope(simulated.ReadLater, 1))
		require.NoError(t, err)
		<-time.After(24 * time.Hour)

		mu.Lock()
		require.Equal(t, []string{"3s delivered", "4s read", "6h0m0s delivered"}, got,
			"the first was refused at 2s and came again a second later")
		mu.Unlock()
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

func TestListen_DeliversReceiptFirstBeforeAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sms := simulated.SMS(nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		answered := false
		before := false
		go func() {
			ended <- sms.Listen(ctx, func(context.Context, ...channel.Receipt) error {
				before = !answered
				return nil
			})
		}()
		synctest.Wait()
		_, err := sms.Send(t.Context(), envelope(simulated.ReceiptFirst, 1))
		answered = true
		require.NoError(t, err)
		require.True(t, before)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

func TestListen_EndsWhileSinkFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sms := simulated.SMS(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := sms.Send(t.Context(), envelope(simulated.ReceiptFirst, 1))
		require.NoError(t, err)
		err = sms.Listen(ctx, func(context.Context, ...channel.Receipt) error { return errors.New("store is down") })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, sms.Next().IsZero(), "the receipt is still on its way")
	})
}

func TestSlow_AnswersInTimeUnlessContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sms := simulated.SMS(nil)
		began := time.Now()
		result, err := sms.Send(t.Context(), envelope(simulated.Slow, 1))
		require.Equal(t, "accepted", formatAnswer(result, err))
		require.Equal(t, 10*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		result, err = sms.Send(ctx, envelope(simulated.Slow, 1))
		require.Equal(t, "in doubt", formatAnswer(result, err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestHangs_UntilClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sms := simulated.SMS(nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		e := envelope(simulated.Hangs, 1)
		_, err := sms.Send(ctx, e)
		require.ErrorIs(t, err, context.Canceled, "a context that ended before is not even tried")

		done := make(chan error, 1)
		go func() {
			_, err := sms.Send(t.Context(), e)
			done <- err
		}()
		synctest.Wait()
		require.Empty(t, done)
		require.NoError(t, sms.Close())
		require.NoError(t, sms.Close())
		require.Error(t, <-done)
		_, err = sms.Send(t.Context(), e)
		require.Error(t, err)
	})
}

func TestPanics_WithoutNamingRecipient(t *testing.T) {
	t.Parallel()
	defer func() { require.NotRegexp(t, `\d`, recover()) }()
	_, _ = simulated.SMS(nil).Send(t.Context(), envelope(simulated.Panics, 1))
	t.Fatal("it returned")
}

func TestMemory_KeepsLatestAttempts(t *testing.T) {
	t.Parallel()
	sms := simulated.New(simulated.Config{Clock: mockClock(), Memory: 2})
	for i := range 3 {
		e := envelope(simulated.Delivered, 1)
		e.AttemptID = attemptID(i)
		_, err := sms.Send(t.Context(), e)
		require.NoError(t, err)
	}
	inbox := sms.Inbox()
	require.Len(t, inbox, 2)
	require.Equal(t, attemptID(1), inbox[0].AttemptID)
	require.Equal(t, attemptID(2), inbox[1].AttemptID)
}

func TestReset_ForgetsEverything(t *testing.T) {
	t.Parallel()
	push := simulated.LINEPush(mockClock())
	e := envelope(simulated.DeliveredAfterAll, 1)
	_, err := push.Send(t.Context(), e)
	require.NoError(t, err)
	require.False(t, push.Next().IsZero())
	push.Reset()
	require.True(t, push.Next().IsZero())
	require.Empty(t, push.Inbox())
	_, err = push.Send(t.Context(), e)
	require.NoError(t, err)
	require.False(t, push.Next().IsZero(), "the attempt is new again")
}

func TestDelivered_AcceptsFirstIfMachineRequires(t *testing.T) {
	t.Parallel()
	machine, err := status.NewMachine(status.Preparing,
		status.Edge{From: status.Preparing, To: status.Accepted},
		status.Edge{From: status.Accepted, To: status.Delivered})
	require.NoError(t, err)
	mock := mockClock()
	c := simulated.New(simulated.Config{Name: "fax", Clock: mock, Traits: channel.Traits{Machine: machine}})
	require.Equal(t, "accepted, +0s delivered, inbox +0s", timelineOf(t, c, mock, envelope(simulated.Delivered, 1)))
}
