package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// recordingOutcomes keeps what it takes. It asks fails first, if that is set.
type recordingOutcomes struct {
	mu    sync.Mutex
	fails func(ctx context.Context, o smsplus.Outcome) error
	taken []smsplus.Outcome
	calls int
}

func (r *recordingOutcomes) Publish(ctx context.Context, o smsplus.Outcome) error {
	r.mu.Lock()
	r.calls++
	fails := r.fails
	r.mu.Unlock()
	if fails != nil {
		if err := fails(ctx, o); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, o)
	return nil
}

// of returns what was taken of a message, in order.
func (r *recordingOutcomes) of(id uuid.UUID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, o := range r.taken {
		if o.Message.ID == id {
			text := o.Kind.String()
			if o.Kind == smsplus.OutcomeEnded {
				text += " " + o.Message.Status.String()
			}
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

func (r *recordingOutcomes) setFails(fails func(context.Context, smsplus.Outcome) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = fails
}

func (r *recordingOutcomes) callCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

func withOutcomes(o smsplus.Outcomes) func(*smsplus.Config) {
	return func(c *smsplus.Config) { c.Outcomes = o }
}

func TestOutcomes_HearTheEndAndWhatComesAfter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first answer
		then  func(w *world, id uuid.UUID)
		want  string
	}{
		"delivered":   {first: says(status.Delivered), want: "ended delivered"},
		"failed":      {first: fails(channel.Failed(status.Authorization, "")), want: "ended failed"},
		"no receipt":  {first: says(status.Accepted), then: func(w *world, _ uuid.UUID) { w.advance(wait) }, want: "ended undeliverable"},
		"still going": {first: says(status.Accepted), want: ""},
		"delivered, and read later": {first: says(status.Accepted), then: func(w *world, id uuid.UUID) {
			w.receive(receipt(w.message(id), 0, status.Delivered))
			w.tick()
			w.receive(receipt(w.message(id), 0, status.Delivered, wasRead))
		}, want: "ended delivered, read"},
		"read at once": {first: says(status.Accepted), then: func(w *world, id uuid.UUID) {
			w.receive(receipt(w.message(id), 0, status.Delivered, wasRead))
		}, want: "ended delivered, read"},
		"a late delivery": {first: says(status.Accepted), then: func(w *world, id uuid.UUID) {
			w.advance(wait)
			w.receive(receipt(w.message(id), 0, status.Delivered))
		}, want: "ended undeliverable, delivered"},
		"a late delivery that is read": {first: says(status.Accepted), then: func(w *world, id uuid.UUID) {
			w.advance(wait)
			w.receive(receipt(w.message(id), 0, status.Delivered, wasRead))
		}, want: "ended undeliverable, delivered, read"},
		"canceled": {first: fails(errors.New("down")), then: func(w *world, id uuid.UUID) {
			require.NoError(w.t, w.Cancel(w.t.Context(), id))
		}, want: "ended undeliverable"},
		"confirmed": {first: says(status.Accepted), then: func(w *world, id uuid.UUID) {
			require.NoError(w.t, w.Confirm(w.t.Context(), id))
		}, want: "ended delivered, confirmed"},
		"confirmed after its end": {first: fails(channel.Failed(status.Authorization, "")), then: func(w *world, id uuid.UUID) {
			require.NoError(w.t, w.Confirm(w.t.Context(), id))
		}, want: "ended failed, delivered, confirmed"},
		"an end that was replaced before it was published": {first: says(status.Accepted), then: func(w *world, id uuid.UUID) {
			m := w.message(id)
			w.receive(receipt(m, 0, status.Undeliverable))
			w.receive(receipt(m, 0, status.Delivered))
		}, want: "ended delivered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heard recordingOutcomes
			w := newWorld(t, []step{{channel.WhatsApp, tt.first, smsplus.Step{Wait: wait}}}, withOutcomes(&heard))
			id := w.send()
			if tt.then != nil {
				tt.then(w, id)
			}
			w.tick()
			require.Equal(t, tt.want, heard.of(id))
			if tt.want == "" {
				return
			}
			m := w.message(id)
			require.Zero(t, m.DueAt)
			require.Empty(t, m.Lane)
			require.Zero(t, m.Claims)
			require.Zero(t, w.advance(100*24*time.Hour), "and nothing twice")
			require.Equal(t, tt.want, heard.of(id))
			ids := map[uuid.UUID]bool{}
			for _, o := range heard.taken {
				require.False(t, ids[o.ID], "the ID of %v", o.Kind)
				ids[o.ID] = true
			}
		})
	}
}

