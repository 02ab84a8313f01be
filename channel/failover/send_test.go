package failover_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/status"
)

func TestSend_TriesNextOnlyAfterCertainRefusal(t *testing.T) {
	t.Parallel()
	busy := errors.New("busy")
	for name, tt := range map[string]struct {
		err  error
		next bool
	}{
		"temporary":                     {channel.Temporary(busy, 0), true},
		"throttled":                     {channel.Temporary(busy, time.Minute), true},
		"any other error":               {busy, true},
		"a wrapped error":               {fmt.Errorf("x: %w", channel.Temporary(busy, 0)), true},
		"credentials refused":           {channel.Undeliverable(status.Authorization, ""), true},
		"an account without rights":     {channel.Undeliverable(status.Permission, ""), true},
		"a balance used up":             {channel.Undeliverable(status.QuotaExceeded, ""), true},
		"a balance used up, as Fail":    {channel.Failed(status.QuotaExceeded, ""), true},
		"system error":                  {channel.Failed(status.SystemError, ""), true},
		"template config":               {channel.Failed(status.TemplateConfig, ""), true},
		"in doubt":                      {channel.InDoubt(busy), false},
		"a wrapped doubt":               {fmt.Errorf("x: %w", channel.InDoubt(busy)), false},
		"no contact":                    {channel.Undeliverable(status.NoContact, ""), false},
		"blocked":                       {channel.Undeliverable(status.Blocked, ""), false},
		"no match":                      {channel.Undeliverable(status.NoMatch, ""), false},
		"invalid number":                {channel.Undeliverable(status.InvalidNumber, ""), false},
		"content rejected":              {channel.Undeliverable(status.ContentRejected, ""), false},
		"template mismatch":             {channel.Undeliverable(status.TemplateMismatch, ""), false},
		"carrier error":                 {channel.Undeliverable(status.CarrierError, ""), false},
		"a reason of the adapter's":     {channel.Undeliverable("landline", ""), false},
		"a failure of the adapter's":    {channel.Failed("landline", ""), false},
		"an undeliverable, unexplained": {channel.Undeliverable("", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, tt.err), newWorkingProvider("two")
			result, err := openSMS(t, primary, backup).Send(t.Context(), envelope())
			require.Equal(t, 1, primary.takeCount())
			if tt.next {
				require.NoError(t, err)
				require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: "two:1"}, result)
				require.Equal(t, 1, backup.takeCount())
				return
			}
			require.Zero(t, backup.takeCount())
			want, got := requireRefusal(t, tt.err), requireRefusal(t, err)
			require.Equal(t, want.Status(), got.Status())
			require.Equal(t, want.Reason(), got.Reason())
			require.Equal(t, want.InDoubt(), got.InDoubt())
		})
	}
}

func TestSend_ReturnsAnyAnswer(t *testing.T) {
	t.Parallel()
	for _, s := range []status.Status{status.Accepted, status.Delivered, status.Undeliverable, status.Failed, status.Preparing} {
		primary := newWorkingProvider("one").answerWith(channel.Result{Status: s, ProviderID: "7", Reason: status.SystemError, Detail: "E7"}, nil)
		backup := newWorkingProvider("two")
		result, err := openSMS(t, primary, backup).Send(t.Context(), envelope())
		require.NoError(t, err)
		require.Equal(t, channel.Result{Status: s, ProviderID: "one:7", Reason: status.SystemError, Detail: "one: E7"}, result)
		require.Zero(t, backup.takeCount())
	}
}

func TestSend_ReturnsMostUsefulErrorWhenAllFail(t *testing.T) {
	t.Parallel()
	temporary := func(after time.Duration) error { return channel.Temporary(errors.New("busy"), after) }
	denied := channel.Undeliverable(status.Authorization, "E401")
	misfit := channel.Failed(status.TemplateConfig, "")
	for name, tt := range map[string]struct {
		errs   []error
		status status.Status
		reason status.Reason
		detail string
		after  time.Duration
	}{
		"temporary if any is": {
			[]error{denied, temporary(0), misfit}, status.Preparing, status.SystemError, "two: busy", 0,
		},
		"the shortest wait that anyone asked for": {
			[]error{temporary(0), temporary(time.Minute), temporary(time.Second)},
			status.Preparing, status.SystemError, "one: busy; two: busy; three: busy", time.Second,
		},
		"otherwise the first one's": {
			[]error{misfit, denied, denied}, status.Failed, status.TemplateConfig, "one", 0,
		},
		"otherwise the first one's, with its words": {
			[]error{denied, misfit, misfit}, status.Undeliverable, status.Authorization, "one: E401", 0,
		},
		"the person's, once someone says it": {
			[]error{denied, channel.Undeliverable(status.InvalidNumber, "E21211"), temporary(0)},
			status.Undeliverable, status.InvalidNumber, "two: E21211", 0,
		},
		"a doubt, once there is one": {
			[]error{temporary(0), channel.InDoubt(errors.New("cut")), temporary(0)},
			status.Preparing, status.InDoubt, "two: cut", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var providers []channel.Channel
			for i, n := range []channel.Name{"one", "two", "three"} {
				providers = append(providers, newWorkingProvider(n).answerWith(channel.Result{}, tt.errs[i]))
			}
			result, err := openSMS(t, providers...).Send(t.Context(), envelope())
			require.Zero(t, result)
			e := requireRefusal(t, err)
			require.Equal(t, tt.status, e.Status())
			require.Equal(t, tt.reason, e.Reason())
			require.Equal(t, tt.detail, e.Detail())
			require.Equal(t, tt.after, e.RetryAfter())
		})
	}
}

func TestSend_TriesNoProviderAfterContextEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	primary := newWorkingProvider("one").answerBy(func(context.Context, channel.Envelope) (channel.Result, error) {
		cancel()
		return channel.Result{}, channel.Undeliverable(status.Authorization, "")
	})
	backup := newWorkingProvider("two")
	c := openSMS(t, primary, backup)
	_, err := c.Send(ctx, envelope())
	requireTemporary(t, err) // the backup may still take it
	_, err = c.Send(ctx, envelope())
	requireTemporary(t, err)
	require.Equal(t, 1, primary.takeCount())
	require.Zero(t, backup.takeCount())
}

func TestSend_CanceledCallIsInDoubt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	primary := newWorkingProvider("one").answerBy(func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		cancel()
		return channel.Result{}, ctx.Err()
	})
	backup := newWorkingProvider("two")
	_, err := openSMS(t, primary, backup).Send(ctx, envelope())
	requireDoubt(t, err)
	require.Zero(t, backup.takeCount())
}

func TestDoubt_GoesBackToItsProvider(t *testing.T) {
	t.Parallel()
	lost := channel.InDoubt(errors.New("lost"))
	busy := channel.Temporary(errors.New("busy"), 0)
	primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, busy), newWorkingProvider("two").answerWith(channel.Result{}, lost)
	c := openSMS(t, primary, backup)
	e := envelope()
	_, err := c.Send(t.Context(), e)
	requireDoubt(t, err)
	primary.takeCount()
	backup.takeCount()

	primary.answerWith(taken, nil)
	_, err = c.Send(t.Context(), e)
	requireDoubt(t, err)
	require.Equal(t, 1, backup.takeCount())
	require.Zero(t, primary.takeCount(), "the backup may have it")

	backup.answerWith(taken, nil)
	result, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "two:1", result.ProviderID)
	require.Zero(t, primary.takeCount())

	result, err = c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "one:1", result.ProviderID, "a doubt that is settled is forgotten")
}

func TestDoubt_SettledByRefusedRecipient(t *testing.T) {
	t.Parallel()
	primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, errors.New("busy")), newWorkingProvider("two")
	c := openSMS(t, primary, backup)
	e := envelope()
	backup.answerWith(channel.Result{}, channel.InDoubt(errors.New("lost")))
	_, err := c.Send(t.Context(), e)
	requireDoubt(t, err)
	backup.answerWith(channel.Result{}, channel.Undeliverable(status.InvalidNumber, ""))
	_, err = c.Send(t.Context(), e)
	require.ErrorContains(t, err, "invalid_number")
	primary.takeCount()
	_, err = c.Send(t.Context(), e)
	require.ErrorContains(t, err, "invalid_number")
	require.Equal(t, 1, primary.takeCount(), "the primary is first again")
}

// Resend prefers a second copy to none. The channel still avoids a needless copy.
func TestDoubt_LeavesProviderOnlyForReason(t *testing.T) {
	t.Parallel()
	busy := channel.Temporary(errors.New("busy"), 0)
	for name, tt := range map[string]struct {
		idempotent bool
		err        error
		next       bool
	}{
		"idempotent and busy":     {true, busy, false},
		"not idempotent and busy": {false, busy, true},
		"refuses the account":     {true, channel.Undeliverable(status.Authorization, ""), true},
		"lacks the template":      {true, channel.Failed(status.TemplateConfig, ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := newWorkingProvider("one"), newWorkingProvider("two")
			primary.traits.Idempotent = tt.idempotent
			c := openSMS(t, primary, backup)
			e := envelope()
			primary.answerWith(channel.Result{}, channel.InDoubt(errors.New("lost")))
			_, err := c.Send(t.Context(), e)
			requireDoubt(t, err)
			require.Zero(t, backup.takeCount())

			primary.answerWith(channel.Result{}, tt.err)
			_, err = c.Send(t.Context(), e)
			if tt.next {
				require.NoError(t, err)
				require.Equal(t, 1, backup.takeCount())
				return
			}
			requireTemporary(t, err)
			require.Zero(t, backup.takeCount())
		})
	}
}

