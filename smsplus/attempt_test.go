package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestTemporaryErrorsAreRetriedWithBackoff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, inTurn(fails(errors.New("503")), fails(errors.New("503")), says(status.Delivered)), smsplus.Step{}}})
	id := w.send()
	m := w.message(id)
	require.Equal(t, "preparing: sms=preparing(system_error)", statuses(m))
	require.Equal(t, "503", m.Attempts[0].Detail)
	require.Equal(t, 1, m.Attempts[0].Tries)
	require.WithinRange(t, m.DueAt, start.Add(time.Second/2), start.Add(time.Second))

	require.Equal(t, 1, w.pass(time.Second))
	second := w.clock.Now()
	require.WithinRange(t, w.message(id).DueAt, second.Add(time.Second), second.Add(2*time.Second))

	require.Equal(t, 1, w.pass(2*time.Second))
	m = w.message(id)
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	require.Equal(t, 3, m.Attempts[0].Tries)
	require.Equal(t, start, m.Attempts[0].StartedAt)
	var tries []int
	for _, c := range w.channels[channel.SMS].SendCalls() {
		tries = append(tries, c.E.Try)
		require.Equal(t, m.Attempts[0].ID, c.E.AttemptID)
	}
	require.Equal(t, []int{1, 2, 3}, tries)
}

func TestARetryAfterLengthensTheWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, fails(channel.Temporary(errors.New("429"), time.Hour)), smsplus.Step{}}})
	require.Equal(t, start.Add(time.Hour), w.message(w.send()).DueAt)
}

func TestAnAttemptFailsWhenItsTriesOrItsWaitAreUsedUp(t *testing.T) {
	t.Parallel()
	down := fails(errors.New("503"))
	t.Run("tries", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, []step{{channel.SMS, down, smsplus.Step{}}}, func(c *smsplus.Config) { c.Retry.Tries = 3 })
		id := w.send()
		w.pass(time.Minute)
		require.Equal(t, status.Preparing, w.message(id).Status)
		w.pass(time.Minute)
		require.Equal(t, "failed: sms=failed(system_error)", statuses(w.message(id)))
		require.Equal(t, 3, w.sends(channel.SMS))
	})
	t.Run("wait", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, []step{
			{channel.SMS, fails(channel.Temporary(errors.New("429"), time.Hour)), smsplus.Step{Wait: time.Minute, OnFailed: smsplus.Forward}},
			{"letter", says(status.Delivered), smsplus.Step{}},
		})
		require.Equal(t, "delivered: sms=failed(system_error) letter=delivered", statuses(w.message(w.send())))
	})
}

func TestAnAnswerThatTheMachineDoesNotKnowFailsTheAttempt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   channel.Name
		answer status.Status
	}{
		{channel.LINEPush, status.Accepted},
		{channel.LINEPush, status.Preparing},
		{channel.SMS, status.Preparing},
		{channel.WhatsApp, status.Preparing},
		{channel.SMS, status.Status(9)},
	} {
		w := newWorld(t, []step{{tt.name, says(tt.answer), smsplus.Step{}}})
		require.Equal(t, fmt.Sprintf("failed: %s=failed(system_error)", tt.name), statuses(w.message(w.send())), tt.answer)
	}
	w := newWorld(t, []step{{channel.WhatsApp, says(status.Accepted), smsplus.Step{}}})
	require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(w.send())), "the initial status is an answer")
}

func TestAPanickingChannelFailsItsAttemptAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		if e.To.Phone.E164() == "+886912345678" {
			panic(e.To.Phone.E164())
		}
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}})
	bad := w.send()
	good := w.send(func(tr *smsplus.Trigger) { tr.To.Phone = number(t, "+886912345679") })
	require.Equal(t, "failed: sms=failed(system_error)", statuses(w.message(bad)))
	require.Equal(t, "the channel or its content panicked (string)", w.message(bad).Attempts[0].Detail)
	require.Equal(t, status.Delivered, w.message(good).Status)
}

