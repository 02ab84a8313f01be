package smsplus

import (
	"cmp"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/smsplus/smsplus-go/channel"
)

// lane is one channel's way out of the dispatcher: its workers, the messages that
// wait for them, and its limits. Each channel has its own, so that a slow one
// holds up no other. A place in the lane is reserved before a message is claimed
// for it and given back when the message is done with; a full lane's messages stay
// in the store.
type lane struct {
	ch      channel.Channel
	name    channel.Name
	workers int
	limiter *rate.Limiter // nil: no limit
	places  int
	batch   int // how many places a claim wants to find

	mu      sync.Mutex
	isOpen  bool
	used    int      // places taken, until their messages are done with
	pending int      // places taken whose messages no worker has yet
	queue   chan job // has room for every place; closed when stopped and empty
}

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

func newLane(ch channel.Channel, c Config) *lane {
	limit := c.Limits[ch.Name()]
	l := &lane{ch: ch, name: ch.Name(), workers: cmp.Or(limit.Concurrency, defaultConcurrency)}
	l.places = l.workers + 2*c.Batch
	if limit.Rate > 0 {
		l.limiter = rate.NewLimiter(rate.Limit(limit.Rate), cmp.Or(limit.Burst, 1))
		// Nobody should wait in the lane for longer than half a lease.
		if half := limit.Rate * c.Lease.Seconds() / 2; half < float64(l.places) {
			l.places = max(1, int(half))
		}
	}
	l.batch = max(1, min(c.Batch, l.places/2))
	return l
}

// open lets messages in. It returns the queue for the workers to range over.
func (l *lane) open() <-chan job {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen = true
	l.queue = make(chan job, l.places)
	return l.queue
}

// stop lets no more messages in; the queue ends once the workers have the last.
func (l *lane) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen = false
	l.endIfEmpty()
}

func (l *lane) endIfEmpty() {
	if !l.isOpen && l.pending == 0 {
		close(l.queue)
	}
}

// reserve takes a place, unless the lane is closed or has no more than those to spare.
func (l *lane) reserve(spare int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isOpen || l.used+spare >= l.places {
		return false
	}
	l.used++
	l.pending++
	return true
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
	l.release()
}

// release gives a place back. It reports whether there is now just the room that a
// claim waits for.
func (l *lane) release() (roomy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used--
	return l.places-l.used == l.batch
}

// roomy reports whether a claim may bring a batch for the lane.
func (l *lane) roomy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places-l.used >= l.batch
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
