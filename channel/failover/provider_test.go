package failover_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/status"
)

var (
	errBusy   = channel.Temporary(errors.New("busy"), 0)
	errDenied = channel.Undeliverable(status.Authorization, "E401")
)

func TestAProviderWithFaultsInARowIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, backup := working("one").says(channel.Result{}, errBusy), working("two")
		c := open(t, primary, backup)
		send(t, c, 5)
		require.Equal(t, 5, primary.count())
		send(t, c, 100)
		require.Zero(t, primary.count(), "its breaker is open")
		require.Equal(t, 105, backup.count())
		require.Equal(t, failover.Out, c.Providers()[0].State)

		pass(30*time.Second + 1)
		require.Equal(t, failover.OnTrial, c.Providers()[0].State)
		send(t, c, 10)
		require.Equal(t, 1, primary.count(), "a trial that goes wrong is the last")

		pass(30*time.Second + 1)
		primary.says(taken, nil)
		send(t, c, 10)
		require.Equal(t, 10, primary.count(), "nothing sticks to the backup")
		require.Equal(t, failover.Up, c.Providers()[0].State)
	})
}

func TestAFewAtATimeAreOnTrial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, backup := working("one").says(channel.Result{}, errBusy), working("two")
		c := with(t, failover.Config{Providers: []channel.Channel{primary, backup}, Failures: 1, Trials: 2, Pause: time.Minute})
		send(t, c, 1)
		pass(time.Minute + 1)
		primary.count()
		backup.count()
		release := make(chan struct{})
		primary.does(func(context.Context, channel.Envelope) (channel.Result, error) {
			<-release
			return taken, nil
		})
		done := make(chan error)
		for range 10 {
			go func() {
				_, err := c.Send(t.Context(), envelope())
				done <- err
			}()
		}
		synctest.Wait()
		require.Equal(t, 2, primary.count())
		close(release)
		for range 10 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 8, backup.count())
		require.Equal(t, failover.Up, c.Providers()[0].State)
	})
}

func TestOnlyFaultsThatTheNextMessageWouldMeetOpenABreaker(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err   error
		opens bool
	}{
		"temporary":         {errBusy, true},
		"any other error":   {errors.New("busy"), true},
		"in doubt":          {channel.InDoubt(errors.New("lost")), true},
		"credentials":       {errDenied, true},
		"balance":           {channel.Undeliverable(status.QuotaExceeded, ""), true},
		"a country":         {channel.Undeliverable(status.Permission, ""), false},
		"a template":        {channel.Failed(status.TemplateConfig, ""), false},
		"an unknown code":   {channel.Failed(status.SystemError, ""), false},
		"a bad number":      {channel.Undeliverable(status.InvalidNumber, ""), false},
		"a blocked account": {channel.Undeliverable(status.Blocked, ""), false},
		"bad content":       {channel.Undeliverable(status.ContentRejected, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary := working("one").says(channel.Result{}, tt.err)
			c := open(t, primary, working("two"))
			for range 20 {
				_, _ = c.Send(t.Context(), envelope())
			}
			require.Equal(t, tt.opens, c.Providers()[0].State == failover.Out)
			if tt.opens {
				require.Equal(t, 5, primary.count())
			} else {
				require.Equal(t, 20, primary.count())
			}
		})
	}
}

func TestOneThatIsRefusedForThePersonCountsAsWell(t *testing.T) {
	t.Parallel()
	primary := working("one")
	c := open(t, primary, working("two"))
	for range 20 {
		primary.says(channel.Result{}, errBusy)
		send(t, c, 4)
		primary.says(channel.Result{}, channel.Undeliverable(status.InvalidNumber, ""))
		_, err := c.Send(t.Context(), envelope())
		require.ErrorContains(t, err, "invalid_number")
	}
	require.Equal(t, failover.Up, c.Providers()[0].State, "a provider that judges numbers works")
}

func TestAProviderThatPanicsIsLeftAlone(t *testing.T) {
	t.Parallel()
	primary := working("one").does(func(context.Context, channel.Envelope) (channel.Result, error) { panic("oh") })
	var l log
	c := with(t, failover.Config{Providers: []channel.Channel{primary, working("two")}, Logger: l.logger()})
	for range 5 {
		require.PanicsWithValue(t, "oh", func() { _, _ = c.Send(t.Context(), envelope()) }, "nobody knows what it did")
	}
	send(t, c, 5)
	require.Equal(t, uint64(5), c.Providers()[0].Failed)
	require.Contains(t, l.take(), "provider=one")
}

