package smsplus_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// recallingChannel is a fake whose provider can take messages back.
type recallingChannel struct {
	*ChannelMock
	recall func(ctx context.Context, ref channel.Ref) (channel.Recall, error)

	mu      sync.Mutex
	recalls []channel.Ref
}

func (r *recallingChannel) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	r.mu.Lock()
	r.recalls = append(r.recalls, ref)
	r.mu.Unlock()
	return r.recall(ctx, ref)
}

func (r *recallingChannel) refs() []channel.Ref {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.recalls)
}

func (r *recallingChannel) times() int { return len(r.refs()) }

// takesBack answers every recall in the same way.
func takesBack(answer channel.Recall) func(context.Context, channel.Ref) (channel.Recall, error) {
	return func(context.Context, channel.Ref) (channel.Recall, error) { return answer, nil }
}

func failsToRecall(context.Context, channel.Ref) (channel.Recall, error) { return 0, errors.New("503") }

// recalling makes the provider of a step one that can take messages back.
func recalling(to **recallingChannel, step int, recall func(context.Context, channel.Ref) (channel.Recall, error)) func(*smsplus.Config) {
	return func(c *smsplus.Config) {
		*to = &recallingChannel{ChannelMock: c.Channels[step].(*ChannelMock), recall: recall}
		c.Channels[step] = *to
	}
}

// acceptedTwice is a route whose channels accept, and send no receipts.
func acceptedTwice() []step {
	return []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
	}
}

func TestRecall_WhenTheFallbackGoesOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer channel.Recall
		want   string
	}{
		"recalled":   {channel.Recalled, "accepted: whatsapp=undeliverable(recalled) sms=accepted"},
		"too late":   {channel.TooLate, "accepted: whatsapp=accepted sms=accepted"},
		"impossible": {channel.Impossible, "accepted: whatsapp=accepted sms=accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var (
				provider *recallingChannel
				seen     recordingObserver
			)
			w := newWorld(t, acceptedTwice(), recalling(&provider, 0, takesBack(tt.answer)), func(c *smsplus.Config) { c.Observer = &seen })
			id := w.send()
			require.Zero(t, provider.times())
			w.advance(wait)
			m := w.message(id)
			require.Equal(t, []channel.Ref{{Channel: channel.WhatsApp, ProviderID: m.Attempts[0].ProviderID}}, provider.refs())
			require.Equal(t, tt.want, statuses(m))
			require.Equal(t, tt.answer, m.Attempts[0].Recall)
			require.Zero(t, m.Attempts[1].Recall)
			require.Equal(t, m.Attempts[1].StartedAt.Add(wait), m.DueAt, "the second step has its whole wait")
			require.Equal(t, []smsplus.AttemptRecalled{{Message: id, Attempt: m.Attempts[0].ID, Template: "t", Channel: channel.WhatsApp, Answer: tt.answer}},
				eventsOf[smsplus.AttemptRecalled](&seen))
			w.advance(wait)
			require.Len(t, provider.refs(), 1, "an answer is asked for once")
			require.Zero(t, w.message(id).DueAt)
		})
	}
}

// A fallback that no provider has accepted is no reason to take a message back.
func TestRecall_NothingWithoutALivingSuccessor(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]answer{
		"undeliverable": fails(channel.Undeliverable(status.NoContact, "")),
		"failed":        fails(channel.Failed(status.Authorization, "")),
		"temporary":     fails(channel.Temporary(errors.New("busy"), 0)),
		"in doubt":      fails(channel.InDoubt(errors.New("no answer"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var provider *recallingChannel
			steps := acceptedTwice()
			steps[1].answer = second
			w := newWorld(t, steps, recalling(&provider, 0, takesBack(channel.Recalled)))
			id := w.send()
			for range 100 {
				w.advance(wait / 4)
			}
			require.Zero(t, provider.times())
			require.Zero(t, w.message(id).Attempts[0].Recall)
			require.Zero(t, w.message(id).DueAt)
		})
	}
}

// The first copy arrives although the second one is on its way: the second is needless.
func TestRecall_WhenAnotherCopyHasArrived(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 1, takesBack(channel.Recalled)))
	id := w.send()
	w.advance(wait)
	require.Zero(t, provider.times(), "it is the only hope")
	w.receive(receipt(w.message(id), 0, status.Delivered))
	m := w.message(id)
	require.Equal(t, w.clock.Now(), m.DueAt)
	require.Equal(t, channel.Name(""), m.Lane)
	w.tick()
	m = w.message(id)
	require.Equal(t, "delivered: whatsapp=delivered sms=undeliverable(recalled)", statuses(m))
	require.Equal(t, channel.Recalled, m.Attempts[1].Recall)
	require.Zero(t, m.DueAt)
}

