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

func TestBreaker_SkipsProviderAfterFaultsInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, errBusy), newWorkingProvider("two")
		c := openSMS(t, primary, backup)
		sendN(t, c, 5)
		require.Equal(t, 5, primary.takeCount())
		sendN(t, c, 100)
		require.Zero(t, primary.takeCount(), "its breaker is open")
		require.Equal(t, 105, backup.takeCount())
		require.Equal(t, failover.Out, c.Providers()[0].State)

		advance(30*time.Second + 1)
		require.Equal(t, failover.OnTrial, c.Providers()[0].State)
		sendN(t, c, 10)
		require.Equal(t, 1, primary.takeCount(), "a trial that goes wrong is the last")

		advance(30*time.Second + 1)
		primary.answerWith(taken, nil)
		sendN(t, c, 10)
		require.Equal(t, 10, primary.takeCount(), "nothing sticks to the backup")
		require.Equal(t, failover.Up, c.Providers()[0].State)
	})
}

func TestBreaker_LimitsConcurrentTrials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, errBusy), newWorkingProvider("two")
		c := openConfig(t, failover.Config{Providers: []channel.Channel{primary, backup}, Failures: 1, Trials: 2, Pause: time.Minute})
		sendN(t, c, 1)
		advance(time.Minute + 1)
		primary.takeCount()
		backup.takeCount()
		release := make(chan struct{})
		primary.answerBy(func(context.Context, channel.Envelope) (channel.Result, error) {
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
		require.Equal(t, 2, primary.takeCount())
		close(release)
		for range 10 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 8, backup.takeCount())
		require.Equal(t, failover.Up, c.Providers()[0].State)
	})
}

func TestBreaker_CountsOnlyProviderFaults(t *testing.T) {
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
			primary := newWorkingProvider("one").answerWith(channel.Result{}, tt.err)
			c := openSMS(t, primary, newWorkingProvider("two"))
			for range 20 {
				_, _ = c.Send(t.Context(), envelope())
			}
			require.Equal(t, tt.opens, c.Providers()[0].State == failover.Out)
			if tt.opens {
				require.Equal(t, 5, primary.takeCount())
			} else {
				require.Equal(t, 20, primary.takeCount())
			}
		})
	}
}

func TestBreaker_RefusedRecipientCountsAsSuccess(t *testing.T) {
	t.Parallel()
	primary := newWorkingProvider("one")
	c := openSMS(t, primary, newWorkingProvider("two"))
	for range 20 {
		primary.answerWith(channel.Result{}, errBusy)
		sendN(t, c, 4)
		primary.answerWith(channel.Result{}, channel.Undeliverable(status.InvalidNumber, ""))
		_, err := c.Send(t.Context(), envelope())
		require.ErrorContains(t, err, "invalid_number")
	}
	require.Equal(t, failover.Up, c.Providers()[0].State, "a provider that judges numbers works")
}

func TestBreaker_CountsPanic(t *testing.T) {
	t.Parallel()
	primary := newWorkingProvider("one").answerBy(func(context.Context, channel.Envelope) (channel.Result, error) { panic("oh") })
	var l logBuffer
	c := openConfig(t, failover.Config{Providers: []channel.Channel{primary, newWorkingProvider("two")}, Logger: l.logger()})
	for range 10 {
		result, err := c.Send(t.Context(), envelope())
		require.NoError(t, err)
		require.Equal(t, "two:1", result.ProviderID)
	}
	require.Equal(t, uint64(5), c.Providers()[0].Failed)
	require.Equal(t, failover.Out, c.Providers()[0].State)
	log := l.take()
	require.Contains(t, log, "provider=one")
	require.Contains(t, log, "a provider panicked")
	require.NotContains(t, log, "oh\"")
}

func TestBreaker_CountsTimeoutNotCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
			<-ctx.Done()
			return channel.Result{}, channel.InDoubt(ctx.Err())
		}
		primary := newWorkingProvider("one").answerBy(hang)
		c := openSMS(t, primary, newWorkingProvider("two"))
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
		sendN(t, c, 1)
	})
}