func TestATimeoutOpensABreakerAndACallerThatGivesUpDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
			<-ctx.Done()
			return channel.Result{}, channel.InDoubt(ctx.Err())
		}
		primary := working("one").does(hang)
		c := open(t, primary, working("two"))
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := c.Send(ctx, envelope())
			requireDoubt(t, err)
		}
		require.Equal(t, failover.ProviderState{Name: "one", State: failover.Up}, c.Providers()[0])
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := c.Send(ctx, envelope())
			requireDoubt(t, err)
			cancel()
		}
		require.Equal(t, failover.Out, c.Providers()[0].State)
		send(t, c, 1)
	})
}

func TestWhenAllAreLeftAloneTheNextTryIsWhenTheFirstIsOnTrial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, backup := working("one").says(channel.Result{}, errBusy), working("two")
		c := open(t, primary, backup)
		send(t, c, 5)
		pass(10 * time.Second)
		backup.says(channel.Result{}, errBusy)
		for range 5 {
			_, err := c.Send(t.Context(), envelope())
			requireTemporary(t, err)
			require.Equal(t, 20*time.Second+time.Millisecond, refusal(t, err).RetryAfter())
		}
		primary.count()
		backup.count()
		_, err := c.Send(t.Context(), envelope())
		requireTemporary(t, err)
		require.Equal(t, "one: left alone; two: left alone", refusal(t, err).Detail())
		require.Zero(t, primary.count()+backup.count())

		primary.says(taken, nil)
		pass(refusal(t, err).RetryAfter())
		send(t, c, 1)
		require.Equal(t, 1, primary.count(), "it was worth the wait")
	})
}

// An account that is refused is no reason to wait: the route may have another step.
func TestARefusedAccountIsRefusedWhileItIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary := working("one").says(channel.Result{}, errDenied)
		backup := working("two").says(channel.Result{}, channel.Undeliverable(status.QuotaExceeded, "E402"))
		c := open(t, primary, backup)
		for i := range 10 {
			_, err := c.Send(t.Context(), envelope())
			e := refusal(t, err)
			require.Equal(t, status.Undeliverable, e.Status())
			require.Equal(t, status.Authorization, e.Reason())
			require.Equal(t, i >= 5, e.Detail() == "one: left alone after authorization", e.Detail())
		}
		require.Equal(t, 5, primary.count())
		require.Equal(t, 5, backup.count())
	})
}

func TestAMaskedProviderShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		primary, backup := working("one"), working("two")
		c := with(t, failover.Config{Providers: []channel.Channel{primary, backup}, Logger: l.logger()})
		send(t, c, 3)
		primary.says(channel.Result{}, errBusy)
		send(t, c, 4)
		require.Empty(t, l.take(), "a fault now and then")
		require.Zero(t, c.Providers()[0].MaskedSince)

		send(t, c, 1)
		began := time.Now()
		require.Equal(t, "level=WARN msg=\"failover: a provider keeps failing; the others take over\""+
			" channel=sms provider=one reason=system_error in_a_row=5\n", l.take())
		send(t, c, 1)
		pass(30*time.Second + 1)
		send(t, c, 1)
		require.Equal(t, []failover.ProviderState{
			{Name: "one", State: failover.Out, Sent: 3, Failed: 6, MaskedSince: began},
			{Name: "two", State: failover.Up, Sent: 7},
		}, c.Providers())
		require.Empty(t, l.take(), "once")

		pass(30*time.Second + 1)
		primary.says(taken, nil)
		send(t, c, 2)
		require.Empty(t, l.take(), "it is still on trial")
		send(t, c, 1)
		require.Equal(t, "level=INFO msg=\"failover: a provider is back\" channel=sms provider=one masked_for=1m0.000000002s\n", l.take())
		require.Equal(t, failover.ProviderState{Name: "one", State: failover.Up, Sent: 6, Failed: 6}, c.Providers()[0])
	})
}

// Some faults do not open the breaker, and mask the primary all the same.
func TestAPrimaryThatRefusesEachMessageIsMasked(t *testing.T) {
	t.Parallel()
	var l log
	primary := working("one").says(channel.Result{}, channel.Undeliverable(status.Permission, "to "+number.E164()))
	c := with(t, failover.Config{Providers: []channel.Channel{primary, working("two")}, Logger: l.logger()})
	send(t, c, 50)
	require.Equal(t, 50, primary.count())
	state := c.Providers()[0]
	require.NotZero(t, state.MaskedSince)
	require.Equal(t, uint64(50), state.Failed)
	line := l.take()
	require.Contains(t, line, "reason=permission")
	require.NotContains(t, line, number.E164()[4:])

	primary.says(taken, nil)
	send(t, c, 1)
	require.Contains(t, l.take(), "a provider is back")
}
