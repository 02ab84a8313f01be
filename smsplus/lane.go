package smsplus

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/smsplus/smsplus-go/channel"
)

// outlet is the workers, the queue and the limits of one channel. Each channel has its own,
// so that a slow channel delays no other. Its lanes share them.
type outlet struct {
	ch        channel.Channel
	name      channel.Name
	workers   int
	limiter   *rate.Limiter                              // nil: no limit
	rateShare *rateShare                                 // nil: the limit is this dispatcher's alone
	sizer     channel.Sizer                              // nil: the limiter counts messages
	breaker   *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: none
	failing   atomic.Bool                                // the last send had no answer; false without a breaker
	baton     chan struct{}                              // a lock of capacity one: see awaitNext
	lanes     [numClasses]*lane                          // by class
	// shortestWait is the shortest time after which a message may have to leave a lane
	// unsent, a time.Duration; 0 if none has to. It never grows, because messages of earlier
	// templates keep their waits.
	shortestWait atomic.Int64

	// Invariants under mu:
	//   - len(ready) ≤ messages in queue ≤ queued ≤ places of all lanes, so that enqueue never
	//     blocks
	//   - the channel ready of a run is closed when the outlet is closed and queued is 0, or by
	//     the next start
	mu     sync.Mutex
	isOpen bool
	queued int // reserved places whose messages no worker has yet
	queue  jobQueue
	ready  chan struct{} // has a signal for each message in queue
}

// lane bounds the messages of one class that wait in memory for a channel.
//
// Each message in the lane has a place. It is reserved before the message enters the queue,
// and released when the message is done. The messages of a full lane stay in the store. A
// claim names the lane only if promiseClaim finds claimSize places free. Send and SendMany
// insert a message as claimed only if they reserved its place.
//
// The capacity is the number of messages that were done in the last rateWindow, within its
// bounds. A lane is fast while its capacity is above minCapacity.
type lane struct {
	*outlet
	class    Class
	laneName channel.Name  // the Lane of its messages
	batch    int           // Config.Batch
	lease    time.Duration // Config.Lease
	wake     func()        // wakes the claim loop

	// minCapacity is the least capacity. claimSize is how many places have to be free before a
	// claim names the lane. They change with the rateShare.
	//
	// Invariants under mu:
	//   - 1 ≤ claimSize ≤ minCapacity
	//   - 0 ≤ reserved ≤ capacity, except after capacity shrank
	//   - 0 ≤ guests ≤ claimSize
	//   - minCapacity ≤ capacity ≤ max(minCapacity, maxCapacity)
	minCapacity, claimSize int

	capacity     int
	promised     int  // the capacity at the last promiseClaim; one claim at a time relies on it
	claimBlocked bool // promiseClaim found too few free places: wake is called when there are enough
	reserved     int  // places whose messages are not done, without guests
	guests       int  // see guestPlace
	windowStart  time.Time
	doneInWindow int       // messages done since windowStart
	waiters      []*waiter // in the order of their arrival
	done         int64     // messages done since the lane was made
	// progressAt is when isStuck last found the lane not full, or more messages done. doneThen is
	// done at that time.
	progressAt time.Time
	doneThen   int64
}

// place is what kind of place a message has.
type place uint8

const (
	// lanePlace is one of the capacity places.
	lanePlace place = iota
	// guestPlace is one of claimSize further places. A full lane keeps them for templates with
	// few messages in its queue, so that a small template does not wait behind a large one.
	guestPlace
)

// waiter is a blocked reserveN call.
type waiter struct {
	places  int
	granted chan struct{} // closed when the places are reserved for it
}

