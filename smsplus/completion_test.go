package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestCompletion_IsStoredHoweverLongTheStoreIsDown(t *testing.T) {
	var down atomic.Bool
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		down.Store(true)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: memstore.New(), Before: func(string) error {
			if down.Load() {
				return errors.New("down")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		sleep(40 * time.Second)
		down.Store(false)
		sleep(6 * time.Second)
		require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
		require.Equal(t, 1, w.sends(channel.SMS))
	})
}

func TestCompletion_IsNotStoredInABusyLoop(t *testing.T) {
	var calls atomic.Int64
	var broken atomic.Bool
	var w0 *world
	var id uuid.UUID
	runInBubble(t, []step{{channel.SMS, func(ctx context.Context, _ channel.Envelope) (channel.Result, error) {
		if err := w0.Cancel(ctx, id); err != nil { // makes the outcome stale
			return channel.Result{}, err
		}
		broken.Store(true)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		id = uuid.New()
		c.NewID = func() uuid.UUID { return id }
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Message" && broken.Load() && calls.Add(1) < 10000 {
				return errors.New("down")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		w0 = w
		w.sendOnly(t)
		sleep(time.Second)
		require.Less(t, calls.Load(), int64(100), "calls to a store that is down, in one second")
	})
}

func TestCompletion_LateOutcomeLeavesAnotherHoldersLeaseAlone(t *testing.T) {
	t.Parallel()
	// The send outlives its lease, and another dispatcher has claimed the message.
	var w *world
	var lease time.Time
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		w.clock.Add(2 * time.Minute)
		lease = w.claimAndDie().DueAt
		return says(status.Accepted)(ctx, e)
	}, smsplus.Step{}}})
	id := w.send()
	m := w.message(id)
	require.Equal(t, "accepted: sms=accepted", statuses(m), "what it learned is not lost")
	require.Equal(t, lease, m.DueAt)

	// The other one died. What it may have sent is the same attempt: nothing more is.
	w.advance(time.Minute)
	require.Equal(t, "accepted: sms=accepted", statuses(w.message(id)))
	require.Equal(t, start.Add(48*time.Hour), w.message(id).DueAt)
	require.Equal(t, 1, w.sends(channel.SMS))
}

// A last try that fails is no reason to give up an attempt that a receipt has meanwhile
// shown to be accepted.
func TestCompletion_VerdictYieldsToAReceipt(t *testing.T) {
	t.Parallel()
	var w *world
	w = newWorld(t, []step{{channel.SMS, inTurn(
		fails(channel.InDoubt(errors.New("no answer"))),
		func(_ context.Context, e channel.Envelope) (channel.Result, error) {
			w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: e.AttemptID.String(), Status: status.Accepted})
			return channel.Result{}, errors.New("busy")
		},
	), smsplus.Step{}}}, func(c *smsplus.Config) { c.Retry.Tries = 2 })
	id := w.send()
	w.advance(time.Minute)
	require.Equal(t, 2, w.sends(channel.SMS))
	require.Equal(t, "accepted: sms=accepted", statuses(w.message(id)))
}

// A message that ends in its lane without a send is stored again soon after the store has
// failed, and not when its lease ends.
func TestCompletion_EndWithoutASendIsStoredAgain(t *testing.T) {
	var fail atomic.Bool
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 0.2}}
		c.Templates[0].TTL = 3 * time.Second
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Update" && fail.CompareAndSwap(true, false) {
				return errors.New("blip")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		w.sendOnly(t)
		sleep(time.Second)
		id := w.sendOnly(t) // its turn comes after its time to live
		fail.Store(true)
		sleep(5 * time.Second)
		require.False(t, fail.Load())
		require.Equal(t, "undeliverable: sms=undeliverable(expired)", statuses(w.message(id)))
	})
}

// A Tick does not wait, so it leaves an outcome that it could not store to the next one. A send
// whose outcome is lost would be repeated.
func TestCompletion_OutcomeOfAFailedTickIsStoredByTheNext(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		for _, ticks := range []int{1, 5} {
			t.Run(fmt.Sprintf("%s, %d ticks fail", name, ticks), func(t *testing.T) {
				t.Parallel()
				fail := 0
				route := singleStep(policy)
				route[0].answer = func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
					fail = ticks
					return says(status.Delivered)(ctx, e)
				}
				w := newWorld(t, route, func(c *smsplus.Config) {
					c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
						if m == "Update" && fail > 0 {
							fail--
							return errors.New("blip")
						}
						return nil
					}}
				})
				id := w.sendOnly(t)
				for range ticks {
					_, err := w.Tick(t.Context())
					require.Error(t, err)
				}
				w.tick()
				require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
				w.advance(time.Hour)
				require.Equal(t, 1, w.sends(channel.SMS))
				require.Zero(t, w.sends("letter"))
			})
		}
	}
}