func TestNoDetailHoldsTheNumberOrTheText(t *testing.T) {
	t.Parallel()
	leaky := "POST https://sms.example/?to=886912345678&dst=0912345678&alt=(0912)-345-678&user=U4af4980629&text=code+498172 " + strings.Repeat("長", 400)
	answers := map[string]answer{
		"plain":         fails(errors.New(leaky)),
		"undeliverable": fails(channel.Undeliverable(status.InvalidNumber, leaky)),
		"result": func(context.Context, channel.Envelope) (channel.Result, error) {
			return channel.Result{Status: status.Failed, Reason: status.SystemError, Detail: leaky}, nil
		},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{{channel.SMS, a, smsplus.Step{}}})
			m := w.message(w.send(func(tr *smsplus.Trigger) { tr.To.LINEUserID = "U4af4980629" }))
			detail := m.Attempts[0].Detail
			require.NotEmpty(t, detail)
			require.LessOrEqual(t, len(detail), 500)
			for _, secret := range []string{"912345678", "U4af4980629", "498172"} {
				require.NotContains(t, detail, secret)
			}
		})
	}
	t.Run("receipt", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}})
		id := w.send()
		w.receive(receipt(w.message(id), 0, status.Undeliverable, func(r *channel.Receipt) { r.Detail = leaky + "\x00" }))
		require.NotContains(t, w.message(id).Attempts[0].Detail, "912345678")
	})
}

// inDoubt is a send whose outcome nobody knows, made in three ways: the adapter
// says so, its call was cut off, or the dispatcher died during it.
var inDoubt = map[string]answer{
	"the adapter says so": fails(channel.InDoubt(errors.New("no answer"))),
	"the call is cut off": func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		<-ctx.Done()
		return channel.Result{}, fmt.Errorf("post: %w", ctx.Err())
	},
	"the dispatcher dies": nil,
}

// doubtful returns a world whose first send on the channel ended in doubt, and
// whose next ones are delivered.
func doubtful(t *testing.T, how string, name channel.Name, policy smsplus.Policy) (*world, uuid.UUID) {
	t.Helper()
	steps := []step{
		{name, inTurn(inDoubt[how], says(status.Delivered)), smsplus.Step{Wait: wait, InDoubt: policy}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	}
	if inDoubt[how] == nil {
		steps[0].answer = says(status.Delivered)
	}
	w := newWorld(t, steps, func(c *smsplus.Config) { c.SendTimeout = time.Millisecond })
	if inDoubt[how] != nil {
		return w, w.send()
	}
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	_, err = w.store.Claim(t.Context(), smsplus.Claim{Now: w.clock.Now(), Lease: time.Minute, Limit: 1}) // and no more was heard of it
	require.NoError(t, err)
	return w, id
}

func TestASendInDoubt(t *testing.T) {
	t.Parallel()
	for how := range inDoubt {
		for _, tt := range []struct {
			name   channel.Name
			policy smsplus.Policy
			want   string
		}{
			{channel.SMS, smsplus.Resend, "delivered: sms=delivered"},
			{channel.SMS, smsplus.Forward, "delivered: sms=undeliverable(in_doubt) letter=delivered"},
			{channel.LINEPush, smsplus.Forward, "delivered: line_push=delivered"}, // idempotent: no doubt remains
		} {
			t.Run(fmt.Sprintf("%s, %s, policy %d", how, tt.name, tt.policy), func(t *testing.T) {
				t.Parallel()
				w, id := doubtful(t, how, tt.name, tt.policy)
				w.pass(time.Minute)
				m := w.message(id)
				require.Equal(t, tt.want, statuses(m))
				for _, c := range w.channels[tt.name].SendCalls() {
					require.Equal(t, m.Attempts[0].ID, c.E.AttemptID)
				}
			})
		}
	}
}

func TestASendInDoubtThatForwardsStillWaitsUniformly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINENotify, inDoubt["the adapter says so"], smsplus.Step{Wait: wait, InDoubt: smsplus.Forward}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	require.Equal(t, start.Add(wait), w.message(id).DueAt)
	w.pass(time.Hour)
	m := w.message(id)
	w.receive(channel.Receipt{Channel: channel.LINENotify, ProviderID: m.Attempts[0].ID.String(), Status: status.Delivered})
	w.pass(wait)
	require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)))
	require.Zero(t, w.sends(channel.SMS))
}