const (
	// rateWindow is the time over which a lane's throughput is measured. A message of a full,
	// fast lane is in it for about as long.
	rateWindow = 250 * time.Millisecond
	// maxCapacity bounds the messages that a lane holds in memory.
	maxCapacity = 8192
	// reserveAhead is how long before its token is due a worker takes a message from the queue. A
	// more urgent message that comes in that time does not go before it. At high rates tokens
	// are due more often than a timer can fire.
	reserveAhead = 50 * time.Millisecond
	// expectedSegments is a message's number of segments in the estimate of how long a lane
	// takes. Messages whose tokens are not due within their lease are put back.
	expectedSegments = 4
	// maxSize is the largest size of a message that counts.
	maxSize = 1000
	// reserveTimeout bounds how long SendMany waits for all its fast lanes together.
	reserveTimeout = 100 * time.Millisecond
)

func newOutlet(ch channel.Channel, c Config, wake func()) *outlet {
	limit := c.Limits[ch.Name()]
	o := &outlet{
		ch: ch, name: ch.Name(), workers: cmp.Or(limit.Concurrency, defaultConcurrency),
		baton: make(chan struct{}, 1), queue: newJobQueue(),
	}
	if limit.Rate > 0 {
		burst := cmp.Or(limit.Burst, 1)
		o.limiter = rate.NewLimiter(rate.Limit(limit.Rate), burst)
		if limit.Shared {
			o.rateShare = &rateShare{perSecond: limit.Rate, burst: burst, poll: c.Poll, used: limit.Rate}
		}
	}
	if limit.CountSegments {
		o.sizer = ch.(channel.Sizer) // Config.check
	}
	for class := range Class(numClasses) {
		l := &lane{outlet: o, class: class, laneName: class.laneName(o.name), wake: wake, batch: c.Batch, lease: c.Lease}
		l.resize(limit.Rate)
		l.capacity = l.minCapacity
		o.lanes[class] = l
	}
	return o
}

// resize sets minCapacity and claimSize, which depend on the rate limit in sends a second.
func (l *lane) resize(perSecond float64) {
	l.minCapacity = l.workers + 2*l.batch
	if l.limiter != nil {
		// No message is to wait in the lane for longer than half a lease.
		sendable := perSecond * l.lease.Seconds() / 2
		if l.sizer != nil {
			sendable /= expectedSegments
		}
		if l.class == Bulk {
			sendable /= maxTurnsMissed + 1
		}
		if sendable < float64(l.minCapacity) {
			l.minCapacity = max(1, int(sendable))
		}
	}
	l.claimSize = max(1, min(l.batch, l.minCapacity/2))
}

// laneOf returns the lane of a class.
func (o *outlet) laneOf(c Class) *lane {
	if !c.Valid() { // of a later release
		c = Normal
	}
	return o.lanes[c]
}

// start opens the outlet. The channel that it returns has a signal for each message that a
// worker is to take with takeJob.
func (o *outlet) start() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.isOpen = true
	if o.queued > 0 { // an earlier run left a place reserved, so ready is open and its workers block on it
		close(o.ready)
	}
	places := 0
	for _, l := range o.lanes {
		places += max(l.workers+2*l.batch, maxCapacity) + l.batch // resize never makes it larger
	}
	o.ready = make(chan struct{}, places)
	return o.ready
}

// stop closes the outlet: no more places are reserved. The channel of start is closed when the
// workers have taken the last message.
func (o *outlet) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.isOpen = false
	for _, l := range o.lanes {
		for _, r := range l.waiters {
			r.places = 0
			close(r.granted)
		}
		l.waiters = nil
	}
	o.closeIfEmpty()
}

func (o *outlet) closeIfEmpty() {
	if !o.isOpen && o.queued == 0 {
		close(o.ready)
	}
}

// takeJob removes a message from the queue for a worker that took a signal: the one whose turn it
// is, or one of the least urgent class. The message keeps its place.
func (o *outlet) takeJob(leastUrgent bool) job {
	o.mu.Lock()
	defer o.mu.Unlock()
	var j job
	if leastUrgent {
		j = o.queue.popLeastUrgent()
	} else {
		j = o.queue.popFirst()
	}
	o.queued--
	o.closeIfEmpty()
	return j
}

