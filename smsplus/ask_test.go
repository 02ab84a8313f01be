package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// askedChannel is a fake whose provider can be asked.
type askedChannel struct {
	*ChannelMock
	pollEvery time.Duration
	// query answers about one ref. A zero receipt says nothing.
	query func(channel.Ref) (channel.Receipt, error)

	mu      sync.Mutex
	queries [][]channel.Ref
}

func (a *askedChannel) Traits() channel.Traits {
	t := a.ChannelMock.Traits()
	t.PollEvery = a.pollEvery
	return t
}

func (a *askedChannel) Query(_ context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	a.mu.Lock()
	a.queries = append(a.queries, slices.Clone(refs))
	a.mu.Unlock()
	for _, ref := range refs {
		r, failed := a.query(ref)
		if failed != nil {
			err = failed
		} else if r != (channel.Receipt{}) {
			rs = append(rs, r)
		}
	}
	return rs, err
}

func (a *askedChannel) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queries)
}

// reports answers every question with the same status.
func reports(st status.Status) func(channel.Ref) (channel.Receipt, error) {
	return func(ref channel.Ref) (channel.Receipt, error) {
		return channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: st}, nil
	}
}

func knowsNothing(channel.Ref) (channel.Receipt, error) { return channel.Receipt{}, nil }

// asked makes the provider of the first step one that can be asked.
func asked(to **askedChannel, query func(channel.Ref) (channel.Receipt, error)) func(*smsplus.Config) {
	return func(c *smsplus.Config) {
		*to = &askedChannel{ChannelMock: c.Channels[0].(*ChannelMock), query: query}
		c.Channels[0] = *to
	}
}

// silentThenSMS is a route whose first channel accepts, and sends no receipts.
func silentThenSMS() []step {
	return []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}
}

func TestAsk_BeforeTheEndOfAWaitForwards(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		query func(channel.Ref) (channel.Receipt, error)
		want  string
		sms   int
	}{
		"it was delivered":  {reports(status.Delivered), "delivered: whatsapp=delivered", 0},
		"it did not arrive": {reports(status.Undeliverable), "delivered: whatsapp=undeliverable(carrier_error) sms=delivered", 1},
		"nothing new":       {reports(status.Accepted), "delivered: whatsapp=accepted sms=delivered", 1},
		"nothing said":      {knowsNothing, "delivered: whatsapp=accepted sms=delivered", 1},
		"no status":         {reports(status.Status(99)), "delivered: whatsapp=accepted sms=delivered", 1},
		"what was not asked": {func(channel.Ref) (channel.Receipt, error) {
			return reports(status.Delivered)(channel.Ref{Channel: channel.WhatsApp, ProviderID: "other"})
		}, "delivered: whatsapp=accepted sms=delivered", 1},
		"read, so it is there": {func(ref channel.Ref) (channel.Receipt, error) {
			return channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Read: true}, nil
		}, "delivered: whatsapp=delivered", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var provider *askedChannel
			w := newWorld(t, silentThenSMS(), asked(&provider, tt.query))
			id := w.send()
			require.Zero(t, provider.times())
			w.advance(wait)
			require.Equal(t, [][]channel.Ref{{{Channel: channel.WhatsApp, ProviderID: w.message(id).Attempts[0].ProviderID}}}, provider.queries)
			require.Equal(t, tt.want, statuses(w.message(id)))
			require.Equal(t, tt.sms, w.sends(channel.SMS))
			require.Zero(t, w.message(id).DueAt)
		})
	}
}

func TestAsk_LastStepIsAskedBeforeItEnds(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}}}, asked(&provider, reports(status.Delivered)))
	id := w.send()
	w.advance(wait)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

// A channel whose provider sends no receipts is asked by the store's due times.
func TestAsk_PollsEvery(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	arrived := false
	w := newWorld(t, silentThenSMS(), asked(&provider, func(ref channel.Ref) (channel.Receipt, error) {
		if !arrived {
			return channel.Receipt{}, nil
		}
		return reports(status.Delivered)(ref)
	}), func(c *smsplus.Config) { c.Channels[0].(*askedChannel).pollEvery = time.Minute })
	id := w.send()
	for i := range 3 {
		require.Equal(t, start.Add(time.Duration(i+1)*time.Minute), w.message(id).DueAt)
		w.advance(59 * time.Second)
		require.Equal(t, i, provider.times())
		w.Dispatcher = w.newDispatcher() // a process that dies loses no question
		w.advance(time.Second)
		require.Equal(t, i+1, provider.times())
	}
	arrived = true
	w.advance(time.Minute)
	require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
	w.advance(24 * time.Hour)
	require.Equal(t, 4, provider.times())
	require.Zero(t, w.sends(channel.SMS))
}