// The application's confirmation makes every copy needless that is still on its way.
func TestRecall_WhenItIsConfirmed(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 1, takesBack(channel.Recalled)))
	id := w.send()
	w.advance(wait)
	require.NoError(t, w.Confirm(t.Context(), id))
	w.tick()
	require.Equal(t, "delivered: whatsapp=accepted sms=undeliverable(recalled)", statuses(w.message(id)))
	require.Zero(t, w.message(id).DueAt)
}

// What is sent because the first copy is not read stays on its way until that one is read.
func TestRecall_UntilReadTakesBackWhenItIsRead(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	steps := acceptedTwice()
	steps[0].Until = smsplus.UntilRead
	w := newWorld(t, steps, recalling(&provider, 1, takesBack(channel.Recalled)))
	id := w.send()
	w.receive(receipt(w.message(id), 0, status.Delivered))
	w.advance(wait)
	require.Equal(t, "delivered: whatsapp=delivered sms=accepted", statuses(w.message(id)))
	require.Zero(t, provider.times())
	w.receive(receipt(w.message(id), 0, status.Accepted, wasRead))
	w.tick()
	require.Equal(t, "delivered: whatsapp=delivered sms=undeliverable(recalled)", statuses(w.message(id)))
}

// A send in doubt may have a message at a provider: it is taken back too.
func TestRecall_OfASendInDoubt(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	steps := acceptedTwice()
	steps[0].answer, steps[0].InDoubt = fails(channel.InDoubt(errors.New("no answer"))), smsplus.Forward
	w := newWorld(t, steps, recalling(&provider, 0, takesBack(channel.Recalled)))
	id := w.send()
	m := w.message(id)
	require.Equal(t, "accepted: whatsapp=undeliverable(in_doubt) sms=accepted", statuses(m))
	require.Equal(t, channel.Recalled, m.Attempts[0].Recall)
	require.Equal(t, m.Attempts[0].ID.String(), provider.refs()[0].ProviderID)
}

// The fallback fails after the first copy was taken back: the route continues.
func TestRecall_SuccessorThatFailsLaterForwards(t *testing.T) {
	t.Parallel()
	var first, second *recallingChannel
	w := newWorld(t, append(acceptedTwice(), step{"fax", says(status.Accepted), smsplus.Step{Wait: wait}}),
		recalling(&first, 0, takesBack(channel.Recalled)), recalling(&second, 1, takesBack(channel.Recalled)))
	id := w.send()
	w.advance(wait)
	w.receive(receipt(w.message(id), 1, status.Undeliverable))
	w.tick()
	m := w.message(id)
	require.Equal(t, "accepted: whatsapp=undeliverable(recalled) sms=undeliverable(carrier_error) fax=accepted", statuses(m))
	require.Zero(t, second.times(), "what is known not to arrive is not taken back")
}

// A receipt that contradicts the provider's answer counts.
func TestRecall_DeliveryAfterARecallCounts(t *testing.T) {
	t.Parallel()
	var first, second *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&first, 0, takesBack(channel.Recalled)), recalling(&second, 1, takesBack(channel.TooLate)))
	id := w.send()
	w.advance(wait)
	w.receive(receipt(w.message(id), 0, status.Delivered))
	w.tick()
	m := w.message(id)
	require.Equal(t, "delivered: whatsapp=delivered sms=accepted", statuses(m))
	require.Equal(t, channel.Recalled, m.Attempts[0].Recall, "that is what the provider said")
	require.Equal(t, channel.TooLate, m.Attempts[1].Recall)
	require.Zero(t, m.DueAt)
}

// A recall that fails is repeated with a back-off, as often as a send.
func TestRecall_FailedCallIsRepeatedForAWhile(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(context.Context, channel.Ref) (channel.Recall, error){
		"error":     failsToRecall,
		"panic":     func(context.Context, channel.Ref) (channel.Recall, error) { panic("503") },
		"no answer": takesBack(0),
		"nonsense":  takesBack(99),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var provider *recallingChannel
			w := newWorld(t, acceptedTwice(), recalling(&provider, 0, fail), func(c *smsplus.Config) {
				c.Retry = smsplus.Retry{Tries: 4, Base: 10 * time.Second, Max: 10 * time.Second}
			})
			id := w.send()
			w.advance(wait)
			require.Equal(t, 1, provider.times())
			require.Equal(t, 1, w.message(id).Attempts[0].RecallTries)
			w.tick()
			require.Equal(t, 1, provider.times())
			for range 100 {
				w.advance(10 * time.Second)
			}
			m := w.message(id)
			require.LessOrEqual(t, provider.times(), 4)
			require.Positive(t, provider.times())
			require.Equal(t, channel.Impossible, m.Attempts[0].Recall)
			require.Equal(t, "accepted: whatsapp=accepted sms=accepted", statuses(m))
			require.Equal(t, m.Attempts[1].StartedAt.Add(wait), m.DueAt)
		})
	}
}