// An outcome that the store refuses stops no other message.
func TestCompletion_RefusedOutcomeLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	var refused uuid.UUID
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &refusingStore{Store: c.Store, refused: &refused}
	})
	refused = w.sendOnly(t)
	_, err := w.Tick(t.Context())
	require.Error(t, err)
	other := w.sendOnly(t)
	_, err = w.Tick(t.Context())
	require.Error(t, err, "the refused one is not forgotten")
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(other)))
}

// refusingStore refuses every update of one message.
type refusingStore struct {
	smsplus.Store
	refused *uuid.UUID
}

func (s *refusingStore) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if slices.ContainsFunc(ms, func(m smsplus.Message) bool { return m.ID == *s.refused }) {
		return nil, errors.New("refused")
	}
	return s.Store.Update(ctx, ms)
}

// erasingStore is a store in which every message has been erased, if erased is set.
type erasingStore struct {
	smsplus.Store
	erased  bool
	updates int // that would undo it
}

func (s *erasingStore) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	if !s.erased {
		return s.Store.Update(ctx, ms)
	}
	for _, m := range ms {
		if m.To.IsZero() {
			s.updates++
		}
		stale = append(stale, m.ID)
	}
	return stale, nil
}

func (s *erasingStore) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	m, err := s.Store.Message(ctx, id)
	if s.erased && s.updates == 0 {
		m.To, m.Version = channel.Recipient{}, m.Version+1
	} else if s.erased {
		err = smsplus.ErrNotFound
	}
	return m, err
}

// A message that a delivery ended during a later send may be erased before the send is
// answered. The answer adds nothing to it: the provider's ID names the person's message.
func TestCompletion_AddsNothingToAnErasedMessage(t *testing.T) {
	t.Parallel()
	store := &erasingStore{}
	w := newSMSWorld(t, func(c *smsplus.Config) { store.Store, c.Store = c.Store, store })
	w.channels[channel.SMS].SendFunc = func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		store.erased = true
		return says(status.Delivered)(ctx, e)
	}
	w.send()
	require.True(t, store.erased)
	require.Zero(t, store.updates)
}

// An undelivered end that stores a provider's name is two writes: Insert, and the update
// with the name. The dispatcher that stored the name looks up the receipts parked under it. The
// row is not made due once more for that.
func TestCompletion_UndeliveredEndWithANameIsTwoWrites(t *testing.T) {
	for _, st := range []status.Status{status.Undeliverable, status.Failed} {
		t.Run(st.String(), func(t *testing.T) {
			var writes recordingWrites
			runInBubble(t, []step{{channel.SMS, says(st), smsplus.Step{}}}, func(c *smsplus.Config) {
				writes.Store, c.Store = c.Store, &writes
			}, func(t *testing.T, w *world) {
				id := w.sendOnly(t)
				sleep(5 * time.Minute)
				m := w.message(id)
				require.Equal(t, st, m.Status)
				require.Equal(t, providerID(m.Attempts[0].ID), m.Attempts[0].ProviderID)
				require.Equal(t, []string{"Insert", "Update"}, writes.list)
				require.Equal(t, int64(2), m.Version)
			})
		})
	}
}

// recordingWrites is a store that records its calls that write a message.
type recordingWrites struct {
	smsplus.Store
	mu   sync.Mutex
	list []string
}

func (s *recordingWrites) record(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, method)
}

func (s *recordingWrites) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	s.record("Insert")
	return s.Store.Insert(ctx, ms)
}

func (s *recordingWrites) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	if len(claimed.Messages) > 0 {
		s.record("Claim")
	}
	return claimed, err
}

func (s *recordingWrites) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	s.record("Update")
	return s.Store.Update(ctx, ms)
}

func (s *recordingWrites) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	s.record("SetAside")
	return s.Store.SetAside(ctx, rows, until)
}
