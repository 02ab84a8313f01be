package smsplus_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// storeWithUnreadable cannot read some of its messages when they are claimed.
type storeWithUnreadable struct {
	smsplus.Store
	unreadable map[uuid.UUID]bool
}

var errDamaged = errors.New("damaged")

func (s *storeWithUnreadable) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	got, err := s.Store.Claim(ctx, c)
	ms, due := got.Messages, got.Due
	got.Messages, got.Due = nil, nil
	for i, m := range ms {
		if s.unreadable[m.ID] {
			got.Unreadable = append(got.Unreadable, smsplus.Unreadable{ID: m.ID, Version: m.Version, Claims: m.Claims, Err: errDamaged})
		} else {
			got.Messages, got.Due = append(got.Messages, m), append(got.Due, due[i])
		}
	}
	return got, err
}

func newWorldWithUnreadable(t *testing.T, seen smsplus.Observer) (*world, *storeWithUnreadable) {
	t.Helper()
	store := &storeWithUnreadable{unreadable: map[uuid.UUID]bool{}}
	w := newSMSWorld(t, func(c *smsplus.Config) {
		store.Store, c.Store, c.Observer = c.Store, store, seen
	})
	return w, store
}

func TestUnreadable_StopsNoOther(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w, store := newWorldWithUnreadable(t, &seen)
	var ids []uuid.UUID
	for range 10 {
		ids = append(ids, w.sendOnly(t))
	}
	for _, i := range []int{0, 3, 4, 9} {
		store.unreadable[ids[i]] = true
	}
	w.tick()
	for i, id := range ids {
		m := w.message(id)
		if store.unreadable[id] {
			require.Equal(t, "preparing:", statuses(m), i)
			require.Zero(t, m.Claims, "it is given back: another dispatcher may read it")
			require.Zero(t, m.Holder)
			require.Contains(t, seen.list(), smsplus.MessageUnreadable{Message: id, Err: errDamaged})
		} else {
			require.Equal(t, status.Delivered, m.Status, i)
		}
	}
	require.Equal(t, 4, countEvents[smsplus.MessageUnreadable](&seen))
}

// An unreadable message is set aside for a lease at first, and twice as long each time, up
// to an hour.
func TestUnreadable_IsSetAsideEverLonger(t *testing.T) {
	t.Parallel()
	w, store := newWorldWithUnreadable(t, nil)
	id := w.sendOnly(t)
	store.unreadable[id] = true
	w.tick()
	var waits []time.Duration
	for range 9 {
		waits = append(waits, w.message(id).DueAt.Sub(w.clock.Now()))
		w.clock.Set(w.message(id).DueAt)
		w.tick()
	}
	require.Equal(t, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}, divide(waits, time.Minute))

	// With its key there, or a release that can read it, it is sent as if nothing had been.
	store.unreadable[id] = false
	w.clock.Set(w.message(id).DueAt)
	w.tick()
	m := w.message(id)
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	require.Equal(t, 1, m.Attempts[0].Tries)
}

func divide(ds []time.Duration, by time.Duration) (out []time.Duration) {
	for _, d := range ds {
		out = append(out, d/by)
	}
	return out
}

// A dispatcher that cannot read a message leaves the doubt of the one that sent it.
func TestUnreadable_KeepsADoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.SMS, inTurn(crashes, says(status.Delivered)), smsplus.Step{Wait: wait, InDoubt: smsplus.Forward}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	})
	id := w.sendAndCrash()
	w.clock.Add(time.Minute)
	blind := w.newOtherDispatcher(func(c *smsplus.Config) {
		c.Store = &storeWithUnreadable{c.Store, map[uuid.UUID]bool{id: true}}
	})
	_, err := blind.Tick(t.Context())
	require.NoError(t, err)
	w.advance(time.Minute)
	require.Equal(t, "delivered: sms=undeliverable(in_doubt) letter=delivered", statuses(w.message(id)))
	require.Equal(t, 1, w.sends(channel.SMS))
}

