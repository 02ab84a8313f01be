package smsplus

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

type mute struct{ channel.Channel }

func (mute) Name() channel.Name { return channel.SMS }

// openLane returns an open lane with 10 places, 2 of which a claim wants, that has got
// done a hundred messages in the last pace.
func openLane() *lane {
	l := newLane(mute{}, Config{Batch: 2, Limits: map[channel.Name]Limit{channel.SMS: {Concurrency: 6}}})
	l.open()
	l.since = time.Now()
	for range 100 {
		l.reserve()
		<-time.After(pace / 100)
		l.pass(1)
	}
	return l
}

// pass has messages done with.
func (l *lane) pass(n int) {
	for range n {
		l.picked()
		l.release(time.Now())
	}
}

func TestALaneHoldsWhatItGetsDoneInAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLane()
		require.Equal(t, 100, l.places)
		require.Equal(t, 98, l.reserveMany(t.Context(), 1000, time.Now()), "all but a claim's")
		for range 50 {
			<-time.After(pace / 50)
			l.pass(1)
		}
		require.Equal(t, 50, l.places, "it has become slower")
		<-time.After(time.Hour)
		l.pass(48)
		require.Equal(t, 10, l.places, "one that was idle has as many as at first")
	})
}

func TestALaneHoldsNoMoreThanItsQueue(t *testing.T) {
	t.Parallel()
	l := newLane(mute{}, Config{Batch: 2})
	l.open()
	l.since, l.done = start(), 10*mostPlaces
	l.keepPace(start().Add(pace))
	require.Equal(t, mostPlaces, l.places)
	require.Equal(t, mostPlaces, cap(l.queue))
}

func start() time.Time { return time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC) }

func TestWhoeverHasManyMessagesWaitsForAFastLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLane()
		require.Equal(t, 90, l.reserveMany(t.Context(), 90, time.Now()))
		got := make(chan int, 1)
		wait := func(ctx context.Context, n int) {
			go func() { got <- l.reserveMany(ctx, n, time.Now()) }()
			synctest.Wait()
		}

		wait(t.Context(), 20)
		wait(t.Context(), 10)
		l.pass(11)
		synctest.Wait()
		require.Empty(t, got, "there is room for the second, but not for the first")
		l.pass(1)
		require.Equal(t, 20, <-got, "first come, first served")
		l.pass(10)
		require.Equal(t, 10, <-got)

		began := time.Now()
		wait(t.Context(), 1000)
		l.pass(20)
		require.Equal(t, 20, <-got, "what there is, when it has waited long enough")
		require.Equal(t, roomWait, time.Since(began))

		ctx, cancel := context.WithCancel(t.Context())
		wait(ctx, 20)
		cancel()
		require.Zero(t, <-got)

		wait(t.Context(), 20)
		l.stop()
		require.Zero(t, <-got, "nobody waits for a lane that is closed")
		require.Empty(t, l.waiting)
	})
}

func TestNobodyWaitsForALaneThatIsNotFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := newLane(mute{}, Config{Batch: 2, Limits: map[channel.Name]Limit{channel.SMS: {Concurrency: 6}}})
		require.Zero(t, l.reserveMany(t.Context(), 20, began), "it is not open")
		l.open()
		require.Equal(t, 8, l.reserveMany(t.Context(), 20, began))
		require.Zero(t, l.reserveMany(t.Context(), 20, began))
		require.Equal(t, began, time.Now())
	})
}

func TestALaneKeepsToTheRoomThatItPromised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLane()
		require.Equal(t, 80, l.reserveMany(t.Context(), 80, time.Now()))
		require.True(t, l.promise())
		<-time.After(time.Hour)
		l.pass(1)
		require.Equal(t, 10, l.places)
		require.True(t, l.admit())
		require.True(t, l.admit())
		require.False(t, l.promise())
		require.False(t, l.admit())
	})
}