// What a poll finds moves the message on before its wait is over.
func TestAsk_PollForwards(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	w := newWorld(t, silentThenSMS(), asked(&provider, reports(status.Undeliverable)),
		func(c *smsplus.Config) { c.Channels[0].(*askedChannel).pollEvery = time.Minute })
	id := w.send()
	w.advance(time.Minute)
	require.Equal(t, "delivered: whatsapp=undeliverable(carrier_error) sms=delivered", statuses(w.message(id)))
}

func TestAsk_BeforeASendInDoubtIsRepeated(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]smsplus.Policy{"resend": smsplus.Resend, "forward": smsplus.Forward} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var provider *askedChannel
			w := newWorld(t, []step{
				{channel.WhatsApp, inTurn(crashes, says(status.Accepted)), smsplus.Step{InDoubt: policy}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			}, asked(&provider, reports(status.Delivered)))
			id := w.sendAndCrash()
			w.Dispatcher = w.newDispatcher()
			w.advance(time.Hour)
			require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
			require.Equal(t, 1, w.sends(channel.WhatsApp))
			require.Zero(t, w.sends(channel.SMS))
			require.Equal(t, smsplus.AttemptID(id, 0).String(), provider.queries[0][0].ProviderID)
		})
	}
}

// A message whose time to live is over waits for the answer too, and not in a loop.
func TestAsk_FailedQueryAfterTheTimeToLive(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	query := func(channel.Ref) (channel.Receipt, error) { return channel.Receipt{}, errors.New("down") }
	w := newWorld(t, silentThenSMS(), asked(&provider, func(ref channel.Ref) (channel.Receipt, error) { return query(ref) }))
	tr := w.trigger()
	tr.TTL = 2 * wait
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	w.tick()
	w.advance(2 * wait)
	require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(id)))
	require.Equal(t, 1, provider.times())
	query = reports(status.Delivered)
	w.advance(time.Minute)
	require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
	require.Equal(t, 2, provider.times())
}

// A later try that was refused says nothing about the one in doubt.
func TestAsk_BeforeATryAfterADoubt(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	knows := knowsNothing
	busy := channel.Temporary(errors.New("busy"), 0)
	w := newWorld(t, []step{
		{channel.WhatsApp, inTurn(crashes, fails(busy), says(status.Accepted)), smsplus.Step{InDoubt: smsplus.Resend}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, asked(&provider, func(ref channel.Ref) (channel.Receipt, error) { return knows(ref) }))
	id := w.sendAndCrash()
	w.Dispatcher = w.newDispatcher()
	w.advance(2 * time.Minute)
	require.Equal(t, "preparing: whatsapp=preparing(system_error)", statuses(w.message(id)))
	knows = reports(status.Delivered)
	w.advance(time.Hour)
	require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
	require.Equal(t, 2, w.sends(channel.WhatsApp))
	require.Zero(t, w.sends(channel.SMS))
}

// A provider that cannot be asked holds messages up for a few tries, and not for long.
func TestAsk_FailedQueryIsRepeatedThenPassedOver(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(channel.Ref) (channel.Receipt, error){
		"error": func(channel.Ref) (channel.Receipt, error) { return channel.Receipt{}, errors.New("503") },
		"panic": func(channel.Ref) (channel.Receipt, error) { panic("503") },
		"end of the goroutine": func(channel.Ref) (channel.Receipt, error) {
			runtime.Goexit()
			return channel.Receipt{}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var provider *askedChannel
			w := newWorld(t, silentThenSMS(), asked(&provider, fail))
			id := w.send()
			w.advance(wait)
			require.Equal(t, 1, provider.times())
			require.Zero(t, w.sends(channel.SMS))
			for range 10 {
				w.advance(time.Second)
			}
			require.Equal(t, 3, provider.times())
			require.Equal(t, "delivered: whatsapp=accepted sms=delivered", statuses(w.message(id)))

			id = w.send()
			w.advance(wait)
			require.Equal(t, "delivered: whatsapp=accepted sms=delivered", statuses(w.message(id)), "it is still down")
			require.Equal(t, 4, provider.times())

			provider.query = reports(status.Delivered)
			id = w.send()
			w.advance(wait)
			require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
		})
	}
}

// A provider that asks for a pause is not asked meanwhile. Messages wait for at most a minute.
func TestAsk_PauseThatTheProviderAsksForIsKept(t *testing.T) {
	t.Parallel()
	for pause, waits := range map[time.Duration]bool{30 * time.Second: true, time.Hour: false} {
		var provider *askedChannel
		w := newWorld(t, silentThenSMS(), asked(&provider, func(channel.Ref) (channel.Receipt, error) {
			return channel.Receipt{}, fmt.Errorf("wrapped: %w", channel.Temporary(errors.New("429"), pause))
		}))
		id := w.send()
		w.advance(wait)
		for range 29 {
			w.advance(time.Second)
		}
		require.Equal(t, 1, provider.times(), pause)
		require.Equal(t, waits, w.sends(channel.SMS) == 0, pause)
		provider.query = reports(status.Delivered)
		w.advance(pause)
		if waits {
			require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
			continue
		}
		id = w.send()
		w.advance(wait)
		require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)), "the pause is over")
	}
}