func TestBreaker_RetriesAtFirstTrialWhenAllAreOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, errBusy), newWorkingProvider("two")
		c := openSMS(t, primary, backup)
		sendN(t, c, 5)
		advance(10 * time.Second)
		backup.answerWith(channel.Result{}, errBusy)
		for range 5 {
			_, err := c.Send(t.Context(), envelope())
			requireTemporary(t, err)
			require.Equal(t, 20*time.Second+time.Millisecond, requireRefusal(t, err).RetryAfter())
		}
		primary.takeCount()
		backup.takeCount()
		_, err := c.Send(t.Context(), envelope())
		requireTemporary(t, err)
		require.Equal(t, "one: left alone; two: left alone", requireRefusal(t, err).Detail())
		require.Zero(t, primary.takeCount()+backup.takeCount())

		primary.answerWith(taken, nil)
		advance(requireRefusal(t, err).RetryAfter())
		sendN(t, c, 1)
		require.Equal(t, 1, primary.takeCount(), "it was worth the wait")
	})
}

// The route may have another step, so a refused account is not worth waiting for.
func TestBreaker_RefusedAccountStaysRefusedWhileOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary := newWorkingProvider("one").answerWith(channel.Result{}, errDenied)
		backup := newWorkingProvider("two").answerWith(channel.Result{}, channel.Undeliverable(status.QuotaExceeded, "E402"))
		c := openSMS(t, primary, backup)
		for i := range 10 {
			_, err := c.Send(t.Context(), envelope())
			e := requireRefusal(t, err)
			require.Equal(t, status.Undeliverable, e.Status())
			require.Equal(t, status.Authorization, e.Reason())
			require.Equal(t, i >= 5, e.Detail() == "one: left alone after authorization", e.Detail())
		}
		require.Equal(t, 5, primary.takeCount())
		require.Equal(t, 5, backup.takeCount())
	})
}

func TestProviders_ShowsMaskedProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l logBuffer
		primary, backup := newWorkingProvider("one"), newWorkingProvider("two")
		c := openConfig(t, failover.Config{Providers: []channel.Channel{primary, backup}, Logger: l.logger()})
		sendN(t, c, 3)
		primary.answerWith(channel.Result{}, errBusy)
		sendN(t, c, 4)
		require.Empty(t, l.take(), "a fault now and then")
		require.Zero(t, c.Providers()[0].MaskedSince)

		sendN(t, c, 1)
		began := time.Now()
		require.Equal(t, "level=WARN msg=\"failover: a provider keeps failing; the others take over\""+
			" channel=sms provider=one reason=system_error in_a_row=5\n", l.take())
		sendN(t, c, 1)
		advance(30*time.Second + 1)
		sendN(t, c, 1)
		require.Equal(t, []failover.ProviderState{
			{Name: "one", State: failover.Out, Sent: 3, Failed: 6, MaskedSince: began},
			{Name: "two", State: failover.Up, Sent: 7},
		}, c.Providers())
		require.Empty(t, l.take(), "once")

		advance(30*time.Second + 1)
		primary.answerWith(taken, nil)
		sendN(t, c, 2)
		require.Empty(t, l.take(), "it is still on trial")
		sendN(t, c, 1)
		require.Equal(t, "level=INFO msg=\"failover: a provider is back\" channel=sms provider=one masked_for=1m0.000000002s\n", l.take())
		require.Equal(t, failover.ProviderState{Name: "one", State: failover.Up, Sent: 6, Failed: 6}, c.Providers()[0])
	})
}

// Some faults do not open the breaker, but they mask the primary, too.
func TestProviders_ShowsRefusingPrimaryAsMasked(t *testing.T) {
	t.Parallel()
	var l logBuffer
	primary := newWorkingProvider("one").answerWith(channel.Result{}, channel.Undeliverable(status.Permission, "to "+number.E164()))
	c := openConfig(t, failover.Config{Providers: []channel.Channel{primary, newWorkingProvider("two")}, Logger: l.logger()})
	sendN(t, c, 50)
	require.Equal(t, 50, primary.takeCount())
	state := c.Providers()[0]
	require.NotZero(t, state.MaskedSince)
	require.Equal(t, uint64(50), state.Failed)
	line := l.take()
	require.Contains(t, line, "reason=permission")
	require.NotContains(t, line, number.E164()[4:])

	primary.answerWith(taken, nil)
	sendN(t, c, 1)
	require.Contains(t, l.take(), "a provider is back")
}