func TestOutcomes_ReachAMessageThatContinuesAfterItsEnd(t *testing.T) {
	t.Parallel()
	var heard recordingOutcomes
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Until: smsplus.UntilAccepted}},
		{channel.SMS, says(status.Accepted), smsplus.Step{Until: smsplus.UntilAccepted}},
	}, withOutcomes(&heard))
	id := w.send()
	require.Equal(t, "ended accepted", heard.of(id))
	w.receive(receipt(w.message(id), 0, status.Undeliverable))
	w.tick()
	require.Equal(t, "ended accepted, ended accepted", heard.of(id))
	require.NotEqual(t, heard.taken[0].ID, heard.taken[1].ID)
	require.Equal(t, channel.SMS, heard.taken[1].Message.Channel)
}

func TestOutcomes_AreTriedAgainWithABackOffOfTheRow(t *testing.T) {
	t.Parallel()
	down := errors.New("the queue is down")
	heard := recordingOutcomes{fails: func(context.Context, smsplus.Outcome) error { return down }}
	var seen recordingObserver
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard),
		func(c *smsplus.Config) { c.Observer = &seen })
	id := w.send()
	m := w.message(id)
	require.True(t, m.HasEnded())
	require.Equal(t, smsplus.OutcomeLane, m.Lane)
	require.Equal(t, 1, m.Published.Failures)
	require.ErrorIs(t, w.Cancel(t.Context(), id), smsplus.ErrEnded)
	for range 40 {
		w.Dispatcher = w.newDispatcher() // the row alone counts
		w.advance(30 * time.Minute)
	}
	require.Less(t, heard.callCount(), 75, "an hour in the end")
	require.Greater(t, heard.callCount(), 20)
	require.Equal(t, heard.callCount(), w.message(id).Published.Failures)
	heard.setFails(func(_ context.Context, o smsplus.Outcome) error {
		if o.Try == 1 {
			return errors.New("it was tried before")
		}
		return nil
	})
	w.advance(time.Hour)
	require.Equal(t, "ended delivered", heard.of(id))
	require.Zero(t, w.message(id).Published.Failures)
	require.Zero(t, w.message(id).DueAt)
	require.Equal(t, heard.callCount(), countEvents[smsplus.OutcomePublished](&seen))
}

func TestOutcomes_ChooseWhenTheyAreTriedAgain(t *testing.T) {
	t.Parallel()
	heard := recordingOutcomes{fails: func(_ context.Context, o smsplus.Outcome) error {
		if o.Try < 3 {
			return &smsplus.RetryError{After: 5 * time.Hour, Err: errors.New("busy")}
		}
		return nil
	}}
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard))
	id := w.send()
	require.Equal(t, start.Add(5*time.Hour), w.message(id).DueAt)
	require.Zero(t, w.advance(5*time.Hour-time.Second))
	require.Equal(t, 1, heard.callCount())
	w.advance(time.Second)
	require.Equal(t, start.Add(10*time.Hour), w.message(id).DueAt)
	w.advance(5 * time.Hour)
	require.Equal(t, "ended delivered", heard.of(id))
}

// What comes later waits until what comes first is taken, and does not shorten its back-off.
func TestOutcomes_KeepTheOrderWhileOneIsNotTaken(t *testing.T) {
	t.Parallel()
	heard := recordingOutcomes{fails: func(context.Context, smsplus.Outcome) error {
		return &smsplus.RetryError{After: time.Hour, Err: errors.New("busy")}
	}}
	w := newWorld(t, []step{{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}}}, withOutcomes(&heard))
	id := w.send()
	w.advance(wait)
	require.Equal(t, 1, heard.callCount())
	w.receive(receipt(w.message(id), 0, status.Delivered, wasRead))
	w.tick()
	require.Equal(t, 1, heard.callCount())
	heard.setFails(nil)
	w.advance(time.Hour)
	require.Equal(t, "ended delivered, read", heard.of(id), "the later end replaced the one before")
}

func TestOutcomes_ArePublishedAgainIfThatIsNotStored(t *testing.T) {
	t.Parallel()
	var heard recordingOutcomes
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard))
	heard.setFails(func(context.Context, smsplus.Outcome) error {
		w.crashed.Store(true) // the process dies after the call, before its update
		return nil
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.crash()
	require.Equal(t, "ended delivered", heard.of(id))
	heard.setFails(nil)
	w.Dispatcher = w.newDispatcher()
	w.advance(2 * time.Minute)
	require.Equal(t, "ended delivered, ended delivered", heard.of(id))
	require.Equal(t, heard.taken[0].ID, heard.taken[1].ID, "so that it can be recognized")
	require.Zero(t, w.message(id).DueAt)
}

// A receipt that comes during the call is stored under the holder.
func TestOutcomes_NoticeWhatHappensDuringTheCall(t *testing.T) {
	t.Parallel()
	var heard recordingOutcomes
	w := newWorld(t, []step{{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}}}, withOutcomes(&heard))
	heard.setFails(func(_ context.Context, o smsplus.Outcome) error {
		heard.setFails(nil)
		w.receive(receipt(o.Message, 0, status.Delivered, wasRead))
		return nil
	})
	id := w.send()
	w.advance(wait)
	require.Equal(t, "ended undeliverable, delivered, read", heard.of(id))
	require.Zero(t, w.message(id).DueAt)
}