func TestDoubt_RemembersLatestAttempts(t *testing.T) {
	t.Parallel()
	const room = 4
	primary := newWorkingProvider("one")
	backup := newWorkingProvider("two").answerWith(channel.Result{}, channel.InDoubt(errors.New("lost")))
	c := openConfig(t, failover.Config{Providers: []channel.Channel{primary, backup}, Doubts: room, Failures: 1000})
	inDoubt := make([]channel.Envelope, 3*room-2) // so that the latest are in recent and in older
	primary.answerWith(channel.Result{}, errors.New("busy"))
	for i := range inDoubt {
		inDoubt[i] = envelope()
		_, err := c.Send(t.Context(), inDoubt[i])
		requireDoubt(t, err)
	}
	primary.answerWith(taken, nil)
	backup.answerWith(taken, nil)
	for i, e := range inDoubt {
		result, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		switch {
		case i >= len(inDoubt)-room:
			require.Equal(t, "two:1", result.ProviderID, "the latest are remembered")
		case i < room:
			require.Equal(t, "one:1", result.ProviderID, "memory is bounded")
		}
	}
	for _, e := range inDoubt {
		result, err := c.Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, "one:1", result.ProviderID, "none is in doubt any more")
	}
}

// Providers answer anything in any order. A Send must not pass on a message that a provider
// may have taken, and must not send it twice to the same provider. If a provider took it, Send
// must say so.
func TestSend_IsNeverTakenTwice(t *testing.T) {
	t.Parallel()
	answers := []error{
		nil,
		errors.New("busy"),
		channel.Temporary(errors.New("busy"), time.Second),
		channel.InDoubt(errors.New("lost")),
		channel.Undeliverable(status.Authorization, ""),
		channel.Undeliverable(status.Permission, ""),
		channel.Failed(status.TemplateConfig, ""),
		channel.Undeliverable(status.NoContact, ""),
	}
	mayHaveIt := func(err error) bool {
		e, ok := errors.AsType[*channel.Error](err)
		return err == nil || ok && e.InDoubt()
	}
	rapid.Check(t, func(r *rapid.T) {
		var (
			asked     []channel.Name
			last      error
			providers []channel.Channel
		)
		for i := range rapid.IntRange(1, 4).Draw(r, "providers") {
			p := &scriptedProvider{name: channel.Name(fmt.Sprint("p", i)), traits: channel.Traits{Idempotent: rapid.Bool().Draw(r, "idempotent")}}
			providers = append(providers, p.answerBy(func(context.Context, channel.Envelope) (channel.Result, error) {
				require.False(r, len(asked) > 0 && mayHaveIt(last), "%s was asked, and %s may have it", p.name, asked)
				require.NotContains(r, asked, p.name)
				asked, last = append(asked, p.name), rapid.SampledFrom(answers).Draw(r, string(p.name))
				if last != nil {
					return channel.Result{}, last
				}
				return taken, nil
			}))
		}
		c, err := failover.Open(failover.Config{Name: channel.SMS, Providers: providers, Failures: 3, Doubts: 2})
		require.NoError(r, err)
		attempts := []channel.Envelope{envelope(), envelope(), envelope()}
		for range rapid.IntRange(1, 30).Draw(r, "sends") {
			asked = nil
			result, err := c.Send(t.Context(), rapid.SampledFrom(attempts).Draw(r, "attempt"))
			took := len(asked) > 0 && last == nil
			require.Equal(r, took, err == nil)
			if took {
				require.Equal(r, string(asked[len(asked)-1])+":1", result.ProviderID)
			}
			e, _ := errors.AsType[*channel.Error](err)
			require.Equal(r, len(asked) > 0 && !took && mayHaveIt(last), err != nil && e.InDoubt())
		}
	})
}

// A recipient has one ID on the channel, and each provider looks for it under its own name.
func TestSend_GivesEachProviderTheRecipientsID(t *testing.T) {
	t.Parallel()
	var got []channel.Recipient
	record := func(p *scriptedProvider, err error) *scriptedProvider {
		return p.answerBy(func(_ context.Context, e channel.Envelope) (channel.Result, error) {
			got = append(got, e.To)
			return taken, err
		})
	}
	one := record(newWorkingProvider("one"), channel.Temporary(errors.New("busy"), 0))
	two := record(newWorkingProvider("two"), nil)
	e := envelope()
	e.To = channel.Recipient{IDs: map[channel.Name]string{channel.SMS: "ann", "two": "anna", "chat": "17"}}
	_, err := openSMS(t, one, two).Send(t.Context(), e)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "ann", got[0].IDs["one"])
	require.Equal(t, "anna", got[1].IDs["two"], "an ID of the provider's own stays")
	require.Equal(t, map[channel.Name]string{channel.SMS: "ann", "two": "anna", "chat": "17"}, e.To.IDs, "the envelope's map is not changed")

	e.To = channel.Recipient{IDs: map[channel.Name]string{"chat": "17"}}
	got = nil
	_, err = openSMS(t, one, two).Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, []channel.Recipient{e.To, e.To}, got)
}