// storeRefusingUpdates never takes an update of one message.
type storeRefusingUpdates struct {
	smsplus.Store
	id atomic.Value // the message's uuid.UUID
}

func (s *storeRefusingUpdates) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if slices.ContainsFunc(ms, func(m smsplus.Message) bool { return m.ID == s.id.Load() }) {
		return nil, errors.New("constraint")
	}
	return s.Store.Update(ctx, ms)
}

// An update that the store keeps refusing holds up no claims.
func TestUpdate_RefusedForEverStopsNoOther(t *testing.T) {
	store := &storeRefusingUpdates{}
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		store.Store, c.Store = c.Store, store
	}, func(t *testing.T, w *world) {
		// It expires before it is claimed: then it only has to end.
		store.id.Store(w.sendOnly(t, func(tr *smsplus.Trigger) {
			tr.SendAt, tr.TTL = time.Now().Add(time.Minute), time.Nanosecond
		}))
		var ids []uuid.UUID
		for range 100 {
			ids = append(ids, w.sendOnly(t, func(tr *smsplus.Trigger) { tr.SendAt = time.Now().Add(2 * time.Minute) }))
		}
		sleep(2*time.Minute + 5*time.Second)
		for _, id := range ids {
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
	})
}

// A refused update fails alone: the messages that end in the same commit end all the same.
func TestUpdate_RefusedFailsAlone(t *testing.T) {
	store := &storeRefusingUpdates{}
	var largest atomic.Int64
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		store.Store = c.Store
		c.Store = &slowUpdates{store, &largest}
	}, func(t *testing.T, w *world) {
		var ids []uuid.UUID
		for range 20 { // they expire before they are claimed: then they only have to end
			ids = append(ids, w.sendOnly(t, func(tr *smsplus.Trigger) {
				tr.SendAt, tr.TTL = time.Now().Add(time.Minute), time.Nanosecond
			}))
		}
		store.id.Store(ids[10])
		sleep(time.Minute + 10*time.Second)
		require.Greater(t, largest.Load(), int64(10), "the updates share a commit")
		for _, id := range ids {
			if id != store.id.Load() {
				require.Equal(t, status.Undeliverable, w.message(id).Status)
			}
		}
	})
}

// slowUpdates is a store whose updates take so long that the next ones share a commit. It
// keeps the size of the largest.
type slowUpdates struct {
	smsplus.Store
	largest *atomic.Int64
}

func (s *slowUpdates) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if n := int64(len(ms)); n > s.largest.Load() {
		s.largest.Store(n)
	}
	<-time.After(10 * time.Millisecond)
	return s.Store.Update(ctx, ms)
}

// With a long lease, the time for which a message is set aside does not overflow.
func TestUnreadable_IsSetAsideWithALongLease(t *testing.T) {
	t.Parallel()
	store := &storeWithUnreadable{unreadable: map[uuid.UUID]bool{}}
	w := newSMSWorld(t, func(c *smsplus.Config) {
		store.Store, c.Store, c.Lease = c.Store, store, 48*time.Hour
	})
	id := w.sendOnly(t)
	store.unreadable[id] = true
	for range 20 {
		w.tick()
		require.Equal(t, time.Hour, w.message(id).DueAt.Sub(w.clock.Now()))
		w.clock.Add(time.Hour)
	}
}

// The log names one of many unreadable messages and counts the others.
func TestUnreadable_DoesNotFloodTheLog(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	store := &storeWithUnreadable{unreadable: map[uuid.UUID]bool{}}
	w := newSMSWorld(t, func(c *smsplus.Config) {
		store.Store, c.Store, c.Logger = c.Store, store, slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 100 {
		store.unreadable[w.sendOnly(t)] = true
	}
	w.tick()
	require.Equal(t, 1, strings.Count(log.String(), "cannot be read"))
}