// One try after the failed ones is answered.
func TestRecall_AnswerAfterFailures(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 0, failsToRecall))
	id := w.send()
	w.advance(wait)
	provider.recall = takesBack(channel.Recalled)
	w.advance(time.Second)
	m := w.message(id)
	require.Equal(t, "accepted: whatsapp=undeliverable(recalled) sms=accepted", statuses(m))
	require.Equal(t, 1, m.Attempts[0].RecallTries)
}

// A receipt between two tries keeps the back-off.
func TestRecall_ReceiptKeepsTheBackoff(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 0, failsToRecall), func(c *smsplus.Config) {
		c.Retry = smsplus.Retry{Base: time.Minute, Max: time.Minute}
	})
	id := w.send()
	w.advance(wait)
	due := w.message(id).DueAt
	w.receive(receipt(w.message(id), 1, status.Delivered))
	require.Equal(t, due, w.message(id).DueAt)
	w.tick()
	require.Equal(t, 1, provider.times())
}

// A process dies, or the store fails, when the provider has answered: the recall is repeated,
// which does no harm.
func TestRecall_AnswerThatIsNotStoredIsAskedForAgain(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 0, nil))
	provider.recall = func(context.Context, channel.Ref) (channel.Recall, error) {
		w.crashed.Store(true)
		return channel.Recalled, nil
	}
	id := w.send()
	w.clock.Add(wait)
	_, err := w.Tick(t.Context())
	require.ErrorIs(t, err, errCrash)
	w.restart()
	require.Zero(t, w.message(id).Attempts[0].Recall)

	provider.recall = takesBack(channel.TooLate)
	w.Dispatcher = w.newDispatcher()
	w.advance(time.Minute)
	require.Equal(t, channel.TooLate, w.message(id).Attempts[0].Recall)
	require.Equal(t, 2, provider.times())
}

// Holders that die each time end the tries too.
func TestRecall_IsNotRepeatedForever(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 0, nil), func(c *smsplus.Config) { c.Retry.Tries = 3 })
	provider.recall = func(context.Context, channel.Ref) (channel.Recall, error) {
		w.crashed.Store(true)
		return channel.Recalled, nil
	}
	id := w.send()
	w.clock.Add(wait)
	for range 10 {
		_, _ = w.Tick(t.Context()) // it dies
		w.restart()
		w.clock.Add(time.Minute)
	}
	require.Equal(t, 3, provider.times())
	require.Equal(t, channel.Impossible, w.message(id).Attempts[0].Recall)
	require.Zero(t, w.message(id).Claims)
}

// The successor fails after the claim and before the recall: nothing is taken back.
func TestRecall_LooksOnceMoreBeforeTheCall(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 0, takesBack(channel.Recalled)))
	reads := &readHook{Store: w.store}
	w.config.Store = reads
	w.Dispatcher = w.newDispatcher()
	id := w.send()
	reads.before = func() {
		if m, err := w.store.Message(t.Context(), id); err == nil && len(m.Attempts) == 2 && m.Attempts[1].Status == status.Accepted {
			reads.before = nil
			w.receive(receipt(m, 1, status.Undeliverable))
		}
	}
	w.advance(wait)
	require.Nil(t, reads.before)
	require.Zero(t, provider.times())
	require.Equal(t, "undeliverable: whatsapp=accepted sms=undeliverable(carrier_error)", statuses(w.message(id)))
	require.Zero(t, w.message(id).DueAt)
}

// readHook is a store that calls before ahead of each read of a message.
type readHook struct {
	smsplus.Store
	before func()
}

func (h *readHook) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	if h.before != nil {
		h.before()
	}
	return h.Store.Message(ctx, id)
}

// A message that expires while its recall has no place is not looked at again and again.
func TestRecall_OfAnExpiredMessageWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 1, failsToRecall))
	id := w.send(func(tr *smsplus.Trigger) { tr.TTL = wait + time.Minute })
	w.advance(wait)
	w.receive(receipt(w.message(id), 0, status.Delivered))
	w.advance(time.Hour)
	require.True(t, w.message(id).DueAt.After(w.clock.Now()))
	require.Equal(t, 1, provider.times())
}

func TestRecall_WhileRunning(t *testing.T) {
	var provider *recallingChannel
	runInBubble(t, acceptedTwice(), recalling(&provider, 0, takesBack(channel.Recalled)), func(t *testing.T, w *world) {
		const n = 1000
		trs := make([]smsplus.Trigger, n)
		for i := range trs {
			trs[i] = w.trigger()
		}
		ids, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		sleep(wait + 30*time.Second)
		for _, id := range ids {
			require.Equal(t, "accepted: whatsapp=undeliverable(recalled) sms=accepted", statuses(w.message(id)))
		}
		require.Len(t, provider.refs(), n)
	})
}