// tryReserve reserves a place for a message of the template if more than claimSize places are
// free. That many stay free for a claim, or new messages would keep stored ones out of the
// lane. In a full lane the message may get a guestPlace.
func (l *lane) tryReserve(template string) (p place, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acquirePlaces(1, l.claimSize) == 1 {
		return lanePlace, true
	}
	return guestPlace, l.acquireGuestPlaces(template, 0, 1) == 1
}

// reserveGuests reserves up to n guestPlaces for messages of a template that found no other
// place, and returns how many it reserved. Its caller reserved the given number of places for
// others of the template, and has not put them into the queue yet.
func (l *lane) reserveGuests(template string, others, n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acquireGuestPlaces(template, others, n)
}

// acquireGuestPlaces is reserveGuests under mu.
func (l *lane) acquireGuestPlaces(template string, others, n int) int {
	if !l.isOpen {
		return 0
	}
	fair, queued := l.queue.fairShare(l.class, template, l.claimSize)
	n = max(0, min(n, l.claimSize-l.guests, fair-queued-others))
	l.guests += n
	l.queued += n
	return n
}

// reserveClaimed reserves a place for a message that a claim brought, if there is one. It
// may use places that existed at promiseClaim, even if capacity has shrunk since. claimOverdue
// brings up to Config.Batch messages without a promise, so some of them may find no place.
func (l *lane) reserveClaimed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acquirePlaces(1, min(0, l.capacity-l.promised)) == 1
}

// reserveN reserves up to n places, leaves claimSize places free, and returns how many it
// reserved. In a fast lane it waits until ctx ends for the n places, or for half of the lane
// if n is more.
func (l *lane) reserveN(ctx context.Context, n int, now time.Time) int {
	l.mu.Lock()
	l.adjustCapacity(now)
	// All places are free only in an idle lane, so it waits for half of them at most.
	want := min(n, (l.capacity-l.claimSize)/2)
	if !l.isOpen || l.capacity == l.minCapacity || len(l.waiters) == 0 && l.hasCapacity(want) {
		defer l.mu.Unlock()
		return l.acquirePlaces(n, l.claimSize)
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
	if i < 0 { // the places were granted in the same instant
		return r.places
	}
	l.waiters = slices.Delete(l.waiters, i, i+1)
	return l.acquirePlaces(n, l.claimSize)
}

// hasCapacity reports whether n places are free, and claimSize more.
func (l *lane) hasCapacity(n int) bool { return l.reserved+n+l.claimSize <= l.capacity }

// acquirePlaces reserves up to n places and returns how many it reserved. It leaves spare places
// free. A negative spare adds places beyond the capacity.
func (l *lane) acquirePlaces(n, spare int) int {
	if !l.isOpen {
		return 0
	}
	n = max(0, min(n, l.capacity-l.reserved-spare))
	l.reserved += n
	l.queued += n
	return n
}

// adjustCapacity begins a new window if the current one is over. The capacity becomes the
// number of messages that were done in rateWindow, within its bounds.
func (l *lane) adjustCapacity(now time.Time) {
	took := now.Sub(l.windowStart)
	if took < rateWindow {
		return
	}
	l.capacity = min(max(l.minCapacity, int(int64(l.doneInWindow)*int64(rateWindow)/int64(took))), max(l.minCapacity, maxCapacity))
	l.windowStart, l.doneInWindow = now, 0
	l.signalCapacity()
}

// signalCapacity wakes the claim loop if its last claim found no room and there is some now.
func (l *lane) signalCapacity() {
	if l.claimBlocked && l.capacity-l.reserved >= l.claimSize {
		l.claimBlocked = false
		l.wake()
	}
}

// enqueue puts a message into the place reserved for it. It never blocks. It reports
// whether the workers fall behind.
func (l *lane) enqueue(j job) (backlog bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j.lane = l
	l.queue.push(l.class, j)
	l.ready <- struct{}{}
	return len(l.ready) > l.workers/4
}

// cancelReservation releases a reserved place that no message comes for.
func (l *lane) cancelReservation(p place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued--
	l.closeIfEmpty()
	l.freePlace(p)
}

// releasePlace releases the place of a message that is done.
func (l *lane) releasePlace(now time.Time, p place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doneInWindow++
	l.done++
	l.adjustCapacity(now)
	l.freePlace(p)
}

// freePlace releases a place. It grants places to the first waiters, in their order, as far
// as they fit.
func (l *lane) freePlace(p place) {
	if p == guestPlace {
		l.guests--
		return
	}
	l.reserved--
	for len(l.waiters) > 0 && l.hasCapacity(l.waiters[0].places) {
		r := l.waiters[0]
		l.waiters = slices.Delete(l.waiters, 0, 1)
		l.acquirePlaces(r.places, l.claimSize)
		close(r.granted)
	}
	l.signalCapacity()
}

// maxClaim returns how many messages a claim of the lane may bring.
func (l *lane) maxClaim() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claimSize
}

