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
	ch      channel.Channel
	name    channel.Name
	workers int
	limiter *rate.Limiter // nil: no limit
	least   int           // places
	batch   int           // how many places a claim wants to find
	nudge   func()        // tells that there is room for a claim

	mu      sync.Mutex
	isOpen  bool
	places  int
	pledged int       // places that there were when a claim was promised room
	wanted  bool      // a claim found no room
	used    int       // places taken, until their messages are done with
	pending int       // places taken whose messages no worker has yet
	queue   chan job  // has room for every place; closed when stopped and empty
	since   time.Time // when the present pace began
	done    int       // places given back in it
	waiting []*room   // for places, the first come first
}

// room is what somebody waits for who has many messages.
type room struct {
	places int
	given  chan struct{} // closed when they are taken for it
}

const (
	// pace is what a lane that is fast holds: nobody waits in it for much longer.
	pace = 250 * time.Millisecond
	// mostPlaces bounds what a lane holds in memory, however fast it is.
	mostPlaces = 8192
	// roomWait is how long somebody who has many messages waits for room in a lane
	// that is fast.
	roomWait = 100 * time.Millisecond
)

// job is a claimed message on its way to a channel.
type job struct {
	*Message
	step  int
	lease time.Time // its end
	// doubt says that this step may have been sent before, and nobody knows.
	doubt bool
	// look are the names under which to look at what is parked once the message is
	// stored: of receipts that it has taken in, or that could not find it before.
	look []channel.Ref
	// before is what the message said when it was claimed; nil without an Observer.
	before *Message
}

func newLane(ch channel.Channel, c Config, nudge func()) *lane {
	limit := c.Limits[ch.Name()]
	l := &lane{ch: ch, name: ch.Name(), nudge: nudge, workers: cmp.Or(limit.Concurrency, defaultConcurrency)}
	l.least = l.workers + 2*c.Batch
	if limit.Rate > 0 {
		l.limiter = rate.NewLimiter(rate.Limit(limit.Rate), cmp.Or(limit.Burst, 1))
		// Nobody should wait in the lane for longer than half a lease.
		if half := limit.Rate * c.Lease.Seconds() / 2; half < float64(l.least) {
			l.least = max(1, int(half))
		}
	}
	l.places = l.least
	l.batch = max(1, min(c.Batch, l.least/2))
	return l
}

// open lets messages in. It returns the queue for the workers to range over.
func (l *lane) open() <-chan job {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen = true
	l.queue = make(chan job, max(l.least, mostPlaces))
	return l.queue
}

// stop lets no more messages in; the queue ends once the workers have the last.
func (l *lane) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen = false
	for _, r := range l.waiting {
		r.places = 0
		close(r.given)
	}
	l.waiting = nil
	l.endIfEmpty()
}

func (l *lane) endIfEmpty() {
	if !l.isOpen && l.pending == 0 {
		close(l.queue)
	}
}

// reserve takes a place besides a claim's, if there is one.
func (l *lane) reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(1, l.batch) == 1
}

// admit takes a place for a message that a claim brought, if there is one: also of those
// that there were when the claim was promised room.
func (l *lane) admit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(1, min(0, l.places-l.pledged)) == 1
}

// reserveMany takes as many of n places as there are besides a claim's, and returns how
// many. While the lane is fast it waits for them until ctx ends.
func (l *lane) reserveMany(ctx context.Context, n int, now time.Time) int {
	l.mu.Lock()
	l.keepPace(now)
	// Half of the places at most: to wait for all would be to wait until the lane is idle.
	want := min(n, (l.places-l.batch)/2)
	if !l.isOpen || l.places == l.least || len(l.waiting) == 0 && l.fits(want) {
		defer l.mu.Unlock()
		return l.take(n, l.batch)
	}
	r := &room{want, make(chan struct{})}
	l.waiting = append(l.waiting, r)
	l.mu.Unlock()

	select {
	case <-r.given:
		return r.places
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, r)
	if i < 0 { // they were given in the same instant
		return r.places
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	return l.take(n, l.batch)
}

// fits reports whether there are n places besides a claim's.
func (l *lane) fits(n int) bool { return l.used+n+l.batch <= l.places }

// take takes as many of n places as there are besides those to spare.
func (l *lane) take(n, spare int) int {
	if !l.isOpen {
		return 0
	}
	n = max(0, min(n, l.places-l.used-spare))
	l.used += n
	l.pending += n
	return n
}

// keepPace ends a pace that is over: the lane has as many places as it gave back in it.
func (l *lane) keepPace(now time.Time) {
	took := now.Sub(l.since)
	if took < pace {
		return
	}
	l.places = min(max(l.least, int(int64(l.done)*int64(pace)/int64(took))), max(l.least, mostPlaces))
	l.since, l.done = now, 0
	l.tellRoom()
}

// tellRoom tells of room for a claim that found none.
func (l *lane) tellRoom() {
	if l.wanted && l.places-l.used >= l.batch {
		l.wanted = false
		l.nudge()
	}
}

// push puts a message into the place reserved for it. It never blocks, and reports
// whether messages are waiting there.
func (l *lane) push(j job) (backlog bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue <- j
	return len(l.queue) > l.workers/4
}

// picked says that a worker has a message, or that none will come for a reserved place.
func (l *lane) picked() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending--
	l.endIfEmpty()
}

// giveUp gives back a reserved place that no message comes for.
func (l *lane) giveUp() {
	l.picked()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free()
}

// release gives back the place of a message that is done with.
func (l *lane) release(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	l.keepPace(now)
	l.free()
}

// free gives back a place, and what fits then to those who wait for it.
func (l *lane) free() {
	l.used--
	for len(l.waiting) > 0 && l.fits(l.waiting[0].places) {
		r := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.take(r.places, l.batch)
		close(r.given)
	}
	l.tellRoom()
}

// promise reports whether a claim may bring a batch for the lane. The lane keeps to
// it, though it may become slower before the batch is there.
func (l *lane) promise() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pledged = l.places
	l.wanted = l.places-l.used < l.batch
	return !l.wanted
}

// delay returns how long a send has to wait for its turn under the rate limit. The
// turn is taken unless that is more than atMost.
func (l *lane) delay(now time.Time, atMost time.Duration) time.Duration {
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