// A provider that hangs when it is to take messages back holds up no send, its own neither.
func TestRecall_HangingProviderHurtsItselfOnly(t *testing.T) {
	var provider *recallingChannel
	runInBubble(t, acceptedTwice(), recalling(&provider, 0, hangsInRecall), func(t *testing.T, w *world) {
		ids := make([]uuid.UUID, 100)
		for i := range ids {
			ids[i] = w.sendOnly(t)
		}
		sleep(wait + time.Second)
		require.Equal(t, 100, w.sends(channel.SMS))
		require.Len(t, provider.refs(), 8)
		id := w.sendOnly(t)
		sleep(time.Second)
		require.Equal(t, status.Accepted, w.message(id).Status)
		sleep(time.Hour)
		for _, id := range ids {
			require.Equal(t, channel.Impossible, w.message(id).Attempts[0].Recall)
		}
		require.Less(t, provider.times(), 300, "while it hangs, one message after another tries")
	})
}

// A Recall that ignores its context keeps neither Run from its end nor messages from theirs.
func TestRecall_CallThatNeverReturnsIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		var provider *recallingChannel
		w := newWorld(t, acceptedTwice(), recalling(&provider, 0, func(context.Context, channel.Ref) (channel.Recall, error) {
			<-end
			return channel.Recalled, nil
		}), func(c *smsplus.Config) { c.Clock, c.NewID = nil, uuid.New })
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		id := w.sendOnly(t)
		sleep(wait + time.Hour)
		require.Equal(t, channel.Impossible, w.message(id).Attempts[0].Recall)
		require.LessOrEqual(t, provider.times(), 8)
		cancel()
		require.NoError(t, <-ran)
	})
}

// A run that ends puts recalls back, and counts no try of a call that it cuts off.
func TestRecall_RunEndsDuringARecall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var provider *recallingChannel
		w := newWorld(t, acceptedTwice(), recalling(&provider, 0, hangsInRecall), func(c *smsplus.Config) {
			c.Clock, c.NewID, c.DrainTimeout = nil, uuid.New, time.Second
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		ids := make([]uuid.UUID, 100)
		for i := range ids {
			ids[i] = w.sendOnly(t)
		}
		sleep(wait + time.Second)
		require.Equal(t, 8, provider.times())
		cancel()
		require.NoError(t, <-ran)
		for _, id := range ids {
			m := w.message(id)
			require.Zero(t, m.Claims)
			require.Zero(t, m.Attempts[0].RecallTries)
			require.False(t, m.DueAt.After(time.Now()))
		}
	})
}

// hangsInRecall is a provider that does not answer a recall.
func hangsInRecall(ctx context.Context, _ channel.Ref) (channel.Recall, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// eventsOf returns the events of one type.
func eventsOf[E smsplus.Event](o *recordingObserver) (es []E) {
	for _, e := range o.list() {
		if e, ok := e.(E); ok {
			es = append(es, e)
		}
	}
	return es
}

// A message that waits for a recall alone has ended for Cancel.
func TestCancel_OfADeliveredMessageThatWaitsForARecall(t *testing.T) {
	t.Parallel()
	var provider *recallingChannel
	w := newWorld(t, acceptedTwice(), recalling(&provider, 1, takesBack(channel.Recalled)))
	id := w.send()
	w.advance(wait)
	w.receive(receipt(w.message(id), 0, status.Delivered))
	require.ErrorIs(t, w.Cancel(t.Context(), id), smsplus.ErrEnded)
}

// failingOutcomes takes no outcome.
type failingOutcomes struct{ calls int }

func (f *failingOutcomes) Publish(context.Context, smsplus.Outcome) error {
	f.calls++
	return errors.New("503")
}

// Outcomes that fail and a recall that fails keep their back-offs: they take turns.
func TestRecall_AndOutcomesTakeTurns(t *testing.T) {
	t.Parallel()
	var (
		provider *recallingChannel
		outcomes failingOutcomes
	)
	w := newWorld(t, acceptedTwice(), recalling(&provider, 1, failsToRecall), func(c *smsplus.Config) { c.Outcomes = &outcomes })
	id := w.send()
	w.advance(wait)
	w.receive(receipt(w.message(id), 0, status.Delivered))
	for range 10 {
		w.tick()
	}
	require.LessOrEqual(t, provider.times(), 2)
	require.LessOrEqual(t, outcomes.calls, 2)
	require.Positive(t, outcomes.calls)
	for range 3000 {
		w.advance(10 * time.Second)
	}
	require.Equal(t, channel.Impossible, w.message(id).Attempts[1].Recall)
	require.Greater(t, outcomes.calls, 8)
	require.Less(t, outcomes.calls, 50)
}