// promiseClaim reports whether a claim may bring messages for the lane: claimSize places are
// free. claimScope limits the claim to the smallest claimSize of its lanes. The promise holds
// even if capacity shrinks before the messages arrive.
func (l *lane) promiseClaim() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promised = l.capacity
	l.claimBlocked = l.capacity-l.reserved < l.claimSize
	return !l.claimBlocked
}

// isStuck reports whether the lane has been full for the given time, and no message was done
// meanwhile. The claim loop calls it at each poll. A full lane that makes progress is not
// stuck: its late messages move on when a claim brings them.
func (l *lane) isStuck(now time.Time, wait time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.capacity-l.reserved >= l.claimSize || l.done != l.doneThen || l.progressAt.IsZero() {
		l.doneThen, l.progressAt = l.done, now
	}
	return now.Sub(l.progressAt) >= wait
}

// tokenDelay returns how long a worker waits before it takes a message from the queue: until a
// token of the rate limit is due within reserveAhead. Without a usable share it returns when to
// ask again. There must be a limit.
func (o *outlet) tokenDelay(now time.Time) time.Duration {
	if !o.rateShare.isUsable(now) {
		return o.rateShare.poll
	}
	missing := 1 - o.limiter.TokensAt(now)
	return max(0, time.Duration(missing/float64(o.limiter.Limit())*float64(time.Second))-reserveAhead)
}

// reserveTokens reserves as many tokens of the rate limit as the send's size, and returns how long
// the send has to wait for them. It reserves none if the delay is longer than atMost, or if the
// share is not usable: then the caller calls it again after the delay. A send that is larger
// than the burst waits for a whole burst, and later sends wait for the rest. Otherwise a large
// message that may not wait would never be sent.
func (o *outlet) reserveTokens(now time.Time, atMost time.Duration, size int) (delay time.Duration, reserved bool) {
	if o.limiter == nil {
		return 0, true
	}
	if !o.rateShare.isUsable(now) {
		return o.rateShare.poll, false
	}
	burst := o.limiter.Burst()
	r := o.limiter.ReserveN(now, min(size, burst))
	delay = r.DelayFrom(now)
	if delay > atMost {
		r.CancelAt(now)
		return delay, false
	}
	for rest := size - burst; rest > 0; rest -= burst {
		o.limiter.ReserveN(now, min(rest, burst))
	}
	return delay, true
}

// sizeOf returns what a message counts under the lane's rate limit. A message that cannot be
// rendered counts once: the send reports it.
func (o *outlet) sizeOf(content channel.Content, vars map[string]string) (size int) {
	if o.sizer == nil {
		return 1
	}
	defer func() {
		if recover() != nil { // the send reports a content or a channel that panics
			size = 1
		}
	}()
	rendered, err := content.Render(vars)
	if err != nil {
		return 1
	}
	return min(max(1, o.sizer.Size(rendered)), maxSize)
}