// Answers that come with an error count.
func TestAsk_PartOfAnAnswerCounts(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	w := newWorld(t, silentThenSMS(), asked(&provider, nil))
	first, second := w.send(), w.send()
	known := w.message(first).Attempts[0].ProviderID
	provider.query = func(ref channel.Ref) (channel.Receipt, error) {
		if ref.ProviderID == known {
			return reports(status.Delivered)(ref)
		}
		return channel.Receipt{}, errors.New("503")
	}
	w.advance(wait)
	require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(first)))
	require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(second)))
}

// A process that dies, or a store that fails, after the provider has answered makes no second
// copy of a message that arrived.
func TestAsk_AnswerThatIsNotStoredIsAskedForAgain(t *testing.T) {
	t.Parallel()
	var provider *askedChannel
	w := newWorld(t, silentThenSMS(), asked(&provider, reports(status.Delivered)))
	id := w.send()
	provider.query = func(ref channel.Ref) (channel.Receipt, error) {
		w.crashed.Store(true)
		return reports(status.Delivered)(ref)
	}
	w.clock.Add(wait)
	_, err := w.Tick(t.Context())
	require.ErrorIs(t, err, errCrash)
	w.restart()
	w.Dispatcher = w.newDispatcher()
	provider.query = reports(status.Delivered)
	w.advance(time.Hour)
	require.Zero(t, w.sends(channel.SMS))
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// Receipts are cut off for longer than the wait. No person gets a second copy.
func TestAsk_OutageOfReceiptsDoublesNothing(t *testing.T) {
	var provider *askedChannel
	runInBubble(t, silentThenSMS(), asked(&provider, reports(status.Delivered)), func(t *testing.T, w *world) {
		const n = 1000
		trs := make([]smsplus.Trigger, n)
		for i := range trs {
			trs[i] = w.trigger()
		}
		ids, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		sleep(wait + time.Minute)
		for _, id := range ids {
			require.Equal(t, "delivered: whatsapp=delivered", statuses(w.message(id)))
		}
		require.Zero(t, w.sends(channel.SMS))
		for _, refs := range provider.queries {
			require.LessOrEqual(t, len(refs), 100)
		}
		require.Less(t, provider.times(), n/2, "questions share calls")
	})
}

// A provider that hangs when it is asked holds up its own messages, and those for a minute at
// most.
func TestAsk_HangingQueryHurtsItselfOnly(t *testing.T) {
	var hung atomic.Int64
	runInBubble(t, append(silentThenSMS(), step{"fax", says(status.Delivered), smsplus.Step{}}), func(c *smsplus.Config) {
		c.Channels[0] = hangingQuerier{c.Channels[0], &hung}
		c.Templates = append(c.Templates, smsplus.Template{ID: "fax", Route: []smsplus.Step{{Channel: "fax", Content: text}}})
	}, func(t *testing.T, w *world) {
		id := w.send()
		sleep(wait + time.Second)
		require.Positive(t, hung.Load())
		other := w.sendOnly(t, func(tr *smsplus.Trigger) { tr.Template, tr.SendAt = "fax", time.Now().Add(time.Second) })
		sleep(3 * time.Second)
		require.Equal(t, "delivered: fax=delivered", statuses(w.message(other)))
		require.Zero(t, w.sends(channel.SMS))
		sleep(time.Minute)
		require.Equal(t, "delivered: whatsapp=accepted sms=delivered", statuses(w.message(id)))
		synctest.Wait()
	})
}

// A run that ends puts messages back that wait for an answer.
func TestAsk_RunEndsDuringAQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			hung atomic.Int64
			seen recordingObserver
		)
		w := newWorld(t, silentThenSMS(), func(c *smsplus.Config) {
			c.Clock, c.NewID, c.Observer = nil, uuid.New, &seen
			c.Channels[0] = hangingQuerier{c.Channels[0], &hung}
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		id := w.sendOnly(t)
		sleep(wait + 2*time.Second)
		require.Equal(t, 1, w.message(id).Claims)
		cancel()
		require.NoError(t, <-ran)
		require.Zero(t, countEvents[smsplus.ProviderAsked](&seen), "that is no fault of the provider")
		require.Zero(t, w.message(id).Claims)
		require.Equal(t, "accepted: whatsapp=accepted", statuses(w.message(id)))
	})
}

