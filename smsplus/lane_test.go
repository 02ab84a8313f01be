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

type mute struct{ channel.Channel }

func (mute) Name() channel.Name { return channel.SMS }

// smallLane returns a lane with 10 places at least, 2 of which a claim wants.
func smallLane() *lane {
	return newLane(mute{}, Config{Batch: 2, Limits: map[channel.Name]Limit{channel.SMS: {Concurrency: 6}}}, func() {})
}

// openLane returns a small lane that is open and has got done a hundred messages in the
// last pace.
func openLane() *lane {
	l := smallLane()
	l.start()
	l.windowStart = time.Now()
	for range 100 {
		l.tryReserve()
		<-time.After(rateWindow / 100)
		l.pass(1)
	}
	return l
}

// pass has messages done with.
func (l *lane) pass(n int) {
	for range n {
		l.dequeued()
		l.release(time.Now())
	}
}

func TestALaneHoldsWhatItGetsDoneInAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLane()
		require.Equal(t, 100, l.capacity)
		require.Equal(t, 98, l.reserveN(t.Context(), 1000, time.Now()), "all but a claim's")
		for range 50 {
			<-time.After(rateWindow / 50)
			l.pass(1)
		}
		require.Equal(t, 50, l.capacity, "it has become slower")
		<-time.After(time.Hour)
		l.pass(48)
		require.Equal(t, 10, l.capacity, "one that was idle has as many as at first")
	})
}

func TestALaneHoldsNoMoreThanItsQueue(t *testing.T) {
	t.Parallel()
	l := newLane(mute{}, Config{Batch: 2}, func() {})
	l.start()
	l.windowStart, l.completed = start(), 10*maxCapacity
	l.adjustCapacity(start().Add(rateWindow))
	require.Equal(t, maxCapacity, l.capacity)
	require.Equal(t, maxCapacity, cap(l.queue))
}

func start() time.Time { return time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC) }

func TestWhoeverHasManyMessagesWaitsForAFastLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLane()
		require.Equal(t, 90, l.reserveN(t.Context(), 90, time.Now()))
		got := make(chan int, 1)
		wait := func(ctx context.Context, n int) {
			go func() { got <- l.reserveN(ctx, n, time.Now()) }()
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

		ctx, cancel := context.WithCancel(t.Context())
		wait(ctx, 1000)
		l.pass(20)
		synctest.Wait()
		require.Empty(t, got)
		cancel()
		require.Equal(t, 20, <-got, "what there is, when it has waited long enough")

		wait(t.Context(), 20)
		l.stop()
		require.Zero(t, <-got, "nobody waits for a lane that is closed")
		require.Empty(t, l.waiters)
	})
}

func TestNobodyWaitsForALaneThatIsNotFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := smallLane()
		require.Zero(t, l.reserveN(t.Context(), 20, began), "it is not open")
		l.start()
		require.Equal(t, 8, l.reserveN(t.Context(), 20, began))
		require.Zero(t, l.reserveN(t.Context(), 20, began))
		require.Equal(t, began, time.Now())
	})
}

func TestALaneKeepsToTheRoomThatItPromised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLane()
		require.Equal(t, 80, l.reserveN(t.Context(), 80, time.Now()))
		require.True(t, l.promiseClaim())
		<-time.After(time.Hour)
		l.pass(1)
		require.Equal(t, 10, l.capacity)
		require.True(t, l.reserveClaimed())
		require.True(t, l.reserveClaimed())
		require.False(t, l.promiseClaim())
		require.False(t, l.reserveClaimed())
	})
}

func TestSendManyWaitsForAllLanesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &Dispatcher{cfg: Config{Clock: clock.New(), Lease: time.Minute}, lanes: map[channel.Name]*lane{}}
		var ms []Message
		for _, name := range []channel.Name{channel.LINEPush, channel.WhatsApp, channel.SMS} {
			l := openLane()
			require.Equal(t, 98, l.reserveN(t.Context(), 98, time.Now()))
			d.lanes[name] = l
			ms = append(ms, Message{Channel: name, TriggeredAt: time.Now(), DueAt: time.Now()})
		}
		for _, l := range d.lanes { // as the last of them is
			l.capacity, l.windowStart = 100, time.Now()
		}
		began := time.Now()
		d.preclaimMany(t.Context(), ms)
		require.Equal(t, reserveTimeout, time.Since(began))
		for _, m := range ms {
			require.Zero(t, m.Claims)
		}
	})
}

// Whatever makes room tells a claim that found none, and nothing tells one that did.
func TestAClaimIsToldOfRoom(t *testing.T) {
	t.Parallel()
	for name, makeRoom := range map[string]func(l *lane){
		"a message is done with": func(l *lane) { l.pass(2) },
		"no message came":        func(l *lane) { l.cancelReservation(); l.cancelReservation() },
		"the lane is faster": func(l *lane) {
			l.completed = 200
			<-time.After(rateWindow)
			l.reserveN(context.Background(), 10, time.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, told := openLane(), 0
				l.wake = func() { told++ }
				require.Equal(t, 98, l.reserveN(t.Context(), 1000, time.Now()))
				require.True(t, l.promiseClaim())
				require.True(t, l.reserveClaimed())
				require.True(t, l.reserveClaimed())
				l.pass(1)
				require.Zero(t, told)
				require.False(t, l.promiseClaim())
				makeRoom(l)
				require.Equal(t, 1, told)
				makeRoom(l)
				require.Equal(t, 1, told)
			})
		})
	}
}