// The lease of a holder ends during its call, and another dispatcher publishes meanwhile.
func TestOutcomes_LeaveAMessageAloneThatTheyLost(t *testing.T) {
	t.Parallel()
	var heard recordingOutcomes
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard))
	other := w.newDispatcher()
	heard.setFails(func(ctx context.Context, _ smsplus.Outcome) error {
		heard.setFails(func(context.Context, smsplus.Outcome) error {
			return &smsplus.RetryError{After: time.Hour, Err: errors.New("busy")}
		})
		w.clock.Add(2 * time.Minute)
		_, err := other.Tick(ctx)
		require.NoError(t, err)
		return nil
	})
	m := w.message(w.send())
	require.Equal(t, smsplus.OutcomeLane, m.Lane)
	require.Equal(t, smsplus.Published{Failures: 1}, m.Published)
}

// A person is erased while the outcome of a message to them is published, or waits to be.
func TestOutcomes_HoldUpNoErasure(t *testing.T) {
	t.Parallel()
	store := storetest.NewModel()
	var heard recordingOutcomes
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard), func(c *smsplus.Config) { c.Store = store })
	erase := func() error {
		n, err := store.Erase(t.Context(), w.trigger().To)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return nil
	}
	heard.setFails(func(context.Context, smsplus.Outcome) error { return erase() })
	during := w.send()
	heard.setFails(func(context.Context, smsplus.Outcome) error { return errors.New("busy") })
	before := w.send()
	require.NoError(t, erase())
	heard.setFails(nil)
	w.advance(time.Minute)
	for _, id := range []uuid.UUID{during, before} {
		require.Equal(t, "ended delivered", heard.of(id))
		require.Zero(t, w.message(id).DueAt)
		require.True(t, w.message(id).To.IsZero())
	}
	require.True(t, heard.taken[1].Message.To.IsZero(), "what is published later names nobody")
}

func TestOutcomes_PanicIsAnError(t *testing.T) {
	t.Parallel()
	heard := recordingOutcomes{fails: func(context.Context, smsplus.Outcome) error { panic("secret") }}
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard))
	id := w.send()
	heard.setFails(nil)
	w.advance(time.Minute)
	require.Equal(t, "ended delivered", heard.of(id))
}

// Dispatchers without Outcomes share the store with one that has them.
func TestOutcomes_ARetryErrorThatIsNilIsAnError(t *testing.T) {
	t.Parallel()
	heard := recordingOutcomes{fails: func(context.Context, smsplus.Outcome) error {
		var none *smsplus.RetryError
		return none
	}}
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard))
	id := w.send()
	require.Equal(t, smsplus.Published{Failures: 1}, w.message(id).Published)
	heard.setFails(nil)
	w.advance(time.Minute)
	require.Equal(t, "ended delivered", heard.of(id))
}

func TestOutcomes_AreLeftToADispatcherThatHasThem(t *testing.T) {
	t.Parallel()
	var heard recordingOutcomes
	var seen recordingObserver
	w := newWorld(t, []step{{channel.WhatsApp, says(status.Accepted), smsplus.Step{}}}, withOutcomes(&heard))
	with := w.Dispatcher
	w.config.Outcomes, w.config.Observer = nil, &seen
	without := w.newDispatcher()
	id, other := w.send(), w.send()
	w.receive(receipt(w.message(id), 0, status.Delivered))
	w.Dispatcher = without
	w.clock.Add(24 * time.Hour)
	require.Zero(t, w.tick())
	require.Zero(t, countEvents[smsplus.Unserved](&seen))
	w.receive(receipt(w.message(id), 0, status.Delivered, wasRead))
	require.Equal(t, smsplus.OutcomeLane, w.message(id).Lane, "its receipts lose no outcome")
	w.receive(receipt(w.message(other), 0, status.Delivered))
	w.Dispatcher = with
	w.tick()
	require.Equal(t, "ended delivered, read", heard.of(id))
	require.Empty(t, heard.of(other), "its end was stored by a dispatcher without Outcomes")
	w.receive(receipt(w.message(other), 0, status.Delivered, wasRead))
	w.tick()
	require.Equal(t, "ended delivered, read", heard.of(other), "until a dispatcher that has them stores more")
}