func TestAReceiptThatQuotesTheAttemptSettlesADoubt(t *testing.T) {
	t.Parallel()
	for how := range inDoubt {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w, id := doubtful(t, how, channel.SMS, smsplus.Resend)
			sent := w.sends(channel.SMS)
			w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered})
			w.pass(time.Hour)
			require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
			require.Equal(t, sent, w.sends(channel.SMS), "nothing is sent again")
		})
	}
}

func TestAMessageThatKillsItsDispatchersFailsInTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{Wait: 240 * time.Hour}}}, func(c *smsplus.Config) { c.Retry.Tries = 3 })
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	for range 3 {
		_, err = w.store.Claim(t.Context(), smsplus.Claim{Now: w.clock.Now(), Lease: time.Minute, Limit: 1})
		require.NoError(t, err)
		w.clock.Add(time.Minute)
	}
	w.tick()
	require.Equal(t, "failed: sms=failed(system_error)", statuses(w.message(id)))
	require.Zero(t, w.sends(channel.SMS))
}

func TestAMessageOfATemplateOrChannelThatIsGoneIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	old := w.config
	for name, change := range map[string]func(*smsplus.Config){
		"no such template": func(c *smsplus.Config) { c.Templates = nil },
		"no such channel":  func(c *smsplus.Config) { c.Templates, c.Channels = nil, nil },
	} {
		w.config = old
		change(&w.config)
		_, err := w.another().Tick(t.Context())
		require.NoError(t, err)
		m := w.message(id)
		require.Equal(t, "preparing: sms=preparing(template_config)", statuses(m), name)
		w.clock.Set(m.DueAt)
	}
	w.tick()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)), "a dispatcher that knows both sends it")
}

func TestContentThatCannotBeRenderedFailsTheAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.config.Templates[0].Route[0].Content = channel.Text("{{code}} and {{another}}")
	_, err = w.another().Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, "failed: sms=failed(template_config)", statuses(w.message(id)))
	require.Contains(t, w.message(id).Attempts[0].Detail, "another")
}

func TestTickKeepsTheRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 1, Burst: 2}}
	})
	for range 5 {
		_, err := w.Send(t.Context(), w.trigger())
		require.NoError(t, err)
	}
	require.Equal(t, 2, w.tick())
	require.Equal(t, 1, w.pass(time.Second))
	require.Equal(t, 1, w.pass(time.Second))
	require.Equal(t, 1, w.pass(time.Second))
	require.Equal(t, 0, w.pass(time.Hour))
	require.Equal(t, 5, w.sends(channel.SMS))
}

func TestAStepIsNotStartedOnceADeliveryIsStored(t *testing.T) {
	t.Parallel()
	// The receipt comes between the claim and the send of the next step.
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	m := w.message(id)
	w.config.Store = &hookedStore{Store: w.store, afterClaim: func() { w.receive(receipt(m, 0, status.Delivered)) }}
	w.clock.Add(wait)
	_, err := w.another().Tick(t.Context())
	require.NoError(t, err)
	require.Zero(t, w.sends(channel.SMS))
	require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)), "no record of an attempt that never was")
}

// hookedStore lets a test do something just after a claim.
type hookedStore struct {
	smsplus.Store
	afterClaim func()
}

func (s *hookedStore) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	if len(claimed.Messages) > 0 {
		s.afterClaim()
	}
	return claimed, err
}
