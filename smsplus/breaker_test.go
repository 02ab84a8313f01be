package smsplus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// failingWhile is a channel that fails as the given answer does while the flag is set,
// and otherwise delivers.
func failingWhile(broken *atomic.Bool, failure answer) answer {
	return func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		if broken.Load() {
			return failure(ctx, e)
		}
		return says(status.Delivered)(ctx, e)
	}
}

// hangs is the answer of a channel that keeps its caller until the deadline.
func hangs(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
	<-ctx.Done()
	return channel.Result{}, ctx.Err()
}

func countEvents[E smsplus.Event](o *recordingObserver) (n int) {
	for _, e := range o.list() {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

func TestBreaker_LeavesAChannelThatHangsOrFails(t *testing.T) {
	for name, failure := range map[string]answer{"hangs": hangs, "fails": fails(errors.New("503"))} {
		t.Run(name, func(t *testing.T) {
			var broken atomic.Bool
			var seen recordingObserver
			runInBubble(t, []step{
				{channel.LINEPush, failingWhile(&broken, failure), smsplus.Step{OnFailed: smsplus.Forward}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			}, func(c *smsplus.Config) {
				c.Observer = &seen
				c.Breaker = smsplus.Breaker{Failures: 3, Pause: time.Minute}
			}, func(t *testing.T, w *world) {
				broken.Store(true)
				for range 3 {
					w.sendOnly(t)
				}
				sleep(21 * time.Second) // SendTimeout
				require.Contains(t, seen.list(), smsplus.BreakerChanged{Channel: channel.LINEPush, Open: true})
				sends := w.sends(channel.LINEPush)

				id := w.sendOnly(t)
				sleep(0)
				require.Equal(t, "delivered: line_push=failed(system_error) sms=delivered", statuses(w.message(id)))
				require.Zero(t, w.message(id).Attempts[0].Tries, "a send that was not made is no try")
				require.Equal(t, sends, w.sends(channel.LINEPush))

				broken.Store(false)
				sleep(time.Minute)
				id = w.sendOnly(t)
				sleep(0)
				require.Equal(t, "delivered: line_push=delivered", statuses(w.message(id)))
				require.Contains(t, seen.list(), smsplus.BreakerChanged{Channel: channel.LINEPush, Open: false})
				require.Equal(t, 2, countEvents[smsplus.BreakerChanged](&seen))
				sleep(time.Hour)
				require.Empty(t, openMessages(t, w.store))
			})
		})
	}
}

// A message that may not leave the step waits in the store, and spends no tries.
func TestBreaker_MessagesThatStopWait(t *testing.T) {
	var broken atomic.Bool
	runInBubble(t, []step{
		{channel.LINEPush, failingWhile(&broken, fails(errors.New("503"))), smsplus.Step{}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Breaker = smsplus.Breaker{Failures: 3, Pause: 10 * time.Minute}
		c.Retry.Tries = 4
	}, func(t *testing.T, w *world) {
		broken.Store(true)
		for range 3 {
			w.sendOnly(t)
		}
		sleep(0)
		var ids []uuid.UUID
		for range 100 {
			ids = append(ids, w.sendOnly(t))
		}
		sleep(9 * time.Minute)
		require.Equal(t, 3, w.sends(channel.LINEPush))
		broken.Store(false)
		sleep(30 * time.Minute)
		for _, id := range ids {
			m := w.message(id)
			require.Equal(t, "delivered: line_push=delivered", statuses(m))
			require.Equal(t, 1, m.Attempts[0].Tries)
		}
		require.Zero(t, w.sends(channel.SMS))
	})
}

// A channel that says why it cannot deliver works.
func TestBreaker_StaysClosedForAnswers(t *testing.T) {
	var seen recordingObserver
	runInBubble(t, []step{
		{channel.LINEPush, inTurn(fails(channel.Undeliverable(status.NoContact, "")), fails(channel.Failed(status.TemplateConfig, ""))), smsplus.Step{OnFailed: smsplus.Forward}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Observer = &seen
		c.Breaker.Failures = 1
	}, func(t *testing.T, w *world) {
		for range 20 {
			w.sendOnly(t)
		}
		sleep(time.Second)
		require.Equal(t, 20, w.sends(channel.LINEPush))
		require.Zero(t, countEvents[smsplus.BreakerChanged](&seen))
	})
}

func TestBreaker_MayBeDisabled(t *testing.T) {
	var seen recordingObserver
	runInBubble(t, []step{{channel.SMS, fails(errors.New("503")), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Observer = &seen
		c.Breaker.Failures = -1
	}, func(t *testing.T, w *world) {
		for range 100 {
			w.sendOnly(t)
		}
		sleep(time.Second)
		require.GreaterOrEqual(t, w.sends(channel.SMS), 100)
		require.Zero(t, countEvents[smsplus.BreakerChanged](&seen))
	})
}

// The one send that is tried may hang for ever, in a channel that ignores its context.
// When its lease is over, the breaker tries another.
func TestBreaker_TriesAgainAfterATrialThatHangs(t *testing.T) {
	hang := make(chan struct{})
	runInBubble(t, []step{
		{channel.SMS, inTurn(fails(errors.New("503")), func(context.Context, channel.Envelope) (channel.Result, error) {
			<-hang
			return channel.Result{}, errors.New("too late")
		}, says(status.Delivered)), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Breaker = smsplus.Breaker{Failures: 1, Pause: time.Minute}
	}, func(t *testing.T, w *world) {
		hang = make(chan struct{}) // of the bubble
		ids := []uuid.UUID{w.sendOnly(t), w.sendOnly(t), w.sendOnly(t)}
		sleep(time.Hour)
		for _, id := range ids {
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
		close(hang)
	})
}

// The answer to a send that began before the breaker opened lets nothing else through.
func TestBreaker_StaysOpenAfterALateAnswer(t *testing.T) {
	var answer, began chan struct{}
	runInBubble(t, []step{
		{channel.SMS, inTurn(
			fails(errors.New("503")),
			func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
				close(began)
				<-answer
				return says(status.Delivered)(ctx, e)
			},
			fails(errors.New("503")),
		), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Breaker = smsplus.Breaker{Failures: 2, Pause: time.Hour}
		c.Retry.Base = time.Hour
	}, func(t *testing.T, w *world) {
		answer, began = make(chan struct{}), make(chan struct{})
		w.sendOnly(t) // fails
		synctest.Wait()
		w.sendOnly(t) // hangs
		<-began
		w.sendOnly(t) // fails: open
		synctest.Wait()
		close(answer)
		synctest.Wait()
		w.sendOnly(t)
		synctest.Wait()
		require.Equal(t, 3, w.sends(channel.SMS))
	})
}
