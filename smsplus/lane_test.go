package smsplus

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

// namedChannel is a channel that has a name and no more.
type namedChannel struct{ channel.Channel }

func (namedChannel) Name() channel.Name { return channel.SMS }

// A small lane has workers + 2 × batch places at least, as newLane computes them. A fast
// one has as many as it completed in the last window.
const (
	batch        = 2
	workers      = 6
	minPlaces    = workers + 2*batch
	fastPlaces   = 10 * minPlaces
	usablePlaces = fastPlaces - batch // all but a claim's
)

func newSmallLane() *lane {
	c := Config{Batch: batch, Limits: map[channel.Name]Limit{channel.SMS: {Concurrency: workers}}}
	return newOutlet(namedChannel{}, c, func() {}).lanes[Normal]
}

// newFastLane returns an open lane that completed fastPlaces messages in the last window.
func newFastLane() *lane {
	l := newSmallLane()
	l.start()
	l.windowStart = time.Now()
	for range fastPlaces {
		l.tryReserve("")
		<-time.After(rateWindow / fastPlaces)
		l.complete(1)
	}
	return l
}

// complete completes n messages now.
func (l *lane) complete(n int) {
	for range n {
		l.enqueue(job{Message: &Message{}})
		<-l.ready
		l.takeJob(false)
		l.releasePlace(time.Now(), lanePlace)
	}
}

func TestLane_HoldsWhatItCompletesInAWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newFastLane()
		require.Equal(t, fastPlaces, l.capacity)
		require.Equal(t, usablePlaces, l.reserveN(t.Context(), 10*fastPlaces, time.Now()))
		for range fastPlaces / 2 {
			<-time.After(rateWindow / (fastPlaces / 2))
			l.complete(1)
		}
		require.Equal(t, fastPlaces/2, l.capacity, "it has become slower")
		<-time.After(time.Hour)
		l.complete(usablePlaces - fastPlaces/2)
		require.Equal(t, minPlaces, l.capacity, "one that was idle has as many as at first")
	})
}

func TestLane_HoldsNoMoreThanItsQueue(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	l := newOutlet(namedChannel{}, Config{Batch: batch}, func() {}).lanes[Normal]
	l.start()
	l.windowStart, l.doneInWindow = began, 10*maxCapacity
	l.adjustCapacity(began.Add(rateWindow))
	require.Equal(t, maxCapacity, l.capacity)
	require.Equal(t, numClasses*(maxCapacity+batch), cap(l.ready), "of all classes, with the guests")
}

func TestReserveN_WaitsForAFastLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newFastLane()
		const first, second, free = 20, 10, 8
		require.Equal(t, usablePlaces-free, l.reserveN(t.Context(), usablePlaces-free, time.Now()))
		got := make(chan int, 1)
		reserve := func(ctx context.Context, n int) {
			go func() { got <- l.reserveN(ctx, n, time.Now()) }()
			synctest.Wait()
		}

		reserve(t.Context(), first)
		reserve(t.Context(), second)
		l.complete(first - free - 1)
		synctest.Wait()
		require.Empty(t, got, "there is room for the second, but not for the first")
		l.complete(1)
		require.Equal(t, first, <-got, "first come, first served")
		l.complete(second)
		require.Equal(t, second, <-got)

		ctx, cancel := context.WithCancel(t.Context())
		reserve(ctx, 10*fastPlaces)
		l.complete(first)
		synctest.Wait()
		require.Empty(t, got)
		cancel()
		require.Equal(t, first, <-got, "what there is, when it has waited long enough")

		reserve(t.Context(), first)
		l.stop()
		require.Zero(t, <-got, "no call waits for a lane that is closed")
		require.Empty(t, l.waiters)
	})
}

func TestReserveN_DoesNotWaitForASlowLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := newSmallLane()
		require.Zero(t, l.reserveN(t.Context(), 2*minPlaces, began), "it is not open")
		l.start()
		require.Equal(t, minPlaces-batch, l.reserveN(t.Context(), 2*minPlaces, began))
		require.Zero(t, l.reserveN(t.Context(), 2*minPlaces, began))
		require.Equal(t, began, time.Now())
	})
}

func TestLane_KeepsTheRoomThatItPromised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newFastLane()
		const reserved = fastPlaces - minPlaces - 2*batch
		require.Equal(t, reserved, l.reserveN(t.Context(), reserved, time.Now()))
		require.True(t, l.promiseClaim())
		<-time.After(time.Hour)
		l.complete(1)
		require.Equal(t, minPlaces, l.capacity)
		for range batch {
			require.True(t, l.reserveClaimed())
		}
		require.False(t, l.promiseClaim())
		require.False(t, l.reserveClaimed())
	})
}

func TestSendMany_WaitsForAllLanesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &Dispatcher{cfg: Config{Clock: clock.New(), Lease: time.Minute}, outlets: map[channel.Name]*outlet{}}
		d.pauses.Store(newPauseSet(nil))
		var b sendBatch
		for _, name := range []channel.Name{channel.LINEPush, channel.WhatsApp, channel.SMS} {
			l := newFastLane()
			l.guests = l.claimSize
			require.Equal(t, usablePlaces, l.reserveN(t.Context(), usablePlaces, time.Now()))
			d.outlets[name] = l.outlet
			b.messages = append(b.messages, Message{Channel: name, TriggeredAt: time.Now(), DueAt: time.Now()})
		}
		for _, o := range d.outlets { // they became fast one after the other: all are as fast as the last
			o.lanes[Normal].capacity, o.lanes[Normal].windowStart = fastPlaces, time.Now()
		}
		began := time.Now()
		d.preclaimMany(t.Context(), &b)
		require.Equal(t, reserveTimeout, time.Since(began))
		for _, m := range b.messages {
			require.Zero(t, m.Claims)
		}
	})
}

// A lane wakes a claim that found no room once when there is room, and never one that
// found some.
func TestLane_WakesAClaimThatFoundNoRoom(t *testing.T) {
	t.Parallel()
	for name, makeRoom := range map[string]func(l *lane){
		"messages are completed":    func(l *lane) { l.complete(batch) },
		"reservations are canceled": func(l *lane) { l.cancelReservation(lanePlace); l.cancelReservation(lanePlace) },
		"the lane is faster": func(l *lane) {
			l.doneInWindow = 2 * fastPlaces
			<-time.After(rateWindow)
			l.reserveN(context.Background(), 1, time.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, wakes := newFastLane(), 0
				l.wake = func() { wakes++ }
				require.Equal(t, usablePlaces, l.reserveN(t.Context(), 10*fastPlaces, time.Now()))
				require.True(t, l.promiseClaim())
				for range batch {
					require.True(t, l.reserveClaimed())
				}
				l.complete(1)
				require.Zero(t, wakes)
				require.False(t, l.promiseClaim())
				makeRoom(l)
				require.Equal(t, 1, wakes)
				makeRoom(l)
				require.Equal(t, 1, wakes)
			})
		})
	}
}
