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

func TestTheNextIsAskedOnlyIfThoseBeforeItDidNotTakeTheMessage(t *testing.T) {
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
			primary, backup := working("one").says(channel.Result{}, tt.err), working("two")
			result, err := open(t, primary, backup).Send(t.Context(), envelope())
			require.Equal(t, 1, primary.count())
			if tt.next {
				require.NoError(t, err)
				require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: "two:1"}, result)
				require.Equal(t, 1, backup.count())
				return
			}
			require.Zero(t, backup.count())
			want, got := refusal(t, tt.err), refusal(t, err)
			require.Equal(t, want.Status(), got.Status())
			require.Equal(t, want.Reason(), got.Reason())
			require.Equal(t, want.InDoubt(), got.InDoubt())
		})
	}
}

func TestAnAnswerIsAnAnswerWhateverItSays(t *testing.T) {
	t.Parallel()
	for _, s := range []status.Status{status.Accepted, status.Delivered, status.Undeliverable, status.Failed, status.Preparing} {
		primary := working("one").says(channel.Result{Status: s, ProviderID: "7", Reason: status.SystemError, Detail: "E7"}, nil)
		backup := working("two")
		result, err := open(t, primary, backup).Send(t.Context(), envelope())
		require.NoError(t, err)
		require.Equal(t, channel.Result{Status: s, ProviderID: "one:7", Reason: status.SystemError, Detail: "one: E7"}, result)
		require.Zero(t, backup.count())
	}
}

func TestWhenAllFailTheMostUsefulErrorIsReturned(t *testing.T) {
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
		"else the first one's": {
			[]error{misfit, denied, denied}, status.Failed, status.TemplateConfig, "one", 0,
		},
		"else the first one's, with its words": {
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
				providers = append(providers, working(n).says(channel.Result{}, tt.errs[i]))
			}
			result, err := open(t, providers...).Send(t.Context(), envelope())
			require.Zero(t, result)
			e := refusal(t, err)
			require.Equal(t, tt.status, e.Status())
			require.Equal(t, tt.reason, e.Reason())
			require.Equal(t, tt.detail, e.Detail())
			require.Equal(t, tt.after, e.RetryAfter())
		})
	}
}

func TestNobodyIsAskedWithAContextThatHasEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	primary := working("one").does(func(context.Context, channel.Envelope) (channel.Result, error) {
		cancel()
		return channel.Result{}, channel.Undeliverable(status.Authorization, "")
	})
	backup := working("two")
	c := open(t, primary, backup)
	_, err := c.Send(ctx, envelope())
	requireTemporary(t, err) // the backup may still take it
	_, err = c.Send(ctx, envelope())
	requireTemporary(t, err)
	require.Equal(t, 1, primary.count())
	require.Zero(t, backup.count())
}

func TestACallThatWasCutOffIsInDoubtByWhateverName(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	primary := working("one").does(func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		cancel()
		return channel.Result{}, ctx.Err()
	})
	backup := working("two")
	_, err := open(t, primary, backup).Send(ctx, envelope())
	requireDoubt(t, err)
	require.Zero(t, backup.count())
}

func TestAnAttemptInDoubtGoesBackToItsProvider(t *testing.T) {
	t.Parallel()
	lost := channel.InDoubt(errors.New("lost"))
	busy := channel.Temporary(errors.New("busy"), 0)
	primary, backup := working("one").says(channel.Result{}, busy), working("two").says(channel.Result{}, lost)
	c := open(t, primary, backup)
	e := envelope()
	_, err := c.Send(t.Context(), e)
	requireDoubt(t, err)
	primary.count()
	backup.count()

	primary.says(taken, nil)
	_, err = c.Send(t.Context(), e)
	requireDoubt(t, err)
	require.Equal(t, 1, backup.count())
	require.Zero(t, primary.count(), "the backup may have it")

	backup.says(taken, nil)
	result, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "two:1", result.ProviderID)
	require.Zero(t, primary.count())

	result, err = c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "one:1", result.ProviderID, "a doubt that is settled is forgotten")
}

func TestADoubtIsSettledByARefusalOfThePerson(t *testing.T) {
	t.Parallel()
	primary, backup := working("one").says(channel.Result{}, errors.New("busy")), working("two")
	c := open(t, primary, backup)
	e := envelope()
	backup.says(channel.Result{}, channel.InDoubt(errors.New("lost")))
	_, err := c.Send(t.Context(), e)
	requireDoubt(t, err)
	backup.says(channel.Result{}, channel.Undeliverable(status.InvalidNumber, ""))
	_, err = c.Send(t.Context(), e)
	require.ErrorContains(t, err, "invalid_number")
	primary.count()
	_, err = c.Send(t.Context(), e)
	require.ErrorContains(t, err, "invalid_number")
	require.Equal(t, 1, primary.count(), "the primary is first again")
}

// Resend prefers a second copy to none. One that can be avoided is avoided.
func TestAProviderInDoubtIsLeftOnlyForAReason(t *testing.T) {
	t.Parallel()
	busy := channel.Temporary(errors.New("busy"), 0)
	for name, tt := range map[string]struct {
		idempotent bool
		err        error
		next       bool
	}{
		"it takes an attempt once, and is busy": {true, busy, false},
		"it takes it twice, and is busy":        {false, busy, true},
		"it refuses the account":                {true, channel.Undeliverable(status.Authorization, ""), true},
		"it does not have the template":         {true, channel.Failed(status.TemplateConfig, ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := working("one"), working("two")
			primary.traits.Idempotent = tt.idempotent
			c := open(t, primary, backup)
			e := envelope()
			primary.says(channel.Result{}, channel.InDoubt(errors.New("lost")))
			_, err := c.Send(t.Context(), e)
			requireDoubt(t, err)
			require.Zero(t, backup.count())

			primary.says(channel.Result{}, tt.err)
			_, err = c.Send(t.Context(), e)
			if tt.next {
				require.NoError(t, err)
				require.Equal(t, 1, backup.count())
				return
			}
			requireTemporary(t, err)
			require.Zero(t, backup.count())
		})
	}
}

func TestTheLatestDoubtsAreRemembered(t *testing.T) {
	t.Parallel()
	const room = 4
	primary := working("one")
	backup := working("two").says(channel.Result{}, channel.InDoubt(errors.New("lost")))
	c := with(t, failover.Config{Providers: []channel.Channel{primary, backup}, Doubts: room, Failures: 1000})
	inDoubt := make([]channel.Envelope, 3*room-2) // so that the latest are in both generations
	primary.says(channel.Result{}, errors.New("busy"))
	for i := range inDoubt {
		inDoubt[i] = envelope()
		_, err := c.Send(t.Context(), inDoubt[i])
		requireDoubt(t, err)
	}
	primary.says(taken, nil)
	backup.says(taken, nil)
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

// Whatever providers answer, in whatever order, a Send hands a message to nobody once
// someone may have it, to nobody twice, and keeps quiet about nobody who took it.
func TestNoSendIsTakenTwice(t *testing.T) {
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
			p := &fake{name: channel.Name(fmt.Sprint("p", i)), traits: channel.Traits{Idempotent: rapid.Bool().Draw(r, "idempotent")}}
			providers = append(providers, p.does(func(context.Context, channel.Envelope) (channel.Result, error) {
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