// A Query that ignores its context keeps neither messages from the next channel nor Run from
// its end.
func TestAsk_QueryThatNeverReturnsIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := &deafQuerier{end: make(chan struct{})}
		defer close(deaf.end)
		w := newWorld(t, silentThenSMS(), func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			deaf.Channel = c.Channels[0]
			c.Channels[0] = deaf
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		id := w.sendOnly(t)
		sleep(wait + 5*time.Minute)
		require.Equal(t, "delivered: whatsapp=accepted sms=delivered", statuses(w.message(id)))
		require.EqualValues(t, 1, deaf.calls.Load())
		cancel()
		require.NoError(t, <-ran)
	})
}

// deafQuerier answers no Query until end is closed.
type deafQuerier struct {
	channel.Channel
	calls atomic.Int64
	end   chan struct{}
}

func (q *deafQuerier) Query(context.Context, []channel.Ref) ([]channel.Receipt, error) {
	q.calls.Add(1)
	<-q.end
	return nil, nil
}

// The leases of all messages that wait for an answer are released concurrently. Otherwise a store
// that hangs would keep Run for a timeout a message.
func TestAsk_RunEndsWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		store := &hangingUpdates{}
		w := newWorld(t, silentThenSMS(), func(c *smsplus.Config) {
			c.Clock, c.NewID = nil, uuid.New
			c.Channels[0] = hangingQuerier{c.Channels[0], &asked}
			store.Store = c.Store
			c.Store = store
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		for range 60 {
			w.sendOnly(t)
		}
		sleep(wait + 2*time.Second)
		require.EqualValues(t, 1, asked.Load())
		store.hangs.Store(true)
		cancel()
		require.NoError(t, <-ran)
	})
}

// hangingUpdates is a store whose updates hang until their context ends.
type hangingUpdates struct {
	smsplus.Store
	hangs atomic.Bool
}

func (h *hangingUpdates) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if !h.hangs.Load() {
		return h.Store.Update(ctx, ms)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

type hangingQuerier struct {
	channel.Channel
	hung *atomic.Int64
}

func (q hangingQuerier) Query(ctx context.Context, _ []channel.Ref) ([]channel.Receipt, error) {
	q.hung.Add(1)
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestNew_RefusesPollsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	ch := &pollingChannel{Channel: fakeChannel(channel.SMS, says(status.Accepted)), every: time.Minute}
	_, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: []channel.Channel{ch}})
	require.ErrorContains(t, err, "Traits.PollEvery: the channel is no channel.Querier")
	ch.every = 60
	_, err = smsplus.New(smsplus.Config{Store: memstore.New(), Channels: []channel.Channel{ch}})
	require.ErrorContains(t, err, "Traits.PollEvery is 60ns: want 1s to 8760h0m0s, or none")
}

type pollingChannel struct {
	channel.Channel
	every time.Duration
}

func (p *pollingChannel) Traits() channel.Traits { return channel.Traits{PollEvery: p.every} }
