package smsplus

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/smsplus/smsplus-go/channel"
)

// lane is one channel's way out of the dispatcher: its workers, the messages that
// wait for them, and its limits. Each channel has its own, so that a slow one
// holds up no other. A place in the lane is reserved before a message is claimed
// for it and given back when the message is done with; a full lane's messages stay
// in the store. A lane that gets a lot done has more places: what it does in a pace.
type lane struct {
	ch          channel.Channel
	name        channel.Name
	workers     int
	limiter     *rate.Limiter // nil: no limit
	minCapacity int           // places
	claimSize   int           // how many places a claim wants to find
	wake        func()        // tells that there is room for a claim

	mu           sync.Mutex
	isOpen       bool
	capacity     int
	promised     int       // places that there were when a claim was promised room
	claimBlocked bool      // a claim found no room
	reserved     int       // places taken, until their messages are done with
	queued       int       // places taken whose messages no worker has yet
	queue        chan job  // has room for every place; closed when stopped and empty
	windowStart  time.Time // when the present pace began
	completed    int       // places given back in it
	waiters      []*waiter // for places, the first come first
}

// waiter is what somebody waits for who has many messages.
type waiter struct {
	places  int
	granted chan struct{} // closed when they are taken for it
}

const (
	// rateWindow is what a lane that is fast holds: nobody waits in it for much longer.
	rateWindow = 250 * time.Millisecond
	// maxCapacity bounds what a lane holds in memory, however fast it is.
	maxCapacity = 8192
	// reserveTimeout is how long somebody who has many messages waits for room in a lane
	// that is fast.
	reserveTimeout = 100 * time.Millisecond
)

// job is a claimed message on its way to a channel.
type job struct {
	*Message
	step  int
	lease time.Time // its end
	// maybeSent says that this step may have been sent before, and nobody knows.
	maybeSent bool
	// lookupRefs are the names under which to look at what is parked once the message is
	// stored: of receipts that it has taken in, or that could not find it before.
	lookupRefs []channel.Ref
	// previous is what the message said when it was claimed; nil without an Observer.
	previous *Message
}

func newLane(ch channel.Channel, c Config, nudge func()) *lane {
	limit := c.Limits[ch.Name()]
	l := &lane{ch: ch, name: ch.Name(), wake: nudge, workers: cmp.Or(limit.Concurrency, defaultConcurrency)}
	l.minCapacity = l.workers + 2*c.Batch
	if limit.Rate > 0 {
		l.limiter = rate.NewLimiter(rate.Limit(limit.Rate), cmp.Or(limit.Burst, 1))
		// Nobody should wait in the lane for longer than half a lease.
		if half := limit.Rate * c.Lease.Seconds() / 2; half < float64(l.minCapacity) {
			l.minCapacity = max(1, int(half))
		}
	}
	l.capacity = l.minCapacity
	l.claimSize = max(1, min(c.Batch, l.minCapacity/2))
	return l
}

// start lets messages in. It returns the queue for the workers to range over.
func (l *lane) start() <-chan job {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen = true
	l.queue = make(chan job, max(l.minCapacity, maxCapacity))
	return l.queue
}

// stop lets no more messages in; the queue ends once the workers have the last.
func (l *lane) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen = false
	for _, r := range l.waiters {
		r.places = 0
		close(r.granted)
	}
	l.waiters = nil
	l.closeIfEmpty()
}

func (l *lane) closeIfEmpty() {
	if !l.isOpen && l.queued == 0 {
		close(l.queue)
	}
}

// tryReserve takes a place besides a claim's, if there is one.
func (l *lane) tryReserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acquire(1, l.claimSize) == 1
}

// reserveClaimed takes a place for a message that a claim brought, if there is one: also of those
// that there were when the claim was promised room.
func (l *lane) reserveClaimed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acquire(1, min(0, l.capacity-l.promised)) == 1
}