func TestOutcomes_CostNothingWithoutThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id := w.send()
	require.Zero(t, w.message(id).Published)
	require.Zero(t, w.message(id).DueAt)
	require.Equal(t, int64(3), w.message(id).Version, "an insert, a claim and an update")
}

// An end costs an update more, and no claim: the update that ends the message claims it.
func TestOutcomes_CostAnUpdateMore(t *testing.T) {
	var heard recordingOutcomes
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard), func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		synctest.Wait()
		require.Equal(t, "ended delivered", heard.of(id))
		m := w.message(id)
		require.Zero(t, m.DueAt)
		require.Equal(t, int64(3), m.Version, "an insert, the update of its end, and the one more")
	})
}

func TestOutcomes_ThatHangHurtNobodyElse(t *testing.T) {
	heard := recordingOutcomes{fails: func(ctx context.Context, _ smsplus.Outcome) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Outcomes, c.OutcomeConcurrency, c.Batch = &heard, 2, 4
	}, func(t *testing.T, w *world) {
		var ids []uuid.UUID
		for range 100 {
			ids = append(ids, w.sendOnly(t))
		}
		synctest.Wait()
		require.Equal(t, 100, w.sends(channel.SMS), "every message is sent at once")
		for _, id := range ids {
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
		require.Equal(t, 2, heard.callCount())
		heard.setFails(nil)
		sleep(2 * time.Hour)
		for _, id := range ids {
			require.Equal(t, "ended delivered", heard.of(id))
			require.Zero(t, w.message(id).DueAt)
		}
	})
}

func TestOutcomes_AreDrained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		heard := recordingOutcomes{fails: func(ctx context.Context, _ smsplus.Outcome) error {
			<-time.After(time.Second)
			return ctx.Err()
		}}
		w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard), func(c *smsplus.Config) {
			c.Clock, c.NewID, c.OutcomeConcurrency = nil, uuid.New, 1
		})
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		first, second := w.sendOnly(t), w.sendOnly(t)
		synctest.Wait()
		stop()
		require.NoError(t, <-ran)
		all := heard.of(first) + heard.of(second)
		require.Equal(t, "ended delivered", all, "the call in flight, and no other")
		for _, id := range []uuid.UUID{first, second} {
			require.Zero(t, w.message(id).Claims, "the others are put back")
		}
		require.Equal(t, 1, w.tick())
		require.Equal(t, "ended delivered", heard.of(first))
		require.Equal(t, "ended delivered", heard.of(second))
	})
}

func TestOutcome_IsACopy(t *testing.T) {
	t.Parallel()
	heard := recordingOutcomes{fails: func(_ context.Context, o smsplus.Outcome) error {
		o.Message.Vars["code"] = "changed"
		o.Message.Attempts[0].Status = status.Failed
		return errors.New("busy")
	}}
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, withOutcomes(&heard))
	m := w.message(w.send())
	require.Equal(t, "498172", m.Vars["code"])
	require.Equal(t, "delivered: sms=delivered", statuses(m))
}

func TestNew_RefusesChannelsWithTheNameOfTheOutcomeLane(t *testing.T) {
	t.Parallel()
	_, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), OutcomeConcurrency: -1,
		Channels: []channel.Channel{fakeChannel(smsplus.OutcomeLane, says(status.Accepted))},
	})
	require.ErrorContains(t, err, `smsplus: Config.Channels[0]: no channel's name begins with "outcome lane:"`)
	require.ErrorContains(t, err, `smsplus: Config.OutcomeConcurrency is -1: want 1 to 100000`)
	name, class := smsplus.ChannelOfLane(smsplus.OutcomeLane)
	require.Empty(t, name)
	require.Equal(t, smsplus.Normal, class)
}

func TestOutcomeKind_PrintsAsAWord(t *testing.T) {
	t.Parallel()
	for k, want := range map[smsplus.OutcomeKind]string{
		smsplus.OutcomeEnded: "ended", smsplus.OutcomeDelivered: "delivered", smsplus.OutcomeRead: "read", smsplus.OutcomeConfirmed: "confirmed",
	} {
		require.Equal(t, want, k.String())
		text, err := k.MarshalText()
		require.NoError(t, err)
		var got smsplus.OutcomeKind
		require.NoError(t, got.UnmarshalText(text))
		require.Equal(t, k, got)
	}
	require.Equal(t, "busy (again after 1h0m0s)", fmt.Sprint(&smsplus.RetryError{After: time.Hour, Err: errors.New("busy")}))
}
