package smsplus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
)

// heartbeatStore keeps heartbeats, and nothing else.
type heartbeatStore struct {
	Store
	byID           map[uuid.UUID]Heartbeat
	failure        error
	failsAfterward bool
}

func (s *heartbeatStore) Beat(_ context.Context, h Heartbeat) error {
	if s.failure == nil || s.failsAfterward {
		s.byID[h.ID] = h
		maps.DeleteFunc(s.byID, func(_ uuid.UUID, old Heartbeat) bool { return !old.Until.After(h.At) })
	}
	return s.failure
}

func (s *heartbeatStore) Heartbeats(_ context.Context, now time.Time) (alive []Heartbeat, err error) {
	for _, h := range s.byID {
		if h.Until.After(now) {
			alive = append(alive, h)
		}
	}
	return alive, s.failure
}

type traitlessChannel struct{ namedChannel }

func (traitlessChannel) Traits() channel.Traits { return channel.Traits{} }

const beatEvery = 15 * time.Second

// sharer takes the steps of heartbeatLoop one by one.
type sharer struct {
	*Dispatcher
	h       Heartbeat
	planned map[channel.Name]float64
}

func newSharer(t require.TestingT, s Store, c Clock, perSecond float64) *sharer {
	d, err := New(Config{
		Store: s, Clock: c, Channels: []channel.Channel{traitlessChannel{}},
		Limits: map[channel.Name]Limit{channel.SMS: {Rate: perSecond, Shared: true}},
	})
	require.NoError(t, err)
	d.outlets[channel.SMS].useShare(c.Now(), 0, c.Now())
	return &sharer{Dispatcher: d, h: Heartbeat{ID: uuid.New()}}
}

func (s *sharer) plan() {
	if next, err := s.planShares(context.Background(), s.h); err == nil {
		s.planned = next
	}
}

func (s *sharer) announce() {
	s.h, _ = s.beat(context.Background(), s.h, s.planned, beatEvery)
}

func (s *sharer) pass() {
	s.plan()
	s.announce()
	s.plan()
}

func (s *sharer) leave() {
	s.h.Until = s.h.At
	_ = s.storeHeartbeat(context.Background(), s.h)
}

func (s *sharer) used() float64 {
	o := s.outlets[channel.SMS]
	if !o.rateShare.isUsable(s.now()) {
		return 0
	}
	return float64(o.limiter.Limit())
}

// No message is to wait in a lane for longer than half a lease.
func TestShare_BoundsTheLanes(t *testing.T) {
	t.Parallel()
	outletOf := func(l Limit) *outlet {
		c := Config{Batch: 256, Lease: time.Minute, Limits: map[channel.Name]Limit{channel.SMS: l}}
		return newOutlet(namedChannel{}, c, func() {})
	}
	o := outletOf(Limit{Rate: 100, Burst: 8, Shared: true})
	for _, share := range []float64{50, 12.5, 1, 100} {
		o.useShare(time.Now(), share, time.Now())
		own := outletOf(Limit{Rate: share, Burst: max(1, int(8*share/100))})
		require.Equal(t, own.limiter.Burst(), o.limiter.Burst())
		for class, l := range own.lanes {
			shared := o.lanes[class]
			require.Equal(t, []int{l.capacity, l.minCapacity, l.claimSize}, []int{shared.capacity, shared.minCapacity, shared.claimSize}, "%v of %v", share, Class(class))
		}
	}
}

// Dispatchers begin, stop, die and lose the store's answers between any two steps of each
// other.
func TestShare_UsesNeverExceedTheRate(t *testing.T) {
	t.Parallel()
	const perSecond = 100.0
	// While a changed Config is rolled out, the dispatchers have different rates.
	rates := []float64{perSecond, perSecond, perSecond / 10}
	rapid.Check(t, func(t *rapid.T) {
		mock := clock.NewMock()
		store := &heartbeatStore{byID: make(map[uuid.UUID]Heartbeat)}
		var running []*sharer
		requireWithinRate := func() {
			sum := 0.0
			for _, s := range running {
				sum += s.used()
			}
			require.LessOrEqual(t, sum, perSecond+1e-9)
		}
		begin := func() {
			s := newSharer(t, store, mock, rapid.SampledFrom(rates).Draw(t, "rate"))
			running = append(running, s)
		}
		drawOne := func() (int, *sharer) {
			if len(running) == 0 {
				begin()
			}
			i := rapid.IntRange(0, len(running)-1).Draw(t, "dispatcher")
			return i, running[i]
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { requireWithinRate() },
			"begins": func(*rapid.T) {
				if len(running) < 5 {
					begin()
				}
			},
			"plans":     func(*rapid.T) { _, s := drawOne(); s.plan() },
			"announces": func(*rapid.T) { _, s := drawOne(); s.announce() },
			"passes":    func(*rapid.T) { _, s := drawOne(); s.pass() },
			"dies":      func(*rapid.T) { i, _ := drawOne(); running = slices.Delete(running, i, i+1) },
			"stops": func(*rapid.T) {
				i, s := drawOne()
				s.leave()
				running = slices.Delete(running, i, i+1)
			},
			"loses the store": func(t *rapid.T) {
				store.failure, store.failsAfterward = errors.New("lost"), rapid.Bool().Draw(t, "afterward")
			},
			"finds the store": func(*rapid.T) { store.failure = nil },
			"time passes": func(t *rapid.T) {
				mock.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "seconds")) * time.Second)
			},
		})

		// They agree at last. With equal rates they use the whole rate.
		store.failure = nil
		mock.Add(2 * heartbeatsPerLease * beatEvery)
		drawOne()
		for range 3 {
			for _, s := range running {
				s.pass()
				requireWithinRate()
			}
		}
		if slices.ContainsFunc(running, func(s *sharer) bool { return s.cfg.Limits[channel.SMS].Rate != perSecond }) {
			return
		}
		for _, s := range running {
			require.InDelta(t, perSecond/float64(len(running)), s.used(), 1e-9)
		}
	})
}

func TestShare_IsTheLesserAfterALostAnswer(t *testing.T) {
	t.Parallel()
	mock := clock.NewMock()
	store := &heartbeatStore{byID: make(map[uuid.UUID]Heartbeat)}
	first, second, third := newSharer(t, store, mock, 100), newSharer(t, store, mock, 100), newSharer(t, store, mock, 100)
	first.pass()
	second.pass()
	first.plan()
	store.failure, store.failsAfterward = errors.New("lost"), true
	first.announce()
	store.failure = nil
	second.leave()
	first.plan()
	third.pass()
	require.InDelta(t, 50, first.used(), 0, "all that the others have seen")
	require.InDelta(t, 50, third.used(), 0)
}
