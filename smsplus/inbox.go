package smsplus

import (
	"sync"
	"time"
)

const (
	// callBatch is the largest number of jobs that are taken from an inbox together, and of
	// attempts that one Query names.
	callBatch = 100
	// maxCallFailures is how many calls of a provider in a row may fail before messages no longer
	// wait for one.
	maxCallFailures = 3
)

// callRetry paces the calls of a provider whose last ones failed.
var callRetry = Retry{Base: time.Second, Max: time.Minute}

// jobInbox holds the jobs that wait for a call other than a send: to ask a provider, or to take
// an attempt back. It is bounded, and open while a Run lasts.
//
// Invariants under mu:
//   - jobs are added only while isOpen, and never to a full queue, so that addJob never blocks
//   - the queue of a run is closed once, when isOpen becomes false
type jobInbox struct {
	mu     sync.Mutex
	isOpen bool
	queue  chan job // of the latest run; nil before the first
}

// openQueue makes the queue of a run, and returns it for its goroutines to range over.
func (b *jobInbox) openQueue(size int) <-chan job {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isOpen, b.queue = true, make(chan job, size)
	return b.queue
}

// closeQueue ends the queue of a run.
func (b *jobInbox) closeQueue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isOpen = false
	close(b.queue)
}

// addJob adds a job, if the queue is open and not full. It never blocks.
func (b *jobInbox) addJob(j job) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isOpen || len(b.queue) == cap(b.queue) {
		return false
	}
	b.queue <- j
	return true
}

// takeWaiting returns a job together with others that wait in its queue, n at most.
func takeWaiting(first job, queue <-chan job, n int) []job {
	js := []job{first}
	for len(js) < n {
		select {
		case j, ok := <-queue:
			if !ok {
				return js
			}
			js = append(js, j)
		default:
			return js
		}
	}
	return js
}

// releaseJobs puts jobs back when a run ends.
func (d *Dispatcher) releaseJobs(s *runState, js []job) {
	var updates sync.WaitGroup // they share a commit
	for _, j := range js {
		updates.Go(func() { d.releaseLease(s.sending, j, d.now(), true) })
	}
	updates.Wait()
}