// reserveN takes as many of n places as there are besides a claim's, and returns how
// many. While the lane is fast it waits for them until ctx ends.
func (l *lane) reserveN(ctx context.Context, n int, now time.Time) int {
	l.mu.Lock()
	l.adjustCapacity(now)
	// Half of the places at most: to wait for all would be to wait until the lane is idle.
	want := min(n, (l.capacity-l.claimSize)/2)
	if !l.isOpen || l.capacity == l.minCapacity || len(l.waiters) == 0 && l.hasCapacity(want) {
		defer l.mu.Unlock()
		return l.acquire(n, l.claimSize)
	}
	r := &waiter{want, make(chan struct{})}
	l.waiters = append(l.waiters, r)
	l.mu.Unlock()

	select {
	case <-r.granted:
		return r.places
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiters, r)
	if i < 0 { // they were given in the same instant
		return r.places
	}
	l.waiters = slices.Delete(l.waiters, i, i+1)
	return l.acquire(n, l.claimSize)
}

// hasCapacity reports whether there are n places besides a claim's.
func (l *lane) hasCapacity(n int) bool { return l.reserved+n+l.claimSize <= l.capacity }

// acquire takes as many of n places as there are besides those to spare.
func (l *lane) acquire(n, spare int) int {
	if !l.isOpen {
		return 0
	}
	n = max(0, min(n, l.capacity-l.reserved-spare))
	l.reserved += n
	l.queued += n
	return n
}

// adjustCapacity ends a pace that is over: the lane has as many places as it gave back in it.
func (l *lane) adjustCapacity(now time.Time) {
	took := now.Sub(l.windowStart)
	if took < rateWindow {
		return
	}
	l.capacity = min(max(l.minCapacity, int(int64(l.completed)*int64(rateWindow)/int64(took))), max(l.minCapacity, maxCapacity))
	l.windowStart, l.completed = now, 0
	l.signalCapacity()
}

// signalCapacity tells of room for a claim that found none.
func (l *lane) signalCapacity() {
	if l.claimBlocked && l.capacity-l.reserved >= l.claimSize {
		l.claimBlocked = false
		l.wake()
	}
}

// enqueue puts a message into the place reserved for it. It never blocks, and reports
// whether messages are waiting there.
func (l *lane) enqueue(j job) (backlog bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue <- j
	return len(l.queue) > l.workers/4
}

// dequeued says that a worker has a message, or that none will come for a reserved place.
func (l *lane) dequeued() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued--
	l.closeIfEmpty()
}

// cancelReservation gives back a reserved place that no message comes for.
func (l *lane) cancelReservation() {
	l.dequeued()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releaseOne()
}

// release gives back the place of a message that is done with.
func (l *lane) release(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.completed++
	l.adjustCapacity(now)
	l.releaseOne()
}

// releaseOne gives back a place, and what fits then to those who wait for it.
func (l *lane) releaseOne() {
	l.reserved--
	for len(l.waiters) > 0 && l.hasCapacity(l.waiters[0].places) {
		r := l.waiters[0]
		l.waiters = slices.Delete(l.waiters, 0, 1)
		l.acquire(r.places, l.claimSize)
		close(r.granted)
	}
	l.signalCapacity()
}

// promiseClaim reports whether a claim may bring a batch for the lane. The lane keeps to
// it, though it may become slower before the batch is there.
func (l *lane) promiseClaim() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promised = l.capacity
	l.claimBlocked = l.capacity-l.reserved < l.claimSize
	return !l.claimBlocked
}

// rateDelay returns how long a send has to wait for its turn under the rate limit. The
// turn is taken unless that is more than atMost.
func (l *lane) rateDelay(now time.Time, atMost time.Duration) time.Duration {
	if l.limiter == nil {
		return 0
	}
	r := l.limiter.ReserveN(now, 1)
	delay := r.DelayFrom(now)
	if delay > atMost {
		r.CancelAt(now)
	}
	return delay
}
